' What a text is made of.

'### Case-insensitive
Count = 1 : COUNT = count + 1
pRiNt cOuNt;
'> 2

'### identifiers: letters, digits, _, also letters of UTF-8
größe_2 = 5 : _x = 6
PRINT GRÖSSE_2, größe_2, GRÖßE_2, _X;
'> 5556

'### optional trailing $: a and a$ are two variables; $ has a meaning in DIM and INPUT only
a = 1 : a$ = 2
PRINT a, a$, TYPE(a$);
'> 12INTEGER

'### Members by `.`
d = DICT("x", 1)
d.y = 2
PRINT d.x + d.y;
'> 3

'### Statement separator: newline or `:`
x = 1 : y = 2
PRINT x : PRINT y;
'> 12

'### Statement separator: empty statements
:: x = 1 ::
PRINT x;
'> 1

'### Comments: `'`
PRINT 1; ' and no more : PRINT 2
'> 1

'### Comments: REM
REM PRINT 1
x = 2 : REM PRINT 1 : PRINT 3
PRINT x;
'> 2

'### Comments: block `'[` ... `']`
PRINT 1; '[ these
PRINT 2;
'] PRINT 3;
'> 1
'> 3

'### `;` and `,` only inside PRINT / argument lists: elsewhere they are errors
x = 1, y = 2
'! 30 Colon expected @1:6

'### `;` elsewhere
x = 1; y = 2
'! 30 Colon expected @1:6

'### Strings: no escapes (`\n` is two characters)
PRINT "a\nb", LEN("a\nb");
'> a\nb4

'### Strings: may span lines
x = "one
two"
PRINT x;
'> one
'> two

'### Strings: no doubled-quote escape: these are two strings
PRINT "a""b"
'! 32 Comma or semicolon expected @1:10

'### Strings: curly quotes also accepted, and may hold straight ones
PRINT “curly”, “a "b" c”;
'> curlya "b" c

'### Strings: no limit of 127 bytes
s = "x"
FOR i = 1 TO 10 : s = s + s : NEXT
a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters = 7
PRINT LEN(s), " ", a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters_a_name_of_many_letters;
'> 1024 7

'### Strings: one without an end
PRINT "open
'! 15 Invalid string @1:7

'### Numbers: decimal int, real (`.5`, `1e3` is REAL)
PRINT 12, " ", .5, " ", 1.25, " ", 1e3, " ", TYPE(1e3), " ", TYPE(12), " ", 2.5e-1;
'> 12 0.5 1.25 1000 REAL INTEGER 0.25

'### Numbers: `0x` hex, leading `0` octal
PRINT 0x1F, " ", 0XfF, " ", 017, " ", 0;
'> 31 255 15 0

'### Int literals are 64-bit, larger ones are REAL
PRINT 4294967296, " ", 3000000000, " ", TYPE(3000000000);
PRINT 9223372036854775807, " ", TYPE(9223372036854775808);
'> 4294967296 3000000000 INTEGER
'> 9223372036854775807 REAL

'### TRUE=1, FALSE=0, NIL
PRINT TRUE, FALSE, NIL, TRUE = 1, FALSE = 0;
'> 10NIL11

'### Labels `name:` only
GOTO there
PRINT "not this";
there:
PRINT "here";
'> here

'### Labels: no line numbers
10 PRINT 1
'! 11 Syntax error @1:1

'### No `\`
x = 1 \ 2
'! 6 Invalid character @1:7

'### No `%`
x = 1 % 2
'! 6 Invalid character @1:7

'### No `&`
x = 1 & 2
'! 6 Invalid character @1:7

'### No `==`
x = 1 == 2
'! 37 Operator expected @1:7

'### Keywords cannot be names
VAR wend = 1
'! 25 Cannot assign to reserved word: wend @1:5

'### Reserved functions cannot be names
left = 1
'! 33 Open bracket expected @1:6

'### Difference: after a dot any word is a member's name, keywords included
d = DICT("import", 1, "end", 2, "left", 3)
d.next = 4
PRINT d.import, d.end, d.left, d.next;
'> 1234
