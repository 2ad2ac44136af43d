//! Contexts that are started again: when, how often, and what becomes of those who knew the old one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use calog::plugin_api::Restart;
use calog::{Code, ContextRef, Ended, Error, Function, Open, Result, Runtime, Value};

use super::{LIMIT, THREADS, build, code, open};

/// A window that nothing leaves while a test runs.
const WIDE: Duration = Duration::from_secs(3600);

/// A runtime whose native `fails` does so as long as there are failures left, and counts.
struct Scene {
    runtime: Runtime,
    left: Arc<AtomicU32>,
    starts: Arc<AtomicU32>,
    errors: Rc<RefCell<Vec<String>>>,
}

fn scene(failures: u32) -> Scene {
    let (left, starts) = (Arc::new(AtomicU32::new(failures)), Arc::<AtomicU32>::default());
    let (failing, counting) = (Arc::clone(&left), Arc::clone(&starts));
    let fails = move || -> Result<()> {
        counting.fetch_add(1, Ordering::SeqCst);
        let less = failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        less.map_or(Ok(()), |_| Err(Error::new(Code::Io, "as told")))
    };
    let errors: Rc<RefCell<Vec<String>>> = Rc::default();
    let seen = Rc::clone(&errors);
    let runtime = build(|builder| {
        builder
            .inline_native(Function::new("fails", fails))
            .on_error(move |_, error| seen.borrow_mut().push(error.message().into_owned()))
    });
    Scene { runtime, left, starts, errors }
}

/// Pumps until this holds; what does not wake the thread is looked at now and then.
#[track_caller]
fn until(runtime: &Runtime, holds: impl Fn() -> bool) {
    let end = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "it never does");
        runtime.pump_for(Duration::from_millis(1));
    }
}

impl Scene {
    fn start(&self, restart: Restart, thread: Option<&str>, text: &str) -> ContextRef {
        let open = Open::source("toy", text).name("x").restart(restart);
        let open = thread.into_iter().fold(open, Open::thread);
        self.runtime.open(open).expect("a context")
    }

    /// The context of the name, once it is another one than this and its main chunk has run.
    fn next(&self, old: &ContextRef) -> ContextRef {
        let new = || self.runtime.context("x").filter(|it| it.id() != old.id() && it.export("answer").is_some());
        until(&self.runtime, || new().is_some());
        new().expect("it was there")
    }

    fn starts(&self) -> u32 {
        self.starts.load(Ordering::SeqCst)
    }
}

const SCRIPT: &str = "native fails\nanswer: give 42\npanic: panic";

#[test]
fn a_main_chunk_that_failed_is_run_again_in_a_new_context_of_the_name() {
    // Also where it is closed for that: one end is one new start.
    for (thread, restart) in [(None, Restart::on_failure()), (Some("ui"), Restart::always())] {
        let scene = scene(2);
        let first = scene.start(restart.bounded(2, WIDE), thread, SCRIPT);
        let last = scene.next(&first);
        assert_eq!((scene.starts(), last.name()), (3, "x"));
        assert_eq!(scene.runtime.call_export(&last, "answer", &[]), Ok(Value::Int(42)));
        until(&scene.runtime, || first.is_closed());
        assert!(scene.errors.borrow().is_empty(), "what is started again is logged");
        // Who imports it finds the new one, and whoever runs goes on.
        let other = open(&scene.runtime, "other", None, "ask: import x answer");
        assert_eq!(scene.runtime.call_export(&other, "ask", &[]), Ok(Value::Int(42)));
        assert_eq!(scene.runtime.run(), Ended::Idle);
    }
}

#[test]
fn after_a_panic_old_functions_are_dead_and_imports_answer_again() {
    for [one, two] in THREADS {
        let scene = scene(0);
        let old = scene.start(Restart::on_failure(), one, SCRIPT);
        scene.runtime.wait_for(&old).unwrap();
        let importer = open(&scene.runtime, "importer", two, "ask: import x answer");
        assert_eq!(scene.runtime.call_export(&importer, "ask", &[]), Ok(Value::Int(42)));
        let Some(Value::Callable(answer)) = old.export("answer") else { panic!("a function") };
        assert_eq!(code(scene.runtime.call_export(&old, "panic", &[])), Code::Panic);
        let new = scene.next(&old);
        assert_eq!(code(scene.runtime.call(&answer, &[])), Code::Dead, "a function value of the old one");
        assert_eq!(code(scene.runtime.call_export(&old, "answer", &[])), Code::Dead);
        assert_eq!(scene.runtime.call_export(&importer, "ask", &[]), Ok(Value::Int(42)), "{one:?} {two:?}");
        assert_eq!(scene.runtime.call_export(&new, "answer", &[]), Ok(Value::Int(42)));
    }
}

#[test]
fn what_fails_too_often_ends_the_program_with_one() {
    for (restart, failures, starts, message) in [
        (
            Restart::on_failure().bounded(2, WIDE),
            9,
            3,
            "context 'x' is given up after 2 restarts within 3600 s: as told",
        ),
        (
            Restart::on_failure().bounded(0, WIDE),
            9,
            1,
            "context 'x' is given up after 0 restarts within 3600 s: as told",
        ),
    ] {
        let scene = scene(failures);
        scene.start(restart, None, SCRIPT);
        assert_eq!(scene.runtime.run(), Ended::Exit(1));
        assert_eq!(scene.starts(), starts);
        scene.runtime.close(LIMIT);
        assert_eq!(*scene.errors.borrow(), [message]);
        assert_eq!(scene.left.load(Ordering::SeqCst), failures - starts);
    }
}

#[test]
fn one_without_a_policy_stays_as_it_failed() {
    let scene = scene(1);
    let context = scene.start(Restart::NEVER, None, SCRIPT);
    assert_eq!(scene.runtime.run(), Ended::Idle);
    assert_eq!(scene.starts(), 1);
    assert_eq!(*scene.errors.borrow(), ["as told"]);
    assert_eq!(scene.runtime.context("x").map(|it| it.id()), Some(context.id()));
}

#[test]
fn only_always_means_also_one_that_was_closed() {
    for (restart, again) in [(Restart::on_failure(), false), (Restart::always(), true)] {
        let scene = scene(0);
        let old = scene.start(restart, None, SCRIPT);
        scene.runtime.wait_for(&old).unwrap();
        assert!(scene.runtime.close_context(&old));
        if again {
            let new = scene.next(&old);
            assert_eq!(scene.runtime.call_export(&new, "answer", &[]), Ok(Value::Int(42)));
        } else {
            assert_eq!(scene.runtime.run(), Ended::Idle);
            assert!(scene.runtime.context("x").is_none());
        }
        // The runtime's own end is no end of theirs.
        let starts = scene.starts();
        assert_eq!(scene.runtime.close(LIMIT).lost, []);
        assert_eq!(scene.starts(), starts);
    }
}

#[test]
fn one_that_is_closed_again_and_again_is_given_up_as_well() {
    let scene = scene(0);
    let mut context = scene.start(Restart::always().bounded(2, WIDE), None, SCRIPT);
    for _ in 0..2 {
        scene.runtime.wait_for(&context).unwrap();
        scene.runtime.close_context(&context);
        context = scene.next(&context);
    }
    scene.runtime.close_context(&context);
    assert_eq!(scene.runtime.run(), Ended::Exit(1));
    scene.runtime.close(LIMIT);
    assert_eq!(*scene.errors.borrow(), ["context 'x' is given up after 2 restarts within 3600 s: it was closed again"]);
}

#[test]
fn an_interpreter_that_cannot_be_opened_counts_as_failed() {
    let scene = scene(0);
    let open = Open::source("toy", "").name("refused").restart(Restart::on_failure().bounded(1, WIDE));
    scene.runtime.open(open).expect("a context, for now");
    assert_eq!(scene.runtime.run(), Ended::Exit(1));
    scene.runtime.close(LIMIT);
    let errors = scene.errors.borrow();
    assert!(errors[0].starts_with("context 'refused' is given up after 1 restarts"), "{errors:?}");
}

#[test]
fn an_importer_that_waits_is_told_and_the_next_one_answered() {
    let (told, hear) = std::sync::mpsc::channel();
    let hear = Mutex::new(hear);
    let held = Function::new("hold", move |info: &calog_plugin_api::CallInfo| {
        let (completion, finisher) = info.runtime().completion("the test");
        told.send(finisher).expect("the test waits");
        completion
    });
    let runtime = build(|builder| builder.inline_native(held));
    let open_x = Open::source("toy", "native hold\nanswer: give 42").name("x").restart(Restart::on_failure());
    let old = runtime.open(open_x).expect("a context");
    let importer = open(&runtime, "importer", None, "ask: import x answer");
    let Some(Value::Callable(ask)) = importer.export("ask") else { panic!("a function") };
    let waits = std::thread::scope(|threads| {
        threads.spawn(|| {
            let finisher = hear.lock().unwrap().recv().expect("it is called");
            finisher.finish(Err(Error::new(Code::Io, "as told"))).expect("it waits");
            let finisher = hear.lock().unwrap().recv().expect("it is started again");
            finisher.finish(Ok(Value::Nil)).expect("it waits");
        });
        runtime.call(&ask, &[])
    });
    // Whichever of the two it found.
    assert!(waits == Ok(Value::Int(42)) || waits.as_ref().is_err_and(|error| error.code() == Code::Io), "{waits:?}");
    let new = || runtime.context("x").filter(|it| it.id() != old.id());
    until(&runtime, || new().is_some());
    assert_eq!(runtime.call(&ask, &[]), Ok(Value::Int(42)));
}
