//! Arrays, lists and dictionaries.

use super::check;

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
