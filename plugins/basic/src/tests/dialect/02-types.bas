' Types and values.

'### NIL
PRINT TYPE(NIL), " ", NIL;
'> NIL NIL

'### INTEGER; TYPE("INT") names it
PRINT TYPE(5), " ", TYPE(5) = TYPE("INT"), " ", TYPE("INT");
'> INTEGER 1 INTEGER

'### REAL
PRINT TYPE(1.5), " ", TYPE(1.5) = TYPE("REAL");
'> REAL 1

'### STRING
PRINT TYPE(""), " ", TYPE("a") = TYPE("STRING");
'> STRING 1

'### TYPE
PRINT TYPE(TYPE(1)), " ", TYPE(TYPE(1)) = TYPE("TYPE");
'> TYPE 1

'### USERTYPE: an Object
o = test.counter()
PRINT TYPE(o), " ", o.add(5), o.count;
'> USERTYPE 55

'### ARRAY
DIM a(3)
PRINT TYPE(a), " ", a;
'> ARRAY ARRAY

'### LIST and LIST_IT
l = LIST(1) : it = ITERATOR(l)
PRINT TYPE(l), " ", TYPE(it), " ", TYPE(it) = TYPE("LIST_IT");
'> LIST LIST_IT 1

'### DICT and DICT_IT
d = DICT(1, 2) : it = ITERATOR(d)
PRINT TYPE(d), " ", TYPE(it), " ", TYPE(it) = TYPE("DICT_IT");
'> DICT DICT_IT 1

'### CLASS, for classes and instances
CLASS c
ENDCLASS
PRINT TYPE(c), " ", TYPE(NEW(c)), " ", c;
'> CLASS CLASS CLASS

'### ROUTINE: routines, lambdas, methods, functions of others
DEF f()
ENDDEF
CLASS c
    DEF m()
    ENDDEF
ENDCLASS
PRINT TYPE(f), " ", TYPE(LAMBDA () ()), " ", TYPE(GET(NEW(c), "m")), " ", TYPE(test.add), " ", f;
'> ROUTINE ROUTINE ROUTINE ROUTINE ROUTINE

'### UNKNOWN
PRINT INDEX_OF(LIST(), 1), " ", TYPE(INDEX_OF(LIST(), 1)), " ", INDEX_OF(LIST(), 1) IS TYPE("UNKNOWN");
'> UNKNOWN UNKNOWN 1

'### No boolean type: truth values count and print as integers
t = 2 > 1
PRINT TYPE(t), " ", t, " ", t + t, " ", TRUE * 7;
'> INTEGER 1 2 7

'### Difference: TRUE, FALSE and results of comparisons leave as booleans
PRINT test.show(TRUE), " ", test.show(1 < 2), " ", test.show(NOT 5), " ", test.show(TRUE + 0), " ", test.show(1);
'> true true false 1 1

'### int+int etc. computed; on overflow promoted to REAL
x = 9223372036854775807
PRINT x + 0, " ", x + 1, " ", TYPE(x + 1), " ", TYPE(x * 2), " ", TYPE(-x - 2), " ", TYPE(x - 1);
'> 9223372036854775807 9.22337e+18 REAL REAL REAL INTEGER

'### A REAL result with an integral value becomes INTEGER (4/2 is INTEGER)
PRINT TYPE(4 / 2), " ", TYPE(1.5 + 1.5), " ", TYPE(SQR(16)), " ", TYPE(5 / 2);
'> INTEGER INTEGER INTEGER REAL

'### 1.0 literal alone stays REAL, and so does a real that merely passes through
x = 1.0
l = LIST(x)
PRINT TYPE(1.0), " ", TYPE(x), " ", TYPE(l(0)), " ", TYPE(x + 0);
'> REAL REAL REAL INTEGER

'### `/` is real division
PRINT 7 / 2, " ", 1 / 4, " ", -7 / 2;
'> 3.5 0.25 -3.5

'### MOD truncates both to int (-7 MOD 3 = -1; 5.5 MOD 2 = 1)
PRINT -7 MOD 3, " ", 5.5 MOD 2, " ", 7 MOD -3, " ", 7.9 MOD 2.9;
'> -1 1 1 1

'### `x/0`, `x MOD 0` -> inf plus a warning, execution goes on
PRINT 1 / 0;
PRINT 1 MOD 0;
PRINT "on";
'> inf
'> inf
'> on
'? 1:9: Divide by zero
'? 2:9: Divide by zero

'### Falsy: NIL, 0, 0.0. Everything else truthy, incl. ""
FOR x IN LIST(NIL, 0, 0.0, FALSE, "", 1, -0.5, LIST(), "a")
    IF x THEN PRINT "t" ELSE PRINT "f"
NEXT
'> ffffttttt

'### `+` joins two strings
PRINT "a" + "b" + "c";
'> abc

'### string+number -> error String expected (18)
x = "a" + 1
'! 18 String expected @1:9

'### number+string, the same
x = 1 + "a"
'! 18 String expected @1:7

'### BUG: string `-` reads pointer bits: here Unexpected type
x = "b" - "a"
'! 14 Unexpected type @1:9

'### BUG: string `*`: here Unexpected type
x = "a" * 2
'! 14 Unexpected type @1:9

'### BUG: string `/`: here Unexpected type
x = "a" / 2
'! 14 Unexpected type @1:9

'### BUG: string `MOD`: here Unexpected type
x = "a" MOD 2
'! 14 Unexpected type @1:9

'### BUG: string `^`: here Unexpected type
x = "a" ^ 2
'! 14 Unexpected type @1:9

'### 5="5" -> 0; nil=0 -> 0; nil=nil -> 1
PRINT 5 = "5", NIL = 0, NIL = NIL, 1 = 1.0, "a" <> 1;
'> 00111

'### Strings compare bytewise
PRINT "a" < "b", "B" < "a", "a" < "ab", "10" < "9", "z" < "ä";
'> 11111

'### Unset variable reads 0 in arithmetic/print
PRINT unset, unset + 1, TYPE(unset), unset = 0;
'> 01INTEGER1

'### unset STRING array cell prints "(EMPTY)"
DIM s$(2)
s$(0) = "x"
PRINT s$(0), s$(1);
'> x(EMPTY)
