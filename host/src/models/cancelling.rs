//! Cancel tokens, timers, deadlines and blocking work: what rings rings once, and all threads end.

use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::host_side::Callback;
use calog_plugin_api::{Args, CallInfo, Code, Function, KeptInfo, Value};

use super::check::{check, each};
use super::scene::{
    Count, Heard, LIMIT, build, cancelled, circumstances, export, join, joined, open, promising, spawn, until,
};
use crate::Runtime;
use crate::cancel::cancel_token;
use crate::pool::Pool;
use crate::sync::time::Instant;
use crate::thread::Thread;
use crate::timers::Timers;

#[test]
fn a_hook_of_a_token_runs_once_whenever_it_is_set() {
    check(|| {
        let token = cancel_token(None);
        let (early, late) = (Count::default(), Count::default());
        token.on_cancel(early.rises());
        let cancellers = [token.clone(), token.clone()].map(|token| spawn(move || token.cancel()));
        token.on_cancel(late.rises());
        join(cancellers);
        assert_eq!((early.get(), late.get()), (1, 1));
        assert!(token.is_cancelled());
    });
}

#[test]
fn a_hook_that_is_taken_back_runs_before_or_never() {
    check(|| {
        let token = cancel_token(None);
        let runs = Count::default();
        let hook = token.on_cancel(runs.rises());
        let other = Count::default();
        token.on_cancel(other.rises());
        let canceller = spawn({
            let token = token.clone();
            move || token.cancel()
        });
        token.forget(hook);
        joined(canceller);
        assert!(runs.get() <= 1);
        assert_eq!(other.get(), 1, "only the one is taken back");
    });
}

#[test]
fn a_child_of_a_token_is_raised_with_it_whenever_it_is_made() {
    check(|| {
        let parent = cancel_token(None);
        let canceller = spawn({
            let parent = parent.clone();
            move || parent.cancel()
        });
        let runs = Count::default();
        let child = cancel_token(Some(&parent));
        child.on_cancel(runs.rises());
        joined(canceller);
        assert!(child.is_cancelled());
        assert_eq!(runs.get(), 1);
    });
}

#[test]
fn alarms_ring_or_are_taken_back_and_their_thread_ends() {
    check(|| {
        let (host, _inbox) = Thread::new("host".into());
        let timers = Timers::new(&host);
        let (rung, dropped) = (Count::default(), Count::default());
        let work = || {
            let (rung, guard) = (rung.clone(), OnDrop(dropped.clone()));
            move || {
                rung.up();
                drop(guard);
            }
        };
        let at = |milliseconds| Instant::now() + Duration::from_millis(milliseconds);
        timers.at(at(3), work());
        let alarm = timers.at(at(1), work());
        timers.at(at(1), work());
        let forgetter = spawn({
            let timers = Arc::clone(&timers);
            move || timers.forget(alarm)
        });
        joined(forgetter);
        timers.stop();
        timers.at(at(0), || super::probe::wrong("an alarm rings that was set after the end".into()));
        until(|| timers.join_ended());
        assert_eq!(dropped.get(), 3, "alarms that rang, were taken back or were dropped at the end");
        assert!(rung.get() <= 3);
    });
}

#[test]
fn a_timer_against_whoever_no_longer_waits_for_it() {
    check(|| {
        let runtime = build(|builder| builder);
        let completion = runtime.handle().after(Duration::from_millis(1));
        let canceller = completion.canceller();
        let heard = Heard::default();
        completion.then(heard.hear());
        let cancel = spawn(move || canceller.cancel(&cancelled()));
        let won = joined(cancel);
        runtime.close(LIMIT);
        drop(runtime);
        let outcome = heard.outcome();
        let rang = matches!(outcome, Ok(Value::Nil) | Err(Code::Dead));
        assert!(if won { outcome == Err(Code::Cancelled) } else { rang }, "cancelled {won}: {outcome:?}");
    });
}

/// Calls a function that waits, in these circumstances, and may give it its result meanwhile.
fn bounded_wait(act: &str, given: bool, info: impl FnOnce(&Runtime) -> KeptInfo) -> (Heard, bool) {
    let (promise, finishers) = promising("promise");
    let runtime = build(|builder| builder.inline_native(promise));
    let context = open(&runtime, "a", None, &format!("wait: {act}"));
    let heard = Heard::of(export(&context, "wait").call(&info(&runtime), Args::new(&[])));
    let finisher = finishers.recv().ok().expect("the native is called");
    let (taken, kept) = if given { (finisher.finish(Ok(1.into())).is_ok(), None) } else { (false, Some(finisher)) };
    heard.wait();
    drop(kept);
    (heard, taken)
}

/// In place and suspended, with a result and without.
const WAITS: [(&str, bool); 4] =
    [("native promise", true), ("suspend promise", true), ("native promise", false), ("suspend promise", false)];

#[test]
fn a_deadline_against_the_answer() {
    each(WAITS, |(act, given)| {
        let (heard, taken) = bounded_wait(act, given, |runtime| {
            let mut facts = circumstances(runtime).facts();
            facts.deadline_ns = runtime.handle().now_ns() + 2_000_000;
            KeptInfo::new(runtime.handle(), None, facts)
        });
        assert_eq!(heard.outcome(), if taken { Ok(Value::Int(1)) } else { Err(Code::Timeout) });
    });
}

#[test]
fn a_calls_token_against_the_answer() {
    each(WAITS, |(act, given)| {
        let token = cancel_token(None);
        let (heard, taken) = bounded_wait(act, given, |runtime| {
            let info = KeptInfo::new(runtime.handle(), Some(token.clone()), circumstances(runtime).facts());
            spawn(move || token.cancel());
            info
        });
        assert_eq!(heard.outcome(), if taken { Ok(Value::Int(1)) } else { Err(Code::Cancelled) });
    });
}

#[test]
fn blocking_work_is_done_or_answered_and_its_threads_end() {
    check(|| {
        let (host, _inbox) = Thread::new("host".into());
        let pool = Pool::new(&host);
        let (done, dropped) = (Count::default(), Count::default());
        let work = |done: &Count, dropped: &Count| {
            let (done, guard) = (done.clone(), OnDrop(dropped.clone()));
            Callback::new(move |_| {
                done.up();
                drop(guard);
            })
        };
        let other = spawn({
            let (pool, work) = (Arc::clone(&pool), [work(&done, &dropped), work(&done, &dropped)]);
            move || work.into_iter().for_each(|work| pool.run(work))
        });
        pool.run(work(&done, &dropped));
        pool.stop();
        joined(other);
        pool.run(work(&done, &dropped));
        until(|| pool.join_ended() == 0);
        assert_eq!(dropped.get(), 4, "work that was done or dropped");
        assert!(done.get() <= 3, "what comes after the end is not done");
    });
}

/// Counts that it goes.
struct OnDrop(Count);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.up();
    }
}

#[test]
fn blocking_natives_are_answered_while_the_runtime_closes() {
    check(|| {
        let native = |info: &CallInfo| info.runtime().blocking("work", || Ok(1.into()));
        let runtime = build(|builder| builder.inline_native(Function::new("work", native)));
        let context = open(&runtime, "a", None, "work: suspend work");
        let heard = super::scene::call(&export(&context, "work"), &circumstances(&runtime));
        assert_eq!(runtime.close(LIMIT).lost, []);
        drop(runtime);
        heard.is_or_dead(1);
    });
}
