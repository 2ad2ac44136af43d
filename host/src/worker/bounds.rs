//! What ends a wait from outside: the deadline and the cancel token of the call that waits.
//!
//! Both race with the result for the completion, which has exactly one winner. While a deadline is
//! ahead, something can still happen: its alarm counts as alive.

use std::sync::Arc;

use calog_plugin_api::{CallInfo, CancelToken, Canceller, Code, Completion, Error};

use crate::core::Core;
use crate::liveness::Counted;
use crate::timers::Alarm;

/// The bounds of one wait, lifted when it is dropped.
pub(super) struct Bounds {
    /// Apart, for few waits have a deadline.
    alarm: Option<Box<(Arc<Core>, Alarm)>>,
    hook: Option<(CancelToken, u64)>,
}

impl Bounds {
    /// Sets the bounds that `info`'s call has; most have none.
    pub(super) fn set(core: &Arc<Core>, completion: &Completion, info: &CallInfo) -> Option<Bounds> {
        let (deadline, token) = (info.deadline_ns(), info.cancel_token());
        if deadline.is_none() && token.is_none() {
            return None;
        }
        let set = |deadline| Box::new((Arc::clone(core), set_alarm(core, completion.canceller(), deadline)));
        let hook = token.map(|token| set_hook(completion.canceller(), token));
        Some(Bounds { alarm: deadline.map(set), hook })
    }
}

fn set_alarm(core: &Arc<Core>, canceller: Canceller, deadline_ns: u64) -> Alarm {
    let counted = Counted::new(&core.liveness);
    let alarm = move || {
        canceller.ask(&Error::new(Code::Timeout, "the call's deadline has passed"));
        drop(counted);
    };
    core.timers.at(core.instant(deadline_ns), alarm)
}

fn set_hook(canceller: Canceller, token: &CancelToken) -> (CancelToken, u64) {
    let hook = token.on_cancel(move || {
        canceller.ask(&cancelled());
    });
    (token.clone(), hook)
}

/// What a wait comes to whose call was cancelled.
pub(super) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "task cancelled")
}

impl Drop for Bounds {
    fn drop(&mut self) {
        if let Some((core, alarm)) = self.alarm.as_deref() {
            core.timers.forget(*alarm);
        }
        if let Some((token, hook)) = &self.hook {
            token.forget(*hook);
        }
    }
}
