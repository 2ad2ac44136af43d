//! Every engine of the workspace passes the conformance kit, in every ordered pair.

use calog::SearchPath;
use calog_tests::conformance::{Language, Line, Orders, Scenario, Table, fidelity, run, run_values};
use calog_tests::{plugin_folder, root};

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

#[test]
fn what_cannot_leave_is_refused_or_coerced() {
    let search = SearchPath::of([plugin_folder()]);
    for language in Language::all() {
        let wrong = fidelity::check_refused(&search, &language).expect("it can be asked");
        assert!(wrong.is_empty(), "{}: {wrong:#?}", language.language);
    }
}

/// `CALOG_WRITE=1` writes the page instead.
#[test]
fn the_page_of_fidelity_is_what_the_engines_do() {
    let search = SearchPath::of([plugin_folder()]);
    let page = fidelity::page(&search, &Language::all()).expect("the engines can be asked");
    let path = root().join("docs/fidelity.md");
    if std::env::var_os("CALOG_WRITE").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(&path).expect("the page can be read");
    assert!(page == written, "docs/fidelity.md is not what the engines do; CALOG_WRITE=1 writes it:\n{page}");
}
