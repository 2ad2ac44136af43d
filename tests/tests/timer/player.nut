// Plays the steps of a scenario, in Squirrel. Its twins lie beside it; `players.rs` says what the steps
// are.
local M = {}, last = null
local timers = {}, counts = {}
local play

local function body(steps) {
    if (typeof steps == "function") return steps
    return function() { local value = play(steps); return value }
}

local function told(e) {
    return typeof e == "string" ? "script: " + e : e.code + ": " + e
}

local function spread(f, a) {
    switch (a.len()) {
        case 0: return f()
        case 1: return f(a[0])
        case 2: return f(a[0], a[1])
        default: return f(a[0], a[1], a[2])
    }
}

local deeds = {
    mark = function(text, b, c) { ::gate.post(function() { ::gate.note(text) }) }
    after = function(id, ms, f) { timers[id] <- timer.after(ms, body(f)) }
    every = function(id, ms, f) { timers[id] <- timer.every(ms, body(f)) }
    cancel = function(id, b, c) { timers[id].cancel() }
    take = function(id, t, c) { timers[id] <- t }
    give = function(id, b, c) { last = timers[id] }
    spin = function(ms, b, c) { for (local start = timer.now(); timer.now() < start + ms;) {} }
    tick = function(id, most, c) {
        counts[id] <- id in counts ? counts[id] + 1 : 1
        ::gate.note(id + " " + counts[id])
        if (counts[id] == most) timers[id].cancel()
    }
    fail = function(message, b, c) { throw message }
    now = function(a, b, c) { last = timer.now() }
    here = function(a, b, c) { ::gate.note(calog.self().name) }
}
// These names are a native's, or keywords.
deeds.note <- function(text, b, c) { ::gate.note(text) }
deeds.gate <- function(name, b, c) { last = ::gate.wait(name) }
deeds.task <- function(a, b, c) { ::gate.note(::task.current() == null ? "in no task" : "in a task") }
deeds["catch"] <- function(steps, b, c) {
    local said = "fine"
    try { play(steps) } catch (e) { said = told(e) }
    ::gate.note(said)
}
deeds["call"] <- function(f, b, c) { last = f() }
deeds.bad <- function(path, args, c) {
    local said = "fine", f = path == "cancel" ? timers.t.cancel : ::timer[path]
    try { spread(f, args) } catch (e) { said = told(e) }
    ::gate.note(path + " " + said)
}

play = function(steps) {
    foreach (step in steps) {
        local deed = step[0]
        if (deed == "return") return step[1]
        if (deed == "last") return last
        local f = deeds[deed]
        f(step[1], step[2], step[3])
    }
    return null
}

M.play <- function(steps) { local value = play(steps); return value }
M.make <- body
M.add <- function(a, b) { return a + b }
return M
