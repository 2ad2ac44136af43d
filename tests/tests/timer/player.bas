' Plays the steps of a scenario, in BASIC. Its twins lie beside it; `players.rs` says what the steps are.
latest = NIL
timers = DICT()
counts = DICT()

DEF add(a, b)
    RETURN a + b
ENDDEF
calog.export("add", add)

DEF body(steps)
    IF TYPE(steps) = TYPE("ROUTINE") THEN RETURN steps
    RETURN LAMBDA () (RETURN player(steps))
ENDDEF

DEF told(e)
    RETURN STR(e.code) + ": " + e.message
ENDDEF

DEF caught(steps)
    VAR said = "fine"
    TRY
        CALL play(steps)
    CATCH e
        said = told(e)
    ENDTRY
    gate.note(said)
ENDDEF

' Methods can only be called.
DEF wrongly(path, a)
    VAR n = LEN(a), f = timer.after, t = NIL
    IF path = "cancel" THEN
        t = timers("t")
        RETURN t.cancel(a(0))
    ENDIF
    IF path = "every" THEN f = timer.every
    IF path = "now" THEN f = timer.now
    IF n = 0 THEN RETURN f()
    IF n = 1 THEN RETURN f(a(0))
    IF n = 2 THEN RETURN f(a(0), a(1))
    RETURN f(a(0), a(1), a(2))
ENDDEF

DEF refused(path, args)
    VAR said = "fine"
    TRY
        wrongly(path, args)
    CATCH e
        said = told(e)
    ENDTRY
    gate.note(path + " " + said)
ENDDEF

DEF spin(ms)
    VAR start = timer.now()
    WHILE timer.now() < start + ms
    WEND
ENDDEF

DEF tick(id, most)
    VAR count = 1, t = timers(id)
    IF EXISTS(counts, id) THEN count = counts(id) + 1
    counts(id) = count
    gate.note(id + " " + STR(count))
    IF count = most THEN t.cancel()
ENDDEF

DEF cancel(id)
    VAR t = timers(id)
    t.cancel()
ENDDEF

DEF mark(text)
    gate.post(LAMBDA () (gate.note(text)))
ENDDEF

DEF tell_task()
    VAR it = task.current()
    IF it = NIL THEN gate.note("in no task") ELSE gate.note("in a task")
ENDDEF

DEF act(deed, a, b, c)
    IF deed = "note" THEN
        gate.note(a)
    ELSEIF deed = "gate" THEN
        latest = gate.wait(a)
    ELSEIF deed = "mark" THEN
        mark(a)
    ELSEIF deed = "after" THEN
        timers(a) = timer.after(b, body(c))
    ELSEIF deed = "every" THEN
        timers(a) = timer.every(b, body(c))
    ELSEIF deed = "cancel" THEN
        cancel(a)
    ELSEIF deed = "take" THEN
        timers(a) = b
    ELSEIF deed = "give" THEN
        latest = timers(a)
    ELSEIF deed = "spin" THEN
        spin(a)
    ELSEIF deed = "tick" THEN
        tick(a, b)
    ELSEIF deed = "catch" THEN
        caught(a)
    ELSEIF deed = "bad" THEN
        refused(a, b)
    ELSEIF deed = "fail" THEN
        RAISE(a)
    ELSEIF deed = "call" THEN
        latest = a()
    ELSEIF deed = "now" THEN
        latest = timer.now()
    ELSEIF deed = "here" THEN
        gate.note(calog.self().name)
    ELSE
        tell_task()
    ENDIF
ENDDEF

DEF play(steps)
    VAR one = NIL
    FOR one IN steps
        IF one(0) = "return" THEN RETURN one(1)
        IF one(0) = "last" THEN RETURN latest
        act(one(0), one(1), one(2), one(3))
    NEXT
ENDDEF
' A body is made before `play` is known: this is how it finds it.
player = play

calog.export("play", LAMBDA (steps) (RETURN play(steps)))
calog.export("make", body)
