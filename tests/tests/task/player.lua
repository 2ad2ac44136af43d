-- Plays the steps of a scenario, in Lua. Its twins lie beside it; `players.rs` says what the steps are.
local M, last = {}, nil
local handles, scopes, tokens = {}, {}, {}
local natives = {}
for name, native in pairs(task) do natives['task.' .. name] = native end

local play
local function body(steps)
    if type(steps) == 'function' then return steps end
    return function(s) local value = play(steps, s) return value end
end

local function told(ok, e)
    if ok then return 'fine' end
    if type(e) == 'string' then return 'script: ' .. e end
    return e.code .. ': ' .. tostring(e)
end

local function method(path)
    local kind, name = path:match '^(%w+)%.([%w_]+)$'
    if kind == 'task' then return task[name] end
    if kind == 'handle' then return handles.h[name] end
    if kind == 'scope' then return scopes.s[name] end
    return tokens.t[name]
end

local deeds = {
    note = function(s, text) gate.note(text) end,
    gate = function(s, name) last = gate.wait(name) end,
    sleep = function(s, ms) task.sleep(ms) end,
    yield = function(s) task.yield() end,
    checkpoint = function(s) task.checkpoint() end,
    spawn = function(s, name, steps, opts)
        if opts then handles[name] = task.spawn(body(steps), opts) else handles[name] = task.spawn(body(steps)) end
    end,
    child = function(s, name, steps, opts)
        if opts then handles[name] = s.spawn(body(steps), opts) else handles[name] = s:spawn(body(steps)) end
    end,
    scope = function(s, name, steps)
        if name then last = task.scope(name, body(steps)) else last = task.scope(body(steps)) end
    end,
    timeout = function(s, ms, steps, opts)
        if opts then last = task.with_timeout(ms, body(steps), opts)
        else last = task.with_timeout(ms, body(steps)) end
    end,
    join = function(s, name) last = handles[name].join() end,
    abort = function(s, name) handles[name].abort() end,
    finished = function(s, name) gate.note(name .. ' finished: ' .. (handles[name].is_finished() and 'yes' or 'no')) end,
    keep = function(s, name) scopes[name] = s end,
    use = function(s, name, steps) play(steps, scopes[name]) end,
    cancel = function(s) s.cancel() end,
    token = function(s, name) tokens[name] = s.token() end,
    new_token = function(s, name) tokens[name] = task.cancel_token() end,
    cancel_token = function(s, name) tokens[name].cancel() end,
    is_cancelled = function(s, name) gate.note(name .. ' cancelled: ' .. (tokens[name].is_cancelled() and 'yes' or 'no')) end,
    check = function(s, name) tokens[name].check() end,
    catch = function(s, steps) gate.note(told(pcall(play, steps, s))) end,
    fail = function(s, message) error(message, 0) end,
    call = function(s, f) last = f() end,
    bad = function(s, path, args)
        gate.note(path .. ' ' .. told(pcall(method(path), table.unpack(args))))
    end,
    current = function(s)
        local it = task.current()
        gate.note(it and (it.name .. (it.cancelled and ' cancelled' or ' runs')) or 'no task')
    end,
    about = function(s, name)
        last = { id = handles[name].id, name = handles[name].name, elapsed = handles[name].elapsed(), scope = scopes[name] and scopes[name].name }
    end,
    here = function(s) last = task.current() end,
    -- Never reaches a checkpoint; and swallows what every checkpoint says.
    forever = function(s) while true do end end,
    swallow = function(s) while true do pcall(task.sleep, 100000) end end,
    beat = function(s) while true do pcall(task.sleep, 1) gate.note('beat') end end,
    spin = function(s) while true do pcall(task.checkpoint) end end,
}

function play(steps, s)
    for _, step in ipairs(steps) do
        local deed, a, b, c = table.unpack(step)
        if deed == 'return' then return a end
        if deed == 'last' then return last end
        deeds[deed](s, a, b, c)
    end
end

function M.play(steps) local value = play(steps) return value end
function M.make(steps) return body(steps) end
function M.add(a, b) return a + b end

return M
