//! The making and the end of engines and bundles, and each step of a bundle's life.

use std::time::Duration;

use calog::plugin_api::prelude::*;
use calog::{CLOSE_LIMIT, Lost, Open, Runtime};
use calog_tests::{Calog, Folder, World};

use crate::stage::{Row, Stage, check, in_time, map, row, said, wicked_folder, with_wicked};

/// Opens a wicked context twice; says what came of it.
fn opens_twice(stage: &Stage) -> String {
    let open = || {
        let opened = stage.world.runtime.open(Open::file(stage.world.write("a.wkd", "fine")));
        opened.map_or_else(|error| said(&Err(error)), |_| "opened".into())
    };
    format!("{}; {}", open(), open())
}

#[test]
fn an_engine_that_cannot_be_made_is_an_error_of_those_who_want_it() {
    for (deed, says) in [
        ("panic", "panic: panicked: wicked: as ordered"),
        ("payload", "panic: panicked: without a message"),
        ("fail", "io: wicked: as ordered"),
    ] {
        let stage = Stage::new(Box::leak(Box::new([("new", deed)])), &[]);
        assert_eq!(opens_twice(&stage), format!("{says}; {says}"), "{deed}");
        let from_script = stage.world.runtime.evaluate(&stage.neighbour, "calog.open('a.wkd')");
        assert_eq!(said(&from_script), says, "{deed}");
        let sum = stage.world.try_call(&stage.neighbour, "sum", &[1.into(), 2.into()]);
        assert_eq!(sum, Ok(Value::Int(3)), "{deed}");
        assert_eq!(stage.close(true), [""; 0], "{deed}");
    }
}

#[test]
fn an_engine_that_is_never_made_holds_up_those_who_want_it_alone() {
    in_time("an engine that is never made", || {
        let config = map(&[("new", "never")]);
        let world = World::with(|builder| with_wicked(builder).engine_config("wicked", config));
        let script = world.write("a.wkd", "fine");
        let asks = world.open("asks.lua", "return { entered = wicked.entered }");
        world.start("wants.lua", &format!("calog.open([[{}]])", script.display()));
        let entered = || world.try_call(&asks, "entered", &["new".into()]);
        world.wait_until("its making", || entered() != Ok(Value::Int(0)));
        // One that was not made before.
        let other = world.open("other.js", "export const there = true");
        assert_eq!(other.export("there"), Some(Value::Bool(true)));
        assert!(world.runtime.close_context(&asks) && world.runtime.close_context(&other));
        let lost = world.runtime.close(Duration::from_millis(1)).lost;
        let lost: Vec<String> = lost.iter().map(Lost::to_string).collect();
        assert_eq!(lost, ["context 'wants' (lua) on thread 'wants'"]);
    });
}

/// An engine that is compiled into the program, and cannot be made.
struct Unmade;

impl Engine for Unmade {
    const NAME: &'static str = "unmade";
    const EXTENSIONS: &'static [&'static str] = &["unm"];
    type Context = Nobody;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Unmade> {
        panic!("as ordered")
    }

    fn open(&self, _host: Host, _options: &ContextOptions) -> Result<Nobody> {
        panic!("it was never made")
    }
}

struct Nobody;

impl Context for Nobody {
    fn load(&self, _source: Source<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }
    fn call(&self, _function: FunctionKey, _info: &CallInfo, _args: Args<'_>) -> Step {
        Step::Done(Ok(Value::Nil))
    }
    fn release(&self, _function: FunctionKey) {}
}

#[test]
fn what_is_compiled_in_may_panic_as_well() {
    let world = World::with(|builder| builder.engine::<Unmade>());
    let opened = world.runtime.open(Open::file(world.write("a.unm", "")));
    assert_eq!(said(&opened.map(|_| Value::Nil)), "panic: panicked: as ordered");
    let unmade = || -> Bundle { panic!("as ordered") };
    let built = Runtime::builder().bundle("unmade", unmade).build();
    assert_eq!(said(&built.map(|_| Value::Nil)), "panic: panicked: as ordered");
}

/// Opens a context, so that there is an engine to end.
fn opens(stage: &Stage) -> String {
    stage.ready_victim(&[]);
    String::new()
}

#[test]
fn what_ends_with_a_runtime_is_let_pass_or_named() {
    let with = |what: &str, engine: &'static [(&str, &str)], bundle: &'static [(&str, &str)]| -> Row {
        row(what, opens, "").engine(engine).bundle(bundle)
    };
    check(vec![
        with("the engine's drop panics", &[("end", "panic")], &[]),
        with("the engine's drop panics with a payload", &[("end", "payload")], &[]),
        with("the engine's drop never returns", &[("end", "never")], &[]).loses(["the drop of engine 'wicked'"]),
        with("the bundle's drop panics", &[], &[("end", "panic")]),
        with("the bundle's drop panics with a payload", &[], &[("end", "payload")]),
        with("the bundle's drop never returns", &[], &[("end", "never")]).loses(["the drop of bundle 'wicked'"]),
        with("run panics", &[], &[("run", "panic"), ("recoverable", "yes")]),
        with("run panics with a payload", &[], &[("run", "payload"), ("recoverable", "yes")]),
        with("run fails", &[], &[("run", "fail"), ("recoverable", "yes")]),
        with("run fails once", &[], &[("run", "once"), ("restart", "on_failure")]),
        with("what it asks for panics", &[], &[("lifecycle", "panic"), ("run", "stop")]),
        with("run never returns", &[], &[("run", "never")]).loses(["the run hook of bundle 'wicked'"]),
        with("what is told to stop panics", &[], &[("stop", "panic")]),
        with("what is told to stop never returns", &[], &[("stop", "never")])
            .loses(["the run hook of bundle 'wicked'"]),
        with("shutdown panics", &[], &[("shutdown", "panic")]),
        with("shutdown panics with a payload", &[], &[("shutdown", "payload")]),
        with("shutdown fails", &[], &[("shutdown", "fail")]),
        with("shutdown never returns", &[], &[("shutdown", "never")]).loses(["the shutdown hook of bundle 'wicked'"]),
    ]);
}

#[test]
fn hooks_that_do_not_let_a_runtime_be_built_are_named() {
    for (hook, deed, says) in [
        ("validate", "panic", "panic: provider 'wicked' failed during validate: panicked: wicked: as ordered"),
        ("validate", "payload", "panic: provider 'wicked' failed during validate: panicked: without a message"),
        ("validate", "fail", "io: provider 'wicked' failed during validate: wicked: as ordered"),
        ("boot", "panic", "panic: provider 'wicked' failed during boot: panicked: wicked: as ordered"),
        ("boot", "payload", "panic: provider 'wicked' failed during boot: panicked: without a message"),
        ("boot", "fail", "io: provider 'wicked' failed during boot: wicked: as ordered"),
    ] {
        let orders: &'static [(&str, &str)] = Box::leak(Box::new([(hook, deed)]));
        let built = with_wicked(Runtime::builder()).bundle_config("wicked", map(orders)).build();
        let error = built.err().unwrap_or_else(|| panic!("{hook} {deed}: it is built"));
        assert_eq!(format!("{}: {}", error.code(), error.message()), says);
    }
    // In this process others are built after it, and before.
    let world = World::with(with_wicked);
    assert_eq!(world.runtime.close(CLOSE_LIMIT).lost, Vec::<Lost>::new());
}

/// Runs a program beside a bundle whose making is ordered so.
fn runs_beside(order: &str) -> calog_tests::Ran {
    let folder = Folder::with([("main.lua", "calog.log('info', 'hello') print(wicked == nil)")]);
    let plugins = wicked_folder().path().display().to_string();
    let args = ["run", "main.lua", "--log", "warn", "--plugins", &plugins];
    Calog::new(args).within(folder.path()).env("WICKED_BUNDLE", order).run()
}

#[test]
fn a_bundle_that_cannot_be_made_is_left_out_with_its_reason() {
    for (order, reason) in [
        ("panic", "panicked: wicked: as ordered"),
        ("payload", "panicked: without a message"),
        ("fail", "wicked: as ordered"),
        ("usurp", "there is a native 'calog.log' already"),
        ("twice", "the bundle has two natives 'wicked.one'"),
    ] {
        let ran = runs_beside(order).ended_with(0);
        assert_eq!(ran.out, "true\n", "{order}");
        ran.said(&["the bundle 'wicked' is left out: ", reason]);
    }
}

#[test]
fn a_main_chunk_that_panics_fails_the_program() {
    let folder = Folder::with([("main.wkd", "panic"), ("open.lua", "calog.open('main.wkd')"), ("none.wkd", "fine")]);
    let plugins = wicked_folder().path().display().to_string();
    for script in ["main.wkd", "open.lua"] {
        let ran = Calog::new(["run", script, "--plugins", &plugins]).within(folder.path()).run();
        ran.ended_with(1).said(&["panicked: wicked: as ordered"]);
    }
    Calog::new(["run", "none.wkd", "--plugins", &plugins]).within(folder.path()).run().printed("");
}

#[test]
fn closing_is_over_in_time_whatever_is_lost() {
    in_time("closing", || {
        let stage = Stage::new(&[("end", "never")], &[("shutdown", "never"), ("run", "never")]);
        let victim = stage.ready_victim(&[("call", "never")]);
        let _asked = stage.world.ask(&victim, "obey", &["fine".into()]);
        stage.wait_for_entry("call");
        let lost: Vec<String> = stage.world.runtime.close(Duration::ZERO).lost.iter().map(Lost::to_string).collect();
        for wanted in [
            "context 'victim' (wicked) on thread 'victim'",
            "the run hook of bundle 'wicked'",
            "the shutdown hook of bundle 'wicked'",
            "the drop of engine 'wicked'",
        ] {
            assert!(lost.iter().any(|it| it == wanted), "{wanted} is not in {lost:?}");
        }
        // Again is nothing.
        assert_eq!(stage.world.runtime.close(CLOSE_LIMIT).lost, Vec::<Lost>::new());
    });
}
