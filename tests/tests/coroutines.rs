//! Coroutines of Lua scripts stay as Lua defines them, also around natives that suspend.
//!
//! The reference is Lua itself, without calog: one script writes down all that can be seen of
//! coroutines, with a `later` that gives its argument. With one that waits, and in whatever
//! surroundings, calog must write the same.

use calog::plugin_api::Value;
use calog_tests::{LANGUAGES, Language, Scene, field};

/// Gives a function that takes `later` and gives what it saw, line by line.
const OBSERVE: &str = r#"
local function observe(later)
    local lines = {}
    local function show(value)
        local kind = type(value)
        if kind == 'thread' or kind == 'table' or kind == 'function' then return kind end
        return tostring(value)
    end
    local function see(what, ...)
        local values = table.pack(...)
        for i = 1, values.n do values[i] = show(values[i]) end
        lines[#lines + 1] = what .. ': ' .. table.concat(values, ' ')
    end
    local yield, resume, create, wrap, status = coroutine.yield, coroutine.resume, coroutine.create, coroutine.wrap, coroutine.status

    -- Values in and out, also nil among them and none at all.
    local co = create(function(...)
        see('in', select('#', ...), ...)
        later(0)
        see('first', yield())
        see('second', yield(nil, later(2), nil))
        see('third', yield(later(1), later(2), later(3)))
        later(0)
        return later('end'), nil, 'more', nil
    end)
    see('before', status(co), coroutine.isyieldable(co))
    see('resume', resume(co, 1, nil, 3, nil))
    see('suspended', status(co))
    see('resume', resume(co))
    see('resume', resume(co, nil, nil))
    see('resume', resume(co, 'a', later('b')))
    see('dead', status(co))
    see('resume', resume(co))
    see('close', coroutine.close(co))

    -- Who is who, before and after a wait.
    local outer, inner
    outer = create(function()
        local me, main = coroutine.running()
        see('running', me == outer, main, coroutine.isyieldable())
        later(0)
        local again = coroutine.running()
        see('still', again == outer, status(outer))
        inner = create(function()
            later(0)
            see('from inside', status(outer), status(inner), status(coroutine.running()))
            see('resume the outer', resume(outer))
            see('resume itself', resume(inner))
            see('close the outer', pcall(coroutine.close, outer))
            see('close itself', pcall(coroutine.close, inner))
            yield(later('out'))
            see('yields', yield(coroutine.isyieldable()))
        end)
        see('inner', resume(inner))
        see('inner', status(inner), resume(inner))
        see('inner', status(inner), resume(inner, later('x'), 'y'))
        see('inner', status(inner))
        return 'done'
    end)
    see('outer', resume(outer))

    -- Errors, before and after a wait, of any type.
    for _, thrown in ipairs { 'text', 'object', 'nil' } do
        local value = thrown == 'object' and {} or thrown == 'text' and 'a text' or nil
        for _, waits in ipairs { false, true } do
            local bad = create(function() if waits then later(0) end error(value, 0) end)
            local ok, e = resume(bad)
            see('failed', thrown, ok, e, e == value, status(bad), select('#', resume(bad)))
            local ok, e = pcall(wrap(function() if waits then later(0) end error(value, 0) end))
            see('wrapped', thrown, ok, e == value or e)
        end
    end
    local place = wrap(function() later(0) error('with its place') end)
    local ok, e = pcall(place)
    see('place', ok, (tostring(e):gsub('^.-(%d+: )', '')))
    see('wrap of the dead', pcall(place))
    see('caught inside', resume(create(function()
        local ok, e = pcall(function() later(0) error('inside', 0) end)
        later(0)
        return ok, e, later('after')
    end)))
    see('handler', resume(create(function()
        return xpcall(function() later(0) error('handled', 0) end, function(m) return m .. '!' end)
    end)))

    -- Iterators and generators, nested.
    local function count(n) return wrap(function() for i = 1, n do later(0) yield(i, later(i * i)) end end) end
    for i, square in count(3) do see('count', i, square) end
    local function flat(n) return wrap(function() for i in count(n) do for j in count(i) do yield(later(i), j) end end end) end
    for i, j in flat(3) do see('flat', i, j) end

    -- A yield through pcall, metamethods and iterators, with waits on both sides.
    local through = wrap(function()
        local t = setmetatable({}, {
            __index = function(_, k) later(0) local v = yield('index ' .. k) later(0) return v end,
            __add = function(_, n) later(0) return yield('add ' .. n) end,
            __close = function() later(0) see('closing', yield('close')) end,
        })
        local c <close> = t
        see('index', t.key)
        see('add', t + 1)
        see('pcall', pcall(function() return yield(later('in pcall')) end))
        for v in function() later(0) return yield('next') end do see('for', v) end
        return later('through')
    end)
    for i = 1, 6 do see('through', through(i < 5 and i or nil)) end

    -- Closing: of what is suspended, what failed, what has not begun; with pending variables.
    local function closing(body)
        return create(function()
            local a <close> = setmetatable({}, { __close = function(_, e) see('a closes', e) end })
            local b <close> = setmetatable({}, { __close = function(_, e) see('b closes', e) body() end })
            later(0)
            yield('open')
            error('never')
        end)
    end
    for _, body in ipairs { function() end, function() error('while closing', 0) end } do
        local co = closing(body)
        see('opened', resume(co))
        see('closed', coroutine.close(co))
        see('closed', status(co), resume(co))
        see('again', coroutine.close(co))
    end
    local new = create(function() see('never') end)
    see('new', coroutine.close(new), status(new), resume(new))

    -- Deep ones, each waiting, yielding from the bottom through all of them.
    local function deep(n)
        if n == 0 then later(0) yield('bottom') return later('deep') end
        local co = create(deep)
        local ok, v = resume(co, n - 1)
        later(0)
        yield(v)
        return select(2, resume(co))
    end
    local co = create(deep)
    see('deep', resume(co, 20))
    see('deep', resume(co))
    see('deep', status(co))

    -- What is no coroutine, and no function.
    for _, name in ipairs { 'resume', 'status', 'close', 'wrap', 'create' } do
        see(name, (pcall(coroutine[name], 1)))
    end

    -- Producer and consumer, symmetric by a scheduler, each waiting at times.
    local queue, log = {}, {}
    local function task(name, n) return create(function() for i = 1, n do if i % 2 == 0 then later(0) end log[#log + 1] = name .. i yield() end end) end
    for name, n in ('abc'):gmatch('(.)()') do queue[#queue + 1] = task(name, n) end
    while #queue > 0 do
        local co = table.remove(queue, 1)
        assert(resume(co))
        if status(co) ~= 'dead' then queue[#queue + 1] = co end
    end
    see('scheduled', table.concat(log, ' '))

    -- Garbage collection in the midst of it.
    local kept = create(function() local t = {} for i = 1, 100 do t[i] = later({ i }) collectgarbage('step') end yield(#t) return t[100][1] end)
    see('collected', resume(kept))
    collectgarbage()
    see('collected', resume(kept))
    return lines
end
"#;

/// Ways to run a function, each of which gives what it gives.
const SURROUNDINGS: [(&str, &str); 6] = [
    ("in a call", "return f(...)"),
    (
        "below a sort",
        "local r local a = table.pack(...) table.sort({ 1, 2 }, function() r = r or f(table.unpack(a)) return false end) return r",
    ),
    ("in a coroutine", "return select(2, assert(coroutine.resume(coroutine.create(f), ...)))"),
    ("in wrapped coroutines", "return coroutine.wrap(function(...) return coroutine.wrap(f)(...) end)(...)"),
    (
        "in a coroutine below a sort",
        "local r local a = table.pack(...) table.sort({ 1, 2 }, function() r = r or coroutine.wrap(f)(table.unpack(a)) return false end) return r",
    ),
    (
        "in a pcall in a coroutine",
        "return coroutine.wrap(function(...) return select(2, assert(pcall(f, ...))) end)(...)",
    ),
];

fn lua() -> &'static Language {
    LANGUAGES.iter().find(|language| language.name == "lua").expect("a language under test")
}

/// What Lua by itself sees.
fn reference() -> Vec<String> {
    let code = format!("{OBSERVE} return observe(function(value) return value end)");
    mlua::Lua::new().load(code).eval().expect("Lua runs its own coroutines")
}

#[test]
fn coroutines_are_the_same_whether_natives_in_them_wait_or_not() {
    let wanted = reference();
    assert!(wanted.len() > 80, "{wanted:#?}");
    for (what, around) in SURROUNDINGS {
        for later in ["function(value) return value end", "gate.later"] {
            let scene = Scene::new(format!("{what}, {later}"));
            let text = format!(
                "{OBSERVE}
                 local function around(f, ...) {around} end
                 return {{ observe = function() return around(observe, {later}) end }}"
            );
            let a = scene.script("a", lua(), None, &text);
            let seen = scene.world.try_call(&a, "observe", &[]).unwrap_or_else(|error| panic!("{what}: {error:?}"));
            let seen: Vec<String> = lines(&seen);
            for (at, wanted) in wanted.iter().enumerate() {
                assert_eq!(seen.get(at), Some(wanted), "{}: after {:#?}", scene.what, &seen[at.saturating_sub(3)..at]);
            }
            assert_eq!(seen.len(), wanted.len(), "{}", scene.what);
        }
    }
}

fn lines(list: &Value) -> Vec<String> {
    let list = list.view().as_aggregate().into_iter().flat_map(|list| list.elements());
    list.map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_coroutine_in_which_something_waits_is_normal_for_other_tasks_and_is_left_alone() {
    let scene = Scene::new("lua");
    let a = scene.script(
        "a",
        lua(),
        None,
        "local co
         return {
             add = function(a, b) return a + b end,
             begin = function() co = coroutine.create(gate.wait) return select(2, coroutine.resume(co, 'gate')) end,
             look = function()
                 collectgarbage()
                 local ok, e = coroutine.resume(co)
                 local closes = pcall(coroutine.close, co)
                 return { status = coroutine.status(co), resumed = ok, why = e, closes = closes,
                     yieldable = coroutine.isyieldable(co) }
             end,
             status = function() return coroutine.status(co) end,
         }",
    );
    let asked = scene.world.ask(&a, "begin", &[]);
    scene.settle(&a);
    let seen = scene.world.try_call(&a, "look", &[]).expect("it looks");
    assert_eq!(field(&seen, "status"), Value::from("normal"));
    assert_eq!(field(&seen, "resumed"), Value::Bool(false));
    assert_eq!(field(&seen, "why"), Value::from("cannot resume non-suspended coroutine"));
    assert_eq!(field(&seen, "closes"), Value::Bool(false));
    scene.gates.open("gate", 5).expect("it waits");
    assert_eq!(scene.world.answer(&asked), Ok(Value::Int(5)));
    assert_eq!(scene.world.try_call(&a, "status", &[]), Ok(Value::from("dead")));
}
