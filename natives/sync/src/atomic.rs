//! `sync.Atomic`: a counter of 64 bits that wraps around. No lock is taken.

use std::sync::Arc;

use calog_plugin_api::{Function, Result};

use crate::handle::Handle;
use crate::locks::atomic::{AtomicI64, Ordering};

/// ORDERING: sequentially consistent, the order that a script's author takes for granted: what was
/// done before a change is seen by who sees the change, and all see changes of several counters in
/// one order.
const ORDER: Ordering = Ordering::SeqCst;

/// The Object of a new counter.
pub(crate) fn handle(name: &str, initial: i64) -> Result<Handle> {
    let counter = Arc::new(AtomicI64::new(initial));
    let [add, get, set] = std::array::from_fn(|_| Arc::clone(&counter));
    let add = Function::new("atomic.add", move |delta: i64| add.fetch_add(delta, ORDER).wrapping_add(delta))
        .params(["delta = 1"])
        .returns("int")
        .doc("Adds, and gives the new value; wraps around at 64 bits.");
    let get = Function::new("atomic.get", move || get.load(ORDER)).returns("int").doc("The value.");
    let set =
        Function::new("atomic.set", move |value: i64| set.store(value, ORDER)).params(["value"]).doc("Sets the value.");
    Handle::new("atomic", name, [("add", add), ("get", get), ("set", set)])
}
