//! Closing contexts and runtimes: at every moment, from every side, more than once.

use std::sync::{Arc, Mutex};

use calog_plugin_api::{CallInfo, Code, Function, Value};

use super::check::{check, each};
use super::scene::{
    Heard, LIMIT, THREADS, build, call, circumstances, export, joined, never, open, promised, promising, script, spawn,
    until,
};
use crate::ContextRef;
use crate::envelope::Envelope;

#[test]
fn two_threads_close_one_context() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let context = open(&runtime, "a", thread, "answer: give 1");
        let other = open(&runtime, "b", thread, "answer: give 2");
        let closer = spawn({
            let context = context.clone();
            move || {
                let (completion, reply) = promised();
                let heard = Heard::default();
                completion.then(heard.hear());
                let close = Envelope::Close { context: context.id(), reply: Some(reply) };
                context.0.core.send(&context.0.thread, close);
                context.0.ask_to_close();
                heard
            }
        });
        runtime.close_context(&context);
        assert!(context.is_closed());
        let heard = joined(closer);
        assert_eq!(runtime.call_export(&other, "answer", &[]), Ok(Value::Int(2)));
        drop(runtime);
        // A thread that has ended answers that, which comes to the same.
        heard.is_or_dead(Value::Nil);
    });
}

#[test]
fn calls_that_are_queued_while_their_context_closes_are_all_answered() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let context = open(&runtime, "a", thread, "answer: give 1");
        let (answer, info) = (export(&context, "answer"), circumstances(&runtime));
        let caller = spawn(move || [0; 4].map(|_| call(&answer, &info)));
        context.0.ask_to_close();
        let heard = joined(caller);
        drop(runtime);
        heard.iter().for_each(|heard| heard.is_or_dead(1));
        // Once one is dead, all later ones are.
        let alive: Vec<bool> = heard.iter().map(|heard| heard.only().is_ok()).collect();
        assert!(alive.is_sorted_by(|before, after| before >= after), "{alive:?}");
    });
}

#[test]
fn a_context_is_closed_while_it_waits_in_place() {
    each(["native never", "suspend never"], |act| {
        let runtime = build(|builder| builder.inline_native(never("never")));
        let context = open(&runtime, "a", None, &format!("wait: {act}"));
        let heard = call(&export(&context, "wait"), &circumstances(&runtime));
        let closer = spawn({
            let context = context.clone();
            move || context.0.ask_to_close()
        });
        runtime.close_context(&context);
        joined(closer);
        assert_eq!(heard.outcome(), Err(Code::Dead));
    });
}

#[test]
fn a_result_lands_while_the_waiting_context_closes() {
    each(["native promise", "suspend promise"], |act| {
        let (promise, finishers) = promising("promise");
        let runtime = build(|builder| builder.inline_native(promise));
        let context = open(&runtime, "a", None, &format!("wait: {act}"));
        let heard = call(&export(&context, "wait"), &circumstances(&runtime));
        let giver = spawn(move || finishers.recv().is_ok_and(|finisher| finisher.finish(Ok(1.into())).is_ok()));
        runtime.close_context(&context);
        drop(runtime);
        let taken = joined(giver);
        match (taken, act) {
            (false, _) => assert_eq!(heard.outcome(), Err(Code::Dead)),
            // What waits in place is on the stack, so it has its result.
            (true, "native promise") => assert_eq!(heard.outcome(), Ok(Value::Int(1))),
            (true, _) => heard.is_or_dead(1),
        }
    });
}

#[test]
fn a_context_is_closed_by_a_native_it_calls() {
    // The second waits after that, so that it is to close while it is on the stack.
    let acts = ["native begin.never", "waits never"];
    each(THREADS.into_iter().flat_map(move |thread| acts.map(|act| (thread, act))), |(thread, act)| {
        let itself: Arc<Mutex<Option<ContextRef>>> = Arc::default();
        let known = Arc::clone(&itself);
        let close = move || {
            let context = known.lock().expect("no panic").clone();
            context.expect("the context").0.ask_to_close();
        };
        let runtime = build(|builder| {
            let end = Function::new("end.never", || super::probe::wrong("it waits for ever".into()));
            builder.inline_native(Function::new("begin.never", close)).inline_native(never("never")).inline_native(end)
        });
        let context = open(&runtime, "a", thread, &format!("close: {act}"));
        *itself.lock().expect("no panic") = Some(context.clone());
        let heard = call(&export(&context, "close"), &circumstances(&runtime));
        runtime.close_context(&context);
        assert!(context.is_closed());
        drop(runtime);
        itself.lock().expect("no panic").take();
        heard.is_or_dead(Value::Nil);
    });
}

#[test]
fn running_code_hears_that_its_context_closes() {
    check(|| {
        let runtime = build(|builder| builder);
        let context = open(&runtime, "a", None, "spin: spin");
        let heard = call(&export(&context, "spin"), &circumstances(&runtime));
        runtime.close_context(&context);
        assert!(context.is_closed());
        let outcome = heard.outcome();
        assert!(matches!(outcome, Err(Code::Cancelled | Code::Dead)), "{outcome:?}");
    });
}

#[test]
fn a_context_comes_to_a_shared_thread_that_is_about_to_end() {
    check(|| {
        let runtime = build(|builder| builder);
        let first = open(&runtime, "first", Some("ui"), "answer: give 1");
        first.0.ask_to_close();
        let second = open(&runtime, "second", Some("ui"), "answer: give 2");
        assert_eq!(runtime.call_export(&second, "answer", &[]), Ok(Value::Int(2)));
        assert_eq!(runtime.close(LIMIT).lost, []);
        assert!(first.is_closed() && second.is_closed());
    });
}

#[test]
fn two_contexts_come_to_one_shared_thread_at_once() {
    check(|| {
        let runtime = build(|builder| builder);
        let core = open(&runtime, "first", None, "").0.core.clone();
        let opener = spawn(move || {
            let (shared, main) = core.open(script("b", Some("ui"), "answer: give 2"), None).expect("a context");
            main.expect("a main chunk").then(drop);
            ContextRef(shared)
        });
        let a = open(&runtime, "a", Some("ui"), "answer: give 1");
        let b = joined(opener);
        runtime.wait_for(&b).expect("a main chunk that runs");
        assert!(Arc::ptr_eq(&a.0.thread, &b.0.thread), "one thread for both");
        assert_eq!(runtime.call_export(&a, "answer", &[]), Ok(Value::Int(1)));
        assert_eq!(runtime.call_export(&b, "answer", &[]), Ok(Value::Int(2)));
    });
}

#[test]
fn a_main_chunk_is_answered_for_while_its_context_closes() {
    check(|| {
        let runtime = build(|builder| builder);
        let context = runtime.open(script("a", None, "answer: give 1")).expect("a context");
        let (completion, finisher) = promised();
        let heard = Heard::default();
        completion.then(heard.hear());
        let waiter = spawn({
            let context = context.clone();
            move || context.0.when_main_ends(finisher)
        });
        runtime.close_context(&context);
        joined(waiter);
        let outcome = heard.outcome();
        assert!(matches!(outcome, Ok(_) | Err(Code::Dead)), "{outcome:?}");
    });
}

#[test]
fn a_runtime_closes_while_a_context_is_opened() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let core = open(&runtime, "first", thread, "").0.core.clone();
        let contexts = core.clone();
        let opener = spawn(move || {
            let heard = Heard::default();
            let opened = core.open(script("late", thread, "answer: give 1"), None);
            opened.map(|(shared, main)| {
                main.expect("a main chunk").then(heard.hear());
                (shared, heard)
            })
        });
        let closed = runtime.close(LIMIT);
        assert_eq!(closed.lost, []);
        assert!(contexts.all_contexts().is_empty(), "nothing is left once it is closed");
        match joined(opener) {
            Ok((shared, heard)) => {
                let outcome = heard.outcome();
                assert!(matches!(outcome, Ok(_) | Err(Code::Dead)), "{outcome:?}");
                assert!(ContextRef(shared).is_closed());
            }
            Err(error) => assert_eq!(error.code(), Code::Closed),
        }
    });
}

#[test]
fn a_runtime_closes_while_its_contexts_call_each_other() {
    check(|| {
        let runtime = build(|builder| builder);
        let a = open(&runtime, "a", None, "start: apply\nanswer: give 1");
        let b = open(&runtime, "b", None, "apply: apply");
        let (start, info) = (export(&a, "start"), circumstances(&runtime));
        let (apply, answer) = (Value::from(export(&b, "apply")), Value::from(export(&a, "answer")));
        let args = [apply.view(), answer.view()];
        let heard = Heard::of(start.call(&info, calog_plugin_api::Args::new(&args)));
        assert_eq!(runtime.close(LIMIT).lost, []);
        drop(runtime);
        heard.is_or_dead(1);
    });
}

#[test]
fn a_context_is_asked_to_close_by_another_that_waits_for_it() {
    check(|| {
        let other: Arc<Mutex<Option<ContextRef>>> = Arc::default();
        let known = Arc::clone(&other);
        let close = move |_: &CallInfo| {
            let context = known.lock().expect("no panic").clone();
            context.expect("the context").0.ask_to_close();
        };
        let runtime = build(|builder| builder.inline_native(Function::new("close", close)));
        let a = open(&runtime, "a", None, "start: apply\nclose: native close");
        let b = open(&runtime, "b", None, "apply: apply");
        *other.lock().expect("no panic") = Some(b.clone());
        let (apply, close) = (Value::from(export(&b, "apply")), Value::from(export(&a, "close")));
        // A waits for B, which waits for A, which closes B.
        let result = runtime.call_export(&a, "start", &[apply, close]);
        assert!(
            matches!(result.as_ref().map_err(|error| error.code()), Ok(Value::Nil) | Err(Code::Dead)),
            "{result:?}"
        );
        runtime.close_context(&b);
        assert!(b.is_closed() && !a.is_closed());
        other.lock().expect("no panic").take();
    });
}

#[test]
fn a_context_that_ends_at_once_leaves_its_name_to_others() {
    check(|| {
        let runtime = build(|builder| builder);
        // The engine refuses the first of this name.
        let first = runtime.open(script("refused", None, "")).expect("a context");
        assert!(runtime.wait_for(&first).is_err());
        let core = first.0.core.clone();
        until(|| core.context(first.id()).is_none());
        assert_eq!(core.modules.named("refused"), None, "its name stands for nobody");
    });
}
