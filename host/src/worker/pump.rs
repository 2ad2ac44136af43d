//! Waiting in place: the thread serves its mailbox, nested, until the one result is there.
//!
//! After each envelope a wait looks at its own result first. While it waits its thread counts as
//! idle; whoever brings the result counts it as working again, so that the count of what can still
//! happen never drops to zero in between.

use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::{CallInfo, Canceller, Code, Completion, Error, Result, Value};

use super::Worker;
use crate::core::Core;
use crate::local::LocalContext;
use crate::mailbox::Mail;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A wait in place.
pub(super) struct Wait {
    pub(super) context: Option<Rc<LocalContext>>,
    pub(super) text: String,
    done: Arc<Landing>,
}

/// Where the result of a wait in place lands.
struct Landing {
    there: AtomicBool,
    result: Mutex<Option<Result<Value>>>,
}

impl Wait {
    /// Whether the result has landed, so that the wait only has to unwind.
    pub(super) fn is_over(&self) -> bool {
        self.done.there.load(Ordering::Acquire)
    }
}

impl Worker {
    /// Waits for a result, serving the mailbox meanwhile; its own result comes first.
    ///
    /// # Errors
    /// The result's; `depth`; `timeout` at the deadline; `dead` when the context is to stop.
    pub(crate) fn wait(
        self: &Rc<Worker>,
        context: Option<&Rc<LocalContext>>,
        completion: Completion,
        info: &CallInfo,
    ) -> Result<Value> {
        let completion = match completion.try_take() {
            Ok(result) => return result,
            Err(completion) => completion,
        };
        let _nested = self.nest()?;
        let _deadline = self.deadline(&completion, info);
        let canceller = completion.canceller();
        let text = completion.text();
        let landing = self.land(completion);
        self.waits.borrow_mut().push(Wait { context: context.cloned(), text, done: Arc::clone(&landing) });
        self.serve_until(&landing, context, &canceller);
        let mine = |wait: &Wait| Arc::ptr_eq(&wait.done, &landing);
        self.waits.borrow_mut().retain(|wait| !mine(wait));
        let result = landing.result.lock().take();
        // `there` is set after the result, and only this wait takes it.
        result.unwrap_or_else(|| Err(Error::new(Code::Dead, "the result was already taken")))
    }

    /// Has the result land here. From now on this thread does not count as working; whoever brings
    /// the result counts it again.
    fn land(&self, completion: Completion) -> Arc<Landing> {
        let landing = Arc::new(Landing { there: AtomicBool::new(false), result: Mutex::new(None) });
        let (thread, liveness, place) =
            (Arc::clone(&self.thread), Arc::clone(&self.core.liveness), Arc::clone(&landing));
        completion.then(move |result| {
            liveness.up();
            *place.result.lock() = Some(result);
            place.there.store(true, Ordering::Release);
            thread.mailbox.wake();
        });
        self.core.liveness.down();
        landing
    }

    /// Serves the mailbox until the result is there. When the context is to stop meanwhile, the wait
    /// is cancelled; then either the error has landed, or the result is landing just now.
    fn serve_until(self: &Rc<Worker>, landing: &Landing, context: Option<&Rc<LocalContext>>, canceller: &Canceller) {
        let there = || landing.there.load(Ordering::Acquire);
        let stopping = || context.is_some_and(|local| local.shared.stopping());
        self.serve(&|| there() || stopping());
        if !there() {
            canceller.cancel(&Error::new(Code::Dead, "the context is closing"));
            self.serve(&there);
        }
    }

    fn serve(self: &Rc<Worker>, ready: &dyn Fn() -> bool) {
        while let Mail::Parcel(parcel) = self.inbox.wait(&self.thread.mailbox, ready, None) {
            self.dispatch(parcel);
        }
    }

    /// Cancels a wait at its deadline, as long as the guard lives.
    pub(super) fn deadline(&self, completion: &Completion, info: &CallInfo) -> Option<Deadline> {
        let deadline_ns = info.deadline_ns()?;
        let canceller = completion.canceller();
        let alarm = Box::new(move || {
            canceller.cancel(&Error::new(Code::Timeout, "the call's deadline has passed"));
        });
        let number = self.core.timers.at(self.core.instant(deadline_ns), alarm);
        Some(Deadline { core: Arc::clone(&self.core), number })
    }
}

/// Takes the alarm of a deadline back when it is dropped.
pub(super) struct Deadline {
    core: Arc<Core>,
    number: u64,
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.core.timers.forget(self.number);
    }
}
