' What only BASIC can make of a value.
CLASS odd_one
  VAR v = 1
  DEF to_string()
    RETURN v
  ENDDEF
  DEF get(x)
    RAISE(v)
  ENDDEF
ENDCLASS

DEF sized(n, most)
  n = n MOD most
  IF n < 0 THEN n = -n
  RETURN n
ENDDEF

DEF same(v)
  RETURN v
ENDDEF

DEF odd(i, v, n)
  i = sized(i, 22)
  l = LIST(v, n)
  d = DICT("v", v)
  IF i = 0 THEN
    PUSH(l, l)
    RETURN l
  ELSEIF i = 1 THEN
    d("d") = d
    RETURN d
  ELSEIF i = 2 THEN
    RETURN DICT(n, v, v, n)
  ELSEIF i = 3 THEN
    RETURN DICT(1, v, 1.0, n)
  ELSEIF i = 4 THEN
    x = NEW(odd_one)
    x.v = v
    RETURN x
  ELSEIF i = 5 THEN
    RETURN odd_one
  ELSEIF i = 6 THEN
    RETURN REFLECT(odd_one)
  ELSEIF i = 7 THEN
    RETURN ITERATOR(l)
  ELSEIF i = 8 THEN
    RETURN LAMBDA (q) (RETURN v)
  ELSEIF i = 9 THEN
    RAISE(v)
  ELSEIF i = 10 THEN
    RAISE(DICT("message", v, "code", n))
  ELSEIF i = 11 THEN
    FOR j = 1 TO sized(n, 400)
      v = LIST(v)
    NEXT
    RETURN v
  ELSEIF i = 12 THEN
    FOR j = 1 TO sized(n, 400)
      v = DICT("v", v)
    NEXT
    RETURN v
  ELSEIF i = 13 THEN
    RETURN TYPE(v)
  ELSEIF i = 14 THEN
    RETURN LIST(n / 3, n / 0, 0 / 0, -n, n * n, SQR(n), n ^ 0.5)
  ELSEIF i = 15 THEN
    DIM a(5, 5)
    a(2, 3) = v
    RETURN a
  ELSEIF i = 16 THEN
    RETURN v(n)
  ELSEIF i = 17 THEN
    v(n) = v
    RETURN v
  ELSEIF i = 18 THEN
    RETURN CLONE(v)
  ELSEIF i = 19 THEN
    RETURN STR(v) + CHR(200) + MID(STR(v), sized(n, 5), 3)
  ELSEIF i = 20 THEN
    PUSH(v, v)
    RETURN v
  ELSE
    SORT(v)
    RETURN INDEX_OF(v, n)
  ENDIF
ENDDEF

calog.export("same", same)
calog.export("odd", odd)
