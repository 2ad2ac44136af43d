//! Random programs: whatever the text, nothing panics and nothing hangs.

use std::sync::atomic::Ordering;

use calog_plugin_api::mock::{info, printed};
use calog_plugin_api::prelude::*;

use super::Opened;
use super::typed::type_in;

/// Words to make programs of; the ones that make sense together come often.
const WORDS: &[&str] = &[
    "\n",
    "\n",
    ":",
    " ",
    "x",
    "y",
    "f",
    "l",
    "d",
    "c",
    "=",
    "=",
    "(",
    ")",
    "(",
    ")",
    ",",
    ";",
    ".",
    "...",
    "+",
    "-",
    "*",
    "/",
    "^",
    "<",
    ">",
    "<=",
    ">=",
    "<>",
    "1",
    "2",
    "0",
    "1.5",
    "\"a\"",
    "\"\"",
    "NIL",
    "TRUE",
    "FALSE",
    "MOD",
    "AND",
    "OR",
    "NOT",
    "IS",
    "LET",
    "DIM",
    "IF",
    "THEN",
    "ELSEIF",
    "ELSE",
    "ENDIF",
    "FOR",
    "IN",
    "TO",
    "STEP",
    "NEXT",
    "WHILE",
    "WEND",
    "DO",
    "UNTIL",
    "EXIT",
    "GOTO",
    "GOSUB",
    "RETURN",
    "CALL",
    "DEF",
    "ENDDEF",
    "CLASS",
    "ENDCLASS",
    "ME",
    "NEW",
    "VAR",
    "REFLECT",
    "LAMBDA",
    "MEM",
    "TYPE",
    "IMPORT",
    "END",
    "PRINT",
    "INPUT",
    "TRY",
    "CATCH",
    "ENDTRY",
    "LIST",
    "DICT",
    "PUSH",
    "POP",
    "SORT",
    "LEN",
    "GET",
    "SET",
    "REMOVE",
    "CLONE",
    "ITERATOR",
    "MOVE_NEXT",
    "STR",
    "VAL",
    "MID",
    "LEFT",
    "RND",
    "a:",
    "x$",
    "RAISE",
    "test.id",
    "test.later",
    "test.call",
    "test.counter",
    "'",
    "'[",
    "']",
    "REM",
    "0x",
    "\u{e4}",
    "\u{1f600}",
    "\\",
    "\u{201c}",
    "9223372036854775807",
    "INSERT",
    "TO_ARRAY",
    "INDEX_OF",
    "CLEAR",
    "EXISTS",
    "BACK",
    "SQR",
    "CHR",
    "ASC",
];

/// Pieces that are statements, so that programs get past their first line.
const LINES: &[&str] = &[
    "x = 1",
    "y = \"a\"",
    "l = LIST(1, 2, 3)",
    "d = DICT(1, 2)",
    "FOR i = 1 TO 3",
    "NEXT",
    "FOR x IN l",
    "WHILE x < 5",
    "x = x + 1",
    "WEND",
    "IF x THEN",
    "ELSE",
    "ENDIF",
    "DEF f(a, b)",
    "RETURN a",
    "ENDDEF",
    "PRINT x, y;",
    "l(x) = y",
    "d(x) = l",
    "x = l(0)",
    "x = f(x, y)",
    "TRY",
    "CATCH e",
    "ENDTRY",
    "PUSH(l, l)",
    "PUSH(l, d)",
    "SORT(l)",
    "x = d(1)",
    "f = LAMBDA (q) (RETURN q)",
    "CLASS c",
    "VAR m = 1",
    "ENDCLASS",
    "x = NEW(c)",
    "x.m = y",
    "PRINT x.m",
    "GOSUB a",
    "GOTO a",
    "a:",
    "DO",
    "UNTIL x",
    "EXIT",
    "x = test.later(x)",
    "x = test.id(l)",
    "test.call(f, x)",
    "y = y + y",
    "x = -x",
    "x = x / 0",
    "DIM q(3)",
    "q(1) = x",
    "x = CLONE(l)",
    "INPUT y$",
    "x = REFLECT(c)",
];

/// A sequence that is the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Runs a program for a while.
fn survive(code: &str) {
    let opened = Opened::new();
    type_in(&["1", "a"]);
    // A program that does not end by itself is stopped by the first thing it calls, or here: the flag
    // is looked at from the start, so endless programs end at their first jump.
    opened.stop.store(1, Ordering::Relaxed);
    let _ = opened.run(code);
    opened.stop.store(0, Ordering::Relaxed);
    let _ = opened.load(SourceMode::Check, "c", "", code);
    opened.context.is_complete(code);
    printed();
}

/// Runs a program that has no way back, and so ends.
fn run_through(code: &str) {
    let opened = Opened::new();
    type_in(&["1", "a"]);
    let _ = opened.run(code);
    printed();
}

#[test]
fn random_words_are_survived() {
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..6_000 {
        let words = 1 + random.below(40);
        let mut code = String::new();
        for _ in 0..words {
            code += WORDS[random.below(WORDS.len())];
            if random.below(3) > 0 {
                code.push(' ');
            }
        }
        survive(&code);
    }
}

#[test]
fn random_statements_are_survived() {
    let mut random = Random(0xfeed_beef_0123_4567);
    for _ in 0..6_000 {
        let lines = 1 + random.below(25);
        let code: Vec<&str> = (0..lines).map(|_| LINES[random.below(LINES.len())]).collect();
        let code = code.join("\n");
        survive(&code);
        let goes_back = ["WHILE", "DO", "GOTO", "GOSUB", "FOR", "f(", "test.call"].iter().any(|it| code.contains(it));
        if !goes_back {
            run_through(&code);
        }
    }
}

#[test]
fn random_bytes_are_survived() {
    let mut random = Random(0x0dd0_15ea_5e00_0001);
    for _ in 0..5_000 {
        let length = random.below(60);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let opened = Opened::new();
        let info = info(opened.id);
        opened.stop.store(1, Ordering::Relaxed);
        let source = Source { mode: SourceMode::File, name: "f", path: "", text: &bytes, info: &info };
        let _ = opened.context.load(source);
    }
}

#[test]
fn damaged_programs_are_survived() {
    let program = include_str!("sample.bas");
    run_through(program);
    let mut random = Random(0xabcd_ef01_2345_6789);
    for _ in 0..3_000 {
        let mut bytes = program.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = random.below(128) as u8,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, b"()=,:\n\" "[random.below(8)]),
            }
        }
        survive(&String::from_utf8_lossy(&bytes));
    }
}
