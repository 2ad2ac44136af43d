//! What the tests share: plugins built by cargo, runtimes over them, the command, scripts in
//! temporary folders.

mod build;
mod command;
mod folder;
mod output;
mod world;

pub use build::{build_standalone, command, plugin_folder, root};
pub use command::{Calog, Ran, Running};
pub use folder::Folder;
pub use output::Output;
pub use world::World;
