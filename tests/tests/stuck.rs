//! Programs that cannot go on are found out, with who waits where for what; and programs that can go
//! on are left alone.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use calog::plugin_api::{Args, CallInfo, Completion, Descriptor, Finisher, Function, Value};
use calog::{Ended, RuntimeBuilder, Waiting};
use calog_tests::{Asked, Calog, Folder, LANGUAGES, Language, SAFETY_NET, Scene, THREADS, World, ended, function};
use parking_lot::Mutex;

fn stuck(scene: &Scene) -> Vec<Waiting> {
    match ended(&scene.world.runtime) {
        Ended::Stuck(mut waiting) => {
            waiting.sort_by(|a, b| (&a.context, &a.what, a.line).cmp(&(&b.context, &b.what, b.line)));
            waiting
        }
        other => panic!("{}: the program is stuck, not {other:?}", scene.what),
    }
}

/// Main chunks that wait at gate 'never', in line 3, suspended and in place.
fn waits_in_line_3(language: &Language) -> [(&'static str, &'static str); 2] {
    match language.name {
        "lua" => [
            ("suspended", "local function f()\n    -- Here.\n    local v = gate.wait('never') return v\nend\nf()"),
            ("in place", "table.sort({ 1, 2 }, function()\n    -- Here.\n    gate.wait('never')\nend)"),
        ],
        "javascript" => [
            ("suspended", "async function f() {\n    // Here.\n    return await gate.wait('never')\n}\nawait f()"),
            ("in place", "function f() {\n    // Here.\n    return gate.wait.sync('never')\n}\nf()"),
        ],
        "squirrel" => [
            ("suspended", "local f = function() {\n    // Here.\n    local v = gate.wait(\"never\"); return v\n}\nf()"),
            ("in place", "[1, 2].sort(function(a, b) {\n    // Here.\n    gate.wait(\"never\")\n})"),
        ],
        "basic" => [
            ("suspended", "DEF f()\n    ' Here.\n    RETURN gate.wait(\"never\")\nENDDEF\nf()"),
            (
                "in place",
                "CLASS c : DEF compare(o)\n    ' Here.\n    gate.wait(\"never\")\nENDDEF : DEF hash() : ENDDEF : ENDCLASS
                 SORT(LIST(NEW(c), NEW(c)))",
            ),
        ],
        other => panic!("{other}: say here how it waits"),
    }
}

#[test]
fn the_list_says_context_language_file_line_and_what() {
    for language in &LANGUAGES {
        for (how, text) in waits_in_line_3(language) {
            let scene = Scene::new(format!("{} {how}", language.name));
            scene.start("one", language, None, text);
            let waiting = stuck(&scene);
            let [one] = waiting.as_slice() else { panic!("{}: one waits, not {waiting:?}", scene.what) };
            assert_eq!((one.context.as_str(), one.language.as_str()), ("one", language.name), "{}", scene.what);
            assert!(one.file.ends_with(&format!("one.{}", language.extension)), "{}: {one:?}", scene.what);
            assert_eq!((one.line, one.what.as_str()), (3, "gate 'never'"), "{}: {one:?}", scene.what);
        }
    }
}

#[test]
fn calls_that_wait_for_each_other_are_all_listed() {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            for thread in THREADS {
                for (how, wait) in [("suspends", "wait"), ("pumps", "wait_in_place")] {
                    let scene = Scene::new(format!("{} {how} and {} {wait} on {thread:?}", one.name, other.name));
                    let (a, b) = (scene.actor("a", one, thread), scene.actor("b", other, thread));
                    let asked = scene.world.ask(&a, how, &[function(&b, wait), "never".into()]);
                    let waiting = stuck(&scene);
                    let who: Vec<_> = waiting.iter().map(|it| (it.context.as_str(), it.language.as_str())).collect();
                    // On one thread, and in place, a's call of b is a stack of calls, with b's wait on top.
                    let nested = thread.is_some() && how == "pumps";
                    let wanted = [("a", one.name), ("b", other.name)];
                    assert_eq!(who, &wanted[usize::from(nested)..], "{}: {waiting:?}", scene.what);
                    let b_waits = waiting.last().expect("b waits");
                    assert_eq!(b_waits.what, "gate 'never'", "{}: {waiting:?}", scene.what);
                    assert!(waiting.iter().all(|it| it.line > 0), "{}: {waiting:?}", scene.what);
                    // Nothing was undone: what waits goes on when it can.
                    scene.gates.open("never", 1).expect("it waits");
                    assert_eq!(scene.world.answer(&asked), Ok(Value::Int(1)), "{}", scene.what);
                    assert_eq!(ended(&scene.world.runtime), Ended::Idle, "{}", scene.what);
                }
            }
        }
    }
}

#[test]
fn a_finished_wait_below_another_does_not_hide_that_a_program_is_stuck() {
    for language in &LANGUAGES {
        for depth in [1, 3] {
            let scene = Scene::new(format!("{} {depth}", language.name));
            let a = scene.actor("a", language, None);
            let outer: Vec<Asked> = (0..depth)
                .map(|n| {
                    let asked = scene.world.ask(&a, "wait_in_place", &[format!("{n}").as_str().into()]);
                    scene.settle(&a);
                    asked
                })
                .collect();
            let inner = scene.world.ask(&a, "wait_in_place", &["never".into()]);
            scene.settle(&a);
            for n in 0..depth {
                scene.gates.open(&n.to_string(), n as i64).expect("it waits");
            }
            let waiting = stuck(&scene);
            assert!(waiting.iter().any(|it| it.what == "gate 'never'"), "{}: {waiting:?}", scene.what);
            scene.gates.open("never", 7).expect("it waits");
            assert_eq!(scene.world.answer(&inner), Ok(Value::Int(7)), "{}", scene.what);
            for (n, asked) in outer.iter().enumerate() {
                assert_eq!(scene.world.answer(asked), Ok(Value::Int(n as i64)), "{}", scene.what);
            }
            assert_eq!(ended(&scene.world.runtime), Ended::Idle, "{}", scene.what);
        }
    }
}

#[test]
fn a_program_with_nobody_waiting_ends() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        scene.actor("a", language, None);
        assert_eq!(ended(&scene.world.runtime), Ended::Idle, "{}", scene.what);
    }
}

/// From another thread, has the program's thread run something so often, one after the other: each
/// answer shows that the program still runs, and between two of them nothing is on its way.
fn rounds(handle: &calog::RuntimeHandle, info: &CallInfo, rounds: usize) {
    for _ in 0..rounds {
        let (done, is_done) = channel();
        let native = Function::new("round", move || done.send(()).expect("somebody waits"));
        let native = handle.callable(&native.build().expect("a native")).expect("a callable");
        if handle.post(0, &native, info, Args::new(&[])).is_err() || is_done.recv_timeout(SAFETY_NET).is_err() {
            return;
        }
    }
}

#[test]
fn what_somebody_outside_may_finish_keeps_a_program_going() {
    for language in &LANGUAGES {
        for in_place in [false, true] {
            let scene = Scene::new(format!("{} {in_place}", language.name));
            let (calls, asked_for) = channel::<Finisher>();
            let wait = move |info: &CallInfo| -> Completion {
                let (completion, finisher) = info.runtime().completion("the outside");
                calls.send(finisher).expect("the test waits");
                completion
            };
            let gates = scene.gates.clone();
            let world = World::with(|builder: RuntimeBuilder| {
                gates.add_to(builder).inline_native(Function::new("outside", wait).flags(Descriptor::WAITS))
            });
            let text = match (language.name, in_place) {
                ("lua", false) => "outside() gate.note('over')",
                ("lua", true) => "table.sort({ 1, 2 }, function() outside() gate.note('over') end)",
                ("javascript", false) => "await outside(); gate.note('over')",
                ("javascript", true) => "outside.sync(); gate.note('over')",
                ("squirrel", false) => "outside(); gate.note(\"over\")",
                ("squirrel", true) => "[1].map(function(x) { outside(); gate.note(\"over\") })",
                ("basic", false) => "outside()\ngate.note(\"over\")",
                ("basic", true) => {
                    "CLASS c
                         DEF hash()
                         ENDDEF
                         DEF compare(o)
                             outside()
                             gate.note(\"over\")
                         ENDDEF
                     ENDCLASS
                     SORT(LIST(NEW(c), NEW(c)))"
                }
                (other, _) => panic!("{other}: say here how it waits"),
            };
            let (handle, info) = (world.runtime.handle(), world.info());
            world.start(&format!("a.{}", language.extension), text);
            let outside = thread::spawn(move || {
                let finisher = asked_for.recv_timeout(SAFETY_NET).expect("the script waits");
                rounds(&handle, &info, 200);
                finisher.finish(Ok(Value::Nil))
            });
            assert_eq!(ended(&world.runtime), Ended::Idle, "{}", scene.what);
            assert_eq!(scene.gates.notes(), ["over"], "{}", scene.what);
            assert_eq!(outside.join().expect("it ends"), Ok(()), "{}", scene.what);
        }
    }
}

#[test]
fn a_guard_keeps_a_program_going_while_it_lives() {
    let world = World::new();
    let (handle, info) = (world.runtime.handle(), world.info());
    let (first, second) = (handle.keep_alive(), handle.keep_alive());
    let over = Arc::new(Mutex::new(false));
    let ends = Arc::clone(&over);
    let outside = thread::spawn(move || {
        drop(first);
        rounds(&handle, &info, 200);
        *ends.lock() = true;
        drop(second);
    });
    assert_eq!(ended(&world.runtime), Ended::Idle);
    assert!(*over.lock(), "the guard was still there");
    outside.join().expect("it ends");
}

#[test]
fn timers_and_deadlines_keep_a_program_going() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = scene.actor("a", language, None);
        let fine = scene.world.runtime.handle().after(Duration::from_millis(30));
        let rang = Arc::new(Mutex::new(false));
        let ring = Arc::clone(&rang);
        fine.then(move |_| *ring.lock() = true);
        assert_eq!(ended(&scene.world.runtime), Ended::Idle, "{}: a timer", scene.what);
        assert!(*rang.lock(), "{}: the timer rang first", scene.what);
        for wait in ["wait", "wait_in_place"] {
            let deadline_ns = scene.world.runtime.handle().now_ns() + 30_000_000;
            let info = scene.world.info_with(None, deadline_ns);
            let asked = scene.world.ask_with(&info, &a, wait, &[wait.into()]);
            assert_eq!(ended(&scene.world.runtime), Ended::Idle, "{}: {wait} until a deadline", scene.what);
            let error = scene.world.answer(&asked).expect_err("the deadline passed");
            assert_eq!(error.code(), calog::Code::Timeout, "{}: {wait}", scene.what);
        }
    }
}

#[test]
fn an_embedding_program_counts_as_long_as_it_does_not_run_as_a_program() {
    // All others wait for what only this thread will do: nothing is stuck before it has done so.
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = scene.actor("a", language, None);
        let asked = scene.world.ask(&a, "wait", &["gate".into()]);
        scene.settle(&a);
        scene.world.runtime.pump_for(Duration::from_millis(5));
        assert!(!asked.is_answered(), "{}", scene.what);
        scene.gates.open("gate", 1).expect("it still waits");
        assert_eq!(scene.world.answer(&asked), Ok(Value::Int(1)), "{}", scene.what);
    }
}

#[test]
fn the_command_ends_with_four_and_lists_files_and_lines() {
    // By each: a context that waits for one that never ends; and the other way to wait.
    let folder = Folder::with([
        ("one.lua", "local two = calog.open('two.js')\n\ntwo.wait()\n"),
        ("two.js", "const three = calog.open('three.lua')\n\nawait three.wait()\n"),
        ("three.lua", "local four = calog.open('four.js')\n\ntable.sort({ 1, 2 }, function()\n    four.wait()\nend)\n"),
        ("four.js", "const five = calog.open('five.js')\nfunction f() {\n    five.wait.sync()\n}\nf()\n"),
        ("five.js", "\nawait new Promise(() => {})\n"),
    ]);
    let ran = Calog::new(["run", "one.lua"]).within(folder.path()).run().ended_with(4);
    ran.said(&[
        "context 'one' (lua) at one.lua:3 waits for the end of context 'two'",
        "context 'two' (javascript) at two.js:3 waits for the end of context 'three'",
        "context 'three' (lua) at three.lua:4 waits for the end of context 'four'",
        "context 'four' (javascript) at four.js:3 waits for the end of context 'five'",
        "context 'five' (javascript) at five.js",
    ]);
}
