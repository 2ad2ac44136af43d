//! Threads: which context runs on which, who serves whom, and the program's own thread.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use calog::plugin_api::{CallInfo, Function, Value};
use calog::{ContextRef, Runtime};
use calog_tests::{Asked, LANGUAGES, Language, SAFETY_NET, Scene, World, function};
use parking_lot::Mutex;

/// A native that says on which thread it runs.
fn here() -> Function {
    Function::new("here", || format!("{:?}", thread::current().id()))
}

/// A script that exports `here()`, which calls that native.
fn says_where(language: &Language) -> &'static str {
    match language.name {
        "lua" => "return { here = function() return here() end, who = function() return calog.self().thread end }",
        "javascript" => {
            "const where = () => here(); export { where as here }; export const who = () => calog.self().thread"
        }
        "squirrel" => "return { here = @() here(), who = @() calog.self().thread }",
        "basic" => {
            "calog.export(\"here\", LAMBDA () (RETURN here())) : calog.export(\"who\", LAMBDA () (RETURN calog.self().thread))"
        }
        other => panic!("{other}: say here how it calls a native"),
    }
}

#[test]
fn contexts_have_threads_of_their_own_unless_they_share_one_by_name() {
    for one in &LANGUAGES {
        for other in &LANGUAGES {
            let mut scene = Scene::new(format!("{} and {}", one.name, other.name));
            scene.world = World::with(|builder| builder.inline_native(here()));
            let open = |name: &str, language: &Language, thread| {
                let context = scene.script(name, language, thread, says_where(language));
                let who = scene.world.try_call(&context, "who", &[]).expect("it says so");
                let ran_on = match scene.world.try_call(&context, "here", &[]) {
                    Ok(Value::String(text)) => format!("{text:?}"),
                    other => panic!("{}: {other:?}", scene.what),
                };
                (who, ran_on)
            };
            let own = [open("a", one, None), open("b", other, None), open("c", one, None)];
            let shared = [open("d", one, Some("ui")), open("e", other, Some("ui")), open("f", other, Some("io"))];
            let distinct: BTreeSet<&String> = own.iter().chain(&shared).map(|(_, thread)| thread).collect();
            assert_eq!(distinct.len(), 5, "{}: {own:?} {shared:?}", scene.what);
            assert_eq!(shared[0].1, shared[1].1, "{}", scene.what);
            assert_eq!(shared.map(|(name, _)| name), ["ui".into(), "ui".into(), "io".into()], "{}", scene.what);
        }
    }
}

#[test]
fn a_pump_serves_every_context_of_its_thread() {
    // a and b share a thread; a waits for c, and c calls b.
    for first in &LANGUAGES {
        for second in &LANGUAGES {
            for third in &LANGUAGES {
                for call in ["suspends", "pumps"] {
                    let scene = Scene::new(format!("{} {call}, {}, {}", first.name, second.name, third.name));
                    let a = scene.actor("a", first, Some("shared"));
                    let b = scene.actor("b", second, Some("shared"));
                    let c = scene.actor("c", third, None);
                    let args = [function(&c, "pumps"), function(&b, "add"), 20.into(), 22.into()];
                    assert_eq!(scene.world.try_call(&a, call, &args), Ok(Value::Int(42)), "{}", scene.what);
                }
            }
        }
    }
}

/// Natives of the program's thread: where they ran, and whether two ran at once.
#[derive(Clone, Default)]
struct OnHost {
    pumping: Arc<AtomicBool>,
    running: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<(ThreadId, bool, usize)>>>,
}

impl OnHost {
    fn native(&self) -> Function {
        let own = self.clone();
        Function::new("on_host", move |value: i64| {
            let before = own.running.fetch_add(1, Ordering::SeqCst);
            let pumping = own.pumping.load(Ordering::SeqCst);
            thread::yield_now();
            own.calls.lock().push((thread::current().id(), pumping, before));
            own.running.fetch_sub(1, Ordering::SeqCst);
            value
        })
    }
}

/// A script that exports `many(n)`, which calls the native so often and gives the sum.
fn calls_many(language: &Language) -> &'static str {
    match language.name {
        "lua" => "return { many = function(n) local s = 0 for i = 1, n do s = s + on_host(i) end return s end }",
        "javascript" => "export function many(n) { let s = 0; for (let i = 1; i <= n; i++) s += on_host(i); return s }",
        "squirrel" => {
            "return { many = function(n) { local s = 0; for (local i = 1; i <= n; i++) s += on_host(i); return s } }"
        }
        "basic" => "calog.export(\"many\", LAMBDA (n) (s = 0 : FOR i = 1 TO n : s = s + on_host(i) : NEXT : RETURN s))",
        other => panic!("{other}: say here how it calls a native"),
    }
}

#[test]
fn natives_of_the_program_run_on_its_thread_one_by_one_and_only_while_it_pumps() {
    const CALLS: i64 = 200;
    let on_host = OnHost::default();
    let mut scene = Scene::new("all languages");
    scene.world = World::with(|builder| builder.native(on_host.native()));
    let mut contexts = Vec::new();
    for language in &LANGUAGES {
        for n in 0..3 {
            contexts.push(scene.script(&format!("{} {n}", language.name), language, None, calls_many(language)));
        }
    }
    let asked: Vec<Asked> = contexts.iter().map(|it| scene.world.ask(it, "many", &[CALLS.into()])).collect();
    // Not outside of pump, however long it takes until then.
    let (done, is_done) = channel::<()>();
    assert!(is_done.recv_timeout(Duration::from_millis(20)).is_err());
    drop(done);
    assert_eq!(on_host.calls.lock().len(), 0, "nothing runs before the program pumps");
    on_host.pumping.store(true, Ordering::SeqCst);
    for asked in &asked {
        assert_eq!(scene.world.answer(asked), Ok(Value::Int(CALLS * (CALLS + 1) / 2)));
    }
    on_host.pumping.store(false, Ordering::SeqCst);
    let calls = on_host.calls.lock();
    assert_eq!(calls.len(), contexts.len() * CALLS as usize);
    assert!(calls.iter().all(|call| *call == (thread::current().id(), true, 0)), "{calls:?}");
}

#[test]
fn a_native_of_the_program_that_the_program_calls_runs_inline() {
    for language in &LANGUAGES {
        let order = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&order);
        let (arrived, mail) = sync_channel(1000);
        let world = World::with(|builder| {
            builder
                .native(Function::new("note", move |text: &str| notes.lock().push(text.to_owned())))
                // More mail than there is room for need not be told again.
                .on_mail(move || _ = arrived.try_send(()))
        });
        let text = match language.name {
            "lua" => "return { note = note, call = function(text) note(text) end }",
            "javascript" => "export const native = note, call = text => note(text); export { native as note }",
            "squirrel" => "return { note = note, call = @(text) note(text) }",
            "basic" => "calog.export(\"note\", note) : calog.export(\"call\", LAMBDA (text) (note(text)))",
            other => panic!("{other}: say here how it calls a native"),
        };
        let context = world.open(&format!("a.{}", language.extension), text);
        world.runtime.pump();
        mail.try_iter().for_each(drop);
        // One is in the mailbox already; the program's own call does not queue behind it.
        let queued = world.ask(&context, "call", &["queued".into()]);
        mail.recv_timeout(SAFETY_NET).expect("the native's envelope");
        assert_eq!(order.lock().len(), 0, "{}", language.name);
        assert_eq!(world.runtime.call_export(&context, "note", &["inline".into()]), Ok(Value::Nil));
        assert_eq!(*order.lock(), ["inline"], "{}", language.name);
        assert_eq!(world.answer(&queued), Ok(Value::Nil));
        assert_eq!(*order.lock(), ["inline", "queued"], "{}", language.name);
    }
}

#[test]
fn pump_serves_what_is_there_and_pump_for_some_time_and_pump_until_a_condition() {
    let on_host = OnHost::default();
    let (arrived, mail) = channel();
    let arrived = Mutex::new(arrived);
    let world = World::with(|builder| {
        builder.native(on_host.native()).on_mail(move || {
            // The test looks away at its end.
            let _ = arrived.lock().send(());
        })
    });
    let context = world.open("a.lua", calls_many(&LANGUAGES[0]));
    while world.runtime.pump() {}
    assert!(!world.runtime.pump(), "there is nothing, so it returns at once");
    mail.try_iter().for_each(drop);
    let asked = world.ask(&context, "many", &[1.into()]);
    // It may be told of what a look before has served already.
    while on_host.calls.lock().is_empty() {
        mail.recv_timeout(SAFETY_NET).expect("the native's envelope");
        let any = world.runtime.pump();
        assert_eq!(any, on_host.calls.lock().len() == 1, "it says whether there was something");
    }
    assert_eq!(world.answer(&asked), Ok(Value::Int(1)));

    let begun = Instant::now();
    world.runtime.pump_for(Duration::from_millis(20));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    let begun = Instant::now();
    assert!(!world.runtime.pump_until(|| false, Duration::from_millis(20)));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(world.runtime.pump_until(|| true, Duration::ZERO));

    let asked = world.ask(&context, "many", &[100.into()]);
    let calls = || on_host.calls.lock().len();
    assert!(world.runtime.pump_until(|| calls() == 51, SAFETY_NET), "it looks after everything it serves");
    assert_eq!(calls(), 51);
    assert_eq!(world.answer(&asked), Ok(Value::Int(5050)));
}

#[test]
fn a_program_with_an_event_loop_of_its_own_is_told_when_to_pump() {
    for language in &LANGUAGES {
        let on_host = OnHost::default();
        let (events, event_loop) = channel();
        let events = Mutex::new(events);
        let world = World::with(|builder| {
            builder.native(on_host.native()).on_mail(move || {
                // After the loop has ended nobody listens.
                let _ = events.lock().send("mail");
            })
        });
        let context = world.open(&format!("a.{}", language.extension), calls_many(language));
        let asked = world.ask(&context, "many", &[100.into()]);
        // It sleeps until it is told; the rest happens on the context's thread.
        while on_host.calls.lock().len() < 100 {
            event_loop.recv_timeout(SAFETY_NET).expect("it is told of mail");
            world.runtime.pump();
        }
        assert_eq!(world.answer(&asked), Ok(Value::Int(5050)), "{}", language.name);
    }
}

/// A native that says which runtime it belongs to, by the number and by what it was made with.
fn whose(own: i64) -> Function {
    Function::new("whose", move |info: &CallInfo| Value::list([own, info.runtime().id() as i64]))
}

fn asks_whose(language: &Language) -> &'static str {
    match language.name {
        "lua" => "return { ask = function() return whose() end, add = function(a, b) return a + b end }",
        "javascript" => "export const ask = () => whose(), add = (a, b) => a + b",
        "squirrel" => "return { ask = @() whose(), add = @(a, b) a + b }",
        "basic" => {
            "calog.export(\"ask\", LAMBDA () (RETURN whose())) : calog.export(\"add\", LAMBDA (a, b) (RETURN a + b))"
        }
        other => panic!("{other}: say here how it calls a native"),
    }
}

#[test]
fn several_runtimes_share_a_thread_and_each_native_sees_its_own() {
    for language in &LANGUAGES {
        for on_host in [false, true] {
            let runtimes: Vec<(World, ContextRef)> = (0..4)
                .map(|own| {
                    let world = World::with(|builder| match on_host {
                        true => builder.native(whose(own)),
                        false => builder.inline_native(whose(own)),
                    });
                    let context = world.open(&format!("a.{}", language.extension), asks_whose(language));
                    (world, context)
                })
                .collect();
            for _ in 0..3 {
                for (own, (world, context)) in runtimes.iter().enumerate() {
                    let wanted = Value::list([own as i64, world.runtime.handle().id() as i64]);
                    assert_eq!(world.runtime.call_export(context, "ask", &[]), wanted, "{}", language.name);
                }
            }
            let ids: BTreeSet<u64> = runtimes.iter().map(|(world, _)| world.runtime.handle().id()).collect();
            assert_eq!(ids.len(), runtimes.len());
        }
    }
}

thread_local! {
    static INNER: RefCell<Option<Rc<(World, ContextRef)>>> = const { RefCell::new(None) };
}

#[test]
fn a_native_of_one_runtime_may_drive_another_on_the_same_thread() {
    for language in &LANGUAGES {
        let file = format!("a.{}", language.extension);
        let inner = World::with(|builder| builder.native(whose(2)));
        let context = inner.open(&file, asks_whose(language));
        let inner_id = inner.runtime.handle().id() as i64;
        INNER.set(Some(Rc::new((inner, context))));
        let outer = World::with(|builder| {
            builder.native(Function::new("whose", || {
                let inner = INNER.with_borrow(Clone::clone).expect("it is set above");
                inner.0.runtime.call_export(&inner.1, "ask", &[])
            }))
        });
        let context = outer.open(&file, asks_whose(language));
        assert_eq!(outer.runtime.call_export(&context, "ask", &[]), Value::list([2, inner_id]), "{}", language.name);
        assert_eq!(outer.runtime.call_export(&context, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)));
        INNER.take();
    }
}

#[test]
fn functions_do_not_pass_between_runtimes() {
    for language in &LANGUAGES {
        let scenes = [Scene::new(language.name), Scene::new(language.name)];
        let [one, other] = [scenes[0].actor("a", language, None), scenes[1].actor("a", language, None)];
        for call in ["suspends", "pumps"] {
            let result = scenes[0].world.try_call(&one, call, &[function(&other, "add"), 1.into(), 2.into()]);
            let error = result.expect_err("it belongs to another runtime");
            assert_eq!(error.code(), calog::Code::Unsupported, "{}: {error:?}", language.name);
        }
        scenes[0].settle(&one);
        scenes[1].settle(&other);
    }
}

#[test]
fn a_runtime_may_live_on_any_thread() {
    let run = || {
        for language in &LANGUAGES {
            let world = World::new();
            let context = world.open(&format!("a.{}", language.extension), language.actor);
            assert_eq!(world.try_call(&context, "add", &[1.into(), 2.into()]), Ok(Value::Int(3)));
            assert_eq!(world.runtime.close(calog::CLOSE_LIMIT), calog::Closed::default());
        }
    };
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(run)).collect();
    threads.into_iter().for_each(|it| it.join().expect("its runtimes work"));
}

#[test]
fn a_runtime_without_anything_is_nothing_to_wait_for() {
    let runtime = Runtime::builder().build().expect("a runtime");
    assert_eq!(runtime.run(), calog::Ended::Idle);
}
