//! When a program has ended: idle only when nothing can happen, stuck exactly when someone waits for
//! what cannot come, and never either while anybody is at work.

use std::time::Duration;

use calog_plugin_api::{CallInfo, Function, Value};

use super::check::{check, each};
use super::scene::{Count, build, export, join, joined, never, open, promising, script, spawn};
use crate::Ended;

#[test]
fn a_program_is_idle_when_all_that_was_asked_for_is_done() {
    check(|| {
        let (promise, finishers) = promising("promise");
        let done = Count::default();
        let mark = Function::new("mark", done.rises());
        let runtime = build(|builder| builder.inline_native(promise).inline_native(mark));
        let b = open(&runtime, "b", None, "work: native promise\nmark: native mark");
        let a = open(&runtime, "a", None, "start: apply");
        let giver = spawn(move || {
            // A thread outside is what the program waits for.
            let finisher = finishers.recv().ok().expect("the native is called");
            finisher.finish(Ok(1.into())).expect("somebody waits");
        });
        let info = super::scene::circumstances(&runtime);
        let (work, mark) = (Value::from(export(&b, "work")), export(&b, "mark"));
        // A calls B, which waits for the giver; then B is called again, from wherever the answer lands.
        let chain = move |_: calog_plugin_api::Result<Value>| {
            mark.start(&info, calog_plugin_api::Args::new(&[]), |_| {});
        };
        let info = super::scene::circumstances(&runtime);
        export(&a, "start").start(&info, calog_plugin_api::Args::new(&[work.view()]), chain);
        assert_eq!(runtime.run(), Ended::Idle);
        assert_eq!(done.get(), 1, "it ended before its work was done");
        joined(giver);
    });
}

#[test]
fn a_program_is_stuck_when_somebody_waits_for_what_cannot_come() {
    each(["native never", "suspend never"], |act| {
        let done = Count::default();
        let mark = Function::new("mark", done.rises());
        let runtime = build(|builder| builder.inline_native(never("never")).inline_native(mark));
        runtime.open(script("stuck", None, act)).expect("a context");
        runtime.open(script("busy", None, "native mark\nnative mark")).expect("a context");
        let Ended::Stuck(waiting) = runtime.run() else { panic!("the program is stuck") };
        assert_eq!(waiting.len(), 1, "{waiting:?}");
        assert_eq!((waiting[0].context.as_str(), waiting[0].what.as_str()), ("stuck", "what never comes"));
        assert_eq!(done.get(), 2, "it ended before its work was done");
    });
}

#[test]
fn a_finished_wait_under_one_that_never_ends_does_not_keep_a_program_going() {
    check(|| {
        let (promise, finishers) = promising("promise");
        let runtime = build(|builder| builder.inline_native(promise).inline_native(never("never")));
        let context = open(&runtime, "a", None, "below: native promise\nabove: native never");
        let info = super::scene::circumstances(&runtime);
        let below = super::scene::call(&export(&context, "below"), &info);
        let above = super::scene::call(&export(&context, "above"), &info);
        let giver = spawn(move || {
            let finisher = finishers.recv().ok().expect("the native is called");
            let _ = finisher.finish(Ok(1.into()));
        });
        let Ended::Stuck(waiting) = runtime.run() else { panic!("the program is stuck") };
        assert!(waiting.iter().any(|wait| wait.what == "what never comes"), "{waiting:?}");
        joined(giver);
        drop(runtime);
        below.is_or_dead(1);
        above.is_or_dead(0);
    });
}

#[test]
fn guards_and_timers_keep_a_program_going() {
    check(|| {
        let done = Count::default();
        let rises = done.rises();
        let timer = |info: &CallInfo| info.runtime().after(Duration::from_millis(2));
        let runtime = build(|builder| builder.inline_native(Function::new("sleep", timer)));
        let guard = runtime.handle().keep_alive();
        let other = spawn(move || {
            rises();
            drop(guard);
        });
        runtime.open(script("a", None, "native sleep")).expect("a context");
        assert_eq!(runtime.run(), Ended::Idle);
        assert_eq!(done.get(), 1, "it ended while a guard was held");
        joined(other);
    });
}

#[test]
fn whoever_asks_first_decides_how_a_program_ends() {
    check(|| {
        let runtime = build(|builder| builder.inline_native(never("never")));
        let context = open(&runtime, "a", None, "wait: native never");
        let guard = runtime.handle().keep_alive();
        runtime.eval(&context, "native never");
        let askers = [3, 4].map(|code| {
            let stopper = runtime.stopper();
            spawn(move || stopper.exit(code))
        });
        let ended = runtime.run();
        assert!(matches!(ended, Ended::Exit(3 | 4)), "{ended:?}");
        join(askers);
        assert_eq!(runtime.run(), ended, "the second to ask changes nothing");
        drop(guard);
    });
}
