//! Calls that a test makes without waiting for them, and the time it gives to what must happen.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calog::{Callable, ContextRef, Result};
use calog_plugin_api::{Args, CallInfo, CancelToken, Facts, KeptInfo, Value, View};
use parking_lot::Mutex;

use crate::World;

/// How long anything may take before its test fails. No test waits for it to pass.
pub const SAFETY_NET: Duration = Duration::from_secs(20);

/// How often what is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A call that was made; its answers, of which there must be one.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<Result<Value>>>>);

impl Asked {
    /// Calls a function.
    pub fn of(function: &Callable, info: &CallInfo, args: &[Value]) -> Asked {
        let asked = Asked::default();
        let answers = Arc::clone(&asked.0);
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        function.start(info, Args::new(&views), move |result| answers.lock().push(result));
        asked
    }

    /// Whether it was answered.
    pub fn is_answered(&self) -> bool {
        !self.0.lock().is_empty()
    }

    /// All its answers so far.
    pub fn answers(&self) -> Vec<Result<Value>> {
        self.0.lock().clone()
    }
}

impl World {
    /// The circumstances of a call by the program.
    pub fn info(&self) -> KeptInfo {
        self.info_with(None, 0)
    }

    /// The same with a cancel token, or a deadline on the runtime's clock.
    pub fn info_with(&self, cancel: Option<CancelToken>, deadline_ns: u64) -> KeptInfo {
        let mut facts = Facts::default();
        facts.runtime = self.runtime.handle().id();
        facts.deadline_ns = deadline_ns;
        KeptInfo::new(self.runtime.handle(), cancel, facts)
    }

    /// Calls an export, and does not wait.
    pub fn ask(&self, context: &ContextRef, name: &str, args: &[Value]) -> Asked {
        self.ask_with(&self.info(), context, name, args)
    }

    /// The same under these circumstances.
    pub fn ask_with(&self, info: &CallInfo, context: &ContextRef, name: &str, args: &[Value]) -> Asked {
        match context.export(name) {
            Some(Value::Callable(function)) => Asked::of(&function, info, args),
            other => panic!("'{name}' of {} is no function: {other:?}", context.name()),
        }
    }

    /// Pumps until a call is answered, exactly once.
    #[track_caller]
    pub fn answer(&self, asked: &Asked) -> Result<Value> {
        self.wait_until("an answer", || asked.is_answered());
        let answers = asked.answers();
        assert_eq!(answers.len(), 1, "one answer for one call");
        answers.into_iter().next().expect("it was counted")
    }

    /// Calls an export, and fails the test when no answer comes.
    #[track_caller]
    pub fn try_call(&self, context: &ContextRef, name: &str, args: &[Value]) -> Result<Value> {
        self.answer(&self.ask(context, name, args))
    }

    /// Pumps until something is so. What other threads change wakes nobody, so it is looked at often.
    #[track_caller]
    pub fn wait_until(&self, what: &str, condition: impl Fn() -> bool) {
        let until = Instant::now() + SAFETY_NET;
        while !self.runtime.pump_until(&condition, LOOK_EVERY) {
            assert!(Instant::now() < until, "waited in vain for {what}");
        }
    }
}
