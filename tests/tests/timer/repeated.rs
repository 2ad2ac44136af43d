//! `timer.every`: again and again, one call at a time, without drift and without catching up.

use calog_tests::stage::steps;

use crate::players::{HOUR, PLAYERS};

#[test]
fn it_is_called_again_until_it_is_cancelled_in_its_own_call() {
    PLAYERS.every_language(|scene, a| {
        scene.done(a, steps![["every", "t", 1, steps![["tick", "t", 5]]], ["note", "main ends"]]);
        scene.run();
        assert_eq!(scene.told(), ["main ends", "t 1", "t 2", "t 3", "t 4", "t 5"], "{}", scene.what);
    });
}

#[test]
fn it_is_cancelled_from_elsewhere_as_well() {
    PLAYERS.every_language(|scene, a| {
        scene.done(a, steps![["every", "t", 1, steps![["tick", "t", 0]]]]);
        scene.hear("t 3");
        scene.done(a, steps![["cancel", "t"], ["cancel", "t"], ["note", "cancelled"]]);
        scene.run();
        assert_eq!(scene.told().last().map(String::as_str), Some("cancelled"), "{}: {:?}", scene.what, scene.told());
    });
}

#[test]
fn several_tick_beside_each_other() {
    PLAYERS.every_language(|scene, a| {
        let both = steps![
            ["every", "slow", 7, steps![["tick", "slow", 3]]],
            ["every", "quick", 1, steps![["tick", "quick", 9]]],
        ];
        scene.done(a, both);
        scene.run();
        for (name, count) in [("slow", 3), ("quick", 9)] {
            let ticks: Vec<String> = scene.told().into_iter().filter(|it| it.starts_with(name)).collect();
            let wanted: Vec<String> = (1..=count).map(|tick| format!("{name} {tick}")).collect();
            assert_eq!(ticks, wanted, "{}", scene.what);
        }
    });
}

#[test]
fn ticks_that_a_held_thread_missed_are_left_out() {
    PLAYERS.every_language(|scene, a| {
        // Twenty periods pass while the thread is held; what is marked then comes behind all that wait.
        scene.done(a, steps![["every", "t", 5, steps![["tick", "t", 0]]], ["spin", 100], ["mark", "held"]]);
        scene.hear("held");
        scene.done(a, steps![["cancel", "t"]]);
        let told = scene.told();
        let before = told.iter().position(|it| it == "held").expect("it was noted");
        assert!(before <= 1, "{}: at most one tick waited: {told:?}", scene.what);
    });
}

#[test]
fn ticks_that_its_own_call_missed_are_left_out() {
    PLAYERS.every_language(|scene, a| {
        let call = steps![["tick", "t", 2], ["spin", 60], ["mark", "spun"]];
        scene.done(a, steps![["every", "t", 5, call]]);
        scene.run();
        assert_eq!(scene.told(), ["t 1", "spun", "t 2", "spun"], "{}", scene.what);
    });
}

#[test]
fn a_call_that_waits_is_not_called_again_meanwhile() {
    PLAYERS.every_language(|scene, a| {
        let call = steps![["tick", "t", 2], ["gate", "in the call"], ["note", "ends"]];
        scene.done(a, steps![["every", "t", 1, call]]);
        scene.meet(a, "in the call");
        // Other timers go on, for many of its periods.
        scene.done(a, steps![["every", "other", 1, steps![["tick", "other", 20]]]]);
        scene.hear("other 20");
        assert_eq!(scene.told().iter().filter(|it| it.starts_with("t ")).count(), 1, "{}", scene.what);
        scene.gates.open("in the call", 1).expect("it waits");
        scene.meet(a, "in the call");
        scene.gates.open("in the call", 1).expect("it waits");
        scene.run();
        let told: Vec<String> = scene.told().into_iter().filter(|it| !it.starts_with("other")).collect();
        assert_eq!(told, ["t 1", "ends", "t 2", "ends"], "{}", scene.what);
    });
}

#[test]
fn cancelled_while_its_call_waits_it_is_not_called_again() {
    PLAYERS.every_language(|scene, a| {
        let call = steps![["tick", "t", 0], ["gate", "in the call"], ["note", "ends"]];
        scene.done(a, steps![["every", "t", 1, call]]);
        scene.meet(a, "in the call");
        scene.done(a, steps![["cancel", "t"]]);
        scene.gates.open("in the call", 1).expect("a call under way goes on");
        scene.run();
        assert_eq!(scene.told(), ["t 1", "ends"], "{}", scene.what);
    });
}

#[test]
fn a_call_that_never_ends_leaves_the_program_stuck() {
    PLAYERS.every_language(|scene, a| {
        // It waits for what only its own next call could bring.
        scene.done(a, steps![["every", "t", 1, steps![["note", "called"], ["gate", "never"]]]]);
        let calog::Ended::Stuck(waiting) = calog_tests::ended(&scene.world.runtime) else {
            panic!("{}: it is stuck", scene.what)
        };
        assert!(waiting.iter().any(|it| it.what == "gate 'never'"), "{}: {waiting:?}", scene.what);
        assert_eq!(scene.told(), ["called"], "{}", scene.what);
    });
}

#[test]
fn a_long_period_is_as_good_as_a_short_one() {
    PLAYERS.every_language(|scene, a| {
        for ms in [HOUR as f64, 1e12] {
            scene.done(a, steps![["every", "t", ms, steps![["note", "it rings"]]]]);
            scene.done(a, steps![["after", "stop", 5, steps![["cancel", "t"]]]]);
            scene.run();
        }
        assert_eq!(scene.told(), Vec::<String>::new(), "{}", scene.what);
    });
}
