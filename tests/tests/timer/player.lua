-- Plays the steps of a scenario, in Lua. Its twins lie beside it; `players.rs` says what the steps are.
local M, last = {}, nil
local timers, counts = {}, {}
local play

local function body(steps)
    if type(steps) == 'function' then return steps end
    return function() local value = play(steps) return value end
end

local function told(ok, e)
    if ok then return 'fine' end
    if type(e) == 'string' then return 'script: ' .. e end
    return e.code .. ': ' .. tostring(e)
end

local deeds = {
    note = function(text) gate.note(text) end,
    gate = function(name) last = gate.wait(name) end,
    mark = function(text) gate.post(function() gate.note(text) end) end,
    after = function(id, ms, f) timers[id] = timer.after(ms, body(f)) end,
    every = function(id, ms, f) timers[id] = timer.every(ms, body(f)) end,
    cancel = function(id) timers[id]:cancel() end,
    take = function(id, t) timers[id] = t end,
    give = function(id) last = timers[id] end,
    spin = function(ms) local start = timer.now() while timer.now() < start + ms do end end,
    tick = function(id, most)
        counts[id] = (counts[id] or 0) + 1
        gate.note(id .. ' ' .. counts[id])
        if counts[id] == most then timers[id].cancel() end
    end,
    catch = function(steps) gate.note(told(pcall(play, steps))) end,
    bad = function(path, args)
        local f = path == 'cancel' and timers.t.cancel or timer[path]
        gate.note(path .. ' ' .. told(pcall(f, table.unpack(args))))
    end,
    fail = function(message) error(message, 0) end,
    call = function(f) last = f() end,
    now = function() last = timer.now() end,
    here = function() gate.note(calog.self().name) end,
    task = function() gate.note(task.current() and 'in a task' or 'in no task') end,
}

function play(steps)
    for _, step in ipairs(steps) do
        local deed, a, b, c = table.unpack(step)
        if deed == 'return' then return a end
        if deed == 'last' then return last end
        deeds[deed](a, b, c)
    end
end

function M.play(steps) local value = play(steps) return value end
M.make = body
function M.add(a, b) return a + b end

return M
