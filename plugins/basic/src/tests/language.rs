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
        ("FOR SIN = 1 TO 2", "!25 Cannot assign to reserved word: SIN @1:5"),
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

#[test]
fn types_and_arithmetic() {
    shows(&[
        ("1 + 2", "3"),
        ("4 / 2", "2"),
        ("TYPE(4 / 2)", "INTEGER"),
        ("7 / 2", "3.5"),
        ("TYPE(1.5 + 1.5)", "INTEGER"),
        ("TYPE(1.5)", "REAL"),
        ("TYPE((1.0))", "REAL"),
        ("TYPE(-(1.0))", "INTEGER"),
        ("9223372036854775807 + 1", "9.22337e+18"),
        ("TYPE(9223372036854775807 + 1)", "REAL"),
        ("9223372036854775807 + 0", "9223372036854775807"),
        ("9223372036854775807 * 2", "1.84467e+19"),
        ("0 - 9223372036854775807 - 2", "-9.22337e+18"),
        ("-(-9223372036854775808)", "9.22337e+18"),
        ("4611686018427387904 * 2", "9.22337e+18"),
        ("TYPE(1e300 * 1e300)", "REAL"),
        ("1e300 * 1e300", "inf"),
        ("-7 MOD 3", "-1"),
        ("7 MOD -3", "1"),
        ("5.5 MOD 2", "1"),
        ("-9223372036854775808 MOD -1", "0"),
        ("1 / 0", "inf"),
        ("-1 / 0", "inf"),
        ("0 / 0", "nan"),
        ("1 MOD 0", "inf"),
        ("2 ^ 10", "1024"),
        ("3 ^ 39", "4052555153018976267"),
        ("2 ^ -1", "0.5"),
        ("2 ^ 0.5", "1.41421"),
        ("2 ^ 64", "1.84467e+19"),
        ("\"a\" + \"b\"", "ab"),
        ("\"a\" + 1", "!18 String expected @1:11"),
        ("1 + \"a\"", "!18 String expected @1:9"),
        ("\"a\" - \"b\"", "!14 Unexpected type @1:11"),
        ("\"a\" - 1", "!14 Unexpected type @1:11"),
        ("\"a\" * 2", "!14 Unexpected type @1:11"),
        ("-\"a\"", "!14 Unexpected type @1:7"),
        ("LIST() + 1", "!14 Unexpected type @1:14"),
        ("NIL + 1", "1"),
        ("TRUE + TRUE", "2"),
        ("TRUE * 5", "5"),
        ("5 = \"5\"", "0"),
        ("NIL = 0", "0"),
        ("NIL = NIL", "1"),
        ("1 = 1.0", "1"),
        ("TRUE = 1", "1"),
        ("9007199254740993 = 9007199254740992.0", "0"),
        ("\"a\" < \"b\"", "1"),
        ("\"B\" < \"a\"", "1"),
        ("\"a\" < \"ab\"", "1"),
        ("\"10\" < \"9\"", "1"),
        ("NIL < 1", "1"),
        ("1 < \"\"", "1"),
        ("1 <> 2", "1"),
        ("2 >= 2", "1"),
        ("2 <= 1", "0"),
        ("LIST() < LIST()", "!14 Unexpected type @1:14"),
        ("LIST() = LIST()", "0"),
        ("nothing", "0"),
        ("nothing + 1", "1"),
        ("nothing = 0", "1"),
        ("TYPE(nothing)", "INTEGER"),
        ("TYPE(1)", "INTEGER"),
        ("TYPE(TRUE)", "INTEGER"),
        ("TYPE(\"s\")", "STRING"),
        ("TYPE(NIL)", "NIL"),
        ("TYPE(LIST())", "LIST"),
        ("TYPE(DICT())", "DICT"),
        ("TYPE(ITERATOR(LIST()))", "LIST_IT"),
        ("TYPE(ITERATOR(DICT()))", "DICT_IT"),
        ("TYPE(LAMBDA () ())", "ROUTINE"),
        ("TYPE(TYPE(1))", "TYPE"),
        ("TYPE(\"INT\") = TYPE(1)", "1"),
        ("TYPE(\"integer\") = TYPE(1)", "1"),
        ("TYPE(INDEX_OF(LIST(), 1)) = TYPE(\"UNKNOWN\")", "1"),
        ("TYPE(sync) = TYPE(1)", "1"),
        ("TYPE(test.id)", "ROUTINE"),
        ("TYPE(test.counter())", "USERTYPE"),
    ]);
    check(&[
        ("x = \"a\" < \"b\" : PRINT x", "1"),
        ("IF \"\" THEN PRINT 1 ELSE PRINT 2", "1"),
        ("IF 0.0 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF NIL THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF nothing THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF 0.5 THEN PRINT 1 ELSE PRINT 2", "1"),
        ("IF LIST() THEN PRINT 1 ELSE PRINT 2", "1"),
        ("a = LIST(1) : b = a : PUSH(b, 2) : PRINT LEN(a), a = b", "21"),
        ("a = 1.0 : b = a : PRINT TYPE(b)", "REAL"),
        ("l = LIST(1.0) : PRINT TYPE(l(0))", "REAL"),
    ]);
}

#[test]
fn division_by_zero_warns_and_goes_on() {
    assert_eq!(run("x = 1 / 0\ny = 2 MOD 0\nPRINT \"on\""), "on");
    assert_eq!(warned(), ["main.bas:1:7: Divide by zero", "main.bas:2:7: Divide by zero"]);
    assert_eq!(run("l = LIST()\nPRINT POP(l), BACK(l)"), "NILNIL");
    assert_eq!(warned(), ["main.bas:2:7: Empty collection", "main.bas:2:15: Empty collection"]);
}

#[test]
fn operators_and_their_ranks() {
    shows(&[
        ("2 ^ 3 ^ 2", "64"),
        ("-2 ^ 2", "4"),
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("8 MOD 5 * 2", "8"),
        ("10 MOD 4 + 1", "3"),
        ("2 * 3 ^ 2", "18"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 5", "2"),
        ("1 + 1 = 2", "1"),
        ("NOT 1 = 2", "0"),
        ("NOT (1 = 2)", "1"),
        ("NOT 0", "1"),
        ("NOT NOT 5", "1"),
        ("- -3", "3"),
        ("1 OR 0 AND 0", "0"),
        ("0 AND 0 OR 1", "1"),
        ("1 AND 2", "1"),
        ("1 < 2 AND 2 < 3", "1"),
        ("3 > 2 > 1", "!48 Invalid expression: comparisons cannot be chained @1:13"),
        ("1 +", "!48 Invalid expression @1:10"),
        ("* 2", "!48 Invalid expression @1:7"),
        ("(1", "!34 Close bracket expected @1:9"),
        ("1)", "!48 Invalid expression @1:8"),
    ]);
    check(&[
        // Both sides are evaluated.
        (
            "DEF a()\nPRINT \"a\"\nRETURN 0\nENDDEF\nDEF b()\nPRINT \"b\"\nRETURN 1\nENDDEF\nx = a() AND b()\nx = b() OR a()",
            "abba",
        ),
        ("x = 5\nDEF change()\nx = 7\nRETURN 1\nENDDEF\nPRINT x + change()", "6"),
    ]);
}

#[test]
fn print_and_input() {
    check(&[
        ("PRINT 1, 2, 3", "123"),
        ("PRINT 1; 2; 3", "1\n2\n3"),
        ("PRINT 1;", "1\n"),
        ("PRINT ;", "\n"),
        ("PRINT", ""),
        ("PRINT 1, ;", "1\n"),
        ("PRINT 1;; : PRINT 2", "1\n\n2"),
        ("PRINT 1 2", "!32 Comma or semicolon expected @1:9"),
        ("PRINT -0.5, 1e6, 123456789.5", "-0.51e+061.23457e+08"),
        ("PRINT LIST(1), DICT(), NIL, TYPE(1)", "LISTDICTNILINTEGER"),
        ("DIM a(2) : PRINT a", "ARRAY"),
        ("DIM a$(2) : PRINT a$(0)", "(EMPTY)"),
        ("DEF f()\nENDDEF\nPRINT f", "ROUTINE"),
        ("PRINT ITERATOR(LIST()), ITERATOR(DICT())", "LIST_ITDICT_IT"),
        ("PRINT test.counter()", "USERTYPE"),
        ("CLASS c\nENDCLASS\nPRINT c, NEW(c)", "CLASSCLASS"),
        (
            "CLASS c\nVAR n = 1\nDEF to_string()\nRETURN \"c\" + STR(n)\nENDDEF\nENDCLASS\nx = NEW(c)\nx.n = 5\nPRINT x, c",
            "c5c1",
        ),
    ]);
    for (lines, code, wanted) in [
        (&["12"][..], "INPUT x\nPRINT x + 1", "13"),
        (&["1.5"], "INPUT \"how much? \", x\nPRINT x", "how much? 1.5"),
        (&[" -0x10 "], "INPUT x : PRINT x", "-16"),
        (&["Ada"], "INPUT \"?\", name$\nPRINT name$", "?Ada"),
        (&["12"], "INPUT n$\nPRINT TYPE(n$)", "STRING"),
        (&["a", "b"], "DIM a$(2)\nINPUT a$(0)\nINPUT a$(1)\nPRINT a$(0), a$(1)", "ab"),
        (&["x"], "INPUT\nPRINT 1", "1"),
        (&["one"], "INPUT x", "!17 Number expected @1:1"),
        (&["1"], "INPUT x\nINPUT y\nPRINT x, y", "1NIL"),
        (&[], "INPUT 5", "!19 Variable expected @1:7"),
        (&[], "INPUT \"a\" x", "!31 Comma expected @1:11"),
    ] {
        super::mock::type_in(lines);
        assert_eq!(run(code), wanted, "{code}");
    }
}

#[test]
fn conditions() {
    check(&[
        ("IF 1 THEN PRINT 1", "1"),
        ("IF 0 THEN PRINT 1\nPRINT 2", "2"),
        ("IF 0 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF 0 THEN PRINT 1 : PRINT 3 ELSE PRINT 2 : PRINT 4", "24"),
        ("IF 1 THEN PRINT 1 : PRINT 3 ELSE PRINT 2 : PRINT 4", "13"),
        ("x = 2\nIF x = 1 THEN PRINT 1 ELSEIF x = 2 THEN PRINT 2 ELSE PRINT 3", "2"),
        ("x = 3\nIF x = 1 THEN PRINT 1 ELSEIF x = 2 THEN PRINT 2 ELSE PRINT 3", "3"),
        ("IF 1 THEN\nPRINT 1\nENDIF", "1"),
        ("IF 0 THEN\nPRINT 1\nELSE\nPRINT 2\nENDIF", "2"),
        (
            "x = 3\nIF x = 1 THEN\nPRINT 1\nELSEIF x = 2 THEN\nPRINT 2\nELSEIF x = 3 THEN\nPRINT 3\nELSE\nPRINT 4\nENDIF\nPRINT 5",
            "35",
        ),
        ("IF 1 THEN\nIF 0 THEN\nPRINT 1\nELSE\nPRINT 2\nENDIF\nENDIF", "2"),
        ("IF 1 THEN IF 0 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("FOR i = 1 TO 3 : IF i = 2 THEN PRINT \"x\" ELSE PRINT i\nNEXT", "1x3"),
        ("IF 1 PRINT 1", "!39 THEN statement expected @1:6"),
        ("IF 1 THEN\nPRINT 1", "!41 ENDIF statement expected @2:8"),
        ("IF 1 < 2 THEN PRINT 1", "1"),
        ("IF 1 > 2 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF 1 >= 1 THEN PRINT 1", "1"),
        ("IF 1 <= 0 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("IF 1 <> 1 THEN PRINT 1 ELSE PRINT 2", "2"),
        ("x = 2.5\nIF x < 3 THEN PRINT 1\nIF x = 2 THEN PRINT 2", "1"),
        ("IF SQR(-1) < 1 THEN PRINT 1 ELSE PRINT 2", "2"),
    ]);
}

#[test]
fn loops() {
    check(&[
        ("FOR i = 1 TO 3\nPRINT i\nNEXT", "123"),
        ("FOR i = 1 TO 3\nPRINT i\nNEXT i", "123"),
        ("FOR i = 1 TO 3\nNEXT j", "!45 Loop variable expected @2:6"),
        ("FOR i = 3 TO 1\nPRINT i\nNEXT\nPRINT i", "3"),
        ("FOR i = 3 TO 1 STEP -1\nPRINT i\nNEXT", "321"),
        ("FOR i = 1 TO 100\nNEXT\nPRINT i", "101"),
        ("FOR i = 0 TO 1 STEP 0.5\nPRINT i, \" \"\nNEXT", "0 0.5 1 "),
        ("FOR i = 1 TO 3 : PRINT i : NEXT", "123"),
        ("FOR i = 1 TO 2\nFOR j = 1 TO 2\nPRINT i, j, \" \"\nNEXT\nNEXT", "11 12 21 22 "),
        ("FOR i = 1 TO 5\ni = i + 1\nPRINT i\nNEXT", "246"),
        ("FOR i = 9223372036854775806 TO 9223372036854775807\nPRINT \"x\"\nNEXT", "xx"),
        ("FOR i = 1 TO \"a\"\nNEXT", "!17 Number expected @1:1"),
        ("FOR i = 1 3\nNEXT", "!42 TO statement expected @1:11"),
        ("FOR i = 1 TO 3", "!43 NEXT statement expected @1:15"),
        ("FOR 1 = 1 TO 3\nNEXT", "!45 Loop variable expected @1:5"),
        ("DEF f()\nFOR i = 1 TO 3\nPRINT i\nNEXT\nPRINT i\nENDDEF\nf()", "1234"),
        ("DEF f()\nFOR i = 1 TO 3\nPRINT i\nNEXT\nENDDEF\ni = 9\nf()\nPRINT i", "1234"),
        ("FOR x IN LIST(1, 2, 3)\nPRINT x\nNEXT", "123"),
        ("FOR x IN LIST(3 TO 1)\nPRINT x\nNEXT x", "321"),
        ("FOR k IN DICT(\"a\", 1, \"b\", 2)\nPRINT k\nNEXT", "ab"),
        ("l = LIST(1, 2)\nFOR x IN l\nIF x = 1 THEN PUSH(l, 3)\nPRINT x\nNEXT", "123"),
        ("d = DICT(1, 1, 2, 2)\nFOR k IN d\nREMOVE(d, k)\nNEXT\nPRINT LEN(d)", "0"),
        ("FOR x IN 5\nNEXT", "!64 Iterable expected @1:1"),
        ("FOR x IN LIST()\nPRINT 1\nNEXT\nPRINT 2", "2"),
        ("i = 0\nWHILE i < 3\ni = i + 1\nPRINT i\nWEND", "123"),
        ("WHILE 0\nPRINT 1\nWEND\nPRINT 2", "2"),
        ("WHILE 1\nPRINT 1", "!27 Incomplete structure: WEND is missing @2:8"),
        ("i = 0\nDO\ni = i + 1\nPRINT i\nUNTIL i = 3", "123"),
        ("DO\nPRINT 1\nUNTIL 1", "1"),
        ("DO\nPRINT 1", "!44 UNTIL statement expected @2:8"),
        ("FOR i = 1 TO 9\nIF i = 3 THEN EXIT\nPRINT i\nNEXT\nPRINT \"e\"", "12e"),
        ("FOR i = 1 TO 2\nWHILE 1\nEXIT\nWEND\nPRINT i\nNEXT", "12"),
        ("FOR x IN LIST(1, 2, 3)\nIF x = 2 THEN EXIT\nPRINT x\nNEXT", "1"),
        ("DO\nEXIT\nUNTIL 0\nPRINT 1", "1"),
        ("EXIT", "!11 Syntax error: EXIT outside of a loop @1:1"),
        ("FOR i = 1 TO 2 : IF i = 1 THEN PRINT \"a\" : NEXT", "a"),
    ]);
}

#[test]
fn jumps() {
    check(&[
        ("GOTO there\nPRINT 1\nthere:\nPRINT 2", "2"),
        ("i = 0\nagain:\ni = i + 1\nPRINT i\nIF i < 3 THEN GOTO again", "123"),
        ("here: PRINT 1", "1"),
        ("GOSUB sub\nPRINT 2\nEND\nsub:\nPRINT 1\nRETURN", "12"),
        ("GOSUB a\nEND\na:\nPRINT 1\nGOSUB b\nPRINT 3\nRETURN\nb:\nPRINT 2\nRETURN", "123"),
        ("PRINT 1\nEND\nPRINT 2", "1"),
        ("GOTO nowhere", "!28 Label does not exist: NOWHERE @1:1"),
        ("GOTO 10", "!46 Jump label expected @1:6"),
        ("GOSUB", "!46 Jump label expected @1:6"),
        ("a:\na:", "!26 Duplicate identifier @2:1"),
        ("RETURN", "!29 No return point @1:1"),
        ("RETURN 1", "!29 No return point @1:1"),
        (
            "GOSUB a\nEND\na: RETURN\nDEF f()\nENDDEF",
            "!52 Cannot mix instructional and structured sub routines: the other is at row 1, column 1 @4:1",
        ),
        (
            "DEF f()\nENDDEF\nGOTO a\na:",
            "!52 Cannot mix instructional and structured sub routines: the other is at row 1, column 1 @3:1",
        ),
        ("FOR i = 1 TO 5\nIF i = 3 THEN GOTO out\nPRINT i\nNEXT\nout:\nPRINT \"o\"", "12o"),
        ("DEF f()\nPRINT 1\nEND\nENDDEF\nf()\nPRINT 2", "1"),
        ("END: PRINT 1", ""),
        (
            "n = 0\ndown:\nn = n + 1\nIF n < 500 THEN GOSUB down : RETURN\nIF n = 500 THEN n = 501 : PRINT \"deep\"\n",
            "deep",
        ),
    ]);
}

#[test]
fn arrays() {
    check(&[
        ("DIM a(3)\na(0) = 1\na(2) = 5\nPRINT a(0), a(1), a(2), LEN(a)", "1053"),
        ("DIM a(2, 3)\na(1, 2) = 7\nPRINT a(1, 2), a(0, 0), LEN(a)", "706"),
        ("DIM a(2, 2, 2, 2)\na(1, 1, 1, 1) = 1\nPRINT LEN(a), a(1, 1, 1, 1)", "161"),
        ("DIM a(2, 2, 2, 2, 2)", "!22 Too many dimensions @1:5"),
        ("DIM a(3), b(2)\nPRINT LEN(a), LEN(b)", "32"),
        ("DIM a(3)\nPRINT a(3)", "!20 Index out of bound @2:7"),
        ("DIM a(3)\nPRINT a(-1)", "!20 Index out of bound @2:7"),
        ("DIM a(3)\na(5) = 1", "!20 Index out of bound @2:1"),
        ("DIM a(3)\nPRINT a(0, 0)", "!23 Rank out of bound @2:7"),
        ("DIM a(0)", "!20 Index out of bound @1:5"),
        ("DIM a(3)\nPRINT a(\"x\")", "!16 Integer expected @2:7"),
        ("DIM a(3)\na(1.9) = 4\nPRINT a(1)", "4"),
        ("DIM s$(2)\ns$(0) = \"x\"\nPRINT s$(0), s$(1)", "x(EMPTY)"),
        ("DIM s$(2)\ns$(0) = 5", "!18 String expected @2:1"),
        ("DIM a(2)\na(0) = \"text\"\na(1) = LIST(1)\nPRINT a(0), a(1)(0)", "text1"),
        ("DIM a(2)\nb = a\nb(0) = 3\nPRINT a(0)", "3"),
        ("DIM 5", "!19 Variable expected @1:5"),
        ("DIM a", "!33 Open bracket expected @1:6"),
        ("n = 3\nDIM a(n * 2)\nPRINT LEN(a)", "6"),
        ("DEF f()\nDIM a(4)\na(1) = 2\nRETURN a\nENDDEF\nx = f()\nPRINT LEN(x), x(1)", "42"),
        ("x(0) = 1", "!24 Invalid identifier usage @1:1"),
    ]);
}

#[test]
fn routines() {
    check(&[
        ("DEF add(a, b)\nRETURN a + b\nENDDEF\nPRINT add(1, 2)", "3"),
        ("DEF f()\nENDDEF\nPRINT f()", "NIL"),
        ("DEF f()\nRETURN\nPRINT 1\nENDDEF\nPRINT f()", "NIL"),
        ("DEF f(a)\na = a + 1\nRETURN a\nENDDEF\na = 1\nPRINT f(5), a", "61"),
        ("x = 5\nDEF f()\nx = x + 1\nENDDEF\nf()\nPRINT x", "6"),
        ("DEF f()\nx = 5\nENDDEF\nx = 1\nf()\nPRINT x", "5"),
        ("DEF f()\ny = 5\nRETURN y\nENDDEF\nPRINT f(), y", "50"),
        ("x = 1\nDEF f()\nVAR x = 5\nx = x + 1\nRETURN x\nENDDEF\nPRINT f(), x", "61"),
        ("DEF f()\nIF 0 THEN x = 1\nRETURN x\nENDDEF\nPRINT f()", "0"),
        // Whether it is a global is decided when the assignment runs.
        ("DEF f()\nx = 5\nRETURN x\nENDDEF\nPRINT f(), x\nx = 1\nPRINT f(), x", "5055"),
        ("DEF f(n)\nVAR k = n\nIF n > 0 THEN f(n - 1)\nPRINT k\nENDDEF\nf(3)", "0123"),
        ("DEF f(n)\nk = n\nIF n > 0 THEN f(n - 1)\nPRINT k\nENDDEF\nf(3)", "0123"),
        ("DEF f(n)\nIF n = 0 THEN RETURN 0\nRETURN 1 + f(n - 1)\nENDDEF\nPRINT f(2000)", "2000"),
        ("DEF f(n)\nIF n = 0 THEN RETURN 0\nRETURN 1 + f(n - 1)\nENDDEF\nPRINT f(50000)", "50000"),
        ("DEF f(a, b)\nPRINT b, b + 1\nENDDEF\nf(1)", "NIL1"),
        ("DEF f(a)\nENDDEF\nf(1, 2)", "!34 Close bracket expected: F takes 1 arguments, not 2 @3:1"),
        ("DEF f(a, ...)\nPRINT LEN(...)\nx = ...\ny = ...\nPRINT x, y, LEN(...), ...\nENDDEF\nf(1, 2, 3)", "2230NIL"),
        ("DEF f(...)\nRETURN LEN(...)\nENDDEF\nPRINT f(), f(1, 2, 3)", "03"),
        // A routine that is defined further down needs CALL.
        ("DEF a()\nRETURN CALL b()\nENDDEF\nDEF b()\nRETURN 7\nENDDEF\nPRINT a()", "7"),
        ("DEF a()\nCALL b(1)\nENDDEF\nDEF b(x)\nPRINT x\nENDDEF\na()", "1"),
        ("DEF a()\nRETURN b()\nENDDEF\nDEF b()\nRETURN 7\nENDDEF\nPRINT a()", "!24 Invalid identifier usage @2:8"),
        ("DEF a()\nb()\nENDDEF\nDEF b()\nENDDEF\na()", "!38 Assign operator expected @2:1"),
        ("CALL f()\nDEF f()\nENDDEF", "!53 Invalid routine @1:1"),
        ("f()\nDEF f()\nENDDEF", "!38 Assign operator expected @1:1"),
        ("x = f()\nDEF f()\nENDDEF", "!24 Invalid identifier usage @1:5"),
        ("g()", "!38 Assign operator expected @1:1"),
        ("x = g()", "!24 Invalid identifier usage @1:5"),
        ("x = 5\nPRINT x(1)", "!24 Invalid identifier usage: a INTEGER cannot be called or indexed @2:7"),
        ("DEF f()\nRETURN 3\nENDDEF\ng = f\nPRINT g()", "3"),
        ("DEF f()\nRETURN 3\nENDDEF\ng = CALL(f)\nPRINT g(), g = f", "31"),
        ("DEF f(n)\nRETURN n\nENDDEF\nCALL f(1)\nPRINT CALL f(2)", "2"),
        ("DEF f(g)\nRETURN g(2)\nENDDEF\nDEF double(x)\nRETURN x * 2\nENDDEF\nPRINT f(double)", "4"),
        ("l = LIST()\nDEF f()\nRETURN 9\nENDDEF\nPUSH(l, f)\nPRINT l(0)()", "9"),
        ("DEF f()\nDEF g()\nENDDEF\nENDDEF", "!53 Invalid routine: a DEF inside of another @2:1"),
        ("DEF f()\nENDDEF\nDEF f()\nENDDEF", "!55 Duplicate routine @3:1"),
        ("DEF f(a, a)\nENDDEF", "!26 Duplicate identifier @1:10"),
        ("DEF f(\nENDDEF", "!25 Cannot assign to reserved word: ENDDEF @2:1"),
        ("DEF f()\nPRINT 1", "!27 Incomplete structure @2:8"),
        ("DEF sin(x)\nENDDEF", "!25 Cannot assign to reserved word: sin @1:5"),
        (
            "DEF even(n)\nIF n = 0 THEN RETURN TRUE\nRETURN CALL odd(n - 1)\nENDDEF\nDEF odd(n)\nIF n = 0 THEN RETURN FALSE\nRETURN even(n - 1)\nENDDEF\nPRINT even(10), odd(10)",
            "10",
        ),
        ("DEF f()\nRETURN LIST(1, 2)\nENDDEF\nPRINT f()(1)", "2"),
        ("x = 1\nDEF f()\nFOR i = 1 TO 2\nx = x + i\nNEXT\nENDDEF\nf()\nPRINT x", "4"),
        ("DEF f(x) : RETURN x : ENDDEF : PRINT f(3)", "3"),
    ]);
}

#[test]
fn lambdas() {
    check(&[
        ("f = LAMBDA (x) (RETURN x * 2)\nPRINT f(4)", "8"),
        ("f = LAMBDA (x, y) (\nz = x + y\nRETURN z\n)\nPRINT f(1, 2)", "3"),
        ("PRINT (LAMBDA (x) (RETURN x + 1))(4)", "5"),
        ("d = DICT(\"f\", LAMBDA (x) (RETURN x * 3))\nPRINT d(\"f\")(7)", "21"),
        ("l = LIST(LAMBDA (x) (RETURN x + 1))\nPRINT l(0)(1)", "2"),
        ("d = DICT(\"k\", LAMBDA (x) (RETURN x))\nf = d(\"k\") : PRINT f(1)", "1"),
        ("f = LAMBDA () ()\nPRINT f()", "NIL"),
        ("n = 1\nf = LAMBDA () (n = n + 1)\nf()\nf()\nPRINT n", "3"),
        (
            "DEF counter()\nn = 0\nRETURN LAMBDA () (\nn = n + 1\nRETURN n\n)\nENDDEF\na = counter()\nb = counter()\nPRINT a(), a(), b(), a()",
            "1213",
        ),
        ("DEF make(n)\nRETURN LAMBDA (x) (RETURN x + n)\nENDDEF\nadd = make(10)\nPRINT add(5)", "15"),
        ("DEF make(n)\nf = LAMBDA () (RETURN n)\nn = n + 1\nRETURN f\nENDDEF\ng = make(1)\nPRINT g()", "2"),
        (
            "DEF f()\nn = 1\ntake = LAMBDA () (RETURN n)\ngive = LAMBDA (x) (n = x)\ngive(7)\nRETURN take()\nENDDEF\nPRINT f()",
            "7",
        ),
        ("f = LAMBDA (a) (RETURN LAMBDA (b) (RETURN LAMBDA (c) (RETURN a + b + c)))\nPRINT f(1)(2)(3)", "6"),
        ("f = LAMBDA (x) (IF x THEN RETURN 1 ELSE RETURN 2)\nPRINT f(1), f(0)", "12"),
        ("f = LAMBDA (...) (RETURN LEN(...))\nPRINT f(1, 2)", "2"),
        ("f = LAMBDA (x) (FOR i = 1 TO x : PRINT i : NEXT)\nf(3)", "123"),
        ("f = LAMBDA (x) (PRINT x)\nf(1, 2)", "!34 Close bracket expected: the lambda takes 1 arguments, not 2 @2:1"),
        ("f = LAMBDA x (RETURN 1)", "!60 Invalid lambda @1:12"),
        ("f = LAMBDA (x) RETURN 1", "!60 Invalid lambda @1:16"),
        ("f = LAMBDA (x) (RETURN 1", "!34 Close bracket expected @1:25"),
        ("f = LAMBDA (i) (\nagain:\ni = i + 1\nIF i < 5 THEN GOTO again\nRETURN i\n)\nPRINT f(0)", "5"),
        ("PRINT (LAMBDA (x) (\nRETURN x ^ 2 ' squared\n))(3)", "9"),
        ("fact = LAMBDA (n) (IF n < 2 THEN RETURN 1 ELSE RETURN n * fact(n - 1))\nPRINT fact(10)", "3628800"),
        // A name that only the lambda uses is its own.
        ("f = LAMBDA () (t = 5 : RETURN t)\nPRINT f(), t", "50"),
        ("DEF g()\nf = LAMBDA () (VAR n = 5 : RETURN n)\nn = 1\nf()\nRETURN n\nENDDEF\nPRINT g()", "1"),
        ("(LAMBDA () (PRINT 1))()", "1"),
    ]);
}

#[test]
fn classes() {
    check(&[
        ("CLASS c\nVAR n = 3\nENDCLASS\nPRINT c.n", "3"),
        (
            "CLASS c\nVAR n = 3\nDEF get_n()\nRETURN n\nENDDEF\nENDCLASS\nx = NEW(c)\nx.n = 4\nPRINT x.get_n(), c.n, x.n",
            "434",
        ),
        ("CLASS c\nVAR n = 3\nENDCLASS\nx = NEW(\"c\")\nPRINT x.n", "3"),
        (
            "CLASS c\nVAR n = 0\nDEF inc()\nn = n + 1\nRETURN ME\nENDDEF\nENDCLASS\nx = NEW(c)\nx.inc().inc()\nPRINT x.n, c.n",
            "20",
        ),
        (
            "CLASS c\nVAR n = 1\nDEF f()\nME.n = ME.n + 1\nRETURN ME.n\nENDDEF\nENDCLASS\nx = NEW(c)\nPRINT x.f(), x.f()",
            "23",
        ),
        (
            "CLASS c\nVAR l = LIST()\nENDCLASS\nx = NEW(c)\ny = NEW(c)\nPUSH(x.l, 1)\nPRINT LEN(x.l), LEN(y.l), LEN(c.l)",
            "100",
        ),
        ("CLASS c\nVAR l = LIST(LAMBDA (x) (RETURN x + 1))\nENDCLASS\nx = NEW(c)\nPRINT x.l(0)(1)", "2"),
        ("CLASS c\nVAR l = LIST(5, 6)\nENDCLASS\nx = NEW(c)\nx.l(1) = 7\nPRINT x.l(0), x.l(1), c.l(1)", "576"),
        ("CLASS c\nDEF a()\nRETURN b() + 1\nENDDEF\nDEF b()\nRETURN 5\nENDDEF\nENDCLASS\nx = NEW(c)\nPRINT x.a()", "6"),
        (
            "CLASS a\nVAR n = 1\nDEF f()\nRETURN n\nENDDEF\nENDCLASS\nCLASS b(a)\nVAR m = 2\nDEF g()\nRETURN f() + m\nENDDEF\nENDCLASS\nx = NEW(b)\nx.n = 5\nPRINT x.g(), x.f()",
            "75",
        ),
        (
            "CLASS a\nDEF f()\nRETURN 1\nENDDEF\nENDCLASS\nCLASS b(a)\nDEF f()\nRETURN 2\nENDDEF\nENDCLASS\nx = NEW(b)\nPRINT x.f()",
            "2",
        ),
        (
            "CLASS a\nVAR p = 1\nENDCLASS\nCLASS b\nVAR q = 2\nENDCLASS\nCLASS c(a, b)\nENDCLASS\nx = NEW(c)\nPRINT x.p, x.q",
            "12",
        ),
        (
            "CLASS a\nENDCLASS\nCLASS b(a)\nENDCLASS\nx = NEW(b)\nPRINT x IS b, x IS a, b IS a, a IS b, x IS TYPE(\"CLASS\")",
            "11101",
        ),
        ("CLASS a\nENDCLASS\nCLASS b\nENDCLASS\nx = NEW(b)\nPRINT x IS a, 5 IS a", "00"),
        ("PRINT 5 IS TYPE(\"INT\"), \"x\" IS TYPE(\"INT\")", "10"),
        ("PRINT 5 IS 5", "!57 Class expected @1:9"),
        (
            "CLASS c\nVAR n = 3\nDEF f()\nENDDEF\nENDCLASS\nr = REFLECT(NEW(c))\nPRINT r(\"N\"), r(\"F\"), r(\"ME\"), LEN(r)",
            "3ROUTINECLASS3",
        ),
        (
            "CLASS c\nVAR n = 3\nDEF f(x)\nRETURN n + x\nENDDEF\nENDCLASS\no = NEW(c)\nSET(o, \"n\", 9)\nPRINT GET(o, \"N\")\ng = GET(o, \"f\")\nPRINT g(1)",
            "910",
        ),
        ("CLASS c\nENDCLASS\no = NEW(c)\nPRINT o.x", "!24 Invalid identifier usage: there is no member x @4:7"),
        ("CLASS c\nENDCLASS\no = NEW(c)\no.x = 1", "!24 Invalid identifier usage: there is no member x @4:1"),
        ("CLASS c\nENDCLASS\no = NEW(c)\no.f()", "!24 Invalid identifier usage: there is no member f @4:1"),
        ("x = 5\nx.y = 1", "!24 Invalid identifier usage: there is no member y @2:1"),
        ("NEW(5)", "!57 Class expected @1:1"),
        ("NEW(\"nothing\")", "!57 Class expected @1:1"),
        ("CLASS c\nENDCLASS\nCLASS c\nENDCLASS", "!58 Duplicate class @3:1"),
        ("CLASS c(5)\nENDCLASS", "!57 Class expected @1:1"),
        ("CLASS c\nPRINT 1\nENDCLASS", "!56 Invalid class @2:1"),
        ("CLASS c\nVAR n = 1", "!27 Incomplete structure @2:10"),
        ("CLASS c\nVAR n = 1\nDEF n()\nENDDEF\nENDCLASS", "!26 Duplicate identifier @1:1"),
        ("CLASS c\nDEF hash()\nRETURN 1\nENDDEF\nENDCLASS", "!59 HASH and COMPARE must be provided together @1:1"),
        ("PRINT ME", "!24 Invalid identifier usage: ME outside of a method @1:7"),
        (
            "CLASS c\nVAR n = 7\nDEF f()\nRETURN LAMBDA () (RETURN n)\nENDDEF\nENDCLASS\no = NEW(c)\ng = o.f()\no.n = 8\nPRINT g()",
            "8",
        ),
        (
            "CLASS c\nVAR n = 1\nDEF f(n)\nRETURN n\nENDDEF\nDEF g()\nVAR n = 5\nRETURN n\nENDDEF\nENDCLASS\no = NEW(c)\nPRINT o.f(9), o.g(), o.n",
            "951",
        ),
        ("k = 100\nCLASS c\nDEF f()\nk = k + 1\nRETURN k\nENDDEF\nENDCLASS\no = NEW(c)\nPRINT o.f(), k", "101101"),
        ("CLASS c\nVAR a = 1, b = 2\nENDCLASS\nPRINT c.a, c.b", "12"),
        ("CLASS c\nVAR f = LAMBDA (x) (RETURN x * 2)\nENDCLASS\no = NEW(c)\nPRINT o.f(4)", "8"),
        ("CLASS c\nVAR n = 1\nENDCLASS\na = NEW(c)\nb = CLONE(a)\nb.n = 2\nPRINT a.n, b.n, b IS c", "121"),
    ]);
}

#[test]
fn methods_with_a_meaning() {
    check(&[
        ("CLASS c\nDEF to_string()\nRETURN \"<c>\"\nENDDEF\nENDCLASS\nPRINT STR(NEW(c)), NEW(c)", "<c><c>"),
        ("CLASS c\nENDCLASS\nPRINT STR(NEW(c))", "C"),
        (
            "CLASS c\nDEF len()\nRETURN 42\nENDDEF\nDEF val()\nRETURN 43\nENDDEF\nENDCLASS\no = NEW(c)\nPRINT LEN(o), VAL(o)",
            "4243",
        ),
        (
            "CLASS c\nVAR d = DICT()\nDEF get(k)\nRETURN d(k)\nENDDEF\nDEF set(k, v)\nd(k) = v\nRETURN v\nENDDEF\nENDCLASS\no = NEW(c)\nSET(o, \"x\", 5)\nPRINT GET(o, \"x\")",
            "5",
        ),
        (
            "CLASS c\nVAR l = LIST()\nDEF push(x)\nPUSH(l, x)\nRETURN ME\nENDDEF\nDEF pop()\nRETURN POP(l)\nENDDEF\nENDCLASS\no = NEW(c)\nPUSH(o, 3)\nPUSH(o, 4)\nPRINT POP(o)",
            "4",
        ),
        (
            "CLASS up\nVAR i = 0\nDEF iterator()\nRETURN ME\nENDDEF\nDEF move_next()\ni = i + 1\nRETURN i <= 3\nENDDEF\nDEF get()\nRETURN i * 10\nENDDEF\nENDCLASS\nFOR x IN NEW(up)\nPRINT x, \" \"\nNEXT",
            "10 20 30 ",
        ),
        (
            "CLASS up\nVAR i = 0\nDEF move_next()\ni = i + 1\nRETURN i <= 2\nENDDEF\nDEF val()\nRETURN i\nENDDEF\nENDCLASS\nFOR x IN NEW(up)\nPRINT x\nNEXT",
            "12",
        ),
        ("CLASS c\nENDCLASS\nFOR x IN NEW(c)\nNEXT", "!64 Iterable expected @3:1"),
        (
            "CLASS p\nVAR n = 0\nDEF hash()\nRETURN n\nENDDEF\nDEF compare(o)\nRETURN n - o.n\nENDDEF\nENDCLASS\na = NEW(p)\na.n = 1\nb = NEW(p)\nb.n = 1\nd = DICT()\nd(a) = \"one\"\nPRINT d(b), EXISTS(d, b), LEN(d)\nd(b) = \"two\"\nPRINT d(a), LEN(d)\nREMOVE(d, b)\nPRINT LEN(d)",
            "one11two10",
        ),
        (
            "CLASS p\nVAR n = 0\nDEF hash()\nRETURN n\nENDDEF\nDEF compare(o)\nRETURN n - o.n\nENDDEF\nENDCLASS\nl = LIST()\nFOR i IN LIST(3, 1, 2)\nx = NEW(p)\nx.n = i\nPUSH(l, x)\nNEXT\nSORT(l)\nFOR x IN l\nPRINT x.n\nNEXT",
            "123",
        ),
        (
            "CLASS p\nDEF hash()\nRETURN 1\nENDDEF\nDEF compare(o)\nRAISE(\"no\")\nENDDEF\nENDCLASS\nl = LIST(NEW(p), NEW(p))\nTRY\nSORT(l)\nCATCH e\nPRINT e(\"message\")\nENDTRY",
            "no",
        ),
        ("CLASS p\nENDCLASS\na = NEW(p)\nd = DICT(a, 1)\nPRINT d(a), d(NEW(p))", "1NIL"),
    ]);
}

#[test]
fn functions_of_numbers() {
    shows(&[
        ("ABS(-5)", "5"),
        ("ABS(-1.5)", "1.5"),
        ("SGN(-3), SGN(0), SGN(2.5)", "-101"),
        ("SQR(16)", "4"),
        ("TYPE(SQR(16))", "INTEGER"),
        ("SQR(-1)", "nan"),
        ("FLOOR(2.7), FLOOR(-2.7)", "2-3"),
        ("CEIL(2.1), CEIL(-2.1)", "3-2"),
        ("FIX(2.7), FIX(-2.7)", "2-2"),
        ("ROUND(2.5), ROUND(-2.5), ROUND(2.4)", "3-22"),
        ("SIN(0), COS(0), TAN(0)", "010"),
        ("ASIN(1) = ACOS(-1) / 2", "1"),
        ("ATAN(1) * 4", "3.14159"),
        ("EXP(0), LOG(1)", "10"),
        ("EXP(1)", "2.71828"),
        ("SIN(\"a\")", "!17 Number expected @1:7"),
        ("ABS()", "!31 Comma expected: ABS takes 1 @1:7"),
        ("ABS(1, 2)", "!34 Close bracket expected: ABS takes 1 @1:7"),
        ("ABS 1", "!33 Open bracket expected @1:11"),
        ("RND(5, 1)", "!20 Index out of bound @1:7"),
        ("MEM > 0", "1"),
    ]);
    check(&[
        ("x = RND\nPRINT x >= 0 AND x <= 1", "1"),
        ("FOR i = 1 TO 1000\nx = RND(3)\nIF x < 0 OR x > 3 OR x <> FIX(x) THEN PRINT \"bad\"\nNEXT", ""),
        ("l = LIST(0, 0, 0)\nFOR i = 1 TO 1000\nx = RND(5, 7)\nl(x - 5) = 1\nNEXT\nPRINT l(0), l(1), l(2)", "111"),
        ("SRND(42)\na = RND(1000000)\nSRND(42)\nPRINT a = RND(1000000)", "1"),
        ("a = RND() : PRINT a < 2", "1"),
        ("PRINT TICKS() >= 0", "1"),
        ("ticks = 5 : PRINT ticks", "5"),
    ]);
}

#[test]
fn functions_of_strings() {
    shows(&[
        ("LEN(\"abc\"), LEN(\"\")", "30"),
        ("LEN(\"äöü\")", "3"),
        ("MID(\"hello\", 1, 3)", "ell"),
        ("MID(\"hello\", 0, 5)", "hello"),
        ("MID(\"größe\", 2, 2)", "öß"),
        ("MID(\"hello\", 3, 3)", "!20 Index out of bound @1:7"),
        ("MID(\"hello\", 5, 1)", "!20 Index out of bound @1:7"),
        ("MID(\"hello\", -1, 1)", "!20 Index out of bound @1:7"),
        ("MID(\"hello\", 0, 0)", "!20 Index out of bound @1:7"),
        ("LEFT(\"hello\", 2)", "he"),
        ("LEFT(\"äö\", 1)", "ä"),
        ("LEFT(\"hello\", 6)", "!20 Index out of bound @1:7"),
        ("LEFT(\"hello\", 0)", "!20 Index out of bound @1:7"),
        ("RIGHT(\"hello\", 2)", "lo"),
        ("RIGHT(\"aäö\", 2)", "äö"),
        ("RIGHT(\"hello\", 6)", "!20 Index out of bound @1:7"),
        ("LEFT(5, 1)", "!18 String expected @1:7"),
        ("ASC(\"A\"), ASC(\"ä\"), ASC(\"€\")", "652288364"),
        ("ASC(\"\")", "!20 Index out of bound @1:7"),
        ("CHR(65), CHR(228), CHR(8364), CHR(128512)", "Aä€😀"),
        ("CHR(-1)", "!20 Index out of bound @1:7"),
        ("LEN(CHR(0))", "1"),
        ("STR(12), STR(1.5), STR(TRUE), STR(TYPE(1))", "121.51INTEGER"),
        ("STR(\"a\")", "a"),
        ("STR(NIL)", "!47 Calculation error @1:7"),
        ("STR(LIST())", "!47 Calculation error @1:7"),
        ("VAL(\"12\"), VAL(\"0x10\"), VAL(\"1e3\"), VAL(\"-1.5\")", "12161000-1.5"),
        ("TYPE(VAL(\"1.0\"))", "REAL"),
        ("VAL(\"abc\")", "!47 Calculation error @1:7"),
        ("VAL(\"\")", "!47 Calculation error @1:7"),
        ("VAL(5)", "!47 Calculation error @1:7"),
        ("LEN(5)", "!14 Unexpected type @1:7"),
    ]);
    check(&[("s = \"\"\nFOR i = 1 TO 5\ns = s + STR(i)\nt = s\nNEXT\nPRINT s, t", "1234512345")]);
}

#[test]
fn lists() {
    check(&[
        ("l = LIST(1, 2, 3)\nPRINT l(0), GET(l, 2), LEN(l)", "133"),
        ("l = LIST()\nPRINT LEN(l)", "0"),
        ("l = LIST(1 TO 5)\nPRINT LEN(l), l(0), l(4)", "515"),
        ("l = LIST(5 TO 1)\nPRINT LEN(l), l(0), l(4)", "551"),
        ("l = LIST(1 TO 1000000000)\nPRINT LEN(l), l(999999999)", "10000000001000000000"),
        ("l = LIST(1 TO 3)\nl(1) = 9\nPUSH(l, 4)\nPRINT l(0), l(1), l(2), l(3)", "1934"),
        ("l = LIST(1)\nl(0) = 5\nPRINT l(0)\nSET(l, 0, 6)\nPRINT l(0)", "56"),
        ("l = LIST(1)\nPRINT l(1)", "!21 Cannot find with the specific index @2:7"),
        ("l = LIST(1)\nPRINT l(-1)", "!21 Cannot find with the specific index @2:7"),
        ("l = LIST(1)\nl(1) = 2", "!21 Cannot find with the specific index @2:1"),
        ("l = LIST(1)\nPRINT GET(l, 5)", "!21 Cannot find with the specific index @2:7"),
        ("l = PUSH(LIST(), 1, 2)\nPRINT LEN(l), LEN(PUSH(l, 3))", "23"),
        ("l = LIST(1, 2)\nPRINT POP(l), LEN(l), BACK(l), LEN(l)", "2111"),
        ("l = LIST(1, 3)\nINSERT(l, 1, 2)\nPRINT l(0), l(1), l(2)\nINSERT(l, 3, 4)\nPRINT l(3)", "1234"),
        ("INSERT(LIST(), 1, 5)", "!48 Invalid expression @1:1"),
        ("l = SORT(LIST(3, \"b\", 1.5, NIL, \"a\", 2))\nFOR x IN l\nPRINT x, \" \"\nNEXT", "NIL 1.5 2 3 a b "),
        ("l = SORT(LIST(3 TO 1))\nPRINT l(0)", "1"),
        ("l = LIST(5, 6)\nPRINT EXISTS(l, 6), EXISTS(l, 7), INDEX_OF(l, 6), INDEX_OF(l, 7)", "101UNKNOWN"),
        ("l = LIST(3 TO 9)\nPRINT EXISTS(l, 9), EXISTS(l, 10), INDEX_OF(l, 5), EXISTS(l, 4.0)", "1021"),
        ("l = LIST(1, 2, 3)\nREMOVE(l, 1)\nPRINT LEN(l), l(1)", "23"),
        ("REMOVE(LIST(), 0)", "!21 Cannot find with the specific index @1:1"),
        ("l = LIST(1, 2)\nPRINT LEN(CLEAR(l)), LEN(l)", "00"),
        ("l = LIST(1, LIST(2))\nm = CLONE(l)\nm(0) = 9\nPUSH(m(1), 3)\nPRINT l(0), LEN(l(1))", "12"),
        ("a = TO_ARRAY(LIST(4, 5))\nPRINT a(1), LEN(a), a", "52ARRAY"),
        ("it = ITERATOR(LIST(1, 2))\nWHILE MOVE_NEXT(it)\nPRINT GET(it)\nWEND", "12"),
        ("it = ITERATOR(LIST(1, 2))\nFOR x IN it\nPRINT x\nNEXT", "12"),
        ("GET(ITERATOR(LIST(1)))", "!63 Invalid iterator @1:1"),
        ("MOVE_NEXT(5)", "!63 Invalid iterator @1:1"),
        ("PUSH(5, 1)", "!62 List expected @1:1"),
        ("SORT(DICT())", "!62 List expected @1:1"),
        ("TO_ARRAY(5)", "!62 List expected @1:1"),
        ("ITERATOR(5)", "!65 Collection expected @1:1"),
        ("CLONE(5)", "!65 Collection expected @1:1"),
        ("CLEAR(5)", "!65 Collection expected @1:1"),
        ("l = LIST(1, 2)\nPRINT l(\"x\")", "!16 Integer expected @2:7"),
        ("l = LIST(LIST(1, 2), LIST(3, 4))\nPRINT l(1)(0)\nl(1)(0) = 7\nPRINT l(1)(0)", "37"),
        ("l = LIST()\nPUSH(l, l)\nPRINT LEN(l(0)(0))", "1"),
        ("PRINT LEN(LIST(1,\n2,\n3))", "3"),
    ]);
}

#[test]
fn dictionaries() {
    check(&[
        ("d = DICT(\"a\", 1, 2, \"b\")\nPRINT d(\"a\"), d(2), LEN(d)", "1b2"),
        ("d = DICT()\nd(\"x\") = 5\nSET(d, \"y\", 6)\nPRINT d(\"x\"), GET(d, \"y\")", "56"),
        ("d = DICT()\nPRINT d(\"missing\"), GET(d, 1)", "NILNIL"),
        ("d = DICT(1, \"int\", 1.0, \"real\", \"1\", \"text\")\nPRINT LEN(d), d(1), d(1.0), d(\"1\")", "3intrealtext"),
        ("d = DICT(\"a\", 1)\nPRINT EXISTS(d, \"a\"), EXISTS(d, \"b\")", "10"),
        (
            "d = DICT(\"a\", 1)\nREMOVE(d, \"a\")\nPRINT LEN(d)\nREMOVE(d, \"a\")",
            "0!21 Cannot find with the specific index @4:1",
        ),
        ("d = DICT(\"a\", 1, \"b\", 2)\nit = ITERATOR(d)\nWHILE MOVE_NEXT(it)\nPRINT GET(it), VAL(it)\nWEND", "a1b2"),
        ("VAL(ITERATOR(DICT()))", "!63 Invalid iterator @1:1"),
        ("d = DICT(\"a\", 1)\ne = CLONE(d)\ne(\"a\") = 2\nPRINT d(\"a\"), e(\"a\")", "12"),
        ("d = DICT(\"a\", 1)\nCLEAR(d)\nPRINT LEN(d)", "0"),
        ("d = DICT(\"k\")", "!31 Comma expected @1:5"),
        (
            "d = DICT(\"name\", 1)\nPRINT d.name, d.NAME, d.other\nd.name = 2\nPRINT d(\"name\")\nd.New = 3\nPRINT d(\"New\")",
            "11NIL23",
        ),
        ("d = DICT(\"f\", LAMBDA (x) (RETURN x + 1))\nPRINT d.f(1)", "2"),
        ("d = DICT()\nd.f()", "!21 Cannot find with the specific index: f @2:1"),
        ("d = DICT(TRUE, \"t\")\nPRINT d(1)", "t"),
        (
            "d = DICT()\nFOR i = 1 TO 100\nd(i) = i\nNEXT\nFOR i = 1 TO 99\nREMOVE(d, i)\nNEXT\nPRINT LEN(d), d(100)",
            "1100",
        ),
        ("l = LIST()\nd = DICT(l, 1)\nPRINT d(l), d(LIST())", "1NIL"),
        ("SET(DICT(), 1)", "!31 Comma expected: SET takes 3 @1:1"),
        ("SET(5, 1, 2)", "!65 Collection expected @1:1"),
    ]);
}

#[test]
fn statements_and_their_ends() {
    check(&[
        ("LET x = 5 : PRINT x", "5"),
        ("x = 1 : y = 2 : PRINT x + y", "3"),
        ("x = 1 y = 2", "!30 Colon expected @1:7"),
        ("x", "!38 Assign operator expected @1:2"),
        ("x y", "!38 Assign operator expected @1:3"),
        ("LET x 5", "!38 Assign operator expected @1:7"),
        ("5", "!11 Syntax error @1:1"),
        ("NEXT", "!11 Syntax error @1:1"),
        ("ENDIF", "!11 Syntax error @1:1"),
        ("x = ", "!48 Invalid expression @1:5"),
        (":::PRINT 1:::", "1"),
        ("", ""),
        ("VAR x = 3\nPRINT x", "3"),
        ("VAR x, y = 2\nPRINT x, y", "02"),
        ("PRINT \"a\" : END : PRINT \"b\"", "a"),
        ("WEND", "!11 Syntax error @1:1"),
        ("ENDDEF", "!11 Syntax error @1:1"),
        (")", "!48 Invalid expression @1:1"),
    ]);
}

#[test]
fn errors_can_be_caught() {
    check(&[
        (
            "TRY\nx = \"a\" + 1\nPRINT 0\nCATCH e\nPRINT e(\"code\"), \" \", e(\"message\"), \" \", e(\"file\"), \" \", e(\"row\"), \":\", e(\"col\")\nENDTRY\nPRINT \" on\"",
            "18 String expected main.bas 2:9 on",
        ),
        ("TRY\nPRINT 1\nCATCH e\nPRINT 2\nENDTRY", "1"),
        ("TRY\nx = SQR(\"\")\nCATCH\nPRINT 2\nENDTRY", "2"),
        ("TRY\nx = SQR(\"\")\nENDTRY\nPRINT 3", "3"),
        ("TRY : x = SQR(\"\") : CATCH e : PRINT e.code : ENDTRY", "17"),
        ("DEF f()\nRETURN SQR(\"\")\nENDDEF\nTRY\nf()\nCATCH e\nPRINT e.row, e.col\nENDTRY", "28"),
        ("TRY\nTRY\nx = SQR(\"\")\nCATCH e\nPRINT 1\ny = LEFT(\"\", 1)\nENDTRY\nCATCH e\nPRINT e.code\nENDTRY", "120"),
        ("FOR i = 1 TO 3\nTRY\nIF i = 2 THEN x = SQR(\"\")\nPRINT i\nCATCH e\nPRINT \"x\"\nENDTRY\nNEXT", "1x3"),
        ("FOR i = 1 TO 3\nTRY\nEXIT\nCATCH e\nENDTRY\nNEXT\nx = SQR(\"\")", "!17 Number expected @7:5"),
        ("DEF f()\nTRY\nRETURN 1\nCATCH e\nENDTRY\nENDDEF\nPRINT f()", "1"),
        ("TRY\nGOSUB s\nCATCH e\nPRINT e.code\nENDTRY\nEND\ns:\nx = SQR(\"\")\nRETURN", "17"),
        ("GOSUB s\nPRINT 2\nEND\ns:\nTRY\nx = SQR(\"\")\nCATCH\nPRINT 1\nENDTRY\nRETURN", "12"),
        ("TRY\nRAISE(\"oops\")\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "script oops"),
        ("TRY\nRAISE(\"far\", \"range\")\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "range far"),
        ("TRY\nRAISE(20)\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY", "20 Index out of bound"),
        (
            "TRY\nTRY\nx = SQR(\"\")\nCATCH e\nRAISE(e)\nENDTRY\nCATCH e\nPRINT e.code, e.message, e.row\nENDTRY",
            "17Number expected5",
        ),
        (
            "TRY\nRAISE(DICT(\"answer\", 42, \"code\", \"range\"))\nCATCH e\nPRINT e.answer, e.code, e.message, e.row\nENDTRY",
            "42rangea DICT was raised2",
        ),
        ("RAISE(\"done\", \"io\")", "!io done @1:1"),
        ("RAISE(1, \"nonsense\")", "!47 Calculation error: there is no such code @1:1"),
        ("RAISE()", "!34 Close bracket expected: RAISE @1:1"),
        ("raise = 3 : PRINT raise", "3"),
        ("TRY\nPRINT 1", "!27 Incomplete structure @2:8"),
        ("CATCH e", "!11 Syntax error @1:1"),
        ("x = LIST(1)(3)", "!21 Cannot find with the specific index @1:5"),
        ("DEF f()\nx = SQR(\"\")\nENDDEF\nf()", "!17 Number expected @2:5"),
        ("TRY\nCALL nothing()\nCATCH e\nPRINT e.code, LEN(e)\nENDTRY", "535"),
        ("f = LAMBDA () (\nTRY\nx = SQR(\"\")\nCATCH e\nRETURN e.code\nENDTRY\n)\nPRINT f()", "17"),
    ]);
}

#[test]
fn errors_whose_words_say_little_come_with_help() {
    for (code, wanted) in [
        ("later()\nDEF later()\nENDDEF", "is called with CALL"),
        ("x = later()", "is called with CALL"),
        ("PRINT 1\nNEXT", "a block that was not begun"),
        ("x = \"a\" + 1", "STR(x)"),
        ("x = 1 y = 2", "a colon between"),
        ("PRINT 1 2", "a comma"),
        ("IF x\nENDIF", "ENDIF ends the block"),
        ("CALL later()\nDEF later()\nENDDEF", "behind its DEF"),
    ] {
        let error = open().run(code).expect_err(code);
        assert!(error.help().is_some_and(|help| help.contains(wanted)), "{code}: {error:?}");
    }
    let precise = open().run("x = 5\nx.y = 1").expect_err("an integer has no members");
    assert_eq!(precise.help(), None, "{precise:?}");
}
