//! What no interrupt gets through to is lost, and harms nobody else. A target of its own: what is lost takes
//! a processor for as long as the process lasts.

mod ending;

use std::time::{Duration, Instant};

use calog::plugin_api::Code;
use calog::{CLOSE_LIMIT, ContextRef, Lost};
use calog_tests::{Calog, Folder, LANGUAGES, Language, Scene, deaf, every_language, function, script};
use ending::{check_all, end, opened, same};

fn lost(context: &ContextRef, language: &Language) -> Lost {
    Lost::Context { name: context.name().into(), language: language.name.into(), thread: context.name().into() }
}

#[test]
fn what_hears_nothing_is_lost_and_holds_up_nobody() {
    check_all(
        |language, (name, code), by| {
            let scene = Scene::new(format!("{}: {name} by {by:?}", language.name));
            let (context, answer) = end(&scene, language, code, by);
            same("its code", answer.map_err(|error| error.code()), Err(Code::Dead))?;
            same("lost", scene.world.runtime.lost(), vec![lost(&context, language)])?;
            let closed = scene.world.runtime.close(Duration::from_secs(3600));
            same("closed", closed.lost, vec![lost(&context, language)])
        },
        deaf,
    );
}

/// Some code that hears nothing, whatever its language.
fn some_deaf() -> (&'static Language, &'static str) {
    let found = LANGUAGES.iter().find_map(|language| Some((language, deaf(language).first()?.1)));
    found.expect("an engine with natives that hear nothing")
}

#[test]
fn callers_of_a_lost_context_in_every_language_are_told_at_once_and_others_go_on() {
    let (language, code) = some_deaf();
    // Each leaves a thread behind that runs on for as long as this process: few of them.
    every_language(|scene, a| {
        let b = &scene.actor("b", &LANGUAGES[0], None);
        let endless = opened(scene, language, code);
        let run = function(&endless, "run");
        // One waits for it suspended and one in place, and one whose call has not begun.
        let asked = [
            scene.world.ask(a, "suspends", std::slice::from_ref(&run)),
            scene.world.ask(b, "pumps", std::slice::from_ref(&run)),
            scene.world.ask(a, "suspends", std::slice::from_ref(&run)),
        ];
        scene.world.wait_until("the loop", || !scene.gates.notes().is_empty());
        scene.settle(a);
        scene.settle(b);
        endless.ask_to_close();
        for asked in &asked {
            let answer = scene.world.answer(asked);
            assert_eq!(answer.map_err(|error| error.code()), Err(Code::Dead), "{}", scene.what);
        }
        assert!(endless.is_closed(), "{}", scene.what);
        for call in ["suspends", "pumps"] {
            let answer = scene.world.try_call(a, call, std::slice::from_ref(&run));
            assert_eq!(answer.map_err(|error| error.code()), Err(Code::Dead), "{}", scene.what);
        }
        scene.settle(a);
        scene.settle(b);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
        assert_eq!(scene.world.runtime.close(CLOSE_LIMIT).lost, [lost(&endless, language)], "{}", scene.what);
    });
}

#[test]
fn the_command_ends_though_code_does_not() {
    let (language, code) = some_deaf();
    let file = format!("endless.{}", language.extension);
    let is_lost = "context 'endless' is lost: code of it was told to stop and runs on";
    // Its own time, by which nobody is told but the program; an exit that somebody asks for; and a caller
    // that catches its error.
    let manifest = format!("[[context]]\nscript = \"{file}\"\n[context.limits]\ntime_per_call_ms = 50\n");
    let folder = Folder::with([("calog.toml", manifest.as_str()), (file.as_str(), code)]);
    let began = Instant::now();
    Calog::new(["run", "."]).within(folder.path()).run().ended_with(1).said(&[is_lost]);

    let exits = "task.spawn(function() task.sleep(100) calog.exit(3) end) calog.open('FILE')".replace("FILE", &file);
    let folder = Folder::with([("main.lua", exits.as_str()), (file.as_str(), code)]);
    Calog::new(["run", "main.lua"]).within(folder.path()).run().ended_with(3).said(&[is_lost]);

    let main =
        "local endless = calog.import('endless') print(pcall(endless.run)) print(pcall(endless.run)) print('fine')";
    let exported = script(language, code, true).replace("gate.note(\"begun\")", "");
    let manifest = format!("{manifest}[[context]]\nscript = \"main.lua\"\n");
    let folder = Folder::with([("calog.toml", manifest.as_str()), (file.as_str(), &exported), ("main.lua", main)]);
    let ran = Calog::new(["run", "."]).within(folder.path()).run().ended_with(0).said(&[is_lost]);
    assert!(ran.out.ends_with("fine\n"), "{}", ran.out);
    assert_eq!(ran.out.matches("false\tcontext 'endless' is ").count(), 2, "{}", ran.out);
    // Nothing waited for the end of what does not end, which is named after 5 s.
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
