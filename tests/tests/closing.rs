//! Closing a context in every state it can be in: it ends, every call to it is answered once, and
//! nobody else is harmed.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use calog::plugin_api::{Code, Descriptor, Function, Value};
use calog::{CLOSE_LIMIT, Closed, ContextRef, Runtime};
use calog_tests::{
    Asked, LANGUAGES, Language, SAFETY_NET, Scene, THREADS, World, endless, every_language, every_pair, function,
    script,
};
use parking_lot::Mutex;

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
        for (name, code) in endless(language) {
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
    let text = script(language, code, in_call);
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
            let (_, loops) = endless(other)[0];
            scene.world.write(&format!("endless.{}", other.extension), &format!("gate.note(\"begun\")\n{loops}"));
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
