//! Threads whose code does not hear: their contexts are lost, who waits for them is told, the others go
//! on, nothing waits for them any more, and what comes back after all ends by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog::plugin_api::{Restart, RestartWhen};
use calog::{CLOSE_LIMIT, Callable, Code, ContextRef, Ended, Error, Function, Lost, Open, Result, Runtime, Value};
use calog_plugin_api::{Args, CallInfo, CancelToken, Completion, Facts, Finisher, KeptInfo};

use super::{LIMIT, build, code, open};

/// A runtime with natives: `over` says whether deaf code may end, `hold` waits for the test.
struct Stage {
    runtime: Runtime,
    over: Arc<AtomicBool>,
    /// How often deaf code has looked.
    looks: Arc<AtomicUsize>,
    held: Arc<Mutex<Vec<Finisher>>>,
    /// What reached nobody but the program.
    reported: Arc<Mutex<Vec<Error>>>,
}

/// What a call was answered.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<Result<Value>>>>);

impl Asked {
    fn all(&self) -> Vec<Result<Value>> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Stage {
    fn new() -> Stage {
        let (over, looks): (Arc<AtomicBool>, Arc<AtomicUsize>) = Default::default();
        let held: Arc<Mutex<Vec<Finisher>>> = Arc::default();
        let reported: Arc<Mutex<Vec<Error>>> = Arc::default();
        let (ends, count, holds, told) = (over.clone(), looks.clone(), held.clone(), reported.clone());
        let look = move || {
            count.fetch_add(1, Ordering::SeqCst);
            ends.load(Ordering::SeqCst)
        };
        let hold = move |info: &CallInfo| -> Completion {
            let (completion, finisher) = info.runtime().internal_completion("the test");
            holds.lock().expect("no panic").push(finisher);
            completion
        };
        let runtime = build(|builder| {
            builder
                .inline_native(Function::new("over", look))
                .inline_native(Function::new("hold", hold))
                .on_error(move |_, error| told.lock().expect("no panic").push(error.clone()))
        });
        Stage { runtime, over, looks, held, reported }
    }

    fn ask(&self, context: &ContextRef, name: &str) -> Asked {
        self.ask_with(context, name, None)
    }

    fn ask_with(&self, context: &ContextRef, name: &str, token: Option<CancelToken>) -> Asked {
        let mut facts = Facts::default();
        facts.runtime = self.runtime.handle().id();
        let info = KeptInfo::new(self.runtime.handle(), token, facts);
        let asked = Asked::default();
        let answers = Arc::clone(&asked.0);
        let answer = move |result| answers.lock().expect("no panic").push(result);
        function(context, name).call(&info, Args::new(&[])).then(answer);
        asked
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = std::time::Instant::now() + LIMIT;
        while !holds() {
            assert!(std::time::Instant::now() < end, "{what} never comes");
            self.runtime.pump_for(Duration::from_millis(1));
        }
    }

    /// So many wait for the test.
    fn until_held(&self, count: usize) {
        self.until("a wait", || self.held.lock().expect("no panic").len() == count);
    }

    fn until_deaf(&self) {
        let before = self.looks.load(Ordering::SeqCst);
        self.until("deaf code", || self.looks.load(Ordering::SeqCst) > before);
    }

    /// The one answer, which comes though the code is deaf still.
    #[track_caller]
    fn error(&self, asked: &Asked) -> Error {
        self.until("an answer", || !asked.all().is_empty());
        assert!(!self.over.load(Ordering::SeqCst));
        asked.all()[0].clone().expect_err("an error")
    }

    /// Lets deaf code end, and its thread with it: nothing of it is left to be named.
    #[track_caller]
    fn comes_back(self, asked: &[&Asked]) {
        assert!(!self.over.swap(true, Ordering::SeqCst));
        self.until("the thread's end", || self.runtime.lost().is_empty());
        assert_eq!(self.runtime.close(CLOSE_LIMIT).lost, []);
        asked.iter().for_each(|asked| assert_eq!(asked.all().len(), 1, "{:?}", asked.all()));
    }
}

fn function(context: &ContextRef, name: &str) -> Callable {
    match context.export(name) {
        Some(Value::Callable(function)) => function,
        other => panic!("{name} is a function, not {other:?}"),
    }
}

fn named(name: &str, thread: &str) -> Lost {
    Lost::Context { name: name.into(), language: "toy".into(), thread: thread.into() }
}

const DEAF: &str = "deaf: deaf over\nwait: native hold\nsuspend: suspend hold\nanswer: give 1";

#[test]
fn everybody_who_waits_for_a_lost_thread_is_told() {
    let stage = Stage::new();
    let (a, b) = (open(&stage.runtime, "a", Some("ui"), DEAF), open(&stage.runtime, "b", Some("ui"), DEAF));
    let other = open(&stage.runtime, "other", None, "answer: give 1\napply: apply");
    let answer = function(&b, "answer");
    // Suspended, waiting in place below, running, and not begun.
    let suspended = stage.ask(&b, "suspend");
    stage.until_held(1);
    let below = stage.ask(&b, "wait");
    stage.until_held(2);
    let running = stage.ask(&a, "deaf");
    stage.until_deaf();
    let queued = [stage.ask(&a, "answer"), stage.ask(&b, "answer")];
    a.ask_to_close();
    let lost = "is lost: code of it was told to stop and runs on, and its engine 'toy' cannot interrupt it";
    assert_eq!(stage.error(&running).message(), format!("context 'a' {lost}"));
    for asked in [&running, &suspended, &below, &queued[0], &queued[1]] {
        assert_eq!(stage.error(asked).code(), Code::Dead);
    }
    let with = "context 'b' is lost with its thread 'ui': code of context 'a' there was told to stop and runs on, \
                and its engine 'toy' cannot interrupt it";
    assert_eq!(stage.error(&suspended).message(), with);
    assert!(a.is_closed() && b.is_closed());
    // Who comes later is told at once, in other contexts too.
    assert_eq!(code(stage.runtime.call(&answer, &[])), Code::Dead);
    assert_eq!(code(stage.runtime.call_export(&other, "apply", &[answer.into()])), Code::Dead);
    assert_eq!(stage.runtime.call_export(&other, "answer", &[]), Ok(Value::Int(1)));
    // What they waited for is not taken by them.
    let held: Vec<_> = std::mem::take(&mut *stage.held.lock().expect("no panic"));
    held.into_iter().for_each(|it| assert!(it.finish(Ok(Value::Nil)).is_err(), "nobody waits for it"));
    assert_eq!(stage.runtime.lost(), [named("a", "ui"), named("b", "ui")]);
    // The name stands for a thread that hears.
    let again = open(&stage.runtime, "c", Some("ui"), "answer: give 3");
    assert_eq!(stage.runtime.call_export(&again, "answer", &[]), Ok(Value::Int(3)));
    stage.comes_back(&[&running, &suspended, &below, &queued[0], &queued[1]]);
}

#[test]
fn a_call_that_is_aborted_or_out_of_time_and_does_not_hear_loses_its_context() {
    for limited in [false, true] {
        let stage = Stage::new();
        let mut opens = Open::source("toy", DEAF).name("a");
        if limited {
            let limits = Value::map([("time_per_call_ms", Value::Int(20))]).expect("a map");
            opens = opens.option("limits", limits);
        }
        let a = stage.runtime.open(opens).expect("a context");
        stage.runtime.wait_for(&a).expect("a main chunk that runs");
        let token = stage.runtime.handle().cancel_token(None).expect("a token");
        let running = stage.ask_with(&a, "deaf", Some(token.clone()));
        stage.until_deaf();
        if !limited {
            token.abort();
        }
        assert_eq!(stage.error(&running).code(), Code::Dead);
        assert_eq!(stage.runtime.lost(), [named("a", "a")]);
        assert_eq!(code(stage.runtime.call_export(&a, "answer", &[])), Code::Dead);
        stage.comes_back(&[&running]);
    }
}

#[test]
fn a_suspended_task_that_goes_on_and_does_not_hear_is_answered() {
    let stage = Stage::new();
    // The main chunk waits, and then its context's other call is deaf; and so a resumed one.
    let a = open(&stage.runtime, "a", None, "then: then hold deaf over");
    let asked = stage.ask(&a, "then");
    stage.until_held(1);
    let finisher = stage.held.lock().expect("no panic").remove(0);
    finisher.finish(Ok(Value::Nil)).expect("it waits");
    stage.until_deaf();
    a.ask_to_close();
    assert_eq!(stage.error(&asked).code(), Code::Dead);
    stage.comes_back(&[&asked]);
}

#[test]
fn a_program_ends_though_code_of_it_does_not() {
    let stage = Stage::new();
    let limits = Value::map([("time_per_call_ms", Value::Int(20))]).expect("a map");
    let a = stage.runtime.open(Open::source("toy", "deaf over").name("a").option("limits", limits)).expect("a context");
    assert_eq!(stage.runtime.run(), Ended::Idle);
    assert!(a.is_closed());
    let reported: Vec<Code> = stage.reported.lock().expect("no panic").iter().map(Error::code).collect();
    assert_eq!(reported, [Code::Dead], "nobody else was told of its main chunk");
    assert_eq!(stage.runtime.close(CLOSE_LIMIT).lost, [named("a", "a")]);
    stage.over.store(true, Ordering::SeqCst);
}

#[test]
fn closing_does_not_wait_for_what_does_not_hear() {
    let stage = Stage::new();
    let a = open(&stage.runtime, "a", None, DEAF);
    let asked = stage.ask(&a, "deaf");
    stage.until_deaf();
    // It would be waited for by who has that long.
    let lost = stage.runtime.close(Duration::from_secs(3600)).lost;
    assert_eq!(lost, [named("a", "a")]);
    assert_eq!(stage.error(&asked).code(), Code::Dead);
    stage.over.store(true, Ordering::SeqCst);
}

#[test]
fn a_context_that_is_lost_is_started_again_if_it_is_to_be() {
    let stage = Stage::new();
    let again = Restart::of(RestartWhen::OnFailure);
    let a = stage.runtime.open(Open::source("toy", DEAF).name("a").restart(again)).expect("a context");
    stage.runtime.wait_for(&a).expect("a main chunk that runs");
    let token = stage.runtime.handle().cancel_token(None).expect("a token");
    let asked = stage.ask_with(&a, "deaf", Some(token.clone()));
    stage.until_deaf();
    token.abort();
    assert_eq!(stage.error(&asked).code(), Code::Dead);
    let new = || stage.runtime.context("a").filter(|it| it.id() != a.id() && it.export("answer").is_some());
    stage.until("the new one", || new().is_some());
    assert_eq!(stage.runtime.call_export(&new().expect("it is there"), "answer", &[]), Ok(Value::Int(1)));
    stage.comes_back(&[&asked]);
}

#[test]
fn code_that_hears_late_but_in_time_loses_nothing() {
    let stage = Stage::new();
    let a = open(&stage.runtime, "a", None, DEAF);
    for _ in 0..20 {
        stage.over.store(false, Ordering::SeqCst);
        let token = stage.runtime.handle().cancel_token(None).expect("a token");
        let asked = stage.ask_with(&a, "deaf", Some(token.clone()));
        stage.until_deaf();
        token.abort();
        stage.runtime.pump_for(Duration::from_millis(35));
        stage.over.store(true, Ordering::SeqCst);
        stage.until("an answer", || !asked.all().is_empty());
        assert_eq!(asked.all()[0].clone().expect_err("an error").code(), Code::Cancelled);
    }
    assert_eq!(stage.runtime.call_export(&a, "answer", &[]), Ok(Value::Int(1)));
    assert_eq!(stage.runtime.lost(), []);
}

#[test]
fn code_that_waits_for_something_patient_is_not_deaf() {
    // Asked to end by its call, a patient wait ends in its own time, however long that is.
    let held: Arc<Mutex<Vec<Finisher>>> = Arc::default();
    let holds = Arc::clone(&held);
    let patient = move |info: &CallInfo| -> Completion {
        let (completion, finisher) = info.runtime().internal_completion("the test");
        finisher.be_patient();
        holds.lock().expect("no panic").push(finisher);
        completion
    };
    let runtime = build(|builder| builder.inline_native(Function::new("patient", patient)));
    let a = open(&runtime, "a", None, "wait: native patient\nanswer: give 1");
    let token = runtime.handle().cancel_token(None).expect("a token");
    let mut facts = Facts::default();
    facts.runtime = runtime.handle().id();
    let info = KeptInfo::new(runtime.handle(), Some(token.clone()), facts);
    let asked = function(&a, "wait").call(&info, Args::new(&[]));
    assert!(runtime.pump_until(|| !held.lock().expect("no panic").is_empty(), LIMIT));
    token.abort();
    // Twice as long as deaf code would have.
    runtime.pump_for(Duration::from_secs(1));
    assert_eq!(runtime.lost(), []);
    held.lock().expect("no panic").remove(0).finish(Ok(Value::Nil)).expect("it still waits");
    drop(asked);
    assert_eq!(runtime.call_export(&a, "answer", &[]), Ok(Value::Int(1)));
}
