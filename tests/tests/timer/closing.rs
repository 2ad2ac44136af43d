//! Timers and the end of programs and contexts.

use calog::{CLOSE_LIMIT, Closed};
use calog_tests::stage::steps;
use calog_tests::{Calog, Folder, LANGUAGES, Scene};

use crate::players::{HOUR, PLAYERS};

#[test]
fn a_timer_keeps_the_program_alive_until_it_is_over() {
    PLAYERS.every_language(|scene, a| {
        scene.done(a, steps![["after", "t", 20, steps![["note", "rang"]]]]);
        scene.run();
        assert_eq!(scene.told(), ["rang"], "{}", scene.what);
        // One that was cancelled does not, however long it would have been.
        scene.done(a, steps![["after", "far", HOUR, steps![["note", "far"]]], ["every", "u", HOUR, steps![]]]);
        scene.done(a, steps![["cancel", "far"], ["cancel", "u"]]);
        scene.run();
    });
}

#[test]
fn timers_end_with_the_context_that_made_them_and_with_that_of_their_function() {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for (thread, closes_maker) in [(None, true), (None, false), (Some("shared"), true), (Some("shared"), false)]
            {
                let closes = if closes_maker { "maker" } else { "owner" };
                let scene = Scene::new(format!("{} and {} on {thread:?}, closing the {closes}", one.name, other.name));
                let maker = PLAYERS.player(&scene, "maker", one, thread);
                let owner = PLAYERS.player(&scene, "owner", other, thread);
                let ring = scene.make(&owner, steps![["note", "it rings"]]);
                let far = steps![["after", "t", HOUR, ring.clone()], ["every", "u", HOUR, ring.clone()]];
                scene.done(&maker, far);
                scene.done(&maker, steps![["every", "v", 1, ring]]);
                scene.hear("it rings");
                let (closing, left) = if closes_maker { (&maker, &owner) } else { (&owner, &maker) };
                assert!(scene.world.runtime.close_context(closing), "{}", scene.what);
                // A call that was on its way goes on.
                scene.settle(left);
                let told = scene.told().len();
                // Were one left, the program would go on for an hour.
                scene.run();
                assert_eq!(scene.told().len(), told, "{}: nothing rings any more", scene.what);
                assert_eq!(scene.world.errors(), [], "{}", scene.what);
            }
        }
    }
}

#[test]
fn a_function_of_a_closed_context_is_refused() {
    PLAYERS.every_pair(|scene, a, b| {
        let ring = scene.make(b, steps![["note", "it rings"]]);
        assert!(scene.world.runtime.close_context(b), "{}", scene.what);
        scene.done(a, steps![["catch", steps![["after", "t", 1, ring]]]]);
        let refused = "dead: timer.after: the function's context is closed";
        assert_eq!(scene.told(), [refused], "{}", scene.what);
        scene.run();
    });
}

#[test]
fn a_call_that_is_under_way_ends_with_its_context_and_is_no_failure() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        for endless in [steps![["note", "endless"], ["gate", "never"]], steps![["note", "endless"], ["spin", HOUR]]] {
            let closing = PLAYERS.player(&scene, "closing", language, None);
            let before = scene.told().len();
            scene.done(&closing, steps![["every", "t", 1, endless]]);
            scene.world.wait_until("the call", || scene.told().len() > before);
            assert!(scene.world.runtime.close_context(&closing), "{}", scene.what);
            drop(scene.gates.is_closed("never").then(|| scene.gates.take("never")));
            scene.run();
        }
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    }
}

#[test]
fn a_runtime_closes_in_order_whatever_its_timers_do() {
    for language in &LANGUAGES {
        let states = [
            (
                "set",
                steps![["after", "t", HOUR, steps![["note", "rings"]]], ["every", "u", HOUR, steps![["note", "r"]]]],
            ),
            ("due", steps![["after", "t", 0, steps![["note", "rings"]]], ["spin", 5]]),
            ("ticking", steps![["every", "t", 1, steps![["tick", "t", 0]]]]),
            ("waiting", steps![["every", "t", 1, steps![["gate", "never"]]]]),
            ("spinning", steps![["after", "t", 0, steps![["spin", HOUR]]]]),
            ("cancelled", steps![["after", "t", HOUR, steps![["note", "rings"]]], ["cancel", "t"]]),
        ];
        for (state, steps) in states {
            let scene = Scene::new(format!("{}: {state}", language.name));
            let a = PLAYERS.player(&scene, "a", language, None);
            scene.done(&a, steps);
            assert_eq!(scene.world.runtime.close(CLOSE_LIMIT), Closed::default(), "{}", scene.what);
            assert_eq!(scene.world.errors(), [], "{}", scene.what);
        }
    }
}

#[test]
fn a_call_may_end_the_program_and_is_no_failure() {
    for (name, text) in [
        ("main.lua", "timer.after(1, function() calog.exit(7) end)\ntimer.every(60000, function() end)"),
        ("main.js", "setTimeout(() => calog.exit(7), 1)\nsetInterval(() => {}, 60000)"),
        ("main.nut", "timer.after(1, function() { calog.exit(7) })\ntimer.every(60000, function() {})"),
        ("main.bas", "timer.after(1, LAMBDA () (calog.exit(7)))\ntimer.every(60000, LAMBDA () (x = 1))\n"),
    ] {
        let folder = Folder::with([(name, text)]);
        for _ in 0..5 {
            let ran = Calog::new(["run", name]).within(folder.path()).run().ended_with(7);
            assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{name}");
        }
    }
}
