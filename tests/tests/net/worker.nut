// What the tests of the bundle net ask of every language, in Squirrel. Its twins lie beside it.
local M = {}

M.add <- function(a, b) { return a + b }

M.connect <- function(host, port, options) { return net.connect(host, port, options) }
M.listen <- function(host, port, options) { return net.listen(host, port, options) }
M.udp <- function(host, port, options) { return net.udp(host, port, options) }

M.accept <- function(l) { return l.accept() }
M.send <- function(c, bytes) { return c.send(bytes) }
M.recv <- function(c, max) { return c.recv(max) }
M.recv_line <- function(c) { return c.recv_line() }
M.recv_exact <- function(c, n) { return c.recv_exact(n) }
M.close <- function(s) { return s.close() }
M.shutdown <- function(c) { return c.shutdown() }
M.peer <- function(c) { return c.peer() }
M.address <- function(s) { return s.address() }
M.send_to <- function(u, bytes, host, port) { return u.send_to(bytes, host, port) }
M.recv_from <- function(u) { return u.recv_from() }

// Whether what comes is what this language has for bytes.
M.is_bytes <- function(c) { return typeof c.recv() == "string" }

// Callbacks that note what they are given. 'boom' fails; 'wait' waits at a gate.
M.on_data <- function(c, name) {
    c.on_data(function(data) {
        gate.note(name + " " + data)
        if (data == "boom") throw "it went off"
        if (data == "wait") gate.wait(name)
    })
}
M.on_close <- function(c, name) {
    c.on_close(function(reason) { gate.note(name + " closed " + (reason == null ? "well" : reason.code)) })
}
M.on_connection <- function(l, name) {
    l.on_connection(function(c) {
        gate.note(name + " has one")
        local line = c.recv_line()
        c.send(name + " got " + line + "\n")
        c.close()
    })
}

// Everything at once: a server whose connections are tasks, until the listener closes.
M.serve <- function(l) {
    local served = 0
    while (true) {
        local c = null
        try { c = l.accept() } catch (e) { return served }
        served++
        task.spawn(function() {
            local data = null
            while ((data = c.recv()) != null) c.send(data)
            c.close()
        })
    }
}

return M
