//! `with_timeout`: the deadline, then the grace, then nothing of it is left.

use std::time::{Duration, Instant};

use calog::plugin_api::Value;
use calog_tests::stage::{list, outcome, step, steps};

use crate::players::PLAYERS;

/// A scope with this in it, and a task of each of these steps, that runs into its deadline.
fn late(children: &[Value], opts: Value) -> Value {
    let spawned = children.iter().map(|steps| step("child", vec!["c".into(), steps.clone()]));
    let wait = step("sleep", vec![100_000.into()]);
    let body = list(spawned.chain([wait]).collect());
    steps![["timeout", 20, body, opts]]
}

fn grace(ms: i64) -> Value {
    Value::map([("grace_ms", Value::Int(ms))]).expect("a map")
}

#[test]
fn a_body_that_ends_in_time_gives_its_value() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["sleep", 1], ["note", "child ends"]];
        let body = steps![["child", "c", child], ["return", "in time"]];
        for opts in [Value::Bool(false), grace(5), Value::map::<&str, Value>([]).expect("a map")] {
            let value = scene.play(a, steps![["timeout", 100_000, body.clone(), opts], ["last"]]);
            assert_eq!(value, Ok("in time".into()), "{}", scene.what);
        }
        assert_eq!(scene.told(), ["child ends"; 3], "{}", scene.what);
    });
}

#[test]
fn a_body_that_fails_in_time_fails_with_its_error() {
    PLAYERS.every_language(|scene, a| {
        let body = steps![["fail", "no luck"]];
        scene.play(a, steps![["catch", steps![["timeout", 100_000, body]]]]).expect(&scene.what);
        assert_eq!(scene.told(), ["script: no luck"], "{}", scene.what);
    });
}

#[test]
fn a_late_body_is_cancelled_and_the_call_says_so() {
    PLAYERS.every_language(|scene, a| {
        let body = steps![["catch", steps![["sleep", 100_000]]], ["return", "too late"]];
        for (ms, given) in [(Value::Int(20), "20"), (Value::Real(0.5), "0.5"), (Value::Int(0), "0")] {
            let error = outcome(scene.play(a, steps![["timeout", ms, body.clone()], ["last"]]));
            assert_eq!(error, format!("timeout: task.with_timeout: exceeded {given} ms"), "{}", scene.what);
        }
        assert_eq!(scene.told(), ["cancelled: task cancelled"; 3], "{}", scene.what);
    });
}

#[test]
fn a_child_that_swallows_the_cancellation_cleans_up_in_the_grace() {
    PLAYERS.every_language(|scene, a| {
        // It cleans up for as long as the test wants: the grace is longer than that.
        let child = steps![["catch", steps![["sleep", 100_000]]], ["gate", "swallowed"], ["note", "never"]];
        let clean =
            steps![["catch", steps![["sleep", 100_000]]], ["catch", steps![["checkpoint"]]], ["note", "cleaned up"],];
        let error = outcome(scene.play(a, late(&[child, clean], grace(60_000))));
        assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        let mut told = scene.told();
        told.sort();
        let cancelled = "cancelled: task cancelled";
        assert_eq!(told, [cancelled, cancelled, cancelled, "cleaned up"], "{}", scene.what);
    });
}

/// Ways not to end.
const ENDLESS: [&str; 3] = ["forever", "swallow", "spin"];

#[test]
fn who_never_ends_is_aborted_and_nothing_of_it_runs_afterwards() {
    PLAYERS.every_language(|scene, a| {
        for endless in ENDLESS {
            for ms in [0, 30] {
                for spawned_last in [false, true] {
                    let child = list(vec![
                        step("note", vec!["it runs".into()]),
                        step(endless, vec![]),
                        step("note", vec!["the flag".into()]),
                    ]);
                    let polite = steps![["catch", steps![["sleep", 100_000]]]];
                    let children = if spawned_last { [polite, child] } else { [child, polite] };
                    let error = outcome(scene.play(a, late(&children, grace(ms))));
                    let what = format!("{}: {endless}, {ms} ms", scene.what);
                    assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{what}");
                    scene.turns(a);
                    assert!(!scene.told().contains(&"the flag".to_owned()), "{what}");
                }
            }
        }
    });
}

#[test]
fn who_loops_after_being_cancelled_is_aborted() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["catch", steps![["sleep", 100_000]]], ["forever"], ["note", "the flag"]];
        let error = outcome(scene.play(a, late(&[child], grace(30))));
        assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        scene.turns(a);
        assert_eq!(scene.told(), ["cancelled: task cancelled"], "{}", scene.what);
        // Its context goes on, and can do it all again.
        let value = scene.play(a, steps![["scope", false, steps![["sleep", 1], ["return", 5]]], ["last"]]);
        assert_eq!(value, Ok(5.into()), "{}", scene.what);
    });
}

#[test]
fn a_body_that_never_ends_is_aborted() {
    PLAYERS.every_language(|scene, a| {
        for endless in ENDLESS {
            let body = list(vec![step(endless, vec![]), step("note", vec!["the flag".into()])]);
            let error = outcome(scene.play(a, steps![["timeout", 20, body, grace(20)]]));
            assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}: {endless}", scene.what);
            scene.turns(a);
            assert!(scene.told().is_empty(), "{}: {endless}", scene.what);
        }
    });
}

#[test]
fn the_deadline_covers_the_tasks_that_outlive_the_body() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["catch", steps![["sleep", 100_000]]], ["note", "child ends"]];
        let body = steps![["child", "c", child], ["return", "in time"]];
        let error = outcome(scene.play(a, steps![["timeout", 20, body], ["last"]]));
        assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        assert_eq!(scene.told(), ["cancelled: task cancelled", "child ends"], "{}", scene.what);
    });
}

#[test]
fn the_deadline_reaches_nested_scopes() {
    PLAYERS.every_language(|scene, a| {
        let deep = steps![["catch", steps![["sleep", 100_000]]], ["note", "deep ends"]];
        let inner = steps![["scope", "inner", steps![["child", "deep", deep]]], ["note", "the flag"], ["checkpoint"]];
        let error = outcome(scene.play(a, steps![["timeout", 20, inner, grace(60_000)]]));
        assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        let told = scene.told();
        assert_eq!(told[..2], ["cancelled: task cancelled", "deep ends"], "{}", scene.what);
    });
}

#[test]
fn an_abort_reaches_nested_scopes() {
    PLAYERS.every_language(|scene, a| {
        for endless in ENDLESS {
            let deep = list(vec![step(endless, vec![]), step("note", vec!["the flag".into()])]);
            let inner = steps![["scope", "inner", steps![["child", "deep", deep]]], ["note", "the flag"]];
            let error = outcome(scene.play(a, steps![["timeout", 20, inner, grace(10)]]));
            assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}: {endless}", scene.what);
            scene.turns(a);
            assert!(scene.told().is_empty(), "{}: {endless}", scene.what);
        }
    });
}

#[test]
fn what_was_aborted_does_nothing_any_more() {
    PLAYERS.every_language(|scene, a| {
        // In the body, in a task, and below a nested scope.
        let beats = |inner: Value| {
            let body = list(vec![step("child", vec!["c".into(), inner]), step("beat", vec![])]);
            outcome(scene.play(a, steps![["timeout", 20, body, grace(20)]]))
        };
        for inner in [steps![["beat"]], steps![["scope", false, steps![["child", "d", steps![["beat"]]], ["beat"]]]]] {
            assert_eq!(beats(inner), "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
            let told = scene.told();
            assert!(told.contains(&"beat".to_owned()), "{}: they ran", scene.what);
            // As long as several beats would take, and many turns.
            scene.play(a, steps![["sleep", 30]]).expect(&scene.what);
            scene.turns(a);
            assert_eq!(scene.told().len(), told.len(), "{}", scene.what);
        }
    });
}

#[test]
fn without_a_grace_nobody_cleans_up() {
    PLAYERS.every_language(|scene, a| {
        for _ in 0..20 {
            let child = steps![["catch", steps![["sleep", 100_000]]], ["note", "the flag"]];
            let children = [child.clone(), steps![["scope", false, steps![["child", "d", child]]]]];
            let error = outcome(scene.play(a, late(&children, grace(0))));
            assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        }
        scene.turns(a);
        assert!(scene.told().is_empty(), "{}: {:?}", scene.what, scene.told());
    });
}

#[test]
fn the_usual_grace_is_a_second() {
    PLAYERS.every_language(|scene, a| {
        let begun = Instant::now();
        let error = outcome(scene.play(a, late(&[steps![["swallow"]]], false.into())));
        assert_eq!(error, "timeout: task.with_timeout: exceeded 20 ms", "{}", scene.what);
        assert!(begun.elapsed() >= Duration::from_millis(1020), "{}: {:?}", scene.what, begun.elapsed());
    });
}

#[test]
fn an_inner_deadline_leaves_the_outer_scope_as_it_is() {
    PLAYERS.every_language(|scene, a| {
        let sibling = steps![["gate", "sibling"], ["note", "sibling goes on"]];
        let inner = steps![["catch", steps![["timeout", 1, steps![["beat"]], grace(1)]]], ["sleep", 1]];
        let body = steps![["child", "c", sibling], ["call", scene.make(a, inner)], ["note", "body goes on"]];
        let asked = scene.begin(a, steps![["timeout", 100_000, body]]);
        scene.hear("body goes on");
        scene.gates.open("sibling", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        let told: Vec<_> = scene.told().into_iter().filter(|note| note != "beat").collect();
        let wanted = ["timeout: task.with_timeout: exceeded 1 ms", "body goes on", "sibling goes on"];
        assert_eq!(told, wanted, "{}", scene.what);
    });
}
