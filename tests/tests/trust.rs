//! Which plugins the command opens: locks, owners, and `calog plugins verify`.

use std::fs::{self, Permissions};
use std::mem::offset_of;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calog::plugin_api::header::Header;
use calog_tests::{Calog, Folder, Ran, build_standalone, command, with_header};
use object::{Endianness, Object, ObjectSection};

/// A program of one sum, with its engine in a folder of plugins.
fn program() -> Folder {
    let folder = Folder::with([
        ("calog.toml", "plugins = [\"plugins\"]\n[[context]]\nscript = \"sum.tly\"\n"),
        ("sum.tly", "40\n2"),
    ]);
    folder.copy_as(&build_standalone("tally"), "plugins/tally.so");
    folder
}

/// The command in a folder without plugins, so that it finds those of the program alone.
struct Alone(Folder);

impl Alone {
    fn new() -> Alone {
        Alone(Folder::with_command())
    }

    fn calog(&self, folder: &Path, args: &[&str]) -> Ran {
        Calog::at(&self.0.join("calog"), args).within(folder).run()
    }
}

#[test]
fn a_locked_program_runs_with_the_plugins_that_were_locked_and_no_others() {
    let (alone, program) = (Alone::new(), program());
    let calog = |args: &[&str]| alone.calog(program.path(), args);
    calog(&["run", "."]).printed("");
    assert_eq!(calog(&["plugins", "lock"]).ended_with(0).out, "plugins.lock: 1 plugins\n");
    let lock = fs::read_to_string(program.join("plugins.lock")).expect("a lock");
    assert!(lock.contains("\n[[plugin]]\nname = \"calog-engine-tally\"\nversion = \"1.0.0\"\nsha256 = \""), "{lock}");
    calog(&["run", "."]).printed("");
    // A script of the program by itself is locked, too; so is what is typed in.
    calog(&["run", "sum.tly", "--plugins", "plugins"]).printed("");
    let mut other = fs::read(build_standalone("tally")).expect("a plugin");
    other.push(0);
    program.write("plugins/tally.so", &other);
    for args in [&["run", "."][..], &["run", "sum.tly"], &["eval", "--lang", "tally", "-e", "1"]] {
        // For a script by itself the folder of plugins is not known.
        let args = [args, &["--plugins", "plugins"]].concat();
        let ran = calog(&args).ended_with(3);
        ran.said(&["it is calog-engine-tally 1.0.0 with SHA-256 ", "plugins.lock wants calog-engine-tally 1.0.0"]);
    }
    // A further one is not in it.
    let listing = calog(&["plugins"]).ended_with(0).out;
    assert!(listing.contains("refused") && listing.contains("if you trust it, lock it with `calog plugins lock`"));
    calog(&["plugins", "lock"]).ended_with(0);
    calog(&["run", "."]).printed("");
    // A lock that cannot be read stops the program.
    program.write("plugins.lock", "version = 7");
    calog(&["run", "."]).ended_with(2).said(&["plugins.lock: it has version 7, wanted 1; write it anew with"]);
}

#[test]
fn a_folder_of_plugins_has_a_lock_of_its_own() {
    let (alone, program) = (Alone::new(), program());
    let calog = |args: &[&str]| alone.calog(program.path(), args);
    calog(&["plugins", "lock", "plugins"]).ended_with(0);
    calog(&["run", "."]).printed("");
    let wicked = program.copy_as(&build_standalone("wicked"), "plugins/wicked.so");
    let listing = calog(&["plugins"]).ended_with(0).out;
    assert!(listing.contains("it is calog-test-wicked 1.0.0 with SHA-256 "), "{listing}");
    fs::remove_file(wicked).expect("it was made above");
    calog(&["run", "."]).printed("");
}

#[test]
fn plugins_that_others_may_write_to_are_for_those_who_say_so() {
    let (alone, program) = (Alone::new(), program());
    let calog = |args: &[&str]| alone.calog(program.path(), args);
    let plugin = program.join("plugins/tally.so");
    fs::set_permissions(&plugin, Permissions::from_mode(0o777)).expect("it is ours");
    let ran = calog(&["run", "."]).ended_with(3);
    ran.said(&[
        "it is writable by others (mode 0777)",
        "`shared_plugins = true` in calog.toml or with --shared-plugins",
    ]);
    calog(&["run", ".", "--shared-plugins"]).printed("");
    let manifest = fs::read_to_string(program.join("calog.toml")).expect("a manifest");
    program.write("calog.toml", format!("shared_plugins = true\n{manifest}"));
    calog(&["run", "."]).printed("");
}

#[test]
fn verify_says_what_is_wrong_in_words_and_of_all_files() {
    let folder = Folder::new();
    folder.copy_as(&build_standalone("tally"), "good.so");
    folder.copy_as(&build_standalone("aborting"), "aborting.so");
    let good = fs::read(folder.join("good.so")).expect("a plugin");
    let old = with_header(&good, offset_of!(Header, abi_minor), &7u32.to_ne_bytes());
    let old = with_header(&old, offset_of!(Header, value_format), &3u32.to_ne_bytes());
    folder.write("old.so", with_header(&old, offset_of!(Header, api_version), b"0.7.1\0"));
    folder.write("cut.so", &good[..good.len() / 2]);
    let verify = |files: &[&str]| Calog::new([&["plugins", "verify"], files].concat()).within(folder.path()).run();
    verify(&["good.so"]).printed("good.so: calog-engine-tally 1.0.0, ABI 0.1: engine tally: .tly\n");
    let out = verify(&["cut.so", "good.so", "old.so", "aborting.so", "none.so"]).ended_with(1).out;
    for part in [
        "cut.so: refused: it is damaged: ",
        "good.so: calog-engine-tally",
        "old.so: refused: it was built for ABI 0.7, this host speaks ABI 0.1 and no other",
        "    ABI: 0.7, this host wants no other than 0.1\n",
        "    format of values: 3, this host wants 1\n",
        "    calog-plugin-api: 0.7.1, this host wants ^0.1, up to 0.1.0\n",
        "    what a panic does: it aborts, this host wants that it unwinds\n",
        "none.so: refused: it cannot be read: No such file",
    ] {
        assert!(out.contains(part), "'{part}' is not in\n{out}");
    }
}

#[test]
fn verify_survives_what_opening_does() {
    let folder = Folder::new();
    folder.copy_as(&build_standalone("wicked"), "wicked.so");
    let verify = |how: &str| {
        let limit = if how == "never" { "1" } else { "100" };
        let args = ["plugins", "verify", "--limit", limit, "wicked.so"];
        Calog::new(args).within(folder.path()).env("WICKED_CONSTRUCTOR", how).run()
    };
    assert!(verify("fine").ended_with(0).out.starts_with("wicked.so: calog-test-wicked "));
    for (how, wanted) in [
        ("abort", "opening it ended the process with signal 6 (SIGABRT)"),
        ("exit", "opening it ended the process with exit code 77"),
        // Who leaves without a word has not been opened.
        ("leave quietly", "opening it ended the process with exit code 0"),
        ("never", "opening it did not end within 1 s"),
    ] {
        let out = verify(how).ended_with(1).out;
        assert!(out.starts_with(&format!("wicked.so: refused: {wanted}")), "{how}: {out}");
    }
}

#[test]
fn verify_names_the_signal_of_a_crash() {
    // The first function of its code traps.
    let mut plugin = fs::read(build_standalone("tally")).expect("a plugin");
    let file = object::read::elf::ElfFile64::<Endianness>::parse(&*plugin).expect("an ELF file");
    let (start, length) = file.section_by_name(".init").and_then(|it| it.file_range()).expect("initialisers");
    plugin[start as usize..(start + length) as usize].fill(TRAP);
    let folder = Folder::new();
    folder.write("trap.so", &plugin);
    let out = Calog::new(["plugins", "verify", "trap.so"]).within(folder.path()).run().ended_with(1).out;
    assert!(out.contains("opening it ended the process with signal ") && out.contains("(SIG"), "{out}");
}

/// No instruction of any of the machines that tests run on, or one that stops.
const TRAP: u8 = if cfg!(target_arch = "x86_64") { 0xcc } else { 0 };

#[test]
fn what_can_be_opened_elsewhere_is_what_is_opened_here() {
    // The hidden half of `verify` is refused like everything else.
    let folder = Folder::with([("text.so", "text")]);
    let out = Calog::at(&command(), ["plugins", "open", "text.so"]).within(folder.path()).run().ended_with(1).out;
    assert!(out.starts_with("calog: refused: it is no shared library"), "{out}");
}
