//! The functions of numbers and strings.

use super::{check, shows};

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
