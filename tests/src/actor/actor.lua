-- What the tests of waiting, threads and lifetimes ask of every language, in Lua. Its twins lie beside it.
local M = {}

-- Runs a function where Lua cannot suspend: below a sort's comparator, which C calls.
local function below_c(f, ...)
    local args, results = table.pack(...), nil
    table.sort({ 1, 2 }, function()
        results = results or table.pack(f(table.unpack(args, 1, args.n)))
        return false
    end)
    return table.unpack(results, 1, results.n)
end

local function outcome(ok, value)
    if ok then return { value = value } end
    if type(value) == 'string' then return { message = value } end
    return { code = value.code, message = tostring(value) }
end

function M.add(a, b) return a + b end

-- Calls, suspending; and waiting in place.
function M.suspends(f, ...) local value = f(...) return value end
function M.pumps(f, ...) local value = below_c(f, ...) return value end

-- The same, and gives what came of it.
function M.catches(f, ...) return outcome(pcall(f, ...)) end
function M.catches_in_place(f, ...) return outcome(pcall(below_c, f, ...)) end

-- Waits at a gate, suspending; and in place.
function M.wait(name) local value = gate.wait(name) return value end
function M.wait_in_place(name) local value = below_c(gate.wait, name) return value end

-- Ways to use up the stack.
M.overflow = {
    plain = function() local function f() return 1 + f() end return f() end,
    compare = function() local function f() table.sort({ 1, 2 }, f) end return f() end,
    replace = function() local function f() return (('x'):gsub('x', f)) end return f() end,
    protected = function() local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end return f() end,
    coroutine = function() local function f() return coroutine.wrap(f)() end return f() end,
    metamethod = function() local t = setmetatable({}, { __index = function(t, k) return t[k .. 'x'] end }) return t.a end,
    tostring = function() local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) return tostring(t) end,
    parse = function() return assert(load(('('):rep(100000) .. '1' .. (')'):rep(100000))) end,
    pattern = function() return ('a'):rep(1000000):find(('a?'):rep(100000) .. 'b') end,
    handler = function() local function f() return xpcall(error, f) end return f(), error('it came back') end,
}

-- Calls `other` with the roles changed until a call fails; then gives the level, the error's code,
-- and what came of `deepest`, called there.
local function bottom(level, e, deepest, ...)
    local found = { level = level, code = e.code, message = tostring(e) }
    if deepest then found.deepest = outcome(pcall(deepest, ...)) end
    return found
end
function M.sink(other, mine, level, deepest, ...)
    local ok, found = pcall(other, mine, other, level + 1, deepest, ...)
    if ok then return found end
    return bottom(level, found, deepest, ...)
end
function M.sink_in_place(other, mine, level, deepest, ...)
    local ok, found = pcall(below_c, other, mine, other, level + 1, deepest, ...)
    if ok then return found end
    return bottom(level, found, deepest, ...)
end
-- As in place, with script recursion between the levels.
function M.sink_far(other, mine, level, deepest, ...)
    local args = table.pack(...)
    local function further(n)
        if n > 0 then local r = further(n - 1) return r end
        return M.sink_in_place(other, mine, level, deepest, table.unpack(args, 1, args.n))
    end
    return further(150)
end

-- Functions that were made and still live.
local made = setmetatable({}, { __mode = 'k' })
function M.make(n)
    local list = {}
    for i = 1, n do
        local f = function() return i end
        made[f], list[i] = true, f
    end
    return list
end
function M.alive()
    collectgarbage() collectgarbage()
    local n = 0
    for _ in pairs(made) do n = n + 1 end
    return n
end

-- Keeps a value; and lets it go.
local kept
function M.keep(value) kept = value end
function M.let_go() kept = nil collectgarbage() collectgarbage() end

return M
