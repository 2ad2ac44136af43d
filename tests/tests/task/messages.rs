//! What wrong arguments are told, in every language: scripts match on these.

use calog::plugin_api::Value;
use calog_tests::Scene;
use calog_tests::stage::{list, outcome, step, steps};

use crate::players::PLAYERS;

fn map(key: &str, value: impl Into<Value>) -> Value {
    Value::map([(key, value.into())]).expect("a map")
}

/// Calls what is at this path with each of these: what it says.
fn check(scene: &Scene, player: &calog::ContextRef, path: &str, wrong: Vec<(Vec<Value>, &str)>) {
    for (args, said) in wrong {
        let before = scene.told().len();
        let call = list(vec![step("bad", vec![path.into(), list(args.clone())])]);
        scene.play(player, call).unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
        assert_eq!(scene.told()[before], format!("{path} {said}"), "{}: {path} {args:?}", scene.what);
    }
}

#[test]
fn of_sleep() {
    PLAYERS.every_language(|scene, a| {
        let number = "type: task.sleep: 'ms': wanted a number of milliseconds, got";
        let wrong = vec![
            (vec![], "nil"),
            (vec!["1".into()], "string"),
            (vec![true.into()], "bool"),
            (vec![list(vec![1.into()])], "aggregate"),
            (vec![(-1).into()], "range: task.sleep: invalid duration (ms=-1)"),
            (vec![(-0.5).into()], "range: task.sleep: invalid duration (ms=-0.5)"),
            (vec![f64::NAN.into()], "range: task.sleep: invalid duration (ms=NaN)"),
            (vec![f64::INFINITY.into()], "range: task.sleep: invalid duration (ms=inf)"),
            (vec![1e20.into()], "range: task.sleep: duration out of range (ms=1e20)"),
            (vec![1.into(), 2.into()], "arity: task.sleep: takes at most 1 argument, got 2"),
        ];
        let whole = |(args, said): (Vec<Value>, &str)| {
            let said = if said.contains(':') { said.to_owned() } else { format!("{number} {said}") };
            (args, said)
        };
        let wrong: Vec<_> = wrong.into_iter().map(whole).collect();
        check(scene, a, "task.sleep", wrong.iter().map(|(args, said)| (args.clone(), said.as_str())).collect());
    });
}

#[test]
fn of_spawn() {
    PLAYERS.every_language(|scene, a| {
        let f = scene.make(a, steps![["note", "it ran"]]);
        let unknown = "type: task.spawn: unknown opts key 'x' (expected 'name' or 'driver')";
        let wrong = |own: &'static str, missing: &'static str, no_function: &'static str| {
            let wrong = vec![
                (vec![], missing),
                (vec![5.into()], no_function),
                (vec![f.clone(), 5.into()], "type: task.spawn: 'opts': wanted a map with 'name' or 'driver', got int"),
                (vec![f.clone(), map("x", 1)], unknown),
                (vec![f.clone(), map("name", 5)], "type: task.spawn: opts key 'name': wanted string, got int"),
                (vec![f.clone(), map("driver", 5)], "type: task.spawn: opts key 'driver': wanted string, got int"),
                (
                    vec![f.clone(), map("driver", "x")],
                    "type: task.spawn: unknown driver 'x' (expected 'async_fn' or 'coroutine')",
                ),
                (
                    vec![f.clone(), list(vec!["name".into()])],
                    "type: task.spawn: unknown opts key '1' (expected 'name' or 'driver')",
                ),
            ];
            check(scene, a, own, wrong);
        };
        wrong(
            "task.spawn",
            "arity: task.spawn: argument 1 'fn' is missing",
            "type: task.spawn: argument 1 'fn': wanted function, got int 5",
        );
        // A scope that is open all the while.
        let asked = scene.begin(a, steps![["scope", false, steps![["keep", "s"], ["gate", "open"]]]]);
        scene.meet(a, "open");
        wrong(
            "scope.spawn",
            "arity: scope.spawn: takes a function and options, got 0 arguments",
            "type: scope.spawn: argument 1 'fn': wanted function, got int",
        );
        for method in ["scope.cancel", "scope.token"] {
            check(scene, a, method, vec![(vec![1.into()], &format!("arity: {method}: takes no arguments, got 1"))]);
        }
        scene.gates.open("open", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert!(!scene.told().contains(&"it ran".to_owned()), "{}", scene.what);
    });
}

#[test]
fn of_the_driver_elsewhere_than_in_lua() {
    PLAYERS.every_language(|scene, a| {
        let f = scene.make(a, steps![["note", "it ran"]]);
        let refused = "unsupported: task.spawn: opts key 'driver' is for Lua alone: leave it out";
        let said = if scene.what == "lua" { "fine" } else { refused };
        for driver in ["async_fn", "coroutine"] {
            check(scene, a, "task.spawn", vec![(vec![f.clone(), map("driver", driver)], said)]);
        }
        scene.turns(a);
        let ran = scene.told().iter().filter(|note| *note == "it ran").count();
        assert_eq!(ran, if said == "fine" { 2 } else { 0 }, "{}", scene.what);
    });
}

#[test]
fn of_scope() {
    PLAYERS.every_language(|scene, a| {
        let f = scene.make(a, steps![["note", "it ran"]]);
        let first = "type: task.scope: first argument must be a function or a name string";
        let second = "type: task.scope: second argument must be a function";
        let wrong = vec![
            (vec![], "type: task.scope requires at least a function"),
            (vec![5.into()], first),
            (vec![true.into(), f.clone()], first),
            (vec![f.clone(), f.clone()], first),
            (vec!["name".into()], second),
            (vec!["name".into(), 5.into()], second),
            (vec!["name".into(), f.clone(), 5.into()], "arity: task.scope: takes at most 2 arguments, got 3"),
        ];
        check(scene, a, "task.scope", wrong);
        assert!(!scene.told().contains(&"it ran".to_owned()), "{}", scene.what);
    });
}

#[test]
fn of_with_timeout() {
    PLAYERS.every_language(|scene, a| {
        let f = scene.make(a, steps![["note", "it ran"]]);
        let wrong = vec![
            (vec![], "arity: task.with_timeout: argument 2 'fn' is missing"),
            (vec![20.into()], "arity: task.with_timeout: argument 2 'fn' is missing"),
            (vec!["x".into(), f.clone()], "type: task.with_timeout: 'ms': wanted a number of milliseconds, got string"),
            (vec![20.into(), 5.into()], "type: task.with_timeout: argument 2 'fn': wanted function, got int 5"),
            (vec![(-1).into(), f.clone()], "range: task.with_timeout: invalid duration (ms=-1)"),
            (vec![f64::NAN.into(), f.clone()], "range: task.with_timeout: invalid duration (ms=NaN)"),
            (vec![1e20.into(), f.clone()], "range: task.with_timeout: duration out of range (ms=1e20)"),
            (
                vec![20.into(), f.clone(), 5.into()],
                "type: task.with_timeout: 'opts': wanted a map with 'grace_ms', got int",
            ),
            (
                vec![20.into(), f.clone(), map("x", 1)],
                "type: task.with_timeout: unknown opts key 'x' (expected 'grace_ms')",
            ),
            (
                vec![20.into(), f.clone(), map("grace_ms", "x")],
                "type: task.with_timeout: 'grace_ms': wanted a number of milliseconds, got string",
            ),
            (vec![20.into(), f.clone(), map("grace_ms", -1)], "range: task.with_timeout: invalid duration (ms=-1)"),
            (
                vec![20.into(), f.clone(), map("grace_ms", 1e20)],
                "range: task.with_timeout: duration out of range (ms=1e20)",
            ),
            (
                vec![1.into(), f.clone(), map("grace_ms", 1), 1.into()],
                "arity: task.with_timeout: takes at most 3 arguments, got 4",
            ),
        ];
        check(scene, a, "task.with_timeout", wrong);
        assert!(!scene.told().contains(&"it ran".to_owned()), "{}", scene.what);
    });
}

#[test]
fn of_what_takes_no_arguments() {
    PLAYERS.every_language(|scene, a| {
        scene.play(a, steps![["new_token", "t"], ["spawn", "h", steps![["return", 1]]]]).expect(&scene.what);
        for name in ["yield", "yield_now", "checkpoint", "cancel_token", "current"] {
            let path = format!("task.{name}");
            let said = format!("arity: {path}: takes at most 0 arguments, got 1");
            check(scene, a, &path, vec![(vec![1.into()], &said)]);
        }
        for (kind, object, methods) in [
            ("handle", "task", &["join", "abort", "is_finished", "elapsed"][..]),
            ("token", "cancel_token", &["cancel", "is_cancelled", "check"]),
        ] {
            for method in methods {
                let said = format!("arity: {object}.{method}: takes no arguments, got 1");
                check(scene, a, &format!("{kind}.{method}"), vec![(vec![1.into()], &said)]);
            }
        }
        let value = scene.play(a, steps![["join", "h"], ["last"]]);
        assert_eq!(value, Ok(1.into()), "{}: a refused join is none", scene.what);
    });
}

#[test]
fn a_task_that_calls_a_native_that_panics_has_panicked() {
    PLAYERS.every_language(|scene, a| {
        let handle = scene.world.runtime.handle();
        let boom = calog::plugin_api::Function::new("boom", || -> i64 { panic!("a native's own words") });
        let boom: Value = handle.callable(&boom.build().expect("a native")).expect("a callable").into();
        let child = steps![["call", boom.clone()]];
        let join = steps![["spawn", "c", child], ["catch", steps![["join", "c"]]], ["note", "it goes on"]];
        scene.play(a, join).expect(&scene.what);
        assert_eq!(scene.told(), ["panic: task panicked", "it goes on"], "{}", scene.what);
        let native = outcome(scene.play(a, steps![["spawn", "c", boom], ["join", "c"]]));
        assert_eq!(native, "panic: task panicked", "{}: the native itself as a task", scene.what);
    });
}
