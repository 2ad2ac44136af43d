//! P11: very many sleeping tasks in one Lua context. What one takes is read while all of them sleep;
//! the start is over when the last one has gone to sleep.

use std::path::Path;
use std::time::{Duration, Instant};

use calog::{ContextRef, Ended, Open, Runtime, Value};
use calog_tests::resident_kib;

use super::{ask, builder};
use crate::load::Load;
use crate::row::{Amount, Goal, Row, Unit};
use crate::table::Table;

/// How many sleep at once.
const TASKS: i64 = 100_000;

/// How long each sleeps: longer than starting all of them takes.
const SLEEP: Duration = Duration::from_secs(5);

const SCRIPT: &str = "
    local asleep, woken, time = 0, 0, 0
    local function sleeper()
        asleep = asleep + 1
        task.sleep(time)
        woken = woken + 1
    end
    local function deeper()
        return function() sleeper() end
    end
    return {
        begin = function(n, ms)
            time = ms
            for i = 1, n do task.spawn(sleeper) end
        end,
        begin_deeper = function(n, ms)
            time = ms
            for i = 1, n do task.spawn(deeper()) end
        end,
        asleep = function() return asleep end,
        woken = function() return woken end,
    }
";

/// The KiB that one takes, and all of the time divided by the start and the sleep.
pub(super) fn probe(plugins: &Path, begin: &str) -> Vec<f64> {
    let runtime = builder(plugins).build().expect("a runtime over the workspace's plugins");
    let lua = runtime.open(Open::source("lua", SCRIPT)).expect("a context");
    runtime.wait_for(&lua).expect("a sound script");
    // The first ones pay for what all share.
    sleep(&runtime, &lua, begin, 100, Duration::ZERO);
    assert_eq!(runtime.run(), Ended::Idle);

    let (before, start) = (resident_kib(), Instant::now());
    sleep(&runtime, &lua, begin, TASKS, SLEEP);
    let started = start.elapsed();
    assert!(count(&runtime, &lua, "woken") == 100, "none wakes before all sleep");
    let each = resident_kib().saturating_sub(before) as f64 / TASKS as f64;
    assert_eq!(runtime.run(), Ended::Idle);
    let all = start.elapsed();
    assert_eq!(count(&runtime, &lua, "woken"), TASKS + 100);
    vec![each, all.as_secs_f64() / (started + SLEEP).as_secs_f64(), started.as_secs_f64() * 1e3]
}

/// Sends so many to sleep, and returns when the last of them does.
fn sleep(runtime: &Runtime, lua: &ContextRef, begin: &str, tasks: i64, time: Duration) {
    let wanted = count(runtime, lua, "asleep") + tasks;
    let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    runtime.call_export(lua, begin, &[tasks.into(), ms.into()]).expect("they are spawned");
    while count(runtime, lua, "asleep") < wanted {
        std::thread::yield_now();
    }
}

fn count(runtime: &Runtime, lua: &ContextRef, name: &str) -> i64 {
    let value: Value = runtime.call_export(lua, name, &[]).expect("a count");
    value.view().as_int().expect("a count")
}

/// The rows: memory, and time.
pub(crate) fn sleeping_tasks(table: &mut Table, plugins: &Path) {
    let load = Load::start();
    let [numbers, deeper] =
        ["begin", "begin_deeper"].map(|begin| ask("sleeping", [plugins.as_os_str(), begin.as_ref()]));
    let foreign_load = load.foreign();
    let mut add = |what: &str, ours: Amount, goal| {
        let decisive = ours.value;
        table.add(Row { id: "P11", what: what.into(), ours, reference: None, decisive, goal, foreign_load });
    };
    add("each of 100,000 sleeping tasks in one Lua context", Amount::kib(numbers[0]), Goal::AtMost(2.0));
    add("their start", Amount::ms(numbers[2]), Goal::Open);
    let all = Amount { value: numbers[1], unit: Unit::Times };
    add("all of their time, divided by the start and the sleep", all, Goal::AtMost(1.2));
    add("each, where a closure of its own calls what sleeps", Amount::kib(deeper[0]), Goal::Open);
}
