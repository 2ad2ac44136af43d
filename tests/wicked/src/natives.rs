//! Natives that misbehave, each in its own way.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use calog_plugin_api::prelude::*;

use crate::deed::{lock, never, note, noted, perform, say, wake};
use crate::engine::INTERRUPTED;
use crate::objects::{False, Liar, Trap};
use crate::{beyond, kept};

/// Cancel hooks that have run, and panicked, in this process.
static HOOKS: AtomicI64 = AtomicI64::new(0);

/// The natives of the bundle.
pub(crate) fn natives() -> Bundle {
    beyond::add(kept::add(promises(values(Bundle::new("wicked")))))
}

fn values(bundle: Bundle) -> Bundle {
    bundle
        .function("panic", |text: Option<&str>| -> Value { panic!("{}", text.unwrap_or("wicked: as ordered")) })
        .doc("Panics.")
        .function("perform", |info: &CallInfo, deed: &str| {
            note(info.runtime().id(), "native");
            perform(deed).map(|()| Value::Nil)
        })
        .params(["deed"])
        .doc("Does what any entry can do.")
        .function("blocks", |info: &CallInfo, deed: &str| {
            note(info.runtime().id(), "blocks");
            perform(deed).map(|()| Value::Nil)
        })
        .params(["deed"])
        .flags(Descriptor::BLOCKING)
        .doc("Does it on the pool for blocking work.")
        .function("wake", |info: &CallInfo| wake(info.runtime().id()))
        .doc("Lets go of what is held.")
        .function("holds_program", |deed: &str| {
            say("native", deed);
            perform(deed).map(|()| Value::Nil)
        })
        .params(["deed"])
        .flags(Descriptor::HOST_THREAD)
        .doc("Does it on the program's thread.")
        .function("entered", |info: &CallInfo, entry: &str| match entry {
            "interrupt" => INTERRUPTED.load(Ordering::Relaxed),
            entry => noted(info.runtime().id(), entry),
        })
        .params(["entry"])
        .doc("Says how often an entry that had a deed to do was entered.")
        .function("flagged", || "flagged")
        .flags(u32::MAX)
        .doc("Has all flags that there are, and all that there are not.")
        .function("", || "nameless")
        .function("nested", || "nested")
        .function("nested.deeper", || "deeper")
        .function("a\0b", || "zero")
        .function("deep", |levels: usize| nested(levels))
        .params(["levels"])
        .doc("Gives lists in lists.")
        .function("me", |info: &CallInfo| info.context() as i64)
        .doc("Says which context its caller is.")
        .function("site", |info: &CallInfo| info.site().map(|frame| i64::from(frame.line)))
        .doc("Says in which line its caller is.")
        .function("call", |info: &CallInfo, function: &Callable, args: Rest<'_>| function.call(info, args.0))
        .params(["function", "arguments"])
        .doc("Calls back in place.")
        .function("object", |deed: Option<&str>| Object::new(Arc::new(Trap::new(deed.unwrap_or("panic")))))
        .params(["deed"])
        .doc("Gives an Object whose members and drop do something.")
        .function("liar", |info: &CallInfo, context: Option<u64>, key: Option<u64>| {
            Object::new(Arc::new(Liar::new(info, context, key)))
        })
        .params(["context", "key"])
        .doc("Gives an Object that says it is another one's.")
        .function("false_function", |info: &CallInfo, deed: &str, context: Option<u64>, key: Option<u64>| {
            False::callable(info, deed, context, key)
        })
        .params(["deed", "context", "key"])
        .doc("Gives a function that no host has made.")
}

fn promises(bundle: Bundle) -> Bundle {
    bundle
        .function("never", |info: &CallInfo| unfinished(info, |_| {}))
        .doc("Gives a completion that nobody will finish.")
        .function("forgets", |info: &CallInfo| info.runtime().completion("somebody who forgets").0)
        .doc("Gives a completion whose finisher is gone: a `dead` error.")
        .function("later", |info: &CallInfo, ms: u64, value: Value| {
            let (completion, finisher) = info.runtime().completion("a thread of its own");
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(ms));
                // A waiter that left does not miss the value.
                let _ = finisher.finish(Ok(value));
            });
            completion
        })
        .params(["ms", "value"])
        .doc("Finishes on another thread, after some time.")
        .function("hook_panics", |info: &CallInfo| {
            unfinished(info, |finisher| {
                finisher.on_cancel(|| {
                    HOOKS.fetch_add(1, Ordering::Relaxed);
                    panic!("wicked: in the cancel hook")
                });
            })
        })
        .doc("As never, with a cancel hook that panics.")
        .function("hooks", || HOOKS.load(Ordering::Relaxed))
        .doc("Says how many of those hooks have run.")
        .function("hook_never", |info: &CallInfo| {
            let promise = unfinished(info, |finisher| finisher.on_cancel(|| never()));
            note(info.runtime().id(), "hook_never");
            promise
        })
        .doc("As never, with a cancel hook that does not return.")
        .function("cancelled", |info: &CallInfo| {
            let (completion, finisher) = info.runtime().completion("something that was cancelled before");
            std::mem::forget(finisher);
            completion.canceller().cancel(&Error::new(Code::Cancelled, "wicked: cancelled before it was waited for"));
            completion
        })
        .doc("Gives a completion that was cancelled already.")
        .function("thread_panics", |info: &CallInfo| {
            let (completion, finisher) = info.runtime().completion("a thread that panics");
            thread::spawn(move || {
                let _finisher = finisher;
                panic!("wicked: on a thread of its own");
            });
            completion
        })
        .doc("Gives a completion whose finisher dies with its thread.")
        .function("rings", rings)
        .params(["deed"])
        .doc("Does something on the timers' thread, when a time is up.")
        .function("blocking", |info: &CallInfo| info.runtime().blocking("a panic", || panic!("wicked: at work")))
        .doc("Panics on the pool for blocking work.")
        .function("leaves", |info: &CallInfo| {
            let (completion, finisher) = info.runtime().completion("what nobody waits for");
            let told = Arc::new(AtomicI64::new(0));
            let tell = Arc::clone(&told);
            finisher.on_cancel(move || tell.store(1, Ordering::Relaxed));
            drop(completion);
            let awaited = finisher.is_awaited();
            let back = finisher.finish(Ok("kept".into()));
            format!("told {}, awaited {awaited}, handed back {back:?}", told.load(Ordering::Relaxed))
        })
        .doc("Drops a completion, and says what its finisher learns.")
        .function("races", races)
        .params(["count"])
        .doc("Finishes and cancels at once, on two threads. Says how often exactly one of them won.")
        .function("posts", |info: &CallInfo, context: u64, function: &Callable| {
            info.runtime().post(context, function, info, Args::new(&[]))
        })
        .params(["context", "function"])
        .doc("Starts a function as a task of a context.")
        .function("keeps_alive", |info: &CallInfo| std::mem::forget(info.runtime().keep_alive()))
        .doc("Keeps the program alive, for ever.")
}

fn unfinished(info: &CallInfo, prepare: impl FnOnce(&Finisher)) -> Completion {
    let (completion, finisher) = info.runtime().completion("something that never comes");
    prepare(&finisher);
    std::mem::forget(finisher);
    completion
}

fn rings(info: &CallInfo, deed: String) {
    let runtime = info.runtime().id();
    info.runtime().after(Duration::ZERO).then(move |_| {
        note(runtime, "rings");
        // There is nobody who could be told that it failed.
        let _ = perform(&deed);
    });
}

/// Each promise is finished here and cancelled on a thread at the same time, and told of by `then`.
fn races(info: &CallInfo, count: usize) -> Result<Value> {
    let mut fair = 0;
    for _ in 0..count {
        let (completion, finisher) = info.runtime().completion("a race");
        let (canceller, told) = (completion.canceller(), Arc::new(Mutex::new(Vec::new())));
        let tell = Arc::clone(&told);
        completion.then(move |result| lock(&tell).push(result.is_ok()));
        let other = thread::spawn(move || canceller.cancel(&Error::new(Code::Cancelled, "wicked: a race")));
        let finished = finisher.finish(Ok(Value::Nil)).is_ok();
        let cancelled = other.join().map_err(|_| Error::new(Code::Panic, "the canceller panicked"))?;
        if finished != cancelled && *lock(&told) == [finished] {
            fair += 1;
        }
    }
    Ok(Value::Int(fair))
}

/// Lists in lists.
pub(crate) fn nested(levels: usize) -> Result<Value> {
    let mut builder = Builder::new();
    (0..levels).try_for_each(|_| builder.begin(Shape::List))?;
    (0..levels).try_for_each(|_| builder.end())?;
    builder.finish()
}
