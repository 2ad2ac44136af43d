//! Tasks outside of all scopes: they keep the program alive, and end with their context. And what
//! closing finds in every state.

use calog::plugin_api::{CancelToken, Value};
use calog::{CLOSE_LIMIT, Closed};
use calog_tests::stage::{list, outcome, step, steps};
use calog_tests::{LANGUAGES, Scene};

use crate::players::PLAYERS;

#[test]
fn they_keep_the_program_alive() {
    PLAYERS.every_language(|scene, a| {
        let grandchild = steps![["sleep", 20], ["note", "grandchild ends"]];
        let child = steps![["sleep", 20], ["spawn", "g", grandchild], ["note", "child ends"]];
        scene.play(a, steps![["spawn", "c", child], ["note", "main ends"]]).expect(&scene.what);
        scene.run();
        assert_eq!(scene.told(), ["main ends", "child ends", "grandchild ends"], "{}", scene.what);
    });
}

#[test]
fn deadlines_that_were_not_needed_do_not() {
    PLAYERS.every_language(|scene, a| {
        let hour = 3_600_000;
        let grace = Value::map([("grace_ms", hour)]).expect("a map");
        let child = steps![["catch", steps![["sleep", hour]]]];
        let scenario = steps![
            ["timeout", hour, steps![["child", "c", steps![["sleep", 1]]]]],
            ["catch", steps![["timeout", hour, steps![["fail", "no luck"]]]]],
            ["timeout", hour, steps![["child", "c", child.clone()], ["yield"], ["cancel"]]],
            ["catch", steps![["timeout", 1, steps![["child", "c", child], ["sleep", hour]], grace]]],
            ["spawn", "s", steps![["sleep", hour]]],
            ["yield"],
            ["abort", "s"],
        ];
        scene.play(a, scenario).expect(&scene.what);
        scene.run();
    });
}

#[test]
fn a_root_task_that_fails_fails_nobody() {
    PLAYERS.every_language(|scene, a| {
        scene.play(a, steps![["spawn", "c", steps![["fail", "no luck"]]]]).expect(&scene.what);
        scene.run();
        scene.settle(a);
    });
}

#[test]
fn they_are_aborted_when_their_context_closes() {
    PLAYERS.every_language(|scene, a| {
        for endless in ["gate", "beat", "swallow", "forever"] {
            let language = LANGUAGES.into_iter().find(|it| it.name == scene.what).expect("one of them");
            let name = format!("closes {endless}");
            let closing = PLAYERS.player(scene, &name, &language, None);
            let child = list(vec![
                step("note", vec![name.as_str().into()]),
                step(endless, vec!["child".into()]),
                step("note", vec!["the flag".into()]),
            ]);
            scene.play(&closing, steps![["spawn", "c", child]]).expect(&scene.what);
            scene.hear(&name);
            assert!(scene.world.runtime.close_context(&closing), "{}: {endless}", scene.what);
            let told = scene.told().len();
            scene.play(a, steps![["sleep", 5]]).expect(&scene.what);
            assert_eq!(scene.told().len(), told, "{}: {endless}: nothing runs any more", scene.what);
            assert!(!scene.told().contains(&"the flag".to_owned()), "{}: {endless}", scene.what);
            if scene.gates.is_closed("child") {
                drop(scene.gates.take("child"));
            }
        }
    });
}

#[test]
fn and_so_is_what_they_run_in_other_contexts() {
    PLAYERS.every_pair(|scene, a, b| {
        let beat = scene.make(b, steps![["note", "it runs"], ["beat"]]);
        let called = scene.make(b, steps![["beat"]]);
        scene.play(a, steps![["spawn", "c", beat], ["spawn", "d", steps![["call", called]]]]).expect(&scene.what);
        scene.hear("beat");
        assert!(scene.world.runtime.close_context(a), "{}", scene.what);
        scene.turns(b);
        let told = scene.told().len();
        scene.play(b, steps![["sleep", 5]]).expect(&scene.what);
        assert_eq!(scene.told().len(), told, "{}: nothing runs any more", scene.what);
    });
}

#[test]
fn a_runtime_closes_in_order_whatever_its_tasks_do() {
    for language in &LANGUAGES {
        let hour = 3_600_000;
        let grace = Value::map([("grace_ms", hour)]).expect("a map");
        let stubborn = steps![["swallow"]];
        let states = [
            ("just spawned", steps![["spawn", "c", steps![["gate", "c"]]]]),
            ("asleep", steps![["spawn", "c", steps![["sleep", hour]]], ["yield"]]),
            ("swallowing", steps![["spawn", "c", stubborn.clone()], ["yield"]]),
            ("looping", steps![["spawn", "c", steps![["note", "ready"], ["forever"]]], ["yield"]]),
            ("joined", steps![["spawn", "c", steps![["sleep", hour]]], ["note", "ready"], ["join", "c"]]),
            ("in a scope", steps![["scope", "s", steps![["child", "c", stubborn.clone()], ["note", "ready"]]]]),
            ("in a body", steps![["scope", "s", steps![["note", "ready"], ["sleep", hour]]]]),
            (
                "cancelled",
                steps![[
                    "scope",
                    "s",
                    steps![["child", "c", stubborn.clone()], ["yield"], ["cancel"], ["note", "ready"]]
                ]],
            ),
            (
                "in its grace",
                steps![[
                    "timeout",
                    1,
                    steps![["child", "c", stubborn], ["catch", steps![["sleep", hour]]], ["note", "ready"]],
                    grace
                ]],
            ),
            ("aborted", steps![["spawn", "c", steps![["sleep", hour]]], ["yield"], ["abort", "c"]]),
            ("ended", steps![["spawn", "c", steps![["return", 1]]], ["yield"]]),
        ];
        for (state, steps) in states {
            let what = format!("{}: {state}", language.name);
            let scene = Scene::new(&what);
            let a = PLAYERS.player(&scene, "a", language, None);
            let asked = scene.begin(&a, steps);
            scene.world.wait_until("the state", || asked.is_answered() || scene.told().contains(&"ready".to_owned()));
            assert_eq!(scene.world.runtime.close(CLOSE_LIMIT), Closed::default(), "{what}");
        }
    }
}

/// A token that the program gave.
fn token(scene: &Scene) -> CancelToken {
    scene.world.runtime.handle().cancel_token(None).expect("a token")
}

#[test]
fn a_call_of_the_program_is_cancelled_with_its_scopes() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["catch", steps![["gate", "child"]]], ["note", "child ends"]];
        let body = steps![["child", "c", child], ["yield"]];
        let steps = steps![["scope", "s", body], ["note", "scope ended"], ["checkpoint"]];
        let token = token(scene);
        let info = scene.world.info_with(Some(token.clone()), 0);
        let asked = scene.world.ask_with(&info, a, "play", &[steps]);
        scene.meet(a, "child");
        token.cancel();
        assert_eq!(outcome(scene.world.answer(&asked)), "cancelled: task cancelled", "{}", scene.what);
        scene.hear("child ends");
        scene.turns(a);
        assert_eq!(scene.told()[..2], ["cancelled: task cancelled", "child ends"], "{}", scene.what);
    });
}

#[test]
fn a_calls_own_deadline_cancels_its_scopes() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["catch", steps![["sleep", 100_000]]], ["note", "child ends"]];
        let scope = steps![["scope", "s", steps![["child", "c", child], ["return", "too late"]]]];
        let steps = steps![["catch", scope], ["note", "over"]];
        let soon = scene.world.runtime.handle().now_ns() + 20_000_000;
        let asked = scene.world.ask_with(&scene.world.info_with(None, soon), a, "play", &[steps]);
        // The program is let go at its deadline, or has the answer: both are fine.
        _ = scene.world.answer(&asked);
        scene.hear("over");
        let late = "timeout: the call's deadline has passed";
        assert_eq!(scene.told(), ["cancelled: task cancelled", "child ends", late, "over"], "{}", scene.what);
    });
}
