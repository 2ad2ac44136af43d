// Strings, tables, functions across, natives, errors, waits, generators, threads. Its twins lie beside it.
local kept = []
local function work(ask, n) {
    for (local i = 1; i <= n; i++) {
        local at = i, text = ""
        for (local j = 0; j < 20; j++) text += format("item %d ", i)
        local item = { text = text, list = [i, i + 0.5, text], f = @(x) x + at }
        kept.append(item)
        ask(item.f, { text = text, list = item.list }, i)
        try { ask() } catch (e) { text += e }
        gate.later(text)
        local steps = (function(a) { yield a + text; yield text.toupper() })("one")
        text = (resume steps) + (resume steps)
        text += newthread(function(a) { return suspend(a) + a }).call("two")
        item.list.sort(@(a, b) a.tostring() <=> b.tostring())
        regexp("[0-9]+").capture(text)
        compilestring("return [" + i + "]")()
        local kind = class { constructor(a) { one = a } function _tostring() { return "" + one } one = null }
        text += kind(i)
    }
    local large = "x"
    while (large.len() < 100000) large += large
    local all = [large, array(10000, 1), blob(100000)]
    local count = kept.len() * all.len() / 3
    kept = []
    collectgarbage()
    return { count = count, f = @() n }
}
return { work = work }
