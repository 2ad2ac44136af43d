//! What the tests share: plugins built by cargo, runtimes over them, scripts in temporary folders.

mod build;
mod output;
mod world;

pub use build::{build_standalone, command, plugin_folder};
pub use output::Output;
pub use world::World;
