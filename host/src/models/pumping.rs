//! Waiting in place: who waits stays callable, and each wait gets its own answer.

use calog_plugin_api::{Args, Value};

use super::check::check;
use super::scene::{Heard, build, call, circumstances, export, join, open, promising, spawn};

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
        assert_eq!(runtime.close(super::scene::LIMIT).lost, []);
        first.is_or_dead(2);
        second.is_or_dead(1);
    });
}

#[test]
fn nested_waits_get_their_own_answers_in_whatever_order_these_come() {
    for acts in [["native one", "native two"], ["suspend one", "native two"], ["native one", "suspend two"]] {
        check(move || {
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
