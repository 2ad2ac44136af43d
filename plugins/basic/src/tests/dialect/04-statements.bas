' Statements.

'### `[LET] v = e`
LET a = 1
b = a + 1
PRINT a, b;
'> 12

'### `v(i[,j..]) = e`
DIM a(2, 2)
l = LIST(0) : d = DICT()
a(1, 0) = 5 : l(0) = 6 : d("k") = 7
LET a(0, 1) = 8
PRINT a(1, 0), l(0), d("k"), a(0, 1);
'> 5678

'### `o.m = e`
CLASS c
    VAR m = 1
ENDCLASS
o = NEW(c) : d = DICT()
o.m = 2 : d.m = 3
LET o.m = o.m + 10
PRINT o.m, d.m;
'> 123

'### PRINT e {;|, e}: `;` emits a newline, `,` emits nothing; none at end = no newline
PRINT 1, 2; 3, 4
PRINT 5;
PRINT ;
PRINT "a",
PRINT "b";
'> 12
'> 345
'>
'> ab

'### PRINT: ints %d, reals %g (6 digits: 1e6 -> 1e+06)
PRINT 1000000, " ", 1e6, " ", 1234567.5, " ", 0.1, " ", 1 / 3, " ", 1e-7, " ", -2.5, " ", 100000.5;
'> 1000000 1e+06 1.23457e+06 0.1 0.333333 1e-07 -2.5 100000

'### PRINT: NIL "NIL", collections/routines/types by their type name
PRINT NIL, " ", LIST(1), " ", DICT(), " ", LAMBDA () (), " ", TYPE(1), " ", ITERATOR(LIST());
'> NIL LIST DICT ROUTINE INTEGER LIST_IT

'### PRINT: class by TO_STRING() if defined
CLASS plain
ENDCLASS
CLASS point
    VAR x = 1
    DEF to_string()
        RETURN "point " + STR(x)
    ENDDEF
ENDCLASS
PRINT NEW(plain), " ", NEW(point);
'> CLASS point 1

'### PRINT: what has no comma or semicolon between
PRINT 1 2
'! 32 Comma or semicolon expected @1:9

'### INPUT v: a number
INPUT a
INPUT b
INPUT c
PRINT a + 1, " ", b, " ", TYPE(b), " ", c;
'< 41
'< 2.5
'< 0x10
'> 42 2.5 REAL 16

'### INPUT v$: a string
INPUT a$
PRINT a$, TYPE(a$);
'< 12
'> 12STRING

'### INPUT "prompt", v
INPUT "name? ", name$
PRINT "hello " + name$;
'< Ada
'> name? hello Ada

'### INPUT into an element
DIM a$(2)
INPUT a$(1)
PRINT a$(1);
'< x
'> x

'### INPUT alone waits for a line
INPUT
PRINT 1;
'< whatever
'> 1

'### INPUT of no number is an error
INPUT x
'< one
'! 17 Number expected @1:1

'### Difference: at the end of the input, INPUT gives NIL
INPUT a$
INPUT b
PRINT a$, b;
'> NILNIL

'### IF c THEN s [ELSE s] (one line, no ENDIF)
x = 5
IF x > 3 THEN PRINT "large";
IF x > 9 THEN PRINT "huge"; ELSE PRINT "not huge";
IF x > 3 THEN PRINT "a" : PRINT "b"; ELSE PRINT "c" : PRINT "d";
'> large
'> not huge
'> ab

'### IF on one line: ELSEIF allowed
FOR x IN LIST(1, 2, 3)
    IF x = 1 THEN PRINT "one " ELSEIF x = 2 THEN PRINT "two " ELSE PRINT "more "
NEXT
'> one two more

'### block IF ... {ELSEIF c THEN ...} [ELSE ...] ENDIF
FOR x IN LIST(1, 2, 3, 4)
    IF x = 1 THEN
        PRINT "one "
    ELSEIF x = 2 THEN
        PRINT "two "
    ELSEIF x = 3 THEN
        IF TRUE THEN
            PRINT "three "
        ENDIF
    ELSE
        PRINT "more "
    ENDIF
NEXT
'> one two three more

'### block IF without ENDIF
IF 1 THEN
PRINT 1
'! 41 ENDIF statement expected @2:8

'### IF without THEN
IF 1 PRINT 1
'! 39 THEN statement expected @1:6

'### FOR v = a TO b [STEP s] ... NEXT [v]
FOR i = 1 TO 3
    PRINT i, " "
NEXT
FOR i = 10 TO 1 STEP -4
    PRINT i, " "
NEXT i
FOR x = 0 TO 1 STEP 0.5
    PRINT x, " "
NEXT
'> 1 2 3 10 6 2 0 0.5 1

'### FOR: body skipped if already past
FOR i = 3 TO 1
    PRINT "never"
NEXT
PRINT i;
'> 3

'### FOR: v keeps its last value; difference: that is the one that ended the loop
FOR i = 1 TO 100
NEXT
PRINT i;
'> 101

'### FOR: one-line loops need `:`
FOR i = 1 TO 3 : PRINT i : NEXT
'> 123

'### FOR: without `:`
FOR i = 1 TO 3 PRINT i
'! 30 Colon expected @1:16

'### FOR: nested, with NEXT naming another loop's variable
FOR i = 1 TO 2
FOR j = 1 TO 2
NEXT i
'! 45 Loop variable expected @3:6

'### FOR: the body may change the variable
FOR i = 1 TO 5
    i = i + 1
    PRINT i
NEXT
'> 246

'### FOR: difference: limit and step are evaluated once
n = 3
FOR i = 1 TO n
    n = 1
    PRINT i
NEXT
'> 123

'### FOR without NEXT
FOR i = 1 TO 3
'! 43 NEXT statement expected @1:15

'### FOR without TO
FOR i = 1 3
'! 42 TO statement expected @1:11

'### FOR v IN coll: LIST -> values
FOR x IN LIST("a", 2, NIL)
    PRINT x, " "
NEXT
FOR x IN LIST(3 TO 1) : PRINT x : NEXT x
'> a 2 NIL 321

'### FOR v IN coll: DICT -> keys; difference: in the order in which they came
FOR k IN DICT("z", 1, "a", 2, 5, 3)
    PRINT k, " "
NEXT
'> z a 5

'### FOR v IN coll: iterable class
CLASS squares
    VAR i = 0
    DEF iterator()
        i = 0
        RETURN ME
    ENDDEF
    DEF move_next()
        i = i + 1
        RETURN i <= 3
    ENDDEF
    DEF get()
        RETURN i * i
    ENDDEF
ENDCLASS
FOR x IN NEW(squares)
    PRINT x, " "
NEXT
'> 1 4 9

'### FOR v IN: an iterator
FOR x IN ITERATOR(LIST(1, 2))
    PRINT x
NEXT
'> 12

'### FOR v IN: what cannot be walked
FOR x IN 5
NEXT
'! 64 Iterable expected @1:1

'### WHILE c ... WEND
i = 0
WHILE i < 3
    i = i + 1
    PRINT i
WEND
WHILE FALSE : PRINT "never" : WEND
'> 123

'### DO ... UNTIL c (ends when c true)
i = 0
DO
    i = i + 1
    PRINT i
UNTIL i = 3
DO : PRINT "once" : UNTIL TRUE
'> 123once

'### EXIT leaves the innermost loop
FOR i = 1 TO 2
    WHILE TRUE
        EXIT
    WEND
    DO
        IF i > 0 THEN EXIT
    UNTIL FALSE
    FOR x IN LIST(1, 2, 3)
        IF x = 2 THEN EXIT
        PRINT x
    NEXT
    PRINT i, " "
NEXT
'> 11 12

'### EXIT outside of a loop
EXIT
'! 11 Syntax error: EXIT outside of a loop @1:1

'### GOTO label, forward and back
i = 0
again:
i = i + 1
IF i = 3 THEN GOTO done
PRINT i
GOTO again
done: PRINT "done";
'> 12done

'### GOTO out of loops
FOR i = 1 TO 9
    WHILE TRUE
        IF i = 1 THEN GOTO out
    WEND
NEXT
out:
PRINT "out";
'> out

'### GOSUB label / RETURN
GOSUB show
PRINT "back";
END
show:
PRINT "sub ";
GOSUB deeper
RETURN
deeper:
PRINT "deeper ";
RETURN
'> sub
'> deeper
'> back

'### RETURN without GOSUB
RETURN
'! 29 No return point @1:1

'### END
PRINT 1;
END
PRINT 2;
'> 1

'### GOSUB-style and DEF-style routines may not be mixed in one program (error 52)
DEF f()
ENDDEF
GOSUB s
s: RETURN
'! 52 Cannot mix instructional and structured sub routines: the other is at row 1, column 1 @3:1

'### GOTO-style and DEF-style may not be mixed either
GOTO s
s:
DEF f()
ENDDEF
'! 52 Cannot mix instructional and structured sub routines: the other is at row 1, column 1 @3:1

'### DIM a(n[,..<=4]): indices 0..n-1
DIM a(3), b(2, 3), c(2, 2, 2, 2)
a(0) = 1 : a(2) = 3 : b(1, 2) = 5 : c(1, 1, 1, 1) = 7
PRINT a(0), a(1), a(2), b(1, 2), c(1, 1, 1, 1), " ", LEN(a), " ", LEN(b), " ", LEN(c);
'> 10357 3 6 16

'### DIM: more than four dimensions
DIM a(1, 1, 1, 1, 1)
'! 22 Too many dimensions @1:5

'### DIM: numeric cells 0, `a$` string cells
DIM a(1), a$(1)
a$(0) = "text"
PRINT a(0), a$(0);
'> 0text

'### DIM: a string cell takes strings only
DIM a$(1)
a$(0) = 5
'! 18 String expected @2:1

'### DIM: out of range -> Index out of bound (20)
DIM a(3)
PRINT a(3)
'! 20 Index out of bound @2:7

'### DIM: a wrong number of indices
DIM a(3)
PRINT a(0, 0)
'! 23 Rank out of bound @2:7

'### Arrays/lists/dicts/classes/routines are references
DIM a(1)
b = a : b(0) = 5
l = LIST() : m = l : PUSH(m, 1)
d = DICT() : e = d : e.x = 1
CLASS c
    VAR n = 1
ENDCLASS
o = NEW(c) : p = o : p.n = 2
PRINT a(0), LEN(l), d.x, o.n, a = b, LIST() = LIST();
'> 511210
