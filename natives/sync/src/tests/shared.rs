//! Shared variables: by value, one change after another, no change within an update.

use std::sync::Arc;

use calog_plugin_api::host_side::promise;
use calog_plugin_api::{Callable, Code, Error, KeptInfo, Object, Outcome, Value};

use super::mock::{Posted, adds, function, posting};
use super::{bundle, call_in, came, make, said, waits};
use crate::locks::{Mutex, lock};

struct Scene {
    info: KeptInfo,
    posted: Arc<Posted>,
    shared: Object,
    /// Another variable of the same runtime.
    other: Object,
}

impl Scene {
    fn new() -> Scene {
        let ((info, posted), bundle) = (posting(), bundle());
        let [shared, other] =
            ["v", "w"].map(|name| make(&bundle, "sync.Shared", &[name.into(), 0.into()]).expect("a variable"));
        Scene { info, posted, shared, other }
    }

    fn call(&self, method: &str, args: &[Value]) -> Outcome {
        call_in(&self.info, &self.shared, method, args)
    }

    fn update(&self, function: &Callable) -> Outcome {
        self.call("update", &[Value::Callable(function.clone())])
    }

    fn value(&self) -> String {
        said(self.call("get", &[]))
    }
}

/// A function that gives a promise, and what finishes that.
fn promising() -> (Callable, impl Fn(calog_plugin_api::Result<Value>) -> bool) {
    let finishers = Arc::new(Mutex::new(Vec::new()));
    let given = Arc::clone(&finishers);
    let function = function(move |_, _| {
        let (completion, finisher) = promise("the function", false, None);
        lock(&given).push(finisher);
        Outcome::Pending(completion)
    });
    (function, move |result| lock(&finishers).remove(0).finish(result).is_ok())
}

#[test]
fn it_is_set_and_updated() {
    let scene = Scene::new();
    assert_eq!(scene.value(), "0");
    assert_eq!(said(scene.call("set", &[5.into()])), "nil");
    assert_eq!(said(scene.update(&adds(2))), "7");
    assert_eq!(scene.value(), "7");
    let fails = function(|_, _| Outcome::Failed(Error::new(Code::Script, "no")));
    assert_eq!(said(scene.update(&fails)), "script: no");
    assert_eq!(scene.value(), "7", "what fails changes nothing");
    assert_eq!(said(scene.update(&adds(1))), "8", "and holds nothing up");
    let empty = make(&bundle(), "sync.Shared", &["v".into()]).expect("a variable");
    assert_eq!(said(call_in(&scene.info, &empty, "get", &[])), "nil", "the initial value may be left out");
}

#[test]
fn changes_wait_for_an_update_and_come_in_order() {
    let scene = Scene::new();
    let (slow, finish) = promising();
    let mut first = Some(waits(scene.update(&slow)));
    let mut set = Some(waits(scene.call("set", &[10.into()])));
    let mut second = Some(waits(scene.update(&adds(1))));
    let mut third = Some(waits(scene.update(&slow)));
    let mut last = Some(waits(scene.update(&adds(5))));
    assert_eq!(scene.value(), "0", "reading waits for nothing");
    assert!(finish(Ok(3.into())));
    assert_eq!([&mut first, &mut set, &mut second].map(came), ["3", "nil", "waits"]);
    assert_eq!(scene.value(), "10");
    assert_eq!(scene.posted.run(&scene.info), 2, "who waited begins as a task of its own");
    assert_eq!([&mut second, &mut third, &mut last].map(came), ["11", "waits", "waits"]);
    assert!(finish(Err(Error::new(Code::Script, "no"))));
    assert_eq!(came(&mut third), "script: no");
    scene.posted.run(&scene.info);
    assert_eq!((came(&mut last), scene.value()), ("16".into(), "16".into()));
    assert_eq!(said(scene.call("set", &[0.into()])), "nil", "the turn is free");
}

#[test]
fn who_is_cancelled_gives_the_turn_up() {
    let scene = Scene::new();
    let (slow, finish) = promising();
    let first = waits(scene.update(&slow));
    let (left_set, left_update) = (waits(scene.call("set", &[8.into()])), waits(scene.update(&adds(100))));
    let mut next = Some(waits(scene.call("set", &[9.into()])));
    drop((left_set, left_update));
    drop(first);
    assert_eq!((came(&mut next), scene.value()), ("nil".into(), "9".into()));
    assert!(!finish(Ok(3.into())), "the function's wait was cancelled");
    assert_eq!(scene.value(), "9");
}

#[test]
fn a_context_that_closes_before_its_turn_passes_it_on() {
    let scene = Scene::new();
    let (slow, finish) = promising();
    let _first = waits(scene.update(&slow));
    let mut gone = Some(waits(scene.update(&adds(100))));
    let mut next = Some(waits(scene.call("set", &[9.into()])));
    assert!(finish(Ok(1.into())));
    scene.posted.discard();
    assert_eq!((came(&mut next), scene.value()), ("nil".into(), "9".into()));
    assert!(came(&mut gone).starts_with("dead: "));
}

#[test]
fn a_function_may_read_but_not_change_what_it_updates() {
    let scene = Scene::new();
    for method in ["set", "update"] {
        let shared = scene.shared.clone();
        let other = scene.other.clone();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sees = Arc::clone(&seen);
        let changes = function(move |info, value| {
            let say = |outcome| lock(&sees).push(said(outcome));
            let arg = if method == "set" { Value::Int(1) } else { Value::Callable(adds(1)) };
            say(call_in(info, &shared, "get", &[]));
            say(call_in(info, &shared, method, std::slice::from_ref(&arg)));
            // From within an update of another one, and of that one's own.
            let (shared, sees, arg) = (shared.clone(), Arc::clone(&sees), arg.clone());
            let nested = function(move |info, value| {
                lock(&sees).push(said(call_in(info, &shared, method, std::slice::from_ref(&arg))));
                Outcome::Ready(value.to_value())
            });
            assert_eq!(said(call_in(info, &other, "update", &[Value::Callable(nested)])), "0");
            Outcome::Ready(Value::Int(value.as_int().expect("an int") + 1))
        });
        assert_eq!(said(scene.call("set", &[4.into()])), "nil");
        assert_eq!(said(scene.update(&changes)), "5");
        let refused = format!(
            "unsupported: shared.{method}: called within an update of shared variable 'v', which it would wait for for ever"
        );
        assert_eq!(*lock(&seen), ["4".to_owned(), refused.clone(), refused]);
    }
    assert_eq!(said(scene.update(&adds(1))), "6", "afterwards it may be changed again");
}
