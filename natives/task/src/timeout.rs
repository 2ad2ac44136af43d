//! What ends a scope in time: its deadline cancels it, and after a grace what is left of it is ended.

use std::sync::{Arc, Weak};
use std::time::Duration;

use calog_plugin_api::prelude::*;
use calog_plugin_api::{Canceller, Milliseconds};

use crate::scope::Scope;
use crate::task::cancelled;

/// The limits of `with_timeout`.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) limit: Milliseconds,
    pub(crate) grace: Duration,
}

impl Limits {
    /// What the call fails with.
    pub(crate) fn exceeded(&self) -> Error {
        Error::new(Code::Timeout, format!("task.with_timeout: exceeded {} ms", self.limit.given))
    }
}

/// An alarm that was set; it does not ring any more once this is dropped.
pub(crate) struct Alarm(Canceller);

impl Alarm {
    /// Does something with the scope after some time, if it has not ended by then.
    pub(crate) fn set(scope: &Arc<Scope>, time: Duration, ring: fn(&Arc<Scope>)) -> Alarm {
        let scope_then: Weak<Scope> = Arc::downgrade(scope);
        let after = scope.runtime.after(time);
        let alarm = Alarm(after.canceller());
        after.then(move |rung| {
            if let (Ok(_), Some(scope)) = (rung, scope_then.upgrade()) {
                ring(&scope);
            }
        });
        alarm
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.0.cancel(&cancelled());
    }
}
