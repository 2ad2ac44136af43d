//! Waiting in place: who waits stays callable, and each wait gets its own answer.

use std::sync::{Arc, Mutex};

use calog_plugin_api::{Args, Function, Value};

use super::check::{check, each};
use super::scene::{Heard, THREADS, build, call, circumstances, export, join, joined, open, promising, script, spawn};
use crate::RuntimeBuilder;

#[test]
fn whoever_waits_serves_its_threads_other_contexts() {
    check(|| {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", Some("ui"), "start: apply");
        let b = open(&runtime, "b", Some("ui"), "answer: give 1");
        let c = open(&runtime, "c", None, "apply: apply");
        // A waits for C, which calls B on A's thread.
        let result = runtime.call_export(&a, "start", &[export(&c, "apply").into(), export(&b, "answer").into()]);
        assert_eq!(result, Ok(Value::Int(1)));
    });
}

#[test]
fn two_contexts_that_call_each_other_at_once_are_both_answered() {
    check(|| {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", None, "start: apply\nanswer: give 1");
        let b = open(&runtime, "b", None, "start: apply\nanswer: give 2");
        let info = circumstances(&runtime);
        let start = |caller, callee| {
            let answer = Value::from(export(callee, "answer"));
            Heard::of(export(caller, "start").call(&info, Args::new(&[answer.view()])))
        };
        let (first, second) = (start(&a, &b), start(&b, &a));
        assert_eq!((first.wait().outcome(), second.wait().outcome()), (Ok(Value::Int(2)), Ok(Value::Int(1))));
    });
}

#[test]
fn nested_waits_get_their_own_answers_in_whatever_order_these_come() {
    each([["native one", "native two"], ["suspend one", "native two"], ["native one", "suspend two"]], |acts| {
        let ((one, ones), (two, twos)) = (promising("one"), promising("two"));
        let runtime = build(|builder| builder.inline_native(one).inline_native(two));
        let [first, second] = acts;
        let context = open(&runtime, "a", None, &format!("one: {first}\ntwo: {second}"));
        let info = circumstances(&runtime);
        let heard = ["one", "two"].map(|name| call(&export(&context, name), &info));
        let givers = [(ones, 1), (twos, 2)].map(|(finishers, value)| {
            spawn(move || {
                let finisher = finishers.recv().ok().expect("the native is called");
                finisher.finish(Ok(value.into())).expect("somebody waits");
            })
        });
        join(givers);
        assert_eq!(heard.map(|heard| heard.wait().outcome()), [Ok(Value::Int(1)), Ok(Value::Int(2))]);
    });
}

#[test]
fn answers_from_two_contexts_to_one_that_waits_for_both_find_their_waits() {
    check(|| {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", None, "start: apply");
        let [b, c] =
            [("b", "give 2"), ("c", "give 3")].map(|(name, act)| open(&runtime, name, None, &format!("answer: {act}")));
        let (start, info) = (export(&a, "start"), circumstances(&runtime));
        let heard = [&b, &c].map(|callee| {
            let answer = Value::from(export(callee, "answer"));
            Heard::of(start.call(&info, Args::new(&[answer.view()])))
        });
        // The second wait begins within the first, or after it.
        assert_eq!(heard.map(|heard| heard.wait().outcome()), [Ok(Value::Int(2)), Ok(Value::Int(3))]);
    });
}

/// What begins and ends on one stack, in its order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, usize)>>>);

impl Log {
    fn note(&self, what: &'static str, which: usize) {
        self.0.lock().expect("no panic").push((what, which));
    }
}

#[test]
fn nested_waits_unwind_last_in_first_out() {
    check(|| {
        let (log, mut natives, mut giving) = (Log::default(), Vec::new(), Vec::new());
        for (which, name) in ["one", "two"].into_iter().enumerate() {
            let (promise, finishers) = promising(name);
            natives.push(promise);
            giving.push(finishers);
            for what in ["begin", "end"] {
                let log = log.clone();
                natives.push(Function::new(format!("{what}.{name}"), move || log.note(what, which)));
            }
        }
        let runtime = build(|builder| natives.into_iter().fold(builder, RuntimeBuilder::inline_native));
        let context = open(&runtime, "a", None, "one: waits one\ntwo: waits two");
        let info = circumstances(&runtime);
        let heard = ["one", "two"].map(|name| call(&export(&context, name), &info));
        let givers = giving.into_iter().map(|finishers| {
            spawn(move || {
                let finisher = finishers.recv().ok().expect("the native is called");
                finisher.finish(Ok(1.into())).expect("somebody waits");
            })
        });
        givers.collect::<Vec<_>>().into_iter().for_each(joined);
        heard.iter().for_each(|heard| assert_eq!(heard.wait().outcome(), Ok(Value::Int(1))));
        let mut stack = Vec::new();
        for (what, which) in log.0.lock().expect("no panic").iter() {
            match *what {
                "begin" => stack.push(*which),
                _ => assert_eq!(stack.pop(), Some(*which), "a wait ends below another"),
            }
        }
        assert!(stack.is_empty(), "a wait has not ended: {stack:?}");
    });
}

#[test]
fn modules_that_import_each_other_all_come_to_be() {
    check(|| {
        let runtime = build(|builder| builder);
        let texts = [("a", "import b answer"), ("b", "import c answer"), ("c", "import a answer")];
        let opened = runtime.open_all(texts.map(|(name, text)| script(name, None, text)));
        for context in opened {
            let context = context.expect("a context");
            runtime.wait_for(&context).expect("a main chunk that runs");
        }
    });
}

#[test]
fn the_error_of_an_import_is_its_importers_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bad = folder.path().join("bad.probe");
    std::fs::write(&bad, "no such act").expect("a script");
    let text = format!("start: import {} answer", bad.display());
    check(move || {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reported);
        let runtime =
            build(|builder| builder.on_error(move |_, error| seen.lock().expect("no panic").push(error.code())));
        let context = open(&runtime, "a", None, &text);
        let result = runtime.call_export(&context, "start", &[]);
        assert!(result.is_err(), "{result:?}");
        runtime.pump();
        drop(runtime);
        assert_eq!(*reported.lock().expect("no panic"), []);
    });
}

#[test]
fn tasks_that_give_way_go_on_or_are_answered() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let context = open(&runtime, "a", thread, "turn: yield once\nanswer: give 1");
        let info = circumstances(&runtime);
        assert_eq!(call(&export(&context, "turn"), &info).wait().outcome(), Ok(Value::Nil));
        let heard = ["turn", "answer", "turn"].map(|name| call(&export(&context, name), &info));
        runtime.close_context(&context);
        drop(runtime);
        let [first, between, last] = heard;
        first.is_or_dead(Value::Nil);
        between.is_or_dead(1);
        last.is_or_dead(Value::Nil);
    });
}
