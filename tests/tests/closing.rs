//! Closing a context in every state it can be in: it ends, every call to it is answered once, and
//! nobody else is harmed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use calog::plugin_api::{Code, Descriptor, Function, Value};
use calog::{CLOSE_LIMIT, Closed, ContextRef, Runtime};
use calog_tests::{
    Asked, LANGUAGES, Language, SAFETY_NET, Scene, THREADS, World, every_language, every_pair, function,
};
use parking_lot::Mutex;

/// Code that never ends by itself, and does not let go when it is interrupted once.
fn loops(language: &Language) -> &'static [(&'static str, &'static str)] {
    match language.name {
        "lua" => &[
            ("plain", "while true do end"),
            ("calls", "local function f() end while true do f() end"),
            ("protected", "while true do pcall(function() while true do end end) end"),
            ("protected calls", "while true do pcall(error, 'x') end"),
            (
                "handler",
                "while true do xpcall(function() while true do end end, function(e) while true do end end) end",
            ),
            ("natives", "while true do calog.self() end"),
            ("coroutine", "while true do coroutine.wrap(function() while true do end end)() end"),
            (
                "coroutines",
                "while true do pcall(coroutine.wrap(function() while true do coroutine.yield() end end)) end",
            ),
            ("resumed", "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"),
            ("mad comparator", "while true do pcall(table.sort, { 3, 1, 2 }, function() while true do end end) end"),
            (
                "metamethod",
                "local t = setmetatable({}, { __index = function() while true do end end }) while true do pcall(function() return t.x end) end",
            ),
            (
                "closing variable",
                "while true do pcall(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) error('x') end) end",
            ),
            (
                "finaliser",
                "setmetatable({}, { __gc = function() while true do end end }) while true do collectgarbage() end",
            ),
            ("gsub", "while true do pcall(string.gsub, ('x'):rep(1000), 'x', function() while true do end end) end"),
            ("iterator", "for _ in function() return 1 end do end"),
            ("recursion", "local function f() pcall(f) f() end while true do pcall(f) end"),
            ("goto", "::again:: goto again"),
        ],
        "javascript" => &[
            ("plain", "while (true) {}"),
            ("calls", "const f = () => {}; while (true) f()"),
            ("caught", "while (true) { try { while (true) {} } catch (e) {} }"),
            ("finally", "while (true) { try { while (true) {} } finally { continue } }"),
            ("natives", "while (true) calog.self()"),
            ("comparator", "while (true) { try { [3, 1, 2].sort(() => { while (true) {} }) } catch {} }"),
            ("getter", "const o = { get x() { while (true) {} } }; while (true) { try { o.x } catch {} }"),
            ("regular expression", "while (true) { try { /^(a+)+$/.test('a'.repeat(50) + 'b') } catch {} }"),
            ("microtasks", "const again = () => Promise.resolve().then(again); again()"),
            ("async", "const f = async () => { while (true) { try { await null } catch {} } }; f()"),
            (
                "async and loops",
                "const f = async () => { for (;;) { await null; try { for (;;) {} } finally { continue } } }; f()",
            ),
            (
                "generator",
                "function* g() { while (true) { try { yield 1 } finally { continue } } } for (const x of g()) {}",
            ),
            ("recursion", "const f = () => { try { f() } catch {} f() }; while (true) { try { f() } catch {} }"),
            (
                "proxy",
                "const p = new Proxy({}, { has: () => { while (true) {} } }); while (true) { try { 'x' in p } catch {} }",
            ),
            ("json", "while (true) { try { JSON.stringify({ toJSON() { while (true) {} } }) } catch {} }"),
        ],
        "squirrel" => &[
            ("plain", "while (true) {}"),
            ("calls", "local f = function() {}; while (true) f()"),
            ("caught", "while (true) { try { while (true) {} } catch (e) {} }"),
            ("thrown", "while (true) { try { throw 1 } catch (e) {} }"),
            ("natives", "while (true) calog.self()"),
            ("comparator", "while (true) { try { [3, 1, 2].sort(function(a, b) { while (true) {} }) } catch (e) {} }"),
            (
                "metamethod",
                "local t = {}.setdelegate({ _get = function(k) { while (true) {} } }); while (true) { try { t.x } catch (e) {} }",
            ),
            (
                "regular expression",
                "local t = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"; while (true) regexp(\"(a+)+$\").match(t)",
            ),
            ("generator", "foreach (x in (function() { while (true) yield 1 })()) {}"),
            ("thread", "while (true) newthread(function() { while (true) {} }).call()"),
            (
                "threads",
                "local t = newthread(function() { while (true) ::suspend(1) }); t.call(); while (true) t.wakeup()",
            ),
            (
                "recursion",
                "local f; f = function() { try { f() } catch (e) {} f() }; while (true) { try { f() } catch (e) {} }",
            ),
            ("do", "do {} while (true)"),
            ("for", "for (;;) {}"),
            ("garbage", "while (true) { local t = {}; t.t <- t; collectgarbage() }"),
        ],
        "basic" => &[
            ("plain", "WHILE TRUE : WEND"),
            ("until", "DO : UNTIL FALSE"),
            ("for", "FOR i = 1 TO 2 STEP 0 : NEXT"),
            ("range", "FOR i IN LIST(1 TO 9223372036854775806) : NEXT"),
            ("goto", "again: GOTO again"),
            ("calls", "f = LAMBDA () () : WHILE TRUE : f() : WEND"),
            ("caught", "WHILE TRUE : TRY : WHILE TRUE : WEND : CATCH : ENDTRY : WEND"),
            ("raised", "WHILE TRUE : TRY : RAISE(1) : CATCH : ENDTRY : WEND"),
            ("natives", "WHILE TRUE : calog.self() : WEND"),
            (
                "recursion",
                "f = LAMBDA (f) (TRY : f(f) : CATCH : ENDTRY : f(f)) : WHILE TRUE : TRY : f(f) : CATCH : ENDTRY : WEND",
            ),
            ("sort", "l = LIST(1 TO 100000) : WHILE TRUE : SORT(CLONE(l)) : WEND"),
            (
                "callback",
                "f = LAMBDA () (WHILE TRUE : WEND) : WHILE TRUE : TRY : calog.call(f) : CATCH : ENDTRY : WEND",
            ),
            ("garbage", "WHILE TRUE : l = LIST() : PUSH(l, l) : WEND"),
        ],
        other => panic!("{other}: say here how its code never ends"),
    }
}

/// Closes, and looks that it was quick and nothing is left.
#[track_caller]
fn close_all(world: &World, what: &str) {
    assert_eq!(world.runtime.close(CLOSE_LIMIT), Closed::default(), "{what}");
}

#[track_caller]
fn close(scene: &Scene, context: &ContextRef) {
    assert!(scene.world.runtime.close_context(context), "{}: {} closes", scene.what, context.name());
    assert!(context.is_closed(), "{}: {} is closed", scene.what, context.name());
}

fn is_dead(result: &calog::Result<Value>) -> bool {
    result.as_ref().is_err_and(|error| error.code() == Code::Dead)
}

/// What a call in flight is answered when its context closes: that it is gone, or that it was stopped.
fn is_ended(result: &calog::Result<Value>) -> bool {
    result.as_ref().is_err_and(|error| [Code::Dead, Code::Cancelled].contains(&error.code()))
}

#[test]
fn an_idle_context_closes_and_closes_again() {
    every_language(|scene, a| {
        let add = function(a, "add");
        for _ in 0..3 {
            close(scene, a);
        }
        let Value::Callable(add) = add else { panic!("a function") };
        let asked = Asked::of(&add, &scene.world.info(), &[1.into(), 2.into()]);
        assert!(is_dead(&scene.world.answer(&asked)), "{}: {:?}", scene.what, asked.answers());
        close_all(&scene.world, &scene.what);
    });
}

#[test]
fn running_code_is_interrupted_whatever_it_does() {
    let mut failed = Vec::new();
    for language in &LANGUAGES {
        for (name, code) in loops(language) {
            for in_call in [false, true] {
                let scene = Scene::new(format!("{}: {name}, in a call: {in_call}", language.name));
                failed.extend(interrupt(&scene, language, code, in_call).err());
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Closes a context that is in this code.
fn interrupt(scene: &Scene, language: &Language, code: &str, in_call: bool) -> Result<(), String> {
    // It is in the loop, or just before it, when it has said so.
    let code = format!("gate.note(\"begun\")\n{code}");
    let text = match (language.name, in_call) {
        (_, false) => code,
        ("lua", true) => format!("return {{ run = function() {code} end }}"),
        ("javascript", true) => format!("export function run() {{ {code} }}"),
        ("squirrel", true) => format!("return {{ run = function() {{ {code} }} }}"),
        ("basic", true) => format!("calog.export(\"run\", LAMBDA () ({code}))"),
        (other, true) => panic!("{other}: say here what a function is"),
    };
    let context = scene.start("a", language, None, &text);
    let asked = in_call.then(|| {
        scene.world.runtime.wait_for(&context).unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
        scene.world.ask(&context, "run", &[])
    });
    scene.world.wait_until("the loop", || !scene.gates.notes().is_empty());
    if !scene.world.runtime.close_context(&context) {
        return Err(format!("{}: it does not end", scene.what));
    }
    // One that only left microtasks behind had a value.
    let answers = asked.map(|asked| (scene.world.answer(&asked), asked)).map(|(_, asked)| asked.answers().len());
    let closed = scene.world.runtime.close(CLOSE_LIMIT);
    let errors = scene.world.errors();
    if answers.unwrap_or(1) != 1 || closed != Closed::default() || !errors.is_empty() {
        return Err(format!("{}: {answers:?} answers, {closed:?}, reported {errors:?}", scene.what));
    }
    Ok(())
}

#[test]
fn waiting_tasks_of_a_context_that_closes_are_answered_and_their_natives_told() {
    every_pair(|scene, a, b| {
        let mut asked = Vec::new();
        for (call, wait) in [("suspends", "wait"), ("pumps", "wait_in_place")] {
            for n in 0..5 {
                let gate = format!("{wait} {n}");
                asked.push(scene.world.ask(b, wait, &[format!("own {gate}").as_str().into()]));
                scene.settle(b);
                asked.push(scene.world.ask(a, call, &[function(b, wait), gate.as_str().into()]));
                scene.world.wait_until("the wait", || scene.gates.is_closed(&gate));
                scene.settle(b);
            }
        }
        close(scene, b);
        for asked in &asked {
            let answer = scene.world.answer(asked);
            assert!(is_ended(&answer), "{}: {answer:?}", scene.what);
        }
        for wait in ["wait", "wait_in_place"] {
            for gate in (0..5).flat_map(|n| [format!("{wait} {n}"), format!("own {wait} {n}")]) {
                assert_eq!(scene.gates.hooks(&gate), 1, "{}: {gate}: the native is told once", scene.what);
                assert_eq!(scene.gates.open(&gate, 1), Err(Ok(Value::Int(1))), "{}: {gate}", scene.what);
            }
        }
        scene.settle(a);
        close_all(&scene.world, &scene.what);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    });
}

#[test]
fn nested_pumps_of_a_context_that_closes_unwind() {
    every_pair(|scene, a, b| {
        // a pumps for b, which pumps for a, which waits in place: all of it is on the stacks.
        let asked = scene.world.ask(a, "pumps", &[function(b, "pumps"), function(a, "wait_in_place"), "gate".into()]);
        scene.world.wait_until("the wait", || scene.gates.is_closed("gate"));
        scene.settle(a);
        close(scene, a);
        assert!(is_ended(&scene.world.answer(&asked)), "{}: {:?}", scene.what, asked.answers());
        assert_eq!(scene.gates.hooks("gate"), 1, "{}", scene.what);
        scene.settle(b);
        close_all(&scene.world, &scene.what);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    });
}

/// A native that blocks its caller's thread until the test lets it go: `block()` says that it is there.
struct Block {
    arrived: Receiver<()>,
    release: Sender<()>,
    native: Mutex<Option<Function>>,
}

impl Block {
    fn new() -> Block {
        let (arrive, arrived) = channel();
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let block = move || {
            arrive.send(()).expect("the test waits");
            // When the test has ended nobody releases it.
            let _ = released.lock().recv();
        };
        Block { arrived, release, native: Mutex::new(Some(Function::new("block", block))) }
    }

    fn world(&self, scene: &mut Scene) {
        let gates = scene.gates.clone();
        let native = self.native.lock().take().expect("it is for one runtime");
        scene.world = World::with(|builder| gates.add_to(builder).inline_native(native));
    }
}

/// How many calls are queued.
const QUEUED: usize = 1000;

#[test]
fn queued_calls_are_answered_dead_and_the_one_in_flight_is_answered() {
    for language in &LANGUAGES {
        let mut scene = Scene::new(language.name);
        let block = Block::new();
        block.world(&mut scene);
        let a = scene.actor("a", language, None);
        let (add, catches) = (function(&a, "add"), function(&a, "catches"));
        let blocks = match language.name {
            "lua" => "return { run = function() block() return 'ended' end }",
            "javascript" => "export function run() { block(); return 'ended' }",
            "squirrel" => "return { run = function() { block(); return \"ended\" } }",
            "basic" => "calog.export(\"run\", LAMBDA () (block() : RETURN \"ended\"))",
            other => panic!("{other}: say here how it calls a native"),
        };
        let b = scene.script("b", language, None, blocks);
        let other = scene.script("c", language, None, "");
        drop((add, catches, other));
        let in_flight = scene.world.ask(&b, "run", &[]);
        block.arrived.recv_timeout(SAFETY_NET).expect("b blocks");
        let asked: Vec<Asked> = (0..QUEUED).map(|_| scene.world.ask(&b, "run", &[])).collect();
        let late = function(&b, "run");
        // Asks, and does not wait: the native still blocks.
        let closer = scene.world.ask(&a, "suspends", &[close_native(&scene, &b)]);
        assert_eq!(scene.world.answer(&closer), Ok(Value::Nil), "{}", scene.what);
        // From here on none of them may run: a second one would block for ever.
        block.release.send(()).expect("b blocks");
        for asked in &asked {
            let answer = scene.world.answer(asked);
            assert!(is_dead(&answer), "{}: {answer:?}", scene.what);
        }
        // It was running: it ends by itself, or is interrupted after its native.
        let answer = scene.world.answer(&in_flight);
        assert!(answer == Ok("ended".into()) || answer.is_err(), "{}: {answer:?}", scene.what);
        let Value::Callable(late) = late else { panic!("a function") };
        let late = Asked::of(&late, &scene.world.info(), &[]);
        assert!(is_dead(&scene.world.answer(&late)), "{}", scene.what);
        scene.world.wait_until("b's end", || b.is_closed());
        close_all(&scene.world, &scene.what);
        for asked in asked {
            assert_eq!(asked.answers().len(), 1, "{}: one answer for one call", scene.what);
        }
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    }
}

/// A native that asks a context to close, as `close()` of what `calog.open` gives, from any thread.
fn close_native(scene: &Scene, context: &ContextRef) -> Value {
    let context = context.clone();
    let close = Function::new("close_it", move || context.ask_to_close()).build().expect("a native");
    scene.world.runtime.handle().callable(&close).expect("a callable").into()
}

#[test]
fn a_context_may_close_itself_and_others_by_natives_and_its_call_is_answered() {
    every_pair(|scene, a, b| {
        for (closed, call) in [(b, "suspends"), (a, "pumps")] {
            // From within another's call; then from within its own.
            let asked = scene.world.ask(a, call, &[close_native(scene, closed)]);
            scene.world.answer(&asked).map(drop).unwrap_or_else(|error| {
                assert!([Code::Dead, Code::Cancelled].contains(&error.code()), "{}: {error:?}", scene.what);
            });
            scene.world.wait_until("its end", || closed.is_closed());
        }
        close_all(&scene.world, &scene.what);
        assert_eq!(scene.world.errors(), [], "{}", scene.what);
    });
}

#[test]
fn a_script_closes_what_it_opened() {
    for language in &LANGUAGES {
        for other in &LANGUAGES {
            let scene = Scene::new(format!("{} closes {}", language.name, other.name));
            let (_, endless) = loops(other)[0];
            scene.world.write(&format!("endless.{}", other.extension), &format!("gate.note(\"begun\")\n{endless}"));
            let file = format!("endless.{}", other.extension);
            let text = match language.name {
                "lua" => format!(
                    "local c = calog.open('{file}') c.close() c.close()
                     local ok, e = pcall(c.wait) return {{ ok = ok, code = e.code }}"
                ),
                "javascript" => format!(
                    "const c = calog.open('{file}'); c.close(); c.close()
                     export let ok = true, code
                     try {{ await c.wait() }} catch (e) {{ ok = false; code = e.code }}"
                ),
                "squirrel" => format!(
                    "local c = calog.open(\"{file}\"), ok = true, code = null; c.close(); c.close()
                     try {{ c.wait() }} catch (e) {{ ok = false; code = e.code }} return {{ ok = ok, code = code }}"
                ),
                "basic" => format!(
                    "c = calog.open(\"{file}\") : c.close() : c.close()
                     TRY
                         c.wait()
                         calog.export(\"ok\", TRUE)
                     CATCH e
                         calog.export(\"ok\", FALSE)
                         calog.export(\"code\", e.code)
                     ENDTRY"
                ),
                other => panic!("{other}: say here how it opens and closes"),
            };
            let a = scene.script("a", language, None, &text);
            assert_eq!(a.export("ok"), Some(Value::Bool(false)), "{}", scene.what);
            assert!([Some("dead".into()), Some("cancelled".into())].contains(&a.export("code")), "{}", scene.what);
            close_all(&scene.world, &scene.what);
            assert_eq!(scene.world.errors(), [], "{}", scene.what);
        }
    }
}

#[test]
fn many_threads_close_a_context_at_once_while_others_call_it_and_drop_its_functions() {
    for language in &LANGUAGES {
        for thread in THREADS {
            for _ in 0..20 {
                let scene = Scene::new(format!("{} on {thread:?}", language.name));
                let a = scene.actor("a", language, thread);
                let beside = scene.actor("b", language, thread);
                let made = scene.world.try_call(&a, "make", &[2000.into()]).expect("functions");
                let start = Arc::new(std::sync::Barrier::new(6));
                let threads: Vec<_> = (0..6)
                    .map(|n| {
                        let (start, a, made, info) = (Arc::clone(&start), a.clone(), made.clone(), scene.world.info());
                        let Value::Callable(add) = function(&a, "add") else { panic!("a function") };
                        thread::spawn(move || {
                            start.wait();
                            match n % 3 {
                                0 => (0..10).for_each(|_| a.ask_to_close()),
                                1 => drop(made),
                                _ => return (0..200).map(|_| Asked::of(&add, &info, &[1.into(), 2.into()])).collect(),
                            }
                            Vec::new()
                        })
                    })
                    .collect();
                drop(made);
                let asked: Vec<Asked> = threads.into_iter().flat_map(|it| it.join().expect("it ends")).collect();
                scene.world.wait_until("its end", || a.is_closed());
                for asked in &asked {
                    let answer = scene.world.answer(asked);
                    assert!(answer == Ok(Value::Int(3)) || is_dead(&answer), "{}: {answer:?}", scene.what);
                }
                scene.settle(&beside);
                close_all(&scene.world, &scene.what);
                assert_eq!(scene.world.errors(), [], "{}", scene.what);
            }
        }
    }
}

#[test]
fn functions_are_released_on_their_owner_before_it_ends() {
    // What holds a function of a context and dies with another: its release comes before, at, or
    // after the end, and does no harm.
    every_pair(|scene, a, b| {
        let made = scene.world.try_call(a, "make", &[100.into()]).expect("functions");
        assert_eq!(scene.world.try_call(b, "keep", &[made]), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.world.try_call(a, "alive", &[]), Ok(Value::Int(100)), "{}", scene.what);
        close(scene, b);
        assert_eq!(scene.world.try_call(a, "alive", &[]), Ok(Value::Int(0)), "{}: b let go", scene.what);
        close_all(&scene.world, &scene.what);
    });
}

#[test]
fn closing_a_runtime_answers_everything_that_is_open() {
    every_pair(|scene, a, b| {
        let mut asked = Vec::new();
        for (call, wait) in [("suspends", "wait"), ("pumps", "wait_in_place")] {
            asked.push(scene.world.ask(a, call, &[function(b, wait), wait.into()]));
            scene.world.wait_until("the wait", || scene.gates.is_closed(wait));
        }
        let begun = Instant::now();
        close_all(&scene.world, &scene.what);
        assert!(begun.elapsed() < CLOSE_LIMIT, "{}: {:?}", scene.what, begun.elapsed());
        assert!(a.is_closed() && b.is_closed(), "{}", scene.what);
        for asked in &asked {
            assert_eq!(asked.answers().len(), 1, "{}: {:?}", scene.what, asked.answers());
            assert!(asked.answers().iter().all(Result::is_err), "{}: {:?}", scene.what, asked.answers());
        }
        close_all(&scene.world, &scene.what);
    });
}

#[test]
fn closing_a_runtime_ends_within_its_limit_and_names_who_did_not() {
    const LIMIT: Duration = Duration::from_millis(300);
    for language in &LANGUAGES {
        for how in ["on its thread", "on the pool"] {
            let what = format!("{}: {how}", language.name);
            let block = Block::new();
            let native = block.native.lock().take().expect("it is for one runtime");
            let native = if how == "on the pool" { native.flags(Descriptor::BLOCKING) } else { native };
            let world = World::with(|builder| builder.inline_native(native));
            let context = world.start(&format!("blocked.{}", language.extension), "block()");
            let fine = world.start(&format!("fine.{}", language.extension), "");
            block.arrived.recv_timeout(SAFETY_NET).expect("it blocks");
            let begun = Instant::now();
            let closed = world.runtime.close(LIMIT);
            assert!(begun.elapsed() < LIMIT * 10, "{what}: {:?}", begun.elapsed());
            assert!(fine.is_closed(), "{what}");
            assert_eq!(closed.lost.len(), 1, "{what}: {closed:?}");
            if how == "on its thread" {
                assert!(closed.lost[0].to_string().contains("'blocked'"), "{what}: {closed:?}");
                assert!(!context.is_closed(), "{what}: its thread is in the native");
            }
            // The native may go on after all; then its thread ends.
            drop(block);
            drop(world);
        }
    }
}

#[test]
fn a_bundle_that_runs_on_and_on_does_not_hold_up_closing() {
    use calog::plugin_api::Bundle;
    const LIMIT: Duration = Duration::from_millis(300);
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let bundle = move |_runtime| {
        let released = std::mem::replace(&mut *released.lock(), channel().1);
        let released = Mutex::new(released);
        Ok(Bundle::new("stubborn").run(0, move |_runtime, _stop| {
            // When the test has ended nobody releases it.
            let _ = released.lock().recv();
            Ok(())
        }))
    };
    let runtime = Runtime::builder().bundle("stubborn", bundle).build().expect("a runtime");
    let begun = Instant::now();
    let closed = runtime.close(LIMIT);
    assert!(begun.elapsed() < LIMIT * 10, "{:?}", begun.elapsed());
    assert!(closed.lost.iter().any(|lost| lost.to_string().contains("stubborn")), "{closed:?}");
    drop(release);
}
