//! Cancellation: asked for, seen at every wait from then on, by everything in the scope.

use calog::plugin_api::Value;
use calog_tests::stage::{outcome, steps};

use crate::players::PLAYERS;

const CANCELLED: &str = "cancelled: task cancelled";

#[test]
fn it_is_seen_at_every_checkpoint_however_often_it_is_caught() {
    PLAYERS.every_language(|scene, a| {
        let tries = steps![
            ["catch", steps![["sleep", 100_000]]],
            ["catch", steps![["sleep", 0]]],
            ["catch", steps![["yield"]]],
            ["catch", steps![["checkpoint"]]],
            ["catch", steps![["gate", "never"]]],
            ["catch", steps![["scope", "inner", steps![["checkpoint"]]]]],
            ["note", "over"],
        ];
        let body = steps![["child", "c", tries], ["yield"], ["cancel"]];
        scene.play(a, steps![["scope", false, body]]).expect(&scene.what);
        let mut told = vec![CANCELLED; 6];
        told.push("over");
        assert_eq!(scene.told(), told, "{}", scene.what);
    });
}

#[test]
fn a_body_sees_its_own_scopes_cancel() {
    PLAYERS.every_language(|scene, a| {
        for wait in [steps![["sleep", 100_000]], steps![["yield"]], steps![["checkpoint"]], steps![["gate", "g"]]] {
            let body = steps![["cancel"], ["catch", wait], ["return", "it"]];
            assert_eq!(scene.play(a, steps![["scope", false, body], ["last"]]), Ok("it".into()), "{}", scene.what);
            if scene.gates.is_closed("g") {
                drop(scene.gates.take("g"));
            }
        }
        assert_eq!(scene.told(), [CANCELLED; 4], "{}", scene.what);
        let error = outcome(scene.play(a, steps![["scope", false, steps![["cancel"], ["sleep", 1]]]]));
        assert_eq!(error, CANCELLED, "{}: uncaught it is the scope's error", scene.what);
        // Whoever called the scope is not cancelled by that.
        let after = steps![["catch", steps![["scope", false, steps![["cancel"], ["sleep", 1]]]]], ["sleep", 1]];
        scene.play(a, after).expect(&scene.what);
    });
}

#[test]
fn a_child_cancels_its_scope_and_the_waiting_body_hears_it() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["use", "s", steps![["cancel"]]]];
        let body =
            steps![["keep", "s"], ["child", "c", child], ["catch", steps![["sleep", 100_000]]], ["return", "it"]];
        assert_eq!(scene.play(a, steps![["scope", false, body], ["last"]]), Ok("it".into()), "{}", scene.what);
        assert_eq!(scene.told(), [CANCELLED], "{}", scene.what);
    });
}

#[test]
fn it_reaches_the_waiting_task_of_a_nested_scope() {
    PLAYERS.every_language(|scene, a| {
        let deep = steps![["catch", steps![["gate", "deep"]]], ["note", "deep ends"]];
        let inner = steps![["scope", "inner", steps![["child", "deep", deep]]], ["note", "inner ended"]];
        // In a task, and in the body itself.
        for body in [
            steps![["keep", "s"], ["child", "c", inner.clone()]],
            steps![["keep", "s"], ["call", scene.make(a, inner.clone())]],
        ] {
            let asked = scene.begin(a, steps![["scope", "outer", body], ["note", "outer ended"]]);
            scene.meet(a, "deep");
            scene.play(a, steps![["use", "s", steps![["cancel"]]]]).expect(&scene.what);
            // A body whose scope was cancelled may end in order or with what it saw.
            _ = scene.world.answer(&asked);
            drop(scene.gates.take("deep"));
        }
        let told = scene.told();
        assert_eq!(told[..2], [CANCELLED, "deep ends"], "{}", scene.what);
        assert_eq!(told.iter().filter(|it| *it == "deep ends").count(), 2, "{}", scene.what);
    });
}

#[test]
fn an_inner_cancel_stays_inside() {
    PLAYERS.every_language(|scene, a| {
        let sibling = steps![["gate", "sibling"], ["note", "sibling goes on"]];
        let inner = steps![["child", "d", steps![["catch", steps![["sleep", 100_000]]]]], ["yield"], ["cancel"]];
        let body = steps![["child", "c", sibling], ["scope", "inner", inner], ["sleep", 1], ["note", "body goes on"]];
        let asked = scene.begin(a, steps![["scope", "outer", body]]);
        scene.hear("body goes on");
        scene.gates.open("sibling", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), [CANCELLED, "body goes on", "sibling goes on"], "{}", scene.what);
    });
}

#[test]
fn a_scope_that_was_cancelled_takes_tasks_that_see_it_at_once() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["note", "it starts"], ["catch", steps![["checkpoint"]]]];
        let body = steps![["cancel"], ["child", "c", child], ["note", "body ends"]];
        scene.play(a, steps![["scope", false, body]]).expect(&scene.what);
        assert_eq!(scene.told(), ["body ends", "it starts", CANCELLED], "{}", scene.what);
    });
}

#[test]
fn a_token_by_itself_is_cancelled_and_checked() {
    PLAYERS.every_language(|scene, a| {
        let steps = steps![
            ["new_token", "t"],
            ["is_cancelled", "t"],
            ["catch", steps![["check", "t"]]],
            ["cancel_token", "t"],
            ["cancel_token", "t"],
            ["is_cancelled", "t"],
            ["catch", steps![["check", "t"]]],
            ["catch", steps![["checkpoint"]]],
            ["new_token", "u"],
            ["is_cancelled", "u"],
        ];
        scene.play(a, steps).expect(&scene.what);
        let told = ["t cancelled: no", "fine", "t cancelled: yes", CANCELLED, "fine", "u cancelled: no"];
        assert_eq!(scene.told(), told, "{}", scene.what);
    });
}

#[test]
fn a_scopes_token_is_the_scope() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["catch", steps![["sleep", 100_000]]]];
        let body = steps![
            ["token", "t"],
            ["is_cancelled", "t"],
            ["child", "c", child],
            ["yield"],
            ["cancel_token", "t"],
            ["is_cancelled", "t"],
            ["catch", steps![["check", "t"]]],
            ["catch", steps![["sleep", 1]]],
        ];
        scene.play(a, steps![["scope", false, body]]).expect(&scene.what);
        let mut told = scene.told();
        told[2..].sort();
        let wanted = ["t cancelled: no", "t cancelled: yes", CANCELLED, CANCELLED, CANCELLED];
        let mut wanted: Vec<_> = wanted.map(str::to_owned).into();
        wanted[2..].sort();
        assert_eq!(told, wanted, "{}", scene.what);
        // And the other way round; also when an outer scope is cancelled.
        let inner = steps![["token", "t"], ["use", "s", steps![["cancel"]]], ["is_cancelled", "t"]];
        let body = steps![["keep", "s"], ["scope", false, inner], ["return", 1]];
        _ = scene.play(a, steps![["catch", steps![["scope", false, body]]]]);
        assert!(scene.told()[5..].contains(&"t cancelled: yes".to_owned()), "{}: {:?}", scene.what, scene.told());
    });
}
