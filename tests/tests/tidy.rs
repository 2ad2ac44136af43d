//! What the repository promises about its own shape: which crate may know which, which files may be
//! unsafe, and that the host names no language.
//!
//! Texts are read as texts: `code_of` leaves out comments, and that is all the parsing there is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use calog_tests::root;

/// The rooms of the repository, as `docs/architecture.md` names them.
const ROOMS: [&str; 7] = ["docs", "examples", "host", "natives", "plugin-api", "plugins", "tests"];

/// Those that hold code.
const WITH_CODE: [&str; 6] = ["examples", "host", "natives", "plugin-api", "plugins", "tests"];

/// A text file of the repository.
struct File {
    /// Relative to the root, with slashes.
    path: String,
    text: String,
}

/// The files of these rooms with one of these endings. Targets and what is hidden are left out.
fn files(rooms: &[&str], endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = rooms.iter().map(|room| root().join(room)).collect();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            let ending = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if endings.contains(&ending) {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                found.push(File { path: relative(&path), text });
            }
        }
    }
    assert!(!found.is_empty(), "there are files to look at");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// What lies in a folder, but for what is hidden and what cargo made.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let all = all.map(|entry| entry.expect("an entry").path());
    let left_out = |path: &PathBuf| name(path).starts_with('.') || (path.is_dir() && name(path) == "target");
    all.filter(|path| !left_out(path)).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("it lies in the repository").to_string_lossy().into_owned()
}

/// Fails with all findings at once.
#[track_caller]
fn none(findings: Vec<String>, promise: &str) {
    assert!(findings.is_empty(), "{promise}:\n{}", findings.join("\n"));
}

/// A file's code, line by line, from 1; without comments.
fn code_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(without_comment))
}

/// A line without its comment. Two slashes within a string, as of an address, are none.
fn without_comment(line: &str) -> &str {
    let comment = line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    comment.map_or(line, |(at, _)| &line[..at])
}

/// Whether the word stands in the text by itself.
fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

#[test]
fn the_rooms_are_these_and_no_others() {
    let folders: BTreeSet<String> = entries(&root()).iter().filter(|it| it.is_dir()).map(|it| name(it)).collect();
    assert_eq!(folders, ROOMS.map(String::from).into());
}

/// The crates of the workspace that a manifest depends on, for building or, with `[dev-dependencies]`,
/// for its tests.
fn depends_on(manifest: &str, section: &str) -> BTreeSet<String> {
    let lines = manifest.lines().map(str::trim).skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split(['=', '.', ' ']).next());
    names.filter(|name| name.starts_with("calog")).map(str::to_owned).collect()
}

#[test]
fn dependence_has_one_direction() {
    let api: BTreeSet<String> = ["calog-plugin-api".to_owned()].into();
    let mut findings = Vec::new();
    for File { path, text } in files(&WITH_CODE, &["toml"]).iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let room = path.split('/').next().unwrap_or_default();
        // Nobody links a plugin, not even to test it: plugins are files.
        let (built, tested) = (depends_on(text, "[dependencies]"), depends_on(text, "[dev-dependencies]"));
        let made = depends_on(text, "[build-dependencies]");
        let linked: Vec<_> = built.iter().chain(&tested).chain(&made).filter(|name| is_plugin(name)).collect();
        let fine = match room {
            "plugin-api" => built.is_empty() && tested.is_empty() && made.is_empty(),
            "plugins" | "natives" => built == api && tested.is_subset(&api) && made.is_empty(),
            "host" => built == api && tested.is_subset(&api) && made.is_empty(),
            "tests" if path.starts_with("tests/plugins/") || path.starts_with("tests/wicked/") => {
                built == api && tested.is_empty() && made.is_empty()
            }
            _ => true,
        };
        if !fine || !linked.is_empty() {
            findings.push(format!("{path}: {built:?}, for tests {tested:?}, for building {made:?}"));
        }
    }
    none(findings, "plugins, natives -> plugin-api <- host <- tests");
}

fn is_plugin(name: &str) -> bool {
    name.starts_with("calog-engine-") || name.starts_with("calog-natives-")
}

#[test]
fn manifests_are_read_as_they_are_written() {
    let manifest = "[dependencies]\ncalog-plugin-api = { path = \"x\" }\ncalog.workspace = true\nserde = \"1\"\n\n\
                    [dev-dependencies]\ncalog-engine-x = \"1\"\n";
    assert_eq!(depends_on(manifest, "[dependencies]"), ["calog", "calog-plugin-api"].map(String::from).into());
    assert_eq!(depends_on(manifest, "[dev-dependencies]"), ["calog-engine-x".to_owned()].into());
    assert_eq!(depends_on(manifest, "[build-dependencies]"), BTreeSet::new());
    assert!(has_word("an unsafe { block", "unsafe") && !has_word("unsafe_code, Lua's", "unsafe"));
    assert_eq!(without_comment("let a = \"http://x\"; // unsafe"), "let a = \"http://x\"; ");
}

#[test]
fn every_module_says_what_it_is_for() {
    let findings = files(&WITH_CODE, &["rs"]).into_iter().filter(|file| {
        let first = file.text.lines().next().unwrap_or_default();
        first.strip_prefix("//! ").is_none_or(|text| text.len() <= 10)
    });
    none(findings.map(|file| file.path).collect(), "every .rs file begins with a line `//! ...` that says its idea");
}

/// Languages, engines and bundles, present and planned.
const NAMES: [&str; 12] =
    ["lua", "luau", "luajit", "mlua", "quickjs", "rquickjs", "javascript", "squirrel", "basic", "tally", "stats", "js"];

/// Comments may name languages as examples, and so may tests; code that decides or prints may not.
#[test]
fn the_host_names_no_plugin_and_no_language() {
    let mut findings = Vec::new();
    let sources = files(&["host/src"], &["rs"]);
    for File { path, text } in sources.iter().filter(|file| !is_test(&file.path)) {
        for (number, line) in code_of(before_tests(text)) {
            let line = line.to_lowercase();
            if let Some(name) = NAMES.iter().find(|name| has_word(&line, name)) {
                findings.push(format!("{path}:{number}: {name}"));
            }
        }
    }
    none(findings, "the host has no knowledge of any language");
    let manifest = fs::read_to_string(root().join("host/Cargo.toml")).expect("the host's manifest").to_lowercase();
    assert_eq!(NAMES.iter().find(|name| has_word(&manifest, name)), None, "host/Cargo.toml");
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// A file up to its own tests, which stand at its end.
fn before_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// Where code may be unsafe; besides, in the folder `ffi` of each engine.
const MAY_BE_UNSAFE: [&str; 10] = [
    "plugin-api/src/abi/",
    "plugin-api/src/completion.rs",
    "plugin-api/src/export.rs",
    "plugin-api/src/value/block.rs",
    "host/src/plugins/load.rs",
    "host/src/interrupt.rs",
    // A plugin with a root module of its own making, which the loader has to refuse.
    "host/src/plugins/tests/other_root.rs",
    // What C code could do to the host, and what no host can stand.
    "tests/wicked/src/foreign.rs",
    "tests/wicked/src/beyond.rs",
    // What a benchmark compares with: the same by hand, on Lua's own interface.
    "tests/benches/performance/by_hand.rs",
];

fn may_be_unsafe(path: &str) -> bool {
    let of_an_engine = path.starts_with("plugins/") && path.contains("/src/ffi");
    of_an_engine || MAY_BE_UNSAFE.iter().any(|place| path.starts_with(place))
}

#[test]
fn unsafe_code_lives_in_few_places_and_each_says_why_it_is_sound() {
    let (mut strays, mut bare, mut blocks) = (Vec::new(), Vec::new(), 0);
    for File { path, text } in files(&WITH_CODE, &["rs"]) {
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in code_of(&text).filter(|(_, line)| has_word(line, "unsafe")) {
            // This file speaks of it.
            if path == "tests/tests/tidy.rs" {
                continue;
            }
            if !may_be_unsafe(&path) {
                strays.push(format!("{path}:{number}: {}", line.trim()));
            }
            if line.contains("unsafe {") || line.contains("unsafe impl") {
                blocks += 1;
                if !is_justified(&lines, number - 1) {
                    bare.push(format!("{path}:{number}: {}", line.trim()));
                }
            }
        }
    }
    assert!(blocks > 100, "the blocks are found");
    none(strays, "unsafe code lives in the ABI, the value's block, the loader, the signal and ffi folders");
    none(bare, "every unsafe block says why it is sound");
}

/// How far above a block its SAFETY line may begin.
const SAFETY_ABOVE: usize = 4;

/// Whether a SAFETY line stands on the line or shortly above it, or above the statement the line
/// belongs to.
fn is_justified(lines: &[&str], at: usize) -> bool {
    let says = |at: usize| lines[at].contains("SAFETY:");
    if (at.saturating_sub(SAFETY_ABOVE)..=at).any(says) {
        return true;
    }
    // The statement began where the line before ended one.
    let ended = |line: &str| line.is_empty() || line.ends_with([';', '{', '}']);
    let start = (1..=at).rev().find(|&line| ended(without_comment(lines[line - 1]).trim_end())).unwrap_or(0);
    (start.saturating_sub(SAFETY_ABOVE)..=at).any(says)
}

#[test]
fn nothing_is_left_to_be_done_and_no_machine_is_named() {
    // In pieces, so that this file does not find itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|it| it.concat());
    let places =
        [["/ho", "me/"], ["/ro", "ot/"], ["/wo", "rk/"], ["/Us", "ers/"], ["C:", "\\\\"]].map(|it| it.concat());
    let mut findings = Vec::new();
    let all = files(&ROOMS, &["rs", "toml", "md", "lua", "js", "txt", "sh"]);
    let own = |name: &str| File { path: name.into(), text: fs::read_to_string(root().join(name)).unwrap_or_default() };
    for File { path, text } in all.into_iter().chain(["Cargo.toml", "README.md", "CHANGELOG.md"].map(own)) {
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(mark) = marks.iter().find(|mark| has_word(line, mark)) {
                findings.push(format!("{path}:{number}: {mark}"));
            }
            // "me" is nobody.
            let line = line.replace("/home/me/", "");
            if let Some(place) = places.iter().find(|place| line.contains(*place)) {
                findings.push(format!("{path}:{number}: {place}"));
            }
        }
    }
    none(findings, "no marks of unfinished work, no paths of one machine");
}
