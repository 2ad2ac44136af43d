//! What the models are made of: runtimes with the probe, contexts, promises, answers that are heard.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog_plugin_api::host_side::promise;
use calog_plugin_api::{
    Args, CallInfo, Callable, Code, Completion, Error, Facts, Finisher, Function, KeptInfo, Outcome, Result, Value,
};
use shuttle::thread::JoinHandle;
pub(super) use shuttle::thread::spawn;

use super::probe::Probe;
use crate::sync::channel::{Receiver, unbounded};
use crate::{ContextRef, Open, Runtime, RuntimeBuilder};

/// Longer than anything takes: a limit that is reached only when nothing happens any more.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// Threads for two contexts: different ones, and the same.
pub(super) const THREADS: [Option<&str>; 2] = [None, Some("ui")];

pub(super) fn build(more: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder) -> Runtime {
    more(Runtime::builder().engine::<Probe>()).build().expect("a runtime")
}

/// A context whose main chunk has run.
pub(super) fn open(runtime: &Runtime, name: &str, thread: Option<&str>, text: &str) -> ContextRef {
    let context = runtime.open(script(name, thread, text)).expect("a context");
    runtime.wait_for(&context).expect("a main chunk that runs");
    context
}

pub(super) fn script(name: &str, thread: Option<&str>, text: &str) -> Open {
    let open = Open::source("probe", text).name(name);
    match thread {
        Some(thread) => open.thread(thread),
        None => open,
    }
}

/// An exported function.
pub(super) fn export(context: &ContextRef, name: &str) -> Callable {
    callable(context.export(name).expect("an export"))
}

pub(super) fn callable(value: Value) -> Callable {
    match value {
        Value::Callable(callable) => callable,
        other => panic!("a function, not {other:?}"),
    }
}

/// Circumstances for calls from threads of the program's own.
pub(super) fn circumstances(runtime: &Runtime) -> KeptInfo {
    let mut facts = Facts::default();
    facts.runtime = runtime.handle().id();
    KeptInfo::new(runtime.handle(), None, facts)
}

/// Calls a function from a thread that is nobody's.
pub(super) fn call(function: &Callable, info: &CallInfo) -> Heard {
    Heard::of(function.call(info, Args::new(&[])))
}

/// What a thread gave, once it has ended.
pub(super) fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("a thread that does not panic")
}

/// Waits for threads to end.
pub(super) fn join<T, const N: usize>(threads: [JoinHandle<T>; N]) {
    threads.into_iter().for_each(|thread| drop(joined(thread)));
}

/// A native that promises a result, and whoever can give it, call by call.
pub(super) fn promising(name: &str) -> (Function, Receiver<Finisher>) {
    let (send, receive) = unbounded();
    let native = move |info: &CallInfo| {
        let (completion, finisher) = info.runtime().completion("the model");
        // A model that has ended gives nothing any more.
        let _ = send.send(finisher);
        completion
    };
    (Function::new(name, native), receive)
}

/// A native that waits for what never comes.
pub(super) fn never(name: &str) -> Function {
    let kept = Mutex::new(Vec::new());
    Function::new(name, move |info: &CallInfo| {
        let (completion, finisher) = info.runtime().internal_completion("what never comes");
        kept.lock().expect("no panic").push(finisher);
        completion
    })
}

/// A promise by itself.
pub(super) fn promised() -> (Completion, Finisher) {
    promise("the model", false, None)
}

pub(super) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "by the model")
}

/// What somebody was answered. No primitives of the checker's: nobody waits for it.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<Result<Value>>>>);

impl Heard {
    pub(super) fn of(outcome: Outcome) -> Heard {
        let heard = Heard::default();
        outcome.then(heard.hear());
        heard
    }

    pub(super) fn hear(&self) -> impl FnOnce(Result<Value>) + Send + 'static {
        let all = Arc::clone(&self.0);
        move |result| all.lock().expect("no panic").push(result)
    }

    pub(super) fn all(&self) -> Vec<Result<Value>> {
        self.0.lock().expect("no panic").clone()
    }

    /// Lets the others run until there is an answer.
    pub(super) fn wait(&self) -> &Heard {
        until(|| !self.all().is_empty());
        self
    }

    /// The one answer there must be.
    #[track_caller]
    pub(super) fn only(&self) -> Result<Value> {
        let all = self.all();
        assert_eq!(all.len(), 1, "answers: {all:?}");
        all[0].clone()
    }

    /// The one answer there must be, by what happened: the value, or why there is none.
    #[track_caller]
    pub(super) fn outcome(&self) -> std::result::Result<Value, Code> {
        self.only().map_err(|error| error.code())
    }

    /// The answer is this, or that the context is gone.
    #[track_caller]
    pub(super) fn is_or_dead(&self, value: impl Into<Value>) {
        let outcome = self.outcome();
        assert!(outcome == Ok(value.into()) || outcome == Err(Code::Dead), "{:?}", self.only());
    }
}

/// Lets the others run until this holds; what never does exceeds the checker's limit of steps.
pub(super) fn until(holds: impl Fn() -> bool) {
    while !holds() {
        shuttle::thread::yield_now();
    }
}

/// Counts what happens.
#[derive(Clone, Default)]
pub(super) struct Count(Arc<Mutex<usize>>);

impl Count {
    pub(super) fn up(&self) {
        *self.0.lock().expect("no panic") += 1;
    }

    pub(super) fn get(&self) -> usize {
        *self.0.lock().expect("no panic")
    }

    /// What counts once for each call of it.
    pub(super) fn rises(&self) -> impl Fn() + Send + Sync + 'static {
        let count = self.clone();
        move || count.up()
    }
}
