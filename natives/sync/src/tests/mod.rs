//! The primitives by themselves: what each gives and refuses, and what many threads at once leave.

pub(crate) mod mock;
mod queues;
mod shared;
mod simple;
mod threads;

use calog_plugin_api::{Args, CallInfo, Completion, Object, Outcome, Result, Value};

use crate::sync;
use mock::info;

/// The Object that a native of the bundle gives.
fn make(bundle: &calog_plugin_api::Bundle, native: &str, args: &[Value]) -> Result<Object> {
    let native = bundle.natives().iter().find(|it| it.descriptor().name == native).expect("a native of that name");
    let views: Vec<_> = args.iter().map(Value::view).collect();
    let outcome = native.call(&info(), Args::new(&views));
    outcome.settled().expect("it is there at once").map(|object| object.view().as_object().expect("an object").clone())
}

fn bundle() -> calog_plugin_api::Bundle {
    sync().check().expect("names match parameters")
}

/// Calls a method.
fn call(object: &Object, method: &str, args: &[Value]) -> Outcome {
    call_in(&info(), object, method, args)
}

fn call_in(info: &CallInfo, object: &Object, method: &str, args: &[Value]) -> Outcome {
    let views: Vec<_> = args.iter().map(Value::view).collect();
    object.call(info, method, Args::new(&views))
}

/// The value as text, or code and message.
fn show(result: Result<Value>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}

/// What a call came to: as text, or "waits".
fn said(outcome: Outcome) -> String {
    outcome.settled().map_or_else(|_| "waits".into(), show)
}

/// The wait that a call came to.
#[track_caller]
fn waits(outcome: Outcome) -> Completion {
    match outcome {
        Outcome::Pending(completion) => completion,
        other => panic!("it does not wait: {other:?}"),
    }
}

/// What a wait came to, as text, or "waits".
fn came(completion: &mut Option<Completion>) -> String {
    match completion.take().expect("it was not taken yet").try_take() {
        Ok(result) => show(result),
        Err(waiting) => {
            *completion = Some(waiting);
            "waits".into()
        }
    }
}
