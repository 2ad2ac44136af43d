//! How the steps of a program are written in BASIC.

use super::{FunctionForm, Language, Sources, ThrowForm};

pub(crate) const BASIC: Language = Language {
    engine: "basic",
    extension: "bas",
    prologue: r#"
OWN = $me : MODULUS = 1000003 : HOW_MANY = $contexts
peers = DICT() : held = DICT() : own_exports = DICT()
codes = DICT("script", 0, "type", 1, "range", 2, "io", 3, "limit", 4, "permission", 5, "not_found", 6, "closed", 7)
SET(codes, "timeout", 8)

' The callable in data, and the sum of its integers.
DEF find(value)
  IF value IS TYPE("ROUTINE") THEN RETURN LIST(value, 0)
  IF value IS TYPE("INTEGER") THEN RETURN LIST(NIL, value)
  VAR parts = value
  IF value IS TYPE("DICT") THEN
    parts = LIST()
    FOR key IN value
      ' A truth value counts as a number here, so the one that `box` makes is known by its name.
      IF key <> "flag" THEN PUSH(parts, value(key))
    NEXT
  ELSEIF NOT (value IS TYPE("LIST")) THEN
    RETURN LIST(NIL, 0)
  ENDIF
  VAR found = NIL, sum = 0, got
  FOR part IN parts
    got = find(part)
    IF (got(0) <> NIL) AND (found <> NIL) AND (got(0) <> found) THEN sum = sum + 500000
    IF found = NIL THEN found = got(0)
    sum = sum + got(1)
  NEXT
  RETURN LIST(found, sum)
ENDDEF

DEF box(shape, f, x)
  IF shape = 0 THEN RETURN f
  IF f = NIL THEN RETURN x
  IF shape = 1 THEN RETURN LIST(f, x)
  IF shape = 2 THEN RETURN DICT("f", f, "n", x)
  IF shape = 3 THEN RETURN LIST(DICT("n", x, "inner", LIST(f, f)), "text", x)
  RETURN DICT("f", f, "n", x, "text", "text" + CHR(0), "real", 0.5, "flag", TRUE, "nothing", NIL, 7, 3)
ENDDEF

DEF result(shape, f, x)
  IF f = NIL THEN RETURN x
  IF shape MOD 2 = 0 THEN RETURN DICT("v", x, "f", f)
  RETURN LIST(x, f)
ENDDEF

DEF caught(x, e)
  VAR message = e.message
  IF e.code = "dead" OR (e.code = "cancelled") THEN RETURN (x * 5 + 666000) MOD MODULUS
  IF LEN(message) > 7 THEN
    IF LEFT(message, 7) = "Error: " THEN message = RIGHT(message, LEN(message) - 7)
  ENDIF
  TRY
    VAR number = VAL(RIGHT(message, LEN(message) - 1))
    IF LEFT(message, 1) = "m" AND EXISTS(codes, e.code) THEN
      RETURN (x * 5 + codes(e.code) * 1000 + number) MOD MODULUS
    ENDIF
  CATCH
    ' It is no number.
  ENDTRY
  RAISE("unexpected error " + STR(e.code) + ": " + message)
ENDDEF

DEF place(s, slot)
  RETURN STR(s) + "/" + STR(slot)
ENDDEF
DEF hold(s, slot, f)
  SET(held, place(s, slot), f)
ENDDEF
DEF kept(s, slot)
  IF s < 0 THEN RETURN NIL
  RETURN held(place(s, slot))
ENDDEF
DEF inner(s, n)
  IF s > 0 THEN RETURN s * 4 + n
  RETURN s
ENDDEF
DEF same(left_one, right_one)
  IF left_one = right_one THEN RETURN 7
  RETURN 11
ENDDEF

DEF plain(form, f, s, fuel, x, argument)
  VAR id = t.begin(OWN, form), value
  TRY
    value = f(id, s, fuel, x, argument)
  CATCH e
    t.done(id)
    RAISE(e)
  ENDTRY
  t.done(id)
  RETURN value
ENDDEF
DEF by_lambda(form, f, s, fuel, x, argument)
  RETURN (LAMBDA (g) (RETURN plain(form, g, s, fuel, x, argument)))(f)
ENDDEF
DEF by_broker(form, f, s, fuel, x, argument)
  VAR id = t.begin(OWN, form), value
  TRY
    value = calog.call(f, id, s, fuel, x, argument)
  CATCH e
    t.done(id)
    RAISE(e)
  ENDTRY
  t.done(id)
  RETURN value
ENDDEF

' A call that methods make.
CLASS work
  VAR form = 0, f = NIL, s = 0, fuel = 0, x = 0, argument = NIL, value = NIL, is_over = FALSE
  DEF set_up(to_form, to_f, to_s, to_fuel, to_x, to_argument)
    form = to_form : f = to_f : s = to_s : fuel = to_fuel : x = to_x : argument = to_argument
    RETURN ME
  ENDDEF
  DEF run()
    RETURN plain(form, f, s, fuel, x, argument)
  ENDDEF
  DEF len()
    RETURN run()
  ENDDEF
  DEF hash()
    RETURN 0
  ENDDEF
  DEF compare(other)
    IF f <> NIL THEN value = run()
    RETURN 0
  ENDDEF
  DEF move_next()
    IF is_over THEN RETURN FALSE
    value = run()
    is_over = TRUE
    RETURN TRUE
  ENDDEF
  DEF get()
    RETURN value
  ENDDEF
ENDCLASS
DEF by_method(form, f, s, fuel, x, argument)
  RETURN NEW(work).set_up(form, f, s, fuel, x, argument).run()
ENDDEF
DEF by_len(form, f, s, fuel, x, argument)
  RETURN LEN(NEW(work).set_up(form, f, s, fuel, x, argument))
ENDDEF
DEF by_iterator(form, f, s, fuel, x, argument)
  FOR value IN NEW(work).set_up(form, f, s, fuel, x, argument)
    RETURN value
  NEXT
ENDDEF
' Here BASIC cannot suspend.
DEF by_sort(form, f, s, fuel, x, argument)
  VAR one = NEW(work).set_up(form, f, s, fuel, x, argument)
  SORT(LIST(one, NEW(work)))
  RETURN one.value
ENDDEF
DEF by_key(form, f, s, fuel, x, argument)
  VAR one = NEW(work).set_up(form, f, s, fuel, x, argument), known = DICT(NEW(work), 1)
  SET(known, one, 2)
  RETURN one.value
ENDDEF

DEF branch(form, f, s, fuel, x, argument)
  IF f = NIL OR (fuel <= 0) THEN RETURN DICT()
  TRY
    RETURN DICT("got", find(plain(form, f, s, fuel - 1, x, argument)))
  CATCH e
    RETURN DICT("error", e)
  ENDTRY
ENDDEF
DEF fork(form, x, s, fuel, f, a, g, b)
  VAR both = LIST(branch(form, f, inner(s, 1), fuel, x, a), branch(form, g, inner(s, 2), fuel, x, b))
  FOR it IN both
    IF EXISTS(it, "got") THEN
      x = (x * 3 + it.got(1)) MOD MODULUS
    ELSEIF EXISTS(it, "error") THEN
      x = caught(x, it.error)
    ELSE
      x = (x + 1) MOD MODULUS
    ENDIF
  NEXT
  RETURN x
ENDDEF

' There are no weak references. What lives is weighed: each closure holds a string like this.
ballast = "0123456789abcdef"
WHILE LEN(ballast) < 16384 : ballast = ballast + ballast : WEND
DEF weighed()
  VAR weight = ballast + "!"
  RETURN LAMBDA () (RETURN weight)
ENDDEF

DEF connect()
  FOR n = 0 TO HOW_MANY - 1
    IF n = OWN THEN SET(peers, n, own_exports) ELSE SET(peers, n, calog.import("c" + STR(n)))
  NEXT
  at_rest = MEM
  RETURN TRUE
ENDDEF
calog.export("connect", connect)
DEF open_it(path, name, thread)
  IF thread = NIL THEN RETURN calog.open(path, DICT("name", name))
  RETURN calog.open(path, DICT("name", name, "thread", thread))
ENDDEF
calog.export("open", open_it)
DEF tidy()
  CLEAR(held)
  RETURN ROUND((MEM - at_rest) / measure)
ENDDEF
calog.export("tidy", tidy)
"#,
    epilogue: r#"
own_exports = DICT($exports)
FOR name IN own_exports
  calog.export(name, own_exports(name))
NEXT
at_rest = MEM
measured = weighed()
measure = MEM - at_rest
measured = NIL
"#,
    export: "\"$name\", $name",
    separator: ", ",
    functions: &[FunctionForm {
        export: "
DEF $name(id, s, fuel, x, argument)
  t.enter(id)
  VAR got = find(argument), f, value
  VAR g = got(0), h = NIL
  x = (x + got(1)) MOD MODULUS
$steps  RETURN x
ENDDEF
",
        closure: "
DEF make_$name(c, captured)
  VAR weight = ballast + \"!\"
  RETURN LAMBDA (id, s, fuel, x, argument) (
    t.enter(id)
    VAR got = find(argument), f, value
    VAR g = got(0), h = NIL, kept_alive = weight
    IF g = NIL THEN g = captured
    x = (x + got(1) + c) MOD MODULUS
$steps    RETURN x
  )
ENDDEF
",
        calls: &[
            "plain($form, f, s, fuel - 1, x, $argument)",
            "CALL plain($form, f, s, fuel - 1, x, $argument)",
            "by_lambda($form, f, s, fuel - 1, x, $argument)",
            "by_broker($form, f, s, fuel - 1, x, $argument)",
            "by_method($form, f, s, fuel - 1, x, $argument)",
            "by_len($form, f, s, fuel - 1, x, $argument)",
            "by_iterator($form, f, s, fuel - 1, x, $argument)",
            "by_sort($form, f, s, fuel - 1, x, $argument)",
            "by_key($form, f, s, fuel - 1, x, $argument)",
        ],
        fork: "x = fork($form, x, s, fuel, $first, $first_argument, $second, $second_argument)",
    }],
    sources: Sources {
        none: "NIL",
        received: "g",
        register: "h",
        held: "kept(s, $slot)",
        own: "CALL($name)",
        export: "peers($context).$name",
        closure: Some("CALL make_$name(x, h)"),
        native: "t.$name",
    },
    argument: "box($shape, $source, x)",
    mix: "x = (x * $times + $plus) MOD MODULUS",
    call_passing: "f = $target
IF (f <> NIL) AND (fuel > 0) THEN
  got = find($call)
  x = (x * 3 + got(1)) MOD MODULUS
  IF $keep THEN h = got(0)
ELSE
  x = (x + 1) MOD MODULUS
ENDIF",
    call_catching: "f = $target
IF (f <> NIL) AND (fuel > 0) THEN
  TRY
    got = find($call)
    x = (x * 3 + got(1)) MOD MODULUS
    IF $keep THEN h = got(0)
  CATCH e
    x = caught(x, e)
  ENDTRY
ELSE
  x = (x + 1) MOD MODULUS
ENDIF",
    call_rethrowing: "f = $target
IF (f <> NIL) AND (fuel > 0) THEN
  TRY
    value = $call
  CATCH e
    RAISE(e)
  ENDTRY
  got = find(value)
  x = (x * 3 + got(1)) MOD MODULUS
  IF $keep THEN h = got(0)
ELSE
  x = (x + 1) MOD MODULUS
ENDIF",
    hold: "hold(s, $slot, $source)",
    drop: "hold(s, $slot, NIL)",
    forget: "h = NIL",
    collect: "",
    compare: "x = (x + same($left, $right)) MOD MODULUS",
    throws: &[
        ThrowForm { coded: true, text: "RAISE(\"$message\", \"$code\")" },
        ThrowForm { coded: false, text: "RAISE(\"$message\")" },
        ThrowForm { coded: true, text: "RAISE(DICT(\"code\", \"$code\", \"message\", \"$message\"))" },
        ThrowForm { coded: true, text: "t.throw($number, \"$message\")" },
    ],
    give_back: "RETURN result($shape, $source, x)",
    close: "IF s < $racing THEN t.close($context)",
    when: "IF fuel MOD $by = $rest THEN
$step
ENDIF",
    detaches: &["x = t.detach($form, s, fuel, x, $target, $argument)"],
};
