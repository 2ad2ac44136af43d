//! A runtime of promises, keep-alive counts and contexts that close, without interpreters.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use calog_plugin_api::host_side::{Callback, RuntimeType, promise};
use calog_plugin_api::{
    Args, CallInfo, Callable, CallableType, CancelToken, Completion, Facts, Finisher, Frame, Identity, KeptInfo, Level,
    Native, Outcome, Result, RuntimeHandle, View,
};

/// What the bundle did to its runtime.
#[derive(Default)]
pub(crate) struct Runtime {
    pub(crate) alive: AtomicI64,
    pub(crate) logged: Mutex<Vec<String>>,
    closers: Mutex<HashMap<u64, Vec<Callback>>>,
}

impl Runtime {
    /// How many hooks wait for this context's end.
    pub(crate) fn closers(&self, context: u64) -> usize {
        self.closers.lock().expect("no panics").get(&context).map_or(0, Vec::len)
    }

    pub(crate) fn close_context(&self, context: u64) {
        let hooks = self.closers.lock().expect("no panics").remove(&context);
        hooks.into_iter().flatten().for_each(Callback::ring);
    }
}

struct Shared(Arc<Runtime>);

impl RuntimeType for Shared {
    fn id(&self) -> u64 {
        1
    }
    fn now_ns(&self) -> u64 {
        1
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        assert!(external, "whoever is at the other end may end it: {text}");
        promise(text, external, None)
    }
    fn after_ns(&self, _nanoseconds: u64) -> Completion {
        unreachable!("the thread has alarms of its own")
    }
    fn cancel_token(&self, _parent: Option<&CancelToken>) -> CancelToken {
        unreachable!("nothing is cancelled by token")
    }
    fn blocking(&self, work: Callback) {
        thread::spawn(move || work.ring());
    }
    fn keep_alive(&self, change: i32) {
        self.0.alive.fetch_add(change.into(), Ordering::SeqCst);
    }
    fn callable(&self, _native: Native) -> Callable {
        unreachable!("callbacks here are functions of contexts")
    }
    fn post(&self, _context: u64, _callable: &Callable, _info: &CallInfo, _args: Args<'_>) -> Result<()> {
        unreachable!("callbacks here are functions of contexts")
    }
    fn permission(&self, _info: &CallInfo, _name: &str) -> Result<()> {
        Ok(())
    }
    fn site(&self, _context: u64) -> Option<Frame> {
        None
    }
    fn log(&self, _level: Level, _context: u64, message: &str) {
        self.0.logged.lock().expect("no panics").push(message.to_owned());
    }
    fn when_closed(&self, context: u64, hook: Callback) {
        self.0.closers.lock().expect("no panics").entry(context).or_default().push(hook);
    }
    fn name_tasks(&self, _names: Native) {}
}

/// A runtime, its handle, and the circumstances of calls in a context of it.
pub(crate) fn runtime() -> (Arc<Runtime>, RuntimeHandle) {
    let runtime = Arc::new(Runtime::default());
    (Arc::clone(&runtime), RuntimeHandle::new(Arc::new(Shared(runtime))))
}

pub(crate) fn info(handle: &RuntimeHandle, context: u64) -> KeptInfo {
    let mut facts = Facts::default();
    (facts.context, facts.runtime) = (context, 1);
    KeptInfo::new(handle.clone(), None, facts)
}

static KEYS: AtomicU64 = AtomicU64::new(1);

struct Function<F>(u64, F);

impl<F: Fn(View<'_>) -> Outcome + Send + Sync + 'static> CallableType for Function<F> {
    fn call(&self, _info: &CallInfo, args: Args<'_>) -> Outcome {
        (self.1)(args.get(0))
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: self.0, key: KEYS.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A function of a context.
pub(crate) fn function(context: u64, run: impl Fn(View<'_>) -> Outcome + Send + Sync + 'static) -> Callable {
    Callable::new(Arc::new(Function(context, run)))
}
