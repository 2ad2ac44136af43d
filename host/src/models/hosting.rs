//! The embedding program's side: what its thread is told and asked to do, while it pumps.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::{Bundle, Code, Function, Value, priority};
use shuttle::thread;

use super::check::check;
use super::probe;
use super::scene::{Count, LIMIT, build, export, joined, open, spawn};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::{ContextId, Ended};

/// What the program's error handler was told.
type Told = Rc<RefCell<Vec<(ContextId, Code)>>>;

#[test]
fn errors_that_no_caller_sees_are_told_once_each() {
    check(|| {
        let told = Told::default();
        let tell = Rc::clone(&told);
        let runtime = build(|builder| builder.on_error(move |id, error| tell.borrow_mut().push((id, error.code()))));
        let contexts = ["a", "b"].map(|name| open(&runtime, name, None, ""));
        contexts.iter().for_each(|context| runtime.eval(context, "no such act"));
        let other = spawn({
            let (core, id) = (contexts[0].0.core.clone(), contexts[0].id());
            move || core.report(id, super::scene::cancelled())
        });
        assert!(runtime.pump_until(|| told.borrow().len() == 3, LIMIT));
        joined(other);
        runtime.close(LIMIT);
        let [a, b] = contexts.map(|context| context.id());
        let mut told = told.take();
        told.sort_by_key(|(id, code)| (*id, code.word()));
        assert_eq!(told, [(a, Code::Cancelled), (a, Code::Script), (b, Code::Script)]);
    });
}

#[test]
fn a_program_with_a_loop_of_its_own_is_told_of_all_its_mail() {
    check(|| {
        let told = Told::default();
        let tell = Rc::clone(&told);
        let host = thread::current();
        let runtime = build(|builder| {
            builder.on_error(move |id, error| tell.borrow_mut().push((id, error.code()))).on_mail(move || host.unpark())
        });
        let context = open(&runtime, "a", None, "");
        runtime.eval(&context, "no such act");
        runtime.eval(&context, "no such act");
        while told.borrow().len() < 2 {
            thread::park();
            runtime.pump();
        }
        runtime.close(LIMIT);
        assert_eq!(told.borrow().len(), 2);
    });
}

#[test]
fn natives_of_the_program_run_one_at_a_time_on_its_thread() {
    check(|| {
        let (host, busy, calls) = (thread::current().id(), Arc::new(AtomicBool::new(false)), Count::default());
        let counted = calls.clone();
        let native = move || {
            if thread::current().id() != host {
                probe::wrong("a native of the program runs on another thread".into());
            }
            if busy.swap(true, Ordering::AcqRel) {
                probe::wrong("two natives of the program run at once".into());
            }
            thread::yield_now();
            busy.store(false, Ordering::Release);
            counted.up();
        };
        let runtime = build(|builder| builder.native(Function::new("host", native)));
        let contexts = ["a", "b"].map(|name| open(&runtime, name, None, "work: native host\nmore: apply"));
        let work = export(&contexts[0], "work");
        // B waits for A, which waits for the program's thread, which waits for B.
        assert_eq!(runtime.call_export(&contexts[1], "more", &[work.into()]), Ok(Value::Nil));
        contexts.iter().for_each(|context| runtime.eval(context, "native host"));
        assert_eq!(runtime.run(), Ended::Idle);
        assert_eq!(calls.get(), 3);
    });
}

#[test]
fn run_hooks_end_when_the_runtime_closes() {
    check(|| {
        let ended = Count::default();
        let counted = ended.clone();
        let bundle = move || {
            let ended = counted.clone();
            Bundle::new("busy").run(priority::NORMAL, move |_, stop| {
                let (here, woken) = (thread::current(), stop.clone());
                stop.on_cancel(move || here.unpark());
                while !woken.is_cancelled() {
                    thread::park();
                }
                ended.up();
                Ok(())
            })
        };
        let runtime = build(|builder| builder.bundle("busy", bundle));
        assert_eq!(runtime.close(LIMIT).lost, []);
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn calls_to_the_programs_thread_are_answered_when_it_closes() {
    check(|| {
        let runtime = build(|builder| builder.native(Function::new("host", || 1)));
        let context = open(&runtime, "a", None, "work: native host");
        let heard = super::scene::call(&export(&context, "work"), &super::scene::circumstances(&runtime));
        assert_eq!(runtime.close(LIMIT).lost, []);
        drop(runtime);
        heard.is_or_dead(1);
    });
}
