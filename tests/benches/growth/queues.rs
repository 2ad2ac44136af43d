//! What waits: items in a named queue, calls in a mailbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calog::{Function, Open};
use calog_tests::Asked;
use parking_lot::{Condvar, Mutex};

use crate::series::Series;
use crate::stage::{best, builder, function, info, int, open, runtime, timed};

const SIZES: [u64; 6] = [10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Items in a round.
const ITEMS: u64 = 5_000;

/// Calls in a round, at least.
const CALLS: u64 = 5_000;

/// An item put and one taken, while so many are in the queue.
pub(crate) fn items() -> Series {
    let script = "
        local q, length = sync.Queue('q'), 0
        return {
            fill = function(n) for i = length + 1, n do q.put(i) end length = n end,
            turn = function(n) for i = 1, n do q.put(i) q.get() end end,
        }";
    let runtime = runtime(builder());
    let lua = open(&runtime, Open::source("lua", script));
    Series::measure("an item put and taken, with so many in the queue", &SIZES, |size| {
        timed(&runtime, &lua, "fill", &[int(size)]);
        best(ITEMS, || timed(&runtime, &lua, "turn", &[int(ITEMS)]))
    })
}

/// A call that is put into a mailbox where so many come together, and served.
pub(crate) fn waiting_calls() -> Series {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let own = Arc::clone(&gate);
    let hold = Function::new("bench.hold", move || own.1.wait_while(&mut own.0.lock(), |open| !*open));
    let runtime = runtime(builder().inline_native(hold));
    let script = "return { hold = function() bench.hold() end, one = function() return 1 end }";
    let lua = open(&runtime, Open::source("lua", script));
    let (hold, one, info) = (function(&lua, "hold"), function(&lua, "one"), info(&runtime));
    let round = |size: u64| {
        *gate.0.lock() = false;
        let held = Asked::of(&hold, &info, &[]);
        let start = Instant::now();
        let asked: Vec<Asked> = (0..size).map(|_| Asked::of(&one, &info, &[])).collect();
        *gate.0.lock() = true;
        gate.1.notify_all();
        // One thread answers them in their order.
        for asked in [&held].into_iter().chain(&asked) {
            while !asked.is_answered() {
                runtime.pump_until(|| asked.is_answered(), Duration::from_micros(50));
            }
        }
        start.elapsed()
    };
    Series::measure("a call that waits in a mailbox with so many", &SIZES, |size| {
        let times = (CALLS / size).max(1);
        best(size * times, || (0..times).map(|_| round(size)).sum())
    })
}
