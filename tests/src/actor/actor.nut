// What the tests of waiting, threads and lifetimes ask of every language, in Squirrel. Its twins lie
// beside it.
local M = {}

// Calls a function with the values of an array, as a plain call: Squirrel can suspend in it.
local function spread(f, a) {
    switch (a.len()) {
        case 0: return f()
        case 1: return f(a[0])
        case 2: return f(a[0], a[1])
        case 3: return f(a[0], a[1], a[2])
        case 4: return f(a[0], a[1], a[2], a[3])
        case 5: return f(a[0], a[1], a[2], a[3], a[4])
        case 6: return f(a[0], a[1], a[2], a[3], a[4], a[5])
        default: throw "too many arguments"
    }
}

// The same where Squirrel cannot suspend: below an array's `map`, which is native.
local function below_native(f, a) {
    return [1].map(function(x) { return spread(f, a) })[0]
}

local function outcome_of(e) {
    if (typeof e == "string") return { message = e }
    return { code = e.code, message = "" + e }
}

M.add <- function(a, b) { return a + b }

// Calls, suspending; and waiting in place.
M.suspends <- function(f, ...) { local value = spread(f, vargv); return value }
M.pumps <- function(f, ...) { return below_native(f, vargv) }

// The same, and gives what came of it.
M.catches <- function(f, ...) {
    try { return { value = spread(f, vargv) } } catch (e) { return outcome_of(e) }
}
M.catches_in_place <- function(f, ...) {
    try { return { value = below_native(f, vargv) } } catch (e) { return outcome_of(e) }
}

// Waits at a gate, suspending; and in place.
M.wait <- function(name, ...) { local value = gate.wait(name); return value }
M.wait_in_place <- function(name, ...) { return below_native(gate.wait, [name]) }

// Ways to use up the stack.
M.overflow <- {
    plain = function() { local f; f = function() { return 1 + f() }; return f() }
    compare = function() { local f; f = function(a, b) { return [1, 2].sort(f) }; return f(1, 2) }
    map = function() { local f; f = function(...) { return [1].map(f) }; return f() }
    metamethod = function() {
        local t = {}.setdelegate({ _get = function(k) { return this[k + "x"] } })
        return t.a
    }
    tostring = function() {
        local t = null
        t = {}.setdelegate({ _tostring = function() { return "" + this } })
        return "" + t
    }
    arithmetic = function() { local A = class { function _add(o) { return this + o } }; return A() + A() }
    construct = function() { local C = null; C = class { constructor() { C() } }; return C() }
    thread = function() { local f; f = function() { return newthread(f).call() }; return f() }
    acall = function() { local f; f = function() { return f.acall([this]) }; return f() }
    caught = function() { local f; f = function() { try { f() } catch (e) { throw e } }; return f() }
    generator = function() { local g; g = function() { foreach (x in g()) {} yield 1 }; return resume g() }
    parse = function() {
        local open = "((((((((((((((((", close = "))))))))))))))))"
        for (local i = 0; i < 13; i++) { open += open; close += close }
        return compilestring(open + "1" + close)
    }
}

// Calls `other` with the roles changed until a call fails; then gives the level, the error's code,
// and what came of `deepest`, called there.
local function bottom(level, e, deepest, a) {
    local found = { level = level, code = e.code, message = "" + e }
    if (deepest) {
        try { found.deepest <- { value = spread(deepest, a) } } catch (it) { found.deepest <- outcome_of(it) }
    }
    return found
}
local function sink_in_place(other, mine, level, deepest, a) {
    local found
    try { found = below_native(other, [mine, other, level + 1, deepest].extend(a)) }
    catch (e) { found = bottom(level, e, deepest, a) }
    return found
}
// A function with `...` has no default parameters: what comes after `level` is the deepest and its
// arguments.
local function rest(a) {
    return a.len() ? { deepest = a[0], args = a.slice(1) } : { deepest = null, args = [] }
}
M.sink <- function(other, mine, level, ...) {
    local more = rest(vargv), found
    try { found = spread(other, [mine, other, level + 1, more.deepest].extend(more.args)) }
    catch (e) { found = bottom(level, e, more.deepest, more.args) }
    return found
}
M.sink_in_place <- function(other, mine, level, ...) {
    local more = rest(vargv)
    return sink_in_place(other, mine, level, more.deepest, more.args)
}
// As in place, with script recursion between the levels.
M.sink_far <- function(other, mine, level, ...) {
    local further, more = rest(vargv)
    further = function(n) {
        if (n > 0) { local r = further(n - 1); return r }
        return sink_in_place(other, mine, level, more.deepest, more.args)
    }
    local found = further(150)
    // It refers to itself.
    further = null
    return found
}

// Functions that were made and still live: the array holds weak references, which it looks through.
local made = []
M.make <- function(n) {
    local list = []
    for (local i = 0; i < n; i++) {
        local me = i
        local f = function() { return me }
        made.append(f.weakref())
        list.append(f)
    }
    return list
}
M.alive <- function() {
    collectgarbage()
    local n = 0
    foreach (f in made) if (f) n++
    return n
}

// Keeps a value; and lets it go.
local kept = null
M.keep <- function(value) { kept = value }
M.let_go <- function() { kept = null; collectgarbage() }

return M
