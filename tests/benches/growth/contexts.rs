//! Calls, beside many contexts that are open and idle.

use calog::{ContextRef, Open, Runtime, Value};

use crate::series::Series;
use crate::stage::{best, builder, function, int, open, runtime, timed};

const SIZES: [u64; 5] = [1, 10, 100, 1_000, 10_000];

/// Calls in a round.
const CALLS: u64 = 5_000;

const CALLER: &str = "return { call = function(f, n) local r = 0 for i = 1, n do r = f(r, 1) end return r end }";

const CALLEE: &str = "export function add(a, b) { return a + b }";

/// A call from Lua to JavaScript on one thread, which all the others share.
pub(crate) fn on_one_thread() -> Series {
    let on = |open: Open| open.thread("shared");
    series("a call on a thread that so many contexts share", on)
}

/// A call between two threads, where every context has one.
pub(crate) fn on_threads_of_their_own() -> Series {
    series("a call between threads, with so many contexts open", |open| open)
}

fn series(what: &'static str, on: impl Fn(Open) -> Open) -> Series {
    let runtime = runtime(builder());
    let lua = open(&runtime, on(Open::source("lua", CALLER)));
    let javascript = open(&runtime, on(Open::source("javascript", CALLEE)));
    let mut idle: Vec<ContextRef> = Vec::new();
    let series = Series::measure(what, &SIZES, |size| {
        idle.extend((idle.len()..size as usize).map(|_| open(&runtime, on(Open::source("lua", "")))));
        best(CALLS, || call(&runtime, &lua, &javascript))
    });
    drop(idle);
    runtime.close(std::time::Duration::from_secs(60));
    series
}

fn call(runtime: &Runtime, lua: &ContextRef, javascript: &ContextRef) -> std::time::Duration {
    let add = Value::Callable(function(javascript, "add"));
    timed(runtime, lua, "call", &[add, int(CALLS)])
}
