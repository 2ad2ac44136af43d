' Operators, high to low, all left associative.

'### ()
PRINT (1 + 2) * 3, " ", ((4));
'> 9 4

'### unary -
PRINT -3, " ", - -3, " ", 2 - -3, " ", 2 * -3;
'> -3 3 5 -6

'### NOT
PRINT NOT 0, NOT 1, NOT NOT 5, NOT NIL, NOT "";
'> 10110

'### ^ (2^3^2=64, -2^2=4)
PRINT 2 ^ 3 ^ 2, " ", -2 ^ 2, " ", 2 ^ -1, " ", 2 ^ 0.5 < 1.5;
'> 64 4 0.5 1

'### * / bind more than + -, less than ^
PRINT 2 + 3 * 4, " ", 2 * 3 ^ 2, " ", 100 / 10 / 5;
'> 14 18 2

'### MOD (8 MOD 5*2 = 8): lower than * and /, higher than + and -
PRINT 8 MOD 5 * 2, " ", 10 MOD 4 + 1, " ", 1 + 7 MOD 4;
'> 8 3 4

'### + -
PRINT 10 - 4 - 3, " ", 1 + 2 - 3 + 4;
'> 3 4

'### comparisons < > <= >= <> =
PRINT 1 < 2, 1 > 2, 1 <= 1, 1 >= 2, 1 <> 2, 1 = 2, 1 + 1 = 2;
'> 1010101

'### NOT chainable: 3>2>1 is an error
PRINT 3 > 2 > 1
'! 48 Invalid expression: comparisons cannot be chained @1:13

'### AND OR IS (equal rank, so `1 or 0 and 0` = 0)
PRINT 1 OR 0 AND 0, 0 AND 0 OR 1, 1 < 2 AND 2 < 3, 1 AND 2;
'> 0111

'### NOT short-circuit: both sides are evaluated
DEF say(text, value)
    PRINT text
    RETURN value
ENDDEF
x = say("a", 0) AND say("b", 1)
y = say("c", 1) OR say("d", 0)
PRINT x, y;
'> abcd01

'### `NOT 1=2` is (NOT 1)=2
PRINT NOT 1 = 2, NOT (1 = 2);
'> 01

'### BUG: an expression that begins with a string literal followed by a comparison works
x = "a" < "b"
PRINT x, "a" = "a", "b" <= "a";
IF "x" <> "y" THEN PRINT "differ";
'> 110
'> differ

'### inst IS cls; a class IS one it derives from; value IS TYPE
CLASS animal
ENDCLASS
CLASS bird(animal)
ENDCLASS
b = NEW(bird)
PRINT b IS bird, b IS animal, bird IS animal, animal IS bird, b IS TYPE("CLASS"), 5 IS TYPE("INT"), 5 IS animal;
'> 1110110

'### IS wants a class or a type
PRINT 5 IS 5
'! 57 Class expected @1:9

'### an operand that is missing
PRINT 1 +
'! 48 Invalid expression @1:10

'### a bracket that is missing
PRINT (1
'! 34 Close bracket expected @1:9
