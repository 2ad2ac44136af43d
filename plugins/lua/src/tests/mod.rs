//! The engine against a mock host: values, functions, errors, waits, objects, modules.
//!
//! Most tests are Lua code that asserts by itself, run through one `check`.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use calog_plugin_api::mock::{self, deliver_releases, printed, pumped};
use calog_plugin_api::prelude::*;

use crate::Lua;
use crate::ffi::REGISTRY;

type Opened = mock::Opened<Lua>;

/// Runs code that shall not fail.
#[track_caller]
fn check(code: &str) -> Value {
    let opened = Opened::new();
    let result = opened.run(code);
    result.unwrap_or_else(|error| panic!("{error:?}\nin: {code}"))
}

/// Runs code that shall fail.
#[track_caller]
fn fails(opened: &Opened, code: &str) -> Error {
    match opened.run(code) {
        Err(error) => error,
        Ok(value) => panic!("gave {value:?}: {code}"),
    }
}

#[track_caller]
fn shows(code: &str, wanted: &str) {
    let value = check(&format!("return test.show({code})"));
    assert_eq!(value.view().as_str(), Some(wanted), "{code}");
}

/// Pinned functions: the registry's entries under negative numbers.
fn pinned(opened: &Opened) -> usize {
    let core = opened.context.core();
    let stack = core.main;
    let mut count = 0;
    stack.nil();
    while stack.next(REGISTRY) {
        stack.pop(1);
        count += usize::from(stack.is_integer(-1) && stack.integer(-1) < 0);
    }
    count
}

#[test]
fn plain_values_round_trip() {
    check(
        r##"
        local id = test.id
        for _, v in ipairs { math.maxinteger, math.mininteger, 0, 1, -1, 1 << 53, (1 << 53) + 1, 1.5, 1.0, 2^53,
            math.huge, -math.huge, "", "text", "a\0b", "\xff\xfe", true, false, ("x"):rep(100), 5e-324 } do
            local back = id(v)
            assert(rawequal(back, v) and math.type(back) == math.type(v), tostring(v))
        end
        assert(1 / id(-0.0) == -math.huge and math.type(id(-0.0)) == "float")
        local nan = id(0 / 0)
        assert(nan ~= nan)
        assert(id(nil) == nil and select("#", id(nil)) == 1)
        assert(id(calog.null) == nil)
        "##,
    );
}

#[test]
fn tables_become_lists_and_maps() {
    shows("{}", "[]");
    shows("{1, 2.5, 'x', true}", "[1, 2.5, \"x\", true]");
    shows("{a = 1}", "{a: 1}");
    shows("{1, 2, a = 3}", "{1, 2, a: 3}");
    shows("{[10] = 1}", "{10: 1}");
    shows("{[1.5] = 1}", "{1.5: 1}");
    shows("{1, nil, 3}", "{1, 3: 3}");
    shows("{calog.null, 2}", "[nil, 2]");
    shows("{a = calog.null}", "{a: nil}");
    shows("{[2] = 'b', [1] = 'a'}", "[\"a\", \"b\"]");
    check(
        r##"
        -- A sequence that lies in the hash part, and pairs around it.
        local t = { x = 1, [0] = 0 }
        for i = 20, 1, -1 do t[i] = i end
        t.y = 2
        local back = test.id(t)
        assert(#back == 20 and back.x == 1 and back.y == 2 and back[0] == 0)
        for i = 1, 20 do assert(back[i] == i) end
        -- Partly in the array part, partly not.
        local u = { 1, 2, 3 }
        for i = 8, 4, -1 do u[i] = i end
        u[100] = 100
        local v = test.id(u)
        local n = 0
        for k, x in pairs(v) do assert(k == x); n = n + 1 end
        assert(n == 9)
        "##,
    );
}

#[test]
fn nil_inside_becomes_null() {
    let opened = Opened::new();
    let function = opened.run("return function(t) assert(t[1] == calog.null and t.k == nil and #t == 2) return t end");
    let list = Value::list([Value::Nil, Value::Int(2)]).expect("a list");
    let back = opened.call(&function.expect("a function"), &[list.view()]).expect("no error");
    assert_eq!(back, list);
    assert_eq!(check("return tostring(calog.null)").view().as_str(), Some("null"));
}

#[test]
fn conversion_errors_leave_the_context_usable() {
    let code = r##"
        local function refused(code, place, ...)
            local top = select("#", ...)
            local ok, err = pcall(test.id, ...)
            assert(not ok and err.code == code, tostring(err.code) .. " instead of " .. code)
            assert(err.message:find(place, 1, true), err.message)
            assert(test.add(1, 2) == 3)
        end
        local loop = { 1, { 2 } }
        loop[2].back = loop
        refused("cycle", "argument 1 'arg1': at [2].back", loop)
        refused("unsupported", "argument 1", coroutine.create(print))
        refused("unsupported", "at a.b[3]", { a = { b = { 1, 2, io.stdout } } })
        refused("unsupported", "boolean as a table's key", { [true] = 1 })
        refused("unsupported", "table as a table's key", { [{}] = 1 })
        local function nest(levels) local t = {} for _ = 2, levels do t = { t } end return t end
        for _, n in ipairs { 127, 128 } do
            local back, depth = test.id(nest(n)), 0
            while back do back, depth = back[1], depth + 1 end
            assert(depth == n)
        end
        refused("depth", "129", nest(129))
        local shared = { 1 }
        local twice = test.id { shared, shared }
        assert(twice[1][1] == 1 and twice[2][1] == 1)
    "##;
    check(&code.replace("\"depth\", \"129\"", "\"depth\", \"128 levels\""));
}

#[test]
fn lenient_drops_and_coerces() {
    let opened = Opened::with(true, HashMap::new());
    let code = r##"
        assert(test.id(io.stdout) == nil)
        assert(test.show { 1, io.stdout, 3 } == "[1, nil, 3]")
        assert(test.show { a = io.stdout, b = 1, [true] = 2 } == "{b: 1}")
        local t = {} t[1] = t
        local ok, err = pcall(test.id, t)
        assert(not ok and err.code == "cycle")
    "##;
    opened.run(code).expect("lenient");
}

#[test]
fn large_values_cross() {
    check(
        r##"
        local big = ("0123456789"):rep(1000000)
        assert(test.id(big) == big)
        local list = {}
        for i = 1, 1000000 do list[i] = i end
        local back = test.id(list)
        assert(#back == 1000000 and back[1] == 1 and back[1000000] == 1000000)
        "##,
    );
}

#[test]
fn many_arguments_and_missing_ones() {
    check(
        r##"
        assert(test.count() == 0)
        assert(test.count(1, 2, 3, 4, 5, 6, 7, 8) == 8)
        assert(test.count(1, 2, 3, 4, 5, 6, 7, 8, 9, {}) == 10)
        assert(test.count(table.unpack({}, 1, 200)) == 200)
        local ok, err = pcall(test.add, 1)
        assert(err.code == "arity", err.code)
        ok, err = pcall(test.add, 1, "x")
        assert(err.code == "type" and tostring(err):find("argument 2", 1, true), tostring(err))
        assert(("failed: " .. err):find("failed: test.add", 1, true))
        "##,
    );
}

#[test]
fn functions_keep_their_identity() {
    check(
        r##"
        local function f() end
        assert(rawequal(test.id(f), f))
        assert(rawequal(test.id { f }[1], f))
        local native = test.add
        assert(rawequal(test.id(native), native) and native == test.add)
        assert(type(native) == "function")
        assert(test.call(native, 2, 3) == 5)
        assert(test.call(function(...) return select("#", ...) end, 1, nil, 3) == 3)
        "##,
    );
    let (one, other) = (Opened::new(), Opened::new());
    let foreign = one.run("return function(x) return x * 2 end").expect("a function");
    let receiver = other.run("return function(f, g) assert(f == g and type(f) == 'function') return f(21), f end");
    let receiver = receiver.expect("a function");
    let answer = other.call(&receiver, &[foreign.view(), foreign.view()]).expect("no error");
    assert_eq!(answer, Value::Int(42));
    let keeper = other.run("kept = kept or nil; return function(f) kept = kept or f; return kept == f end");
    let keeper = keeper.expect("a function");
    for _ in 0..3 {
        assert_eq!(other.call(&keeper, &[foreign.view()]), Ok(Value::Bool(true)));
    }
}

#[test]
fn callbacks_leave_nothing_behind() {
    let opened = Opened::new();
    let function = opened.run("return function() for i = 1, 1000 do test.call(function() return i end) end end");
    let function = function.expect("a function");
    opened.call(&function, &[]).expect("no error");
    for _ in 0..100 {
        opened.call(&function, &[]).expect("no error");
        deliver_releases();
    }
    assert_eq!(pinned(&opened), 1, "only the function itself is out");
    drop(function);
    deliver_releases();
    assert_eq!(pinned(&opened), 0);
    assert!(opened.context.memory_used() < 4_000_000, "{} bytes", opened.context.memory_used());
}

#[test]
fn released_functions_are_gone_and_revived_ones_are_not() {
    let opened = Opened::new();
    opened.run("f = function() return 7 end; test.keep(f)").expect("no error");
    deliver_releases();
    assert_eq!(pinned(&opened), 1);
    let again = opened.run("assert(rawequal(test.id(f), f)); test.kept(); return f").expect("no error");
    deliver_releases();
    assert_eq!(opened.call(&again, &[]), Ok(Value::Int(7)));
    drop(again);
    // Goes out under a new key before the old one's release arrives.
    let new = opened.run("return f").expect("a function");
    deliver_releases();
    assert_eq!(opened.call(&new, &[]), Ok(Value::Int(7)));
    assert_eq!(pinned(&opened), 1);
}

#[test]
fn script_errors_carry_their_place() {
    let opened = Opened::new();
    let error =
        fails(&opened, "local function inner()\n  error('boom')\nend\nlocal function outer()\n  inner()\nend\nouter()");
    assert_eq!((error.code(), &*error.message()), (Code::Script, "boom"));
    let frames: Vec<_> = error.frames().collect();
    let places: Vec<_> = frames.iter().map(|it| (it.function.as_str(), it.line)).collect();
    assert_eq!(places, [("inner", 2), ("outer", 5), ("main chunk", 7)]);
    assert!(frames.iter().all(|it| it.file == "main.lua" && it.language == "lua" && it.context == "main"));

    let error = fails(&opened, "\nlocal x = nil\nreturn x.y");
    assert_eq!(&*error.message(), "attempt to index a nil value (local 'x')");
    assert_eq!(error.frames().next().map(|it| it.line), Some(3));

    // Level 2 blames the caller: the trace begins there.
    let error = fails(&opened, "local function check()\n  error('bad', 2)\nend\n\ncheck()");
    assert_eq!(&*error.message(), "bad");
    assert_eq!(error.frames().next().map(|it| it.line), Some(5));

    let error = fails(&opened, "error('no place', 0)");
    assert_eq!(&*error.message(), "no place");
    let error = fails(&opened, "error()");
    assert_eq!(&*error.message(), "a nil was thrown");
    let error = fails(&opened, "local function f() return 1 + f() end f()");
    assert!(error.message().contains("stack overflow"), "{error}");
    assert!(opened.run("return 1").is_ok());
}

#[test]
fn a_long_file_name_is_recognised_in_messages() {
    let opened = Opened::new();
    let name = format!("{}/main.lua", "folder/".repeat(20));
    let error = opened.load(SourceMode::File, &name, "", "\n\nerror('boom')").expect_err("an error");
    assert_eq!(&*error.message(), "boom");
    assert_eq!(error.frames().next().map(|it| (it.file, it.line)), Some((name.clone(), 3)));
    let error = opened.load(SourceMode::File, &name, "", "\n\nlocal = 1").expect_err("an error");
    assert_eq!(error.frames().next().map(|it| (it.file, it.line)), Some((name, 3)));
    assert_eq!(&*error.message(), "<name> expected near '='");
}

#[test]
fn syntax_errors_name_file_and_line() {
    let opened = Opened::new();
    for mode in [SourceMode::File, SourceMode::Check, SourceMode::Eval] {
        let error = opened.load(mode, "bad.lua", "", "local x = 1\nlocal y = = 2\n").expect_err("an error");
        assert_eq!(error.code(), Code::Script);
        assert_eq!(&*error.message(), "unexpected symbol near '='");
        let frame = error.frames().next().expect("a frame");
        assert_eq!((frame.file.as_str(), frame.line), ("bad.lua", 2));
    }
    assert_eq!(opened.load(SourceMode::Check, "x", "", "error('not run')"), Ok(Value::Nil));
    let error = opened.run("#!/usr/bin/lua\nlocal = 1").expect_err("an error");
    assert_eq!(error.frames().next().map(|it| it.line), Some(2));
}

#[test]
fn thrown_values_come_home_as_themselves() {
    let opened = Opened::new();
    let error = fails(&opened, "error({ code = 'limit', message = 'full', size = 3 })");
    assert_eq!((error.code(), &*error.message()), (Code::Limit, "full"));
    assert_eq!(error.thrown().map(|it| it.field("size").as_int()), Some(Some(3)));
    let error = fails(&opened, "error(setmetatable({}, { __tostring = function() return 'my text' end }))");
    assert_eq!(&*error.message(), "my text");
    let error = fails(&opened, "error(42)");
    assert_eq!(error.thrown().and_then(View::as_int), Some(42));
    opened
        .run(
            r##"
            local ok, e = pcall(test.call, function() error { size = 3 } end)
            assert(not ok and type(e) == "table" and e.size == 3)
            ok, e = pcall(test.fail, "limit", "full")
            assert(not ok and e.code == "limit" and e.message == "full" and tostring(e) == "full")
            assert(#e.trace == 1 and e.trace[1].language == "rust")
            ok, e = pcall(test.call, function() error("text") end)
            assert(e.code == "script" and e.message == "text" and e.trace[1].line == 7)
            -- As data, an error is a map.
            local map = test.id(e)
            assert(map.message == "text" and map.code == "script")
            "##,
        )
        .expect("no error");
}

#[test]
fn errors_that_pass_through_keep_what_they_had() {
    let opened = Opened::new();
    for code in [
        "test.fail('limit', 'full')",
        "local ok, e = pcall(test.fail, 'limit', 'full') error(e)",
        "local ok, e = pcall(test.fail, 'limit', 'full', { size = 3 }) assert(e.size == 3) error(e)",
        "test.call(function() test.fail('limit', 'full') end)",
        "coroutine.wrap(function() test.fail('limit', 'full') end)()",
    ] {
        let error = fails(&opened, code);
        assert_eq!((error.code(), &*error.message()), (Code::Limit, "full"), "{code}");
        let frames: Vec<_> = error.frames().collect();
        assert_eq!(frames[0].language, "rust", "{code}");
        assert!(frames.len() > 1 && frames[1].language == "lua", "{code}");
    }
}

#[test]
fn waits_suspend_the_task() {
    pumped();
    check(
        r##"
        assert(test.later(1) == 1)
        assert(select(2, pcall(test.later, 2)) == 2)
        -- Through coroutines of the script, invisibly.
        local co = coroutine.create(function(a)
            local b = coroutine.yield(test.later(a))
            local c = coroutine.yield(test.later(b))
            return test.later(c)
        end)
        assert(select(2, coroutine.resume(co, 1)) == 1)
        assert(coroutine.status(co) == "suspended")
        assert(select(2, coroutine.resume(co, 2)) == 2)
        assert(select(2, coroutine.resume(co, 3)) == 3)
        assert(coroutine.status(co) == "dead")
        local values = {}
        for v in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(test.later(i)) end end) do
            values[#values + 1] = v
        end
        assert(#values == 3)
        for _ in pairs(setmetatable({}, { __pairs = function() test.later(1) return next, {} end })) do end
        "##,
    );
    assert_eq!(pumped(), 0, "all of these suspend");
}

#[test]
fn waits_pump_where_lua_cannot_suspend() {
    pumped();
    check(
        r##"
        local t = { 3, 1, 2 }
        table.sort(t, function(a, b) return test.later(a) < b end)
        assert(t[1] == 1 and t[3] == 3)
        assert(("x"):gsub("x", function(c) return test.later("y") end) == "y")
        local t = { 2, 1 }
        table.sort(t, coroutine.wrap(function(a, b)
            while true do a, b = coroutine.yield(test.later(a) < b) end
        end))
        assert(t[1] == 1)
        "##,
    );
    let pumped = pumped();
    assert!(pumped >= 4, "{pumped}");
}

#[test]
fn finalisers_cannot_wait_and_may_run_at_the_end() {
    check(
        r##"
        local seen
        setmetatable({}, { __gc = function()
            local ok, e = pcall(test.later, 1)
            seen = not ok and e.code
            assert(test.add(1, 2) == 3)
        end })
        collectgarbage()
        assert(seen == "unsupported", tostring(seen))
        later = setmetatable({}, { __gc = function() test.add(1, 2) end })
        latest = setmetatable({}, { __gc = function() pcall(test.inner.deep) end })
        "##,
    );
}

#[test]
fn an_idle_context_is_small() {
    let opened = Opened::new();
    assert!(opened.context.memory_used() < 32 * 1024, "{} bytes", opened.context.memory_used());
}

#[test]
fn coroutines_are_as_lua_defines_them() {
    check(
        r##"
        local co, main = coroutine.running()
        assert(main and not coroutine.isyieldable())
        local ok, e = pcall(coroutine.yield, 1)
        assert(not ok and e:find("outside a coroutine"), e)
        ok, e = coroutine.resume(co)
        assert(not ok and e == "cannot resume non-suspended coroutine", e)
        local c = coroutine.create(function(...) assert(coroutine.isyieldable()) return ... end)
        local r = table.pack(coroutine.resume(c, 1, nil, 3))
        assert(r.n == 4 and r[1] and r[4] == 3)
        assert(select(2, coroutine.resume(c)) == "cannot resume dead coroutine")
        local bad = coroutine.wrap(function() error("inside") end)
        ok, e = pcall(bad)
        assert(not ok and e:find("inside"), e)
        local table_error = {}
        ok, e = pcall(coroutine.wrap(function() error(table_error) end))
        assert(e == table_error)
        local closed
        local d = coroutine.create(function()
            local x <close> = setmetatable({}, { __close = function() closed = true end })
            coroutine.yield()
        end)
        coroutine.resume(d)
        assert(coroutine.close(d) and closed and coroutine.status(d) == "dead")
        local inner
        local outer = coroutine.create(function()
            inner = coroutine.create(function() return coroutine.status(outer_co) end)
            outer_co = coroutine.running()
            return coroutine.resume(inner)
        end)
        assert(select(3, coroutine.resume(outer)) == "normal")
        assert(not pcall(coroutine.wrap, 1) and not pcall(coroutine.resume, 1))
        "##,
    );
}

#[test]
fn objects_have_methods_and_properties() {
    check(
        r##"
        local c = test.counter()
        assert(c.add(2) == 2 and c:add(3) == 5 and c.count == 5)
        assert(c.add == c.add and c.nothing == nil)
        c.count = 9
        assert(c.count == 9 and tostring(c) == "<Counter at 9>")
        assert(rawequal(test.id(c), c) and rawequal(test.id { c }[1], c))
        assert(c:same(1, 2) == 2 and c.same(1, 2) == 2 and c:same() == 0)
        local ok, e = pcall(function() c.other = 1 end)
        assert(not ok and e.code == "not_found")
        assert(type(c) == "userdata" and test.counter() ~= c)
        assert(getmetatable(c) == "object")
        debug.getmetatable(c).__gc(c)
        assert(not pcall(function() return c.count end))
        assert(not pcall(debug.getmetatable(test.counter()).__index, io.stdout, "count"))
        "##,
    );
}

#[test]
fn objects_that_nobody_uses_do_not_gather() {
    check(
        r##"
        collectgarbage()
        local before, most = collectgarbage "count", 0
        for _ = 1, 200000 do
            test.counter()
            most = math.max(most, collectgarbage "count")
        end
        assert(most < 8 * before, ("from %.0f to %.0f KiB"):format(before, most))
        "##,
    );
}

#[test]
fn modules_bind_on_first_use() {
    check(
        r##"
        assert(rawget(test, "add") == nil)
        assert(test.add == test.add and rawget(test, "add") == test.add)
        assert(test.nothing == nil and test.inner.deep() == "deep")
        assert(string.shout("x") == "X" and ("x"):shout() == "X" and string.rep("x", 2) == "xx")
        test.mine = 1
        assert(test.mine == 1)
        "##,
    );
}

#[test]
fn require_finds_modules_of_any_language() {
    let module = Value::map([("answer", 42)]).expect("a map");
    let opened = Opened::with(false, HashMap::from([("users".to_owned(), module)]));
    opened
        .run(
            r##"
            local users = require "users"
            assert(users.answer == 42 and require "users" == users)
            local ok, e = pcall(require, "nowhere")
            assert(not ok and e:find("no file 'nowhere.lua'", 1, true) or e:find("./nowhere.lua", 1, true), e)
            assert(e:find("no module 'nowhere' anywhere", 1, true), e)
            "##,
        )
        .expect("no error");
    let folder = std::env::temp_dir().join(format!("calog-lua-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("beside.lua"), "return { here = ... }").expect("a file");
    let path = folder.join("main.lua");
    let result =
        opened.load(SourceMode::File, "main.lua", path.to_str().expect("plain text"), "return require('beside').here");
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    assert_eq!(result, Ok(Value::from("beside")));
}

#[test]
fn printing_goes_through_the_host() {
    printed();
    check(
        r##"
        print("a", 1, nil, 2.5, setmetatable({}, { __tostring = function() return "own" end }))
        io.write("b", 2, "\n")
        io.stdout:write("c"):write("d\n")
        assert(io.write() == io.stdout)
        local ok, e = pcall(io.write, {})
        assert(not ok and e:find("string expected"), e)
        print()
        "##,
    );
    assert_eq!(printed(), "a\t1\tnil\t2.5\town\nb2\ncd\n\n");
}

#[test]
fn a_stopped_context_ends_even_through_pcall() {
    let opened = Opened::new();
    for code in [
        "test.stop() while true do end",
        "test.stop() while true do pcall(function() while true do end end) end",
        "coroutine.wrap(function() test.stop() while true do pcall(function() while true do end end) end end)()",
        "test.stop() coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()",
    ] {
        let error = fails(&opened, code);
        assert_eq!(error.code(), Code::Cancelled, "{error:?}");
        opened.stop.store(0, Ordering::Relaxed);
        assert_eq!(opened.run("local n = 0 for i = 1, 1000 do n = n + 1 end return n"), Ok(Value::Int(1000)));
    }
}

#[test]
fn eval_gives_the_value_of_an_expression() {
    let opened = Opened::new();
    let eval = |code| opened.load(SourceMode::Eval, "eval", "", code);
    assert_eq!(eval("1 + 1"), Ok(Value::Int(2)));
    assert_eq!(eval("x = 5"), Ok(Value::Nil));
    assert_eq!(eval("x"), Ok(Value::Int(5)));
    assert_eq!(eval("return x, 6"), Ok(Value::Int(5)));
    assert!(opened.context.is_complete("1 + 1") && opened.context.is_complete("x = = 1"));
    assert!(!opened.context.is_complete("for i = 1, 2 do") && !opened.context.is_complete("f("));
}

#[test]
fn signatures_name_parameters() {
    let opened = Opened::new();
    let function = opened.run("return function(first, second, ...) end").expect("a function");
    let key = function.view().as_callable().expect("a function").identity().key;
    let signature = opened.context.signature(FunctionKey(key)).expect("known");
    let names: Vec<_> = signature.params.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["first", "second", "..."]);
    assert!(signature.params[2].variadic);
}

#[test]
fn recursion_between_entries_ends_in_an_error() {
    let error = {
        let opened = Opened::new();
        fails(&opened, "local function f() return test.call(f) end return f()")
    };
    assert_eq!(error.code(), Code::Depth);
}
