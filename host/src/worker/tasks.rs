//! Suspended tasks and watched completions: the waits that leave the thread free.
//!
//! Invariant: a key is in `waits` from the moment something is waited for until the context is
//! resumed with the result, cancelled or ended; so each result resumes at most once.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::host_side::Entered;
use calog_plugin_api::{CallInfo, CancelToken, Code, Completion, Error, Outcome, Result, TaskKey, Value, WaitKey};

use super::bounds::{Bounds, cancelled};
use super::{Worker, answer};
use crate::context::State;
use crate::envelope::Envelope;
use crate::ids::ContextId;
use crate::interrupt::Debt;
use crate::local::{LocalContext, check_aborted};
use crate::sync::time::Instant;
use crate::waits::{Task, Wait, Who};

impl Worker {
    /// What an entry's answer means for its caller.
    #[inline(always)]
    pub(super) fn after(
        self: &Rc<Worker>,
        local: &Rc<LocalContext>,
        entered: Result<Entered>,
        info: &CallInfo,
    ) -> Outcome {
        match entered {
            Ok(Entered::Done(outcome)) => unless_aborted(info, outcome),
            Ok(waits) => self.pending(local, waits, info),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// The promise of what a task that waits, or gave way, comes to.
    fn pending(self: &Rc<Worker>, local: &Rc<LocalContext>, waits: Entered, info: &CallInfo) -> Outcome {
        let (key, counted) = match &waits {
            Entered::Done(_) => (None, Ok(None)),
            Entered::Waiting(key, _) | Entered::Yielded(key, _) => (Some(*key), local.count_task()),
        };
        let counted = match counted {
            Ok(counted) => counted,
            Err(error) => {
                // What it waits for is let go with it.
                drop(waits);
                key.into_iter().for_each(|key| local.abandon(WaitKey(key.0)));
                return Outcome::Failed(error);
            }
        };
        let (completion, finisher) = self.core.promise(local.shared.call_text.clone(), false);
        let task = Task { finisher, info: info.keep(), _counted: counted };
        match waits {
            Entered::Waiting(key, on) => self.suspend(local, key, on, task),
            Entered::Yielded(key, value) => self.give_way(local, key, &value, task),
            Entered::Done(outcome) => return outcome,
        }
        Outcome::Pending(completion)
    }

    fn suspend(&self, local: &Rc<LocalContext>, key: TaskKey, on: Completion, task: Task) {
        let info = task.info.clone();
        self.wait_for(local, on, WaitKey(key.0), &info, Who::Task(task));
    }

    /// A task that gave way is resumed in its turn, or after so many milliseconds.
    fn give_way(&self, local: &Rc<LocalContext>, key: TaskKey, value: &Value, task: Task) {
        let result = match time_of(value) {
            Ok(Some(time)) => {
                let turn = self.core.sleep_until(Instant::now() + time);
                return self.suspend(local, key, turn, task);
            }
            Ok(None) if task.info.is_cancelled() => Err(cancelled()),
            Ok(None) => Ok(Value::Nil),
            Err(error) => Err(error),
        };
        let key = WaitKey(key.0);
        local.shared.waits.note(key, Wait { canceller: None, who: Who::Task(task) });
        self.core.send(&self.thread, Envelope::Resume { context: local.shared.id, key, result });
    }

    /// Has a context resumed once a completion is finished.
    pub(crate) fn watch(&self, local: &Rc<LocalContext>, completion: Completion, key: WaitKey, info: &CallInfo) {
        self.wait_for(local, completion, key, info, Who::Code(info.cancel_token().cloned()));
    }

    fn wait_for(&self, local: &LocalContext, completion: Completion, key: WaitKey, info: &CallInfo, who: Who) {
        let bounds = Bounds::set(&self.core, &completion, info);
        local.shared.waits.note(key, Wait { canceller: Some(completion.canceller()), who });
        let context = Arc::clone(&local.shared);
        completion.then(move |result| {
            drop(bounds);
            let resume = Envelope::Resume { context: context.id, key, result };
            context.core.send(&context.thread, resume);
        });
    }

    pub(super) fn resume(self: &Rc<Worker>, context: ContextId, key: WaitKey, result: Result<Value>) {
        let Some(local) = self.local(context) else { return };
        if local.shared.state() != State::Open {
            // Its tasks are answered when it ends, which is as soon as none of its code is on the stack.
            return;
        }
        // Before the entry: its caller is answered with what comes of this, and the engine may give the
        // number to another task.
        let who = local.shared.waits.take(key);
        let token = who.as_ref().and_then(Who::token);
        if let Some(Err(error)) = token.map(check_aborted) {
            local.abandon(key);
            let task = who.and_then(Who::task);
            return task.into_iter().for_each(|task| answer(Outcome::Failed(error.clone()), task.finisher));
        }
        let entered = {
            let debt = who.as_ref().and_then(Who::answer).map(Debt::answer);
            let _owing = debt.as_ref().map(Debt::owe);
            local.enter(token, |handle| handle.resume(key, result))
        };
        let aborted = token.is_some_and(CancelToken::is_aborted);
        if entered.as_ref().is_err_and(|error| aborted || error.code() == Code::Limit) {
            // Just now, or for want of time; maybe before the engine was entered.
            local.abandon(key);
        }
        let Some(task) = who.and_then(Who::task) else {
            // What an aborted call comes to is nobody's failure.
            if !aborted {
                self.after_watch(context, entered);
            }
            return;
        };
        match entered {
            Ok(Entered::Done(outcome)) => answer(unless_aborted(&task.info, outcome), task.finisher),
            Ok(Entered::Waiting(key, on)) => self.suspend(&local, key, on, task),
            Ok(Entered::Yielded(key, value)) => self.give_way(&local, key, &value, task),
            Err(error) => answer(Outcome::Failed(error), task.finisher),
        }
    }

    /// What was resumed was no task, but something an engine watches: a promise, say.
    fn after_watch(&self, context: ContextId, entered: Result<Entered>) {
        match entered {
            Ok(Entered::Done(Outcome::Failed(error))) | Err(error) => self.core.report(context, error),
            Ok(Entered::Done(_)) => {}
            Ok(Entered::Waiting(..) | Entered::Yielded(..)) => {
                let error = Error::new(Code::Unsupported, "an engine suspended a task that nobody called");
                self.core.report(context, error);
            }
        }
    }
}

/// What an entry came to; one that was aborted meanwhile came to nothing else.
#[inline(always)]
fn unless_aborted(info: &CallInfo, outcome: Outcome) -> Outcome {
    match info.cancel_token().map(check_aborted) {
        Some(Err(error)) => Outcome::Failed(error),
        _ => outcome,
    }
}

/// The longest sleep: some centuries are as good as for ever, and can be added to any time.
const LONGEST_SLEEP: Duration = Duration::from_nanos(1 << 62);

/// How long a task that gave way with this value sleeps; none goes on in its turn.
///
/// # Errors
/// `type` for a value that is no number, `range` for a time that is none.
fn time_of(value: &Value) -> Result<Option<Duration>> {
    let view = value.view();
    if view.is_nil() {
        return Ok(None);
    }
    let Some(milliseconds) = view.as_number() else {
        let kind = view.kind().name();
        return Err(Error::new(Code::Type, format!("a task gives way with nil or milliseconds to sleep, not {kind}")));
    };
    Duration::try_from_secs_f64(milliseconds / 1e3)
        .map(|time| Some(time.min(LONGEST_SLEEP)))
        .map_err(|_| Error::new(Code::Range, format!("a task cannot sleep {milliseconds} ms")))
}
