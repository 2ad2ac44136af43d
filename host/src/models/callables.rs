//! Function values: called, dropped and revived on every thread, against their owner's close.

use calog_plugin_api::{Code, Value};

use super::check::{check, each};
use super::scene::{LIMIT, THREADS, build, call, callable, circumstances, export, join, joined, open, spawn};

/// A new function of the context, which nobody else holds.
fn fresh(runtime: &crate::Runtime, context: &crate::ContextRef) -> calog_plugin_api::Callable {
    callable(runtime.call_export(context, "make", &[]).expect("a function"))
}

#[test]
fn last_drops_elsewhere_against_the_close_of_the_owner() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let owner = open(&runtime, "owner", thread, "make: fresh give 1");
        let other = open(&runtime, "other", thread, "answer: give 2");
        let function = fresh(&runtime, &owner);
        let clone = function.clone();
        let droppers = [spawn(move || drop(function)), spawn(move || drop(clone))];
        runtime.close_context(&owner);
        join(droppers);
        // The probe sees a release that comes twice, late or on another thread.
        assert_eq!(runtime.call_export(&other, "answer", &[]), Ok(Value::Int(2)));
    });
}

#[test]
fn a_call_from_elsewhere_against_the_close_of_the_owner_has_one_answer() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let owner = open(&runtime, "owner", thread, "answer: give 1");
        let (answer, info) = (export(&owner, "answer"), circumstances(&runtime));
        let caller = spawn(move || [call(&answer, &info), call(&answer, &info)]);
        runtime.close_context(&owner);
        let heard = joined(caller);
        drop(runtime);
        heard.iter().for_each(|heard| heard.is_or_dead(1));
    });
}

#[test]
fn a_function_that_comes_out_again_while_its_last_reference_goes_is_whole() {
    check(|| {
        let runtime = build(|builder| builder);
        let owner = open(&runtime, "owner", None, "make: fresh me\ncount: count");
        let function = fresh(&runtime, &owner);
        let info = circumstances(&runtime);
        let (clone, pending) = (function.clone(), call(&function, &info));
        let dropper = spawn(move || drop(clone));
        drop(function);
        joined(dropper);
        // Whatever is asked of the owner now is served after the call and the releases.
        runtime.call_export(&owner, "count", &[]).expect("an answer");
        let again = callable(pending.only().expect("the function itself"));
        assert_eq!(runtime.call(&again, &[]).map(|it| matches!(it, Value::Callable(_))), Ok(true));
        drop((again, pending));
        let count = || runtime.call_export(&owner, "count", &[]);
        count().expect("an answer");
        assert_eq!(count(), Ok(Value::Int(2)), "only what is exported is still held");
    });
}

#[test]
fn a_stale_function_never_reaches_the_context_that_has_its_slot() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let first = open(&runtime, "first", thread, "answer: give 1");
        let (stale, info, id, core) =
            (export(&first, "answer"), circumstances(&runtime), first.id(), first.0.core.clone());
        let caller = spawn(move || {
            let heard = [call(&stale, &info), call(&stale, &info)];
            let found = core.context(id).map(|context| context.name.clone());
            assert!(found.is_none_or(|name| name == "first"), "a stale id finds a newcomer");
            heard
        });
        runtime.close_context(&first);
        let second = open(&runtime, "second", thread, "answer: give 2");
        assert_eq!(second.id().number() as u32, id.number() as u32, "the slot is used again");
        assert_eq!(runtime.call_export(&second, "answer", &[]), Ok(Value::Int(2)));
        let heard = joined(caller);
        drop(runtime);
        heard.iter().for_each(|heard| heard.is_or_dead(1));
    });
}

#[test]
fn a_runtime_ends_while_others_hold_drop_and_call_its_functions() {
    check(|| {
        let runtime = build(|builder| builder);
        let owner = open(&runtime, "owner", None, "make: fresh give 1");
        let (held, dropped, info) = (fresh(&runtime, &owner), fresh(&runtime, &owner), circumstances(&runtime));
        let list = Value::list([Value::from(dropped)]).expect("a list");
        let dropper = spawn(move || drop(list));
        let caller = spawn(move || (call(&held, &info), held, info));
        assert_eq!(runtime.close(LIMIT).lost, []);
        drop(runtime);
        joined(dropper);
        let (heard, held, info) = joined(caller);
        heard.is_or_dead(1);
        assert_eq!(call(&held, &info).outcome(), Err(Code::Dead));
    });
}

#[test]
fn last_drops_of_objects_elsewhere_against_the_close_of_the_owner() {
    each(THREADS, |thread| {
        let runtime = build(|builder| builder);
        let owner = open(&runtime, "owner", thread, "make: object");
        let other = open(&runtime, "other", thread, "answer: give 2");
        let object = runtime.call_export(&owner, "make", &[]).expect("an object");
        let clone = object.clone();
        let droppers = [spawn(move || drop(object)), spawn(move || drop(clone))];
        runtime.close_context(&owner);
        join(droppers);
        assert_eq!(runtime.call_export(&other, "answer", &[]), Ok(Value::Int(2)));
    });
}
