' What the tests of the bundle sync ask of every language, in BASIC. Its twins lie beside it.
DEF add(a, b)
    RETURN a + b
ENDDEF
calog.export("add", add)

' The Objects themselves; whether a name is one Object.
calog.export("atomic", LAMBDA (name, initial) (RETURN sync.Atomic(name, initial)))
calog.export("shared", LAMBDA (name, initial) (RETURN sync.Shared(name, initial)))
calog.export("group", LAMBDA (name) (RETURN sync.WaitGroup(name)))
calog.export("queue", LAMBDA (name, size) (RETURN sync.Queue(name, size)))
DEF same(name)
    VAR one = sync.Queue(name), two = sync.Queue(name), other = sync.Queue(name + "2")
    RETURN one = two AND NOT (one = other)
ENDDEF
calog.export("same", same)

' Adds 1 so often; all values that gave.
DEF count_up(name, n)
    VAR counter = sync.Atomic(name, 0), values = LIST(), i = 0
    FOR i = 1 TO n
        PUSH(values, counter.add(1))
    NEXT
    RETURN values
ENDDEF
calog.export("count", count_up)

calog.export("value", LAMBDA (name) (RETURN sync.Shared(name).get()))
calog.export("assign", LAMBDA (name, v) (sync.Shared(name).set(v)))
calog.export("update", LAMBDA (name, f) (RETURN sync.Shared(name).update(f)))
' Changes its own copy of the value.
DEF spoil(name)
    VAR v = sync.Shared(name).get()
    v("x") = "spoilt"
    RETURN v("x")
ENDDEF
calog.export("spoil", spoil)

calog.export("more", LAMBDA (name, n) (sync.WaitGroup(name).add(n)))
calog.export("done", LAMBDA (name) (sync.WaitGroup(name).done()))
DEF wait_for(name)
    sync.WaitGroup(name).wait()
    RETURN "waited"
ENDDEF
calog.export("wait", wait_for)

calog.export("put", LAMBDA (name, item) (sync.Queue(name).put(item)))
calog.export("get", LAMBDA (name) (RETURN sync.Queue(name).get()))
calog.export("try_put", LAMBDA (name, item) (RETURN sync.Queue(name).try_put(item)))
calog.export("try_get", LAMBDA (name) (RETURN sync.Queue(name).try_get()))
calog.export("size", LAMBDA (name) (RETURN sync.Queue(name).size()))
calog.export("close", LAMBDA (name) (sync.Queue(name).close()))
CLASS thing
    VAR x = 1
ENDCLASS
calog.export("wrong", LAMBDA (name) (sync.Queue(name).put(NEW(thing))))

' Puts these numbers; and gets until the queue is closed, reporting each item.
DEF produce(name, first, last)
    VAR q = sync.Queue(name), n = 0
    FOR n = first TO last
        q.put(n)
    NEXT
ENDDEF
calog.export("produce", produce)
DEF consume(name, me_)
    VAR q = sync.Queue(name)
    TRY
        WHILE TRUE
            tally.got(me_, q.get())
        WEND
    CATCH e
        RETURN e.code
    ENDTRY
ENDDEF
calog.export("consume", consume)
