//! Calls between the engines: callbacks, identity, errors, re-entry, depth, closing. One scenario,
//! every ordered pair of engines, on one thread and on two.

use std::sync::mpsc;

use calog::Function;
use calog::plugin_api::{Args, CallInfo, Callable, Code, Value};
use calog_tests::stage::Players;
use calog_tests::{Scene, World, field, function};

/// Each exports: add, apply(f, ...), same(f, g), keep(f) and kept(), throw(message), raise_value(),
/// ping(f), forever, count (calls f so many times with a new function each).
const ACTORS: Players = Players { lua: LUA, javascript: JAVASCRIPT, squirrel: SQUIRREL, basic: BASIC };

const LUA: &str = "
    local held
    local M = {}
    function M.add(a, b) return a + b end
    function M.apply(f, ...) return f(...) end
    function M.same(f, g) return f == g and rawequal(f, g) and type(f) == 'function' end
    function M.keep(f) held = f return f end
    function M.kept() return held end
    function M.forget() held = nil collectgarbage() collectgarbage() end
    function M.throw(message) error(message, 0) end
    function M.throw_value() error({ answer = 42, list = {1, 2} }) end
    function M.catch(f, ...)
        local ok, e = pcall(f, ...)
        if ok then return { ok = true } end
        if type(e) == 'table' and e.answer then return { answer = e.answer, list = e.list } end
        return { code = e.code, message = tostring(e), frames = #e.trace }
    end
    function M.ping(other) return other(M.ping) end
    function M.many(f, n) for i = 1, n do f(function() return i end) end return true end
    function M.discard(f) return nil end
    return M
";

const JAVASCRIPT: &str = "
    let held
    export function add(a, b) { return a + b }
    export function apply(f, ...args) { return f(...args) }
    export function same(f, g) { return f === g && typeof f === 'function' }
    export function keep(f) { held = f; return f }
    export function kept() { return held }
    export function forget() { held = undefined }
    function throwIt(message) { throw new Error(message) }
    export { throwIt as throw }
    export function throw_value() { throw { answer: 42, list: [1, 2] } }
    function catchIt(f, ...args) {
        try { f(...args); return { ok: true } }
        catch (e) {
            if (e.answer) return { answer: e.answer, list: e.list }
            return { code: e.code, message: e.message, frames: e.trace.length }
        }
    }
    export { catchIt as catch }
    export function ping(other) { return other(ping) }
    export function many(f, n) { for (let i = 0; i < n; i++) f(() => i); return true }
    export function discard(f) { return null }
";

const SQUIRREL: &str = "
    local held = null
    local M = {}
    M.add <- function(a, b) { return a + b }
    M.apply <- function(f, ...) { return f.acall([this].extend(vargv)) }
    M.same <- function(f, g) { return f == g && typeof f == \"function\" }
    M.keep <- function(f) { held = f; return f }
    M.kept <- function() { return held }
    M.forget <- function() { held = null; collectgarbage() }
    M[\"throw\"] <- function(message) { throw message }
    M.throw_value <- function() { throw { answer = 42, list = [1, 2] } }
    M[\"catch\"] <- function(f, ...) {
        try { f.acall([this].extend(vargv)); return { ok = true } }
        catch (e) {
            if (\"answer\" in e) return { answer = e.answer, list = e.list }
            return { code = e.code, message = e.message, frames = e.trace.len() }
        }
    }
    M.ping <- function(other) { return other(M.ping) }
    M.many <- function(f, n) { for (local i = 0; i < n; i++) f(@() i); return true }
    M.discard <- function(f) { return null }
    return M
";

const BASIC: &str = "
    held = NIL
    DEF add(a, b)
        RETURN a + b
    ENDDEF
    DEF apply(f, ...)
        count = LEN(...)
        IF count = 0 THEN RETURN f()
        IF count = 1 THEN RETURN f(...)
        IF count = 2 THEN RETURN f(..., ...)
        IF count = 3 THEN RETURN f(..., ..., ...)
        RETURN f(..., ..., ..., ...)
    ENDDEF
    DEF same(f, g)
        RETURN f = g AND (f IS TYPE(\"ROUTINE\"))
    ENDDEF
    DEF keep(f)
        held = f
        RETURN f
    ENDDEF
    DEF kept()
        RETURN held
    ENDDEF
    DEF forget()
        held = NIL
    ENDDEF
    DEF throw(message)
        RAISE(message)
    ENDDEF
    DEF throw_value()
        RAISE(DICT(\"answer\", 42, \"list\", LIST(1, 2)))
    ENDDEF
    DEF catch_it(f, ...)
        TRY
            IF LEN(...) = 2 THEN f(..., ...) ELSEIF LEN(...) = 1 THEN f(...) ELSE f()
            RETURN DICT(\"ok\", TRUE)
        CATCH e
            IF EXISTS(e, \"answer\") THEN RETURN DICT(\"answer\", e.answer, \"list\", e.list)
            RETURN DICT(\"code\", e.code, \"message\", e.message, \"frames\", e.row)
        ENDTRY
    ENDDEF
    DEF ping(other)
        RETURN other(ping)
    ENDDEF
    DEF many(f, n)
        FOR i = 1 TO n
            f(LAMBDA () (RETURN i))
        NEXT
        RETURN TRUE
    ENDDEF
    DEF discard(f)
    ENDDEF
    calog.export(\"add\", add)
    calog.export(\"apply\", apply)
    calog.export(\"same\", same)
    calog.export(\"keep\", keep)
    calog.export(\"kept\", kept)
    calog.export(\"forget\", forget)
    calog.export(\"throw\", throw)
    calog.export(\"throw_value\", throw_value)
    calog.export(\"catch\", catch_it)
    calog.export(\"ping\", ping)
    calog.export(\"many\", many)
    calog.export(\"discard\", discard)
";

#[test]
fn a_calls_b_calls_a() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        let args = [function(b, "apply"), function(a, "apply"), function(b, "add"), 20.into(), 22.into()];
        assert_eq!(world.call(a, "apply", &args), Ok(Value::Int(42)), "{what}");
    });
}

#[test]
fn endless_ping_pong_is_a_catchable_depth_error() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        for _ in 0..2 {
            let caught = world.call(a, "catch", &[function(a, "ping"), function(b, "ping")]).unwrap();
            assert_eq!(field(&caught, "code"), Value::from("depth"), "{what}: {caught:?}");
            assert_eq!(world.call(a, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)), "{what}");
            assert_eq!(world.call(b, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)), "{what}");
        }
    });
}

#[test]
fn a_function_that_comes_home_is_itself() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        // b keeps a's function; a compares what comes back with the original.
        let kept = world.call(b, "keep", &[function(a, "add")]).unwrap();
        assert_eq!(kept, function(a, "add"), "{what}");
        let again = world.call(b, "kept", &[]).unwrap();
        assert_eq!(world.call(a, "same", &[function(a, "add"), again.clone()]), Ok(Value::Bool(true)), "{what}");
        // The same foreign function seen twice is one.
        assert_eq!(world.call(b, "same", &[again.clone(), again]), Ok(Value::Bool(true)), "{what}");
    });
}

#[test]
fn errors_carry_code_message_and_a_trace_through_both_languages() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        let caught = world.call(a, "catch", &[function(b, "throw"), "it broke".into()]).unwrap();
        assert_eq!(field(&caught, "code"), Value::from("script"), "{what}: {caught:?}");
        let message = field(&caught, "message");
        assert!(message.view().as_str().is_some_and(|it| it.ends_with("it broke")), "{what}: {caught:?}");
        assert!(field(&caught, "frames").view().as_int().is_some_and(|it| it >= 1), "{what}: {caught:?}");

        let error = world.call(a, "apply", &[function(b, "throw"), "it broke".into()]).unwrap_err();
        let frames: Vec<_> = error.frames().collect();
        let of = |name: &str| frames.iter().any(|frame| frame.context == name && frame.line > 0);
        assert!(of("b") && of("a"), "{what}: frames of both contexts in {error:?}");
        assert!(
            frames.iter().position(|f| f.context == "b") < frames.iter().position(|f| f.context == "a"),
            "{what}: {error:?}"
        );
    });
}

/// A native on the caller's thread has another thread call a function, waits until that call is on its way
/// and nobody else holds the function, and returns: so the last reference goes where the call is to run.
#[test]
fn a_function_that_is_being_called_is_not_released_before_the_call_begins() {
    for (name, script) in [
        ("main.lua", "return { go = function() hand(function() return 7 end) return 1 end }"),
        ("main.js", "export function go() { hand(() => 7); return 1 }"),
        ("main.bas", "calog.export(\"go\", LAMBDA () (hand(LAMBDA () (RETURN 7)) : RETURN 1))"),
    ] {
        let (answer, answers) = mpsc::channel();
        let hand = move |info: &CallInfo, function: Callable| {
            let (info, answer) = (info.keep(), answer.clone());
            let other = function.clone();
            let call = move || other.start(&info, Args::new(&[]), move |result| drop(answer.send(result)));
            std::thread::spawn(call).join().expect("the call is begun");
            drop(function);
        };
        let world = World::with(|builder| builder.inline_native(Function::new("hand", hand)));
        let context = world.open(name, script);
        assert_eq!(world.call(&context, "go", &[]), Ok(Value::Int(1)), "{name}");
        assert_eq!(answers.recv().expect("an answer"), Ok(Value::Int(7)), "{name}");
    }
}

#[test]
fn a_thrown_value_comes_back_as_that_value() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        // b throws a value, a catches b's function: it went b -> (a) and, through a, home to b.
        let caught = world.call(b, "catch", &[function(a, "apply"), function(b, "throw_value")]).unwrap();
        assert_eq!(field(&caught, "answer"), Value::Int(42), "{what}: {caught:?}");
        assert_eq!(field(&caught, "list"), Value::list([1, 2]).unwrap(), "{what}");
    });
}

#[test]
fn callbacks_leave_nothing_behind() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        let result = world.call(a, "many", &[function(b, "discard"), 20_000.into()]);
        assert_eq!(result, Ok(Value::Bool(true)), "{what}");
    });
}

#[test]
fn a_hundred_thousand_callbacks_do_not_grow_the_interpreter_that_made_them() {
    for thread in [None, Some("ui")] {
        let world = World::new();
        let open = |name: &str, text: &str| match thread {
            Some(thread) => world.open_on(thread, name, text),
            None => world.open(name, text),
        };
        open("taker.js", "export function take(f) { return f() }");
        let lua = open(
            "giver.lua",
            "local take = calog.import('taker').take
            local function give(n) for i = 1, n do assert(take(function() return i end) == i) end end
            local function kibibytes() collectgarbage() collectgarbage() return collectgarbage('count') end
            return { grown = function(n) give(1000) local before = kibibytes() give(n) return kibibytes() - before end }",
        );
        let grown = world.call(&lua, "grown", &[100_000.into()]).unwrap_or_else(|error| panic!("{error:?}"));
        // A function that stays pinned is some 100 bytes: 100,000 of them would be 10 MiB.
        let kibibytes = grown.view().as_number().expect("a number");
        assert!(kibibytes < 256.0, "on {thread:?} the interpreter grew by {kibibytes} KiB");
    }
}

#[test]
fn a_closed_contexts_functions_are_dead_and_its_slot_reaches_nobody() {
    ACTORS.every_pair(|Scene { world, what, .. }, a, b| {
        assert_eq!(world.call(b, "keep", &[function(a, "add")]), Ok(function(a, "add")), "{what}");
        world.runtime.close_context(a);
        let newcomer = world.open("newcomer.lua", "return { add = function() return 'wrong' end }");
        assert_eq!(newcomer.id().number() as u32, a.id().number() as u32, "{what}: the slot is used again");
        let kept = world.call(b, "kept", &[]).unwrap();
        let caught = world.call(b, "catch", &[kept, 1.into(), 2.into()]).unwrap();
        assert_eq!(field(&caught, "code"), Value::from("dead"), "{what}: {caught:?}");
        assert_eq!(field(&caught, "message"), Value::from("context 'a' is closed"), "{what}: {caught:?}");
    });
}

#[test]
fn natives_are_called_from_both_languages_with_precise_errors() {
    for (language, code) in [
        (
            "lua",
            "local ok, e = pcall(stats.mean, 'x') return { code = e.code, message = tostring(e), mean = stats.mean({1, 2, 3}) }",
        ),
        (
            "js",
            "let e; try { stats.mean('x') } catch (it) { e = it }
             export const code = e.code, message = e.message, mean = stats.mean([1, 2, 3])",
        ),
        (
            "nut",
            "local e; try { stats.mean(\"x\") } catch (it) { e = it }
             return { code = e.code, message = e.message, mean = stats.mean([1, 2, 3]) }",
        ),
        (
            "bas",
            "TRY : stats.mean(\"x\") : CATCH e
                 calog.export(\"code\", e.code) : calog.export(\"message\", e.message)
             ENDTRY
             calog.export(\"mean\", stats.mean(LIST(1, 2, 3)))",
        ),
    ] {
        let world = World::new();
        let context = world.open(&format!("main.{language}"), code);
        assert_eq!(context.export("code"), Some(Value::from("type")), "{language}");
        let message = context.export("message").unwrap();
        let message = message.view().as_str().unwrap_or_default().to_owned();
        assert!(message.contains("stats.mean: argument 1 'numbers'"), "{language}: {message}");
        assert!(
            matches!(context.export("mean"), Some(Value::Real(it)) if it == 2.0)
                || context.export("mean") == Some(Value::Int(2)),
            "{language}"
        );
    }
}

#[test]
fn endless_loops_are_interrupted_also_through_error_handlers() {
    for (name, code) in [
        ("loop.lua", "while true do end"),
        ("pcall.lua", "while true do pcall(function() while true do end end) end"),
        ("loop.js", "while (true) {}"),
        ("try.js", "while (true) { try { while (true) {} } catch (e) {} }"),
        ("loop.nut", "while (true) {}"),
        ("try.nut", "while (true) { try { while (true) {} } catch (e) {} }"),
        ("loop.bas", "WHILE TRUE\nWEND"),
        ("try.bas", "WHILE TRUE\nTRY\nWHILE TRUE\nWEND\nCATCH e\nENDTRY\nWEND"),
    ] {
        let world = World::new();
        let context = world.start(name, code);
        // The loop has begun once the context's thread is in it; closing interrupts it either way.
        world.runtime.close_context(&context);
        assert!(context.is_closed(), "{name}");
        assert_eq!(world.runtime.close(calog::CLOSE_LIMIT).lost, Vec::<calog::Lost>::new(), "{name}");
    }
}

#[test]
fn syntax_errors_name_file_and_line() {
    for (name, code, line) in [
        ("bad.lua", "local x = 1\nlocal = 2\n", 2),
        ("bad.js", "let x = 1\nlet = = 2\n", 2),
        ("bad.nut", "local x = 1\nlocal = 2\n", 2),
        ("bad.bas", "x = 1\nx = = 2\n", 2),
    ] {
        let world = World::new();
        let context = world.start(name, code);
        let error = world.runtime.wait_for(&context).unwrap_err();
        let frame = error.frames().next().unwrap_or_default();
        assert_eq!(error.code(), Code::Script, "{name}: {error:?}");
        assert!(frame.file.ends_with(name) && frame.line == line, "{name}: {error:?}");
    }
}
