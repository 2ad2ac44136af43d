' Lists, dictionaries, iterators.

'### LIST(a,b,...)
l = LIST(1, "two", LIST(3))
PRINT LEN(l), l(0), l(1), l(2)(0), LEN(LIST());
'> 31two30

'### LIST(a TO b) (lazy range, may descend)
l = LIST(1 TO 1000000000)
PRINT LEN(l), " ", l(999999999);
FOR x IN LIST(3 TO 1) : PRINT x : NEXT
'> 1000000000 1000000000
'> 321

'### l(i) / GET(l,i); l(i)=v / SET
l = LIST(1, 2)
l(0) = 5
SET(l, 1, 6)
PRINT l(0), GET(l, 1);
'> 56

'### bad index -> 21
l = LIST(1)
PRINT l(1)
'! 21 Cannot find with the specific index @2:7

'### bad index: writing
l = LIST(1)
l(-1) = 1
'! 21 Cannot find with the specific index @2:1

'### PUSH/INSERT/SET/SORT/REMOVE/CLEAR return the collection
l = LIST()
PRINT PUSH(l, 1, 2) = l, INSERT(l, 0, 0) = l, SET(l, 0, 9) = l, SORT(l) = l, REMOVE(l, 0) = l, CLEAR(l) = l;
'> 111111

'### PUSH takes several
l = PUSH(LIST(1), 2, 3)
PRINT l(0), l(1), l(2);
'> 123

'### INSERT
l = INSERT(INSERT(LIST(1, 3), 1, 2), 3, 4)
FOR x IN l : PRINT x : NEXT
'> 1234

'### INSERT past end -> 48
INSERT(LIST(1), 2, 5)
'! 48 Invalid expression @1:1

'### POP/BACK return the value
l = LIST(1, 2)
PRINT BACK(l), LEN(l), POP(l), LEN(l);
'> 2221

'### POP/BACK: empty -> warning + NIL
PRINT POP(LIST()), BACK(LIST());
'> NILNIL
'? 1:7: Empty collection
'? 1:20: Empty collection

'### EXISTS(list,value | dict,key) 0/1
PRINT EXISTS(LIST(1, "a"), "a"), EXISTS(LIST(1), 2), EXISTS(DICT("k", 1), "k"), EXISTS(DICT("k", 1), 1);
'> 1010

'### INDEX_OF -> index or UNKNOWN
PRINT INDEX_OF(LIST(5, 6), 6), INDEX_OF(LIST(5, 6), 7);
'> 1UNKNOWN

'### missing DICT key reads UNKNOWN; difference: NIL here
PRINT DICT()("k"), GET(DICT(), 1);
'> NILNIL

'### Dict keys 1, 1.0, "1" are distinct
d = DICT(1, "int", 1.0, "real", "1", "text")
PRINT d(1), d(1.0), d("1"), LEN(d);
'> intrealtext3

'### Difference: a DICT that holds 1 and 1.0 is an `unsupported` error on the way out in strict mode
TRY
    test.id(DICT(1, "int", 1.0, "real"))
CATCH e
    PRINT e.code;
ENDTRY
'> unsupported

'### DICT: d(k) = v, SET, REMOVE, CLEAR, LEN
d = DICT()
d("a") = 1 : SET(d, "b", 2, "c", 3)
REMOVE(d, "a")
PRINT LEN(d), d("b"), d.c, LEN(CLEAR(d));
'> 2230

'### REMOVE of a key that is not there
REMOVE(DICT(), 1)
'! 21 Cannot find with the specific index @1:1

'### SORT ascending (NIL < numbers < strings)
FOR x IN SORT(LIST("b", 3, NIL, 1.5, "a", 2)) : PRINT x, " " : NEXT
'> NIL 1.5 2 3 a b

'### CLONE shallow
l = LIST(1, LIST(2))
m = CLONE(l)
m(0) = 9 : PUSH(m(1), 3)
d = DICT("k", 1) : e = CLONE(d) : e.k = 2
PRINT l(0), LEN(l(1)), d.k;
'> 121

'### `a = TO_ARRAY(l)`
a = TO_ARRAY(LIST(4, 5))
a(0) = 6
PRINT a(0), a(1), TYPE(a);
'> 65ARRAY

'### it = ITERATOR(c) : WHILE MOVE_NEXT(it): GET(it) list value / dict key, VAL(it) dict value
it = ITERATOR(LIST(1, 2))
WHILE MOVE_NEXT(it) : PRINT GET(it) : WEND
it = ITERATOR(DICT("a", 1, "b", 2))
WHILE MOVE_NEXT(it)
    PRINT GET(it), VAL(it)
WEND
'> 12a1b2

'### an iterator that is at nothing yet
PRINT GET(ITERATOR(LIST(1)))
'! 63 Invalid iterator @1:7

'### List expected (62)
PUSH(5, 1)
'! 62 List expected @1:1

'### Collection expected (65)
CLEAR(5)
'! 65 Collection expected @1:1
