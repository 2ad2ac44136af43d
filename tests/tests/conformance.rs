//! Every engine of the workspace passes the conformance kit, in every ordered pair.

use calog::SearchPath;
use calog_tests::conformance::{Language, Line, Orders, Scenario, Table, run, run_values};
use calog_tests::plugin_folder;

/// Plays every scenario with a language, and as the first of every pair. `CALOG_SCENARIO=calls/` is
/// for those alone whose name has it.
fn conforms(language: &str) {
    let languages = Language::all();
    let subject = Language::named(language).expect("a language of the workspace");
    let search = SearchPath::of([plugin_folder()]);
    let only = std::env::var("CALOG_SCENARIO").unwrap_or_default();
    let play = |scenario: &Scenario| run(&search, scenario, &subject, &languages, Orders::SubjectFirst);
    let scenarios = Scenario::all();
    let mut lines: Vec<Line> = scenarios.iter().filter(|it| it.name.contains(&only)).map(play).collect();
    lines.extend(run_values(&search, &subject, &languages, Orders::SubjectFirst));
    lines.retain(|line| line.result() == "FAILED");
    assert!(lines.is_empty(), "{language}\n{}", Table(&lines));
}

#[test]
fn lua_conforms() {
    conforms("lua");
}

#[test]
fn javascript_conforms() {
    conforms("javascript");
}

#[test]
fn squirrel_conforms() {
    conforms("squirrel");
}

#[test]
fn basic_conforms() {
    conforms("basic");
}
