//! Runtimes and contexts for the series, and the best of some rounds.

use std::time::{Duration, Instant};

use calog::plugin_api::{Facts, KeptInfo};
use calog::{Callable, ContextRef, Function, Open, Runtime, RuntimeBuilder, SearchPath, Value};
use calog_tests::plugin_folder;

/// How often a measurement is taken; the best counts, as noise only ever adds.
const ROUNDS: usize = 7;

pub(crate) fn builder() -> RuntimeBuilder {
    Runtime::builder().plugins(SearchPath::of([plugin_folder()]))
}

pub(crate) fn runtime(builder: RuntimeBuilder) -> Runtime {
    builder.build().expect("a runtime over the workspace's plugins")
}

/// Opens a script, and waits for its main chunk.
pub(crate) fn open(runtime: &Runtime, open: Open) -> ContextRef {
    let context = runtime.open(open).unwrap_or_else(|error| panic!("{error:?}"));
    runtime.wait_for(&context).unwrap_or_else(|error| panic!("{error:?}"));
    context
}

/// Calls an export, and gives the time it took.
pub(crate) fn timed(runtime: &Runtime, context: &ContextRef, name: &str, args: &[Value]) -> Duration {
    let start = Instant::now();
    runtime.call_export(context, name, args).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    start.elapsed()
}

pub(crate) fn function(context: &ContextRef, name: &str) -> Callable {
    match context.export(name) {
        Some(Value::Callable(function)) => function,
        other => panic!("'{name}' is no function: {other:?}"),
    }
}

pub(crate) fn int(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// The circumstances of a call by the program.
pub(crate) fn info(runtime: &Runtime) -> KeptInfo {
    let mut facts = Facts::default();
    facts.runtime = runtime.handle().id();
    KeptInfo::new(runtime.handle(), None, facts)
}

/// The nanoseconds of one: the best of some rounds, in each of which so many are done.
pub(crate) fn best(count: u64, mut round: impl FnMut() -> Duration) -> f64 {
    (0..ROUNDS).map(|_| round().as_nanos() as f64 / count as f64).fold(f64::MAX, f64::min)
}

/// A native that does nothing much.
pub(crate) fn add() -> Function {
    Function::new("bench.add", |a: i64, b: i64| a.wrapping_add(b))
}
