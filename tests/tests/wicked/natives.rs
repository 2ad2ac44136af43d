//! Natives, Objects, functions and promises that misbehave, as scripts of all languages meet them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use calog::plugin_api::{Function, Value};
use calog::{CLOSE_LIMIT, ContextRef};
use calog_tests::{Asked, World};

use crate::stage::{Row, Stage, check, row, said, with_wicked};

/// What is asked for, what is done with it, and what comes of that: an error's code and message, or
/// "ok". All languages write it alike, but for how they quote.
const EXPRESSIONS: &[(&str, &str, &str)] = &[
    ("wicked.panic()", "", "panic: panicked: wicked: as ordered"),
    ("wicked.panic('wicked: in these words')", "", "panic: panicked: wicked: in these words"),
    ("wicked.perform('payload')", "", "panic: panicked: without a message"),
    ("wicked.perform('fail')", "", "io: wicked: as ordered"),
    ("wicked.blocks('panic')", "", "panic: panicked: wicked: as ordered"),
    ("wicked.blocks('payload')", "", "panic: panicked: without a message"),
    ("wicked.blocks('fail')", "", "io: wicked: as ordered"),
    ("wicked.blocking()", "", "panic: panicked: wicked: at work"),
    ("wicked.forgets()", "", "dead: whoever would have answered is gone"),
    ("wicked.cancelled()", "", "cancelled: wicked: cancelled before it was waited for"),
    ("wicked.thread_panics()", "", "dead: whoever would have answered is gone"),
    ("wicked.later(1, 'x')", "", "ok"),
    ("wicked.flagged()", "", "ok"),
    ("wicked.deep(128)", "", "ok"),
    ("wicked.deep(129)", "", "depth: the value nests deeper than 128 levels"),
    // Too few, too many, of another kind.
    ("wicked.deep()", "", "arity: wicked.deep: argument 1 'levels' is missing"),
    ("wicked.deep(1, 2)", "", "arity: wicked.deep: takes at most 1 argument, got 2"),
    (
        "wicked.deep(-1)",
        "",
        "range: wicked.deep: argument 1 'levels': wanted int from 0 to 18446744073709551615, got -1",
    ),
    ("wicked.deep('x')", "", "type: wicked.deep: argument 1 'levels': wanted int, got string \"x\""),
    ("wicked.call(calog.self, 1)", "", "arity: calog.self: takes at most 0 arguments, got 1"),
    (
        "wicked.call(calog.log, 'none')",
        "",
        "range: calog.log: argument 1 'level': 'none' is none of error, warn, info, debug, trace",
    ),
    ("wicked.call(wicked.panic)", "", "panic: panicked: wicked: as ordered"),
    // Objects.
    ("wicked.object()", "", "ok"),
    ("wicked.object()", ".value", "panic: panicked: wicked: as ordered"),
    ("wicked.object('payload')", ".value", "panic: panicked: without a message"),
    ("wicked.object('fail')", ".value", "io: wicked: as ordered"),
    ("wicked.object()", ".spring()", "panic: panicked: wicked: as ordered"),
    ("wicked.object('payload')", ".spring()", "panic: panicked: without a message"),
    ("wicked.object('fail')", ".spring()", "io: wicked: as ordered"),
    ("wicked.liar()", "", "ok"),
    ("wicked.liar(0, 0)", "", "ok"),
    ("wicked.liar(wicked.me(), 1)", "", "ok"),
    // Functions.
    ("wicked.false_function('fine', 0, 1)", "(1, 2)", "ok"),
    ("wicked.false_function('panic', 0, 1)", "()", "panic: panicked: wicked: as ordered"),
    ("wicked.false_function('payload', 0, 1)", "()", "panic: panicked: without a message"),
    ("wicked.false_function('fail', 0, 1)", "()", "io: wicked: as ordered"),
    ("wicked.false_function('drop', 0, 1)", "()", "ok"),
    ("wicked.false_function('fine')", "()", "ok"),
    ("wicked.false_function('fine', wicked.me(), 1)", "()", "ok"),
    ("wicked.false_function('fine', wicked.me(), 999999)", "()", "ok"),
    ("wicked.false_function('fine', 999999, 1)", "()", "ok"),
    // The host's own Objects.
    ("calog.open('beside.lua')", ".close(1)", "arity: context.close: takes no arguments, got 1"),
    ("wicked.holds_program('panic')", "", "panic: panicked: wicked: as ordered"),
    ("wicked.holds_program('payload')", "", "panic: panicked: without a message"),
    // A context that is not there.
    ("wicked.posts(999999, calog.self)", "", "dead: the context is closed"),
    ("wicked.posts(wicked.me(), calog.self)", "", "ok"),
];

/// A script that does it, and exports what came of it.
fn script(extension: &str, first: &str, then: &str) -> String {
    let then = if then.is_empty() { String::new() } else { format!("it{then}") };
    // Only some have strings in single quotes.
    let (quoted, then_quoted) = (first.replace('\'', "\""), then.replace('\'', "\""));
    match extension {
        "lua" => format!(
            "local ok, e = pcall(function()
               local it = {first}
               {}
             end)
             return {{ came = ok and 'ok' or (e.code or type(e)) .. ': ' .. (e.message or tostring(e)) }}",
            if then.is_empty() { then } else { format!("it = {then}") },
        ),
        "js" => format!(
            "export let came = 'ok'
             try {{
               const it = await {first}
               await {}
             }} catch (e) {{ came = `${{e.code}}: ${{e.message}}` }}",
            if then.is_empty() { "it".into() } else { then },
        ),
        "nut" => format!(
            "local came = \"ok\"
             try {{
               local it = {quoted}
               {}
             }} catch (e) {{ came = e.code + \": \" + e.message }}
             calog.export(\"came\", came)",
            if then.is_empty() { then } else { format!("it = {then_quoted}") },
        ),
        _ => format!(
            "came = \"ok\"
             TRY
               it = {quoted}
               {}
             CATCH e
               came = e.code + \": \" + e.message
             ENDTRY
             calog.export(\"came\", came)",
            if then.is_empty() { then } else { format!("it = {then_quoted}") },
        ),
    }
}

#[test]
fn a_native_that_misbehaves_is_an_error_of_that_call() {
    let rows = ["lua", "js", "nut", "bas"].map(|extension| {
        let act = move |stage: &Stage| {
            stage.world.write("beside.lua", "");
            let mut differences = String::new();
            for (first, then, wanted) in EXPRESSIONS {
                let context = stage.world.start(&format!("calls.{extension}"), &script(extension, first, then));
                let came = match stage.world.runtime.wait_for(&context) {
                    Ok(_) => said(&Ok(context.export("came").unwrap_or_default())),
                    error => said(&error),
                };
                if came != *wanted {
                    differences += &format!("\n    {first}{then}: {came}");
                }
                stage.world.runtime.close_context(&context);
            }
            differences
        };
        row(format!("natives called by .{extension}"), act, "")
    });
    check(rows.into());
}

/// Evaluates an expression of Lua's beside the neighbours.
fn lua(stage: &Stage, code: &str) -> String {
    said(&stage.world.runtime.evaluate(&stage.neighbour, code))
}

fn evaluates(code: &'static str, says: &str) -> Row {
    row(code, move |stage| lua(stage, code), says)
}

#[test]
fn what_has_no_caller_to_tell_is_let_pass() {
    check(vec![
        evaluates("local o = wicked.object() o = nil collectgarbage() return 'dropped'", "dropped"),
        evaluates("return tostring(wicked.object())", ""),
        evaluates(
            "local _, e = pcall(function() wicked.object().value = 1 end) return e.message",
            "panicked: wicked: as ordered",
        ),
        evaluates("return wicked['']()", "nameless"),
        evaluates("return wicked['a\\0b']()", "zero"),
        evaluates("return wicked.nested.deeper()", "deeper"),
        evaluates("return wicked.races(300)", "300"),
        evaluates("return wicked.leaves()", r#"told 1, awaited false, handed back Err(Ok("kept"))"#),
        evaluates(
            "local all = {} for i = 1, 100000 do all[i] = wicked.call end
             local _, e = pcall(wicked.call, table.unpack(all)) return e.code",
            "depth",
        ),
        evaluates("wicked.rings('panic') return wicked.later(1, 'rung')", "rung"),
        evaluates("wicked.rings('payload') return wicked.later(1, 'rung')", "rung"),
        evaluates("wicked.keeps_alive() return 1", "1"),
        evaluates("wicked.site() return 1", "1"),
    ]);
}

/// Has a script start something that does not return, on a thread that is none of a script's.
fn starts(code: &'static str, entry: &'static str, lost: &str) -> Row {
    let act = move |stage: &Stage| {
        let caller = stage.world.start("caller.lua", code);
        stage.wait_for_entry(entry);
        let closed = stage.world.runtime.close_context(&caller);
        format!("{closed}")
    };
    row(code, act, "true").loses([lost])
}

/// As above, on the thread of the script itself.
fn holds(code: &'static str, entry: &'static str) -> Row {
    let act = move |stage: &Stage| {
        let caller = stage.world.start("caller.lua", code);
        stage.wait_for_entry(entry);
        caller.ask_to_close();
        String::new()
    };
    row(code, act, "").loses(["context 'caller' (lua) on thread 'caller'"])
}

#[test]
fn what_never_returns_is_named_when_the_runtime_closes() {
    check(vec![
        holds("wicked.perform('never')", "native"),
        holds("wicked.object('never').spring()", "object"),
        holds("local it = wicked.object('never').value", "object"),
        holds("wicked.false_function('never', 0, 1)()", "function"),
        starts("wicked.blocks('never')", "blocks", "a blocking native"),
        starts("wicked.rings('never')", "rings", "the timers"),
    ]);
}

#[test]
fn work_that_blocks_for_ever_uses_the_pool_up_and_no_more() {
    let act = |stage: &Stage| {
        let blocks = stage.world.runtime.evaluate(&stage.neighbour, "return wicked.blocks").expect("a native");
        let ask = |deed: &str| stage.world.ask(&stage.neighbour, "apply", &[blocks.clone(), deed.into()]);
        let all: Vec<Asked> = (0..16).map(|_| ask("never")).collect();
        stage.world.wait_until("all threads of the pool", || stage.entered("blocks") == 16);
        // It has its turn when one of those has ended.
        let late = ask("fine");
        let sum = said(&stage.world.try_call(&stage.neighbour, "sum", &[1.into(), 2.into()]));
        format!("{sum}, {}", all.iter().chain([&late]).any(Asked::is_answered))
    };
    check(vec![row("17 blocking natives", act, "3, false").loses(["16 blocking natives"])]);
}

#[test]
fn a_cancel_hook_that_never_returns_holds_whoever_cancels() {
    let act = |stage: &Stage| {
        let caller = stage.world.start("caller.lua", "print('waits') wicked.hook_never()");
        stage.world.wait_until("the wait", || stage.world.output.text().contains("waits"));
        // Until it has called the native it is not waiting; from then on the hook will run.
        stage.world.wait_until("the hook", || stage.entered("hook_never") > 0);
        caller.ask_to_close();
        String::new()
    };
    check(vec![row("hook_never", act, "").loses(["context 'caller' (lua) on thread 'caller'"])]);
}

#[test]
fn callers_of_a_dead_context_get_errors_in_their_languages() {
    let caller = |name: &'static str, text: &'static str| {
        let act = move |stage: &Stage| {
            stage.world.write("victim.wkd", "fine");
            let caller = stage.world.open(name, text);
            format!("{:?}", caller.export("codes").expect("codes"))
        };
        row(name, act, r#"["ok", "panic", "dead"]"#)
    };
    check(vec![
        caller(
            "caller.lua",
            "local victim = calog.open('victim.wkd') victim.wait()
             local obey = victim.exports().obey
             local codes = {}
             for i, word in ipairs { 'fine', 'panic', 'fine' } do
               local ok, e = pcall(obey, word)
               codes[i] = ok and 'ok' or e.code
             end
             return { codes = codes }",
        ),
        caller(
            "caller.js",
            "const victim = calog.open('victim.wkd'); await victim.wait()
             const { obey } = victim.exports()
             export const codes = []
             for (const word of ['fine', 'panic', 'fine'])
               try { obey(word); codes.push('ok') } catch (e) { codes.push(e.code) }",
        ),
    ]);
}

#[test]
fn waits_that_nobody_ends_end_when_their_context_closes() {
    for (name, text) in [
        ("wait.lua", "started() wicked.never()"),
        ("wait.js", "started(); wicked.never()"),
        ("promise.js", "started(); await wicked.never.async()"),
        ("nested.lua", "table.sort({ 2, 1 }, function() started() wicked.never() end)"),
        ("hook.js", "started(); wicked.hook_panics()"),
        (
            "call.lua",
            "local o = calog.open('victim.wkd') o.wait() local obey = o.exports().obey started() obey('forever')",
        ),
    ] {
        let started = Rc::new(Cell::new(false));
        let set = sets(&started);
        let world = World::with(|builder| with_wicked(builder).native(set));
        world.write("victim.wkd", "fine");
        let context: ContextRef = world.start(name, text);
        assert!(world.runtime.pump_until(|| started.get(), CLOSE_LIMIT), "{name}: it runs");
        world.runtime.close_context(&context);
        assert!(context.is_closed(), "{name}");
        // Whether it was waiting already or on its way there.
        let result = said(&world.runtime.wait_for(&context));
        assert!(result.starts_with("dead: ") || result.starts_with("cancelled: "), "{name}: {result}");
        if name == "hook.js" {
            let asks = world.open("asks.lua", "return { hooks = wicked.hooks }");
            assert_eq!(world.call(&asks, "hooks", &[]), Ok(Value::Int(1)));
        }
        assert_eq!(world.runtime.close(CLOSE_LIMIT).lost, [], "{name}");
    }
}

/// The native `started`, which runs on the test's thread.
fn sets(flag: &Rc<Cell<bool>>) -> Function {
    thread_local! {
        static FLAG: RefCell<Rc<Cell<bool>>> = RefCell::default();
    }
    FLAG.set(Rc::clone(flag));
    Function::new("started", || FLAG.with_borrow(|flag| flag.set(true)))
}

#[test]
fn a_deadline_ends_the_wait_for_what_never_returns() {
    let act = |stage: &Stage| {
        let victim = stage.ready_victim(&[("call", "never")]);
        let _first = stage.world.ask(&victim, "obey", &["fine".into()]);
        stage.wait_for_entry("call");
        let Some(Value::Callable(obey)) = victim.export("obey") else { return "no function".into() };
        said(&stage.world.runtime.call_within(Duration::from_millis(1), &obey, &[]))
    };
    let lost = ["context 'victim' (wicked) on thread 'victim'"];
    check(vec![row("a call with a deadline", act, "timeout: the call's deadline has passed").loses(lost)]);
}
