//! Squirrel among the others, in the real runtime: exports and imports, callbacks, waiting, errors,
//! depth, and the examples of its page.

use calog::Value;
use calog_tests::World;

fn export(world: &World, file: &str, text: &str, name: &str) -> Value {
    let context = world.open(file, text);
    context.export(name).unwrap_or_else(|| panic!("{file} exports {name}"))
}

#[test]
fn modules_of_each_language_import_each_other() {
    let world = World::new();
    world.write("l.lua", "return { twice = function(f, x) return f(f(x)) end, name = 'lua' }");
    world.write("j.js", "export function twice(f, x) { return f(f(x)) }\nexport const name = 'javascript'");
    world.write("s.nut", "return { twice = @(f, x) f(f(x)), name = \"squirrel\" }");
    let squirrel = "
        local total = 0
        foreach (file in [\"l\", \"j\", \"s\"]) {
            local module = calog.import(file)
            total += module.twice(function(x) { return x + module.name.len() }, 1)
        }
        return { total = total }";
    // 1 + twice the length of each name.
    assert_eq!(export(&world, "main.nut", squirrel, "total"), Value::Int(3 + 2 * (3 + 10 + 8)));
    let lua = "
        local s = calog.import 's'
        return { result = s.twice(function(x) return x * 3 end, 5), same = s.twice == calog.import('s').twice }";
    let context = world.open("main.lua", lua);
    assert_eq!((context.export("result"), context.export("same")), (Some(45.into()), Some(true.into())));
    let javascript = "
        const s = calog.import('s')
        export const result = s.twice(x => x + 'b', 'a')
        export const later = await s.twice.async(x => x + 1, 40)";
    let context = world.open("main.js", javascript);
    assert_eq!((context.export("result"), context.export("later")), (Some("abb".into()), Some(42.into())));
    assert_eq!(world.errors(), []);
}

#[test]
fn calog_is_there_as_in_every_language() {
    let world = World::new();
    let code = "
        local me = calog.self()
        calog.export(\"later\", @() \"exported\")
        calog.export(\"data\", [1, { two = 2 }])
        local other = calog.open(\"other.nut\")
        local waited = other.wait()
        print(\"no line end, \")
        print(\"then one\\n\")
        return {
            language = me.language, engine = me.engine, name = me.name,
            waited = waited, other = other.name, exports = other.exports().x,
            call = calog.call(@(a, b) a + b, 1, 2), lenient = calog.lenient(@(x) typeof x)(calog)
        }";
    world.write("other.nut", "calog.export(\"x\", 7); return 5");
    let context = world.open("main.nut", code);
    let get = |name: &str| context.export(name).unwrap_or_else(|| panic!("exports {name}"));
    assert_eq!((get("language"), get("engine"), get("name")), ("squirrel".into(), "squirrel".into(), "main".into()));
    assert_eq!((get("waited"), get("other"), get("exports")), (5.into(), "other".into(), 7.into()));
    assert_eq!((get("call"), get("lenient")), (3.into(), "table".into()));
    assert_eq!(world.call(&context, "later", &[]), Ok("exported".into()));
    assert_eq!(world.output.text(), "no line end, then one\n");
}

#[test]
fn a_waiting_squirrel_context_stays_callable_and_answers_in_any_order() {
    let world = World::new();
    world.write(
        "slow.lua",
        "local calls, first = 0, nil
         return {
            -- The first call waits for a second one, through the caller.
            meet = function(back) calls = calls + 1 return back(calls) end,
         }",
    );
    let code = "
        local slow = calog.import(\"slow\")
        local order = []
        local function meet(n) { return slow.meet(function(x) { order.append(x); return x < 5 ? again(x) : x }) }
        function again(x) { return slow.meet(function(y) { order.append(y); return y < 5 ? again(y) : y }) }
        local result = meet(0)
        return { result = result, order = order }";
    let context = world.open("main.nut", code);
    assert_eq!(context.export("result"), Some(5.into()));
    assert_eq!(context.export("order"), Some(Value::list([1, 2, 3, 4, 5]).expect("a list")));
}

#[test]
fn errors_cross_with_their_traces() {
    let world = World::new();
    world.write("s.nut", "return {\n  fail = function(x) {\n    return x.missing\n  }\n}");
    world.write("l.lua", "local s = calog.import 's'\nreturn { call = function() return s.fail({}) end }");
    let context =
        world.open("main.nut", "local l = calog.import(\"l\")\nreturn { go = function() { return l.call() } }");
    let error = world.call(&context, "go", &[]).expect_err("it fails");
    assert_eq!(&*error.message(), "the index 'missing' does not exist");
    let frames: Vec<_> = error.frames().map(|it| format!("{}:{}", it.context, it.line)).collect();
    assert_eq!(frames, ["s:3", "l:2", "main:2"], "{error:?}");

    let code = "
        local e = null
        try { calog.import(\"nowhere\") } catch (it) { e = it }
        return { code = e.code, text = \"\" + e, trace = typeof e.trace }";
    let context = world.open("catch.nut", code);
    assert_eq!((context.export("code"), context.export("trace")), (Some("not_found".into()), Some("array".into())));
    let code =
        "local s = calog.import 's' local ok, e = pcall(s.fail, {}) return { code = e.code, line = e.trace[1].line }";
    let context = world.open("catch.lua", code);
    assert_eq!((context.export("code"), context.export("line")), (Some("script".into()), Some(3.into())));
}

#[test]
fn natives_that_wait_pump_inside_comparators_and_metamethods() {
    let world = World::new();
    world.write("l.lua", "return { less = function(a, b) return a - b end }");
    let code = "
        local l = calog.import(\"l\")
        local list = [5, 3, 9, 1]
        list.sort(@(a, b) l.less(a, b))
        local lazy = {}.setdelegate({ _get = function(key) { return ::calog.call(l.less, 10, key.len()) } })
        return { list = list, lazy = lazy.four }";
    let context = world.open("main.nut", code);
    assert_eq!(context.export("list"), Some(Value::list([1, 3, 5, 9]).expect("a list")));
    assert_eq!(context.export("lazy"), Some(6.into()));
}

#[test]
fn endless_depth_is_an_error_in_the_real_runtime() {
    let world = World::new();
    for code in [
        "local f; f = function(n) { return f(n + 1) + 1 }; f(0)",
        "local f; f = function() { return calog.call(f) }; f()",
        "local f; f = function(...) { return [1].map(f) }; f()",
        "local f; f = function() { return newthread(f).call() }; f()",
        "local f; f = function(...) { return [1].map(@(x) calog.call(f)) }; f()",
    ] {
        let text =
            format!("local code = null; try {{ {code} }} catch (e) {{ code = e.code }} return {{ code = code }}");
        let context = world.start("depth.nut", &text);
        world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{code}: {error:?}"));
        assert_eq!(context.export("code"), Some("depth".into()), "{code}");
    }
}

#[test]
fn a_hundred_thousand_callbacks_go_both_ways() {
    for thread in [None, Some("ui")] {
        let world = World::new();
        let open = |name: &str, text: &str| match thread {
            Some(thread) => world.open_on(thread, name, text),
            None => world.open(name, text),
        };
        let taker = "
            local function many(f, n) for i = 1, n do f(function() return i end) end end
            return { take = function(f) return f() end, many = many }";
        open("taker.lua", taker);
        let giver = "
            local taker = calog.import(\"taker\")
            local function give(n) { for (local i = 0; i < n; i++) if (taker.take(@() i) != i) throw i }
            local function receive(n) { local sum = 0; taker.many(function(f) { sum += f() }, n); return sum }
            return { give = give, receive = receive }";
        let context = open("giver.nut", giver);
        assert_eq!(world.call(&context, "give", &[100_000.into()]), Ok(Value::Nil));
        assert_eq!(world.call(&context, "receive", &[10_000.into()]), Ok(Value::Int(50_005_000)));
        assert_eq!(world.errors(), []);
    }
}
