' What every actor of the stress can do, the same in each language. The first argument is the number
' of the call, which says that it runs; 0 is a call by another actor, which nobody counts.
held = NIL

DEF add(number, a, b)
  stress.ran(number)
  RETURN a + b
ENDDEF
calog.export("add", add)
DEF echo(number, value)
  stress.ran(number)
  RETURN value
ENDDEF
calog.export("echo", echo)

' Calls a function with the values of a list.
DEF spread(f, a)
  IF LEN(a) = 0 THEN RETURN f()
  IF LEN(a) = 1 THEN RETURN f(a(0))
  IF LEN(a) = 2 THEN RETURN f(a(0), a(1))
  IF LEN(a) = 3 THEN RETURN f(a(0), a(1), a(2))
  IF LEN(a) = 4 THEN RETURN f(a(0), a(1), a(2), a(3))
  IF LEN(a) = 5 THEN RETURN f(a(0), a(1), a(2), a(3), a(4))
  RAISE("too many arguments")
ENDDEF
DEF apply(number, f, ...)
  stress.ran(number)
  VAR a = LIST()
  WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
  RETURN spread(f, a)
ENDDEF
calog.export("apply", apply)
DEF twice(number, f, x)
  stress.ran(number)
  RETURN f(f(x))
ENDDEF
calog.export("twice", twice)
DEF make(number, n)
  stress.ran(number)
  RETURN LAMBDA (x) (RETURN x + n)
ENDDEF
calog.export("make", make)
calog.export("less", LAMBDA (a, b) (RETURN a < b))

' BASIC cannot suspend in a COMPARE, so the calls are waited for in place.
CLASS sorted
  VAR value = 0, less = NIL
  DEF hash()
    RETURN value
  ENDDEF
  DEF compare(other)
    IF less(value, other.value) THEN RETURN -1
    IF less(other.value, value) THEN RETURN 1
    RETURN 0
  ENDDEF
ENDCLASS
DEF sort_by(number, values, less)
  stress.ran(number)
  VAR wrapped = LIST(), result = LIST(), one
  FOR value IN values
    one = NEW(sorted)
    one.value = value : one.less = less
    PUSH(wrapped, one)
  NEXT
  SORT(wrapped)
  FOR one IN wrapped : PUSH(result, one.value) : NEXT
  RETURN result
ENDDEF
calog.export("sort", sort_by)

DEF gather(number, functions, x)
  stress.ran(number)
  VAR sum = 0
  FOR f IN functions : sum = sum + f(x) : NEXT
  RETURN sum
ENDDEF
calog.export("gather", gather)

DEF keep(number, f)
  stress.ran(number)
  VAR before = held
  held = f
  RETURN before
ENDDEF
calog.export("keep", keep)

calog.export("fail", LAMBDA (k) (RAISE("failure " + STR(k))))
calog.export("throw", LAMBDA (k) (RAISE(DICT("thrown", k))))
DEF catches(number, f, ...)
  stress.ran(number)
  VAR a = LIST()
  WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
  TRY
    spread(f, a)
    RETURN DICT("code", "none", "message", "")
  CATCH e
    IF EXISTS(e, "thrown") THEN RETURN DICT("code", "thrown", "message", "thrown " + STR(e.thrown))
    RETURN DICT("code", e.code, "message", e.message)
  ENDTRY
ENDDEF
calog.export("catch", catches)

DEF ping(number, other, depth)
  stress.ran(number)
  IF depth = 0 THEN RETURN 0
  RETURN 1 + other(0, ping, depth - 1)
ENDDEF
calog.export("ping", ping)

' Suspended, and in place.
CLASS below
  VAR callee = NIL, arguments = NIL, value = NIL
  DEF hash()
    RETURN 0
  ENDDEF
  DEF compare(other)
    value = spread(callee, arguments)
    RETURN 0
  ENDDEF
ENDCLASS
DEF in_place(f, a)
  VAR one = NEW(below)
  one.callee = f : one.arguments = a
  SORT(LIST(one, NEW(below)))
  RETURN one.value
ENDDEF
DEF wait(number, n)
  stress.ran(number)
  RETURN stress.wait(n)
ENDDEF
calog.export("wait", wait)
DEF wait_in_place(number, n)
  stress.ran(number)
  RETURN in_place(stress.wait, LIST(n))
ENDDEF
calog.export("wait_in_place", wait_in_place)
DEF never(number)
  stress.ran(number)
  RETURN stress.never()
ENDDEF
calog.export("never", never)
DEF never_in_place(number)
  stress.ran(number)
  RETURN in_place(stress.never, LIST())
ENDDEF
calog.export("never_in_place", never_in_place)
DEF after(number, microseconds)
  stress.ran(number)
  stress.after(microseconds)
  RETURN microseconds
ENDDEF
calog.export("after", after)
DEF block(number, n)
  stress.ran(number)
  RETURN stress.block(n)
ENDDEF
calog.export("block", block)
DEF host(number, n)
  stress.ran(number)
  RETURN stress.host(n)
ENDDEF
calog.export("host", host)
DEF panic(number)
  stress.ran(number)
  RETURN stress.panic()
ENDDEF
calog.export("panic", panic)
DEF spin(number)
  stress.ran(number)
  WHILE TRUE
    TRY
      WHILE TRUE : WEND
    CATCH
    ENDTRY
  WEND
ENDDEF
calog.export("spin", spin)

' Functions for other threads, which call, pass on and drop them.
DEF give(number, count)
  stress.ran(number)
  FOR n = 1 TO count
    VAR adder = LAMBDA (n) (RETURN LAMBDA (x) (RETURN x + n))
    stress.give(adder(n), n)
  NEXT
  RETURN count
ENDDEF
calog.export("give", give)
DEF post(number)
  stress.ran(number)
  stress.post(LAMBDA () (held = NIL))
  RETURN TRUE
ENDDEF
calog.export("post", post)

' Contexts that scripts open.
DEF child(number, path, x)
  stress.ran(number)
  VAR opened = calog.open(path), result
  opened.wait()
  result = opened.exports().double(x)
  opened.close()
  RETURN result
ENDDEF
calog.export("child", child)
DEF adopt(number, path)
  stress.ran(number)
  VAR opened = calog.open(path)
  opened.wait()
  RETURN DICT("object", opened, "exports", opened.exports())
ENDDEF
calog.export("adopt", adopt)
DEF end_yourself(number, object)
  stress.ran(number)
  object.close()
  RETURN TRUE
ENDDEF
calog.export("end_yourself", end_yourself)
DEF imports(number, module, x)
  stress.ran(number)
  RETURN calog.import(module).double(x)
ENDDEF
calog.export("import", imports)
calog.export("double", LAMBDA (x) (RETURN 2 * x))
