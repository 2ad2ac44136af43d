//! The command where the system fails it: full disks, closed pipes, no descriptors, no threads, clocks
//! that stand still, children that are killed, names that are no text. Always an error in words, never
//! an abort.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use calog_tests::{Calog, Folder, build_standalone, command, root};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Four contexts, one of each language.
const PROGRAM: [(&str, &str); 5] = [
    (
        "main.lua",
        "local b, c, d = calog.import 'b', calog.import 'c', calog.import 'd' print(b.f(1) + c.f(2) + d.f(3))",
    ),
    ("b.js", "export const f = x => x + 1"),
    ("c.nut", "return { f = @(x) x + 1 }"),
    ("d.bas", "DEF f(x)\nRETURN x + 1\nENDDEF\ncalog.export(\"f\", f)\n"),
    ("bad.lua", "print('before') error('boom')"),
];

/// What has threads and descriptors of its own.
const BUNDLES: &str = "
    local listener = net.listen('127.0.0.1', 0)
    local one = net.connect('localhost', listener.address().port)
    one.send('a line\\n')
    local line = listener.accept().recv_line()
    task.spawn(function() task.sleep(1) end).join()
    local jobs = sync.Queue('jobs')
    jobs.put(line)
    print(jobs.get() == 'a line')
    calog.exit(0)
";

/// Commands, and what they print when nothing fails, if that is always the same.
const COMMANDS: [(&str, Option<&str>); 7] = [
    ("run main.lua", Some("9\n")),
    ("run bundles.lua", Some("true\n")),
    ("check main.lua", None),
    ("eval --lang lua -e 'print(42)'", Some("42\n")),
    ("plugins", None),
    ("plugins verify good.so", None),
    ("plugins lock .", None),
];

/// The command under limits that a shell sets: `ulimit` and the like.
fn limited(folder: &Path, setting: &str, args: &str) -> Output {
    let script = format!("{setting} && exec \"$CALOG\" {args}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(folder).env("CALOG", command()).stdin(Stdio::null());
    shell.env("XDG_DATA_HOME", "/nonexistent").env_remove("CALOG_PLUGIN_PATH").env_remove("CALOG_LOG");
    shell.output().expect("a shell")
}

/// It ended by itself: with its result, or with an error that says why.
fn ended_in_words(what: &str, result: Option<&str>, output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("panicked"), "{what}: {said}");
    match output.status.code() {
        // A disk that is full under the output is no error of the command's.
        Some(0) if what.starts_with("write:") => {}
        Some(0) => assert!(result.is_none_or(|result| out == result), "{what}: {out}\n{said}"),
        // The shell itself may not have got as far; then it says so. What fails of a plugin's is told in
        // the list.
        Some(1..=3 | 126 | 127) => assert!(!said.is_empty() || !out.is_empty(), "{what}: {said}"),
        _ => panic!("{what}: {}\n{said}", output.status),
    }
}

#[test]
fn without_descriptors_there_is_an_error() {
    let folder = Folder::with(PROGRAM);
    let mut worked = 0;
    for descriptors in 3..24 {
        let output = limited(folder.path(), &format!("ulimit -n {descriptors}"), "run main.lua");
        ended_in_words(&format!("{descriptors} descriptors"), Some("9\n"), &output);
        worked += u32::from(output.status.success());
    }
    assert!(worked > 0, "some of these are enough");
}

/// A library that lets calls of the system fail, of `tests/adversity/faults.c`.
fn faults(folder: &Folder) -> PathBuf {
    let (source, library) = (root().join("tests/adversity/faults.c"), folder.join("faults.so"));
    let mut compiler = Command::new("cc");
    let status = compiler.args(["-shared", "-fPIC", "-O1"]).arg(source).arg("-o").arg(&library).arg("-ldl").status();
    assert!(status.expect("a C compiler").success(), "the C compiler failed");
    library
}

/// A command with this fault.
fn faulty(folder: &Folder, faults: &Path, fault: &str, args: &str) -> Output {
    let setting = format!("exec 9>seen && export FAULT={fault} FAULT_SEEN=9 LD_PRELOAD={}", faults.display());
    limited(folder.path(), &setting, args)
}

/// A folder with all that the commands want.
fn stocked() -> Folder {
    let folder = Folder::with(PROGRAM);
    folder.write("bundles.lua", BUNDLES);
    folder.copy_as(&build_standalone("tally"), "good.so");
    folder
}

/// Lets the first, the second... call of a kind fail, until there are not so many. How many there were.
fn each_fails(folder: &Folder, faults: &Path, kind: &str, args: &str, check: impl Fn(&str, &Output)) -> u32 {
    let (mut seen, mut nth) = (0, 0);
    loop {
        // Each of the first few, then fewer: late ones are much like each other.
        nth += 1 + nth / 4;
        let fault = format!("{kind}:{nth}");
        let output = faulty(folder, faults, &fault, args);
        check(&format!("{fault} of {args}"), &output);
        if fs::read(folder.join("seen")).expect("what was seen").is_empty() {
            assert_eq!(output.status.code(), Some(0), "{fault} of {args}: {output:?}");
            return seen;
        }
        seen += 1;
    }
}

#[test]
fn whichever_thread_file_reading_or_writing_fails_there_is_an_error() {
    let folder = stocked();
    let faults = faults(&folder);
    for (kind, at_least) in [("thread", 3), ("open", 10), ("read", 10), ("write", 1)] {
        let mut most = 0;
        for (args, result) in COMMANDS {
            let seen = each_fails(&folder, &faults, kind, args, |what, output| ended_in_words(what, result, output));
            most = most.max(seen);
            // What the command wrote is no part of the next one's.
            let _ = fs::remove_file(folder.join("plugins.lock"));
        }
        assert!(most >= at_least, "at most {most} of {kind} failed");
    }
}

/// A lock is the old one or the new one, whatever fails while it is written.
#[test]
fn a_lock_that_cannot_be_written_is_as_it_was() {
    let folder = stocked();
    let faults = faults(&folder);
    assert!(limited(folder.path(), "true", "plugins lock .").status.success());
    let whole = fs::read(folder.join("plugins.lock")).expect("a lock");
    let mut failed = 0;
    for kind in ["open", "write", "fsync"] {
        failed += each_fails(&folder, &faults, kind, "plugins lock .", |what, output| {
            ended_in_words(what, None, output);
            assert_eq!(fs::read(folder.join("plugins.lock")).ok().as_ref(), Some(&whole), "{what}: {output:?}");
        });
    }
    assert!(failed >= 4, "only {failed} failed");
}

#[test]
fn a_clock_that_stands_still_or_goes_backwards_stops_no_program() {
    let folder = stocked();
    folder.write("waits.lua", "print(os.clock() >= 0) task.sleep(60000)");
    let faults = faults(&folder);
    for clock in ["clock", "backwards"] {
        let output = faulty(&folder, &faults, clock, "run main.lua");
        assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"9\n"[..]), "{clock}: {output:?}");
        // What waits for a time waits for ever, and still ends when it is told to.
        let waits = Calog::new(["run", "waits.lua"]).within(folder.path());
        let mut waits = waits.env("LD_PRELOAD", &faults).env("FAULT", clock).start();
        waits.wait_for_line("true");
        waits.signal(Signal::SIGTERM);
        assert_eq!(waits.end().code, Some(143), "{clock}");
    }
}

fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("a full disk")
}

/// The exit code of a run with these two outputs.
fn code(folder: &Folder, args: &[&str], out: impl Into<Stdio>, err: impl Into<Stdio>) -> Option<i32> {
    let mut run = Command::new(command());
    run.args(args).current_dir(folder.path()).stdin(Stdio::null()).stdout(out).stderr(err);
    run.status().expect("calog can be started").code()
}

#[test]
fn a_full_disk_under_the_output_or_the_log_changes_nothing_else() {
    let folder = Folder::with(PROGRAM);
    folder.write("stuck.js", "export const never = await new Promise(() => {})");
    folder.write("broken/libbroken.so", "text");
    for (args, wanted) in [
        (&["run", "main.lua"][..], 0),
        (&["run", "bad.lua"], 1),
        (&["run", "bad.lua", "--log", "trace"], 1),
        (&["run", "main.lua", "--plugins", "broken"], 0),
        (&["run", "nowhere.lua"], 2),
        (&["run", "stuck.js"], 4),
        (&["plugins"], 0),
        (&["plugins", "verify", "broken/libbroken.so"], 1),
    ] {
        assert_eq!(code(&folder, args, full(), Stdio::null()), Some(wanted), "{args:?}, output");
        assert_eq!(code(&folder, args, Stdio::null(), full()), Some(wanted), "{args:?}, log");
    }
}

#[test]
fn a_reader_that_left_changes_nothing_else() {
    let folder = Folder::with(PROGRAM);
    folder.write("many.lua", "for i = 1, 20000 do print(i) end");
    for (script, wanted) in [("many.lua", 0), ("bad.lua", 1)] {
        let gone = || std::io::pipe().expect("a pipe").1;
        assert_eq!(code(&folder, &["run", script], gone(), gone()), Some(wanted), "{script}");
        let closed = limited(folder.path(), "exec <&- >&- 2>&-", &format!("run {script}"));
        assert_eq!(closed.status.code(), Some(wanted), "{script}, all closed");
    }
}

#[test]
fn who_reads_one_line_gets_it_and_the_program_ends_by_itself() {
    let folder = Folder::with([("many.lua", "for i = 1, 200000 do print(i) end io.stderr:write('done\\n')")]);
    let script = "(\"$CALOG\" run many.lua; echo $? >code) | head -1";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).current_dir(folder.path()).env("CALOG", command()).stdin(Stdio::null());
    let output = shell.output().expect("a shell");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((&*out, &*err), ("1\n", "done\n"));
    assert_eq!(fs::read_to_string(folder.join("code")).expect("an exit code"), "0\n");
}

#[test]
fn children_of_scripts_may_be_killed_and_may_leave() {
    let folder = Folder::with([(
        "main.lua",
        "print(io.popen('kill -9 $$'):close())
         local leaves = io.popen('exec true', 'w')
         while leaves:write(string.rep('x', 1 << 16)) and leaves:flush() do end
         print(leaves:close())",
    )]);
    Calog::new(["run", "main.lua"]).within(folder.path()).run().printed("nil\tsignal\t9\ntrue\texit\t0\n");
}

#[test]
fn the_process_that_opens_a_plugin_may_be_killed() {
    let folder = Folder::new();
    folder.copy_as(&build_standalone("wicked"), "wicked.so");
    let verify = Calog::new(["plugins", "verify", "--limit", "1000", "wicked.so"]).within(folder.path());
    let verify = verify.env("WICKED_CONSTRUCTOR", "never").start();
    // Nothing tells when it is there, so it is looked for until it is.
    let children = format!("/proc/{0}/task/{0}/children", verify.pid());
    let child = loop {
        let found = fs::read_to_string(&children).expect("the system lists children");
        match found.split_whitespace().next() {
            Some(child) => break child.parse().expect("a process id"),
            None => std::thread::yield_now(),
        }
    };
    kill(Pid::from_raw(child), Signal::SIGKILL).expect("it has not been waited for");
    let out = verify.end().ended_with(1).out;
    assert!(out.contains("wicked.so: refused: opening it ended the process with signal 9 (SIGKILL)"), "{out}");
}

#[test]
fn names_that_are_no_text_are_errors_at_worst() {
    let folder = Folder::new();
    let odd = |name: &str| PathBuf::from(OsString::from_vec([name.as_bytes(), b"\xff"].concat()));
    let place = folder.path().join(odd("folder"));
    fs::create_dir(&place).expect("a folder");
    fs::write(place.join("script.lua"), "print(calog.self().name)").expect("a script");
    fs::write(place.join("uses.lua"), "calog.import 'script'").expect("a script");
    let script = Calog::new([OsString::from("run"), place.join("script.lua").into()]).run();
    script.printed("script\n");
    // Where a script lies is known to others as text: what is beside it is not found.
    let uses = Calog::new([OsString::from("run"), place.join("uses.lua").into()]).run().ended_with(1);
    uses.said(&["there is no module or script 'script'; tried "]);
    let plugins = Calog::new([OsString::from("plugins"), "--plugins".into(), place.clone().into()]).run();
    assert!(plugins.ended_with(0).out.contains("folder\u{fffd} (--plugins): no plugins"));
    Calog::new([OsString::from("run"), odd("nowhere").into()]).run().ended_with(2).said(&["no such file or folder"]);
    // A plugin is a file as any other; what names it does not.
    fs::copy(build_standalone("tally"), place.join(odd("plugin").with_extension("so"))).expect("a plugin");
    let plugins = Calog::new([OsString::from("plugins"), "--plugins".into(), place.clone().into()]).run();
    assert!(plugins.ended_with(0).out.contains("calog-engine-tally"));
    let named = place.join(odd("plugin.so"));
    fs::copy(build_standalone("tally"), &named).expect("a plugin");
    let verify = Calog::new([OsString::from("plugins"), "verify".into(), named.into()]).run().ended_with(0);
    assert!(verify.out.contains("plugin.so\u{fffd}: calog-engine-tally"), "{}", verify.out);
    // So is the environment.
    let eval = || Calog::new(["eval", "--lang", "lua", "-e", "os.getenv('ODD')"]);
    eval().env("ODD", odd("")).run().ended_with(0);
    eval().env("CALOG_PLUGIN_PATH", &place).run().ended_with(0);
    eval().env("CALOG_PLUGIN_PATH", odd("nowhere")).run().ended_with(0);
    eval().env("CALOG_LOG", odd("trace")).run().ended_with(2).said(&["invalid UTF-8"]);
    let lock = Calog::new([OsString::from("plugins"), "lock".into(), place.into()]).run();
    lock.ended_with(0);
    // Arguments for scripts are texts.
    let args = [OsString::from("eval"), "--lang=lua".into(), "-e1".into(), "--".into(), odd("arg").into()];
    Calog::new(args).run().ended_with(2).said(&["invalid UTF-8"]);
}
