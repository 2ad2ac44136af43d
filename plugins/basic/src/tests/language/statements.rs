//! Printing, deciding, looping, jumping.

use crate::tests::typed::type_in;

use super::{check, run};

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
        type_in(lines);
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
