//! BASIC for calog: an interpreter of its own for a dialect of MY-BASIC.
//!
//! Dropped into a `plugins` folder, this library runs `.bas` scripts among those of other languages:
//!
//! ```text
//! users = calog.import("users")          ' a module of any language
//! found = users.find("Ada")              ' runs on its own thread, returns here
//! DEF count()
//!   RETURN LEN(found)
//! ENDDEF
//! calog.export("count", count)           ' for everybody
//! TRY
//!   users.find(NIL)
//! CATCH e
//!   PRINT e("code"), " ", e("message");
//! ENDTRY
//! ```
//!
//! Where things are: `syntax` makes a tree of a text, `compile` makes code of the tree, `run` runs it;
//! `value` is what the code works on. `context` is what the host talks to, `task` keeps what waits,
//! `convert`, `functions` and `foreign` carry values, routines and what is not BASIC's own across.
//! `docs/basic.md` describes the language.

#![deny(unsafe_code)]

mod builtin;
mod compile;
mod context;
mod convert;
mod core;
mod fault;
mod foreign;
mod functions;
mod input;
mod memory;
mod names;
mod number;
mod random;
mod run;
mod syntax;
mod task;
mod value;

#[cfg(test)]
mod tests;

use calog_plugin_api::{ContextOptions, Engine, Host, Result, RuntimeHandle, View};

pub use context::BasicContext;

/// The plugin's entry. Off in programs that link the engine in.
#[cfg(feature = "plugin")]
#[allow(unsafe_code)]
mod plugin {
    use super::Basic;
    calog_plugin_api::export_plugin! { engine: Basic }
}

/// The language: opens contexts, and has nothing to share between them.
pub struct Basic;

impl Engine for Basic {
    const NAME: &'static str = "basic";
    const EXTENSIONS: &'static [&'static str] = &["bas"];
    type Context = BasicContext;

    fn validate(config: View<'_>) -> Result<()> {
        // There is nothing to set yet.
        calog_plugin_api::Section::new(config)?.finish()
    }

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Basic> {
        Ok(Basic)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<BasicContext> {
        BasicContext::open(host, options)
    }
}
