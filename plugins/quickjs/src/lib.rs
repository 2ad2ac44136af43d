//! JavaScript for calog: QuickJS contexts behind the engine contract.
//!
//! One [`QuickJs`] a runtime, one interpreter a script. The modules:
//!
//! - `context` is what the host calls: load, call, resume, release;
//! - `realm` is what one interpreter keeps, and nothing holds a borrow of it while calling out;
//! - `evaluate`, `modules`: main chunks and what they import; `promises`, `jobs`: what waits, and who
//!   runs the microtasks;
//! - `functions`, `objects`, `natives`, `globals`: what scripts hold and find; `errors`, `stack`: what they catch;
//! - `ffi` is the raw C API, with values in both directions on the hot path, and all `unsafe` there is.

mod context;
mod errors;
mod evaluate;
mod ffi;
mod functions;
mod globals;
mod jobs;
mod modules;
mod natives;
mod objects;
mod promises;
mod realm;
mod stack;

#[cfg(test)]
mod tests;

// What the tests of this crate share names it as those do that lie outside.
#[cfg(test)]
extern crate self as calog_engine_quickjs;

use calog_plugin_api::prelude::*;

pub use context::Interpreter;

#[cfg(feature = "plugin")]
calog_plugin_api::export_plugin! { engine: QuickJs }

/// The engine: opens interpreters and holds nothing else.
pub struct QuickJs;

impl Engine for QuickJs {
    const NAME: &'static str = "quickjs";
    const LANGUAGE: &'static str = "javascript";
    const EXTENSIONS: &'static [&'static str] = &["js", "mjs"];

    type Context = Interpreter;

    fn validate(config: View<'_>) -> Result<()> {
        // There is nothing to set yet.
        calog_plugin_api::Section::new(config)?.finish()
    }

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<QuickJs> {
        Ok(QuickJs)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Interpreter> {
        Interpreter::open(host, options)
    }
}
