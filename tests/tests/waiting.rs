//! Waiting: a wait suspends its task alone where the language can, and pumps where it cannot; either
//! way the context stays callable.

use calog::plugin_api::{Code, Error, Value};
use calog_tests::{Asked, LANGUAGES, Language, Scene, THREADS, every_language, every_pair, field, function};

/// A context whose main chunk waits at gate 'main', and which exports `add`, `call(gate)`, which
/// waits, and `spawn(gate)`, which starts a task that waits.
fn waits_everywhere(language: &Language) -> &'static str {
    match language.name {
        "lua" => {
            "calog.export('add', function(a, b) return a + b end)
             calog.export('call', function(name) local v = gate.wait(name) return v end)
             calog.export('spawn', function(name)
                 gate.post(function() local v = gate.wait(name) gate.note(name .. '=' .. v) end)
             end)
             gate.note('main=' .. gate.wait('main'))"
        }
        "javascript" => {
            "calog.export('add', (a, b) => a + b)
             calog.export('call', async name => await gate.wait(name))
             calog.export('spawn', name => gate.post(async () => {
                 const v = await gate.wait(name)
                 gate.note(`${name}=${v}`)
             }))
             gate.note('main=' + await gate.wait('main'))"
        }
        "squirrel" => {
            "calog.export(\"add\", @(a, b) a + b)
             calog.export(\"call\", function(name) { local v = gate.wait(name); return v })
             calog.export(\"spawn\", function(name) {
                 gate.post(function() { local v = gate.wait(name); gate.note(name + \"=\" + v) })
             })
             gate.note(\"main=\" + gate.wait(\"main\"))"
        }
        "basic" => {
            "calog.export(\"add\", LAMBDA (a, b) (RETURN a + b))
             calog.export(\"call\", LAMBDA (name) (RETURN gate.wait(name)))
             calog.export(\"spawn\", LAMBDA (name) (
                 gate.post(LAMBDA () (gate.note(name + \"=\" + gate.wait(name))))
             ))
             gate.note(\"main=\" + gate.wait(\"main\"))"
        }
        other => panic!("{other}: say here how its main chunk waits"),
    }
}

#[test]
fn main_chunk_call_and_spawned_task_suspend_alone_and_end_in_any_order() {
    const ORDERS: [[&str; 3]; 6] = [
        ["main", "call", "spawn"],
        ["main", "spawn", "call"],
        ["call", "main", "spawn"],
        ["call", "spawn", "main"],
        ["spawn", "main", "call"],
        ["spawn", "call", "main"],
    ];
    for language in &LANGUAGES {
        for (thread, order) in THREADS.into_iter().flat_map(|thread| ORDERS.map(|order| (thread, order))) {
            let scene = Scene::new(format!("{} on {thread:?}, {order:?}", language.name));
            let context = scene.start("a", language, thread, waits_everywhere(language));
            scene.world.wait_until("its exports", || scene.gates.is_closed("main"));
            scene.settle(&context);
            let call = scene.world.ask(&context, "call", &["call".into()]);
            assert_eq!(scene.world.try_call(&context, "spawn", &["spawn".into()]), Ok(Value::Nil), "{}", scene.what);
            scene.settle(&context);
            for (at, name) in order.into_iter().enumerate() {
                scene.gates.open(name, "open").unwrap_or_else(|_| panic!("{}: {name} waits", scene.what));
                let ended = |name: &str| match name {
                    "call" => call.is_answered(),
                    _ => scene.gates.notes().contains(&format!("{name}=open")),
                };
                scene.world.wait_until(&format!("{}: {name}", scene.what), || ended(name));
                scene.settle(&context);
                assert!(!order[at + 1..].iter().any(|name| ended(name)), "{}: only {name} goes on", scene.what);
            }
            assert_eq!(scene.world.answer(&call), Ok("open".into()), "{}", scene.what);
            assert_eq!(scene.world.runtime.wait_for(&context), Ok(Value::Nil), "{}", scene.what);
            assert_eq!(scene.world.errors(), [], "{}", scene.what);
        }
    }
}

/// More than pumps may nest, so that none of them is one.
const MANY: usize = 120;

#[test]
fn many_tasks_of_a_context_wait_at_once() {
    every_language(|scene, a| {
        let asked: Vec<Asked> = (0..MANY).map(|n| scene.world.ask(a, "wait", &[n.to_string().into()])).collect();
        open_in_any_order(scene, &asked);
    });
}

#[test]
fn many_calls_of_another_context_wait_at_once() {
    every_pair(|scene, a, b| {
        let wait = function(b, "wait");
        let ask = |n: usize| scene.world.ask(a, "suspends", &[wait.clone(), n.to_string().into()]);
        let asked: Vec<Asked> = (0..MANY).map(ask).collect();
        open_in_any_order(scene, &asked);
        assert_eq!(scene.world.try_call(a, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)), "{}", scene.what);
    });
}

/// Opens the gates of these waits, one by one in an order of its own; each answer comes before the next.
fn open_in_any_order(scene: &Scene, asked: &[Asked]) {
    for n in 0..asked.len() {
        let n = (n * 37 + 11) % asked.len();
        scene.world.wait_until("a wait", || scene.gates.is_closed(&n.to_string()));
        assert!(!asked[n].is_answered(), "{}: {n}", scene.what);
        scene.gates.open(&n.to_string(), n as i64).expect("it waits");
        assert_eq!(scene.world.answer(&asked[n]), Ok(Value::Int(n as i64)), "{}: {n}", scene.what);
    }
}

#[test]
fn waits_in_place_keep_the_context_callable_and_end_last_in_first_out() {
    every_language(|scene, a| {
        let outer = scene.world.ask(a, "wait_in_place", &["outer".into()]);
        scene.settle(a);
        let inner = scene.world.ask(a, "wait_in_place", &["inner".into()]);
        scene.settle(a);
        scene.gates.open("outer", 1).expect("it waits");
        scene.settle(a);
        assert!(!outer.is_answered(), "{}: a wait in place lies below the inner one", scene.what);
        scene.gates.open("inner", 2).expect("it waits");
        assert_eq!(scene.world.answer(&inner), Ok(Value::Int(2)), "{}", scene.what);
        assert_eq!(scene.world.answer(&outer), Ok(Value::Int(1)), "{}", scene.what);
    });
}

#[test]
fn the_caller_of_a_function_that_waits_gets_its_value_or_error() {
    every_pair(|scene, a, b| {
        for call in ["catches", "catches_in_place"] {
            for wait in ["wait", "wait_in_place"] {
                let what = format!("{}: {call} {wait}", scene.what);
                let ask = || {
                    let asked = scene.world.ask(a, call, &[function(b, wait), "gate".into()]);
                    scene.world.wait_until("the wait", || scene.gates.is_closed("gate"));
                    scene.settle(a);
                    scene.settle(b);
                    assert!(!asked.is_answered(), "{what}");
                    asked
                };
                let asked = ask();
                scene.gates.open("gate", "value").expect("it waits");
                let answer = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert_eq!(field(&answer, "value"), Value::from("value"), "{what}");
                let asked = ask();
                let error = Error::new(Code::Io, "the line is cut");
                scene.gates.take("gate").finisher.finish(Err(error)).expect("it waits");
                let answer = scene.world.answer(&asked).unwrap_or_else(|error| panic!("{what}: {error:?}"));
                assert_eq!(field(&answer, "code"), Value::from("io"), "{what}: {answer:?}");
                assert_eq!(field(&answer, "message"), Value::from("the line is cut"), "{what}: {answer:?}");
            }
        }
    });
}

#[test]
fn a_calls_b_calls_a_however_each_of_them_waits() {
    every_pair(|scene, a, b| {
        for outer in ["suspends", "pumps"] {
            for inner in ["suspends", "pumps"] {
                for wait in ["wait", "wait_in_place"] {
                    let what = format!("{}: {outer} {inner} {wait}", scene.what);
                    let asked = scene.world.ask(a, outer, &[function(b, inner), function(a, wait), "gate".into()]);
                    scene.world.wait_until("the wait", || scene.gates.is_closed("gate"));
                    scene.settle(a);
                    scene.settle(b);
                    scene.gates.open("gate", 7).expect("it waits");
                    assert_eq!(scene.world.answer(&asked), Ok(Value::Int(7)), "{what}");
                }
            }
        }
    });
}

#[test]
fn a_spawned_tasks_failure_is_reported() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let text = match language.name {
            "lua" => "gate.post(function() gate.later(1) error('in the task') end)",
            "javascript" => "gate.post(async () => { await gate.later(1); throw new Error('in the task') })",
            "squirrel" => "gate.post(function() { gate.later(1); throw \"in the task\" })",
            "basic" => "gate.post(LAMBDA () (gate.later(1) : RAISE(\"in the task\")))",
            other => panic!("{other}: say here how a task fails"),
        };
        let context = scene.script("a", language, None, text);
        scene.world.wait_until("the report", || !scene.world.errors().is_empty());
        let (id, error) = scene.world.reports().remove(0);
        assert_eq!((id, error.code()), (context.id(), Code::Script), "{}: {error:?}", scene.what);
        assert!(error.message().contains("in the task"), "{}: {error:?}", scene.what);
        assert!(error.frames().any(|frame| frame.line == 1 && frame.context == "a"), "{}: {error:?}", scene.what);
    }
}

#[test]
fn a_spawned_task_that_ends_with_its_context_has_not_failed() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let text = match language.name {
            "lua" => "gate.post(function() gate.wait('never') end)",
            "javascript" => "gate.post(async () => { await gate.wait('never') })",
            "squirrel" => "gate.post(function() { gate.wait(\"never\") })",
            "basic" => "gate.post(LAMBDA () (gate.wait(\"never\")))",
            other => panic!("{other}: say here how a task waits"),
        };
        let context = scene.script("a", language, None, text);
        scene.world.wait_until("the wait", || scene.gates.is_closed("never"));
        assert!(scene.world.runtime.close_context(&context), "{}", scene.what);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    }
}

/// A place in a script where something waits at the gate `name`.
struct Site {
    what: &'static str,
    /// Whether the language can suspend there.
    suspends: bool,
    code: &'static str,
}

const fn suspends(what: &'static str, code: &'static str) -> Site {
    Site { what, suspends: true, code }
}

const fn pumps(what: &'static str, code: &'static str) -> Site {
    Site { what, suspends: false, code }
}

const LUA_SITES: &[Site] = &[
    suspends("function", "local v = gate.wait(name) return v"),
    suspends("tail call", "return gate.wait(name)"),
    suspends("pcall", "return select(2, pcall(gate.wait, name))"),
    suspends("pcall of a function", "return select(2, pcall(function() return gate.wait(name) end))"),
    suspends("xpcall", "return select(2, xpcall(gate.wait, print, name))"),
    suspends("iterator", "for v in function() return gate.wait(name) end do return v end"),
    suspends("__index", "return setmetatable({}, { __index = function(_, k) return gate.wait(k) end })[name]"),
    suspends(
        "__newindex",
        "local v setmetatable({}, { __newindex = function(_, k) v = gate.wait(k) end })[name] = 1 return v",
    ),
    suspends("__call", "return setmetatable({}, { __call = function(_, k) return gate.wait(k) end })(name)"),
    suspends("__add", "return setmetatable({}, { __add = function(_, k) return gate.wait(k) end }) + name"),
    suspends("__concat", "return setmetatable({}, { __concat = function(_, k) return gate.wait(k) end }) .. name"),
    suspends("__len", "return #setmetatable({}, { __len = function() return gate.wait(name) end })"),
    suspends(
        "__eq",
        "local v local m = { __eq = function() v = gate.wait(name) return true end }
         local same = setmetatable({}, m) == setmetatable({}, m) return same and v",
    ),
    suspends(
        "__lt",
        "local v local m = { __lt = function() v = gate.wait(name) return true end }
         local less = setmetatable({}, m) < setmetatable({}, m) return less and v",
    ),
    suspends(
        "__close",
        "local v do local c <close> = setmetatable({}, { __close = function() v = gate.wait(name) end }) end return v",
    ),
    suspends(
        "__pairs",
        "for k in pairs(setmetatable({}, { __pairs = function() return next, { [gate.wait(name)] = 1 } end })) do return k end",
    ),
    suspends(
        "dofile",
        "local p = os.tmpname() local f = io.open(p, 'w') f:write('return gate.wait(wanted)') f:close() wanted = name local v = dofile(p) os.remove(p) return v",
    ),
    suspends("coroutine", "return coroutine.wrap(function() return gate.wait(name) end)()"),
    suspends(
        "nested coroutines",
        "return coroutine.wrap(function() return coroutine.wrap(function() return gate.wait(name) end)() end)()",
    ),
    suspends("coroutine.resume", "return select(2, coroutine.resume(coroutine.create(gate.wait), name))"),
    pumps("sort", "local v table.sort({ 1, 2 }, function() v = v or gate.wait(name) return false end) return v"),
    pumps("gsub", "return (('x'):gsub('x', function() return gate.wait(name) end))"),
    pumps(
        "gsub with a table",
        "return (('x'):gsub('x', setmetatable({}, { __index = function() return gate.wait(name) end })))",
    ),
    pumps("tostring", "return tostring(setmetatable({}, { __tostring = function() return gate.wait(name) end }))"),
    pumps("format", "return ('%s'):format(setmetatable({}, { __tostring = function() return gate.wait(name) end }))"),
    pumps(
        "concat",
        "return table.concat(setmetatable({}, { __len = function() return 1 end, __index = function() return gate.wait(name) end }))",
    ),
    pumps(
        "ipairs",
        "local t = setmetatable({}, { __index = function(_, i) return i == 1 and gate.wait(name) or nil end })
         for _, v in ipairs(t) do return v end",
    ),
    pumps("unpack", "return table.unpack(setmetatable({}, { __index = function() return gate.wait(name) end }), 1, 1)"),
    pumps(
        "load",
        "local v local f = load(function() if not v then v = gate.wait(name) return ('return %q'):format(v) end end) return f()",
    ),
    pumps("message handler", "return select(2, xpcall(error, function() return gate.wait(name) end))"),
    pumps("require", "package.preload[name] = function() return gate.wait(name) end return (require(name))"),
    pumps(
        "coroutine below sort",
        "local v
         local step = coroutine.wrap(function() v = gate.wait(name) coroutine.yield(false) end)
         table.sort({ 1, 2 }, step) return v",
    ),
    pumps(
        "sort below a coroutine",
        "return coroutine.wrap(function()
             local v table.sort({ 1, 2 }, function() v = v or gate.wait(name) return false end) return v
         end)()",
    ),
    pumps(
        "coroutines below gsub below a coroutine",
        "return coroutine.wrap(function()
             return (('x'):gsub('x', function()
                 return coroutine.wrap(function() return coroutine.wrap(function() return gate.wait(name) end)() end)()
             end))
         end)()",
    ),
];

const JAVASCRIPT_SITES: &[Site] = &[
    suspends("async function", "return (async () => await gate.wait(name))()"),
    suspends("promise", "return gate.wait(name)"),
    suspends("then", "return gate.wait(name).then(v => v)"),
    suspends("all", "return Promise.all([gate.wait(name), 1]).then(([v]) => v)"),
    suspends("any", "return Promise.any([gate.wait(name), new Promise(() => {})])"),
    suspends(
        "for await",
        "return (async () => { for await (const v of (async function* () { yield gate.wait(name) })()) return v })()",
    ),
    suspends("finally", "return (async () => { let v; try { } finally { v = await gate.wait(name) } return v })()"),
    suspends(
        "after an await",
        "return (async () => { await null; await gate.later(1); return await gate.wait(name) })()",
    ),
    suspends("thenable", "return (async () => ({ then(done) { gate.wait(name).then(done) } }))()"),
    pumps("function", "return gate.wait.sync(name)"),
    pumps("getter", "return { get v() { return gate.wait.sync(name) } }.v"),
    pumps("setter", "let v; ({ set v(_) { v = gate.wait.sync(name) } }).v = 1; return v"),
    pumps("sort", "let v; [1, 2].sort(() => { v ??= gate.wait.sync(name); return 0 }); return v"),
    pumps("map", "return [name].map(n => gate.wait.sync(n))[0]"),
    pumps("replace", "return 'x'.replace(/x/, () => gate.wait.sync(name))"),
    pumps("toJSON", "return JSON.parse(JSON.stringify({ toJSON: () => gate.wait.sync(name) }))"),
    pumps("reviver", "return JSON.parse('1', () => gate.wait.sync(name))"),
    pumps("toString", "return `${{ toString: () => gate.wait.sync(name) }}`"),
    pumps("proxy", "return new Proxy({}, { get: () => gate.wait.sync(name) }).v"),
    pumps("generator", "return (function* () { yield gate.wait.sync(name) })().next().value"),
    pumps("iterator", "const [v] = { *[Symbol.iterator]() { yield gate.wait.sync(name) } }; return v"),
    pumps("constructor", "return new (class { constructor() { this.v = gate.wait.sync(name) } })().v"),
    pumps("executor", "return new Promise(done => done(gate.wait.sync(name)))"),
    pumps("microtask", "return Promise.resolve().then(() => gate.wait.sync(name))"),
    pumps("async function in place", "return (async () => gate.wait.sync(name))()"),
    pumps("async function in place, later", "return (async () => { await null; return gate.wait.sync(name) })()"),
    pumps("apply", "return Reflect.apply(gate.wait.sync, null, [name])"),
    pumps("eval", "return (0, eval)('gate.wait.sync')(name)"),
];

const SQUIRREL_SITES: &[Site] = &[
    suspends("function", "local v = gate.wait(name); return v"),
    suspends("tail call", "return gate.wait(name)"),
    suspends("function inside", "return (function() { return gate.wait(name) })()"),
    suspends("try", "try { return gate.wait(name) } catch (e) { throw e }"),
    suspends("catch", "try { throw 1 } catch (e) { return gate.wait(name) }"),
    suspends("foreach", "foreach (n in [name]) return gate.wait(n)"),
    suspends("generator", "foreach (v in (function() { yield gate.wait(name) })()) return v"),
    suspends("resume", "local g = (function() { yield gate.wait(name) })(); return resume g"),
    suspends("default parameter", "return (function(v = 1) { return gate.wait(name) })()"),
    suspends("method", "return { function wait(n) { return ::gate.wait(n) } }.wait(name)"),
    suspends("method of an instance", "return (class { function wait(n) { return ::gate.wait(n) } })().wait(name)"),
    suspends("constructor", "return (class { v = null; constructor() { v = ::gate.wait(name) } })().v"),
    suspends("compilestring", "return compilestring(\"return gate.wait(vargv[0])\").call(this, name)"),
    suspends("call of a function", "return (function(n) { return ::gate.wait(n) }).call(this, name)"),
    pumps("sort", "local v = null; [1, 2].sort(function(a, b) { if (!v) v = ::gate.wait(name); return 0 }); return v"),
    pumps("map", "return [name].map(@(n) ::gate.wait(n))[0]"),
    pumps("filter", "local v; [1].filter(function(i, x) { v = ::gate.wait(name); return true }); return v"),
    pumps("reduce", "return [0, 1].reduce(@(a, b) ::gate.wait(name))"),
    pumps("call of a native", "return gate.wait.call(this, name)"),
    pumps("acall", "return gate.wait.acall([this, name])"),
    pumps("_get", "return {}.setdelegate({ _get = function(k) { return ::gate.wait(k) } })[name]"),
    pumps(
        "_set",
        "local v, t = {}.setdelegate({ _set = function(k, x) { v = ::gate.wait(k) } }); t[name] = 1; return v",
    ),
    pumps("_call", "return {}.setdelegate({ _call = function(env, k) { return ::gate.wait(k) } })(name)"),
    pumps("_sub", "return {}.setdelegate({ _sub = function(k) { return ::gate.wait(k) } }) - name"),
    pumps("_tostring", "return \"\" + {}.setdelegate({ _tostring = function() { return ::gate.wait(name) } })"),
    pumps("thread", "return newthread(function() { return ::gate.wait(name) }).call()"),
    pumps(
        "thread below map below a thread",
        "return newthread(function() {
             return [1].map(function(x) { return newthread(@() ::gate.wait(name)).call() })[0]
         }).call()",
    ),
];
/// What these places need: routines, and classes whose methods wait.
const BASIC_AROUND: &str = "
DEF add(a, b)
    RETURN a + b
ENDDEF
DEF later(name)
    RETURN gate.wait(name)
ENDDEF
CLASS place
    VAR v = \"\", waited = FALSE
    DEF wait(n)
        RETURN gate.wait(n)
    ENDDEF
    DEF waits()
        RETURN LAMBDA (n) (RETURN gate.wait(n))
    ENDDEF
    DEF to_string()
        RETURN gate.wait(v)
    ENDDEF
    DEF len()
        RETURN gate.wait(v)
    ENDDEF
    DEF get(n)
        RETURN gate.wait(n)
    ENDDEF
    DEF set(n, x)
        RETURN gate.wait(n)
    ENDDEF
    DEF hash()
        RETURN 0
    ENDDEF
    DEF compare(other)
        IF v <> \"\" AND NOT waited THEN
            waited = TRUE
            v = later(v)
        ENDIF
        RETURN 0
    ENDDEF
ENDCLASS
CLASS key
    VAR v = \"\", waited = FALSE
    DEF hash()
        IF NOT waited THEN
            waited = TRUE
            v = gate.wait(v)
        ENDIF
        RETURN 0
    ENDDEF
    DEF compare(other)
        RETURN 0
    ENDDEF
ENDCLASS
CLASS walked
    VAR name = \"\"
    DEF iterator()
        RETURN ITERATOR(LIST(gate.wait(name)))
    ENDDEF
ENDCLASS
CLASS walker
    VAR name = \"\", v = NIL
    DEF move_next()
        v = gate.wait(name)
        RETURN TRUE
    ENDDEF
    DEF get()
        RETURN v
    ENDDEF
ENDCLASS
";

const BASIC_SITES: &[Site] = &[
    suspends("routine", "RETURN gate.wait(name)"),
    suspends("variable", "VAR v = gate.wait(name) : RETURN v"),
    suspends("lambda", "VAR f = LAMBDA (n) (RETURN gate.wait(n)) : RETURN f(name)"),
    suspends("routine that is called", "RETURN CALL later(name)"),
    suspends("expression", "RETURN \"\" + gate.wait(name)"),
    suspends("argument", "RETURN add(gate.wait(name), \"\")"),
    suspends("index", "VAR d = DICT(\"one\", \"one\", \"two\", \"two\") : RETURN d(gate.wait(name))"),
    suspends("element", "VAR l = LIST(0)\nl(0) = gate.wait(name)\nRETURN l(0)"),
    suspends("array", "DIM a(1)\na(0) = gate.wait(name)\nRETURN a(0)"),
    suspends("condition", "VAR v\nv = gate.wait(name)\nIF v = \"\" THEN RETURN 0 ELSE RETURN v"),
    suspends("FOR", "FOR i = 1 TO 1\nRETURN gate.wait(name)\nNEXT"),
    suspends("FOR IN", "FOR c IN LIST(gate.wait(name))\nRETURN c\nNEXT"),
    suspends("WHILE", "VAR v = NIL\nWHILE v = NIL\nv = gate.wait(name)\nWEND\nRETURN v"),
    suspends("UNTIL", "VAR v\nDO\nv = gate.wait(name)\nUNTIL v <> \"\"\nRETURN v"),
    suspends("TRY", "TRY\nRETURN gate.wait(name)\nCATCH e\nRETURN e.message\nENDTRY"),
    suspends("CATCH", "TRY\nRAISE(\"x\")\nCATCH e\nRETURN gate.wait(name)\nENDTRY"),
    suspends("member", "VAR o = NEW(place)\no.v = gate.wait(name)\nRETURN o.v"),
    suspends("method", "RETURN NEW(place).wait(name)"),
    suspends("lambda in a method", "RETURN NEW(place).waits()(name)"),
    suspends("TO_STRING", "VAR o = NEW(place)\no.v = name\nRETURN STR(o)"),
    suspends("LEN", "VAR o = NEW(place)\no.v = name\nRETURN LEN(o)"),
    suspends("GET", "RETURN GET(NEW(place), name)"),
    suspends("SET", "RETURN SET(NEW(place), name, 1)"),
    suspends("ITERATOR", "VAR o = NEW(walked)\no.name = name\nFOR v IN o\nRETURN v\nNEXT"),
    suspends("MOVE_NEXT", "VAR o = NEW(walker)\no.name = name\nFOR v IN o\nRETURN v\nNEXT"),
    suspends("native that calls back", "RETURN calog.call(later, name)"),
    pumps("SORT", "VAR o = NEW(place)\no.v = name\nSORT(LIST(o, NEW(place)))\nRETURN o.v"),
    pumps("HASH", "VAR o = NEW(key)\no.v = name\nVAR d = DICT(o, 1)\nRETURN o.v"),
    pumps("COMPARE of keys", "VAR o = NEW(place), d = DICT(NEW(place), 1)\no.v = name\nSET(d, o, 2)\nRETURN o.v"),
    pumps(
        "SORT below a lambda",
        "VAR o = NEW(place), f = LAMBDA () (SORT(LIST(o, o)) : RETURN o.v)\no.v = name\nRETURN f()",
    ),
];

/// A script that exports `add`, and `site(name)` with this code.
fn script_of(language: &Language, code: &str) -> String {
    match language.name {
        "lua" => format!(
            "local function site(name) {code} end return {{ add = function(a, b) return a + b end, site = site }}"
        ),
        "javascript" => format!("export const add = (a, b) => a + b; export function site(name) {{ {code} }}"),
        "squirrel" => format!("return {{ add = @(a, b) a + b, site = function(name) {{ {code} }} }}"),
        "basic" => format!(
            "{BASIC_AROUND}DEF site(name)\n{code}\nENDDEF\ncalog.export(\"add\", add)\ncalog.export(\"site\", site)"
        ),
        other => panic!("{other}: say here what a function is"),
    }
}

#[test]
fn every_place_that_can_wait_suspends_or_pumps() {
    for language in &LANGUAGES {
        let sites = match language.name {
            "lua" => LUA_SITES,
            "javascript" => JAVASCRIPT_SITES,
            "squirrel" => SQUIRREL_SITES,
            "basic" => BASIC_SITES,
            other => panic!("{other}: list the places where it waits"),
        };
        for site in sites {
            let scene = Scene::new(format!("{}: {}", language.name, site.what));
            let a = scene.script("a", language, None, &script_of(language, site.code));
            let first = scene.world.ask(&a, "site", &["first".into()]);
            scene.settle(&a);
            let second = scene.world.ask(&a, "site", &["second".into()]);
            scene.settle(&a);
            assert!(scene.gates.is_closed("first") && scene.gates.is_closed("second"), "{}", scene.what);
            scene.gates.open("first", "one").expect("it waits");
            scene.settle(&a);
            assert_eq!(first.is_answered(), site.suspends, "{}: {:?}", scene.what, first.answers());
            scene.gates.open("second", "two").expect("it waits");
            assert_eq!(scene.world.answer(&first), Ok("one".into()), "{}", scene.what);
            assert_eq!(scene.world.answer(&second), Ok("two".into()), "{}", scene.what);
            assert_eq!(scene.world.errors(), [], "{}", scene.what);
        }
    }
}

#[test]
fn a_microtask_runs_while_another_task_pumps() {
    let scene = Scene::new("javascript");
    let language = LANGUAGES.iter().find(|it| it.name == "javascript").expect("a language under test");
    let a = scene.script(
        "a",
        language,
        None,
        "export const add = (a, b) => a + b
         export const pump = name => gate.wait.sync(name)
         export async function turns(n) { for (let i = 0; i < n; i++) await gate.later(i); return 'turned' }",
    );
    let pump = scene.world.ask(&a, "pump", &["gate".into()]);
    scene.settle(&a);
    assert_eq!(scene.world.try_call(&a, "turns", &[100.into()]), Ok("turned".into()));
    assert!(!pump.is_answered());
    scene.gates.open("gate", 1).expect("it waits");
    assert_eq!(scene.world.answer(&pump), Ok(Value::Int(1)));
}
