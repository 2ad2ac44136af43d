//! What contexts meet at, by name: the bundle `sync`.
//!
//! | native | gives |
//! | --- | --- |
//! | `sync.Atomic(name, initial = 0)` | a counter: `add`, `get`, `set` |
//! | `sync.Shared(name, initial)` | a variable: `get`, `set`, `update` |
//! | `sync.WaitGroup(name)` | a count that can be waited for: `add`, `done`, `wait` |
//! | `sync.Queue(name, maxsize = 0)` | a queue: `put`, `get`, `try_put`, `try_get`, `size`, `close` |
//!
//! Each kind has its own names, which last as long as the runtime; who names first decides the initial
//! value or the size. The same name always gives the same Object. `docs/sync.md` is for those who
//! write scripts.
//!
//! `[natives.sync]` in `calog.toml` may say how many names of a kind there are at most: `max_names`.
//!
//! Invariants: no wait holds a thread; who waited first is served first; a wait that is cancelled
//! takes nothing and gives nothing; no lock is held while anybody else's code runs.
//!
//! | module | holds |
//! | --- | --- |
//! | `names` | the name spaces of one runtime |
//! | `handle` | the Object around a primitive: its methods are typed natives |
//! | `atomic`, `shared`, `waitgroup`, `queue` | the primitives |
//! | `line` | those who wait, in order |
//! | `chain` | which updates a call is made within |
//! | `locks` | where threads meet |
#![forbid(unsafe_code)]

mod atomic;
mod chain;
mod handle;
mod line;
mod locks;
mod names;
mod queue;
mod shared;
mod waitgroup;

use std::sync::Arc;

use calog_plugin_api::prelude::*;

use names::Names;

#[cfg(feature = "plugin")]
export_plugin! { bundle: sync }

/// The bundle. What is named lives in it, so each runtime has names of its own.
pub fn sync() -> Bundle {
    let names = Arc::new(Names::default());
    let [atomic, shared, group, queue, boot, reload, end] = std::array::from_fn(|_| Arc::clone(&names));
    Bundle::new("sync")
        .function("Atomic", move |name: &[u8], initial: i64| atomic.atomic(name, initial))
        .params(["name", "initial = 0"])
        .returns("object")
        .doc("The counter of this name; a new one begins at `initial`.")
        .function("Shared", move |name: &[u8], initial: Value| shared.shared(name, initial))
        .params(["name", "initial"])
        .returns("object")
        .doc("The variable of this name; a new one holds `initial`.")
        .function("WaitGroup", move |name: &[u8]| group.wait_group(name))
        .params(["name"])
        .returns("object")
        .doc("The wait group of this name; a new one is at zero.")
        .function("Queue", move |name: &[u8], size: i64| queue.queue(name, queue_size(size)?))
        .params(["name", "maxsize = 0"])
        .returns("object")
        .doc("The queue of this name; a new one holds at most `maxsize` items, or any number if that is 0.")
        .validate(|config| max_names(config).map(drop))
        // Before those who might name something.
        .boot(priority::EARLY, move |_, config| {
            boot.bound(max_names(config)?);
            Ok(())
        })
        .reload(priority::EARLY, move |config| {
            reload.bound(max_names(config)?);
            Ok(())
        })
        .shutdown(priority::NORMAL, move || {
            end.clear();
            Ok(())
        })
}

/// How many names of one kind there may be, unless `max_names` says otherwise: no program means to have so
/// many, but one that makes names from what it is sent may come to it.
const MAX_NAMES: usize = 1 << 20;

/// The section `[natives.sync]`.
fn max_names(config: View<'_>) -> Result<usize> {
    let section = Section::new(config)?;
    let max = section.int("max_names", 1..)?;
    section.finish()?;
    Ok(max.and_then(|max| usize::try_from(max).ok()).unwrap_or(MAX_NAMES))
}

/// How many items a queue may hold; `None` is any number.
fn queue_size(size: i64) -> Result<Option<usize>> {
    let wrong = |_| Error::new(Code::Range, format!("sync.Queue: argument 2 'maxsize': wanted 0 or more, got {size}"));
    usize::try_from(size).map(|size| (size > 0).then_some(size)).map_err(wrong)
}

#[cfg(all(test, calog_model = "shuttle"))]
mod models;
#[cfg(test)]
mod tests;
