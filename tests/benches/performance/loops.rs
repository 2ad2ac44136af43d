//! What the measured calls are made from: the same loops and the same data for us and for the references.

/// What both sides loop over, in Lua.
pub(crate) const LUA_LOOPS: &str = "
    function loop_add(f, n) local sum = 0 for i = 1, n do sum = f(i, 1) end return sum end
    function loop_one(f, x, n) for i = 1, n do f(x) end end
    text = string.rep('x', 32)
    list = {} for i = 1, 100 do list[i] = i end
    map = {} for i = 1, 20 do map['key' .. i] = i end
    records = {} for i = 1, 10000 do
        records[i] = { id = i, name = 'n' .. i, ok = true, x = i * 0.5, y = i * 0.25 }
    end
";

/// The same in JavaScript.
pub(crate) const JS_LOOPS: &str = "
    function loopAdd(f, n) { let sum = 0; for (let i = 1; i <= n; i++) sum = f(i, 1); return sum }
    function loopOne(f, x, n) { for (let i = 0; i < n; i++) f(x) }
    const theText = 'x'.repeat(32)
    const theList = Array.from({ length: 100 }, (_, i) => i + 1)
    const theMap = {}
    for (let i = 1; i <= 20; i++) theMap['key' + i] = i
    function sum(records) {
        let sum = 0
        for (const r of records) sum += r.id + r.name.length + r.x + r.y
        return sum
    }
    function build() {
        const records = []
        for (let i = 1; i <= 10000; i++) records.push({ id: i, name: 'n' + i, ok: true, x: i * 0.5, y: i * 0.25 })
        return records
    }
";
