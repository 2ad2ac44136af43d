//! calog's one contract: what engines and natives are written against, and what crosses between
//! them and the host.
//!
//! A whole engine, as its author writes it: a language whose every program is a sum.
//!
//! ```
//! #![forbid(unsafe_code)]
//! use calog_plugin_api::prelude::*;
//! use std::cell::RefCell;
//!
//! export_plugin! { engine: Tally }
//!
//! /// One per runtime. It opens contexts and holds nothing else.
//! struct Tally;
//!
//! impl Engine for Tally {
//!     const NAME: &'static str = "tally";
//!     const EXTENSIONS: &'static [&'static str] = &["tly"];
//!     type Context = Sum;
//!
//!     fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Tally> {
//!         Ok(Tally)
//!     }
//!
//!     fn open(&self, host: Host, _options: &ContextOptions) -> Result<Sum> {
//!         Ok(Sum { host, terms: RefCell::default() })
//!     }
//! }
//!
//! /// One per script. It never leaves its thread.
//! struct Sum {
//!     host: Host,
//!     terms: RefCell<Vec<i64>>,
//! }
//!
//! impl Context for Sum {
//!     /// A program is a list of integers, one a line. It exports `total`.
//!     fn load(&self, source: Source<'_>) -> Step {
//!         Step::Done((|| {
//!             for (line, text) in source.lines()? {
//!                 let term = text.trim().parse().map_err(|error| source.error_at(line, error))?;
//!                 self.terms.borrow_mut().push(term);
//!             }
//!             let (total, _key) = self.host.function(None)?;
//!             Value::map([("total", total)])
//!         })())
//!     }
//!
//!     /// `total()` gives the sum; `total(watcher)` calls a function of any language with it.
//!     fn call(&self, _function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
//!         let total = Value::Int(self.terms.borrow().iter().sum());
//!         match args.get(0).as_callable() {
//!             None => Step::Done(Ok(total)),
//!             // The watcher may call us back before it returns: no borrow is held here.
//!             Some(watcher) => Step::Done(match watcher.call(info, Args::new(&[total.view()])) {
//!                 Outcome::Ready(value) => Ok(value),
//!                 Outcome::Failed(error) => Err(error),
//!                 Outcome::Pending(completion) => self.host.wait(completion, info),
//!             }),
//!         }
//!     }
//!
//!     fn release(&self, _function: FunctionKey) {}
//! }
//! # fn main() {}
//! ```
//!
//! Built as a `cdylib` with this crate as its one dependency and dropped into a `plugins` folder,
//! that is a language among the others. Natives are shorter still: see [`Bundle`]. The guides are
//! `docs/write-an-engine.md`, `docs/write-natives.md` and, for what may change when, `docs/abi.md`.

// Without the host's half, what only the host names is unused; plugin authors need not hear of it.
#![cfg_attr(not(feature = "host"), allow(unreachable_pub, unused_imports, dead_code))]

mod abi;
mod bundle;
mod callee;
mod completion;
mod descriptor;
mod duration;
mod engine;
mod error;
mod export;
mod function;
pub mod header;
mod keys;
mod lifecycle;
mod log;
#[cfg(feature = "mock")]
pub mod mock;
mod section;
mod sync;
mod value;

#[doc(hidden)]
pub use export::__private;

pub use abi::{
    ABI_VERSION, AbiVersion, Access, Args, CallInfo, Callable, CallableType, CancelToken, Derived, Facts, Hook, Host,
    Identity, KeepAlive, KeptInfo, Native, NativeType, Object, ObjectType, Outcome, RuntimeHandle,
};
pub use bundle::{Bundle, MakeBundle, priority};
pub use callee::Callee;
pub use completion::{Canceller, Completion, Finisher};
pub use descriptor::{Descriptor, Param};
pub use duration::Milliseconds;
pub use engine::{
    Context, ContextOptions, Engine, FunctionKey, ObjectKey, Source, SourceMode, Step, TaskKey, Threading, WaitKey,
};
pub use error::{Code, Error, Frame, MAX_FRAMES, Result};
pub use function::{Answer, Argument, Cursor, Function, Rest, TypedClosure};
pub use keys::{ByKey, KeyMap};
pub use lifecycle::{Lifecycle, Restart, RestartWhen};
pub use log::Level;
pub use section::Section;
pub use value::{
    Aggregate, AggregateView, Builder, Elements, FromView, Index, Kind, MAX_BLOCK_BYTES, MAX_DEPTH, MAX_STRING_BYTES,
    Pair, Pairs, Shape, Str, VALUE_FORMAT, Value, View, from_value, to_value,
};

/// The guides' code compiles.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../docs/write-an-engine.md")]
    struct WriteAnEngine;
    #[doc = include_str!("../../docs/write-natives.md")]
    struct WriteNatives;
}

/// The host's half: making the handles that plugins hold, and opening plugins.
#[cfg(feature = "host")]
pub mod host_side {
    pub use crate::abi::{
        BundleEntry, BundleHandle, Callback, CancelType, ContextHandle, EngineDescription, EngineEntry, EngineHandle,
        Entered, HostType, LoadedPlugin, PluginTable, RuntimeType, STOP_CONTEXT, STOP_TASK, open_root,
    };
    pub use crate::completion::promise;
}

/// Everything that an engine or a bundle usually names.
pub mod prelude {
    pub use crate::{
        Args, Builder, Bundle, CallInfo, Callable, CancelToken, Canceller, Code, Completion, Context, ContextOptions,
        Descriptor, Engine, Error, Finisher, Frame, FunctionKey, Host, KeptInfo, Kind, Level, Lifecycle, Object,
        ObjectKey, ObjectType, Outcome, Rest, Restart, RestartWhen, Result, RuntimeHandle, Section, Shape, Source,
        SourceMode, Step, Str, TaskKey, Value, View, WaitKey, export_plugin, priority,
    };
}
