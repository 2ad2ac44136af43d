-- What the tests of the bundle sync ask of every language, in Lua. Its twins lie beside it.
local M = {}

function M.add(a, b) return a + b end

-- The Objects themselves; whether a name is one Object.
function M.atomic(name, initial) return sync.Atomic(name, initial) end
function M.shared(name, initial) return sync.Shared(name, initial) end
function M.group(name) return sync.WaitGroup(name) end
function M.queue(name, size) return sync.Queue(name, size) end
function M.same(name) return sync.Queue(name) == sync.Queue(name) and sync.Queue(name) ~= sync.Queue(name .. '2') end

-- Adds 1 so often; all values that gave.
function M.count(name, n)
    local atomic, values = sync.Atomic(name, 0), {}
    for i = 1, n do values[i] = atomic.add(1) end
    return values
end

function M.value(name) return sync.Shared(name).get() end
function M.assign(name, value) sync.Shared(name).set(value) end
function M.update(name, f) local value = sync.Shared(name).update(f) return value end
-- Changes its own copy of the value.
function M.spoil(name) local value = sync.Shared(name).get() value.x = 'spoilt' return value.x end

function M.more(name, n) sync.WaitGroup(name).add(n) end
function M.done(name) sync.WaitGroup(name).done() end
function M.wait(name) sync.WaitGroup(name).wait() return 'waited' end

function M.put(name, item) sync.Queue(name).put(item) end
function M.get(name) local item = sync.Queue(name).get() return item end
function M.try_put(name, item) return sync.Queue(name).try_put(item) end
function M.try_get(name) return sync.Queue(name).try_get() end
function M.size(name) return sync.Queue(name).size() end
function M.close(name) sync.Queue(name).close() end
function M.wrong(name) return sync.Queue(name).put(coroutine.create(print)) end

-- Puts these numbers; and gets until the queue is closed, reporting each item.
function M.produce(name, from, to)
    local queue = sync.Queue(name)
    for n = from, to do queue.put(n) end
end
function M.consume(name, me)
    local queue = sync.Queue(name)
    while true do
        local ok, item = pcall(queue.get)
        if not ok then return item.code end
        tally.got(me, item)
    end
end

return M
