' Routines.

'### DEF name(a, b, ...) ... ENDDEF, RETURN [e]
DEF area(width, height)
    RETURN width * height
ENDDEF
PRINT area(3, 4);
'> 12

'### DEF: top level or in CLASS only; no nested DEF
DEF f()
    DEF g()
    ENDDEF
ENDDEF
'! 53 Invalid routine: a DEF inside of another @2:5

'### falling off the end gives NIL, and so does RETURN alone
DEF f()
ENDDEF
DEF g()
    RETURN
ENDDEF
PRINT f(), g();
'> NILNIL

'### Params are local
a = 1
DEF f(a)
    a = a + 1
    RETURN a
ENDDEF
PRINT f(5), a;
'> 61

'### a name assigned inside that already exists globally writes the global (x=5 -> 6)
x = 5
DEF f()
    x = x + 1
ENDDEF
f()
PRINT x;
'> 6

'### a fresh name is local
DEF f()
    fresh = 5
    RETURN fresh
ENDDEF
PRINT f(), fresh;
'> 50

'### `VAR x = e` is local
x = 1
DEF f()
    VAR x = 5, y
    x = x + 1
    RETURN x + y
ENDDEF
PRINT f(), x;
'> 61

'### Difference: whether a name is a global is decided when the assignment runs
DEF f()
    x = 5
ENDDEF
f()
PRINT x
x = 1
f()
PRINT x;
'> 05

'### Difference: each invocation has its own locals, recursion included
DEF f(n)
    mine = n
    IF n > 0 THEN f(n - 1)
    PRINT mine
ENDDEF
f(3)
'> 0123

'### Too few args: missing read 0/NIL
DEF f(a, b)
    PRINT a, b, b + 1;
ENDDEF
f(1)
'> 1NIL1

'### too many: error 34
DEF f(a)
ENDDEF
f(1, 2)
'! 34 Close bracket expected: F takes 1 arguments, not 2 @3:1

'### Recursion >=2000 deep fine
DEF sum(n)
    IF n = 0 THEN RETURN 0
    RETURN n + sum(n - 1)
ENDDEF
PRINT sum(2000), " ", sum(20000);
'> 2001000 200010000

'### `...`: LEN(...) counts, `x = ...` shifts the next
DEF f(first, ...)
    PRINT first, " ", LEN(...), " "
    x = ...
    PRINT x, ..., LEN(...), ...;
ENDDEF
f("a", "b", "c")
f("a")
'> a 2 bc0NIL
'> a 0 NILNIL0NIL

'### Calling a routine defined later in the file needs `CALL name(args)` from inside another routine
DEF even(n)
    IF n = 0 THEN RETURN TRUE
    RETURN CALL odd(n - 1)
ENDDEF
DEF odd(n)
    IF n = 0 THEN RETURN FALSE
    RETURN even(n - 1)
ENDDEF
CALL even(2)
PRINT even(10), odd(10), CALL even(3);
'> 100

'### without CALL, in an expression
DEF a()
    RETURN b()
ENDDEF
DEF b()
    RETURN 1
ENDDEF
PRINT a()
'! 24 Invalid identifier usage @2:12

'### without CALL, as a statement
DEF a()
    b()
ENDDEF
DEF b()
ENDDEF
a()
'! 38 Assign operator expected @2:5

'### at top level before the DEF it fails (53)
CALL f()
DEF f()
ENDDEF
'! 53 Invalid routine @1:1

'### `CALL(name)` with brackets yields the routine as a value
DEF f(x)
    RETURN x * 2
ENDDEF
g = CALL(f)
PRINT g(4), " ", g, " ", g = f;
'> 8 ROUTINE 1

'### Difference: a bare routine name is a value everywhere
DEF f(x)
    RETURN x * 2
ENDDEF
DEF apply(g, x)
    RETURN g(x)
ENDDEF
g = f
l = LIST(f)
PRINT g(1), apply(f, 2), l(0)(3), DICT("f", f).f(4);
'> 2468

'### two routines of one name
DEF f()
ENDDEF
DEF f()
ENDDEF
'! 55 Duplicate routine @3:1

'### a DEF without ENDDEF
DEF f()
PRINT 1
'! 27 Incomplete structure @2:8
