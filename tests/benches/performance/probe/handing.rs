//! P7: one list handed on to ten more contexts. Their threads are held back inside a native, so the
//! calls that carry the list wait in ten mailboxes, and no interpreter has seen it yet. A copy would
//! show twice: in memory, where ten of them are a hundred times the goal, and in time, where a list
//! would take longer than an int.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use calog::plugin_api::{Facts, Function, KeptInfo};
use calog::{Callable, ContextRef, Open, Runtime, Value};
use calog_tests::{Asked, resident_kib};
use parking_lot::{Condvar, Mutex};

use super::{ask, builder};
use crate::load::Load;
use crate::row::{Amount, Goal, Reference, Row};
use crate::table::{ROUNDS, Table, median};

/// How many contexts get the list after the first.
const MORE: usize = 10;

/// How many ints are in the list: 16 bytes each, 1.5 MiB in all.
const INTS: i64 = 100_000;

/// The native is called by the context: as an export of its own it would run on the program's thread.
const SCRIPT: &str =
    "return { hold = function() bench.hold() end, count = function(list) return type(list) == 'table' and #list end }";

/// Where threads are held back.
#[derive(Default)]
struct Hold {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    inside: usize,
}

impl Hold {
    /// Holds the calling thread back.
    fn enter(&self) {
        let mut state = self.state.lock();
        state.inside += 1;
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| !state.open);
        state.inside -= 1;
        self.changed.notify_all();
    }

    /// Waits until so many are inside.
    fn wait_for(&self, count: usize) {
        self.changed.wait_while(&mut self.state.lock(), |state| state.inside != count);
    }

    fn open(&self) {
        self.state.lock().open = true;
        self.changed.notify_all();
        self.wait_for(0);
        self.state.lock().open = false;
    }
}

struct Stage {
    runtime: Runtime,
    contexts: Vec<ContextRef>,
    hold: Arc<Hold>,
}

impl Stage {
    fn new(plugins: &Path) -> Stage {
        let hold = Arc::new(Hold::default());
        let own = Arc::clone(&hold);
        let native = Function::new("bench.hold", move || own.enter());
        let runtime = builder(plugins).inline_native(native).build().expect("a runtime over the workspace's plugins");
        let open = |_| runtime.open(Open::source("lua", SCRIPT)).expect("a context");
        let contexts: Vec<ContextRef> = (0..=MORE).map(open).collect();
        for context in &contexts {
            runtime.wait_for(context).unwrap_or_else(|error| panic!("{error:?}"));
        }
        Stage { runtime, contexts, hold }
    }

    fn functions(&self, name: &str) -> Vec<Callable> {
        let function = |context: &ContextRef| match context.export(name) {
            Some(Value::Callable(function)) => function,
            other => panic!("'{name}' is no function: {other:?}"),
        };
        self.contexts.iter().map(function).collect()
    }

    fn info(&self) -> KeptInfo {
        let mut facts = Facts::default();
        facts.runtime = self.runtime.handle().id();
        KeptInfo::new(self.runtime.handle(), None, facts)
    }

    /// Hands this to all contexts while none of them can look at it: how many nanoseconds one takes
    /// after the first, and how many KiB all of these.
    fn hand_on(&self, value: &Value, wanted: &Value) -> (f64, u64) {
        let (holds, counts, info) = (self.functions("hold"), self.functions("count"), self.info());
        let held: Vec<Asked> = holds.iter().map(|hold| Asked::of(hold, &info, &[])).collect();
        self.hold.wait_for(held.len());
        let first = Asked::of(&counts[0], &info, std::slice::from_ref(value));
        let (before, start) = (resident_kib(), Instant::now());
        let more: Vec<Asked> =
            counts[1..].iter().map(|count| Asked::of(count, &info, std::slice::from_ref(value))).collect();
        let time = start.elapsed();
        let grown = resident_kib().saturating_sub(before);
        self.hold.open();
        for asked in held.iter().chain(&more).chain([&first]) {
            while !asked.is_answered() {
                self.runtime.pump_until(|| asked.is_answered(), std::time::Duration::from_millis(1));
            }
        }
        // It did arrive, in each of them.
        assert!(more.iter().chain([&first]).all(|asked| asked.answers() == [Ok(wanted.clone())]));
        (time.as_nanos() as f64 / MORE as f64, grown)
    }
}

/// Nanoseconds for the list, for an int, the median of their ratios, and the KiB that ten lists took.
pub(super) fn probe(plugins: &Path) -> Vec<f64> {
    let stage = Stage::new(plugins);
    let list = Value::list(0..INTS).expect("a list");
    let (length, none) = (Value::Int(INTS), Value::Bool(false));
    // Once without looking, so that what is there from the first call on is there.
    stage.hand_on(&Value::Int(1), &none);
    let (mut lists, mut ints, mut grown) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (time, memory) = stage.hand_on(&list, &length);
        lists.push(time);
        grown = grown.max(memory);
        ints.push(stage.hand_on(&Value::Int(1), &none).0);
    }
    let ratios = lists.iter().zip(&ints).map(|(list, int)| list / int).collect();
    let least = |times: &[f64]| times.iter().copied().fold(f64::MAX, f64::min);
    vec![least(&lists), least(&ints), median(ratios), grown as f64]
}

/// The rows: time, and memory.
pub(crate) fn handing_on(table: &mut Table, plugins: &Path) {
    let load = Load::start();
    let numbers = ask("handing", [plugins]);
    let foreign_load = load.foreign();
    table.add(Row {
        id: "P7",
        what: "a list of 100,000 ints handed on to 10 more: each".into(),
        ours: Amount::ns(numbers[0]),
        reference: Some(Reference { name: "handing on an int".into(), amount: Amount::ns(numbers[1]) }),
        decisive: numbers[2],
        goal: Goal::Ratio(1.5),
        foreign_load,
    });
    table.add(Row {
        id: "P7",
        what: "the memory that this takes until they look at it".into(),
        ours: Amount::kib(numbers[3]),
        reference: None,
        decisive: numbers[3],
        goal: Goal::AtMost(128.0),
        foreign_load,
    });
}
