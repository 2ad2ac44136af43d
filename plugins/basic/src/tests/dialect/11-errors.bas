' Errors and warnings.

'### an error stops the run: code, message, row, col
PRINT "before";
  x = SQR("nine")
PRINT "never";
'> before
'! 17 Number expected @2:7

'### Warnings do not stop
x = 1 / 0
l = LIST()
POP(l)
PRINT "goes on";
'> goes on
'? 1:7: Divide by zero
'? 3:1: Empty collection

'### 24 Invalid identifier usage (undefined f used in an expression)
x = f(1)
'! 24 Invalid identifier usage @1:5

'### 38 Assign operator expected (undefined `f()` as statement)
f(1)
'! 38 Assign operator expected @1:1

'### 28 Label does not exist
GOTO nowhere
'! 28 Label does not exist: NOWHERE @1:1

'### 46 Jump label expected
GOSUB 10
'! 46 Jump label expected @1:7

'### Difference: TRY ... CATCH e ... ENDTRY, with `e` a DICT of code, message, file, row, col
TRY
    x = "a" + 1
    PRINT "never"
CATCH e
    PRINT e.code, "|", e.message, "|", e.file, "|", e.row, "|", e.col, "|", TYPE(e);
ENDTRY
PRINT "on";
'> 18|String expected|main.bas|2|13|DICT
'> on

'### CATCH: broker errors have the words of scripts.md
TRY
    calog.import("nowhere")
CATCH e
    PRINT e.code, "|", e.message, "|", e.row;
ENDTRY
TRY
    test.fail("io", "the line is cut")
CATCH e
    PRINT e.code, "|", e.message;
ENDTRY
'> not_found|no module 'nowhere' anywhere|2
'> io|the line is cut

'### CATCH without a variable, and TRY without CATCH
TRY : x = SQR("") : CATCH : PRINT "caught"; : ENDTRY
TRY : x = SQR("") : ENDTRY
PRINT "on";
'> caught
'> on

'### CATCH: of what was called, with its own place
DEF f()
    RETURN SQR("")
ENDDEF
TRY
    f()
CATCH e
    PRINT e.row, ":", e.col;
ENDTRY
'> 2:12

'### RAISE(message), RAISE(message, code), RAISE(number), RAISE(e)
FOR kind = 1 TO 4
    TRY
        TRY
            IF kind = 1 THEN RAISE("oops")
            IF kind = 2 THEN RAISE("far", "range")
            IF kind = 3 THEN RAISE(20)
            x = "a" - 1
        CATCH e
            RAISE(e)
        ENDTRY
    CATCH e
        PRINT e.code, ": ", e.message;
    ENDTRY
NEXT
'> script: oops
'> range: far
'> 20: Index out of bound
'> 14: Unexpected type

'### RAISE of a DICT
TRY
    RAISE(DICT("answer", 42))
CATCH e
    PRINT e.answer, e.code;
ENDTRY
'> 42script

'### 68 Extended abort (native raised): here a native's own error
test.fail("range", "too far")
'! range too far @1:1

'### an error nobody catches ends the program with code, message, file, row and column
DEF f(x)
    RETURN x.y
ENDDEF
f(5)
'! 24 Invalid identifier usage: there is no member y @2:12

'### calls can be limited: a recursion without end
DEF f()
    RETURN 1 + f()
ENDDEF
TRY
    f()
CATCH e
    PRINT e.code;
ENDTRY
'> depth

'### Warnings: wrong numeric arg
PRINT SQR(-1), " ", LOG(-1), " ", ASIN(2), " ", SIN(1 / 1e-320), " ", LOG(0);
'> nan nan nan nan -inf
'? 1:7: No value for this number
'? 1:21: No value for this number
'? 1:35: No value for this number
'? 1:49: No value for this number
