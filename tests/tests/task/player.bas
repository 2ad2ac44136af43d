' Plays the steps of a scenario, in BASIC. Its twins lie beside it; `players.rs` says what the steps are.
latest = NIL
handles = DICT()
scopes = DICT()
tokens = DICT()
members = DICT("task.spawn", task.spawn, "task.sleep", task.sleep, "task.yield", task.yield)
members("task.yield_now") = task.yield_now
members("task.checkpoint") = task.checkpoint
members("task.scope") = task.scope
members("task.with_timeout") = task.with_timeout
members("task.cancel_token") = task.cancel_token
members("task.current") = task.current

DEF add(a, b)
    RETURN a + b
ENDDEF
calog.export("add", add)

DEF body(steps)
    IF TYPE(steps) = TYPE("ROUTINE") THEN RETURN steps
    RETURN LAMBDA (s) (RETURN player(steps, s))
ENDDEF

DEF yes_no(value)
    IF value THEN RETURN "yes"
    RETURN "no"
ENDDEF

DEF told(e)
    RETURN STR(e.code) + ": " + e.message
ENDDEF

' Methods can only be called.
DEF wrongly(path, args)
    VAR h = handles("h"), s = scopes("s"), t = tokens("t")
    IF path = "handle.join" THEN RETURN h.join(args(0))
    IF path = "handle.abort" THEN RETURN h.abort(args(0))
    IF path = "handle.is_finished" THEN RETURN h.is_finished(args(0))
    IF path = "handle.elapsed" THEN RETURN h.elapsed(args(0))
    IF path = "scope.cancel" THEN RETURN s.cancel(args(0))
    IF path = "scope.token" THEN RETURN s.token(args(0))
    IF path = "token.cancel" THEN RETURN t.cancel(args(0))
    IF path = "token.is_cancelled" THEN RETURN t.is_cancelled(args(0))
    IF path = "token.check" THEN RETURN t.check(args(0))
    IF path <> "scope.spawn" THEN RETURN CALL spread(members(path), args)
    IF LEN(args) = 0 THEN RETURN s.spawn()
    IF LEN(args) = 1 THEN RETURN s.spawn(args(0))
    RETURN s.spawn(args(0), args(1))
ENDDEF

DEF spread(f, a)
    VAR n = LEN(a)
    IF n = 0 THEN RETURN f()
    IF n = 1 THEN RETURN f(a(0))
    IF n = 2 THEN RETURN f(a(0), a(1))
    IF n = 3 THEN RETURN f(a(0), a(1), a(2))
    RETURN f(a(0), a(1), a(2), a(3))
ENDDEF

DEF caught(steps, s)
    VAR said = "fine"
    TRY
        CALL play(steps, s)
    CATCH e
        said = told(e)
    ENDTRY
    gate.note(said)
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

' Never reaches a checkpoint; and swallows what every checkpoint says.
DEF forever()
    WHILE TRUE
    WEND
ENDDEF
DEF swallow()
    WHILE TRUE
        TRY
            task.sleep(100000)
        CATCH e
        ENDTRY
    WEND
ENDDEF
DEF beat()
    WHILE TRUE
        TRY
            task.sleep(1)
        CATCH e
        ENDTRY
        gate.note("beat")
    WEND
ENDDEF
DEF spin()
    WHILE TRUE
        TRY
            task.checkpoint()
        CATCH e
        ENDTRY
    WEND
ENDDEF

DEF tell_current()
    VAR it = task.current(), state = " runs"
    IF it = NIL THEN
        gate.note("no task")
    ELSE
        IF it("cancelled") THEN state = " cancelled"
        gate.note(it("name") + state)
    ENDIF
ENDDEF

DEF about(name)
    VAR h = handles(name), scope_name = NIL
    IF EXISTS(scopes, name) THEN scope_name = scopes(name).name
    RETURN DICT("id", h.id, "name", h.name, "elapsed", h.elapsed(), "scope", scope_name)
ENDDEF

DEF act(deed, s, a, b, c)
    IF deed = "note" THEN
        gate.note(a)
    ELSEIF deed = "gate" THEN
        latest = gate.wait(a)
    ELSEIF deed = "sleep" THEN
        task.sleep(a)
    ELSEIF deed = "yield" THEN
        task.yield()
    ELSEIF deed = "checkpoint" THEN
        task.checkpoint()
    ELSEIF deed = "spawn" THEN
        IF c THEN handles(a) = task.spawn(body(b), c) ELSE handles(a) = task.spawn(body(b))
    ELSEIF deed = "child" THEN
        IF c THEN handles(a) = s.spawn(body(b), c) ELSE handles(a) = s.spawn(body(b))
    ELSEIF deed = "scope" THEN
        IF a THEN latest = task.scope(a, body(b)) ELSE latest = task.scope(body(b))
    ELSEIF deed = "timeout" THEN
        IF c THEN latest = task.with_timeout(a, body(b), c) ELSE latest = task.with_timeout(a, body(b))
    ELSEIF deed = "join" THEN
        latest = handles(a).join()
    ELSEIF deed = "abort" THEN
        handles(a).abort()
    ELSEIF deed = "finished" THEN
        gate.note(a + " finished: " + yes_no(handles(a).is_finished()))
    ELSEIF deed = "keep" THEN
        scopes(a) = s
    ELSEIF deed = "use" THEN
        CALL play(b, scopes(a))
    ELSEIF deed = "cancel" THEN
        s.cancel()
    ELSEIF deed = "token" THEN
        tokens(a) = s.token()
    ELSEIF deed = "new_token" THEN
        tokens(a) = task.cancel_token()
    ELSEIF deed = "cancel_token" THEN
        tokens(a).cancel()
    ELSEIF deed = "is_cancelled" THEN
        gate.note(a + " cancelled: " + yes_no(tokens(a).is_cancelled()))
    ELSEIF deed = "check" THEN
        tokens(a).check()
    ELSEIF deed = "catch" THEN
        caught(a, s)
    ELSEIF deed = "fail" THEN
        RAISE(a)
    ELSEIF deed = "call" THEN
        latest = a()
    ELSEIF deed = "bad" THEN
        refused(a, b)
    ELSEIF deed = "current" THEN
        tell_current()
    ELSEIF deed = "about" THEN
        latest = about(a)
    ELSEIF deed = "here" THEN
        latest = task.current()
    ELSEIF deed = "forever" THEN
        forever()
    ELSEIF deed = "swallow" THEN
        swallow()
    ELSEIF deed = "beat" THEN
        beat()
    ELSE
        spin()
    ENDIF
ENDDEF

DEF play(steps, s)
    VAR one = NIL
    FOR one IN steps
        IF one(0) = "return" THEN RETURN one(1)
        IF one(0) = "last" THEN RETURN latest
        act(one(0), s, one(1), one(2), one(3))
    NEXT
ENDDEF
' A body is made before `play` is known: this is how it finds it.
player = play

calog.export("play", LAMBDA (steps) (RETURN play(steps)))
calog.export("make", body)
