//! Tasks in functions of other contexts: cancelled and aborted with the scope that they are in.

use calog::plugin_api::Value;
use calog_tests::stage::{list, outcome, step, steps};

use crate::players::PLAYERS;

const CANCELLED: &str = "cancelled: task cancelled";

#[test]
fn a_foreign_function_is_a_task_like_another() {
    PLAYERS.every_pair(|scene, a, b| {
        let child = scene.make(b, steps![["gate", "child"], ["current"], ["return", "it"]]);
        let name = Value::map([("name", "guest")]).expect("a map");
        let body = steps![["child", "c", child, name], ["note", "body waits"], ["join", "c"], ["last"]];
        let asked = scene.begin(a, steps![["scope", false, body], ["last"]]);
        scene.meet(b, "child");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("child", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok("it".into()), "{}", scene.what);
        assert_eq!(scene.told(), ["body waits", "guest runs"], "{}", scene.what);
    });
}

#[test]
fn its_scope_waits_for_what_it_spawns_there() {
    PLAYERS.every_pair(|scene, a, b| {
        let grandchild = steps![["gate", "grandchild"], ["note", "grandchild ends"]];
        let child = scene.make(b, steps![["spawn", "g", grandchild], ["note", "child ends"]]);
        let asked = scene.begin(a, steps![["scope", false, steps![["spawn", "c", child]]], ["note", "over"]]);
        scene.meet(b, "grandchild");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("grandchild", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.told(), ["child ends", "grandchild ends", "over"], "{}", scene.what);
    });
}

#[test]
fn it_is_cancelled_with_the_scope() {
    PLAYERS.every_pair(|scene, a, b| {
        let waits = |gate: &str| steps![["catch", steps![["gate", gate]]], ["catch", steps![["sleep", 1]]]];
        let spawned = scene.make(b, waits("spawned"));
        let called = scene.make(b, waits("called"));
        // A scope of its own there, below a call.
        let nested = scene.make(b, steps![["scope", false, steps![["child", "n", waits("nested")]]]]);
        let body = steps![
            ["keep", "s"],
            ["child", "one", spawned],
            ["child", "two", steps![["call", called]]],
            ["child", "three", nested],
        ];
        let asked = scene.begin(a, steps![["scope", false, body]]);
        for gate in ["spawned", "called", "nested"] {
            scene.meet(b, gate);
        }
        scene.play(a, steps![["use", "s", steps![["cancel"]]]]).expect(&scene.what);
        assert_eq!(scene.world.answer(&asked), Ok(Value::Nil), "{}", scene.what);
        // Who calls is let go when it is cancelled, and what it called hears of it by itself.
        scene.world.wait_until("all to hear of it", || scene.told().len() == 6);
        assert_eq!(scene.told(), [CANCELLED; 6], "{}", scene.what);
    });
}

#[test]
fn it_is_aborted_with_the_scope() {
    PLAYERS.every_pair(|scene, a, b| {
        let grace = Value::map([("grace_ms", 10)]).expect("a map");
        for endless in ["forever", "swallow", "spin", "beat"] {
            let mad = scene.make(b, list(vec![step(endless, vec![]), step("note", vec!["the flag".into()])]));
            let nested = scene.make(b, steps![["scope", false, steps![["child", "n", steps![["beat"]]]]]]);
            let spawned = steps![["child", "c", mad.clone()], ["child", "n", nested]];
            let called = steps![["call", mad.clone()], ["note", "the flag"]];
            let below = steps![["child", "c", steps![["call", mad], ["note", "the flag"]]]];
            for (body, is_task) in [(spawned, true), (called, false), (below, false)] {
                println!("{endless}: {body:?}");
                let error = outcome(scene.play(a, steps![["timeout", 10, body, grace.clone()]]));
                let what = format!("{}: {endless}", scene.what);
                assert_eq!(error, "timeout: task.with_timeout: exceeded 10 ms", "{what}");
                if !is_task {
                    // Who calls is let go when it is cancelled: what it called is ended with the scope,
                    // which its thread hears as soon as it can.
                    scene.settle(b);
                }
                let told = scene.told();
                for context in [a, b] {
                    scene.turns(context);
                }
                scene.play(b, steps![["sleep", 5]]).expect(&what);
                assert_eq!(scene.told().len(), told.len(), "{what}: nothing runs any more");
                assert!(told.iter().all(|note| note == "beat"), "{what}: {told:?}");
            }
        }
    });
}

#[test]
fn its_handle_aborts_it() {
    PLAYERS.every_pair(|scene, a, b| {
        // What loops for ever holds its thread: on a shared one nobody could abort it.
        let endless: &[&str] = if scene.what.ends_with("None") { &["forever", "beat"] } else { &["beat"] };
        for &endless in endless {
            let mad = scene.make(b, list(vec![step("note", vec!["it runs".into()]), step(endless, vec![])]));
            let asked = scene.begin(a, steps![["spawn", "c", mad], ["sleep", 5], ["abort", "c"], ["join", "c"]]);
            assert_eq!(outcome(scene.world.answer(&asked)), "cancelled: task aborted", "{}", scene.what);
            scene.settle(b);
        }
    });
}

#[test]
fn a_scope_can_be_handed_on() {
    PLAYERS.every_pair(|scene, a, b| {
        // b's function is the body: it gets a's scope, keeps it and fills it.
        let child = steps![["gate", "child"], ["note", "child ends"]];
        let body = scene.make(b, steps![["keep", "s"], ["child", "c", child], ["return", "b's value"]]);
        let asked = scene.begin(a, steps![["scope", "s", body], ["last"]]);
        scene.meet(b, "child");
        scene.turns(a);
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("child", 1).expect("it waits");
        assert_eq!(scene.world.answer(&asked), Ok("b's value".into()), "{}", scene.what);
        let late = outcome(scene.play(b, steps![["use", "s", steps![["child", "c", steps![["note", "no"]]]]]]));
        assert_eq!(late, "closed: task.spawn: the scope has ended", "{}", scene.what);
    });
}

#[test]
fn its_context_may_close() {
    PLAYERS.every_pair(|scene, a, b| {
        let child = scene.make(b, steps![["catch", steps![["gate", "child"]]], ["note", "the flag"]]);
        let body = steps![["child", "c", child], ["catch", steps![["join", "c"]]], ["return", "it"]];
        let asked = scene.begin(a, steps![["scope", false, body], ["last"]]);
        scene.meet(b, "child");
        assert!(scene.world.runtime.close_context(b), "{}", scene.what);
        assert_eq!(scene.world.answer(&asked), Ok("it".into()), "{}", scene.what);
        assert_eq!(scene.told().len(), 1, "{}: {:?}", scene.what, scene.told());
        assert!(scene.told()[0].starts_with("dead: "), "{}: {:?}", scene.what, scene.told());
    });
}

#[test]
fn the_scopes_context_may_close() {
    PLAYERS.every_pair(|scene, a, b| {
        for endless in ["gate", "beat", "forever"] {
            let closing = PLAYERS.player(scene, &format!("closes {endless}"), &language(scene, a), None);
            let child =
                scene.make(b, list(vec![step(endless, vec!["child".into()]), step("note", vec!["the flag".into()])]));
            let asked = scene.begin(
                &closing,
                steps![["scope", false, steps![["child", "c", child], ["note", format!("in {endless}")]]]],
            );
            scene.hear(&format!("in {endless}"));
            scene.play(&closing, steps![["sleep", 2]]).expect(&scene.what);
            assert!(scene.world.runtime.close_context(&closing), "{}: {endless}", scene.what);
            assert!(scene.world.answer(&asked).is_err(), "{}: {endless}", scene.what);
            scene.turns(b);
            let told = scene.told().len();
            scene.play(b, steps![["sleep", 5]]).expect(&scene.what);
            assert_eq!(scene.told().len(), told, "{}: {endless}: nothing runs any more", scene.what);
            assert!(!scene.told().contains(&"the flag".to_owned()), "{}: {endless}", scene.what);
            if scene.gates.is_closed("child") {
                drop(scene.gates.take("child"));
            }
        }
    });
}

/// The language whose player this scene's first is.
fn language(scene: &calog_tests::Scene, _first: &calog::ContextRef) -> calog_tests::Language {
    let name = scene.what.split(' ').next().expect("it begins with a name");
    calog_tests::LANGUAGES.into_iter().find(|language| language.name == name).expect("it is one of them")
}
