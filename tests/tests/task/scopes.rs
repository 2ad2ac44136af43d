//! Scopes: they end when everything in them has ended, and give what their body gave.

use calog::plugin_api::Value;
use calog_tests::stage::{outcome, steps};

use crate::players::PLAYERS;

#[test]
fn siblings_overlap() {
    PLAYERS.every_language(|scene, a| {
        let sibling =
            |name: &str| steps![["note", format!("{name} begins")], ["sleep", 150], ["note", format!("{name} ends")]];
        let body = steps![["spawn", "a", sibling("a")], ["child", "b", sibling("b")], ["note", "body ends"]];
        assert_eq!(scene.play(a, steps![["scope", "both", body], ["note", "over"]]), Ok(Value::Nil), "{}", scene.what);
        let told = ["body ends", "a begins", "b begins", "a ends", "b ends", "over"];
        assert_eq!(scene.told(), told, "{}", scene.what);
    });
}

#[test]
fn a_child_starts_at_its_parents_next_wait() {
    PLAYERS.every_language(|scene, a| {
        let child = |name: &str| steps![["note", name]];
        let body = steps![
            ["spawn", "a", child("a")],
            ["child", "b", child("b")],
            ["note", "not yet"],
            ["yield"],
            ["note", "after"],
        ];
        scene.play(a, steps![["scope", false, body]]).expect(&scene.what);
        assert_eq!(scene.told(), ["not yet", "a", "b", "after"], "{}", scene.what);
    });
}

#[test]
fn a_scope_gives_what_its_body_gives() {
    PLAYERS.every_language(|scene, a| {
        for name in [Value::from("s"), false.into()] {
            let value = scene.play(a, steps![["scope", name, steps![["return", "it"]]], ["last"]]);
            assert_eq!(value, Ok("it".into()), "{}", scene.what);
        }
        let child = steps![["catch", steps![["sleep", 100_000]]]];
        let body = steps![["child", "c", child], ["yield"], ["cancel"], ["return", "it"]];
        let value = scene.play(a, steps![["scope", false, body], ["last"]]);
        assert_eq!(value, Ok("it".into()), "{}: also after cancel()", scene.what);
        assert_eq!(scene.told(), ["cancelled: task cancelled"], "{}", scene.what);
    });
}

#[test]
fn a_scope_ends_after_its_last_task() {
    PLAYERS.every_language(|scene, a| {
        // Children spawn children, and `task.spawn` in a child attaches to the scope.
        let grandchild = steps![["note", "grandchild"], ["gate", "grandchild"], ["note", "grandchild ends"]];
        let child = steps![["spawn", "grandchild", grandchild], ["note", "child ends"]];
        let body = steps![["spawn", "child", child], ["note", "body ends"]];
        let asked = scene.begin(a, steps![["scope", "s", body], ["note", "over"]]);
        scene.meet(a, "grandchild");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}: a child's child is left", scene.what);
        assert_eq!(scene.told(), ["body ends", "child ends", "grandchild"], "{}", scene.what);
        scene.gates.open("grandchild", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told()[3..], ["grandchild ends", "over"], "{}", scene.what);
    });
}

#[test]
fn a_child_may_spawn_into_its_scope_after_the_body_has_ended() {
    PLAYERS.every_language(|scene, a| {
        let late = steps![["gate", "late"], ["note", "late ends"]];
        let child = steps![["gate", "child"], ["use", "s", steps![["child", "late", late]]]];
        let asked = scene.begin(a, steps![["scope", false, steps![["keep", "s"], ["child", "c", child]]]]);
        scene.meet(a, "child");
        scene.gates.open("child", 1).expect("it waits");
        scene.meet(a, "late");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}: the scope has a task again", scene.what);
        scene.gates.open("late", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["late ends"], "{}", scene.what);
    });
}

#[test]
fn a_failed_body_cancels_its_tasks_and_waits_for_them() {
    PLAYERS.every_language(|scene, a| {
        let child =
            steps![["catch", steps![["gate", "child"]]], ["catch", steps![["sleep", 1]]], ["note", "child ends"],];
        let body = steps![["child", "c", child], ["yield"], ["fail", "no luck"]];
        scene.play(a, steps![["catch", steps![["scope", "s", body]]]]).expect(&scene.what);
        let told = ["cancelled: task cancelled", "cancelled: task cancelled", "child ends", "script: no luck"];
        assert_eq!(scene.told(), told, "{}", scene.what);
    });
}

#[test]
fn a_failed_child_fails_nobody() {
    PLAYERS.every_language(|scene, a| {
        let sibling = steps![["gate", "sibling"], ["note", "sibling goes on"]];
        let body = steps![
            ["child", "bad", steps![["fail", "a child's own error"]]],
            ["child", "good", sibling],
            ["yield"],
            ["note", "body goes on"],
            ["finished", "bad"],
            ["return", 5],
        ];
        let asked = scene.begin(a, steps![["scope", "s", body], ["last"]]);
        scene.meet(a, "sibling");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("sibling", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(5.into()), "{}", scene.what);
        let told = ["body goes on", "bad finished: yes", "sibling goes on"];
        assert_eq!(scene.told(), told, "{}", scene.what);
    });
}

#[test]
fn a_scope_that_has_ended_takes_no_tasks() {
    PLAYERS.every_language(|scene, a| {
        let spawn = steps![["child", "late", steps![["note", "it ran"]]]];
        for (name, scope) in [
            ("one", steps![["scope", "one", steps![["keep", "one"]]]]),
            ("two", steps![["timeout", 100_000, steps![["keep", "two"]]]]),
        ] {
            scene.play(a, scope).expect(&scene.what);
            let refused = outcome(scene.play(a, steps![["use", name, spawn.clone()]]));
            assert_eq!(refused, "closed: task.spawn: the scope has ended", "{}", scene.what);
        }
        scene.turns(a);
        assert!(scene.told().is_empty(), "{}", scene.what);
    });
}

#[test]
fn nested_scopes_end_from_the_inside() {
    PLAYERS.every_language(|scene, a| {
        let child = |name: &str| steps![["gate", name], ["note", format!("{name} ends")]];
        let inner = steps![["scope", "inner", steps![["spawn", "b", child("b")]]], ["note", "inner ended"]];
        let body = steps![["spawn", "a", child("a")], ["call", scene.make(a, inner)]];
        let asked = scene.begin(a, steps![["scope", "outer", body], ["note", "outer ended"]]);
        scene.meet(a, "b");
        scene.gates.open("b", 1).expect("it waits");
        scene.hear("inner ended");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("a", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["b ends", "inner ended", "a ends", "outer ended"], "{}", scene.what);
    });
}

#[test]
fn what_is_spawned_between_scopes_goes_where_its_code_is() {
    PLAYERS.every_language(|scene, a| {
        // A task of the outer scope spawns while the inner scope's body waits.
        let outer_child = steps![["gate", "outer"], ["spawn", "x", steps![["gate", "x"], ["note", "x ends"]]]];
        let inner = steps![["scope", "inner", steps![["gate", "inner"]]], ["note", "inner ended"]];
        let inner = scene.make(a, inner);
        let asked = scene.begin(a, steps![["scope", "outer", steps![["child", "o", outer_child], ["call", inner]]]]);
        scene.meet(a, "outer");
        scene.meet(a, "inner");
        scene.gates.open("outer", 1).expect("it waits");
        scene.meet(a, "x");
        scene.gates.open("inner", 1).expect("it waits");
        scene.hear("inner ended");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("x", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["inner ended", "x ends"], "{}", scene.what);
    });
}
