' Functions of numbers and strings.

'### ABS, SGN
PRINT ABS(-5), ABS(2.5), " ", SGN(-3), SGN(0), SGN(0.1);
'> 52.5 -101

'### SQR(-1) = nan
PRINT SQR(16), " ", SQR(2), " ", SQR(-1);
'> 4 1.41421 nan
'? 1:34: No value for this number

'### FLOOR, CEIL
PRINT FLOOR(2.7), FLOOR(-2.7), " ", CEIL(2.1), CEIL(-2.1);
'> 2-3 3-2

'### FIX truncates
PRINT FIX(2.7), FIX(-2.7);
'> 2-2

'### ROUND(2.5)=3, ROUND(-2.5)=-2 (floor(x+.5))
PRINT ROUND(2.5), ROUND(-2.5), ROUND(2.4);
'> 3-22

'### SIN COS TAN ASIN ACOS ATAN EXP LOG
PRINT SIN(0), COS(0), TAN(0), " ", ASIN(1), " ", ACOS(1), " ", ATAN(1), " ", EXP(1), " ", LOG(1);
'> 010 1.5708 0 0.785398 2.71828 0

'### RND in [0,1]
FOR i = 1 TO 100
    x = RND
    IF x < 0 OR x > 1 THEN PRINT "outside"
NEXT

'### RND(max), RND(lo,hi) integers
seen = DICT()
FOR i = 1 TO 1000
    seen(RND(2)) = 1
    seen(RND(5, 6)) = 1
NEXT
FOR n IN LIST(0, 1, 2, 3, 4, 5, 6) : PRINT EXISTS(seen, n) : NEXT
'> 1110011

'### SRND(seed)
SRND(7) : a = RND(1000000)
SRND(7) : PRINT a = RND(1000000);
'> 1

'### MID(s,i,n) 0-based
PRINT MID("hello", 1, 3), " ", MID("hello", 0, 1);
'> ell h

'### LEFT/RIGHT(s,n)
PRINT LEFT("hello", 2), RIGHT("hello", 2);
'> helo

'### counts in code points
PRINT MID("größe", 2, 2), LEFT("äö", 1), RIGHT("€uro€", 1), LEN("größe");
'> ößä€5

'### going past the end -> error 20
PRINT MID("abc", 2, 2)
'! 20 Index out of bound @1:7

'### going past the end: LEFT
PRINT LEFT("abc", 4)
'! 20 Index out of bound @1:7

'### going past the end: RIGHT
PRINT RIGHT("abc", 4)
'! 20 Index out of bound @1:7

'### LEN(str|array(total)|list|dict)
DIM a(2, 5)
PRINT LEN("abc"), " ", LEN(a), " ", LEN(LIST(1, 2)), " ", LEN(DICT(1, 2));
'> 3 10 2 1

'### LEN of anything else
PRINT LEN(5)
'! 14 Unexpected type @1:7

'### ASC, CHR: code points, where MY-BASIC is broken
PRINT ASC("A"), " ", ASC("ä"), " ", ASC("€"), " ", CHR(65), CHR(228), CHR(8364);
'> 65 228 8364 Aä€

'### STR(number|type|class)
CLASS c
    DEF to_string()
        RETURN "c"
    ENDDEF
ENDCLASS
PRINT STR(12) + STR(1.5) + STR(TRUE) + STR(TYPE(1)) + STR(NEW(c));
'> 121.51INTEGERc

'### STR of anything else: error 47
PRINT STR(LIST())
'! 47 Calculation error @1:7

'### VAL("12"|"0x10"|"1e3")
PRINT VAL("12"), " ", VAL("0x10"), " ", VAL("1e3"), " ", VAL("-1.5");
'> 12 16 1000 -1.5

'### VAL("abc") -> error 47
PRINT VAL("abc")
'! 47 Calculation error @1:7

'### VAL(dict_it) = value
it = ITERATOR(DICT("k", "v"))
MOVE_NEXT(it)
PRINT GET(it), VAL(it);
'> kv

'### wrong number of arguments
PRINT SIN(1, 2)
'! 34 Close bracket expected: SIN takes 1 @1:7

'### TICKS is a function here; other names of the shell are not there
PRINT TICKS() >= 0, TYPE(NOW);
'> 1INTEGER
