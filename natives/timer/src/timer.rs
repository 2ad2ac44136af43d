//! One timer: an alarm of the host's, which posts a turn to the function's home thread, which calls it.
//!
//! Where it is, and who moves it on: an alarm is set (the timers' thread, when it rings); its turn is
//! on the way (the home thread); its function is called (that call's end: a repeated timer's alarm is
//! set again, another one is over). So there is one alarm, or one turn, or one call. A timer is over
//! when its function is gone: it was called for the last time, or cancelled. Turns that come later
//! find nothing to call.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog_plugin_api::prelude::*;
use calog_plugin_api::{CallableType, Facts, Identity};

use crate::owners::{Owners, lock};
use crate::schedule::Schedule;

/// When a home thread has no room for a turn, it is tried again after this time.
const TRY_AGAIN: Duration = Duration::from_millis(10);

/// Numbers timers.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A timer.
pub(crate) struct Timer {
    pub(crate) number: u64,
    pub(crate) runtime: RuntimeHandle,
    owners: Arc<Owners>,
    /// The context that made it.
    maker: u64,
    /// Whose function it is, or, if it is nobody's, the maker.
    home: u64,
    /// The circumstances of its calls.
    facts: Facts,
    schedule: Schedule,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Gone when it is over.
    function: Option<Callable>,
    /// The alarm that is set, if one is.
    alarm: Option<Canceller>,
}

impl Timer {
    /// Starts a timer.
    ///
    /// # Errors
    /// `dead` when nobody can call the function any more.
    pub(crate) fn start(
        owners: &Arc<Owners>,
        info: &CallInfo,
        function: Callable,
        schedule: Schedule,
    ) -> Result<Object> {
        let maker = info.context();
        let home = match function.identity().context {
            // A native, or a wrapper that goes its own way.
            0 => maker,
            context => context,
        };
        // It is called for nobody: nobody's token, deadline or depth bounds it.
        let mut facts = info.facts();
        (facts.deadline_ns, facts.depth) = (0, 0);
        facts.flags &= !Facts::GIVES_WAY;
        let timer = Arc::new(Timer {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            runtime: info.runtime().clone(),
            owners: Arc::clone(owners),
            maker,
            home,
            facts,
            schedule,
            state: Mutex::new(State { function: Some(function), alarm: None }),
        });
        owners.note(&timer);
        if timer.is_over() {
            return Err(Error::new(Code::Dead, "the function's context is closed"));
        }
        timer.set(schedule.first());
        Ok(Object::new(timer))
    }

    /// The contexts that it ends with. The program's own ends with everything.
    pub(crate) fn owners(&self) -> impl Iterator<Item = u64> + use<> {
        let home = Some(self.home).filter(|home| *home != self.maker);
        Some(self.maker).into_iter().chain(home).filter(|context| *context != 0)
    }

    fn is_over(&self) -> bool {
        lock(&self.state).function.is_none()
    }

    /// Ends it. May be repeated.
    pub(crate) fn cancel(&self) {
        // Dropped after the lock, as it is somebody else's.
        let State { function, alarm } = std::mem::take(&mut *lock(&self.state));
        if function.is_some() {
            self.owners.forget(self);
        }
        if let Some(alarm) = alarm {
            // One that rings just now finds the function gone.
            alarm.cancel(&Error::new(Code::Cancelled, "the timer is cancelled"));
        }
    }

    /// Sets the alarm for a time of the runtime's clock.
    fn set(self: &Arc<Timer>, due_ns: u64) {
        self.set_after(Duration::from_nanos(due_ns.saturating_sub(self.runtime.now_ns())));
    }

    fn set_after(self: &Arc<Timer>, wait: Duration) {
        let alarm = self.runtime.after(wait);
        {
            let mut state = lock(&self.state);
            if state.function.is_none() {
                drop(state);
                // With the promise goes the alarm.
                return drop(alarm);
            }
            state.alarm = Some(alarm.canceller());
        }
        let timer = Arc::clone(self);
        alarm.then(move |rung| {
            if rung.is_ok() {
                timer.post();
            }
        });
    }

    /// The alarm rings: its turn is sent to the home thread.
    fn post(self: &Arc<Timer>) {
        {
            let mut state = lock(&self.state);
            if state.function.is_none() {
                return;
            }
            // It has rung, and there is nothing of anybody else's in it.
            state.alarm = None;
        }
        let turn = Callable::new(Arc::new(Turn(Arc::clone(self))));
        let info = KeptInfo::new(self.runtime.clone(), None, self.facts);
        match self.runtime.post(self.home, &turn, &info, Args::new(&[])) {
            Ok(()) => {}
            Err(error) if error.code() == Code::Limit => self.set_after(TRY_AGAIN),
            // Its context is gone, and the timer with it.
            Err(_) => self.cancel(),
        }
    }

    /// The function, for a call; for the last one it is taken.
    fn take_turn(&self) -> Option<Callable> {
        if self.schedule.repeats() {
            return lock(&self.state).function.clone();
        }
        let function = lock(&self.state).function.take()?;
        self.owners.forget(self);
        Some(function)
    }

    /// A call has ended.
    fn rest(self: &Arc<Timer>) {
        if self.schedule.repeats() && !self.is_over() {
            self.set(self.schedule.next(self.runtime.now_ns()));
        }
    }
}

/// A timer's turn on its home thread: what the host calls there.
struct Turn(Arc<Timer>);

impl CallableType for Turn {
    /// What its function comes to; an error goes to the program's error handler.
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let Some(function) = self.0.take_turn() else { return Outcome::Ready(Value::Nil) };
        let timer = Arc::clone(&self.0);
        match function.call(info, args).settled() {
            Ok(result) => {
                timer.rest();
                result.into()
            }
            Err(completion) => {
                let (answer, finisher) = timer.runtime.internal_completion("a timer's function");
                completion.then(move |result| {
                    timer.rest();
                    // Nobody waits for it but the report.
                    let _ = finisher.finish(result);
                });
                Outcome::Pending(answer)
            }
        }
    }

    fn identity(&self) -> Identity {
        Identity { runtime: self.0.runtime.id(), context: self.0.home, key: self.0.number }
    }
}

/// A timer as scripts hold it: `cancel()`.
impl ObjectType for Timer {
    fn type_name(&self) -> &str {
        "timer"
    }

    fn members(&self) -> Value {
        // It has no defaults, so it is neither deep nor large.
        Descriptor::method("cancel").to_value().and_then(|cancel| Value::list([cancel])).unwrap_or_default()
    }

    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        match method {
            "cancel" if args.is_empty() => {
                self.cancel();
                Outcome::Ready(Value::Nil)
            }
            "cancel" => {
                let message = format!("timer.cancel: takes no arguments, got {}", args.len());
                Outcome::Failed(Error::new(Code::Arity, message))
            }
            _ => Outcome::Failed(Error::new(Code::NotFound, format!("a timer has no method '{method}'"))),
        }
    }
}
