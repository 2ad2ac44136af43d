//! The `calog` command, as a user runs it: what it prints, and the code it ends with.

use std::path::Path;

use calog_tests::{Calog, Folder, Ran, build_standalone, command};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Runs one script of a folder that is made for it.
fn run_script(name: &str, text: &str) -> Ran {
    let folder = Folder::with([(name, text)]);
    Calog::new(["run", name]).within(folder.path()).run()
}

#[test]
fn it_says_its_version_and_explains_itself() {
    let version = format!("calog {}\n", env!("CARGO_PKG_VERSION"));
    Calog::new(["--version"]).run().printed(&version);
    let help = Calog::new(["--help"]).run().ended_with(0).out;
    for part in ["run", "plugins", "eval", "--plugins <DIR>", "--log <FILTER>", "CALOG_LOG", "Exit codes"] {
        assert!(help.contains(part), "'{part}' is not in\n{help}");
    }
    for (command, part) in [("run", "[-- <ARGS>...]"), ("plugins", "--verbose"), ("eval", "--lang <NAME>")] {
        let help = Calog::new([command, "--help"]).run().ended_with(0).out;
        assert!(help.contains(part), "'{part}' is not in\n{help}");
    }
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = Folder::with([("readme.txt", "hello"), ("sub/readme.txt", "hello")]);
    let unclear = folder.join("sub").display().to_string();
    for (args, part) in [
        (&[][..], "Usage: calog"),
        (&["run"], "<PATH>..."),
        (&["rnu"], "'rnu'"),
        (&["eval", "-e", "1"], "--lang <NAME>"),
        (&["run", "nowhere.lua"], "nowhere.lua: there is no such file or folder"),
        (&["run", &unclear], "wanted calog.toml, one main.* or scripts that an engine knows"),
        (&["--log", "a=b=c", "run", "x.lua"], "--log: 'a=b=c' is no filter"),
    ] {
        let ran = Calog::new(args).within(folder.path()).run().ended_with(2);
        assert_eq!(ran.out, "", "{args:?}");
        ran.said(&[part]);
    }
}

#[test]
fn it_runs_files_and_folders() {
    let folder = Folder::with([
        ("one.lua", "print('one', calog.self().name)"),
        ("two.js", "console.log('two', calog.self().name)"),
        ("main/main.js", "import { find } from './users.lua'; console.log(find(7))"),
        ("main/users.lua", "return { find = function(id) return 'user ' .. id end }"),
        ("plain/a.lua", "print('a is', calog.self().language)"),
        ("plain/b.js", "console.log('b is', calog.self().language)"),
        ("plain/notes.txt", "not a script"),
    ]);
    for (paths, wanted) in [
        (&["one.lua"][..], &["one\tone"][..]),
        (&["./two.js"], &["two two"]),
        (&["one.lua", "two.js"], &["one\tone", "two two"]),
        (&["main"], &["user 7"]),
        (&["plain"], &["a is\tlua", "b is javascript"]),
    ] {
        let ran = Calog::new([&["run"], paths].concat()).within(folder.path()).run().ended_with(0);
        // Contexts run side by side, so only the lines are fixed, not their order.
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, wanted, "{paths:?}");
        assert_eq!(ran.err, "", "{paths:?}");
    }
}

#[test]
fn a_folder_with_a_manifest_runs_what_it_says() {
    let who = "local me = calog.self()
               print(me.name, me.thread, table.concat(calog.args(), '+'))";
    let who_js = "const me = calog.self()
                  console.log([me.name, me.thread, calog.args().join('+')].join('\\t'))";
    let folder = Folder::with([
        (
            "calog.toml",
            r#"name = "shop"
               [[context]]
               script = "scripts/stock.lua"
               thread = "ui"
               [[context]]
               name = "window"
               script = "scripts/view.js"
               thread = "ui"
               args = ["--wide", "x"]
               [[context]]
               script = "scripts/alone.lua"
            "#,
        ),
        ("scripts/stock.lua", who),
        ("scripts/view.js", who_js),
        ("scripts/alone.lua", who),
        ("main.lua", "error('the manifest does not name me')"),
    ]);
    for path in [".", "calog.toml"] {
        let ran = Calog::new(["run", path, "--", "a", "b"]).within(folder.path()).run().ended_with(0);
        let mut lines: Vec<&str> = ran.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["alone\talone\ta+b", "stock\tui\ta+b", "window\tui\t--wide+x"], "{path}");
    }
}

#[test]
fn a_manifest_that_is_not_understood_ends_with_two_and_names_the_place() {
    let entry = "[[context]]\nscript = \"a.lua\"\n";
    for (text, parts) in [
        (format!("{entry}thred = \"ui\"\n"), ["calog.toml:3:1: unknown key 'context.thred'", "did you mean 'thread'?"]),
        (format!("plugin = []\n{entry}"), ["calog.toml:1:1: unknown key 'plugin'", "did you mean 'plugins'?"]),
        (format!("name = 3\n{entry}"), ["calog.toml:1:8: 'name' is the integer 3", "wanted a string"]),
        ("[[context]]\nname = \"x\"\n".into(), ["calog.toml:1:1: the key 'script' is missing", "wanted a path"]),
        (format!("{entry}{entry}"), ["two contexts are named 'a'", "another `name`"]),
        ("[[context]\n".into(), ["calog.toml:1:", ""]),
        ("[[context]]\nscript = \"gone.lua\"\n".into(), ["gone.lua", "there is no such script"]),
    ] {
        let folder = Folder::with([("calog.toml", text.as_str()), ("a.lua", "print('ran')")]);
        let ran = Calog::new(["run", "."]).within(folder.path()).run().ended_with(2);
        assert_eq!(ran.out, "", "{text}");
        ran.said(&parts);
    }
}

#[test]
fn arguments_after_two_dashes_reach_the_script() {
    let folder = Folder::with([
        ("args.lua", "print(#calog.args(), table.unpack(calog.args()))"),
        ("args.js", "console.log(JSON.stringify(calog.args()))"),
    ]);
    let run = |script, args: &[&str]| Calog::new([&["run", script], args].concat()).within(folder.path()).run();
    run("args.lua", &["--", "a", "b"]).printed("2\ta\tb\n");
    run("args.lua", &[]).printed("0\n");
    run("args.js", &["--", "--log", "ä b", ""]).printed("[\"--log\",\"ä b\",\"\"]\n");
}

#[test]
fn eval_runs_code_by_engine_or_language() {
    for (language, code, wanted) in [
        ("lua", "print(1 + 1)", "2\n"),
        ("javascript", "console.log(1 + 1)", "2\n"),
        ("quickjs", "console.log(calog.self().engine)", "quickjs\n"),
        ("lua", "local x <const> = 6 print(x * 7, calog.args()[1])", "42\tb c\n"),
    ] {
        Calog::new(["eval", "-e", code, "--lang", language, "--", "b c"]).run().printed(wanted);
    }
    let failed = Calog::new(["eval", "-e", "error('no')", "--lang", "lua"]).run().ended_with(1);
    failed.said(&["error[script]: ", "no"]);
    let failed = Calog::new(["eval", "-e", "let = 1 +", "--lang", "javascript"]).run().ended_with(1);
    failed.said(&["error[script]: "]);
}

#[test]
fn a_missing_engine_ends_with_three_and_says_where_was_looked() {
    let folder = Folder::with([("program.zig", ""), ("refused/libcalog_engine_zig.so", "not a library")]);
    let refused = folder.join("refused").display().to_string();
    let own = command().parent().expect("it lies in a folder").display().to_string();
    for args in [&["run", "program.zig"][..], &["eval", "-e", "1", "--lang", "zig"]] {
        let ran = Calog::new([args, &["--plugins", &refused]].concat()).within(folder.path()).run().ended_with(3);
        ran.said(&[
            "zig",
            &format!("{refused} (--plugins)"),
            &format!("{own} (the executable's folder"),
            "/nonexistent/calog/plugins (the user's data folder): does not exist",
            &format!("refused: {refused}/libcalog_engine_zig.so: it is no shared library"),
            "lua: .lua",
            "quickjs (javascript): .js .mjs",
        ]);
    }
    let ran = Calog::new(["run", "program.zig"]).within(folder.path()).run().ended_with(3);
    ran.said(&["no engine for .zig"]);
    // What could run is not begun when something else cannot.
    folder.write("fine.lua", "print('ran')");
    let ran = Calog::new(["run", "fine.lua", "program.zig"]).within(folder.path()).run().ended_with(3);
    assert_eq!(ran.out, "");
}

#[test]
fn scripts_choose_the_exit_code() {
    for (name, text, code, out) in [
        ("a.lua", "print('before') calog.exit(7) print('after')", 7, "before\n"),
        ("a.js", "console.log('before'); calog.exit(7); console.log('after')", 7, "before\n"),
        ("a.lua", "pcall(calog.exit, 7) print('after')", 7, ""),
        ("a.js", "try { calog.exit(7) } catch (e) {} finally { } console.log('after')", 7, ""),
        ("a.lua", "io.write('unfinished') calog.exit()", 0, "unfinished"),
        ("a.lua", "calog.exit(256 + 3)", 3, ""),
    ] {
        let ran = run_script(name, text).ended_with(code);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, ""), "{text}");
    }
}

#[test]
fn exit_ends_all_contexts_also_those_that_loop_or_wait() {
    let folder = Folder::with([
        ("loops.lua", "calog.export('started', true) while true do pcall(function() while true do end end) end"),
        ("loops.js", "calog.export('started', true); for (;;) { try { for (;;) {} } catch (e) {} }"),
        ("waits.lua", "calog.export('started', true) calog.open('silent.js').wait()"),
        ("silent.js", "await new Promise(() => {})"),
        (
            "ends.lua",
            // Contexts of the same program are found by name; their exports so far are seen by asking.
            "for _, name in ipairs { 'loops.lua', 'loops.js', 'waits.lua' } do
               local other = calog.open(name)
               repeat until other:exports().started
             end
             print('all run') calog.exit(5)",
        ),
    ]);
    let ran = Calog::new(["run", "ends.lua"]).within(folder.path()).run().ended_with(5);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("all run\n", ""));
}

#[test]
fn contexts_that_are_just_being_opened_end_as_well() {
    let folder = Folder::with([
        ("opens.lua", "print('ready') while true do calog.open('quiet.lua') end"),
        ("quiet.lua", "return { wait = function() end }"),
    ]);
    // Where the signal finds the opener differs each time.
    for _ in 0..10 {
        let mut running = Calog::new(["run", "opens.lua"]).within(folder.path()).start();
        running.wait_for_line("ready");
        running.signal(Signal::SIGTERM);
        let ran = running.end().ended_with(143);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("ready\n", ""));
    }
}

#[test]
fn it_does_not_outlive_a_test_that_fails() {
    let folder = Folder::with([("loop.lua", "print('ready') while true do end")]);
    let mut running = Calog::new(["run", "loop.lua"]).within(folder.path()).start();
    running.wait_for_line("ready");
    let pid = Pid::from_raw(running.pid());
    drop(running);
    // It was killed, and waited for: nobody is left to hear this. Otherwise it is killed now.
    assert_eq!(kill(pid, Signal::SIGKILL), Err(Errno::ESRCH));
}

#[test]
fn one_failing_script_is_reported_and_the_others_go_on() {
    let folder = Folder::with([
        ("bad.lua", "error('not today')"),
        ("rejects.js", "Promise.reject(new Error('nobody looks'))"),
        ("good.js", "console.log('good')"),
    ]);
    for (script, message) in [("bad.lua", "not today"), ("rejects.js", "nobody looks")] {
        let ran = Calog::new(["run", script, "good.js"]).within(folder.path()).run().ended_with(1);
        assert_eq!(ran.out, "good\n", "{script}");
        ran.said(&[message]);
    }
    let ran = Calog::new(["run", "bad.lua", "rejects.js"]).within(folder.path()).run().ended_with(1);
    ran.said(&["not today", "nobody looks"]);
}

#[test]
fn an_uncaught_error_is_one_trace_through_all_languages() {
    let folder = Folder::with([
        ("main.js", "import { outer } from './middle.lua'\n\nfunction begin() {\n  outer(3)\n}\nbegin()\n"),
        (
            "middle.lua",
            "local inner = calog.import('inner')\nlocal function outer(n)\n  inner.fail(n)\nend\nreturn { outer = outer }\n",
        ),
        ("inner.js", "export function fail(n) {\n  const table = { 3: null }\n  return table[n].name\n}\n"),
    ]);
    let ran = Calog::new(["run", "main.js"]).within(folder.path()).run().ended_with(1);
    assert_eq!(ran.out, "");
    let lines: Vec<&str> = ran.err.lines().collect();
    assert!(lines[0].starts_with("error[script]: ") && lines[0].contains("null"), "{}", ran.err);
    // The source line of the innermost place, and a caret below it.
    assert!(lines[1].contains("inner.js:3:"), "{}", ran.err);
    let source = lines.iter().position(|line| *line == "3 |   return table[n].name");
    let source = source.unwrap_or_else(|| panic!("no source line in\n{}", ran.err));
    let caret = lines[source + 1].find('^').unwrap_or_else(|| panic!("no caret in\n{}", ran.err));
    assert!((lines[source].find("table").unwrap_or(0)..lines[source].len()).contains(&caret), "{}", ran.err);
    // One frame each, from the inside out.
    let places: Vec<String> = lines.iter().filter_map(|line| place(line)).collect();
    assert_eq!(
        places,
        [
            "inner.js:3 in fail (javascript)",
            // Lua knows a function's name only from a call in Lua.
            "middle.lua:3 in function at line 2 (lua)",
            "main.js:4 in begin (javascript)",
            "main.js:6 (javascript)"
        ],
        "{}",
        ran.err
    );
}

/// A line of a trace, without folders and columns: `  at ./inner.js:3:19 in fail (javascript)`.
fn place(line: &str) -> Option<String> {
    let (place, rest) = line.strip_prefix("  at ")?.split_once(' ')?;
    let file = Path::new(place).file_name()?.to_str()?;
    let mut parts = file.split(':');
    Some(format!("{}:{} {rest}", parts.next()?, parts.next()?))
}

#[test]
fn syntax_errors_show_the_line() {
    for (name, text, line) in [
        ("bad.lua", "local x = 1\nlocal = 2\n", "2 | local = 2"),
        ("bad.js", "let x = 1\nlet y = = 2\n", "2 | let y = = 2"),
    ] {
        run_script(name, text).ended_with(1).said(&["error[script]: ", name, line, "^"]);
    }
}

#[test]
fn lines_of_several_contexts_are_never_torn() {
    const LINES: usize = 2000;
    const WIDTH: usize = 300;
    let lua = |letter| format!("for i = 1, {LINES} do print(string.rep('{letter}', {WIDTH})) end");
    // Written in pieces, which are gathered until the line ends.
    let pieces = |letter| {
        format!(
            "for i = 1, {LINES} do for j = 1, 3 do io.write(string.rep('{letter}', {WIDTH} // 3)) end io.write('\\n') end"
        )
    };
    let js = |letter| format!("for (let i = 0; i < {LINES}; i++) console.log('{letter}'.repeat({WIDTH}))");
    let folder = Folder::with([("a.lua", &*lua('a')), ("b.lua", &pieces('b')), ("c.js", &js('c')), ("d.js", &js('d'))]);
    let ran = Calog::new(["run", "."]).within(folder.path()).run().ended_with(0);
    let mut counts = [0; 4];
    for line in ran.out.lines() {
        let letter = line.bytes().next().unwrap_or_default();
        assert_eq!(line, char::from(letter).to_string().repeat(WIDTH), "a torn line");
        counts[usize::from(letter - b'a')] += 1;
    }
    assert_eq!(counts, [LINES; 4]);
}

#[test]
fn signals_end_endless_programs_in_order() {
    // The hook that runs at shutdown, and its log line, show that the end was orderly.
    let plugins = Folder::new();
    plugins.copy(&build_standalone("wicked"));
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        for (name, text) in [
            ("loop.lua", "print('ready') while true do end"),
            ("pcall.lua", "print('ready') while true do pcall(function() while true do end end) end"),
            ("loop.js", "console.log('ready'); for (;;) {}"),
            ("try.js", "console.log('ready'); for (;;) { try { for (;;) {} } catch (e) {} finally { continue } }"),
            ("waits.lua", "print('ready') wicked.never()"),
            ("waits.js", "console.log('ready'); await wicked.never()"),
        ] {
            let folder = Folder::with([(name, text)]);
            let plugins = plugins.path().display().to_string();
            let args = ["run", name, "--log", "info", "--plugins", &plugins];
            let mut running = Calog::new(args).within(folder.path()).start();
            running.wait_for_line("ready");
            running.signal(signal);
            let ran = running.end().ended_with(code);
            assert_eq!(ran.out, "ready\n", "{name}");
            assert!(!ran.err.contains("error"), "{name} on {signal}: {}", ran.err);
            assert!(!ran.err.contains("did not end"), "{name} on {signal}: {}", ran.err);
            ran.said(&["wicked: the shutdown hook"]);
        }
    }
}

#[test]
fn a_program_that_cannot_go_on_ends_with_four_and_says_who_waits() {
    let folder = Folder::with([
        ("one.lua", "print('one')\ncalog.open('two.lua').wait()"),
        ("two.lua", "print('two')\n\ncalog.import('one')"),
        ("never.js", "console.log('never')\n\nawait new Promise(() => {})"),
    ]);
    let ran = Calog::new(["run", "one.lua"]).within(folder.path()).run().ended_with(4);
    assert_eq!(ran.out, "one\ntwo\n");
    ran.said(&["stuck", "context 'one' (lua) at one.lua:2 waits for", "context 'two' (lua) at two.lua:3 waits for"]);
    let ran = Calog::new(["run", "never.js"]).within(folder.path()).run().ended_with(4);
    assert_eq!(ran.out, "never\n");
    ran.said(&["stuck", "context 'never' (javascript) at never.js"]);
}

#[test]
fn log_lines_are_shown_as_asked_for() {
    let folder = Folder::with([(
        "talk.lua",
        "for _, level in ipairs { 'error', 'warn', 'info', 'debug', 'trace' } do calog.log(level, 'at', level, 1) end",
    )]);
    let levels = ["error", "warn", "info", "debug", "trace"];
    let script = folder.join("talk.lua");
    let run = |args: &[&str], variable: Option<&str>| {
        let calog = Calog::new([&["run", script.to_str().unwrap_or_default()], args].concat());
        variable.into_iter().fold(calog, |calog, filter| calog.env("CALOG_LOG", filter)).run().ended_with(0)
    };
    for (args, variable, shown) in [
        (&[][..], None, 2),
        (&["--log", "error"], None, 1),
        (&["--log", "debug"], None, 4),
        (&["--log", "trace"], None, 5),
        (&[], Some("debug"), 4),
        (&["--log", "error"], Some("debug"), 1),
    ] {
        let ran = run(args, variable);
        for (index, level) in levels.iter().enumerate() {
            let line = ran.err.lines().find(|line| line.contains(&format!("at {level} 1")));
            assert_eq!(line.is_some(), index < shown, "{args:?} {variable:?}: {level}\n{}", ran.err);
            if let Some(line) = line {
                assert!(line.contains(&level.to_uppercase()) && line.contains("talk"), "{line}");
            }
        }
        assert_eq!(ran.out, "");
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    // As `calog run many.lua | head -1`: the script ends well though nobody reads it.
    let folder = Folder::with([("many.lua", "for i = 1, 100000 do print(i) end")]);
    let script = folder.join("many.lua");
    let shell = format!("'{}' run '{}' | head -1; echo \"${{PIPESTATUS[0]}}\"", command().display(), script.display());
    let ran = std::process::Command::new("bash").args(["-c", &shell]).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "1\n0\n", "{}", String::from_utf8_lossy(&ran.stderr));
}
