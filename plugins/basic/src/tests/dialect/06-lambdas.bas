' Lambdas.

'### LAMBDA (params) (body), RETURN gives the value
double = LAMBDA (x) (RETURN x * 2)
PRINT double(21), " ", LAMBDA () ();
'> 42 ROUTINE

'### body is one or many statements over lines inside the brackets
largest = LAMBDA (l) (
    VAR best = l(0) ' a comment
    FOR x IN l
        IF x > best THEN
            best = x
        ENDIF
    NEXT
    RETURN best
)
PRINT largest(LIST(3, 9, 4));
'> 9

'### without RETURN the value is NIL
f = LAMBDA (x) (y = x)
PRINT f(1);
'> NIL

'### closes over variables by reference
n = 1
more = LAMBDA () (n = n + 1)
more() : more()
DEF pair()
    VAR v = 1
    RETURN LIST(LAMBDA () (RETURN v), LAMBDA (x) (v = x))
ENDDEF
p = pair()
p(1)(7)
PRINT n, p(0)();
'> 37

'### upvalues survive; counter closures are independent
DEF counter()
    n = 0
    RETURN LAMBDA () (
        n = n + 1
        RETURN n
    )
ENDDEF
a = counter() : b = counter()
PRINT a(), a(), b(), a();
'> 1213

'### Result of an expression is called through a variable
d = DICT("k", LAMBDA (x) (RETURN x + 1))
f = d("k") : PRINT f(1);
'> 2

'### BUG: `d("f")(7)` works
d = DICT("f", LAMBDA (x) (RETURN x * 3))
PRINT d("f")(7);
'> 21

'### BUG: `l(0)(1)` works
l = LIST(LAMBDA (x) (RETURN x + 1), LIST(5, 6))
PRINT l(0)(1), l(1)(1);
'> 26

'### BUG: `(lambda...)(4)` works
PRINT (LAMBDA (x) (RETURN x ^ 2))(4);
(LAMBDA () (PRINT "called";))()
'> 16
'> called

'### BUG: `x.l(0)` works
CLASS c
    VAR l = LIST(1, 2), f = LAMBDA (x) (RETURN x + 1)
ENDCLASS
x = NEW(c)
x.l(0) = 9
PRINT x.l(0), x.l(1), x.f(2);
'> 923

'### lambdas in lambdas
add = LAMBDA (a) (RETURN LAMBDA (b) (RETURN LAMBDA (c) (RETURN a + b + c)))
PRINT add(1)(2)(3);
'> 6

'### a lambda takes `...`, too
f = LAMBDA (...) (RETURN LEN(...))
PRINT f(1, 2, 3);
'> 3

'### too many arguments
f = LAMBDA (x) (RETURN x)
f(1, 2)
'! 34 Close bracket expected: the lambda takes 1 arguments, not 2 @2:1

'### Invalid lambda (60)
f = LAMBDA x (RETURN x)
'! 60 Invalid lambda @1:12

'### Difference: routines and lambdas may be called from outside at any time
kept = 1
test.keep(LAMBDA (x) (
    kept = kept + x
    RETURN kept
))
PRINT test.call(test.kept(), 5), kept, test.call(LAMBDA (a, b) (RETURN a - b), 5, 3);
'> 662
