//! `timer.after`: once, in the order of the times, unless it was cancelled before.

use calog::plugin_api::Value;
use calog_tests::stage::{list, step, steps};

use crate::players::{HOUR, PLAYERS};

#[test]
fn functions_are_called_in_the_order_of_their_times() {
    PLAYERS.every_language(|scene, a| {
        // Each is due after the one before, however long it takes to set them.
        let scenario = steps![
            ["after", "one", 1, steps![["note", "one"]]],
            ["after", "two", 20, steps![["note", "two"]]],
            ["after", "three", 60, steps![["note", "three"]]],
            ["note", "main ends"],
        ];
        scene.done(a, scenario);
        scene.run();
        assert_eq!(scene.told(), ["main ends", "one", "two", "three"], "{}", scene.what);
    });
}

#[test]
fn an_earlier_time_that_is_set_later_comes_first() {
    PLAYERS.every_language(|scene, a| {
        let near = steps![["note", "near"], ["cancel", "far"]];
        scene.done(a, steps![["after", "far", HOUR, steps![["note", "far"]]], ["after", "near", 5, near]]);
        scene.run();
        assert_eq!(scene.told(), ["near"], "{}", scene.what);
    });
}

#[test]
fn equal_times_are_first_in_first_out() {
    PLAYERS.every_language(|scene, a| {
        for ms in [0, 3] {
            let before = scene.told().len();
            let name = |number: usize| format!("{ms} ms, {number}");
            let set = |number: usize| {
                let call = list(vec![step("note", vec![name(number).into()])]);
                step("after", vec![name(number).into(), ms.into(), call])
            };
            scene.done(a, list((0..100).map(set).collect()));
            scene.run();
            assert_eq!(scene.told()[before..], (0..100).map(name).collect::<Vec<_>>(), "{}", scene.what);
        }
    });
}

#[test]
fn a_function_is_not_called_before_its_time() {
    PLAYERS.every_language(|scene, a| {
        let ring = steps![["now"], ["gate", "rung"], ["last"]];
        let scenario = steps![["now"], ["last"]];
        let start = scene.done(a, scenario).view().as_number().expect("a time");
        scene.done(a, steps![["after", "t", 30, ring]]);
        scene.meet(a, "rung");
        let now = scene.done(a, steps![["now"], ["last"]]).view().as_number().expect("a time");
        assert!(now >= start + 30.0, "{}: {now} is before {start} + 30", scene.what);
        scene.gates.open("rung", 1).expect("it waits");
    });
}

#[test]
fn a_fraction_of_a_millisecond_is_a_time() {
    PLAYERS.every_language(|scene, a| {
        scene.done(a, steps![["after", "t", 0.5, steps![["note", "half"]]]]);
        scene.run();
        assert_eq!(scene.told(), ["half"], "{}", scene.what);
    });
}

#[test]
fn who_is_cancelled_before_its_time_is_never_called() {
    PLAYERS.every_language(|scene, a| {
        let ring = steps![["note", "it rings"]];
        // Before its time; and when its turn waits in the mailbox of this very thread.
        let scenario = steps![
            ["after", "far", HOUR, ring.clone()],
            ["cancel", "far"],
            ["after", "near", 0, ring],
            ["spin", 20],
            ["cancel", "near"],
            ["cancel", "near"],
            ["cancel", "far"],
        ];
        scene.done(a, scenario);
        scene.run();
        assert_eq!(scene.told(), Vec::<String>::new(), "{}", scene.what);
    });
}

#[test]
fn cancelling_from_its_own_call_and_afterwards_changes_nothing() {
    PLAYERS.every_language(|scene, a| {
        let ring = steps![["note", "begins"], ["cancel", "t"], ["gate", "in the call"], ["note", "ends"]];
        scene.done(a, steps![["after", "t", 1, ring]]);
        scene.meet(a, "in the call");
        scene.done(a, steps![["cancel", "t"]]);
        scene.gates.open("in the call", 1).expect("it goes on waiting");
        scene.run();
        scene.done(a, steps![["cancel", "t"]]);
        assert_eq!(scene.told(), ["begins", "ends"], "{}", scene.what);
    });
}

#[test]
fn a_timer_that_nobody_holds_rings_all_the_same() {
    PLAYERS.every_language(|scene, a| {
        let set = |name: &str| steps![["after", "t", 5, steps![["note", name]]]];
        scene.done(a, set("one"));
        scene.done(a, set("two"));
        scene.run();
        assert_eq!(scene.told(), ["one", "two"], "{}", scene.what);
    });
}

#[test]
fn a_call_can_set_the_next_timer() {
    PLAYERS.every_language(|scene, a| {
        let third = steps![["note", "third"]];
        let second = steps![["note", "second"], ["after", "t", 1, third]];
        scene.done(a, steps![["after", "t", 1, steps![["note", "first"], ["after", "t", 1, second]]]]);
        scene.run();
        assert_eq!(scene.told(), ["first", "second", "third"], "{}", scene.what);
    });
}

#[test]
fn a_call_is_in_no_task_and_outlives_the_one_that_set_it() {
    PLAYERS.every_language(|scene, a| {
        let info = scene.world.info_with(Some(scene.world.runtime.handle().cancel_token(None).expect("a token")), 0);
        let ring = steps![["task"], ["gate", "later"], ["note", "rang"]];
        let asked = scene.world.ask_with(&info, a, "play", &[steps![["after", "t", 1, ring]]]);
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        info.cancel_token().expect("it was given").abort();
        scene.meet(a, "later");
        scene.gates.open("later", 1).expect("it waits");
        scene.hear("rang");
        assert_eq!(scene.told(), ["in no task", "rang"], "{}", scene.what);
    });
}

#[test]
fn the_clock_goes_on_and_never_back() {
    PLAYERS.every_language(|scene, a| {
        let read = || scene.done(a, steps![["now"], ["last"]]).view().as_number().expect("a number");
        let times: Vec<f64> = (0..50).map(|_| read()).collect();
        assert!(times.is_sorted(), "{}: {times:?}", scene.what);
        scene.done(a, steps![["spin", 2]]);
        assert!(read() >= times[49] + 2.0, "{}", scene.what);
    });
}
