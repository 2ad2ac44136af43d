// Plays the steps of a scenario, in Squirrel. Its twins lie beside it; `players.rs` says what the steps
// are.
local M = {}, last = null
local handles = {}, scopes = {}, tokens = {}
local play

local function body(steps) {
    if (typeof steps == "function") return steps
    return function(s = null) { local value = play(steps, s); return value }
}

local function told(e) {
    return typeof e == "string" ? "script: " + e : e.code + ": " + e
}

local function method(path) {
    local at = path.find("."), kind = path.slice(0, at), name = path.slice(at + 1)
    if (kind == "task") return task[name]
    if (kind == "handle") return handles.h[name]
    if (kind == "scope") return scopes.s[name]
    return tokens.t[name]
}

local function spread(f, a) {
    switch (a.len()) {
        case 0: return f()
        case 1: return f(a[0])
        case 2: return f(a[0], a[1])
        case 3: return f(a[0], a[1], a[2])
        default: return f(a[0], a[1], a[2], a[3])
    }
}

local deeds = {
    gate = function(s, name, b, c) { last = ::gate.wait(name) }
    sleep = function(s, ms, b, c) { task.sleep(ms) }
    checkpoint = function(s, a, b, c) { task.checkpoint() }
    spawn = function(s, name, steps, opts) {
        handles[name] <- opts ? task.spawn(body(steps), opts) : task.spawn(body(steps))
    }
    child = function(s, name, steps, opts) {
        handles[name] <- opts ? s.spawn(body(steps), opts) : s.spawn(body(steps))
    }
    scope = function(s, name, steps, c) {
        last = name ? task.scope(name, body(steps)) : task.scope(body(steps))
    }
    timeout = function(s, ms, steps, opts) {
        last = opts ? task.with_timeout(ms, body(steps), opts) : task.with_timeout(ms, body(steps))
    }
    join = function(s, name, b, c) { last = handles[name].join() }
    abort = function(s, name, b, c) { handles[name].abort() }
    finished = function(s, name, b, c) {
        ::gate.note(name + " finished: " + (handles[name].is_finished() ? "yes" : "no"))
    }
    keep = function(s, name, b, c) { scopes[name] <- s }
    use = function(s, name, steps, c) { play(steps, scopes[name]) }
    cancel = function(s, a, b, c) { s.cancel() }
    token = function(s, name, b, c) { tokens[name] <- s.token() }
    new_token = function(s, name, b, c) { tokens[name] <- task.cancel_token() }
    cancel_token = function(s, name, b, c) { tokens[name].cancel() }
    is_cancelled = function(s, name, b, c) {
        ::gate.note(name + " cancelled: " + (tokens[name].is_cancelled() ? "yes" : "no"))
    }
    check = function(s, name, b, c) { tokens[name].check() }
    fail = function(s, message, b, c) { throw message }
    current = function(s, a, b, c) {
        local it = task.current()
        ::gate.note(it == null ? "no task" : it.name + (it.cancelled ? " cancelled" : " runs"))
    }
    about = function(s, name, b, c) {
        local h = handles[name]
        last = { id = h.id, name = h.name, elapsed = h.elapsed(), scope = name in scopes ? scopes[name].name : null }
    }
    here = function(s, a, b, c) { last = task.current() }
    // Never reaches a checkpoint; and swallows what every checkpoint says.
    forever = function(s, a, b, c) { while (true) {} }
    swallow = function(s, a, b, c) { while (true) { try { task.sleep(100000) } catch (e) {} } }
    beat = function(s, a, b, c) { while (true) { try { task.sleep(1) } catch (e) {} ::gate.note("beat") } }
    spin = function(s, a, b, c) { while (true) { try { task.checkpoint() } catch (e) {} } }
}
// These names are a native's, or keywords.
deeds.note <- function(s, text, b, c) { ::gate.note(text) }
deeds["yield"] <- function(s, a, b, c) { task["yield"]() }
deeds["catch"] <- function(s, steps, b, c) {
    local said = "fine"
    try { play(steps, s) } catch (e) { said = told(e) }
    ::gate.note(said)
}
deeds["call"] <- function(s, f, b, c) { last = f() }
deeds.bad <- function(s, path, args, c) {
    local said = "fine"
    try { spread(method(path), args) } catch (e) { said = told(e) }
    ::gate.note(path + " " + said)
}

play = function(steps, s) {
    foreach (step in steps) {
        local deed = step[0]
        if (deed == "return") return step[1]
        if (deed == "last") return last
        local f = deeds[deed]
        f(s, step[1], step[2], step[3])
    }
    return null
}

M.play <- function(steps) { local value = play(steps, null); return value }
M.make <- body
M.add <- function(a, b) { return a + b }
return M
