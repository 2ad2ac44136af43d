-- Strings, tables, functions across, natives, errors, waits, coroutines. Its twins lie beside it.
local kept = {}
local function work(ask, n)
    for i = 1, n do
        local text = ('item %d '):format(i):rep(20)
        local item = { text = text, list = { i, i + 0.5, text }, f = function(x) return x + i end }
        kept[#kept + 1] = item
        ask(item.f, { text = text, list = item.list }, i)
        local ok, e = pcall(ask)
        if not ok then text = text .. tostring(e) end
        gate.later(text)
        local steps = coroutine.wrap(function(a) local b = coroutine.yield(a .. text) return b .. a end)
        text = steps('one') .. steps('two')
        text = text:gsub('%d', function(digit) return digit .. digit end) .. table.concat(item.list, ', ')
        table.sort(item.list, function(a, b) return tostring(a) < tostring(b) end)
        load('return { ' .. i .. ' }')()
        setmetatable({}, { __gc = function() kept[0] = text end })
    end
    kept.large = ('x'):rep(100000) .. #kept
    local count = #kept
    kept = {}
    collectgarbage()
    return { count = count, f = function() return n end }
end
return { work = work }
