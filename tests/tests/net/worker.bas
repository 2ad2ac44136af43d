' What the tests of the bundle net ask of every language, in BASIC. Its twins lie beside it.
DEF add(a, b)
    RETURN a + b
ENDDEF
calog.export("add", add)

calog.export("connect", LAMBDA (host, port, options) (RETURN net.connect(host, port, options)))
calog.export("listen", LAMBDA (host, port, options) (RETURN net.listen(host, port, options)))
calog.export("udp", LAMBDA (host, port, options) (RETURN net.udp(host, port, options)))

calog.export("accept", LAMBDA (l) (RETURN l.accept()))
calog.export("send", LAMBDA (c, bytes) (RETURN c.send(bytes)))
calog.export("recv", LAMBDA (c, most) (RETURN c.recv(most)))
calog.export("recv_line", LAMBDA (c) (RETURN c.recv_line()))
calog.export("recv_exact", LAMBDA (c, n) (RETURN c.recv_exact(n)))
calog.export("close", LAMBDA (s) (RETURN s.close()))
calog.export("shutdown", LAMBDA (c) (RETURN c.shutdown()))
calog.export("peer", LAMBDA (c) (RETURN c.peer()))
calog.export("address", LAMBDA (s) (RETURN s.address()))
calog.export("send_to", LAMBDA (u, bytes, host, port) (RETURN u.send_to(bytes, host, port)))
calog.export("recv_from", LAMBDA (u) (RETURN u.recv_from()))

' Whether what comes is what this language has for bytes.
DEF is_bytes(c)
    VAR data = c.recv()
    RETURN data + "" = data
ENDDEF
calog.export("is_bytes", is_bytes)

' Callbacks that note what they are given. 'boom' fails; 'wait' waits at a gate.
DEF noting(name, data)
    gate.note(name + " " + data)
    IF data = "boom" THEN RAISE("it went off")
    IF data = "wait" THEN gate.wait(name)
ENDDEF
calog.export("on_data", LAMBDA (c, name) (c.on_data(LAMBDA (data) (noting(name, data)))))
DEF ended(name, reason)
    IF reason = NIL THEN
        gate.note(name + " closed well")
    ELSE
        gate.note(name + " closed " + reason("code"))
    ENDIF
ENDDEF
calog.export("on_close", LAMBDA (c, name) (c.on_close(LAMBDA (reason) (ended(name, reason)))))
DEF connected(name, c)
    gate.note(name + " has one")
    VAR answer = c.recv_line()
    c.send(name + " got " + answer + CHR(10))
    c.close()
ENDDEF
calog.export("on_connection", LAMBDA (l, name) (l.on_connection(LAMBDA (c) (connected(name, c)))))

' Everything at once: a server whose connections are tasks, until the listener closes.
DEF echo(c)
    VAR data = c.recv()
    WHILE NOT (data = NIL)
        c.send(data)
        data = c.recv()
    WEND
    c.close()
ENDDEF
DEF start(c)
    task.spawn(LAMBDA () (echo(c)))
ENDDEF
DEF serve(l)
    VAR served = 0, c = NIL
    TRY
        WHILE TRUE
            c = l.accept()
            served = served + 1
            start(c)
        WEND
    CATCH e
        RETURN served
    ENDTRY
ENDDEF
calog.export("serve", serve)
