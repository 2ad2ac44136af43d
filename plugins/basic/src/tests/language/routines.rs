//! Routines, lambdas and classes.

use super::check;

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
