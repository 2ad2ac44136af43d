//! What the tests share: plugins built by cargo, runtimes over them, the languages as data, what
//! scripts wait for, the command, scripts in temporary folders.

mod actor;
mod alone;
mod asked;
mod build;
mod command;
pub mod conformance;
mod ended;
mod endless;
mod folder;
mod footprint;
mod gates;
mod header;
mod output;
mod page;
pub mod stage;
mod world;

pub use actor::{LANGUAGES, Language, Scene, THREADS, every_language, every_pair, field, function};
pub use alone::run_alone;
pub use asked::{Asked, SAFETY_NET};
pub use build::{build_standalone, command, plugin_folder, root};
pub use command::{Calog, Ran, Running};
pub use ended::{NEVER_ENDED, ended, guarded};
pub use endless::{Endless, deaf, endless, script};
pub use folder::Folder;
pub use footprint::{Footprint, resident_kib};
pub use gates::{Gate, Gates};
pub use header::with_header;
pub use output::Output;
pub use page::rewrite_part;
pub use world::World;
