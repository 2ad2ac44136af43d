//! The command `calog-conform`, which plays the conformance kit for an engine of a third party.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use calog_tests::{Folder, build_standalone, plugin_folder, root};

fn languages() -> PathBuf {
    root().join("tests/conformance/languages")
}

fn conform(plugin: &Path, snippets: &Path, more: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_calog-conform"));
    command.arg(plugin).arg("--snippets").arg(snippets).arg("--plugins").arg(plugin_folder()).args(more);
    let Output { status, stdout, stderr } = command.output().expect("the command can be run");
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (status.code().unwrap_or(-1), stdout, stderr)
}

/// The result of a scenario, as the table has it.
fn result<'a>(table: &'a str, scenario: &str) -> &'a str {
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(scenario));
    line.map_or_else(|| panic!("no {scenario} in\n{table}"), |line| line[scenario.len()..].trim_start())
}

#[test]
fn a_small_engine_passes_what_it_offers_and_nothing_else_is_called_passed() {
    let (code, table, said) = conform(&build_standalone("tally"), &languages().join("tally.toml"), &[]);
    assert_eq!(code, 0, "{table}\n{said}");
    // Alone, with four peers in both orders and with itself, on one thread and two.
    assert!(result(&table, "modules/import_file").starts_with("passed       18 of 18"), "{table}");
    assert!(result(&table, "loading/syntax_error").starts_with("passed       1 of 1"), "{table}");
    assert!(result(&table, "waiting/suspends").starts_with("not offered  Tally calls no natives"), "{table}");
    assert!(result(&table, "values/text").starts_with("not offered  Tally knows ints alone"), "{table}");
    let last = table.lines().last().unwrap_or_default();
    assert!(last.contains(" 0 failed, ") && !last.starts_with("0 passed"), "{last}");
}

#[test]
fn an_engine_that_does_something_else_fails() {
    let text = fs::read_to_string(languages().join("lua.toml")).expect("the file of Lua");
    let folder = Folder::new();
    let wrong = folder.write("lua.toml", text.replace("return a + b end)", "return a - b end)"));
    let lua = plugin_folder().join("libcalog_engine_lua.so");
    let (code, table, _) = conform(&lua, &wrong, &["--only", "calls/ar", "--peers", "basic"]);
    assert_eq!(code, 1, "{table}");
    assert!(
        result(&table, "calls/arguments").starts_with("FAILED       lua: step 1: a.add: wanted 5, got -1"),
        "{table}"
    );
    assert!(result(&table, "calls/arguments_left_out").starts_with("passed"), "{table}");
    assert!(table.ends_with("\n1 passed, 1 failed, 0 not offered\n"), "{table}");
}

#[test]
fn a_snippet_that_is_missing_is_a_failure() {
    let folder = Folder::new();
    let few = folder.write("lua.toml", "language = 'lua'\nextension = 'lua'\n");
    let lua = plugin_folder().join("libcalog_engine_lua.so");
    let (code, table, _) = conform(&lua, &few, &["--only", "calls/", "--peers", "lua"]);
    assert_eq!(code, 1, "{table}");
    assert!(
        result(&table, "calls/arguments").contains("no snippet 'add' for lua: write it, or say under [not_offered]"),
        "{table}"
    );
}

/// How a file begins: what is written is played, all else is not offered.
#[test]
fn what_is_not_written_yet_may_be_said_in_one_line() {
    let folder = Folder::new();
    let text = "language = 'lua'\nextension = 'lua'
        not_offered = { '*' = 'not written yet', 'values/*' = 'nor these' }
        [snippets]\nadd = 'calog.export(\"add\", function(a, b) return a + b end)'\n";
    let few = folder.write("lua.toml", text);
    let lua = plugin_folder().join("libcalog_engine_lua.so");
    let (code, table, _) = conform(&lua, &few, &["--peers", "lua"]);
    assert_eq!(code, 0, "{table}");
    assert!(result(&table, "calls/arguments").starts_with("passed"), "{table}");
    assert!(result(&table, "calls/no_result").starts_with("not offered  not written yet"), "{table}");
    assert!(result(&table, "values/text").starts_with("not offered  nor these"), "{table}");
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    let lua = plugin_folder().join("libcalog_engine_lua.so");
    let folder = Folder::with([
        ("text.so", "no library"),
        ("bad.toml", "language = 7\n"),
        ("unknown.toml", "language = 'lua'\nextension = 'lua'\nsnipets = {}\n"),
    ]);
    let lua_file = languages().join("lua.toml");
    for (plugin, snippets, more, says) in [
        (folder.join("text.so"), lua_file.clone(), &[][..], "it is no shared library"),
        (lua.clone(), folder.join("none.toml"), &[], "none.toml: No such file"),
        (lua.clone(), folder.join("bad.toml"), &[], "bad.toml: TOML parse error at line 1"),
        (lua.clone(), folder.join("unknown.toml"), &[], "unknown field `snipets`"),
        (lua.clone(), languages().join("basic.toml"), &[], "offers the languages [\"lua\"]"),
        (lua, lua_file, &["--peers", "cobol"], "the kit has no language 'cobol'"),
    ] {
        let (code, table, said) = conform(&plugin, &snippets, more);
        assert_eq!((code, table.as_str()), (2, ""), "{said}");
        assert!(said.contains(says), "{says}: {said}");
    }
}

#[test]
fn an_engine_that_brings_its_process_down_fails_that_scenario_alone() {
    let text = fs::read_to_string(languages().join("lua.toml")).expect("the file of Lua");
    let folder = Folder::new();
    let dying = "calog.export(\"collect\", function() os.exit(7) end)";
    let crashing = folder
        .write("lua.toml", text.replace("calog.export(\"collect\", function(a, b, c) return { a, b, c } end)", dying));
    let lua = plugin_folder().join("libcalog_engine_lua.so");
    let (code, table, _) = conform(&lua, &crashing, &["--only", "calls/", "--peers", "lua"]);
    assert_eq!(code, 1, "{table}");
    let crashed = result(&table, "calls/order_of_arguments");
    assert!(crashed.starts_with("FAILED       lua: it brought its process down: exit status: 7"), "{table}");
    assert!(result(&table, "calls/no_result").starts_with("passed"), "{table}");
}

/// Every snippet that scenarios need is told of in the kit's README, and none that there is not.
#[test]
fn the_readme_tells_of_every_snippet() {
    let readme = fs::read_to_string(root().join("tests/conformance/README.md")).expect("the README");
    let told = |name: &str| readme.contains(&format!("`{name}`")) || readme.contains(&format!("`{name}("));
    for scenario in calog_tests::conformance::Scenario::all() {
        for snippet in [&scenario.a, &scenario.b, &scenario.c].into_iter().flatten() {
            let name = snippet.split_once(':').map_or(snippet.as_str(), |(template, _)| template);
            assert!(
                name == "nothing" || told(name),
                "the README does not tell of '{name}', which {} needs",
                scenario.name
            );
        }
    }
}
