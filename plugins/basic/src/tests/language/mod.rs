//! The language, sentence by sentence: programs and what they print.
//!
//! A case is a program and its output; where it ends with an error, the output ends in
//! `!number message @row:column`.
use calog_plugin_api::mock::{logged, printed};

use super::Opened;

mod collections;
mod errors;
mod functions;
mod routines;
mod statements;
mod words;

/// Runs a program; gives what it printed, and how it failed.
fn run(code: &str) -> String {
    let opened = Opened::new();
    printed();
    logged();
    let result = opened.run(code);
    let mut output = printed();
    if let Err(error) = result {
        let frame = error.frames().next().unwrap_or_default();
        let message = error.message().into_owned();
        let text = match message.rsplit_once(" (error ") {
            Some((text, number)) => format!("{} {text}", number.trim_end_matches(')')),
            None => format!("{} {message}", error.code()),
        };
        output += &format!("!{text} @{}:{}", frame.line, frame.column);
    }
    output
}

/// Fails with all cases that are not as they should be.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (code, wanted) in cases {
        let got = run(code);
        if got != *wanted {
            wrong += &format!("--- {code}\n  wanted {wanted:?}\n  got    {got:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The same for single expressions, which are printed.
#[track_caller]
fn shows(cases: &[(&str, &str)]) {
    let programs: Vec<String> = cases.iter().map(|(expression, _)| format!("PRINT {expression}")).collect();
    let cases: Vec<(&str, &str)> =
        programs.iter().zip(cases).map(|(code, (_, wanted))| (code.as_str(), *wanted)).collect();
    check(&cases);
}
