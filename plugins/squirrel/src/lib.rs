//! Squirrel 3 for calog.
//!
//! Dropped into a `plugins` folder, this library runs `.nut` scripts among those of other languages:
//!
//! ```squirrel
//! local users = calog.import("users")          // a module of any language
//! local found = users.find({ name = "Ada" })   // runs on its own thread, returns here
//! print(found.len() + "\n")
//! return { count = @() found.len() }           // exported to everybody
//! ```
//!
//! Where things are: `context` is what the host talks to; `task` runs code on threads of Squirrel;
//! `convert` carries values both ways, `functions` and `objects` what crosses by reference, `errors`
//! what goes wrong and `trace` where; `calls` ends every call out of Squirrel; `natives` and `library`
//! are what scripts find. All `unsafe` is in `ffi`; the C++ source comes from a crate, and `build.rs`
//! says how it is changed.

#![deny(unsafe_code)]

mod calls;
mod context;
mod convert;
mod core;
mod errors;
#[allow(unsafe_code)]
mod ffi;
mod functions;
mod library;
mod natives;
mod objects;
mod task;
mod trace;
mod wrappers;

#[cfg(test)]
mod tests;

use calog_plugin_api::{ContextOptions, Engine, Host, Result, RuntimeHandle, View};

pub use context::SquirrelContext;

/// The plugin's entry. Off in programs that link the engine in.
#[cfg(feature = "plugin")]
#[allow(unsafe_code)]
mod plugin {
    use super::Squirrel;
    calog_plugin_api::export_plugin! { engine: Squirrel }
}

/// The language: opens contexts, and has nothing to share between them.
pub struct Squirrel;

impl Engine for Squirrel {
    const NAME: &'static str = "squirrel";
    const EXTENSIONS: &'static [&'static str] = &["nut"];
    type Context = SquirrelContext;

    fn validate(config: View<'_>) -> Result<()> {
        // There is nothing to set yet.
        calog_plugin_api::Section::new(config)?.finish()
    }

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Squirrel> {
        Ok(Squirrel)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<SquirrelContext> {
        SquirrelContext::open(host, options)
    }
}
