// What every actor of the stress can do, the same in each language. The first argument is the
// number of the call, which says that it runs; 0 is a call by another actor, which nobody counts.
local M = {}
local held = null

M.add <- function(number, a, b) { stress.ran(number); return a + b }
M.echo <- function(number, value) { stress.ran(number); return value }
M.apply <- function(number, f, ...) { stress.ran(number); return f.acall([this].extend(vargv)) }
M.twice <- function(number, f, x) { stress.ran(number); return f(f(x)) }
M.make <- function(number, n) { stress.ran(number); return @(x) x + n }
M.less <- function(a, b) { return a < b }

// Squirrel cannot suspend in a comparator, so the calls are waited for in place.
M.sort <- function(number, list, less) {
    stress.ran(number)
    list.sort(@(a, b) less(a, b) ? -1 : less(b, a) ? 1 : 0)
    return list
}

M.gather <- function(number, functions, x) {
    stress.ran(number)
    local sum = 0
    foreach (f in functions) sum += f(x)
    return sum
}

M.keep <- function(number, f) {
    stress.ran(number)
    local before = held
    held = f
    return before
}

M.fail <- function(k) { throw "failure " + k }
M["throw"] <- function(k) { throw { thrown = k } }
M["catch"] <- function(number, f, ...) {
    stress.ran(number)
    try { f.acall([this].extend(vargv)) }
    catch (e) {
        // An error of this script's own is a plain string.
        if (typeof e == "string") return { code = "script", message = e }
        if ("thrown" in e) return { code = "thrown", message = "thrown " + e.thrown }
        return { code = e.code, message = "" + e }
    }
    return { code = "none", message = "" }
}

M.ping <- function(number, other, depth) {
    stress.ran(number)
    if (depth == 0) return 0
    return 1 + other(0, M.ping, depth - 1)
}

// Suspended, and in place.
local function in_place(f, a = null) { return [a].map(@(a) f(a))[0] }
M.wait <- function(number, n) { stress.ran(number); return stress.wait(n) }
M.wait_in_place <- function(number, n) { stress.ran(number); return in_place(stress.wait, n) }
M.never <- function(number) { stress.ran(number); return stress.never() }
M.never_in_place <- function(number) { stress.ran(number); return in_place(@(a) stress.never()) }
M.after <- function(number, microseconds) { stress.ran(number); stress.after(microseconds); return microseconds }
M.block <- function(number, n) { stress.ran(number); return stress.block(n) }
M.host <- function(number, n) { stress.ran(number); return stress.host(n) }
M.panic <- function(number) { stress.ran(number); return stress.panic() }
M.spin <- function(number) { stress.ran(number); while (true) { try { while (true) {} } catch (e) {} } }

// Functions for other threads, which call, pass on and drop them.
M.give <- function(number, count) {
    stress.ran(number)
    for (local i = 1; i <= count; i++) {
        local n = i
        stress.give(@(x) x + n, n)
    }
    return count
}
M.post <- function(number) { stress.ran(number); stress.post(function() { held = null }); return true }

// Contexts that scripts open.
M.child <- function(number, path, x) {
    stress.ran(number)
    local child = calog.open(path)
    child.wait()
    local result = child.exports().double(x)
    child.close()
    return result
}
M.adopt <- function(number, path) {
    stress.ran(number)
    local child = calog.open(path)
    child.wait()
    return { object = child, exports = child.exports() }
}
M.end_yourself <- function(number, object) { stress.ran(number); object.close(); return true }
M["import"] <- function(number, module, x) { stress.ran(number); return calog.import(module).double(x) }
M.double <- function(x) { return 2 * x }

return M
