//! A runtime of promises and tokens, without threads: what is posted is kept until it is run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calog_plugin_api::host_side::{Callback, CancelType, RuntimeType, promise};
use calog_plugin_api::{
    Args, CallInfo, Callable, CallableType, CancelToken, Code, Completion, Error, Facts, Finisher, Frame, Identity,
    KeptInfo, Level, Native, Outcome, Result, RuntimeHandle, Value,
};

use crate::locks::{Mutex, lock};

/// What was posted, in order.
#[derive(Default)]
pub(crate) struct Posted(Mutex<Vec<Callable>>);

impl Posted {
    /// Runs all, and what they post.
    pub(crate) fn run(&self, info: &CallInfo) -> usize {
        let mut run = 0;
        loop {
            let posted = std::mem::take(&mut *lock(&self.0));
            if posted.is_empty() {
                return run;
            }
            run += posted.len();
            posted.iter().for_each(|callable| drop(callable.call(info, Args::new(&[]))));
        }
    }

    /// As a context that closes does.
    pub(crate) fn discard(&self) {
        let posted = std::mem::take(&mut *lock(&self.0));
        drop(posted);
    }
}

/// How many items are counted, and how many may be.
pub(crate) struct Counts {
    pub(crate) used: Mutex<u64>,
    most: u64,
}

#[derive(Default)]
struct MockRuntime(Arc<Posted>, Option<Arc<Counts>>);

impl RuntimeType for MockRuntime {
    fn id(&self) -> u64 {
        1
    }
    fn now_ns(&self) -> u64 {
        1
    }
    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        assert!(!external, "only scripts end these waits: {text}");
        promise(text, external, None)
    }
    fn after_ns(&self, _nanoseconds: u64) -> Completion {
        unreachable!("nothing sleeps")
    }
    fn cancel_token(&self, parent: Option<&CancelToken>) -> CancelToken {
        CancelToken::new(Arc::new(MockToken(parent.cloned())))
    }
    fn blocking(&self, _work: Callback) {
        unreachable!("nothing blocks")
    }
    fn keep_alive(&self, _change: i32) {}
    fn callable(&self, native: Native) -> Callable {
        function(move |info, value| native.call(info, if value.is_nil() { Args::new(&[]) } else { unreachable!() }))
    }
    fn post(&self, _context: u64, callable: &Callable, _info: &CallInfo, _args: Args<'_>) -> Result<()> {
        lock(&self.0.0).push(callable.clone());
        Ok(())
    }
    fn permission(&self, _info: &CallInfo, _name: &str) -> Result<()> {
        Ok(())
    }
    fn site(&self, _context: u64) -> Option<Frame> {
        None
    }
    fn log(&self, _level: Level, _context: u64, _message: &str) {}
    fn when_closed(&self, _context: u64, _hook: Callback) {}
    fn name_tasks(&self, _names: Native) {}
    fn count(&self, _context: u64, what: &str, amount: u64) -> Result<Callback> {
        assert_eq!((what, amount), ("queue_items", 1));
        let counts = Arc::clone(self.1.as_ref().expect("one that counts"));
        let mut used = lock(&counts.used);
        if *used >= counts.most {
            return Err(Error::new(Code::Limit, "one too many"));
        }
        *used += 1;
        drop(used);
        let counted = GivesBack(counts);
        Ok(Callback::new(move |_outcome| drop(counted)))
    }
}

struct GivesBack(Arc<Counts>);

impl Drop for GivesBack {
    fn drop(&mut self) {
        *lock(&self.0.used) -= 1;
    }
}

/// A token that is only told from others, and knows where it comes from.
struct MockToken(Option<CancelToken>);

impl CancelType for MockToken {
    fn is_cancelled(&self) -> bool {
        false
    }
    fn cancel(&self) {}
    fn on_cancel(&self, _hook: Callback) -> u64 {
        0
    }
    fn forget(&self, _hook: u64) {}
    fn is_aborted(&self) -> bool {
        false
    }
    fn abort(&self) {}
    fn on_abort(&self, _hook: Callback) -> u64 {
        0
    }
    fn parent(&self) -> Option<CancelToken> {
        self.0.clone()
    }
}

/// A function value.
pub(crate) fn function(
    run: impl Fn(&CallInfo, calog_plugin_api::View<'_>) -> Outcome + Send + Sync + 'static,
) -> Callable {
    Callable::new(Arc::new(MockFunction(run)))
}

static KEYS: AtomicU64 = AtomicU64::new(1);

struct MockFunction<F>(F);

impl<F: Fn(&CallInfo, calog_plugin_api::View<'_>) -> Outcome + Send + Sync + 'static> CallableType for MockFunction<F> {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        (self.0)(info, args.get(0))
    }
    fn identity(&self) -> Identity {
        Identity { runtime: 1, context: 0, key: KEYS.fetch_add(1, Ordering::Relaxed) }
    }
}

/// A function that adds to an int.
pub(crate) fn adds(delta: i64) -> Callable {
    function(move |_, value| Outcome::Ready(Value::Int(value.as_int().expect("an int") + delta)))
}

/// Circumstances of a runtime of their own.
pub(crate) fn info() -> KeptInfo {
    posting().0
}

/// The same, with what is posted there.
pub(crate) fn posting() -> (KeptInfo, Arc<Posted>) {
    let runtime = MockRuntime::default();
    let posted = Arc::clone(&runtime.0);
    (KeptInfo::new(RuntimeHandle::new(Arc::new(runtime)), None, Facts::default()), posted)
}

/// Circumstances of a context that may have so many items in queues.
pub(crate) fn counting(most: u64) -> (KeptInfo, Arc<Counts>) {
    let counts = Arc::new(Counts { used: Mutex::new(0), most });
    let runtime = MockRuntime(Arc::default(), Some(Arc::clone(&counts)));
    let mut facts = Facts::default();
    facts.flags = Facts::LIMITED;
    (KeptInfo::new(RuntimeHandle::new(Arc::new(runtime)), None, facts), counts)
}
