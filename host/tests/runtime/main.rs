//! The runtime by itself, with a compiled-in toy engine: routing, threads, closing, panics, natives.

mod bounds;
mod lost;
mod restarts;
mod toy;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use calog::{Code, ContextRef, Ended, Error, Function, Open, Result, Runtime, RuntimeBuilder, Value};
use calog_plugin_api::{Args, Facts, KeptInfo};
use toy::Toy;

const LIMIT: Duration = Duration::from_secs(20);

fn build(more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Runtime {
    more(Runtime::builder().engine::<Toy>()).build().expect("a runtime with a toy engine")
}

fn open(runtime: &Runtime, name: &str, thread: Option<&str>, text: &str) -> ContextRef {
    let mut open = Open::source("toy", text).name(name);
    if let Some(thread) = thread {
        open = open.thread(thread);
    }
    let context = runtime.open(open).expect("a context");
    runtime.wait_for(&context).expect("a main chunk that runs");
    context
}

fn code(result: Result<Value>) -> Code {
    result.expect_err("an error").code()
}

/// Threads for two contexts: the same one, and different ones.
const THREADS: [[Option<&str>; 2]; 2] = [[None, None], [Some("ui"), Some("ui")]];

#[test]
fn exports_are_called_on_their_own_thread() {
    let runtime = build(|builder| builder);
    let context = open(&runtime, "a", None, "answer: give 42\nsum: sum");
    assert_eq!(runtime.call_export(&context, "answer", &[]), Ok(Value::Int(42)));
    assert_eq!(runtime.call_export(&context, "sum", &[1.into(), 2.into()]), Ok(Value::Int(3)));
    assert_eq!(code(runtime.call_export(&context, "nothing", &[])), Code::NotFound);
}

#[test]
fn a_calls_b_calls_a() {
    for [one, two] in THREADS {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", one, "start: apply\nsum: sum");
        let b = open(&runtime, "b", two, "apply: apply");
        let (apply, sum) = (b.export("apply").unwrap(), a.export("sum").unwrap());
        let result = runtime.call_export(&a, "start", &[apply, sum, 20.into(), 22.into()]);
        assert_eq!(result, Ok(Value::Int(42)), "threads {one:?} {two:?}");
    }
}

#[test]
fn endless_ping_pong_is_a_depth_error_and_the_contexts_stay_usable() {
    for [one, two] in THREADS {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", one, "ping: ping\nanswer: give 1");
        let b = open(&runtime, "b", two, "ping: ping\nanswer: give 2");
        let ping = b.export("ping").unwrap();
        for _ in 0..3 {
            assert_eq!(code(runtime.call_export(&a, "ping", std::slice::from_ref(&ping))), Code::Depth);
            assert_eq!(runtime.call_export(&a, "answer", &[]), Ok(Value::Int(1)));
            assert_eq!(runtime.call_export(&b, "answer", &[]), Ok(Value::Int(2)));
        }
    }
}

#[test]
fn a_closed_contexts_functions_are_dead_and_its_slot_reaches_nobody() {
    for thread in [None, Some("ui")] {
        let runtime = build(|builder| builder);
        let first = open(&runtime, "first", thread, "answer: give 1");
        let answer = first.export("answer").unwrap();
        runtime.close_context(&first);
        let second = open(&runtime, "second", thread, "answer: give 2");
        assert_eq!(second.id().number() as u32, first.id().number() as u32, "the slot is used again");
        let Value::Callable(answer) = answer else { panic!("a function") };
        assert_eq!(code(runtime.call(&answer, &[])), Code::Dead);
        assert_eq!(runtime.call_export(&second, "answer", &[]), Ok(Value::Int(2)));
    }
}

#[test]
fn an_engine_that_panics_leaves_its_context_dead_and_the_others_alive() {
    for [one, two] in THREADS {
        let runtime = build(|builder| builder);
        let bad = open(&runtime, "bad", one, "panic: panic\nanswer: give 1");
        let good = open(&runtime, "good", two, "answer: give 2\napply: apply");
        let panics = bad.export("panic").unwrap();
        assert_eq!(code(runtime.call_export(&good, "apply", &[panics])), Code::Panic);
        assert_eq!(code(runtime.call_export(&bad, "answer", &[])), Code::Dead);
        assert_eq!(runtime.call_export(&good, "answer", &[]), Ok(Value::Int(2)));
    }
}

#[test]
fn natives_of_the_program_run_on_its_thread_while_it_pumps() {
    let host = thread::current().id();
    let here = move || thread::current().id() == host;
    let runtime = build(|builder| {
        builder
            .native(Function::new("here", here))
            .inline_native(Function::new("inline", move || thread::current().id() == host))
            .inline_native(Function::new("panics", || -> i64 { panic!("told to") }))
    });
    let context = open(&runtime, "a", None, "here: native here\ninline: native inline\npanics: native panics");
    assert_eq!(runtime.call_export(&context, "here", &[]), Ok(Value::Bool(true)));
    assert_eq!(runtime.call_export(&context, "inline", &[]), Ok(Value::Bool(false)));
    assert_eq!(code(runtime.call_export(&context, "panics", &[])), Code::Panic);
    assert_eq!(runtime.call_export(&context, "here", &[]), Ok(Value::Bool(true)));
}

#[test]
fn fire_and_forget_errors_reach_the_handler_during_pump() {
    let seen: Rc<RefCell<Vec<Error>>> = Rc::default();
    let errors = Rc::clone(&seen);
    let runtime = build(|builder| builder.on_error(move |_, error| errors.borrow_mut().push(error.clone())));
    let context = open(&runtime, "a", None, "");
    runtime.eval(&context, "no such act");
    assert!(runtime.pump_until(|| !seen.borrow().is_empty(), LIMIT));
    assert_eq!(seen.borrow()[0].code(), Code::Script);
    assert_eq!(runtime.evaluate(&context, "give 1"), Ok(Value::map::<&str, Value>([]).unwrap()));
}

#[test]
fn a_context_that_cannot_be_opened_says_why() {
    let runtime = build(|builder| builder);
    let context = runtime.open(Open::source("toy", "").name("refused")).unwrap();
    let error = runtime.wait_for(&context).unwrap_err();
    assert!(error.message().contains("this name is refused"), "{error}");
    assert_eq!(code(runtime.evaluate(&context, "give 1")), Code::Unsupported);
}

#[test]
fn running_code_is_interrupted_when_its_context_closes() {
    let runtime = build(|builder| builder);
    let context = open(&runtime, "a", None, "spin: spin");
    runtime.eval(&context, "spin");
    runtime.close_context(&context);
    assert!(context.is_closed());
}

#[test]
fn a_suspended_task_leaves_its_thread_free() {
    let (send, receive) = std::sync::mpsc::channel();
    let wait = move |info: &calog_plugin_api::CallInfo| {
        let (completion, finisher) = info.runtime().completion("the test");
        send.send(finisher).expect("the test waits");
        completion
    };
    let runtime = build(|builder| builder.inline_native(Function::new("wait", wait)));
    let context = open(&runtime, "a", None, "wait: suspend wait\nanswer: give 1");
    let Some(Value::Callable(function)) = context.export("wait") else { panic!("a function") };
    let results: Rc<RefCell<Vec<Value>>> = Rc::default();
    let answer = thread::spawn(move || {
        let finisher = receive.recv().expect("the native was called");
        finisher.finish(Ok(Value::Int(7))).expect("somebody waits");
    });
    results.borrow_mut().push(runtime.call(&function, &[]).expect("a result"));
    assert_eq!(*results.borrow(), [Value::Int(7)]);
    assert_eq!(runtime.call_export(&context, "answer", &[]), Ok(Value::Int(1)));
    answer.join().expect("the thread ends");
}

#[test]
fn a_program_ends_when_nothing_is_left_and_says_so_when_it_is_stuck() {
    let unfinished: Arc<Mutex<Vec<calog_plugin_api::Finisher>>> = Arc::default();
    let kept = Arc::clone(&unfinished);
    let runtime = build(|builder| {
        builder.inline_native(Function::new("never", move |info: &calog_plugin_api::CallInfo| {
            let (completion, finisher) = info.runtime().internal_completion("what never comes");
            kept.lock().expect("no test panics with it").push(finisher);
            completion
        }))
    });
    runtime.open(Open::source("toy", "give 1")).unwrap();
    assert_eq!(runtime.run(), Ended::Idle);
    for act in ["native never", "suspend never"] {
        let context = runtime.open(Open::source("toy", act).name("stuck")).unwrap();
        let Ended::Stuck(waiting) = runtime.run() else { panic!("the program is stuck") };
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        assert_eq!((waiting[0].context.as_str(), waiting[0].what.as_str()), ("stuck", "what never comes"));
        runtime.close_context(&context);
    }
    runtime.open(Open::source("toy", "native calog.exit")).unwrap();
    assert_eq!(runtime.run(), Ended::Exit(0));
}

#[test]
fn blocking_work_keeps_the_program_going_also_when_nobody_waits_for_it_any_more() {
    const STEPS: u32 = 500;
    let runtime = build(|builder| builder);
    let handle = runtime.handle();
    let (taken, told) = (Arc::new(AtomicU32::new(0)), channel());
    let (steps, tell) = (Arc::clone(&taken), Mutex::new(told.0));
    let step = Function::new("step", move || {
        steps.fetch_add(1, Ordering::SeqCst);
        // Nobody listens to the last one.
        let _ = tell.lock().unwrap().send(());
    });
    let step = handle.callable(&step.build().unwrap()).unwrap();
    let mut facts = Facts::default();
    facts.runtime = handle.id();
    let info = KeptInfo::new(handle.clone(), None, facts);
    // Between two steps nothing but the work itself can make something happen.
    let work = move || {
        for _ in 0..STEPS {
            info.runtime().post(0, &step, &info, Args::new(&[]))?;
            told.1.recv().map_err(|_| Error::new(Code::Dead, "the program ended before the work"))?;
        }
        Ok(Value::Nil)
    };
    drop(handle.blocking("work", work));
    assert_eq!(runtime.run(), Ended::Idle);
    assert_eq!(taken.load(Ordering::SeqCst), STEPS);
}

#[test]
fn many_runtimes_come_and_go() {
    for _ in 0..50 {
        let runtime = build(|builder| builder);
        let context = open(&runtime, "a", None, "answer: give 1");
        assert_eq!(runtime.call_export(&context, "answer", &[]), Ok(Value::Int(1)));
        assert_eq!(runtime.close(LIMIT).lost, Vec::<calog::Lost>::new());
    }
}

#[test]
fn values_outlive_their_runtime() {
    let runtime = build(|builder| builder);
    let context = open(&runtime, "a", None, "answer: give 1");
    let Some(Value::Callable(answer)) = context.export("answer") else { panic!("a function") };
    let list = Value::list([Value::from(answer.clone()), "text".into()]).unwrap();
    drop((runtime, context));
    let other = build(|builder| builder);
    assert_eq!(code(other.call(&answer, &[])), Code::Dead);
    assert_eq!(list.size(), 3);
}
