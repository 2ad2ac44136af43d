//! Handles: joining, aborting, and what they tell.

use calog::plugin_api::{Error, Value};
use calog_tests::stage::{list, outcome, step, steps};

use crate::players::PLAYERS;

#[test]
fn join_gives_the_tasks_value() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["gate", "child"], ["return", "it"]];
        let asked = scene.begin(a, steps![["spawn", "c", child], ["join", "c"], ["last"]]);
        scene.meet(a, "child");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("child", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok("it".into()), "{}", scene.what);
        // One that has ended long ago.
        let value = scene.play(a, steps![["spawn", "c", steps![["return", 7]]], ["yield"], ["join", "c"], ["last"]]);
        assert_eq!(value, Ok(7.into()), "{}", scene.what);
    });
}

#[test]
fn join_raises_the_tasks_error() {
    PLAYERS.every_language(|scene, a| {
        let bad = steps![["fail", "no luck"]];
        let join = steps![["catch", steps![["join", "c"]]]];
        scene.play(a, list(vec![step("spawn", vec!["c".into(), bad.clone()]), step("catch", vec![join])])).ok();
        scene.play(a, steps![["spawn", "c", bad], ["yield"], ["catch", steps![["join", "c"]]]]).expect(&scene.what);
        assert_eq!(scene.told(), ["script: no luck", "fine", "script: no luck"], "{}", scene.what);
    });
}

#[test]
fn a_task_is_joined_once() {
    PLAYERS.every_language(|scene, a| {
        let twice = steps![["catch", steps![["join", "c"]]], ["catch", steps![["join", "c"]]]];
        // After its end, and while it runs; whatever came of it.
        for child in [steps![["return", 1]], steps![["sleep", 1]]] {
            scene.play(a, steps![["spawn", "c", child]]).expect(&scene.what);
            scene.play(a, twice.clone()).expect(&scene.what);
        }
        scene.play(a, steps![["spawn", "c", steps![["fail", "no luck"]]]]).expect(&scene.what);
        scene.play(a, twice).expect(&scene.what);
        let again = "closed: task already joined";
        assert_eq!(scene.told(), ["fine", again, "fine", again, "script: no luck", again], "{}", scene.what);
    });
}

#[test]
fn a_task_is_joined_from_one_place() {
    PLAYERS.every_language(|scene, a| {
        scene.play(a, steps![["spawn", "c", steps![["gate", "child"], ["return", "it"]]]]).expect(&scene.what);
        let first = scene.begin(a, steps![["join", "c"], ["last"]]);
        scene.meet(a, "child");
        let second = outcome(scene.play(a, steps![["join", "c"]]));
        assert_eq!(second, "closed: task already joined", "{}", scene.what);
        scene.turns(a);
        assert!(!first.is_answered(), "{}: the first goes on waiting", scene.what);
        scene.gates.open("child", 1).expect("it waits");
        assert_eq!(scene.world.answer(&first), Ok("it".into()), "{}", scene.what);
    });
}

#[test]
fn a_joiner_that_was_cancelled_leaves_the_task_to_be_joined() {
    PLAYERS.every_language(|scene, a| {
        scene.play(a, steps![["spawn", "c", steps![["gate", "child"], ["return", "it"]]]]).expect(&scene.what);
        for _ in 0..3 {
            let joins = steps![["child", "j", steps![["catch", steps![["join", "c"]]]]], ["yield"], ["cancel"]];
            scene.play(a, steps![["scope", false, joins]]).expect(&scene.what);
        }
        assert_eq!(scene.told(), ["cancelled: task cancelled"; 3], "{}", scene.what);
        let last = scene.begin(a, steps![["join", "c"], ["last"]]);
        scene.turns(a);
        assert!(!last.is_answered(), "{}", scene.what);
        scene.gates.open("child", 1).expect("it waits");
        assert_eq!(scene.world.answer(&last), Ok("it".into()), "{}", scene.what);
    });
}

#[test]
fn an_aborted_task_is_joined_as_aborted() {
    PLAYERS.every_language(|scene, a| {
        for endless in ["gate", "swallow", "beat"] {
            let child = list(vec![step(endless, vec!["child".into()]), step("note", vec!["the flag".into()])]);
            // The joiner waits, and comes later.
            let joins = steps![["join", "c"]];
            let scenario = steps![
                ["spawn", "c", child.clone()],
                ["spawn", "j", steps![["catch", joins.clone()], ["note", "joined"]]],
                ["yield"],
                ["abort", "c"],
                ["join", "j"],
            ];
            scene.play(a, scenario).expect(&scene.what);
            if scene.gates.is_closed("child") {
                drop(scene.gates.take("child"));
            }
            let scenario = steps![
                ["spawn", "c", child],
                ["yield"],
                ["abort", "c"],
                ["yield"],
                ["catch", joins.clone()],
                ["catch", joins],
                ["finished", "c"],
            ];
            scene.play(a, scenario).expect(&scene.what);
            if scene.gates.is_closed("child") {
                drop(scene.gates.take("child"));
            }
        }
        scene.turns(a);
        let told: Vec<_> = scene.told().into_iter().filter(|note| note != "beat").collect();
        let (aborted, again) = ("cancelled: task aborted", "closed: task already joined");
        let wanted = [aborted, "joined", aborted, again, "c finished: yes"];
        assert_eq!(told, wanted.repeat(3), "{}", scene.what);
    });
}

#[test]
fn a_task_that_is_aborted_before_it_starts_never_starts() {
    PLAYERS.every_language(|scene, a| {
        let child = steps![["note", "it ran"]];
        let abort = steps![["spawn", "c", child], ["abort", "c"], ["catch", steps![["join", "c"]]]];
        scene.play(a, abort).expect(&scene.what);
        assert_eq!(scene.told(), ["cancelled: task aborted"], "{}", scene.what);
    });
}

#[test]
fn aborting_what_has_ended_changes_nothing() {
    PLAYERS.every_language(|scene, a| {
        let steps = steps![
            ["spawn", "c", steps![["return", "it"]]],
            ["yield"],
            ["abort", "c"],
            ["abort", "c"],
            ["finished", "c"],
            ["join", "c"],
            ["last"],
        ];
        assert_eq!(scene.play(a, steps), Ok("it".into()), "{}", scene.what);
        assert_eq!(scene.told(), ["c finished: yes"], "{}", scene.what);
    });
}

#[test]
fn an_abort_is_of_one_task_and_what_it_began() {
    PLAYERS.every_language(|scene, a| {
        let inner = steps![["scope", "inner", steps![["child", "d", steps![["beat"]]]]]];
        let sibling = steps![["gate", "sibling"], ["note", "sibling goes on"]];
        let body = steps![
            ["child", "sibling", sibling],
            ["child", "c", inner],
            ["yield"],
            ["abort", "c"],
            ["catch", steps![["join", "c"]]],
            ["note", "body goes on"],
        ];
        let asked = scene.begin(a, steps![["scope", "s", body]]);
        scene.meet(a, "sibling");
        scene.hear("body goes on");
        let told = scene.told().len();
        scene.play(a, steps![["sleep", 20]]).expect(&scene.what);
        assert_eq!(scene.told().len(), told, "{}: nothing beats any more", scene.what);
        scene.gates.open("sibling", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        let told: Vec<_> = scene.told().into_iter().filter(|note| note != "beat").collect();
        assert_eq!(told, ["cancelled: task aborted", "body goes on", "sibling goes on"], "{}", scene.what);
    });
}

#[test]
fn a_task_that_ends_by_a_cancelled_wait_of_its_own_says_so() {
    PLAYERS.every_language(|scene, a| {
        scene.play(a, steps![["spawn", "c", steps![["gate", "child"]]]]).expect(&scene.what);
        let asked = scene.begin(a, steps![["catch", steps![["join", "c"]]]]);
        scene.meet(a, "child");
        assert!(scene.gates.cancel("child", &Error::new(calog::plugin_api::Code::Io, "no more")), "{}", scene.what);
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["io: no more"], "{}", scene.what);
    });
}

#[test]
fn a_handle_tells_about_its_task() {
    PLAYERS.every_language(|scene, a| {
        let field = calog_tests::field;
        let names = Value::map([("name", "worker")]).expect("a map");
        let child = steps![["sleep", 5]];
        let body =
            steps![["child", "c", child.clone(), names], ["finished", "c"], ["join", "c"], ["about", "c"], ["last"]];
        let about = scene.play(a, steps![["scope", false, body], ["finished", "c"], ["last"]]).expect(&scene.what);
        let other = scene.play(a, steps![["spawn", "c", child], ["about", "c"], ["last"]]).expect(&scene.what);
        assert_eq!(scene.told(), ["c finished: no", "c finished: yes"], "{}", scene.what);
        assert_eq!(field(&about, "name"), "worker".into(), "{}", scene.what);
        assert_eq!(field(&other, "name"), Value::Nil, "{}", scene.what);
        let id = |of: &Value| field(of, "id").view().as_str().expect("an id is a string").to_owned();
        assert_ne!(id(&about), id(&other), "{}", scene.what);
        let elapsed = field(&about, "elapsed").view().as_number().expect("a number");
        assert!(elapsed >= 5.0, "{}: {elapsed}", scene.what);
    });
}

#[test]
fn current_says_who_runs() {
    PLAYERS.every_language(|scene, a| {
        let names = |name: &str| Value::map([("name", name)]).expect("a map");
        // In a call of another function, and in a nested scope's body, a task is still itself.
        let nested = scene.make(a, steps![["current"], ["scope", "deep", steps![["current"]]]]);
        let child = steps![["current"], ["call", nested], ["catch", steps![["sleep", 100_000]]], ["current"]];
        let body = steps![["current"], ["child", "c", child, names("one")], ["yield"], ["current"], ["cancel"]];
        scene.play(a, steps![["current"], ["scope", "s", body], ["current"]]).expect(&scene.what);
        let told = [
            "no task",
            "no task",
            "one runs",
            "one runs",
            "one runs",
            "no task",
            "cancelled: task cancelled",
            "one cancelled",
            "no task",
        ];
        assert_eq!(scene.told().len(), told.len(), "{}: {:?}", scene.what, scene.told());
        let (mut had, mut wanted) = (scene.told(), told.map(str::to_owned).to_vec());
        had[..6].sort();
        wanted[..6].sort();
        assert_eq!(had, wanted, "{}", scene.what);
        let here = steps![["spawn", "c", steps![["here"], ["last"]], names("two")], ["join", "c"], ["last"]];
        let here = scene.play(a, here).expect(&scene.what);
        let about = scene.play(a, steps![["about", "c"], ["last"]]).expect(&scene.what);
        for key in ["id", "name"] {
            assert_eq!(calog_tests::field(&here, key), calog_tests::field(&about, key), "{}", scene.what);
        }
        assert_eq!(calog_tests::field(&here, "cancelled"), false.into(), "{}", scene.what);
    });
}
