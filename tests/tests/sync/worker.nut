// What the tests of the bundle sync ask of every language, in Squirrel. Its twins lie beside it.
local M = {}

M.add <- function(a, b) { return a + b }

// The Objects themselves; whether a name is one Object.
M.atomic <- function(name, initial) { return sync.Atomic(name, initial) }
M.shared <- function(name, initial) { return sync.Shared(name, initial) }
M.group <- function(name) { return sync.WaitGroup(name) }
M.queue <- function(name, size) { return sync.Queue(name, size) }
M.same <- function(name) {
    return sync.Queue(name) == sync.Queue(name) && sync.Queue(name) != sync.Queue(name + "2")
}

// Adds 1 so often; all values that gave.
M.count <- function(name, n) {
    local atomic = sync.Atomic(name, 0), values = []
    for (local i = 0; i < n; i++) values.append(atomic.add(1))
    return values
}

M.value <- function(name) { return sync.Shared(name).get() }
M.assign <- function(name, value) { sync.Shared(name).set(value) }
M.update <- function(name, f) { return sync.Shared(name).update(f) }
// Changes its own copy of the value.
M.spoil <- function(name) { local value = sync.Shared(name).get(); value.x <- "spoilt"; return value.x }

M.more <- function(name, n) { sync.WaitGroup(name).add(n) }
M.done <- function(name) { sync.WaitGroup(name).done() }
M.wait <- function(name) { sync.WaitGroup(name).wait(); return "waited" }

M.put <- function(name, item) { sync.Queue(name).put(item) }
M.get <- function(name) { return sync.Queue(name).get() }
M.try_put <- function(name, item) { return sync.Queue(name).try_put(item) }
M.try_get <- function(name) { return sync.Queue(name).try_get() }
M.size <- function(name) { return sync.Queue(name).size() }
M.close <- function(name) { sync.Queue(name).close() }
M.wrong <- function(name) { return sync.Queue(name).put(newthread(function() {})) }

// Puts these numbers; and gets until the queue is closed, reporting each item.
M.produce <- function(name, from, to) {
    local queue = sync.Queue(name)
    for (local n = from; n <= to; n++) queue.put(n)
}
M.consume <- function(name, me) {
    local queue = sync.Queue(name)
    try {
        while (true) tally.got(me, queue.get())
    } catch (e) {
        return e.code
    }
}

return M
