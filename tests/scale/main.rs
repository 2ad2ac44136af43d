//! Many contexts at once, many one after another, many runtimes: and nothing of them is left behind.

use std::thread;
use std::time::{Duration, Instant};

use calog::{ContextRef, Open, Runtime, RuntimeBuilder, SearchPath, Value};
use calog_tests::{Footprint, plugin_folder, resident_kib, run_alone};

/// How long closing all of them may take; nothing waits for it to pass.
const LIMIT: Duration = Duration::from_secs(120);

/// How many threads drive runtimes of their own at the same time.
const DRIVERS: usize = 2;

fn main() {
    run_alone(&[
        ("ten_thousand_contexts_are_open_at_once", ten_thousand_contexts_are_open_at_once),
        ("a_hundred_thousand_contexts_come_and_go", a_hundred_thousand_contexts_come_and_go),
        ("runtimes_come_and_go_on_several_threads", runtimes_come_and_go_on_several_threads),
    ]);
}

fn builder() -> RuntimeBuilder {
    Runtime::builder().plugins(SearchPath::of([plugin_folder()]))
}

fn runtime() -> Runtime {
    builder().build().expect("a runtime over the workspace's plugins")
}

fn open(runtime: &Runtime, engine: &str, text: &str) -> ContextRef {
    runtime.open(Open::source(engine, text)).unwrap_or_else(|error| panic!("{error:?}"))
}

fn call(runtime: &Runtime, context: &ContextRef, name: &str, args: &[Value]) -> Value {
    runtime.call_export(context, name, args).unwrap_or_else(|error| panic!("{error:?}"))
}

/// Memory that a process in a steady state may take beyond what it had, in KiB: the allocator's doing,
/// which deals with memory in pages and in several arenas.
const NOISE_KIB: u64 = 2048;

#[track_caller]
fn assert_no_growth(before_kib: u64, what: &str) {
    let now_kib = resident_kib();
    assert!(now_kib <= before_kib + NOISE_KIB, "{what}: from {before_kib} to {now_kib} KiB");
}

// ---- many at once

const AT_ONCE: usize = 10_000;

fn ten_thousand_contexts_are_open_at_once() {
    let before = Footprint::now();
    open_call_and_close(AT_ONCE);
    before.assert_restored();
    // What they took may stay with the allocator; then it is what the next ones take.
    let resident = resident_kib();
    open_call_and_close(AT_ONCE / 10);
    before.assert_restored();
    assert_no_growth(resident, "memory after another thousand contexts");
}

fn open_call_and_close(count: usize) {
    let runtime = runtime();
    // So that the engine and its library are there.
    open_answering(&runtime, 0);
    let start = Instant::now();
    let (threads, resident) = (Footprint::now().threads.len(), resident_kib());
    let contexts: Vec<ContextRef> = (1..=count).map(|number| open_answering(&runtime, number)).collect();
    let opened = start.elapsed();
    assert_eq!(Footprint::now().threads.len(), threads + count, "each context has a thread of its own");
    let each = (resident_kib() - resident) as f64 / count as f64;
    for (number, context) in (1..).zip(&contexts) {
        assert_eq!(call(&runtime, context, "answer", &[]), Value::Int(number));
    }
    let called = start.elapsed();
    assert_eq!(runtime.close(LIMIT).lost, []);
    let closed = start.elapsed();
    println!(
        "{count} contexts: {each:.1} KiB each; opened in {opened:.2?}, called in {:.2?}, closed in {:.2?}",
        called - opened,
        closed - called
    );
}

fn open_answering(runtime: &Runtime, number: usize) -> ContextRef {
    let context = open(runtime, "lua", &format!("return {{ answer = function() return {number} end }}"));
    runtime.wait_for(&context).unwrap_or_else(|error| panic!("{error:?}"));
    context
}

// ---- many one after another

const CYCLES: usize = 100_000;

fn a_hundred_thousand_contexts_come_and_go() {
    let before = Footprint::now();
    let start = Instant::now();
    // The first ones find an empty allocator.
    on_drivers(|| open_and_close(CYCLES / DRIVERS / 10));
    let resident = resident_kib();
    on_drivers(|| open_and_close(CYCLES / DRIVERS / 10 * 9));
    before.assert_restored();
    assert_no_growth(resident, "memory after 90,000 contexts more");
    println!("{CYCLES} contexts opened and closed, {:.1?} each", start.elapsed() / CYCLES as u32);
}

fn on_drivers(act: impl Fn() + Send + Copy + 'static) {
    let drivers: Vec<_> = (0..DRIVERS).map(|_| thread::spawn(act)).collect();
    drivers.into_iter().for_each(|driver| driver.join().expect("a driver fails with a message of its own"));
}

fn open_and_close(count: usize) {
    let runtime = runtime();
    for number in 0..count {
        let context = open_answering(&runtime, number);
        assert!(runtime.close_context(&context), "it ends");
    }
    assert_eq!(runtime.close(LIMIT).lost, []);
}

// ---- many runtimes

const RUNTIMES: usize = 300;

fn runtimes_come_and_go_on_several_threads() {
    let before = Footprint::now();
    let start = Instant::now();
    on_drivers(|| (0..RUNTIMES / 3 / DRIVERS).for_each(one_runtime));
    let resident = resident_kib();
    on_drivers(|| (0..RUNTIMES / 3 * 2 / DRIVERS).for_each(one_runtime));
    before.assert_restored();
    assert_no_growth(resident, "memory after 200 runtimes more");
    println!("{RUNTIMES} runtimes, {:.1?} each", start.elapsed() / RUNTIMES as u32);
}

/// A runtime in which all of its threads are started: of contexts, timers, blocking work.
fn one_runtime(number: usize) {
    let runtime = builder()
        .inline_native(calog::Function::new("later", |info: &calog::plugin_api::CallInfo| {
            info.runtime().after(Duration::from_micros(100))
        }))
        .inline_native(calog::Function::new("block", |info: &calog::plugin_api::CallInfo| {
            info.runtime().blocking("some work", || Ok(Value::Int(7)))
        }))
        .build()
        .expect("a runtime over the workspace's plugins");
    let lua = open(
        &runtime,
        "lua",
        "local M = {} function M.add(a, b) return a + b end
         function M.work(f) later() return f(block(), 1, M.add) end return M",
    );
    let javascript = open(&runtime, "javascript", "export function both(a, b, add) { return add(a, b) }");
    runtime.wait_for(&lua).expect("a script that runs");
    runtime.wait_for(&javascript).expect("a script that runs");
    let both = javascript.export("both").expect("it was exported");
    assert_eq!(call(&runtime, &lua, "work", &[both]), Value::Int(8));
    // Half of them are closed, the other half are dropped with all that they are at.
    if number.is_multiple_of(2) {
        assert_eq!(runtime.close(LIMIT).lost, []);
    }
}
