' Classes.

'### CLASS name: VAR m = e, DEF methods; ENDCLASS
CLASS account
    VAR owner = "nobody", balance = 0
    DEF pay_in(amount)
        balance = balance + amount
        RETURN balance
    ENDDEF
ENDCLASS
a = NEW(account)
a.owner = "Ada"
a.pay_in(5)
PRINT a.owner, a.pay_in(10);
'> Ada15

'### CLASS name(meta, ...)
CLASS animal
    VAR legs = 4
    DEF walk()
        RETURN STR(legs) + " legs"
    ENDDEF
    DEF says()
        RETURN "?"
    ENDDEF
ENDCLASS
CLASS flying
    VAR wings = 2
ENDCLASS
CLASS bird(animal, flying)
    VAR legs = 2
    DEF says()
        RETURN "tweet"
    ENDDEF
ENDCLASS
b = NEW(bird)
PRINT b.walk(), " ", b.wings, " ", b.says(), " ", NEW(animal).says();
'> 2 legs 2 tweet ?

'### NEW(cls) or NEW("cls") clones
CLASS c
    VAR n = 1, l = LIST()
ENDCLASS
a = NEW(c) : b = NEW("c") : d = NEW(a)
a.n = 5
PUSH(a.l, 1)
PRINT a.n, b.n, c.n, d.n, " ", LEN(a.l), LEN(b.l), LEN(c.l);
'> 5111 100

'### NEW of what is no class
x = NEW(5)
'! 57 Class expected @1:5

'### ME is self
CLASS c
    VAR n = 0
    DEF add(x)
        ME.n = ME.n + x
        RETURN ME
    ENDDEF
ENDCLASS
o = NEW(c)
PRINT o.add(1).add(2).n, o.add(0) = o;
'> 31

'### ME outside of a method
PRINT ME
'! 24 Invalid identifier usage: ME outside of a method @1:7

'### bare member names resolve to the instance
n = 100
CLASS c
    VAR n = 1
    DEF next_one()
        n = n + 1
        RETURN current()
    ENDDEF
    DEF current()
        RETURN n
    ENDDEF
ENDCLASS
o = NEW(c)
PRINT o.next_one(), o.next_one(), " ", n, " ", c.n;
'> 23 100 1

'### `inst IS cls`
CLASS c
ENDCLASS
CLASS d
ENDCLASS
PRINT NEW(c) IS c, NEW(c) IS d, NEW(NEW(c)) IS c;
'> 101

'### REFLECT(o) -> DICT of names (upper case: ME, members -> values, methods -> type)
CLASS c
    VAR n = 3, text = "t"
    DEF m()
    ENDDEF
ENDCLASS
o = NEW(c)
o.n = 4
r = REFLECT(o)
FOR name IN r
    PRINT name, "=", r(name), " "
NEXT
PRINT r("ME") = o;
'> ME=CLASS N=4 TEXT=t M=ROUTINE 1

'### GET(o,"m")/SET(o,"m",v) (GET of a method gives a callable)
CLASS c
    VAR n = 3
    DEF plus(x)
        RETURN n + x
    ENDDEF
ENDCLASS
o = NEW(c)
SET(o, "n", 9)
m = GET(o, "plus")
PRINT GET(o, "N"), " ", m(1), " ", TYPE(m);
'> 9 10 ROUTINE

'### GET of what is not there
CLASS c
ENDCLASS
PRINT GET(NEW(c), "x")
'! 24 Invalid identifier usage: there is no member x @3:7

'### a member that is not there
CLASS c
ENDCLASS
o = NEW(c)
o.x = 1
'! 24 Invalid identifier usage: there is no member x @4:1

'### TO_STRING
CLASS c
    DEF to_string()
        RETURN "<c>"
    ENDDEF
ENDCLASS
PRINT NEW(c), " ", STR(NEW(c)) + "!";
'> <c> <c>!

'### HASH+COMPARE for dict keys
CLASS point
    VAR x = 0
    DEF hash()
        RETURN x
    ENDDEF
    DEF compare(other)
        RETURN x - other.x
    ENDDEF
ENDCLASS
DEF at(x)
    VAR p = NEW(point)
    p.x = x
    RETURN p
ENDDEF
d = DICT(at(1), "one")
d(at(2)) = "two"
SET(d, at(1), "uno")
PRINT d(at(1)), d(at(2)), d(at(3)), LEN(d), EXISTS(d, at(2));
REMOVE(d, at(1))
PRINT LEN(d);
'> unotwoNIL21
'> 1

'### COMPARE for sort
CLASS point
    VAR x = 0
    DEF hash()
        RETURN x
    ENDDEF
    DEF compare(other)
        RETURN other.x - x
    ENDDEF
ENDCLASS
l = LIST()
FOR i IN LIST(2, 3, 1)
    p = NEW(point)
    p.x = i
    PUSH(l, p)
NEXT
FOR p IN SORT(l) : PRINT p.x : NEXT
'> 321

'### HASH and COMPARE: both or none
CLASS c
    DEF hash()
        RETURN 1
    ENDDEF
ENDCLASS
'! 59 HASH and COMPARE must be provided together @1:1

'### LEN, VAL, GET, SET, PUSH ... may be overridden
CLASS stack
    VAR l = LIST()
    DEF len()
        RETURN LEN(l)
    ENDDEF
    DEF val()
        RETURN "val"
    ENDDEF
    DEF get(i)
        RETURN GET(l, i)
    ENDDEF
    DEF set(i, v)
        SET(l, i, v)
        RETURN ME
    ENDDEF
    DEF push(v)
        PUSH(l, v)
        RETURN ME
    ENDDEF
    DEF pop()
        RETURN POP(l)
    ENDDEF
    DEF back()
        RETURN BACK(l)
    ENDDEF
    DEF insert(i, v)
        INSERT(l, i, v)
        RETURN ME
    ENDDEF
    DEF sort()
        SORT(l)
        RETURN ME
    ENDDEF
    DEF exists(v)
        RETURN EXISTS(l, v)
    ENDDEF
    DEF index_of(v)
        RETURN INDEX_OF(l, v)
    ENDDEF
    DEF remove(i)
        REMOVE(l, i)
        RETURN ME
    ENDDEF
    DEF clear()
        CLEAR(l)
        RETURN ME
    ENDDEF
    DEF clone()
        RETURN "a clone"
    ENDDEF
    DEF to_array()
        RETURN TO_ARRAY(l)
    ENDDEF
ENDCLASS
s = NEW(stack)
PUSH(PUSH(s, 3), 1)
INSERT(s, 0, 2)
SET(s, 0, 9)
PRINT LEN(s), VAL(s), GET(s, 0), BACK(s), EXISTS(s, 3), INDEX_OF(s, 3), " ", CLONE(s), " ", TO_ARRAY(s)(2);
SORT(s)
PRINT GET(s, 0), POP(s), LEN(REMOVE(s, 0)), LEN(CLEAR(s));
'> 3val9111 a clone 1
'> 1910

'### ITERATOR, MOVE_NEXT may be overridden
CLASS countdown
    VAR n = 4
    DEF iterator()
        RETURN ME
    ENDDEF
    DEF move_next()
        n = n - 1
        RETURN n > 0
    ENDDEF
    DEF val()
        RETURN n
    ENDDEF
ENDCLASS
it = ITERATOR(NEW(countdown))
WHILE MOVE_NEXT(it) : PRINT VAL(it) : WEND
FOR i IN NEW(countdown) : PRINT i : NEXT
'> 321321

'### BUG: member writes leak into the prototype; not here
CLASS c
    VAR n = 1
    DEF change()
        n = 2
    ENDDEF
ENDCLASS
a = NEW(c) : b = NEW(c)
a.change()
PRINT a.n, b.n, c.n, NEW(c).n;
'> 2111

'### a lambda in a method is the instance's
CLASS c
    VAR n = 7
    DEF f()
        RETURN LAMBDA () (RETURN n)
    ENDDEF
ENDCLASS
o = NEW(c)
g = o.f()
o.n = 8
PRINT g();
'> 8

'### a class takes VAR and DEF only
CLASS c
    PRINT 1
ENDCLASS
'! 56 Invalid class @2:5

'### two classes of one name
CLASS c
ENDCLASS
CLASS c
ENDCLASS
'! 58 Duplicate class @3:1

'### a class whose parent is none
CLASS c(five)
ENDCLASS
'! 57 Class expected @1:1
