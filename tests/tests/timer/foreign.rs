//! Timers across contexts: a function of another context runs at home; a handle works anywhere.

use calog_tests::stage::steps;

use crate::players::{HOUR, PLAYERS};

#[test]
fn a_function_of_another_context_runs_there() {
    PLAYERS.every_pair(|scene, a, b| {
        let here = scene.make(b, steps![["here"], ["tick", "b", 0]]);
        scene.done(a, steps![["after", "once", 1, here.clone()], ["every", "again", 1, here]]);
        scene.hear("b 4");
        scene.done(a, steps![["cancel", "again"]]);
        scene.run();
        assert!(scene.told().iter().all(|note| note == "b" || note.starts_with("b ")), "{}", scene.what);
    });
}

#[test]
fn a_timer_is_cancelled_from_another_context() {
    PLAYERS.every_pair(|scene, a, b| {
        let timer = scene.done(a, steps![["after", "t", HOUR, steps![["note", "it rings"]]], ["give", "t"], ["last"]]);
        scene.done(b, steps![["take", "t", timer], ["cancel", "t"]]);
        let timer = scene.done(a, steps![["every", "t", 1, steps![["tick", "t", 0]]], ["give", "t"], ["last"]]);
        scene.hear("t 2");
        scene.done(b, steps![["take", "t", timer], ["cancel", "t"]]);
        scene.run();
        let told = scene.told();
        let wanted: Vec<String> = (1..=told.len()).map(|tick| format!("t {tick}")).collect();
        assert_eq!(told, wanted, "{}", scene.what);
    });
}

#[test]
fn ticks_of_a_foreign_function_do_not_pile_up_in_front_of_a_held_thread() {
    PLAYERS.every_pair(|scene, a, b| {
        let tick = scene.make(b, steps![["tick", "b", 0]]);
        scene.done(a, steps![["every", "t", 2, tick]]);
        scene.done(b, steps![["note", "holds"], ["spin", 40], ["mark", "held"]]);
        scene.hear("held");
        scene.done(a, steps![["cancel", "t"]]);
        let told = scene.told();
        let [holds, held] = ["holds", "held"].map(|note| told.iter().position(|it| it == note).expect("it was noted"));
        assert!(held - holds <= 2, "{}: at most one tick waited: {told:?}", scene.what);
    });
}

#[test]
fn a_waiting_context_is_called_by_its_timers() {
    PLAYERS.every_pair(|scene, a, b| {
        // While `a` waits for a call into `b`, its timer opens the gate that `b` waits at.
        let waits = scene.make(b, steps![["gate", "in b"], ["last"]]);
        let asked = scene.begin(a, steps![["after", "t", 1, steps![["note", "a rings"]]], ["call", waits], ["last"]]);
        scene.hear("a rings");
        scene.meet(b, "in b");
        scene.gates.open("in b", 7).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(7.into()), "{}", scene.what);
    });
}
