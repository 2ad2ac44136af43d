//! Cancelled waits and deadlines: the waiting script gets an error it can catch, the native is told
//! once, a late result is handed back, and callees inherit what their caller was given.

use std::time::Duration;

use calog::plugin_api::{CallInfo, Code, Error, Function, Value};
use calog_tests::{Scene, World, every_language, every_pair, field, function};

const WAITS: [&str; 2] = ["wait", "wait_in_place"];
const CALLS: [&str; 2] = ["catches", "catches_in_place"];

/// Ways to catch the end of a wait, and the wait: a language that suspends by promises only catches
/// what it awaits.
const CAUGHT_WAITS: [(&str, &str); 2] = [("catches", "wait"), ("catches_in_place", "wait_in_place")];

#[test]
fn a_cancelled_wait_is_an_error_that_can_be_caught() {
    every_language(|scene, a| {
        for wait in WAITS {
            for code in [Code::Cancelled, Code::Timeout] {
                let what = format!("{}: {wait} {code:?}", scene.what);
                let gate = format!("{wait} {code:?}");
                // The script itself catches it, around the wait.
                let asked = scene.world.ask(a, CALLS[0], &[function(a, wait), gate.as_str().into()]);
                scene.settle(a);
                assert!(scene.gates.cancel(&gate, &Error::new(code, "no more")), "{what}");
                assert!(!scene.gates.cancel(&gate, &Error::new(code, "twice")), "{what}: once");
                let caught = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert_eq!(field(&caught, "code"), Value::from(format!("{code}").as_str()), "{what}: {caught:?}");
                assert_eq!(field(&caught, "message"), Value::from("no more"), "{what}: {caught:?}");
                assert_eq!(scene.gates.hooks(&gate), 1, "{what}: the native is told once");
                let late = scene.gates.open(&gate, "late").expect_err("nobody waits any more");
                assert_eq!(late, Ok(Value::from("late")), "{what}: the result comes back");
                assert_eq!(scene.gates.hooks(&gate), 1, "{what}: the native is told once");
            }
        }
    });
}

#[test]
fn a_wait_that_ended_is_not_cancelled() {
    every_language(|scene, a| {
        for wait in WAITS {
            let asked = scene.world.ask(a, wait, &[wait.into()]);
            scene.settle(a);
            let gate = scene.gates.take(wait);
            gate.finisher.finish(Ok(1.into())).expect("it waits");
            assert!(!gate.canceller.cancel(&Error::new(Code::Cancelled, "too late")), "{}", scene.what);
            assert_eq!(scene.world.answer(&asked), Ok(Value::Int(1)), "{}", scene.what);
            assert_eq!(scene.gates.hooks(wait), 0, "{}: {wait}", scene.what);
        }
    });
}

/// A time on the runtime's clock that is soon.
fn soon(world: &World) -> u64 {
    world.runtime.handle().now_ns() + Duration::from_millis(20).as_nanos() as u64
}

#[test]
fn a_wait_ends_at_the_deadline_of_its_call() {
    every_language(|scene, a| {
        for wait in WAITS {
            for (when, deadline_ns) in [("soon", soon(&scene.world)), ("past", 1)] {
                let gate = format!("{wait} {when}");
                let info = scene.world.info_with(None, deadline_ns);
                let asked = scene.world.ask_with(&info, a, CALLS[0], &[function(a, wait), gate.as_str().into()]);
                let caught = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
                assert_eq!(field(&caught, "code"), Value::from("timeout"), "{}: {gate} {caught:?}", scene.what);
                if scene.gates.is_closed(&gate) {
                    assert_eq!(scene.gates.hooks(&gate), 1, "{}: {gate}", scene.what);
                    assert!(scene.gates.open(&gate, 1).is_err(), "{}: {gate}", scene.what);
                }
            }
        }
    });
}

#[test]
fn callees_inherit_the_deadline() {
    every_pair(|scene, a, b| {
        for call in CALLS {
            for (catches, wait) in CAUGHT_WAITS {
                // a calls b's catching function, which calls b's waiting one: the inner wait itself ends. On a
                // machine that has no time for us, the deadline may pass before that begins: then once more.
                let attempt = |time: Duration| {
                    let gate = format!("{call} {wait} {time:?}");
                    let deadline_ns = scene.world.runtime.handle().now_ns() + time.as_nanos() as u64;
                    let info = scene.world.info_with(None, deadline_ns);
                    let args = [function(b, catches), function(b, wait), gate.as_str().into()];
                    let asked = scene.world.ask_with(&info, a, call, &args);
                    let outer = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
                    scene.settle(b);
                    scene.gates.is_closed(&gate).then_some((gate, outer))
                };
                let mut times = (0..10).map(|doubled| Duration::from_millis(20) * 2_u32.pow(doubled));
                let (gate, outer) = times.find_map(attempt).expect("the inner wait begins");
                scene.world.wait_until("the inner wait's end", || scene.gates.hooks(&gate) > 0);
                assert_eq!(scene.gates.hooks(&gate), 1, "{}: {gate}", scene.what);
                assert!(scene.gates.open(&gate, 1).is_err(), "{}: {gate}: the wait ended", scene.what);
                // Whichever of the two waits hears first, a's script catches it or has b's answer.
                let inner = field(&outer, "value");
                let code = if inner == Value::Nil { field(&outer, "code") } else { field(&inner, "code") };
                assert_eq!(code, Value::from("timeout"), "{}: {gate} {outer:?}", scene.what);
            }
        }
    });
}

/// What natives see of the call they are part of: whether there is a deadline, and a request to end.
fn circumstances() -> Function {
    Function::new("circumstances", |info: &CallInfo| {
        let token = info.cancel_token().map_or(Value::Nil, |token| Value::Bool(token.is_cancelled()));
        Value::list([Value::Int(info.deadline_ns().unwrap_or(0) as i64), token])
    })
}

#[test]
fn natives_see_the_deadline_and_the_token_through_all_calls() {
    every_pair(|scene, a, b| {
        let handle = scene.world.runtime.handle();
        let native = handle.callable(&circumstances().build().expect("a native")).expect("a callable");
        let token = handle.cancel_token(None).expect("a token");
        let deadline_ns = handle.now_ns() + Duration::from_secs(3600).as_nanos() as u64;
        for (cancel, deadline_ns) in [(None, 0), (Some(token.clone()), deadline_ns)] {
            let wanted = [Value::Int(deadline_ns as i64), cancel.as_ref().map_or(Value::Nil, |_| Value::Bool(false))];
            let info = scene.world.info_with(cancel, deadline_ns);
            for call in ["suspends", "pumps"] {
                let args = [function(b, call), function(a, call), native.clone().into()];
                let seen = scene.world.answer(&scene.world.ask_with(&info, a, call, &args));
                assert_eq!(seen, Value::list(wanted.clone()), "{}: {call}", scene.what);
            }
        }
    });
}

#[test]
fn a_raised_cancel_token_ends_the_waits_of_its_call() {
    every_pair(|scene, a, b| {
        for call in CALLS {
            for wait in WAITS {
                for raised in ["before", "meanwhile"] {
                    let gate = format!("{call} {wait} {raised}");
                    let token = scene.world.runtime.handle().cancel_token(None).expect("a token");
                    let info = scene.world.info_with(Some(token.clone()), 0);
                    if raised == "before" {
                        token.cancel();
                    }
                    let args = [function(b, wait), gate.as_str().into()];
                    let asked = scene.world.ask_with(&info, a, call, &args);
                    if raised == "meanwhile" {
                        scene.world.wait_until("the wait", || scene.gates.is_closed(&gate));
                        scene.settle(a);
                        scene.settle(b);
                        token.cancel();
                    }
                    let caught = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{gate}: {error:?}"));
                    assert_eq!(field(&caught, "code"), Value::from("cancelled"), "{}: {gate} {caught:?}", scene.what);
                    if scene.gates.is_closed(&gate) {
                        scene.world.wait_until("the inner wait's end", || scene.gates.hooks(&gate) > 0);
                        assert_eq!(scene.gates.hooks(&gate), 1, "{}: {gate}", scene.what);
                        assert!(scene.gates.open(&gate, 1).is_err(), "{}: {gate}", scene.what);
                    }
                }
            }
        }
    });
}

#[test]
fn a_cancelled_task_leaves_its_context_as_it_was() {
    every_language(|scene, a| {
        for n in 0..200 {
            let wait = WAITS[n % 2];
            let gate = format!("{n}");
            let asked = scene.world.ask(a, wait, &[gate.as_str().into()]);
            scene.settle(a);
            assert!(scene.gates.cancel(&gate, &Error::new(Code::Cancelled, "no more")));
            let error = scene.world.answer(&asked).expect_err("the script does not catch it");
            assert_eq!(error.code(), Code::Cancelled, "{}: {error:?}", scene.what);
        }
        scene.settle(a);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
        drop_scene_is_quick(scene);
    });
}

/// Nothing is left that would hold up closing.
fn drop_scene_is_quick(scene: &Scene) {
    assert_eq!(scene.world.runtime.close(calog::CLOSE_LIMIT), calog::Closed::default(), "{}", scene.what);
}
