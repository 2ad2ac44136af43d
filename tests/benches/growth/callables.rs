//! Functions of a script that others hold.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calog::plugin_api::{Args, CallInfo, Outcome};
use calog::{Callable, ContextRef, Function, Open, Result, Runtime, Value};
use parking_lot::Mutex;

use crate::series::Series;
use crate::stage::{add, best, builder, int, open, runtime, timed};

const SIZES: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// The first is called without any others.
const ALIVE: [u64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Calls in a round.
const CALLS: u64 = 5_000;

/// Functions in a round, at least.
const FUNCTIONS: u64 = 5_000;

const SCRIPT: &str = "
    local made = 0
    local function number(n) return function() return n end end
    return {
        give = function(n) for i = 1, n do made = made + 1 bench.keep(number(made)) end end,
        call = function(n) bench.call(n) end,
        sum = function(n) local sum = 0 for i = 1, n do sum = bench.add(sum, i) end return sum end,
    }
";

/// A program that keeps what it is given.
struct Stage {
    runtime: Runtime,
    lua: ContextRef,
    kept: Arc<Mutex<Vec<Callable>>>,
}

impl Stage {
    fn new() -> Stage {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&kept);
        let keep = Function::new("bench.keep", move |function: Callable| keep.lock().push(function));
        let called = Arc::clone(&kept);
        let call = Function::new("bench.call", move |info: &CallInfo, times: i64| call_among(&called, info, times));
        let runtime = runtime(builder().inline_native(keep).inline_native(call).inline_native(add()));
        let lua = open(&runtime, Open::source("lua", SCRIPT).thread("shared"));
        Stage { runtime, lua, kept }
    }

    fn give(&self, count: u64) -> Duration {
        timed(&self.runtime, &self.lua, "give", &[int(count)])
    }

    /// Drops all but so many; over when their owner has let go of them.
    fn drop_to(&self, count: usize) -> Duration {
        let start = Instant::now();
        let rest = self.kept.lock().split_off(count);
        drop(rest);
        // What was dropped is let go of in the order of the mailbox.
        timed(&self.runtime, &self.lua, "sum", &[int(1)]);
        start.elapsed()
    }
}

/// Calls so many of those that are kept, all over, on the thread of their owner.
fn call_among(kept: &Mutex<Vec<Callable>>, info: &CallInfo, times: i64) -> Result<()> {
    let kept = kept.lock();
    let step = (kept.len() / 97).max(1);
    for at in 0..usize::try_from(times).unwrap_or_default() {
        let at = at * step % kept.len();
        match kept[at].call(info, Args::new(&[])) {
            Outcome::Ready(value) => assert_eq!(value, Value::Int(at as i64 + 1)),
            Outcome::Failed(error) => return Err(error),
            Outcome::Pending(_) => panic!("a function that only returns does not wait"),
        }
    }
    Ok(())
}

/// A call of one of them by a native on their thread, while so many are alive.
pub(crate) fn called_among() -> Series {
    let stage = Stage::new();
    Series::measure("a call of a function, with so many alive", &ALIVE, |size| {
        let alive = stage.kept.lock().len() as u64;
        stage.give(size - alive);
        best(CALLS, || timed(&stage.runtime, &stage.lua, "call", &[int(CALLS)]))
    })
}

/// A function that is given away and dropped again, in bulks of so many.
pub(crate) fn made_and_dropped() -> Series {
    let stage = Stage::new();
    Series::measure("a function given away and dropped, so many at once", &SIZES, |size| {
        let times = (FUNCTIONS / size).max(1);
        best(size * times, || (0..times).map(|_| stage.give(size) + stage.drop_to(0)).sum())
    })
}
