//! Lua 5.4 for calog.
//!
//! Dropped into a `plugins` folder, this library runs `.lua` scripts among those of other languages:
//!
//! ```lua
//! local users = require "users"              -- a module of any language
//! local found = users.find({ name = "Ada" }) -- runs on its own thread, returns here
//! print(#found, calog.self().name)
//! return { count = function() return #found end } -- exported to everybody
//! ```
//!
//! Where things are: `context` is what the host talks to; `task` runs code as coroutines; `convert`
//! carries values both ways, `functions` and `objects` what crosses by reference, `errors` what goes
//! wrong; `calls` ends every call out of Lua; `natives`, `library` and `modules` are what scripts
//! find. All `unsafe` is in `ffi`.

#![deny(unsafe_code)]

mod calls;
mod context;
mod convert;
mod core;
mod errors;
#[allow(unsafe_code)]
mod ffi;
mod functions;
mod guards;
mod library;
mod modules;
mod natives;
mod objects;
mod task;

#[cfg(test)]
mod tests;

use calog_plugin_api::{ContextOptions, Engine, Host, Result, RuntimeHandle, View};

pub use context::LuaContext;

/// The plugin's entry. Off in programs that link the engine in.
#[cfg(feature = "plugin")]
#[allow(unsafe_code)]
mod plugin {
    use super::Lua;
    calog_plugin_api::export_plugin! { engine: Lua }
}

/// The language: opens contexts, and has nothing to share between them.
pub struct Lua;

impl Engine for Lua {
    const NAME: &'static str = "lua";
    const EXTENSIONS: &'static [&'static str] = &["lua"];
    type Context = LuaContext;

    fn validate(config: View<'_>) -> Result<()> {
        // There is nothing to set yet.
        calog_plugin_api::Section::new(config)?.finish()
    }

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Lua> {
        Ok(Lua)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<LuaContext> {
        LuaContext::open(host, options)
    }
}
