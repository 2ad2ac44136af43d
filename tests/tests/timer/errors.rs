//! What is refused, and what becomes of errors in a timer's function.

use calog::plugin_api::{Error, Value};
use calog_tests::stage::{list, step, steps};
use calog_tests::{Calog, Folder, LANGUAGES, Scene};

use crate::players::{HOUR, PLAYERS};

#[test]
fn what_is_wrong_is_refused_with_its_name_and_value() {
    PLAYERS.every_language(|scene, a| {
        let f = || scene.make(a, steps![["note", "it rings"]]);
        let cases: Vec<(&str, Vec<Value>, &str)> = vec![
            ("after", vec![(-1).into(), f()], "range: timer.after: invalid duration (ms=-1)"),
            ("after", vec![(-0.5).into(), f()], "range: timer.after: invalid duration (ms=-0.5)"),
            ("after", vec![f64::NAN.into(), f()], "range: timer.after: invalid duration (ms=NaN)"),
            ("after", vec![f64::INFINITY.into(), f()], "range: timer.after: invalid duration (ms=inf)"),
            ("after", vec![1e20.into(), f()], "range: timer.after: duration out of range (ms=1e20)"),
            ("after", vec!["x".into(), f()], "type: timer.after: 'ms': wanted a number of milliseconds, got string"),
            ("after", vec![1.into()], "arity: timer.after: argument 2 'fn' is missing"),
            ("after", vec![], "arity: timer.after: argument 2 'fn' is missing"),
            (
                "after",
                vec![1.into(), "x".into()],
                "type: timer.after: argument 2 'fn': wanted function, got string \"x\"",
            ),
            ("after", vec![1.into(), f(), 3.into()], "arity: timer.after: takes at most 2 arguments, got 3"),
            ("every", vec![(-1).into(), f()], "range: timer.every: invalid duration (ms=-1)"),
            ("every", vec![0.into(), f()], "range: timer.every: invalid duration (ms=0): wanted more than 0"),
            ("every", vec![1e20.into(), f()], "range: timer.every: duration out of range (ms=1e20)"),
            ("every", vec![true.into(), f()], "type: timer.every: 'ms': wanted a number of milliseconds, got bool"),
            ("every", vec![1.into(), 2.into()], "type: timer.every: argument 2 'fn': wanted function, got int 2"),
            ("now", vec![1.into()], "arity: timer.now: takes at most 0 arguments, got 1"),
            ("cancel", vec![1.into()], "arity: timer.cancel: takes no arguments, got 1"),
        ];
        scene.done(a, steps![["after", "t", HOUR, steps![["note", "it rings"]]]]);
        for (path, args, _) in &cases {
            scene.done(a, list(vec![step("bad", vec![(*path).into(), list(args.clone())])]));
        }
        let wanted: Vec<String> = cases.iter().map(|(path, _, message)| format!("{path} {message}")).collect();
        assert_eq!(scene.told(), wanted, "{}", scene.what);
        // And nothing of it was set.
        scene.done(a, steps![["cancel", "t"]]);
        scene.run();
        assert_eq!(scene.told().len(), wanted.len(), "{}", scene.what);
    });
}

#[test]
fn a_call_that_fails_is_reported_and_stops_nothing() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = PLAYERS.player(&scene, "a", language, None);
        let fails = |name: &str| steps![["fail", format!("no luck with {name}")]];
        // At once, and after it has waited.
        let scenario = steps![
            ["every", "t", 1, steps![["tick", "t", 3], ["fail", "no luck with t"]]],
            ["after", "one", 1, fails("one")],
            ["after", "two", 2, steps![["gate", "two"], ["fail", "no luck with two"]]],
            ["after", "three", 5, steps![["note", "three"]]],
        ];
        scene.done(&a, scenario);
        scene.meet(&a, "two");
        scene.gates.open("two", 1).expect("it waits");
        scene.run();
        let mut told = scene.told();
        told.sort();
        assert_eq!(told, ["t 1", "t 2", "t 3", "three"], "{}", scene.what);
        // JavaScript's messages begin with the error's class.
        let message = |error: &Error| error.message().trim_start_matches("Error: ").to_owned();
        let mut errors: Vec<String> = scene.world.errors().iter().map(message).collect();
        errors.sort();
        let wanted = ["no luck with one", "no luck with t", "no luck with t", "no luck with t", "no luck with two"];
        assert_eq!(errors, wanted, "{}", scene.what);
        for (context, error) in scene.world.reports() {
            assert_eq!(context.number(), a.id().number(), "{}", scene.what);
            assert!(error.frames().any(|frame| frame.context == "a"), "{}: {error:?}", scene.what);
        }
    }
}

/// Programs whose timer fails, and whose next one does not.
const PROGRAMS: [(&str, &str); 4] = [
    ("main.lua", "timer.after(1, function() error('no luck') end)\ntimer.after(2, function() print('goes on') end)"),
    ("main.js", "timer.after(1, () => { throw new Error('no luck') })\nsetTimeout(() => console.log('goes on'), 2)"),
    (
        "main.nut",
        "timer.after(1, function() { throw \"no luck\" })\ntimer.after(2, function() { print(\"goes on\\n\") })",
    ),
    ("main.bas", "timer.after(1, LAMBDA () (RAISE(\"no luck\")))\ntimer.after(2, LAMBDA () (PRINT \"goes on\";))\n"),
];

#[test]
fn the_program_shows_where_it_failed() {
    for (name, text) in PROGRAMS {
        let folder = Folder::with([(name, text)]);
        let ran = Calog::new(["run", name]).within(folder.path()).run();
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), "goes on\n"), "{name}: {}", ran.err);
        ran.said(&["no luck", &format!("{name}:1")]);
    }
}
