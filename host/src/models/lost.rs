//! Threads that are lost, and that come back or do so while they are being lost: every caller is told once,
//! nothing is counted that cannot happen, and in the end every interpreter has ended.
//!
//! No signal can be sent here: code that is deaf looks for the beats itself, as a handler would, at each
//! turn, which is at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calog_plugin_api::{Code, Function, Value};

use super::check::{check, each};
use super::scene::{
    Count, Heard, LIMIT, THREADS, build, call, circumstances, export, join, joined, open, promising, spawn, until,
};
use crate::core::Core;
use crate::envelope::Envelope;
use crate::ids::ContextId;
use crate::liveness::Counted;
use crate::mailbox::mailbox;
use crate::sync::channel::Receiver;
use crate::{ContextRef, Runtime};
use calog_plugin_api::{Error, Finisher};

/// A runtime with a native that hears beats and says whether deaf code is over, and one that promises.
fn stage() -> (Runtime, Arc<AtomicBool>, Receiver<Finisher>) {
    let over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&over);
    let look = move || {
        crate::interrupt::on_signal();
        ends.load(Ordering::SeqCst)
    };
    let (promise, finishers) = promising("promise");
    let runtime = build(|builder| builder.inline_native(Function::new("over", look)).inline_native(promise));
    (runtime, over, finishers)
}

const SCRIPT: &str = "deaf: deaf over\nanswer: give 1\nwait: native promise\nsuspend: suspend promise";

/// Ends the runtime while nobody but the program is left that could do anything.
fn close(runtime: Runtime) {
    let core: Arc<Core> = Arc::clone(&runtime.core);
    runtime.close(LIMIT);
    until(|| runtime.lost().is_empty());
    drop(runtime);
    core.liveness.down();
    assert!(core.liveness.is_zero(), "something counts that cannot happen any more");
}

#[track_caller]
fn ended(heard: &Heard) {
    let outcome = heard.outcome();
    // It was lost, or it was over in time.
    assert!(matches!(outcome, Ok(_) | Err(Code::Dead | Code::Cancelled)), "{outcome:?}");
}

#[test]
fn a_thread_is_lost_or_comes_back_whichever_is_first() {
    each(THREADS, |thread| {
        let (runtime, over, _finishers) = stage();
        let (a, b) = (open(&runtime, "a", thread, SCRIPT), open(&runtime, "b", thread, SCRIPT));
        let info = circumstances(&runtime);
        let deaf = call(&export(&a, "deaf"), &info);
        let (answers, more) = ([export(&a, "answer"), export(&b, "answer")], info.clone());
        let caller = spawn(move || answers.map(|answer| call(&answer, &more)));
        let back = spawn(move || {
            (0..20).for_each(|_| shuttle::thread::yield_now());
            over.store(true, Ordering::SeqCst);
        });
        a.0.ask_to_close();
        let answers = joined(caller);
        joined(back);
        deaf.wait();
        answers.iter().for_each(|heard| _ = heard.wait());
        close(runtime);
        ended(&deaf);
        answers.iter().for_each(ended);
    });
}

#[test]
fn all_that_is_under_way_on_a_lost_thread_is_answered_while_results_come() {
    each(["wait", "suspend"], |act| {
        let (runtime, over, finishers) = stage();
        let (a, b) = (open(&runtime, "a", Some("ui"), SCRIPT), open(&runtime, "b", Some("ui"), SCRIPT));
        let info = circumstances(&runtime);
        let waiting = call(&export(&b, act), &info);
        let finisher = finishers.recv().ok().expect("the native is called");
        let deaf = call(&export(&a, "deaf"), &info);
        let giver = spawn(move || finisher.finish(Ok(Value::Int(1))).is_ok());
        a.0.ask_to_close();
        deaf.wait();
        // One whose result was taken has it when the thread is back, or was told before.
        over.store(true, Ordering::SeqCst);
        joined(giver);
        waiting.wait();
        close(runtime);
        ended(&deaf);
        ended(&waiting);
    });
}

#[test]
fn a_program_ends_whose_thread_is_lost() {
    check(|| {
        let (runtime, over, _finishers) = stage();
        let a = open(&runtime, "a", None, SCRIPT);
        let deaf = call(&export(&a, "deaf"), &circumstances(&runtime));
        let closer = spawn({
            let a = a.clone();
            move || a.0.ask_to_close()
        });
        // It returns as soon as nothing can happen any more, with the code still deaf.
        assert_eq!(runtime.run(), crate::Ended::Idle);
        joined(closer);
        assert_eq!(deaf.outcome(), Err(Code::Dead));
        assert!(ContextRef::is_closed(&a));
        over.store(true, Ordering::SeqCst);
        close(runtime);
    });
}

#[test]
fn what_is_sent_to_a_lost_thread_is_refused_whenever_it_comes() {
    check(|| {
        let (runtime, _over, _finishers) = stage();
        let core = Arc::clone(&runtime.core);
        let (mailbox, _inbox) = mailbox();
        let mailbox = Arc::new(mailbox);
        let refused = Count::default();
        let senders = [(); 2].map(|()| {
            let (mailbox, core) = (Arc::clone(&mailbox), Arc::clone(&core));
            spawn(move || {
                for _ in 0..2 {
                    let error = Error::new(Code::Dead, "as any");
                    let envelope = Envelope::Report { context: ContextId::HOST, error };
                    mailbox.send(crate::envelope::Parcel { envelope, counted: Counted::new(&core.liveness) });
                }
            })
        });
        let count = refused.clone();
        mailbox.refuse(move |_parcel| count.up());
        join(senders);
        assert_eq!(refused.get(), 4);
        close(runtime);
    });
}
