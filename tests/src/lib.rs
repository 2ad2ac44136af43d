//! What the tests share: plugins built by cargo, runtimes over them, the command, scripts in
//! temporary folders.

mod alone;
mod build;
mod command;
mod folder;
mod footprint;
mod output;
mod world;

pub use alone::run_alone;
pub use build::{build_standalone, command, plugin_folder, root};
pub use command::{Calog, Ran, Running};
pub use folder::Folder;
pub use footprint::{Footprint, resident_kib};
pub use output::Output;
pub use world::World;
