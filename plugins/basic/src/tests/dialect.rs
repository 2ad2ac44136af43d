//! The language, construct by construct: every sentence of the dialect's description has a program in
//! `dialect/*.bas` that shows it, with what it prints.
//!
//! A line `'### ...` begins a program and quotes the sentence. Behind the program's own lines come
//! those of what it does: `'> ` a line that it prints, `'! ` the error it ends with as
//! `number message @row:column`, `'? ` a warning, `'< ` a line that INPUT reads.

use std::fs;
use std::path::{Path, PathBuf};

use calog_plugin_api::mock::{logged, printed};
use calog_plugin_api::{Error, SourceMode};

use super::Opened;
use super::typed::type_in;

/// A program, and what it does.
#[derive(Default)]
struct Case {
    title: String,
    code: String,
    input: Vec<String>,
    does: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/dialect")
}

/// The programs of a file. What stands before the first says what they are about.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("'### ") {
            cases.push(Case { title: title.to_owned(), ..Case::default() });
        } else if let Some(case) = cases.last_mut() {
            match line.get(..2) {
                Some("'<") => case.input.push(line[2..].trim_start().to_owned()),
                Some("'>" | "'!" | "'?") => case.does.push(line.trim_end().to_owned()),
                _ => case.code += &format!("{line}\n"),
            }
        }
    }
    cases.iter_mut().for_each(|case| case.code.truncate(case.code.trim_end().len()));
    cases
}

/// What a program did, in the form in which the files say it.
fn run(case: &Case, file: &Path) -> Vec<String> {
    let opened = Opened::new();
    printed();
    logged();
    type_in(&case.input.iter().map(String::as_str).collect::<Vec<_>>());
    let result = opened.load(SourceMode::File, "main.bas", &file.to_string_lossy(), &case.code);
    let mut does: Vec<String> = printed().lines().map(|line| format!("'> {line}").trim_end().to_owned()).collect();
    does.extend(logged().iter().map(|line| format!("'? {}", line.trim_start_matches("main.bas:"))));
    does.extend(result.err().map(|error| format!("'! {}", said(&error))));
    does
}

fn said(error: &Error) -> String {
    let frame = error.frames().find(|it| it.language == "basic").unwrap_or_default();
    let message = error.message().into_owned();
    let text = match message.rsplit_once(" (error ") {
        Some((text, number)) => format!("{} {text}", number.trim_end_matches(')')),
        None => format!("{} {message}", error.code()),
    };
    format!("{text} @{}:{}", frame.line, frame.column)
}

#[test]
fn every_sentence_of_the_description_has_a_program_that_shows_it() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder()).expect("the programs").map(|it| it.expect("a file").path()).collect();
    files.sort();
    let (mut count, mut wrong) = (0, String::new());
    for file in files.iter().filter(|it| it.extension().is_some_and(|it| it == "bas")) {
        for case in cases(&fs::read_to_string(file).expect("a text")) {
            count += 1;
            let does = run(&case, file);
            if does != case.does {
                let name = file.file_name().unwrap_or_default().display();
                wrong += &format!(
                    "--- {name}: {}\n{}wanted\n{}\ngot\n{}\n",
                    case.title,
                    case.code,
                    case.does.join("\n"),
                    does.join("\n")
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 150, "only {count} programs were found");
}
