//! What ends waits and programs: results below other waits, deadlines, cancel tokens, closing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use calog::{Callable, Code, ContextRef, Ended, Error, Function, Lost, Open, Runtime, RuntimeBuilder, Stopper, Value};
use calog_plugin_api::{Args, CallInfo, CancelToken, Completion, Facts, Finisher, KeptInfo, View};

use super::toy::MainToy;
use super::{LIMIT, build, code, open};

/// Natives `hold NAME`, whose results come from the test: by name, in the order they are asked for.
#[derive(Clone, Default)]
struct Held(Arc<Mutex<Vec<(String, Finisher)>>>);

impl Held {
    fn wait(&self, info: &CallInfo, name: &str) -> Completion {
        let (completion, finisher) = info.runtime().internal_completion(name);
        self.0.lock().expect("no test panics with it").push((name.to_owned(), finisher));
        completion
    }

    fn take(&self, name: &str) -> Finisher {
        let mut held = self.0.lock().expect("no test panics with it");
        let at = held.iter().position(|(known, _)| known == name).expect("somebody waits for it");
        held.swap_remove(at).1
    }
}

fn build_held(held: &Held) -> Runtime {
    build_reporting(held, &Arc::default())
}

/// With the errors that reach the program.
fn build_reporting(held: &Held, seen: &Arc<Mutex<Vec<Error>>>) -> Runtime {
    let (plain, ending, x, seen) = (held.clone(), held.clone(), held.clone(), Arc::clone(seen));
    let note =
        move |_: calog::ContextId, error: &Error| seen.lock().expect("no test panics with it").push(error.clone());
    let hold = move |info: &CallInfo, name: &str| plain.wait(info, name);
    // Ends the wait for "one", and then waits for what never comes.
    let end_one = move |info: &CallInfo| {
        ending.take("one").finish(Ok(Value::Int(1))).expect("it is waited for");
        ending.wait(info, "two")
    };
    let hold_x = move |info: &CallInfo| x.wait(info, "x");
    build(|builder| {
        let holding = [Function::new("hold", hold), Function::new("end_one", end_one), Function::new("hold_x", hold_x)];
        holding.into_iter().fold(builder.on_error(note), RuntimeBuilder::inline_native)
    })
}

fn function(context: &ContextRef, name: &str) -> Callable {
    match context.export(name) {
        Some(Value::Callable(function)) => function,
        other => panic!("{name} is a function, not {other:?}"),
    }
}

/// Starts a task in a context, under these circumstances.
fn post(runtime: &Runtime, context: &ContextRef, name: &str, token: Option<CancelToken>, deadline_ns: u64) {
    let mut facts = Facts::default();
    facts.runtime = runtime.handle().id();
    facts.deadline_ns = deadline_ns;
    let info = KeptInfo::new(runtime.handle(), token, facts);
    let task = function(context, name);
    runtime.handle().post(context.id().number(), &task, &info, Args::new(&[])).expect("the context lives");
}

fn errors(runtime_errors: &Arc<Mutex<Vec<Error>>>) -> Vec<Code> {
    runtime_errors.lock().expect("no test panics with it").iter().map(Error::code).collect()
}

#[test]
fn a_finished_wait_below_another_keeps_no_program_alive() {
    let held = Held::default();
    let runtime = build_held(&held);
    let a = open(&runtime, "a", Some("ui"), "wait: native hold one");
    let b = open(&runtime, "b", Some("ui"), "wait: native end_one");
    post(&runtime, &a, "wait", None, 0);
    post(&runtime, &b, "wait", None, 0);
    let Ended::Stuck(waiting) = runtime.run() else { panic!("the program is stuck") };
    let shown: Vec<_> = waiting.iter().map(|it| (it.context.as_str(), it.what.as_str())).collect();
    assert_eq!(shown, [("b", "two")], "the wait that is over is not listed");
    // Both unwind once the upper one ends.
    held.take("two").finish(Ok(Value::Nil)).expect("it is waited for");
    assert_eq!(runtime.run(), Ended::Idle);
}

#[test]
fn a_deadline_ends_the_waits_of_a_call_wherever_it_leads() {
    for thread in [None, Some("ui")] {
        for act in ["native hold", "suspend hold"] {
            let held = Held::default();
            let runtime = build_held(&held);
            let inner = open(&runtime, "inner", thread, &format!("wait: {act}"));
            let outer = open(&runtime, "outer", thread, "apply: apply");
            let apply = function(&outer, "apply");
            let args = [Value::from(function(&inner, "wait")), "x".into()];
            let result = runtime.call_within(Duration::from_millis(5), &apply, &args);
            assert_eq!(code(result), Code::Timeout, "{act} on {thread:?}");
        }
    }
}

#[test]
fn a_result_that_comes_after_the_deadline_is_handed_back() {
    for act in ["native hold x", "suspend hold_x"] {
        let held = Held::default();
        let seen: Arc<Mutex<Vec<Error>>> = Arc::default();
        let runtime = build_reporting(&held, &seen);
        let context = open(&runtime, "a", None, &format!("wait: {act}"));
        post(&runtime, &context, "wait", None, runtime.handle().now_ns() + 1_000_000);
        assert!(runtime.pump_until(|| errors(&seen) == [Code::Timeout], LIMIT), "{act}");
        assert_eq!(held.take("x").finish(Ok(Value::Int(7))), Err(Ok(Value::Int(7))), "{act}");
    }
}

#[test]
fn a_program_whose_waits_have_a_deadline_is_not_stuck() {
    let held = Held::default();
    let runtime = build_held(&held);
    let context = open(&runtime, "a", None, "wait: native hold x");
    let soon = runtime.handle().now_ns() + 20_000_000;
    post(&runtime, &context, "wait", None, soon);
    assert_eq!(runtime.run(), Ended::Idle);
}

#[test]
fn a_raised_token_ends_the_waits_of_its_call_and_hooks_leave_with_them() {
    let seen: Arc<Mutex<Vec<Error>>> = Arc::default();
    let errors_to = Arc::clone(&seen);
    let (asked, asks) = channel();
    let wait = move |info: &CallInfo| {
        let (completion, finisher) = info.runtime().completion("the test");
        asked.send(finisher).expect("the test listens");
        completion
    };
    let runtime = build(|builder| {
        let note = move |_, error: &Error| errors_to.lock().expect("no test panics with it").push(error.clone());
        builder.inline_native(Function::new("wait", wait)).on_error(note)
    });
    for (count, act) in (1..).zip(["native wait", "suspend wait"]) {
        let context = open(&runtime, act, None, &format!("wait: {act}"));
        let token = runtime.handle().cancel_token(None).expect("the runtime lives");
        post(&runtime, &context, "wait", Some(token.clone()), 0);
        let finisher = asks.recv().expect("the native is called");
        token.cancel();
        assert!(runtime.pump_until(|| errors(&seen).len() == count, LIMIT));
        assert_eq!(errors(&seen).last(), Some(&Code::Cancelled), "{act}");
        assert!(finisher.finish(Ok(Value::Nil)).is_err(), "{act}");
    }
}

#[test]
fn a_task_that_gives_way_goes_on_in_its_turn_or_when_its_time_has_come() {
    let runtime = build(|builder| builder);
    let context = open(&runtime, "a", None, "turn: yield now\nsleep: yield 5\nnever: yield -1");
    assert_eq!(runtime.call_export(&context, "turn", &[]), Ok(Value::Nil));
    assert_eq!(runtime.call_export(&context, "sleep", &[]), Ok(Value::Nil));
    assert_eq!(code(runtime.call_export(&context, "never", &[])), Code::Range);
}

#[test]
fn contexts_of_an_engine_that_needs_the_programs_thread_run_there() {
    let host = thread::current().id();
    let here = move || thread::current().id() == host;
    let runtime = build(|builder| builder.engine::<MainToy>().inline_native(Function::new("here", here)));
    let main = runtime.open(Open::source("maintoy", "here: native here\nsum: sum").name("main")).expect("a context");
    runtime.wait_for(&main).expect("a main chunk that runs");
    let other = open(&runtime, "other", None, "here: native here\napply: apply");
    assert_eq!(runtime.call_export(&main, "here", &[]), Ok(Value::Bool(true)));
    assert_eq!(runtime.call_export(&other, "here", &[]), Ok(Value::Bool(false)));
    let sum = main.export("sum").expect("a function");
    assert_eq!(runtime.call_export(&other, "apply", &[sum, 1.into(), 2.into()]), Ok(Value::Int(3)));
    assert!(runtime.close_context(&main));
    assert_eq!(code(runtime.call_export(&main, "here", &[])), Code::Dead);
}

#[test]
fn what_does_not_end_when_a_runtime_closes_is_named() {
    let (release, held) = channel::<()>();
    let held = Mutex::new(held);
    let (entered, entries) = channel();
    let block = move || {
        entered.send(()).expect("the test listens");
        // Until the test lets go of the other end.
        let _ = held.lock().expect("only one call").recv();
    };
    let runtime = build(|builder| builder.inline_native(Function::new("block", block)));
    let context = open(&runtime, "held", Some("ui"), "block: native block");
    open(&runtime, "free", None, "answer: give 1");
    post(&runtime, &context, "block", None, 0);
    entries.recv().expect("the native is called");
    let lost = runtime.close(Duration::from_millis(1)).lost;
    let shown: Vec<String> = lost.iter().map(Lost::to_string).collect();
    assert_eq!(shown, ["context 'held' (toy) on thread 'ui'"]);
    drop(release);
}

#[test]
fn an_interrupt_reaches_a_context_whose_code_lies_below_anothers() {
    let stopper: Arc<Mutex<Option<Stopper>>> = Arc::default();
    let set = Arc::clone(&stopper);
    // Asks all to stop while the code of "above" is on top of the thread they share.
    let stop = move || set.lock().expect("only one call").as_ref().expect("the test sets it").exit(3);
    let runtime = build(|builder| builder.inline_native(Function::new("stop", stop)));
    *stopper.lock().expect("only one call") = Some(runtime.stopper());
    let above = open(&runtime, "above", Some("ui"), "stop: native stop");
    let below = open(&runtime, "below", Some("ui"), "then: apply-listen");
    let mut facts = Facts::default();
    facts.runtime = runtime.handle().id();
    let info = KeptInfo::new(runtime.handle(), None, facts);
    let stop = function(&above, "stop");
    let args = [View::callable(&stop)];
    runtime.handle().post(below.id().number(), &function(&below, "then"), &info, Args::new(&args)).expect("it lives");
    assert_eq!(runtime.run(), Ended::Exit(3));
    assert_eq!(runtime.close(LIMIT).lost, []);
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_not_begun() {
    let (release, held) = channel::<()>();
    let held = Mutex::new(held);
    let (entered, entries) = channel();
    let block = move || {
        entered.send(()).expect("the test listens");
        let _ = held.lock().expect("only one call").recv();
    };
    let begun = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&begun);
    let count = move || i64::from(counted.fetch_add(1, Ordering::Relaxed));
    let runtime = build(|builder| {
        builder.inline_native(Function::new("block", block)).inline_native(Function::new("count", count))
    });
    let context = open(&runtime, "a", None, "block: native block\ncount: native count");
    post(&runtime, &context, "block", None, 0);
    entries.recv().expect("the native is called");
    let in_vain = runtime.call_within(Duration::from_millis(1), &function(&context, "count"), &[]);
    assert_eq!(code(in_vain), Code::Timeout);
    drop(release);
    // Served after the one above.
    assert_eq!(runtime.call_export(&context, "count", &[]), Ok(Value::Int(0)));
}
