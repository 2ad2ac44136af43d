//! Handles: references are counted exactly, on any thread; circumstances can be kept and derived.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use calog_plugin_api::host_side::{Callback, CancelType};
use calog_plugin_api::{Args, CancelToken, Code, Facts, KeptInfo, Level, Outcome, RuntimeHandle, Value, View};

use crate::common::{Drops, TestRuntime, TestToken, callable, info, list, map, object, runtime, show};

#[test]
fn callables_in_aggregates_are_dropped_once_and_only_with_the_last_of_all() {
    let drops = Drops::default();
    let one = callable(1, &drops);
    let inner = list(&[one.clone().into(), one.clone().into(), object(&drops).into()]);
    let outer = map(&[("inner", inner.clone()), ("again", one.clone().into())]);
    let shared = list(&[outer.clone(), outer.clone(), inner.clone()]);
    drop((one, inner, outer));
    assert_eq!(drops.count(), 0);
    let taken = shared.view().as_aggregate().unwrap().element(2).unwrap().to_value();
    drop(shared);
    assert_eq!(drops.count(), 0, "the taken list keeps the block");
    drop(taken);
    assert_eq!(drops.count(), 2, "one callable and one Object, each once");
}

#[test]
fn aggregates_are_dropped_on_whatever_thread_is_last() {
    let drops = Drops::default();
    for _ in 0..500 {
        let value = list(&[callable(1, &drops).into(), "text".into(), object(&drops).into()]);
        let others: Vec<_> = (0..3).map(|_| value.clone()).collect();
        let threads: Vec<_> = others
            .into_iter()
            .map(|value| {
                std::thread::spawn(move || {
                    let view = value.view().as_aggregate().unwrap();
                    let inner = view.element(0).unwrap().to_value();
                    assert_eq!(inner.view(), view.element(0).unwrap());
                    drop(value);
                    drop(inner);
                })
            })
            .collect();
        drop(value);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_eq!(drops.count(), 1000);
}

#[test]
fn a_drop_that_panics_does_not_leave_the_handle() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    impl calog_plugin_api::CallableType for Bad {
        fn call(&self, _info: &calog_plugin_api::CallInfo, _args: Args<'_>) -> Outcome {
            panic!("in call")
        }
        fn identity(&self) -> calog_plugin_api::Identity {
            panic!("in identity")
        }
    }
    let drops = Drops::default();
    let bad = calog_plugin_api::Callable::new(Arc::new(Bad));
    assert_eq!((bad.identity().context, bad.identity().key), (0, 0));
    assert_eq!(show(&bad.call(&info(), Args::new(&[])).settled().unwrap()), "panic: panicked: in call");
    let value = list(&[bad.into(), callable(1, &drops).into()]);
    drop(value);
    assert_eq!(drops.count(), 1, "what comes after the one that panics is dropped all the same");
}

#[test]
fn callables_call_and_know_whose_they_are() {
    let drops = Drops::default();
    let one = callable(1, &drops);
    let result = one.call(&info(), Args::new(&[View::int(1), View::NIL])).settled().unwrap();
    assert_eq!(show(&result), "[1, nil]");
    assert_eq!((one.identity().runtime, one.identity().context, one.identity().key), (7, 3, 1));
    assert_eq!((one.is_lenient(), callable(99, &drops).is_lenient()), (false, true));
    assert_eq!(one.address(), one.clone().address());
    let (sender, receiver) = std::sync::mpsc::channel();
    one.start(&info(), Args::new(&[]), move |result| sender.send(show(&result)).unwrap());
    assert_eq!(receiver.recv().unwrap(), "[]");
}

#[test]
fn objects_have_properties_and_methods_and_contain_panics() {
    let cell = object(&Drops::default());
    let info = info();
    assert_eq!((cell.type_name().as_str(), cell.text().as_str()), ("test.Cell", "<test.Cell>"));
    let members: Vec<_> = cell.members().iter().map(calog_plugin_api::Descriptor::signature).collect();
    assert_eq!(members, ["value", "twice()"]);
    cell.set(&info, "value", Value::from("new").view()).unwrap();
    assert_eq!(show(&cell.get(&info, "value")), r#""new""#);
    assert_eq!(show(&cell.get(&info, "other")), "not_found: other");
    assert_eq!(show(&cell.get(&info, "panics")), "panic: panicked: get");
    assert_eq!(cell.set(&info, "panics", View::NIL).unwrap_err().code(), Code::Panic);
    let call = |method| show(&cell.call(&info, method, Args::new(&[View::int(2)])).settled().unwrap());
    assert_eq!((call("twice").as_str(), call("panics").as_str()), ("[2, 2]", "panic: panicked: call"));
}

#[test]
fn circumstances_are_kept_and_derived() {
    let token = CancelToken::new(Arc::new(TestToken::default()));
    let mut facts = Facts::default();
    (facts.context, facts.caller, facts.task, facts.parent) = (3, 2, 30, 20);
    (facts.deadline_ns, facts.depth, facts.flags) = (99, 4, Facts::LENIENT);
    let kept = KeptInfo::new(runtime(), Some(token.clone()), facts);
    let numbers = (kept.context(), kept.caller(), kept.task(), kept.parent(), kept.depth());
    assert_eq!((numbers, kept.deadline_ns(), kept.lenient()), ((3, 2, 30, 20, 4), Some(99), true));
    assert_eq!(kept.site().map(|frame| frame.to_string()).as_deref(), Some("there.tly:5"));

    let mut deeper = kept.facts();
    (deeper.depth, deeper.deadline_ns, deeper.flags, deeper.context) = (5, 0, 0, 4);
    let derived = kept.derive(deeper);
    assert_eq!((derived.depth(), derived.deadline_ns(), derived.lenient(), derived.task()), (5, None, false, 30));
    assert_eq!((derived.site(), derived.runtime().id()), (None, 7));

    // What is kept outlives everything it was made from, and goes to other threads.
    let kept_again = derived.keep();
    let plain = kept.keep();
    drop(kept);
    assert_eq!((kept_again.facts(), plain.facts()), (deeper, facts));
    let seen = std::thread::spawn(move || {
        let first = kept_again.is_cancelled();
        kept_again.cancel_token().unwrap().cancel();
        (first, kept_again.is_cancelled())
    });
    assert_eq!(seen.join().unwrap(), (false, true));
    assert!(plain.is_cancelled() && token.is_cancelled(), "all share one token");
    assert!(info().cancel_token().is_none() && !info().is_cancelled());
}

#[test]
fn circumstances_release_what_they_hold() {
    let inner = Arc::new(TestRuntime::default());
    let kept = KeptInfo::new(RuntimeHandle::new(inner.clone()), None, Facts::default());
    let copies: Vec<KeptInfo> =
        (0..10).map(|_| kept.keep()).chain([kept.derive(kept.facts()).keep(), kept.clone()]).collect();
    assert_eq!(Arc::strong_count(&inner), 3, "a kept one is counted, a derived one is a record of its own");
    drop((kept, copies));
    assert_eq!(Arc::strong_count(&inner), 1);
}

#[test]
fn cancel_tokens_run_their_hooks() {
    let state = Arc::new(TestToken::default());
    let token = CancelToken::new(state.clone());
    let child = runtime().cancel_token(Some(&token)).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let hook = |text: &'static str| {
        let sender = sender.clone();
        move || sender.send(text).unwrap()
    };
    token.on_cancel(hook("kept"));
    let forgotten = token.on_cancel(hook("forgotten"));
    token.forget(forgotten);
    token.cancel();
    token.cancel();
    assert!(token.is_cancelled() && child.is_cancelled() && state.is_cancelled());
    token.on_cancel(hook("late"));
    assert_eq!(receiver.try_iter().collect::<Vec<_>>(), ["kept", "late"]);
    assert!(token == token.clone() && token != child);
}

#[test]
fn a_runtime_handle_reaches_the_runtime() {
    let inner = Arc::new(TestRuntime::default());
    let runtime = RuntimeHandle::new(inner.clone());
    let info = info();
    let guard = (runtime.keep_alive(), runtime.keep_alive());
    assert_eq!(inner.kept_alive.load(Ordering::SeqCst), 2);
    drop(guard);
    assert_eq!(inner.kept_alive.load(Ordering::SeqCst), 0);
    runtime.log(Level::Warn, 3, "careful");
    assert_eq!(*inner.lines.lock().unwrap(), ["warn 3 careful"]);
    assert_eq!(runtime.permission(&info, "allowed"), Ok(()));
    assert_eq!(runtime.permission(&info, "net").unwrap_err().code(), Code::Permission);
    let work = runtime.blocking("work", || Ok(5.into()));
    assert_eq!(show(&work.try_take().unwrap()), "5");
    let work = runtime.blocking("work", || panic!("at work"));
    assert_eq!(show(&work.try_take().unwrap()), "panic: panicked: at work");
    let (external, internal) = (runtime.completion("a").0, runtime.internal_completion("b").0);
    assert_eq!((external.is_external(), internal.is_external()), (true, false));
    assert_eq!(runtime.after(std::time::Duration::from_micros(3)).text(), "3000 ns");
    let native = calog_plugin_api::Function::new("n", |a: i64| a + 1).build().unwrap();
    let function = runtime.callable(&native).unwrap();
    assert_eq!(show(&function.call(&info, Args::new(&[View::int(1)])).settled().unwrap()), "2");
    assert_eq!(runtime.post(1, &function, &info, Args::new(&[View::int(1)])), Ok(()));
    assert_eq!(runtime.post(0, &function, &info, Args::new(&[])).unwrap_err().code(), Code::Dead);
}

#[test]
fn a_callback_is_called_or_dropped_once() {
    let drops = Drops::default();
    let held = callable(1, &drops);
    drop(Callback::new(move |_| drop(held)));
    assert_eq!(drops.count(), 1);
    let held = callable(2, &drops);
    Callback::new(move |outcome| drop((outcome, held))).call(Outcome::Ready(callable(3, &drops).into()));
    assert_eq!(drops.count(), 3);
}
