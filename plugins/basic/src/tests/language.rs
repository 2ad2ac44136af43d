//! The language, sentence by sentence: programs and what they print.
//!
//! A case is a program and its output; where it ends with an error, the output ends in
//! `!number message @row:column`.

use super::mock::{open, printed, warned};

/// Runs a program; gives what it printed, and how it failed.
fn run(code: &str) -> String {
    let opened = open();
    printed();
    warned();
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

#[test]
fn words_and_literals() {
    check(&[
        ("print 1", "1"),
        ("PrInT 1 : pRiNt 2", "12"),
        ("a = 1\nA = A + 1\nPRINT a", "2"),
        ("zähler = 3 : PRINT ZÄHLER, Zähler", "33"),
        ("a_1 = 4 : PRINT A_1", "4"),
        ("a$ = 5 : a = 6 : PRINT a$, a", "56"),
        ("PRINT 1 ' a comment\nPRINT 2", "12"),
        ("REM nothing : PRINT 1\nPRINT 2", "2"),
        ("PRINT 1 '[ a\nblock ']\nPRINT 2", "12"),
        ("'[ PRINT 0 ']PRINT 2", "2"),
        ("PRINT \"a\\nb\"", "a\\nb"),
        ("PRINT \"one\ntwo\"", "one\ntwo"),
        ("PRINT \u{201c}curly\u{201d}", "curly"),
        ("PRINT \u{201c}a \"b\" c\u{201d}", "a \"b\" c"),
        ("\u{feff}PRINT 1", "1"),
        ("#!/usr/bin/env calog\nPRINT 1", "1"),
        ("PRINT 1\r\nPRINT 2\rPRINT 3", "123"),
        ("PRINT \"a\"\"b\"", "!32 Comma or semicolon expected @1:10"),
        ("x = 1 \\ 2", "!6 Invalid character @1:7"),
        ("x = 1 % 2", "!6 Invalid character @1:7"),
        ("x = 1 & 2", "!6 Invalid character @1:7"),
        ("PRINT 1 == 1", "!37 Operator expected @1:9"),
        ("PRINT \"open", "!15 Invalid string @1:7"),
        ("'[ open", "!27 Incomplete structure @1:1"),
        ("PRINT 12abc", "!11 Syntax error: a number ends in a letter @1:7"),
        ("END = 1", "!30 Colon expected @1:5"),
        ("LET END = 1", "!48 Invalid expression @1:5"),
        ("TRUE = 1", "!25 Cannot assign to reserved word @1:1"),
        ("SIN = 1", "!33 Open bracket expected @1:5"),
        ("FOR SIN = 1 TO 2", "!25 Cannot assign to reserved word @1:5"),
    ]);
    let long = "x".repeat(1000);
    check(&[(&format!("{long} = 1 : PRINT {long}, \"{long}\""), &format!("1{long}"))]);
    shows(&[
        (".5", "0.5"),
        ("1e3", "1000"),
        ("TYPE(1e3)", "REAL"),
        ("0x10", "16"),
        ("0xff", "255"),
        ("017", "15"),
        ("4294967296", "4294967296"),
        ("3000000000", "3000000000"),
        ("9223372036854775807", "9223372036854775807"),
        ("9223372036854775808", "9.22337e+18"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("TYPE(-9223372036854775808)", "INTEGER"),
        ("TRUE", "1"),
        ("FALSE", "0"),
        ("NIL", "NIL"),
        ("TYPE(1.0)", "REAL"),
        ("TYPE(-1.0)", "REAL"),
    ]);
}
