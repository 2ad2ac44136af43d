//! What no host can stand: each ends its process, as `docs/abi.md` says under "Beyond protection".

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::{self, Command};

use calog_tests::{Calog, Folder, Ran, build_standalone};
use nix::sys::signal::Signal;

use crate::stage::{Stage, wicked_folder};

/// Runs a script beside the wicked plugin, in a process of its own.
fn runs(name: &str, text: &str) -> Ran {
    let folder = Folder::with([("other.wkd", "fine")]);
    folder.write(name, text);
    let plugins = wicked_folder().path().display().to_string();
    Calog::new(["run", name, "--plugins", &plugins]).within(folder.path()).run()
}

#[test]
fn what_ends_the_process_ends_the_host() {
    for (what, text, code, says) in [
        ("abort", "wicked.abort()", None, ""),
        ("exit", "wicked.exit(42)", Some(42), ""),
        ("a wild pointer", "wicked.wild_pointer()", None, ""),
        ("a stack that overflows", "wicked.overflow()", None, "overflowed its stack"),
        ("a panic while another one unwinds", "wicked.double_panic()", None, ""),
        (
            "memory that is not there",
            "wicked.allocate()",
            None,
            "memory allocation of 9223372036854775807 bytes failed",
        ),
        ("a panic while a thread ends", "wicked.leave_behind()", None, "thread local panicked on drop"),
    ] {
        let ran = runs("main.lua", &format!("print('before') pcall(function() {text} end) print('after')"));
        assert_eq!(ran.code, code, "{what}: {ran:?}");
        assert!(ran.out.starts_with("before\n"), "{what}: {ran:?}");
        assert!(ran.err.contains(says), "{what}: {ran:?}");
        assert_eq!(ran.out.contains("after"), what == "a panic while a thread ends", "{what}: {ran:?}");
    }
}

/// Set in a process of its own that is to end by a panic in `interrupt`.
const INTERRUPTED: &str = "WICKED_INTERRUPTED";

#[test]
fn a_panic_in_interrupt_ends_the_process() {
    if env::var_os(INTERRUPTED).is_some() {
        let stage = Stage::new(&[], &[]);
        let victim = stage.ready_victim(&[("call", "deaf"), ("interrupt", "panic")]);
        let _asked = stage.world.ask(&victim, "obey", &["fine".into()]);
        stage.wait_for_entry("call");
        stage.world.runtime.close_context(&victim);
        process::exit(0);
    }
    let mut child = Command::new(env::current_exe().expect("a test knows its own path"));
    child.args(["--exact", "beyond::a_panic_in_interrupt_ends_the_process", "--nocapture"]).env(INTERRUPTED, "1");
    let ran = child.output().expect("it can be run");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.signal(), Some(Signal::SIGABRT as i32), "{said}");
}

#[test]
fn code_runs_as_a_library_is_opened_and_not_before() {
    let plugins = wicked_folder().path().display().to_string();
    let list = |args: &[&str]| {
        let all = [&["plugins", "--plugins", &plugins], args].concat();
        Calog::new(all).env("WICKED_CONSTRUCTOR", "exit").run()
    };
    // Only looked at.
    list(&[]).ended_with(0);
    // Opened.
    list(&["--verbose"]).ended_with(77);
}

#[test]
fn a_plugin_whose_panics_would_abort_is_not_opened() {
    let plugins = Folder::new();
    plugins.copy(&build_standalone("aborting"));
    let folder = Folder::with([("main.lua", "print(aborting == nil)")]);
    let path = plugins.path().display().to_string();
    let ran = Calog::new(["run", "main.lua", "--plugins", &path]).within(folder.path()).run().ended_with(0);
    assert_eq!(ran.out, "true\n");
    ran.said(&["it was built with `panic = \"abort\"`"]);
}

#[test]
fn what_holds_the_programs_thread_is_ended_by_signals() {
    let plugins = wicked_folder().path().display().to_string();
    let start = |folder: &Folder, script: &str| {
        Calog::new(["run", script, "--plugins", &plugins]).within(folder.path()).start()
    };
    // Before it has booted: by the first.
    let folder = Folder::with([
        ("calog.toml", "[natives.wicked]\nboot = \"never\"\n[[context]]\nscript = \"main.lua\"\n"),
        ("main.lua", ""),
    ]);
    let mut running = start(&folder, ".");
    running.wait_for_line("boot: never");
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().code, None);
    // Later: by the second, whichever it is.
    let folder = Folder::with([("main.lua", "wicked.holds_program('never')")]);
    let mut running = start(&folder, "main.lua");
    running.wait_for_line("native: never");
    running.signal(Signal::SIGINT);
    running.signal(Signal::SIGTERM);
    let code = running.end().code;
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
}
