//! What contexts may, and how much of it, in every language: `docs/limits.md`.
//!
//! A row is one expression that a script evaluates in each language, the options of its context, and the
//! error that comes of it, which is the same in all of them.

use std::cell::Cell;
use std::os::unix::fs::symlink;
use std::time::Duration;

use calog::{Code, ContextRef, Open, Result};
use calog_plugin_api::Value;
use calog_tests::{LANGUAGES, Language, Scene, World, every_language, field, function};

/// A context's options.
type Options = Vec<(&'static str, Value)>;

fn words(words: &[&str]) -> Value {
    Value::list(words.iter().copied()).expect("a list")
}

fn limits(key: &str, most: impl Into<Value>) -> Value {
    Value::map([(key, most.into())]).expect("a map")
}

/// A script that evaluates an expression, in each language.
fn evaluating(language: &Language, expression: &str) -> String {
    match language.name {
        "lua" | "squirrel" => format!("return {expression}"),
        "javascript" => format!("await {expression}"),
        "basic" => format!("it = {expression}"),
        other => panic!("how does one evaluate in {other}?"),
    }
}

fn open_as(world: &World, name: &str, options: &Options) -> Open {
    let path = world.write(name, "");
    options.iter().cloned().fold(Open::file(path).name("plug"), |open, (key, value)| open.option(key, value))
}

/// Runs a script with these options to the end of its main chunk.
fn run(world: &World, language: &Language, options: &Options, script: &str) -> Result<Value> {
    let name = format!("plug.{}", language.extension);
    let open = open_as(world, &name, options);
    world.write(&name, script);
    let context = world.runtime.open(open)?;
    let result = world.runtime.wait_for(&context);
    world.runtime.close_context(&context);
    result
}

/// What an expression comes to, in every language: nothing special, or this error.
#[track_caller]
fn check(what: &str, options: &Options, expression: &str, wanted: std::result::Result<(), (Code, &str)>) {
    for language in &LANGUAGES {
        let world = World::new();
        let found = run(&world, language, options, &evaluating(language, expression));
        match (found, wanted) {
            (Ok(_), Ok(())) => {}
            (Err(error), Err((code, message))) => {
                assert_eq!((error.code(), &*error.message()), (code, message), "{what} in {}", language.name);
            }
            (found, wanted) => panic!("{what} in {}: {found:?}, wanted {wanted:?}", language.name),
        }
    }
}

#[test]
fn natives_that_are_not_allowed_are_refused_when_they_are_called() {
    let untrusted: Options = vec![("preset", "untrusted".into())];
    let queue = r#"sync.Queue("jobs")"#;
    let message = "context 'plug' may not use sync.Queue: its [[context]] would need `allow = [\"sync.Queue\"]`";
    check("untrusted", &untrusted, queue, Err((Code::Permission, message)));

    let some: Options = vec![("preset", "untrusted".into()), ("allow", words(&["sync.*"]))];
    check("allowed by its module", &some, queue, Ok(()));
    let message =
        "context 'plug' may not use net.connect: its [[context]] would need `allow = [\"sync.*\", \"net.connect\"]`";
    check("one that waits", &some, r#"net.connect("127.0.0.1", 1)"#, Err((Code::Permission, message)));

    let denied: Options = vec![("deny", words(&["net.*", "sync.Queue"]))];
    let message = "context 'plug' may not use sync.Queue: its [[context]] would need `deny = [\"net.*\"]`";
    check("denied", &denied, queue, Err((Code::Permission, message)));
    check("the others", &denied, "calog.args()", Ok(()));
}

#[test]
fn modules_are_files_to_read() {
    let options: Options =
        vec![("preset", "untrusted".into()), ("allow", words(&["calog.*"])), ("limits", limits("contexts", 10))];
    for language in &LANGUAGES {
        let world = World::new();
        let folder = world.write("other.lua", "return { answer = 42 }");
        let folder = folder.parent().expect("its folder").to_owned();
        let script = evaluating(language, r#"calog.import("other")"#);
        let error = run(&world, language, &options, &script).expect_err("no file may be read");
        assert_eq!(error.code(), Code::Permission, "{}: {error}", language.name);
        assert!(error.message().contains("other.lua': its [[context]] would need `read = ["), "{error}");

        let mut may_read = options.clone();
        may_read.push(("read", words(&[&folder.to_string_lossy()])));
        run(&world, language, &may_read, &script).expect("now it may");

        // The module has no more rights than who opened it.
        world.write("greedy.lua", "return sync.Queue('jobs')");
        let script = evaluating(language, r#"calog.import("greedy")"#);
        let error = run(&world, language, &may_read, &script).expect_err("a module that does what is not allowed");
        assert_eq!(error.code(), Code::Permission, "{}: {error}", language.name);

        // What is open already was opened by somebody else, and offers its exports to all.
        world.open("open.lua", "local made = sync.Queue('jobs')\nreturn { answer = 42 }");
        run(&world, language, &options, &evaluating(language, r#"calog.import("open")"#)).expect("it is open");
    }
}

#[test]
fn who_is_opened_has_no_more_than_who_opens_it() {
    for language in &LANGUAGES {
        let world = World::new();
        let child = format!("child.{}", language.extension);
        let folder = world.write(&child, &evaluating(language, r#"sync.Queue("jobs")"#));
        let folder = folder.parent().expect("its folder").to_string_lossy().into_owned();
        let opener = &LANGUAGES[0];
        let script = format!("return calog.open('{child}', {{ preset = 'trusted', allow = {{ '*' }} }}):wait()");
        let mut options: Options = vec![("allow", words(&["calog.*"])), ("read", words(&[&folder]))];
        let error = run(&world, opener, &options, &script).expect_err("more than its opener has");
        let message =
            "context 'plug' may not use sync.Queue: its [[context]] would need `allow = [\"calog.*\", \"sync.Queue\"]`";
        assert_eq!((error.code(), &*error.message()), (Code::Permission, message), "{}", language.name);

        // It may have less.
        options[0].1 = words(&["*"]);
        run(&world, opener, &options, &script).expect("as much as its opener");
        let script = format!("return calog.open('{child}', {{ allow = {{ 'net.*' }} }}):wait()");
        let error = run(&world, opener, &options, &script).expect_err("less than its opener");
        let message =
            "context 'child' may not use sync.Queue: its [[context]] would need `allow = [\"net.*\", \"sync.Queue\"]`";
        assert_eq!((error.code(), &*error.message()), (Code::Permission, message), "{}", language.name);
    }
}

/// Opens an actor that may use natives of the broker alone.
fn limited_actor(scene: &Scene, language: &Language, options: &Options) -> ContextRef {
    let name = format!("plug.{}", language.extension);
    let open = open_as(&scene.world, &name, options);
    scene.world.write(&name, language.actor);
    let context = scene.world.runtime.open(open).expect("a context");
    scene.world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
    context
}

/// A native that comes as a value is no more than its name; a function of somebody else's is his.
#[test]
fn a_native_is_asked_for_wherever_it_comes_from() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let plug = limited_actor(&scene, language, &vec![("deny", words(&["sync.*"]))]);
        let owner = scene.script(
            "owner",
            &LANGUAGES[0],
            None,
            "return {
            native = sync.Queue,
            wrapped = function(name) local made = sync.Queue(name) return made and name end,
            lenient = calog.lenient(sync.Queue),
        }",
        );
        for member in ["native", "lenient"] {
            let caught = scene.world.try_call(&plug, "catches", &[function(&owner, member), "jobs".into()]);
            let caught = caught.expect("it was caught");
            assert_eq!(field(&caught, "code"), "permission".into(), "{}: {member}: {caught:?}", scene.what);
        }
        let made = scene.world.try_call(&plug, "catches", &[function(&owner, "wrapped"), "jobs".into()]);
        assert_eq!(made.map(|it| field(&it, "value")), Ok("jobs".into()), "{}", scene.what);
    }
}

/// A bundle that is given a native calls it in the name of who gave it.
#[test]
fn a_native_is_asked_for_by_whichever_way_it_is_called() {
    let language = language("lua");
    for call in [
        "return calog.call(owner.native, 'jobs')",
        "return calog.lenient(owner.native)('jobs')",
        "return task.with_timeout(60000, owner.native)",
        "return task.scope(function() return task.spawn(owner.native):join() end)",
    ] {
        let world = World::new();
        world.open("owner.lua", "return { native = sync.Queue }");
        let script = format!("local owner = calog.import('owner')\n{call}");
        let error = run(&world, language, &vec![("deny", words(&["sync.*"]))], &script).expect_err(call);
        assert_eq!(error.code(), Code::Permission, "{call}: {error}");
    }
    let world = World::new();
    world.open("owner.lua", "return { native = sync.Queue }");
    let script = "local owner = calog.import('owner')\ncalog.export('add', function(a, b) return a + b end)\n\
                  timer.after(0, owner.native)";
    let plug = open_script(&world, language, &vec![("deny", words(&["sync.*"]))], script);
    world.wait_until("the timer", || !world.errors().is_empty());
    assert_eq!(world.errors().first().map(calog::Error::code), Some(Code::Permission));
    drop(plug);
}

/// What a context may not use, others do not use for it.
#[test]
fn a_native_that_is_refused_stays_so_in_other_hands() {
    for language in &LANGUAGES {
        let world = World::new();
        let trusted = world.open("trusted.lua", LANGUAGES[0].actor);
        let script = match language.name {
            "lua" => "return { give = function() return sync.Queue end }",
            "javascript" => "export function give() { return sync.Queue }",
            "squirrel" => "return { give = function() { return sync.Queue } }",
            _ => "DEF give()\nRETURN sync.Queue\nENDDEF\ncalog.export(\"give\", give)",
        };
        let name = format!("plug.{}", language.extension);
        let open = open_as(&world, &name, &vec![("deny", words(&["sync.*"]))]);
        world.write(&name, script);
        let plug = world.runtime.open(open).expect("a context");
        world.runtime.wait_for(&plug).expect("it defines a function");
        let native = world.try_call(&plug, "give", &[]).expect("it gives what it has");
        let caught = world.try_call(&trusted, "catches", &[native, "jobs".into()]).expect("it was caught");
        assert_eq!(field(&caught, "code"), "permission".into(), "{}: {caught:?}", language.name);
    }
}

#[test]
fn a_trusted_context_is_asked_nothing() {
    every_language(|scene, actor| {
        let owner = scene.script("owner", &LANGUAGES[0], None, "return { native = sync.Queue }");
        let made = scene.world.try_call(actor, "catches", &[function(&owner, "native"), "jobs".into()]);
        assert!(!field(&made.expect("a queue"), "value").view().is_nil(), "{}", scene.what);
    });
}

#[test]
fn output_is_limited() {
    for language in &LANGUAGES {
        let world = World::new();
        let print = |text: &str| match language.name {
            "lua" => format!("print('{text}')\n"),
            "javascript" => format!("console.log('{text}')\n"),
            "squirrel" => format!("print(\"{text}\\n\")\n"),
            _ => format!("PRINT \"{text}\";\n"),
        };
        let options: Options = vec![("limits", limits("output", 10))];
        let script = print("1234") + &print("5678") + &print("never");
        let error = run(&world, language, &options, &script).expect_err("more than ten bytes");
        let message = "context 'plug' may have 10 bytes of output at most: `limits.output` in its [[context]] says so";
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
        assert_eq!(world.output.text(), "1234\n5678\n", "{}", language.name);
    }
}

/// What a language writes past the host counts as well.
#[test]
fn what_is_written_to_standard_error_is_output() {
    for (name, script) in [
        ("lua", "io.stderr:write('1234', 5678)\nio.stderr:write('never')"),
        ("lua", "io.output(io.stderr)\nio.write('1234', 5678)\nio.write('never')"),
        ("squirrel", "local b = blob(8); stderr.writeblob(b); stderr.writeblob(b)"),
        ("squirrel", "stderr.writen(1, 'l'); stderr.writen(1, 'b')"),
        ("squirrel", "local b = blob(8); stdout.writeblob(b); print(\"never\")"),
    ] {
        let world = World::new();
        let error = run(&world, language(name), &vec![("limits", limits("output", 10))], script).expect_err(script);
        let message = "context 'plug' may have 10 bytes of output at most: `limits.output` in its [[context]] says so";
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{name}: {script}");
        assert_eq!(world.output.text(), "", "{name}: {script}");
        assert!(run(&world, language(name), &Vec::new(), script).is_ok(), "{name}: {script}");
    }
}

#[test]
fn contexts_are_limited_by_how_many_are_open() {
    for language in &LANGUAGES {
        let world = World::new();
        let folder = world.write("child.lua", "return {}");
        let folder = folder.parent().expect("its folder").to_string_lossy().into_owned();
        let script = match language.name {
            "lua" => {
                "local one = calog.open('child.lua')\none:close()\nreturn calog.open('child.lua') and calog.open('child.lua')"
            }
            "javascript" => "calog.open('child.lua'); calog.open('child.lua'); calog.open('child.lua')",
            "squirrel" => "calog.open(\"child.lua\"); calog.open(\"child.lua\"); calog.open(\"child.lua\")",
            _ => "a = calog.open(\"child.lua\")\nb = calog.open(\"child.lua\")\nc = calog.open(\"child.lua\")",
        };
        let options: Options = vec![("limits", limits("contexts", 2)), ("read", words(&[&folder]))];
        let script = script.replace("one:close()\n", "");
        let error = run(&world, language, &options, &script).expect_err("three contexts");
        let message =
            "context 'plug' may have 2 contexts that it opened at most: `limits.contexts` in its [[context]] says so";
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
    }
    // One that is gone counts no more.
    let world = World::new();
    let folder = world.write("child.lua", "return {}");
    let folder = folder.parent().expect("its folder").to_string_lossy().into_owned();
    let options: Options = vec![("limits", limits("contexts", 1)), ("read", words(&[&folder]))];
    let open = open_as(&world, "plug.lua", &options);
    world.write(
        "plug.lua",
        "local last\nreturn { again = function() if last then last:close() end\n\
                             local ok, e = pcall(calog.open, 'child.lua')\nif ok then last = e end\nreturn ok end }",
    );
    let plug = world.runtime.open(open).expect("a context");
    world.runtime.wait_for(&plug).expect("its function");
    assert_eq!(world.try_call(&plug, "again", &[]), Ok(true.into()));
    world.wait_until("the first to be gone", || world.try_call(&plug, "again", &[]) == Ok(true.into()));
}

#[test]
fn functions_that_others_hold_are_limited() {
    for language in &LANGUAGES {
        let world = World::new();
        let script = match language.name {
            "lua" => "for _, name in ipairs { 'a', 'b', 'c' } do calog.export(name, function() return name end) end",
            "javascript" => "for (const name of ['a', 'b', 'c']) calog.export(name, () => name)",
            "squirrel" => "foreach (name in [\"a\", \"b\", \"c\"]) calog.export(name, function() { return name })",
            _ => {
                "DEF a()\nENDDEF\nDEF b()\nENDDEF\nDEF c()\nENDDEF\n\
                  calog.export(\"a\", a)\ncalog.export(\"b\", b)\ncalog.export(\"c\", c)"
            }
        };
        let options: Options = vec![("limits", limits("callables", 2))];
        let error = run(&world, language, &options, script).expect_err("three functions");
        let message = "context 'plug' may have 2 functions that others hold at most: `limits.callables` in its [[context]] says so";
        // A native says which argument it is.
        assert_eq!(
            (error.code(), error.message().ends_with(message)),
            (Code::Limit, true),
            "{}: {error}",
            language.name
        );
    }
}

/// A function that is dropped counts no more, so that its number is of those that are held.
#[test]
fn functions_that_were_dropped_count_no_more() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let plug = limited_actor(&scene, language, &vec![("limits", limits("callables", 100))]);
        let sink = scene.script("sink", &LANGUAGES[0], None, "return { sink = function(f) return f ~= nil end }");
        for round in 0..300 {
            let made = scene.world.try_call(&plug, "make", &[1.into()]).expect("a list with a function");
            drop(made);
            scene.settle(&plug);
            assert!(scene.world.errors().is_empty(), "{} in round {round}", scene.what);
        }
        drop(sink);
    }
}

/// The error comes first; what the script does with it counts no more.
#[test]
fn a_context_may_end_at_its_limit() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let options: Options = vec![("limits", limits("callables", 40)), ("on_limit", "close".into())];
        let plug = limited_actor(&scene, language, &options);
        let made = scene.world.try_call(&plug, "make", &[100.into()]);
        assert!(made.is_err(), "{}: {made:?}", scene.what);
        scene.world.wait_until("its end", || scene.world.runtime.context("plug").is_none());
        // Nobody else notices.
        let other = scene.actor("other", language, None);
        scene.settle(&other);
    }
}

/// What a language's own library does beyond its interpreter: a script in the folder FOLDER, which also
/// holds `in/data.EXT` and `out.EXT`; and the line that would allow it.
struct Beyond {
    language: &'static str,
    script: &'static str,
    needs: &'static str,
}

const fn beyond(language: &'static str, script: &'static str, needs: &'static str) -> Beyond {
    Beyond { language, script, needs }
}

const READ: &str = "read = [";
const WRITE: &str = "write = [";

/// Each of these is done by a script that may do everything, and refused to one that may do nothing.
const BEYOND: &[Beyond] = &[
    beyond("lua", "return assert(io.open('FOLDER/in/data.lua')):read(1)", READ),
    beyond("lua", "return io.open('FOLDER/in/data.lua', 'r+') ~= nil", READ),
    beyond("lua", "return io.open('FOLDER/in/new', 'w') ~= nil", WRITE),
    beyond("lua", "return io.open('FOLDER/in/new', 'a+') ~= nil", READ),
    beyond("lua", "for line in io.lines('FOLDER/in/data.lua') do return line end", READ),
    beyond("lua", "return io.input('FOLDER/in/data.lua') ~= nil", READ),
    beyond("lua", "return io.output('FOLDER/in/new') ~= nil", WRITE),
    beyond("lua", "return io.tmpfile() ~= nil", WRITE),
    beyond("lua", "return os.remove(os.tmpname())", WRITE),
    beyond("lua", "return assert(os.rename('FOLDER/in/data.lua', 'FOLDER/in/new'))", WRITE),
    beyond("lua", "return assert(os.remove('FOLDER/in/data.lua'))", WRITE),
    beyond("lua", "return assert(loadfile('FOLDER/in/data.lua'))()", READ),
    beyond("lua", "return dofile('FOLDER/in/data.lua')", READ),
    beyond("lua", "package.path = 'FOLDER/in/?.lua'\nreturn require('data')", READ),
    beyond("lua", "return require('data2')", READ),
    beyond("lua", "return io.popen('true') ~= nil", "processes = true"),
    beyond("lua", "return os.execute('true')", "processes = true"),
    beyond("lua", "return os.getenv('PATH')", "environment = true"),
    beyond("lua", "return os.setlocale()", "environment = true"),
    beyond("lua", "return package.loadlib('none', '*') or 1", "load_native = true"),
    beyond("lua", "return load(string.dump(function() end))", "load_native = true"),
    beyond("lua", "return debug.getregistry() ~= nil", "load_native = true"),
    beyond("lua", "return debug.getupvalue(io.write, 1) or 1", "load_native = true"),
    beyond("javascript", "import { found } from './in/data.js'; console.log(found)", READ),
    beyond("javascript", "const { found } = await import('./in/data.js'); console.log(found)", READ),
    beyond("squirrel", "return file(\"FOLDER/in/data.nut\", \"r\").len()", READ),
    beyond("squirrel", "return file(\"FOLDER/in/new\", \"w\").len()", WRITE),
    beyond("squirrel", "return file(\"FOLDER/in/data.nut\", \"r+\").len()", READ),
    beyond("squirrel", "return stdout.getclass()(\"FOLDER/in/data.nut\", \"r\").len()", READ),
    beyond("squirrel", "return loadfile(\"FOLDER/in/data.nut\")()", READ),
    beyond("squirrel", "return dofile(\"FOLDER/in/data.nut\")", READ),
    beyond("squirrel", "writeclosuretofile(\"FOLDER/in/new\", function() {})", WRITE),
    beyond("squirrel", "rename(\"FOLDER/in/data.nut\", \"FOLDER/in/new\")", WRITE),
    beyond("squirrel", "remove(\"FOLDER/in/data.nut\")", WRITE),
    beyond("squirrel", "return system(\"true\")", "processes = true"),
    beyond("squirrel", "return getenv(\"PATH\")", "environment = true"),
    beyond("basic", "IMPORT \"in/data.bas\"", READ),
];

/// The folder of a script, with what it may want.
fn prepare(world: &World, language: &Language) -> String {
    let extension = language.extension;
    let text = match language.name {
        "lua" => "return { found = 1 }",
        "javascript" => "export const found = 1",
        "squirrel" => "return 1",
        _ => "found = 1",
    };
    world.write(&format!("in/data.{extension}"), text);
    world.write(&format!("data2.{extension}"), text);
    let folder = world.write(&format!("out.{extension}"), text);
    folder.parent().expect("its folder").to_string_lossy().into_owned()
}

fn language(name: &str) -> &'static Language {
    LANGUAGES.iter().find(|it| it.name == name).expect("a language")
}

#[test]
fn what_reaches_beyond_an_interpreter_is_asked_for() {
    for Beyond { language: name, script, needs } in BEYOND {
        let language = language(name);
        let tried = |options: &Options| {
            let world = World::new();
            let folder = prepare(&world, language);
            let options: Options = options
                .iter()
                .map(|(key, value)| match value.view().as_str() {
                    Some("FOLDER") => (*key, words(&[&folder, "/tmp"])),
                    _ => (*key, value.clone()),
                })
                .collect();
            run(&world, language, &options, &script.replace("FOLDER", &folder))
        };
        assert!(tried(&Vec::new()).is_ok(), "{name}: {script}: {:?}", tried(&Vec::new()));
        let error = tried(&vec![("preset", "untrusted".into())]).expect_err(script);
        assert_eq!(error.code(), Code::Permission, "{name}: {script}: {error}");
        assert!(error.message().contains(needs), "{name}: {script}: {error}");

        // What the message says is what it takes.
        let everything_else: Options = ["read", "write"]
            .into_iter()
            .filter(|key| !needs.starts_with(key))
            .map(|key| (key, "FOLDER".into()))
            .chain(
                ["processes", "environment", "load_native"]
                    .into_iter()
                    .filter(|key| !needs.starts_with(key))
                    // Who may load machine code may do anything, and reaches what is wrapped.
                    .map(|key| (key, true.into())),
            )
            .collect();
        let mut almost = everything_else.clone();
        almost.push(("preset", "untrusted".into()));
        let error = tried(&almost).expect_err(script);
        assert_eq!(error.code(), Code::Permission, "{name}: {script}: {error}");
        let mut all = almost;
        all.push(match *needs {
            READ => ("read", "FOLDER".into()),
            WRITE => ("write", "FOLDER".into()),
            switch => (switch.strip_suffix(" = true").expect("a switch"), true.into()),
        });
        assert!(tried(&all).is_ok(), "{name}: {script}: {:?}", tried(&all));
    }
}

/// Ways out of the one folder that may be read, in every language that has a file's name in a script.
#[test]
fn no_path_leads_out_of_the_folders() {
    for (name, script) in [
        ("lua", "return dofile('PATH')"),
        ("lua", "return assert(io.open('PATH')):read(1)"),
        ("javascript", "const { found } = await import('PATH'); console.log(found)"),
        ("squirrel", "return dofile(\"PATH\")"),
        ("basic", "IMPORT \"PATH\""),
    ] {
        let language = language(name);
        for (path, fine) in
            [("in/data", true), ("in/../out", false), ("in/link", false), ("out", false), ("in/up/out", false)]
        {
            let world = World::new();
            let folder = prepare(&world, language);
            let extension = language.extension;
            symlink(format!("../out.{extension}"), format!("{folder}/in/link.{extension}")).expect("a link");
            symlink("..", format!("{folder}/in/up")).expect("a link");
            let options: Options = vec![("preset", "untrusted".into()), ("read", words(&[&format!("{folder}/in")]))];
            let script = script.replace("PATH", &format!("{folder}/{path}.{extension}"));
            match run(&world, language, &options, &script) {
                Ok(_) => assert!(fine, "{name}: {path} was read"),
                Err(error) => assert_eq!((error.code(), fine), (Code::Permission, false), "{name}: {path}: {error}"),
            }
        }
    }
}

/// Bytecode by other ways than as a string: a reader, a file, `require`.
#[test]
fn bytecode_is_as_machine_code() {
    let language = language("lua");
    for (script, message) in [
        (
            "local code, given = string.dump(function() end), false\n\
          return assert(load(function() if not given then given = true return code end end))",
            "attempt to load a binary chunk",
        ),
        ("return assert(load(string.dump(function() end), 'x', 'b'))", "load_native = true"),
        ("return assert(loadfile('FOLDER/in/code.lua', 'b'))", "attempt to load a binary chunk"),
        ("return dofile('FOLDER/in/code.lua')", "attempt to load a binary chunk"),
        ("package.path = 'FOLDER/in/?.lua'\nreturn require('code')", "attempt to load a binary chunk"),
    ] {
        let world = World::new();
        let folder = prepare(&world, language);
        let write =
            format!("local f = io.open('{folder}/in/code.lua', 'wb')\nf:write(string.dump(function() end))\nf:close()");
        run(&world, language, &Vec::new(), &write).expect("bytecode can be written");
        let options: Options = vec![("preset", "untrusted".into()), ("read", words(&[&folder]))];
        let error = run(&world, language, &options, &script.replace("FOLDER", &folder)).expect_err(script);
        assert!(error.message().contains(message), "{script}: {error}");
    }
}

/// A script that exports `spin`, which never ends whatever it catches, and `add`.
fn spinning(language: &Language) -> &'static str {
    match language.name {
        "lua" => {
            "calog.export('spin', function() while true do pcall(function() while true do end end) end end)\n\
             calog.export('add', function(a, b) return a + b end)"
        }
        "javascript" => {
            "calog.export('spin', () => { for (;;) { try { for (;;) {} } catch {} } })\n\
             calog.export('add', (a, b) => a + b)"
        }
        "squirrel" => {
            "calog.export(\"spin\", function() { while (true) { try { while (true) {} } catch (e) {} } })\n\
             calog.export(\"add\", function(a, b) { return a + b })"
        }
        _ => {
            "DEF spin()\nWHILE TRUE\nTRY\nWHILE TRUE\nWEND\nCATCH e\nENDTRY\nWEND\nENDDEF\ncalog.export(\"spin\", spin)\n\
             DEF add(a, b)\nRETURN a + b\nENDDEF\ncalog.export(\"add\", add)"
        }
    }
}

fn open_script(world: &World, language: &Language, options: &Options, script: &str) -> ContextRef {
    let name = format!("plug.{}", language.extension);
    let open = open_as(world, &name, options);
    world.write(&name, script);
    let context = world.runtime.open(open).expect("a context");
    world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{}: {error:?}", language.name));
    context
}

#[test]
fn a_call_ends_when_its_time_is_up_and_the_context_goes_on() {
    let message = "context 'plug' may have 100 ms of time for a call at most: \
                   `limits.time_per_call_ms` in its [[context]] says so";
    for language in &LANGUAGES {
        let world = World::new();
        let options: Options = vec![("limits", limits("time_per_call_ms", 100))];
        let plug = open_script(&world, language, &options, spinning(language));
        for _ in 0..2 {
            let error = world.try_call(&plug, "spin", &[]).expect_err("a call without end");
            assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
            assert_eq!(world.try_call(&plug, "add", &[1.into(), 2.into()]), Ok(3.into()), "{}", language.name);
        }
        // A main chunk is a call as well.
        let endless = match language.name {
            "lua" => "while true do end",
            "javascript" => "for (;;) {}",
            "squirrel" => "while (true) {}",
            _ => "WHILE TRUE\nWEND",
        };
        let error = run(&World::new(), language, &options, endless).expect_err("a main chunk without end");
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
    }
}

#[test]
fn all_the_time_a_context_runs_is_limited() {
    let message =
        "context 'plug' may have 100 ms of time for all calls at most: `limits.cpu_ms` in its [[context]] says so";
    for language in &LANGUAGES {
        let world = World::new();
        let plug = open_script(&world, language, &vec![("limits", limits("cpu_ms", 100))], spinning(language));
        for (name, args) in [("spin", vec![]), ("add", vec![1.into(), 2.into()]), ("spin", vec![])] {
            let error = world.try_call(&plug, name, &args).expect_err("no time is left");
            assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
        }
    }
}

/// Neither suspended nor in place: what a call waits for may take as long as it takes.
#[test]
fn a_wait_takes_no_time() {
    const LIMIT_MS: i64 = 200;
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let plug = limited_actor(&scene, language, &vec![("limits", limits("time_per_call_ms", LIMIT_MS))]);
        for (call, gate) in [("wait", "one"), ("wait_in_place", "two")] {
            let asked = scene.world.ask(&plug, call, &[gate.into()]);
            scene.world.runtime.pump_for(Duration::from_millis(2 * LIMIT_MS as u64));
            assert!(!asked.is_answered(), "{}: {call} waits: {:?}", scene.what, asked.answers());
            // Calls that it serves meanwhile have time of their own, and leave it its own.
            scene.settle(&plug);
            assert_eq!(scene.gates.open(gate, 1), Ok(()), "{}: it waits", scene.what);
            let answer = scene.world.answer(&asked);
            assert!(answer.is_ok(), "{}: {call}: {answer:?}", scene.what);
        }
    }
}

#[test]
fn calls_within_each_other_are_limited() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let plug = limited_actor(&scene, language, &vec![("limits", limits("nesting", 3))]);
        let other = scene.actor("other", language, None);
        let args = [function(&other, "sink_in_place"), function(&plug, "sink_in_place"), 0.into()];
        let found = scene.world.try_call(&plug, "sink_in_place", &args).expect("the place where it failed");
        assert_eq!(
            (field(&found, "level"), field(&found, "code")),
            (5.into(), "limit".into()),
            "{}: {found:?}",
            scene.what
        );
        let message = field(&found, "message");
        let message = message.view().as_str().unwrap_or_default().to_owned();
        assert!(message.contains("3 calls within each other at most: `limits.nesting`"), "{}: {message}", scene.what);
        scene.settle(&plug);
    }
}

#[test]
fn tasks_that_wait_are_limited() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let plug = limited_actor(&scene, language, &vec![("limits", limits("tasks", 2))]);
        for round in 0..3 {
            let gates = ["a", "b"].map(|gate| format!("{gate}{round}"));
            let asked = gates.each_ref().map(|gate| scene.world.ask(&plug, "wait", &[gate.as_str().into()]));
            scene.settle(&plug);
            let error =
                scene.world.try_call(&plug, "wait", &[format!("never{round}").into()]).expect_err("one too many");
            let message =
                "context 'plug' may have 2 tasks that wait at most: `limits.tasks` in its [[context]] says so";
            assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", scene.what);
            gates.iter().for_each(|gate| assert_eq!(scene.gates.open(gate, 1), Ok(()), "{}", scene.what));
            for asked in &asked {
                assert!(scene.world.answer(asked).is_ok(), "{}: those before go on", scene.what);
            }
        }
    }
}

/// Fills memory, and does as much without keeping it, in each language.
fn filling(language: &Language) -> (&'static str, &'static str) {
    match language.name {
        "lua" => (
            "local all = {} while true do all[#all + 1] = ('x'):rep(20000) .. #all end",
            "for i = 1, 10000 do local s = ('x'):rep(20000) .. i end",
        ),
        "javascript" => (
            "const all = []; for (;;) all.push(new Array(1000).fill(1))",
            "for (let i = 0; i < 20000; i++) new Array(1000).fill(i)",
        ),
        "squirrel" => (
            "local all = []; while (true) all.append(array(1000, 1))",
            "for (local i = 0; i < 20000; i++) array(1000, i)",
        ),
        _ => ("all = LIST()\nWHILE TRUE\nDIM a(1000)\nPUSH(all, a)\nWEND", "FOR i = 1 TO 20000\nDIM a(1000)\nNEXT"),
    }
}

const OF_MEMORY: &str = "context 'plug' may have 16 MiB of memory at most: `limits.memory` in its [[context]] says so";

#[test]
fn memory_is_limited() {
    let options: Options = vec![("limits", limits("memory", 16 << 20))];
    for language in &LANGUAGES {
        let (filling, passing) = filling(language);
        let error = run(&World::new(), language, &options, filling).expect_err("more than there is");
        assert_eq!((error.code(), &*error.message()), (Code::Limit, OF_MEMORY), "{}", language.name);
        // What is not used any more is not used.
        let fine = run(&World::new(), language, &options, passing);
        assert!(fine.is_ok(), "{}: {fine:?}", language.name);
        let untrusted: Options = vec![("preset", "untrusted".into()), ("limits", limits("time_per_call_ms", 60_000))];
        let error = run(&World::new(), language, &untrusted, filling).expect_err("more than the preset allows");
        let message = "context 'plug' may have 64 MiB of memory at most: `preset = \"untrusted\"` in its [[context]] \
                       says so, as there is no `limits.memory`";
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
    }
}

/// The error can be caught, and memory that is given up then can be used again.
#[test]
fn a_context_goes_on_below_its_limit_of_memory() {
    let options: Options = vec![("limits", limits("memory", 16 << 20))];
    for (name, script) in [
        (
            "lua",
            "local all = {}\nlocal ok, e = pcall(function() while true do all[#all + 1] = ('x'):rep(20000) .. #all end end)\n\
             assert(not ok and e.code == 'limit', e)\nall = nil\nlocal s = ('x'):rep(1 << 20)\nprint(#s)",
        ),
        (
            "javascript",
            "let all = []; try { for (;;) all.push(new Array(1000).fill(1)) } catch { all = null }\n\
             console.log(new Array(1 << 18).fill(1).length * 4)",
        ),
        (
            "squirrel",
            "local all = [], code = null; try { while (true) all.append(array(1000, 1)) } catch (e) { code = e.code }\n\
             all = null; print(code == \"limit\" ? array(1 << 19, 1).len() * 2 + \"\\n\" : code)",
        ),
        (
            "basic",
            "DEF fill()\nVAR all = LIST()\nWHILE TRUE\nDIM a(1000)\nPUSH(all, a)\nWEND\nENDDEF\n\
             TRY\nfill()\nCATCH e\ncode = e.code\nENDTRY\n\
             IF code = \"limit\" THEN\nDIM b(524288)\nPRINT LEN(b) * 2;\nENDIF",
        ),
    ] {
        let world = World::new();
        let fine = run(&world, language(name), &options, script);
        assert!(fine.is_ok(), "{name}: {fine:?}");
        assert_eq!(world.output.text(), "1048576\n", "{name}");
    }
}

/// Whatever it catches: in JavaScript, what is caught inside of the interpreter nobody else hears of.
#[test]
fn a_context_may_end_where_memory_does() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let (filling, _) = filling(language);
        let script = match language.name {
            "lua" => format!("pcall(function() {filling} end)\nwhile true do end"),
            "squirrel" => format!("try {{ {filling} }} catch (e) {{}}\nwhile (true) {{}}"),
            "basic" => format!("TRY\n{filling}\nCATCH e\nENDTRY\nWHILE TRUE\nWEND"),
            _ => filling.to_owned(),
        };
        let options: Options = vec![("limits", limits("memory", 16 << 20)), ("on_limit", "close".into())];
        let open = open_as(&scene.world, &format!("plug.{}", language.extension), &options);
        scene.world.write(&format!("plug.{}", language.extension), &script);
        let plug = scene.world.runtime.open(open).expect("a context");
        assert!(scene.world.runtime.wait_for(&plug).is_err(), "{}", scene.what);
        scene.world.wait_until("its end", || scene.world.runtime.context("plug").is_none());
        let other = scene.actor("other", language, None);
        scene.settle(&other);
    }
}

/// The most that this process has had, in bytes.
fn most_ever() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("what Linux tells of a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") << 10
}

/// One operation that would take a gibibyte or more is refused before it has it, and what it says can be
/// caught where it was called.
#[test]
fn one_operation_does_not_go_far_beyond_the_memory() {
    let options: Options = vec![("limits", limits("memory", 64 << 20))];
    let message = "context 'plug' may have 64 MiB of memory at most: `limits.memory` in its [[context]] says so";
    for (name, operation) in [
        ("lua", "string.rep('x', 1 << 30)"),
        ("lua", "('x'):rep(1 << 20, ('y'):rep(1 << 10))"),
        ("lua", "(('x'):rep(1 << 20):gsub('x', ('y'):rep(1 << 10)))"),
        (
            "lua",
            "table.concat(setmetatable({}, { __index = function() return s end, __len = function() return 64 end }))",
        ),
        ("lua", "s .. s .. s .. s .. s .. s .. s .. s"),
        ("lua", "string.format('%s%s%s%s%s%s%s%s', s, s, s, s, s, s, s, s)"),
        ("lua", "table.pack(table.unpack({}, 1, 900000), table.unpack({}, 1, 900000)), (s .. s .. s .. s)"),
        ("lua", "coroutine.wrap(function() return string.rep('x', 1 << 30) end)()"),
        ("lua", "tostring(setmetatable({}, { __tostring = function() return string.rep('x', 1 << 30) end }))"),
        ("lua", "print(setmetatable({}, { __tostring = function() return string.rep('x', 1 << 30) end }))"),
        ("lua", "assert(load(function() return string.rep('x', 1 << 30) end))"),
        ("javascript", "'x'.repeat(1 << 30 - 1).replaceAll('x', 'yyyy').length"),
        ("javascript", "new Uint8Array(1 << 30)"),
        ("squirrel", "array(1 << 28, 1)"),
        ("squirrel", "blob(1 << 30)"),
        ("basic", "huge(1 << 27)"),
        ("basic", "TO_ARRAY(LIST(1 TO 200000000))"),
        ("basic", "SORT(LIST(1 TO 200000000))"),
    ] {
        let language = language(name);
        let script = match name {
            "lua" => format!("local s = ('x'):rep(1 << 24)\nreturn {operation}"),
            "javascript" => format!("globalThis.kept = {operation}"),
            "squirrel" => format!("return {operation}"),
            _ if operation.starts_with("huge") => "DIM a(134217728)".to_owned(),
            _ => format!("a = {operation}"),
        };
        let error = run(&World::new(), language, &options, &script).expect_err(operation);
        assert_eq!(error.code(), Code::Limit, "{name}: {operation}: {error:?}");
        assert!(error.message().ends_with(message) || name != "lua", "{name}: {operation}: {error}");
        if name == "lua" {
            let caught = format!(
                "local s = ('x'):rep(1 << 24)\nlocal ok, e = pcall(function() return {operation} end)\n\
                 assert(not ok and e.code == 'limit', e)\n\
                 ok, e = xpcall(function() return {operation} end, function(e) return e end)\n\
                 assert(not ok and e.code == 'limit', e)\nreturn 1"
            );
            assert_eq!(run(&World::new(), language, &options, &caught), Ok(1.into()), "{operation}");
        }
    }
    // Other tests of this process have their share.
    assert!(most_ever() < 900 << 20, "{} MiB", most_ever() >> 20);
}

/// A script that exports `put`, which puts what it is given into the queue "jobs", and `try_put`.
fn putting(language: &Language) -> &'static str {
    match language.name {
        "lua" => {
            "local q = sync.Queue('jobs', 5)\n\
             return { put = function(x) q.put(x) end, try_put = function(x) return q.try_put(x) end }"
        }
        "javascript" => {
            "const q = sync.Queue('jobs', 5)\nexport async function put(x) { await q.put(x) }\n\
             export function try_put(x) { return q.try_put(x) }"
        }
        "squirrel" => {
            "local q = sync.Queue(\"jobs\", 5)\n\
             return { put = function(x) { q.put(x) }, try_put = function(x) { return q.try_put(x) } }"
        }
        _ => {
            "q = sync.Queue(\"jobs\", 5)\nDEF put(x)\nq.put(x)\nENDDEF\nDEF try_put(x)\nRETURN q.try_put(x)\nENDDEF\n\
             calog.export(\"put\", put)\ncalog.export(\"try_put\", try_put)"
        }
    }
}

const OF_ITEMS: &str =
    "context 'plug' may have 3 items in queues at most: `limits.queue_items` in its [[context]] says so";

#[test]
fn items_in_queues_are_limited_for_who_puts_them() {
    for language in &LANGUAGES {
        let world = World::new();
        let options: Options = vec![("limits", limits("queue_items", 3))];
        let plug = open_script(&world, language, &options, putting(language));
        let taker = world.open(
            "taker.lua",
            "local q = sync.Queue('jobs')\nreturn { get = function() return q.get() end, put = function(x) q.put(x) end }",
        );
        let too_many = |call: &str| {
            let error = world.try_call(&plug, call, &[9.into()]).expect_err("one too many");
            assert_eq!((error.code(), &*error.message()), (Code::Limit, OF_ITEMS), "{}: {call}", language.name);
        };
        for item in 1..=3 {
            world.try_call(&plug, "put", &[item.into()]).expect("so many it may");
        }
        too_many("put");
        too_many("try_put");
        // Others' items are theirs.
        world.try_call(&taker, "put", &[4.into()]).expect("nobody limits it");
        for item in 1..=2 {
            assert_eq!(world.try_call(&taker, "get", &[]), Ok(item.into()), "{}", language.name);
        }
        assert_eq!(world.try_call(&plug, "try_put", &[5.into()]), Ok(true.into()), "{}", language.name);
        // Of what waits for room, the same holds.
        for _ in 0..2 {
            world.try_call(&taker, "put", &[6.into()]).expect("room");
        }
        let waits = world.ask(&plug, "put", &[7.into()]);
        world.wait_until("the limit", || {
            world.try_call(&plug, "try_put", &[8.into()]).is_err_and(|error| error.code() == Code::Limit)
        });
        for item in [3, 4, 5, 6, 6, 7] {
            assert_eq!(world.try_call(&taker, "get", &[]), Ok(item.into()), "{}", language.name);
        }
        assert!(world.answer(&waits).is_ok(), "{}", language.name);
        for item in 1..=3 {
            world.try_call(&plug, "put", &[item.into()]).expect("nothing of it lies there any more");
        }
        too_many("put");
    }
}

/// A script that exports `listen`, which opens a listener and keeps it; `accept` and `close`, of the last; and
/// `connect`, to a port.
fn opening(language: &Language) -> &'static str {
    match language.name {
        "lua" => {
            "local all, last = {}\n\
             local function keep(socket) all[#all + 1] = socket return socket end\n\
             return { listen = function() last = keep(net.listen('127.0.0.1', 0)) return last.address().port end,\n\
             accept = function() keep(last.accept()) end, close = function() table.remove(all).close() end,\n\
             connect = function(port) keep(net.connect('127.0.0.1', port)) end }"
        }
        "javascript" => {
            "const all = []; let last\n\
             const keep = (socket) => { all.push(socket); return socket }\n\
             export async function listen() { last = keep(await net.listen('127.0.0.1', 0)); return last.address().port }\n\
             export async function accept() { keep(await last.accept()) }\n\
             export function close() { all.pop().close() }\n\
             export async function connect(port) { keep(await net.connect('127.0.0.1', port)) }"
        }
        "squirrel" => {
            "local all = [], last = null\n\
             local function keep(socket) { all.append(socket); return socket }\n\
             return { listen = function() { last = keep(net.listen(\"127.0.0.1\", 0)); return last.address().port },\n\
             accept = function() { keep(last.accept()) }, close = function() { all.pop().close() },\n\
             connect = function(port) { keep(net.connect(\"127.0.0.1\", port)) } }"
        }
        _ => {
            "all = LIST()\nlast = NIL\n\
             DEF listen()\nlast = net.listen(\"127.0.0.1\", 0)\nPUSH(all, last)\na = last.address()\nRETURN a.port\nENDDEF\n\
             DEF accept()\nPUSH(all, last.accept())\nENDDEF\nDEF close()\ns = POP(all)\ns.close()\nENDDEF\n\
             DEF connect(port)\nPUSH(all, net.connect(\"127.0.0.1\", port))\nENDDEF\n\
             calog.export(\"listen\", listen)\ncalog.export(\"accept\", accept)\ncalog.export(\"close\", close)\n\
             calog.export(\"connect\", connect)"
        }
    }
}

const OF_SOCKETS: &str = "context 'plug' may have 3 sockets at most: `limits.sockets` in its [[context]] says so";

#[test]
fn sockets_are_limited_as_long_as_they_are_open() {
    for language in &LANGUAGES {
        let world = World::new();
        let plug = open_script(&world, language, &vec![("limits", limits("sockets", 3))], opening(language));
        let trusted = world.open("trusted.lua", opening(&LANGUAGES[0]));
        let call = |name: &str, args: &[Value]| world.try_call(&plug, name, args);
        let too_many = |name: &str, args: &[Value]| {
            let error = call(name, args).expect_err("one too many");
            assert_eq!((error.code(), &*error.message()), (Code::Limit, OF_SOCKETS), "{}: {name}", language.name);
        };
        let theirs = world.try_call(&trusted, "listen", &[]).expect("a port");
        let port = call("listen", &[]).expect("one");
        // One that comes to nothing counts no more.
        for _ in 0..5 {
            let error = call("connect", &[1.into()]).expect_err("nobody listens there");
            assert_eq!(error.code(), Code::Io, "{}: {error}", language.name);
        }
        call("connect", &[theirs.clone()]).expect("two");
        let accepts = world.ask(&plug, "accept", &[]);
        // Who waits for a connection has it already.
        world.wait_until("the third", || call("connect", &[theirs.clone()]).is_err_and(|it| it.code() == Code::Limit));
        world.try_call(&trusted, "connect", &[port]).expect("a connection");
        assert!(world.answer(&accepts).is_ok(), "{}", language.name);
        for (name, args) in [("listen", vec![]), ("connect", vec![theirs.clone()]), ("accept", vec![])] {
            too_many(name, &args);
        }
        call("close", &[]).expect("the one that was accepted");
        // Once is enough: a condition may be looked at again.
        let connected = Cell::new(false);
        world.wait_until("room", || {
            connected.set(connected.get() || call("connect", &[theirs.clone()]).is_ok());
            connected.get()
        });
        too_many("listen", &[]);
        assert!(world.try_call(&trusted, "listen", &[]).is_ok(), "{}: others do not notice", language.name);
    }
}

/// What comes to a callback waits outside, as long as there may be no more.
#[test]
fn connections_for_a_callback_wait_until_there_may_be_more() {
    let world = World::new();
    let script = "local all = {}\nlocal l = net.listen('127.0.0.1', 0)\nl.on_connection(function(c) all[#all + 1] = c end)\n\
                  return { port = l.address().port, count = function() return #all end,\n\
                  close = function() table.remove(all).close() end }";
    let plug = open_script(&world, language("lua"), &vec![("limits", limits("sockets", 3))], script);
    let trusted = world.open("trusted.lua", opening(&LANGUAGES[0]));
    let port = plug.export("port").expect("its port");
    for _ in 0..4 {
        world.try_call(&trusted, "connect", &[port.clone()]).expect("the system takes it");
    }
    world.wait_until("two", || world.try_call(&plug, "count", &[]) == Ok(2.into()));
    world.try_call(&plug, "close", &[]).expect("one less");
    world.wait_until("the third", || world.try_call(&plug, "count", &[]) == Ok(2.into()));
    world.try_call(&plug, "close", &[]).expect("one less");
    world.wait_until("the fourth", || world.try_call(&plug, "count", &[]) == Ok(2.into()));
    assert!(world.errors().is_empty(), "{:?}", world.errors());
}

/// A bundle of anybody's counts what it has under its own key.
#[test]
fn bundles_have_limits_of_their_own() {
    use std::sync::{Arc, Mutex};

    use calog_plugin_api::{Bundle, CallInfo, Counted};

    for language in &LANGUAGES {
        let open: Arc<Mutex<Vec<Counted>>> = Arc::default();
        let held = Arc::clone(&open);
        let db = move || {
            let (opened, closed) = (Arc::clone(&held), Arc::clone(&held));
            Bundle::new("db")
                .function("open", move |info: &CallInfo| -> Result<()> {
                    opened.lock().expect("no panic").push(info.count("db.connections", 1)?);
                    Ok(())
                })
                .function("close", move || drop(closed.lock().expect("no panic").pop()))
        };
        let world = World::with(|builder| builder.bundle("db", db));
        let own = Value::map([("connections", 2)]).expect("a map");
        let options: Options = vec![("limits", limits("db", own))];
        let line = |call: &str| match language.name {
            "basic" => format!("{call}\n"),
            _ => format!("{call};\n"),
        };
        let few = line("db.open()").repeat(2) + &line("db.close()") + &line("db.open()");
        run(&world, language, &options, &few).expect("two at a time");
        open.lock().expect("no panic").clear();
        let error = run(&world, language, &options, &line("db.open()").repeat(3)).expect_err("three");
        let message = "context 'plug' may have 2 db.connections at most: \
                       `limits.db.connections` in its [[context]] says so";
        assert_eq!((error.code(), &*error.message()), (Code::Limit, message), "{}", language.name);
        assert_eq!(open.lock().expect("no panic").len(), 2, "{}", language.name);
        run(&world, language, &Vec::new(), &line("db.open()").repeat(5)).expect("nobody limits it");
    }
}
