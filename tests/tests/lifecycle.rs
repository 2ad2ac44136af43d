//! The lifecycle of providers through a bundle that is a plugin, and through the command: sections of
//! `calog.toml`, failures, restarts, reloads, checks, the end by signals.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calog::providers::Failures;
use calog::{Configuration, Value};
use calog_tests::{Calog, Folder, Ran, Running, World, build_standalone};
use nix::sys::signal::Signal;

/// A program folder with the wicked plugin in a folder of its own.
struct Program {
    folder: Folder,
    plugins: Folder,
}

/// The section that orders what the bundle does, and contexts of these scripts.
fn manifest(section: &str, contexts: &[&str]) -> String {
    let contexts: String = contexts.iter().map(|script| format!("[[context]]\nscript = '{script}'\n")).collect();
    format!("[natives.wicked]\n{section}\n{contexts}")
}

impl Program {
    fn new(section: &str, scripts: &[(&str, &str)]) -> Program {
        let names: Vec<&str> = scripts.iter().map(|(name, _)| *name).collect();
        let program = Program { folder: Folder::new(), plugins: Folder::new() };
        program.plugins.copy(&build_standalone("wicked"));
        program.write(&manifest(section, &names));
        scripts.iter().for_each(|(name, text)| drop(program.folder.write(name, text)));
        program
    }

    fn write(&self, manifest: &str) {
        self.folder.write("calog.toml", manifest);
    }

    fn command(&self, args: &[&str]) -> Calog {
        let plugins = self.plugins.path().display().to_string();
        let args: Vec<&str> = args.iter().copied().chain(["--plugins", &plugins, "--log", "info"]).collect();
        Calog::new(args).within(self.folder.path()).env("XDG_RUNTIME_DIR", self.plugins.path())
    }

    fn run(&self) -> Ran {
        self.command(&["run", "."]).run()
    }

    /// Runs it until it has printed that it is ready.
    fn start(&self) -> Running {
        let mut running = self.command(&["run", "."]).start();
        running.wait_for_line("ready");
        running
    }

    fn reload(&self) -> Ran {
        self.command(&["reload"]).run()
    }
}

/// A script that runs until it is ended.
const ENDLESS: &str = "print('ready') while true do end";

#[test]
fn sections_are_validated_all_at_once_and_each_complaint_names_key_and_line() {
    let program = Program::new("validate = 'fail'", &[("main.lua", "print('ran')")]);
    let mut text = fs::read_to_string(program.folder.join("calog.toml")).unwrap();
    text.push_str("\n[natives.sync]\nmax_names = 0\n\n[natives.task]\n  grace = 3\n[engines.lua]\nmemory = 1\n");
    program.write(&text);
    for command in [&["run", "."][..], &["check", "."]] {
        let ran = program.command(command).run().ended_with(2).said(&[
            "error: provider 'wicked' failed during validate: ./calog.toml:2:1: wicked: as ordered\n",
            "error: provider 'sync' failed during validate: ./calog.toml:7:1: 'max_names' is 0, wanted an integer from 1\n",
            "error: provider 'task' failed during validate: ./calog.toml:10:3: unknown key 'grace'; known here: grace_ms\n",
            "error: provider 'engines.lua' failed during validate: ./calog.toml:12:1: unknown key 'memory'; nothing can \
             be set here\n",
        ]);
        assert_eq!(ran.out, "", "nothing runs");
    }
}

#[test]
fn a_boot_that_fails_ends_with_one_and_what_had_booted_is_shut_down() {
    let program = Program::new("boot = 'fail'", &[("main.lua", "print('ran')")]);
    let ran =
        program.run().ended_with(1).said(&["error[io]: provider 'wicked' failed during boot: wicked: as ordered"]);
    assert_eq!(ran.out, "");
    assert!(!ran.err.contains("the shutdown hook"), "it had not booted: {}", ran.err);
}

#[test]
fn a_bundle_that_fails_ends_the_program_unless_it_asks_for_otherwise() {
    let fatal = ["error[io]: runnable 'wicked' failed: wicked: as ordered", "wicked: the shutdown hook"];
    for (section, code, says) in [
        ("run = 'fail'", 1, &fatal[..]),
        ("run = 'panic'", 1, &["error[panic]: runnable 'wicked' failed: panicked: wicked: as ordered"]),
        ("run = 'fail'\nrestart = 'on_failure'\nat_most = '0'", 1, &fatal),
        ("run = 'fail'\nrestart = 'on_failure'\nat_most = '2'", 1, &fatal),
    ] {
        let ran = Program::new(section, &[("main.lua", "while true do end")]).run().ended_with(code).said(says);
        let again = ran.err.matches("provider 'wicked' is started again: runnable 'wicked' failed").count();
        let wanted = if section.contains("at_most = '2'") { 2 } else { 0 };
        assert_eq!(again, wanted, "{section}: {}", ran.err);
    }
    // Until it has run, the script waits; then it says so.
    let waits = "repeat until wicked.entered('run') >= 1 print('on')";
    for (section, says) in [
        ("run = 'fail'\nrecoverable = 'yes'", "runnable 'wicked' failed (recoverable): wicked: as ordered"),
        ("run = 'panic'\nrecoverable = 'yes'", "runnable 'wicked' failed (recoverable): panicked: wicked: as ordered"),
    ] {
        let ran = Program::new(section, &[("main.lua", waits)]).run();
        // Whoever is asked to end while it fails has ended.
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), "on\n"), "{section}: {}", ran.err);
        assert!(ran.err.contains(says) || ran.err.contains("runnable 'wicked' failed: "), "{section}: {}", ran.err);
    }
    let twice = "repeat until wicked.entered('run') >= 2 print('again')";
    let program = Program::new("run = 'once'\nrestart = 'on_failure'", &[("main.lua", twice)]);
    let ran = program.run().ended_with(0).said(&["provider 'wicked' is started again"]);
    assert_eq!(ran.out, "again\n");
}

#[test]
fn one_that_is_disabled_does_not_run_and_its_natives_are_there() {
    let script = "print(wicked.entered('run'))";
    let ran = Program::new("run = 'fail'\ndisabled = 'yes'", &[("main.lua", script)]).run().ended_with(0);
    assert_eq!(ran.out, "0\n");
}

#[test]
fn plugins_that_wait_for_each_other_are_told_so() {
    let ran = Program::new("after = 'sync'\nbefore = 'sync'", &[("main.lua", "")]).run().ended_with(1);
    ran.said(&["providers wait for each other: 'sync' after 'wicked' after 'sync'"]);
}

/// Has a world's runtime take over one setting of a bundle.
fn set(world: &World, bundle: &str, key: &str, value: i64) -> Result<(), String> {
    let section = Value::map([(key, value)]).unwrap();
    let reloaded = world.runtime.reloader().reload(Configuration::default().bundle(bundle, section));
    let reloaded = reloaded.map_err(|failures: Failures| failures.to_string())?;
    assert!(reloaded.failures.is_empty(), "{:?}", reloaded.failures);
    Ok(())
}

#[test]
fn sync_bounds_its_names_as_it_is_told_also_while_it_runs() {
    let two = Value::map([("max_names", 2)]).unwrap();
    let world = World::with(|builder| builder.bundle_config("sync", two));
    let names = world.open("names.lua", "return { make = function(kind, name) sync[kind](name) return name end }");
    let make = |kind: &str, name: &str| world.call(&names, "make", &[kind.into(), name.into()]);
    for kind in ["Atomic", "Shared", "WaitGroup", "Queue"] {
        assert_eq!([make(kind, "a"), make(kind, "b")], [Ok("a".into()), Ok("b".into())], "{kind}");
        let error = make(kind, "c").unwrap_err();
        assert_eq!(error.code(), calog::Code::Limit, "{kind}");
        assert!(error.message().contains("there are 2 names of this kind already"), "{error}");
        assert_eq!(make(kind, "a"), Ok("a".into()), "one that is there is there");
    }
    set(&world, "sync", "max_names", 3).unwrap();
    assert_eq!(make("Queue", "c"), Ok("c".into()));
    set(&world, "sync", "max_names", 1).unwrap();
    assert_eq!(make("Queue", "c"), Ok("c".into()), "what is there stays, also beyond the bound");
    assert_eq!(make("Queue", "d").unwrap_err().code(), calog::Code::Limit);
    let refused = set(&world, "sync", "max_names", 0).unwrap_err();
    assert_eq!(refused, "provider 'sync' failed during validate: 'max_names' is 0, wanted an integer from 1");
}

#[test]
fn task_takes_its_grace_over_while_it_runs() {
    let none = Value::map([("grace_ms", 0)]).unwrap();
    let world = World::with(|builder| builder.bundle_config("task", none));
    let cleans = world.open(
        "cleans.lua",
        "return { cleaned = function()
           local cleaned = false
           pcall(task.with_timeout, 1, function(s)
             s:spawn(function() pcall(task.sleep, 3600000) cleaned = true end)
           end)
           return cleaned
         end }",
    );
    let cleaned = || world.call(&cleans, "cleaned", &[]).unwrap();
    assert_eq!(cleaned(), Value::Bool(false), "without a grace it is aborted at once");
    set(&world, "task", "grace_ms", 3_600_000).unwrap();
    assert_eq!(cleaned(), Value::Bool(true));
    assert!(set(&world, "task", "grace_ms", -1).unwrap_err().ends_with("'grace_ms' is -1, wanted an integer from 0"));
    assert_eq!(cleaned(), Value::Bool(true), "what is refused changes nothing");
}

#[test]
fn a_program_is_reloaded_by_command_and_by_signal() {
    let script = "print('ready')
                  for i = 1, 2 do repeat until wicked.entered('reload') >= i print('reloaded', i) end
                  while true do end";
    let program = Program::new("reload = 'fine'", &[("main.lua", script)]);
    let mut running = program.start();

    // The socket is the user's alone.
    let folder = program.plugins.join("calog");
    let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let sockets: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((mode(&folder), sockets.len(), mode(&sockets[0])), (0o700, 1, 0o600));

    let ran = program.reload().ended_with(0);
    assert_eq!(ran.out, "sync is reloaded\ntask is reloaded\nnet is reloaded\nwicked is reloaded\n");
    running.wait_for_line("reloaded\t1");
    running.signal(Signal::SIGHUP);
    running.wait_for_line("reloaded\t2");
    running.signal(Signal::SIGTERM);
    running.end().ended_with(143);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "the socket goes with the program");
}

#[test]
fn a_wrong_manifest_changes_nothing_and_is_told() {
    let script = "print('ready')
                  repeat until pcall(sync.Atomic, 'b') print('two')
                  while true do end";
    let first = manifest("reload = 'fine'", &["main.lua"]);
    let program = Program::new("reload = 'fine'", &[("main.lua", script)]);
    let limited = |max: &str| format!("{first}[natives.sync]\nmax_names = {max}\n");
    program.write(&limited("1"));
    // One name is there, so that there may be no other.
    program.folder.write("main.lua", script.replacen("print('ready')", "sync.Atomic('a') print('ready')", 1));
    let mut running = program.start();
    for (text, says) in [
        (limited("'many'"), "error: provider 'sync' failed during validate: ./calog.toml:6:1: 'max_names' is \"many\""),
        (
            format!("{}nmae = 1", limited("2")),
            "error: provider 'sync' failed during validate: ./calog.toml:7:1: unknown key 'nmae'",
        ),
        ("[[context]\n".to_owned(), "error: ./calog.toml:1:"),
        (format!("nmae = 1\nplugin = []\n{first}"), "./calog.toml:2:1: unknown key 'plugin', did you mean 'plugins'?"),
    ] {
        program.write(&text);
        let ran = program.reload().ended_with(2).said(&[says]);
        assert_eq!(ran.out, "");
    }
    // What is wrong with one bundle keeps it from all: this one would have been fine.
    program.write(&limited("2"));
    program.reload().ended_with(0);
    running.wait_for_line("two");
    running.signal(Signal::SIGINT);
    let ran = running.end().ended_with(130);
    assert_eq!(ran.err.matches("calog.toml is not taken over").count(), 4, "{}", ran.err);
}

#[test]
fn what_fails_to_reload_is_told_and_the_others_are_reloaded() {
    let program = Program::new("", &[("main.lua", ENDLESS)]);
    let running = program.start();
    program.write(&manifest("reload = 'fail'", &["main.lua"]));
    let ran = program.reload().ended_with(1);
    ran.said(&["error: reload of 'wicked' failed: wicked: as ordered\n", "sync is reloaded\n", "task is reloaded\n"]);
    // Contexts are not opened by it, and it says so.
    program.write(&manifest("", &["main.lua", "more.lua"]));
    let ran = program.reload().ended_with(0);
    assert!(
        ran.out.ends_with("contexts, plugins and the order of engines are read only once: start the program again\n")
    );
    running.signal(Signal::SIGTERM);
    running.end().ended_with(143);
}

#[test]
fn a_reload_needs_to_know_which_program() {
    let program = Program::new("", &[("main.lua", ENDLESS)]);
    program.reload().ended_with(2).said(&["error: no program runs that could be asked", "calog"]);
    let (one, other) = (program.start(), program.start());
    program.reload().ended_with(2).said(&["error: several programs run: name one of "]);
    for running in [&one, &other] {
        let pid = running.pid().to_string();
        program.command(&["reload", &pid]).run().ended_with(0);
    }
    one.signal(Signal::SIGKILL);
    one.end();
    // The file that it has left stands for nobody.
    program.reload().ended_with(0);
    other.signal(Signal::SIGTERM);
    other.end().ended_with(143);
}

#[test]
fn a_folder_that_others_may_write_to_gets_no_socket() {
    let program = Program::new("", &[("main.lua", ENDLESS)]);
    let folder = program.plugins.join("calog");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let running = program.start();
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    running.signal(Signal::SIGTERM);
    running.end().ended_with(143).said(&["there is no control socket: ", "is not a folder for this user alone"]);
}

#[test]
fn sigterm_lets_contexts_go_on_until_what_runs_has_ended() {
    // The bundle ends only when the script has woken it, and the script wakes it only once it is asked to end.
    let script =
        "print('ready') repeat until wicked.entered('stop') > 0 print('draining') wicked.wake() while true do end";
    let program = Program::new("run = 'wake'", &[("main.lua", script)]);
    let running = program.start();
    running.signal(Signal::SIGTERM);
    let ran = running.end().ended_with(143).said(&["wicked: the shutdown hook"]);
    assert_eq!(ran.out, "ready\ndraining\n");
    assert!(!ran.err.contains("did not end"), "{}", ran.err);
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let script = "print('ready') repeat until wicked.entered('stop') > 0 print('draining') while true do end";
    let program = Program::new("run = 'never'", &[("main.lua", script)]);
    let mut running = program.start();
    running.signal(Signal::SIGTERM);
    running.wait_for_line("draining");
    running.signal(Signal::SIGTERM);
    let ran = running.end().ended_with(143);
    assert!(!ran.err.contains("the shutdown hook"), "nothing is done in order any more: {}", ran.err);
}

#[test]
fn what_does_not_end_is_named_and_left() {
    let program = Program::new("run = 'never'", &[("main.lua", "print('ready')")]);
    let ran = program.run().ended_with(0);
    ran.said(&["the run hook of bundle 'wicked' did not end within 5 s and is left", "wicked: the shutdown hook"]);
}

#[test]
fn a_context_that_fails_is_started_again_as_calog_toml_says() {
    let script = "local starts = sync.Atomic('starts').add(1)
                  if starts < 3 then error('not yet') end
                  print('up', starts, calog.self().name)
                  return { starts = function() return starts end }";
    let asks = "local ok repeat ok = pcall(function() print('asked', calog.import('service').starts()) end) until ok";
    let folder = Folder::with([("service.lua", script), ("asks.lua", asks)]);
    let run = |restart: &str, scripts: &str| {
        folder.write("calog.toml", format!("[[context]]\nscript = 'service.lua'\nrestart = {restart}\n{scripts}"));
        Calog::new(["run", "."]).within(folder.path()).run()
    };
    let hours = |when: &str, at_most: u32| format!("{{ when = '{when}', at_most = {at_most}, within_s = 3600 }}");
    for when in ["on_failure", "always"] {
        let ran = run(&hours(when, 2), "[[context]]\nscript = 'asks.lua'\n").ended_with(0);
        assert_eq!(ran.err.matches("context 'service' is started again: script: ").count(), 2, "{}", ran.err);
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["asked\t3", "up\t3\tservice"]);
    }
    let ran = run(&hours("on_failure", 1), "").ended_with(1);
    ran.said(&["error[script]: context 'service' is given up after 1 restarts within 3600 s: ", "not yet"]);
    let ran = run("'never'", "").ended_with(1).said(&["error[script]: ", "not yet"]);
    assert!(!ran.err.contains("started again"));
    run("{ when = 'often' }", "")
        .ended_with(2)
        .said(&["calog.toml:3:20: 'context.restart.when' is the string \"often\""]);
    run("{ at_most = 1 }", "").ended_with(2).said(&["the key 'when' is missing"]);
    run("{ when = 'never', most = 1 }", "")
        .ended_with(2)
        .said(&["calog.toml:3:29: unknown key 'context.restart.most'; known here are: when, at_most, within_s"]);
}

#[test]
fn a_check_finds_what_is_wrong_and_runs_nothing() {
    let folder = Folder::with([
        ("fine/calog.toml", "[[context]]\nscript = 'main.lua'\n[natives.task]\ngrace_ms = 5\n"),
        ("fine/main.lua", "print('ran') calog.exit(9)"),
        ("fine/more/helper.js", "import { x } from '../main.lua'; console.log('ran', x)"),
        ("fine/more/class.nut", "class Point { x = 0 }"),
        ("fine/old.bas", "PRINT \"ran\""),
        ("fine/notes.txt", "no script"),
        ("broken/a.lua", "local x = 1\nlocal = 2\n"),
        ("broken/b.js", "let x = 1\nlet y = = 2\n"),
        ("broken/sub/c.nut", "local x = 1\nlocal = 2\n"),
        ("broken/d.bas", "PRINT 1\n\nPRINT ("),
        ("broken/fine.lua", "print('ran')"),
        (
            "wrong/calog.toml",
            "nmae = 'x'\n[[context]]\nscript = 'gone.lua'\nthred = 'ui'\n[natives.task]\ngrace_ms = -1\n",
        ),
        ("absent/calog.toml", "[[context]]\nscript = 'gone.lua'\n[natives.tsak]\na = 1\n[engines.zig]\nb = 2\n"),
        ("strange/main.zig", ""),
        ("plugged/calog.toml", "plugins = ['.']\n"),
        ("plugged/main.lua", "print('ran')"),
        ("plugged/libbad.so", "no library"),
    ]);
    let check = |path: &str| Calog::new(["check", path]).within(folder.path()).run();
    check("fine").printed("4 scripts are fine\n");
    check("fine/main.lua").printed("1 script is fine\n");
    for (path, code, says) in [
        ("broken", 1, &["broken/a.lua:2", "broken/b.js:2", "broken/sub/c.nut:2", "broken/d.bas:3"][..]),
        (
            "wrong",
            2,
            &["wrong/calog.toml:1:1: unknown key 'nmae'", "wrong/calog.toml:4:1: unknown key 'context.thred'"],
        ),
        (
            "absent",
            2,
            &[
                "absent/gone.lua: there is no such script",
                "absent/calog.toml:3:1: [natives.tsak]: there is no bundle 'tsak', did you mean 'task'?",
                "absent/calog.toml:5:1: [engines.zig]: there is no engine 'zig'",
            ],
        ),
        ("strange", 3, &["no engine for .zig"]),
        ("plugged", 2, &["plugged/./libbad.so: it is no shared library"]),
        ("nowhere", 2, &["nowhere: there is no such file or folder"]),
    ] {
        let ran = check(path).ended_with(code).said(says);
        assert_eq!(ran.out, "", "{path}");
    }
    // Several at once: all of them are told.
    let ran = Calog::new(["check", "broken", "wrong", "nowhere"]).within(folder.path()).run().ended_with(2);
    ran.said(&["broken/a.lua:2", "wrong/calog.toml:1:1", "nowhere: "]);
    Calog::new(["check"]).run().ended_with(2).said(&["<PATH>..."]);
}
