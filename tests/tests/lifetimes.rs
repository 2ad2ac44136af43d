//! Lifetimes: what is dropped last, wherever, is released by its owner; what outlives its context is
//! dead; and nothing is left of a runtime that is gone.

use std::thread;

use calog::plugin_api::{Args, Value};
use calog::{CLOSE_LIMIT, Closed, Code};
use calog_tests::{Asked, LANGUAGES, Scene, THREADS, every_language, every_pair, function};

const MADE: i64 = 100;

#[test]
fn the_last_drop_of_a_function_on_any_thread_releases_it_on_its_owners() {
    every_language(|scene, a| {
        let make = || scene.world.try_call(a, "make", &[MADE.into()]).expect("functions");
        let alive = || scene.world.try_call(a, "alive", &[]);
        // On the program's thread, on another one, piece by piece on several, and inside an error's
        // or a result's value that nobody takes.
        drop(make());
        assert_eq!(alive(), Ok(Value::Int(0)), "{}: here", scene.what);
        let (made, again) = (make(), make());
        assert_eq!(alive(), Ok(Value::Int(2 * MADE)), "{}", scene.what);
        let copy = made.clone();
        thread::spawn(move || drop(made)).join().expect("it ends");
        assert_eq!(alive(), Ok(Value::Int(2 * MADE)), "{}: not the last", scene.what);
        let other = thread::spawn(move || drop(copy));
        let functions: Vec<Value> =
            again.view().as_aggregate().expect("a list").elements().map(|it| it.to_value()).collect();
        drop(again);
        let threads: Vec<_> = functions.into_iter().map(|it| thread::spawn(move || drop(it))).collect();
        threads.into_iter().chain([other]).for_each(|it| it.join().expect("it ends"));
        assert_eq!(alive(), Ok(Value::Int(0)), "{}: on many threads", scene.what);
        let asked: Vec<Asked> = (0..10).map(|_| scene.world.ask(a, "make", &[MADE.into()])).collect();
        asked.iter().for_each(|asked| drop(scene.world.answer(asked)));
        drop(asked);
        assert_eq!(alive(), Ok(Value::Int(0)), "{}: results nobody takes", scene.what);
    });
}

#[test]
fn functions_that_another_script_lets_go_are_released() {
    every_pair(|scene, a, b| {
        let made = scene.world.try_call(a, "make", &[MADE.into()]).expect("functions");
        assert_eq!(scene.world.try_call(b, "keep", &[made]), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.world.try_call(a, "alive", &[]), Ok(Value::Int(MADE)), "{}", scene.what);
        assert_eq!(scene.world.try_call(b, "let_go", &[]), Ok(Value::Nil), "{}", scene.what);
        assert_eq!(scene.world.try_call(a, "alive", &[]), Ok(Value::Int(0)), "{}", scene.what);
    });
}

#[test]
fn a_function_on_its_way_keeps_its_owner_callable_and_ends_with_it() {
    every_pair(|scene, a, b| {
        let Value::Callable(add) = function(a, "add") else { panic!("a function") };
        assert_eq!(scene.world.try_call(b, "keep", &[add.clone().into()]), Ok(Value::Nil), "{}", scene.what);
        assert!(scene.world.runtime.close_context(a), "{}", scene.what);
        let info = scene.world.info();
        let dead = |call: Asked| scene.world.answer(&call).expect_err("its context is closed").code();
        assert_eq!(dead(Asked::of(&add, &info, &[1.into(), 2.into()])), Code::Dead, "{}", scene.what);
        let foreign = {
            let (add, info) = (add.clone(), info.clone());
            move || Asked::of(&add, &info, &[])
        };
        assert_eq!(dead(thread::spawn(foreign).join().expect("it ends")), Code::Dead, "{}", scene.what);
        let posted = scene.world.runtime.handle().post(a.id().number(), &add, &info, Args::new(&[]));
        assert_eq!(posted.expect_err("its context is closed").code(), Code::Dead, "{}", scene.what);
        let caught = scene.world.try_call(b, "catches_in_place", &[add.clone().into(), 1.into(), 2.into()]);
        let caught = caught.unwrap_or_else(|error| panic!("{}: {error:?}", scene.what));
        assert_eq!(caught.view().field("code").as_str(), Some("dead"), "{}: {caught:?}", scene.what);
        assert_eq!(scene.world.try_call(b, "let_go", &[]), Ok(Value::Nil), "{}", scene.what);
        drop(add);
        scene.settle(b);
    });
}

#[test]
fn values_and_functions_may_outlive_their_runtime() {
    for language in &LANGUAGES {
        for thread_name in THREADS {
            let scene = Scene::new(format!("{} on {thread_name:?}", language.name));
            let a = scene.actor("a", language, thread_name);
            let made = scene.world.try_call(&a, "make", &[MADE.into()]).expect("functions");
            let (Value::Callable(add), handle, info) =
                (function(&a, "add"), scene.world.runtime.handle(), scene.world.info())
            else {
                panic!("a function")
            };
            let guard = handle.keep_alive();
            let (completion, finisher) = handle.completion("what comes too late");
            drop(scene.world);
            let asked = Asked::of(&add, &info, &[1.into(), 2.into()]);
            let answers = asked.answers();
            assert!(matches!(&answers[..], [Err(error)] if error.code() == Code::Dead), "{answers:?}");
            assert_eq!(made.view().as_aggregate().map(|list| list.list_len()), Some(MADE as usize));
            thread::spawn(move || drop((made, add, a))).join().expect("it ends");
            // The handle, too, is of no use any more and does no harm.
            assert_eq!(finisher.finish(Ok(1.into())), Ok(()));
            assert!(completion.try_take().is_ok());
            drop((guard, info));
            assert!(handle.post(0, &as_callable(&handle), &scene_info(&handle), Args::new(&[])).is_err());
        }
    }
}

fn as_callable(handle: &calog::RuntimeHandle) -> calog::Callable {
    let native = calog::Function::new("nothing", || ()).build().expect("a native");
    handle.callable(&native).expect("a callable")
}

fn scene_info(handle: &calog::RuntimeHandle) -> calog::plugin_api::KeptInfo {
    calog::plugin_api::KeptInfo::new(handle.clone(), None, calog::plugin_api::Facts::default())
}

#[test]
fn what_a_wait_holds_is_let_go_when_it_is_cancelled_or_its_context_closes() {
    every_pair(|scene, a, b| {
        let alive = || scene.world.try_call(a, "alive", &[]);
        for wait in ["wait", "wait_in_place"] {
            let made = scene.world.try_call(a, "make", &[MADE.into()]).expect("functions");
            // b's task has them as an argument, and as a result that comes too late.
            let asked = scene.world.ask(b, wait, &[wait.into(), made.clone()]);
            scene.settle(b);
            assert_eq!(alive(), Ok(Value::Int(MADE)), "{}: {wait}", scene.what);
            let error = calog::Error::new(Code::Cancelled, "no more");
            assert!(scene.gates.cancel(wait, &error), "{}", scene.what);
            assert!(scene.world.answer(&asked).is_err(), "{}", scene.what);
            drop(scene.gates.open(wait, made));
            scene.world.try_call(b, "let_go", &[]).expect("it collects");
            assert_eq!(alive(), Ok(Value::Int(0)), "{}: {wait}", scene.what);
        }
        let made = scene.world.try_call(a, "make", &[MADE.into()]).expect("functions");
        let asked = scene.world.ask(b, "wait", &["last".into(), made]);
        scene.settle(b);
        assert!(scene.world.runtime.close_context(b), "{}", scene.what);
        assert!(scene.world.answer(&asked).is_err(), "{}", scene.what);
        assert_eq!(alive(), Ok(Value::Int(0)), "{}: closed", scene.what);
    });
}

#[test]
fn a_runtime_that_is_gone_leaves_no_error_behind_when_others_go_on() {
    for language in &LANGUAGES {
        let scene = Scene::new(language.name);
        let a = scene.actor("a", language, None);
        for _ in 0..20 {
            let other = Scene::new(language.name);
            let b = other.actor("b", language, None);
            other.settle(&b);
            assert_eq!(other.world.runtime.close(CLOSE_LIMIT), Closed::default(), "{}", scene.what);
        }
        scene.settle(&a);
    }
}
