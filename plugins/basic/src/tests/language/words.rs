//! Words, literals, types and operators.

use calog_plugin_api::mock::logged;

use super::{check, run, shows};

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
    assert_eq!(logged(), ["main.bas:1:7: Divide by zero", "main.bas:2:7: Divide by zero"]);
    assert_eq!(run("l = LIST()\nPRINT POP(l), BACK(l)"), "NILNIL");
    assert_eq!(logged(), ["main.bas:2:7: Empty collection", "main.bas:2:15: Empty collection"]);
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
