' A program with something of everything.
CLASS shape
  VAR name = "shape", sides = LIST()
  DEF area()
    RETURN 0
  ENDDEF
  DEF to_string()
    RETURN name + " of " + STR(area())
  ENDDEF
ENDCLASS
CLASS square(shape)
  DEF area()
    RETURN sides(0) ^ 2
  ENDDEF
ENDCLASS
DEF make(side)
  o = NEW(square)
  o.name = "square"
  PUSH(o.sides, side)
  RETURN o
ENDDEF
DEF sum(first, ...)
  total = first
  WHILE LEN(...) > 0
    total = total + ...
  WEND
  RETURN total
ENDDEF
DIM grid(3, 3), words$(2)
FOR i = 0 TO 2
  FOR j = 0 TO 2 STEP 1
    grid(i, j) = i * 3 + j
  NEXT j
NEXT
words$(0) = "a"
d = DICT("x", 1, 2, LIST(1 TO 3))
FOR k IN d
  IF k = "x" THEN PRINT k, "="; ELSEIF k = 2 THEN PRINT "two"; ELSE PRINT "other";
NEXT
count = LAMBDA (n) (
  RETURN LAMBDA () (
    n = n + 1
    RETURN n
  )
)
c = count(4)
c()
TRY
  x = d("x") + words$(0)
CATCH e
  PRINT e.code, " ", e.message;
ENDTRY
PRINT make(3), " ", sum(1, 2, 3), " ", c(), " ", grid(2, 2), words$(1);
i = 0
DO
  i = i + 1
  IF i MOD 2 = 0 THEN
    PRINT i, " even";
  ELSE
    PRINT i, " odd";
  ENDIF
UNTIL i >= 3
END
