' What the tests of waiting, threads and lifetimes ask of every language, in BASIC. Its twins lie
' beside it.

' Calls a function with the values of a list.
DEF spread(f, a)
    VAR n = LEN(a)
    IF n = 0 THEN RETURN f()
    IF n = 1 THEN RETURN f(a(0))
    IF n = 2 THEN RETURN f(a(0), a(1))
    IF n = 3 THEN RETURN f(a(0), a(1), a(2))
    IF n = 4 THEN RETURN f(a(0), a(1), a(2), a(3))
    IF n = 5 THEN RETURN f(a(0), a(1), a(2), a(3), a(4))
    IF n = 6 THEN RETURN f(a(0), a(1), a(2), a(3), a(4), a(5))
    RAISE("too many arguments")
ENDDEF

' The same where BASIC cannot suspend: below a COMPARE that SORT calls.
CLASS below
    VAR callee = NIL, arguments = NIL, result = NIL
    DEF hash()
        RETURN 0
    ENDDEF
    DEF compare(other)
        result = spread(callee, arguments)
        RETURN 0
    ENDDEF
ENDCLASS
DEF below_sort(f, a)
    VAR one = NEW(below)
    one.callee = f
    one.arguments = a
    SORT(LIST(one, NEW(below)))
    RETURN one.result
ENDDEF

DEF outcome_of(e)
    RETURN DICT("code", e.code, "message", e.message)
ENDDEF

DEF add(a, b)
    RETURN a + b
ENDDEF
calog.export("add", add)

' Calls, suspending; and waiting in place.
DEF suspends(f, ...)
    VAR a = LIST(), value
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    value = spread(f, a)
    RETURN value
ENDDEF
calog.export("suspends", suspends)
DEF pumps(f, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    RETURN below_sort(f, a)
ENDDEF
calog.export("pumps", pumps)

' The same, and gives what came of it.
DEF catches(f, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    TRY
        RETURN DICT("value", spread(f, a))
    CATCH e
        RETURN outcome_of(e)
    ENDTRY
ENDDEF
calog.export("catches", catches)
DEF catches_in_place(f, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    TRY
        RETURN DICT("value", below_sort(f, a))
    CATCH e
        RETURN outcome_of(e)
    ENDTRY
ENDDEF
calog.export("catches_in_place", catches_in_place)

' Waits at a gate, suspending; and in place. What else is given is held meanwhile.
DEF wait(name, ...)
    VAR value = gate.wait(name)
    RETURN value
ENDDEF
calog.export("wait", wait)
DEF wait_in_place(name, ...)
    RETURN below_sort(gate.wait, LIST(name))
ENDDEF
calog.export("wait_in_place", wait_in_place)

' Ways to use up the stack.
overflow = DICT()
DEF plain()
    RETURN 1 + plain()
ENDDEF
overflow.plain = plain
DEF mutual()
    RETURN 1 + CALL again()
ENDDEF
DEF again()
    RETURN 1 + mutual()
ENDDEF
overflow.mutual = mutual
DEF caught(n)
    IF n MOD 100 > 0 THEN RETURN 1 + caught(n + 1)
    TRY
        RETURN 1 + caught(n + 1)
    CATCH e
        RAISE(e)
    ENDTRY
ENDDEF
overflow.caught = LAMBDA () (RETURN caught(0))
turn = LAMBDA (f) (RETURN 1 + f(f))
overflow.lambda = LAMBDA () (RETURN turn(turn))
CLASS endless
    DEF hash()
        RETURN EXISTS(DICT(NEW(endless), 1), ME)
    ENDDEF
    DEF compare(other)
        SORT(LIST(ME, other))
        RETURN 0
    ENDDEF
    DEF to_string()
        RETURN STR(ME)
    ENDDEF
    DEF get()
        RETURN GET(ME)
    ENDDEF
    DEF iterator()
        FOR i IN ME : NEXT
    ENDDEF
    DEF deeper()
        RETURN ME.deeper()
    ENDDEF
ENDCLASS
overflow.compare = LAMBDA () (RETURN SORT(LIST(NEW(endless), NEW(endless))))
overflow.hash = LAMBDA () (RETURN NEW(endless).hash())
overflow.to_string = LAMBDA () (RETURN STR(NEW(endless)))
overflow.get = LAMBDA () (RETURN GET(NEW(endless)))
overflow.iterator = LAMBDA () (RETURN NEW(endless).iterator())
overflow.method = LAMBDA () (RETURN NEW(endless).deeper())
overflow.calls = LAMBDA () (RETURN calog.call(overflow.calls))
overflow.value = LAMBDA () (
    l = LIST()
    FOR i = 1 TO 100000 : l = LIST(l) : NEXT
    RETURN calog.call(add, l, 1)
)
calog.export("overflow", overflow)

' Calls `other` with the roles changed until a call fails; then gives the level, the error's code,
' and what came of `deepest`, called there.
DEF bottom(level, e, deepest, a)
    VAR found = DICT("level", level, "code", e.code, "message", e.message)
    IF deepest THEN
        TRY
            found.deepest = DICT("value", spread(deepest, a))
        CATCH e
            found.deepest = outcome_of(e)
        ENDTRY
    ENDIF
    RETURN found
ENDDEF
DEF next_level(mine, other, level, deepest, a)
    VAR all = LIST(mine, other, level + 1, deepest)
    FOR x IN a : PUSH(all, x) : NEXT
    RETURN all
ENDDEF
DEF sink_below(other, mine, level, deepest, a)
    TRY
        RETURN below_sort(other, next_level(mine, other, level, deepest, a))
    CATCH e
        RETURN bottom(level, e, deepest, a)
    ENDTRY
ENDDEF
DEF sink(other, mine, level, deepest, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    TRY
        RETURN spread(other, next_level(mine, other, level, deepest, a))
    CATCH e
        RETURN bottom(level, e, deepest, a)
    ENDTRY
ENDDEF
calog.export("sink", sink)
DEF sink_in_place(other, mine, level, deepest, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    RETURN sink_below(other, mine, level, deepest, a)
ENDDEF
calog.export("sink_in_place", sink_in_place)
' As in place, with script recursion between the levels.
DEF further(n, other, mine, level, deepest, a)
    IF n > 0 THEN RETURN further(n - 1, other, mine, level, deepest, a)
    RETURN sink_below(other, mine, level, deepest, a)
ENDDEF
DEF sink_far(other, mine, level, deepest, ...)
    VAR a = LIST()
    WHILE LEN(...) > 0 : PUSH(a, ...) : WEND
    RETURN further(150, other, mine, level, deepest, a)
ENDDEF
calog.export("sink_far", sink_far)

' Functions that were made and still live. BASIC has no weak references, but it counts the memory
' its values take, and each of these functions holds a string that is much of it.
ballast = "0123456789abcdef"
WHILE LEN(ballast) < 16384 : ballast = ballast + ballast : WEND
DEF make_one()
    VAR own = ballast + "!"
    RETURN LAMBDA () (RETURN own)
ENDDEF
DEF make(n)
    VAR made = LIST()
    FOR i = 1 TO n
        PUSH(made, make_one())
    NEXT
    RETURN made
ENDDEF
calog.export("make", make)
DEF alive()
    RETURN ROUND((MEM - before) / weight)
ENDDEF
calog.export("alive", alive)

' Keeps a value; and lets it go.
kept = NIL
DEF keep(value)
    kept = value
ENDDEF
calog.export("keep", keep)
DEF let_go()
    kept = NIL
ENDDEF
calog.export("let_go", let_go)

' The measure of `alive`.
before = MEM
kept = make_one()
weight = MEM - before
kept = NIL
