//! calog: one application in several scripting languages.
//!
//! Scripts of different languages call each other's functions, pass functions as values, and share
//! natives that were written once. Every language and every bundle of natives is a plugin; see
//! `calog-plugin-api` for how they are written. A program embeds the broker like this:
//!
//! ```
//! use calog::{Function, Open, Runtime, SearchPath, Value};
//!
//! let runtime = Runtime::builder()
//!     .plugins(SearchPath::standard(&[], &[]))
//!     .native(Function::new("greet", |name: &str| format!("Hello, {name}!")).params(["name"]))
//!     .build()?;
//! if runtime.engine_for("hello.lua".as_ref()).is_ok() {
//!     let context = runtime.open(Open::source("lua", "return { hello = function() return greet('Ada') end }"))?;
//!     runtime.wait_for(&context)?;
//!     assert_eq!(runtime.call_export(&context, "hello", &[])?, Value::from("Hello, Ada!"));
//! }
//! # Ok::<(), calog::Error>(())
//! ```
//!
//! The map of the crate: [`Runtime`] is the front door. Behind it `core` is what all threads share,
//! `worker` a thread at work, `context` and `local` a context as all threads and as its own see it,
//! `mailbox` and `envelope` the only way between threads, `plugins` where engines come from.

mod builtin;
mod cancel;
mod configuration;
mod context;
mod core;
mod engines;
mod envelope;
mod exports;
mod function;
mod host_handle;
mod ids;
mod interrupt;
mod joining;
pub mod limits;
mod liveness;
mod local;
mod lost;
mod mailbox;
pub mod manifest;
#[cfg(all(test, any(calog_model = "shuttle", calog_model = "loom")))]
mod models;
mod modules;
mod natives;
mod object;
mod opening;
mod output;
pub mod plugins;
mod pool;
pub mod providers;
pub mod report;
mod restarting;
mod runtime;
mod runtime_handle;
mod stuck;
mod surroundings;
mod sync;
mod thread;
mod timers;
mod vigil;
mod waits;
mod worker;

pub use calog_plugin_api::{
    self as plugin_api, Bundle, Callable, Code, Error, Frame, Function, Result, RuntimeHandle, Value,
};
pub use configuration::Configuration;
pub use ids::ContextId;
pub use opening::Open;
pub use plugins::{Catalog, SearchPath};
pub use runtime::{
    CLOSE_LIMIT, Checked, Closed, ContextRef, Ended, ErrorHandler, LeftOut, Lost, Reloader, Runtime, RuntimeBuilder,
    Stopper,
};
pub use stuck::Waiting;
pub use surroundings::Surroundings;

/// The code of the page compiles and runs.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/lifecycle.md")]
    struct Lifecycle;
}
