//! A runtime without threads, whose clock stands still until the test moves it. Alarms ring as the clock
//! passes them; what is posted is kept until it is run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use calog_plugin_api::host_side::{Callback, RuntimeType, promise};
use calog_plugin_api::{
    Args, CallInfo, Callable, CallableType, CancelToken, Code, Completion, Error, Facts, Finisher, Frame, Identity,
    KeptInfo, Level, Native, Outcome, Result, RuntimeHandle,
};

use crate::owners::lock;

/// Nanoseconds in a millisecond.
pub(crate) const MS: u64 = 1_000_000;

/// What there is of the runtime.
#[derive(Default)]
pub(crate) struct Mock {
    now: AtomicU64,
    alarms: Mutex<Vec<(u64, Finisher)>>,
    posted: Mutex<Vec<(u64, Callable)>>,
    closers: Mutex<Vec<(u64, Callback)>>,
    closed: Mutex<Vec<u64>>,
    /// Why nothing can be posted.
    refuses: Mutex<Option<Code>>,
}

impl Mock {
    /// Circumstances of a call by code of this context.
    pub(crate) fn info(self: &Arc<Mock>, context: u64) -> KeptInfo {
        let mut facts = Facts::default();
        (facts.context, facts.runtime, facts.depth, facts.deadline_ns) = (context, 1, 7, 99);
        KeptInfo::new(RuntimeHandle::new(Arc::new(Runtime(Arc::clone(self)))), None, facts)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now.load(Ordering::Relaxed) / MS
    }

    /// Moves the clock on; alarms ring in order, each at its time.
    pub(crate) fn pass_to(&self, ms: u64) {
        while let Some((due, finisher)) = self.take_due(ms * MS) {
            self.now.fetch_max(due, Ordering::Relaxed);
            // Who was cancelled does not hear it.
            let _ = finisher.finish(Ok(calog_plugin_api::Value::Nil));
        }
        self.now.fetch_max(ms * MS, Ordering::Relaxed);
    }

    fn take_due(&self, until: u64) -> Option<(u64, Finisher)> {
        let mut alarms = lock(&self.alarms);
        let first = alarms.iter().enumerate().filter(|(_, (due, _))| *due <= until).min_by_key(|(_, (due, _))| *due)?.0;
        Some(alarms.remove(first))
    }

    /// When the alarms ring that somebody still waits for, in milliseconds.
    pub(crate) fn alarms(&self) -> Vec<u64> {
        lock(&self.alarms).iter().filter(|(_, finisher)| finisher.is_awaited()).map(|(due, _)| due / MS).collect()
    }

    /// Runs what was posted, as the threads of these contexts do. Where it ran, and what came of it.
    pub(crate) fn run(self: &Arc<Mock>) -> Vec<(u64, Outcome)> {
        let posted = std::mem::take(&mut *lock(&self.posted));
        let run = |(context, callable): (u64, Callable)| (context, callable.call(&self.info(context), Args::new(&[])));
        posted.into_iter().map(run).collect()
    }

    pub(crate) fn refuse(&self, code: Option<Code>) {
        *lock(&self.refuses) = code;
    }

    pub(crate) fn close(&self, context: u64) {
        lock(&self.closed).push(context);
        let (told, kept) = std::mem::take(&mut *lock(&self.closers)).into_iter().partition(|(of, _)| *of == context);
        *lock(&self.closers) = kept;
        let told: Vec<(u64, Callback)> = told;
        told.into_iter().for_each(|(_, hook)| hook.ring());
    }

    /// How many want to be told when a context closes.
    pub(crate) fn closers(&self) -> usize {
        lock(&self.closers).len()
    }
}

/// What the handle leads to.
struct Runtime(Arc<Mock>);

impl RuntimeType for Runtime {
    fn id(&self) -> u64 {
        1
    }
    fn now_ns(&self) -> u64 {
        self.0.now.load(Ordering::Relaxed)
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        promise(text, external, None)
    }
    fn after_ns(&self, nanoseconds: u64) -> Completion {
        let (completion, finisher) = promise("a timer", true, None);
        lock(&self.0.alarms).push((self.now_ns() + nanoseconds, finisher));
        completion
    }
    fn cancel_token(&self, _parent: Option<&CancelToken>) -> CancelToken {
        unreachable!("a timer's calls are nobody's to cancel")
    }
    fn blocking(&self, _work: Callback) {
        unreachable!("nothing blocks")
    }
    fn keep_alive(&self, _change: i32) {}
    fn callable(&self, _native: Native) -> Callable {
        unreachable!("a turn is no native")
    }
    fn post(&self, context: u64, callable: &Callable, info: &CallInfo, _args: Args<'_>) -> Result<()> {
        assert_eq!((info.depth(), info.deadline_ns()), (0, None), "a call begins anew");
        match *lock(&self.0.refuses) {
            Some(code) => Err(Error::new(code, "refused")),
            None => {
                lock(&self.0.posted).push((context, callable.clone()));
                Ok(())
            }
        }
    }
    fn permission(&self, _info: &CallInfo, _name: &str) -> Result<()> {
        Ok(())
    }
    fn site(&self, _context: u64) -> Option<Frame> {
        None
    }
    fn log(&self, _level: Level, _context: u64, _message: &str) {}
    fn name_tasks(&self, _names: Native) {}
    fn when_closed(&self, context: u64, hook: Callback) {
        if lock(&self.0.closed).contains(&context) {
            return hook.ring();
        }
        lock(&self.0.closers).push((context, hook));
    }
}

/// A function of a context.
pub(crate) fn function(context: u64, run: impl Fn() -> Outcome + Send + Sync + 'static) -> Callable {
    Callable::new(Arc::new(MockFunction(context, run)))
}

struct MockFunction<F>(u64, F);

impl<F: Fn() -> Outcome + Send + Sync + 'static> CallableType for MockFunction<F> {
    fn call(&self, _info: &CallInfo, _args: Args<'_>) -> Outcome {
        (self.1)()
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: self.0, key: 1 }
    }
}
