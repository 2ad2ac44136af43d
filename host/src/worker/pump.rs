//! Waiting in place: the thread serves its mailbox, nested, until the one result is there.
//!
//! After each envelope a wait looks at its own result first. Waits on one stack unwind last in,
//! first out.
//!
//! Invariant: a thread that serves an empty mailbox is not counted among what can still make
//! something happen. Whoever brings the result of the wait on top counts the thread as working
//! again, before ceasing to count himself. A result that lands below the top counts for nothing
//! until its wait is on top again, since nobody can act on it before.

use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::{CallInfo, Canceller, Code, Completion, Error, Result, Value};

use super::Worker;
use super::bounds::Bounds;
use crate::interrupt::{Away, Debt};
use crate::limits::{self, Paused};
use crate::liveness::Liveness;
use crate::local::LocalContext;
use crate::mailbox::Mail;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A wait in place.
pub(super) struct Wait {
    context: Option<Rc<LocalContext>>,
    canceller: Canceller,
    landing: Arc<Landing>,
}

/// Where the result of a wait in place lands.
#[derive(Default)]
pub(crate) struct Landing {
    there: AtomicBool,
    state: Mutex<Landed>,
}

#[derive(Default)]
struct Landed {
    result: Option<Result<Value>>,
    /// Whether another wait lies on top of this one.
    buried: bool,
    /// Whether the thread is counted as working on the result.
    counted: bool,
}

impl Landing {
    fn is_there(&self) -> bool {
        // ORDERING: pairs with the store in `land`; the result itself is under the lock.
        self.there.load(Ordering::Acquire)
    }

    /// The result is there. Whether the thread can act on it.
    fn land(&self, result: Result<Value>, liveness: &Liveness) -> bool {
        let mut state = self.state.lock();
        state.result = Some(result);
        state.counted = !state.buried;
        if state.counted {
            liveness.up();
        }
        // ORDERING: release, so that who sees it finds the count raised.
        self.there.store(true, Ordering::Release);
        state.counted
    }

    /// Another wait comes on top. The thread, which is at work, is counted otherwise.
    pub(crate) fn bury(&self, liveness: &Liveness) {
        let was_counted = {
            let mut state = self.state.lock();
            state.buried = true;
            std::mem::take(&mut state.counted)
        };
        if was_counted {
            liveness.down();
        }
    }

    /// It is on top again. The thread, which is at work, is counted otherwise.
    pub(crate) fn surface(&self, liveness: &Liveness) {
        let mut state = self.state.lock();
        state.buried = false;
        if state.result.is_some() && !state.counted {
            state.counted = true;
            liveness.up();
        }
    }
}

impl Wait {
    /// Who waits, and the end of the promise that says for what.
    pub(super) fn who(&self) -> (Option<Rc<LocalContext>>, Canceller) {
        (self.context.clone(), self.canceller.clone())
    }

    /// Whether the result has landed, so that the wait only has to unwind.
    pub(super) fn is_over(&self) -> bool {
        self.landing.is_there()
    }
}

impl Worker {
    /// Waits for a result, serving the mailbox meanwhile; its own result comes first.
    ///
    /// # Errors
    /// The result's; `depth`; `timeout` at the deadline; `cancelled` by the call's token; `dead` when
    /// the context is to stop.
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
        let _bounds = Bounds::set(&self.core, &completion, info);
        let canceller = completion.canceller();
        let landing = Arc::new(Landing::default());
        let wait = Wait { context: context.cloned(), canceller: canceller.clone(), landing: Arc::clone(&landing) };
        self.push_wait(wait);
        self.land(completion, &landing);
        let paused = self.pause();
        {
            let debt = Debt::wait(&canceller, &landing);
            let (_owing, _away) = (debt.owe(), Away::go());
            self.serve_until(&landing, context, &canceller);
        }
        self.go_on(paused);
        self.pop_wait();
        let result = landing.state.lock().result.take();
        // `there` is set with the result, and only this wait takes it.
        result.unwrap_or_else(|| Err(Error::new(Code::Dead, "the result was already taken")))
    }

    /// Code of this thread's contexts that is on the stack does not run, and its time does not pass.
    fn pause(&self) -> Vec<(Rc<LocalContext>, Paused)> {
        if !limits::are_in_use() {
            return Vec::new();
        }
        let contexts = self.contexts.borrow();
        let pause = |local: &Rc<LocalContext>| Some((Rc::clone(local), local.time.as_ref()?.pause()));
        contexts.values().filter_map(pause).collect()
    }

    fn go_on(&self, paused: Vec<(Rc<LocalContext>, Paused)>) {
        for (local, paused) in paused {
            if let Some(time) = &local.time {
                time.go_on(paused);
            }
        }
    }

    fn push_wait(&self, wait: Wait) {
        let mut waits = self.waits.borrow_mut();
        if let Some(below) = waits.last() {
            below.landing.bury(&self.core.liveness);
        }
        waits.push(wait);
    }

    fn pop_wait(&self) {
        let mut waits = self.waits.borrow_mut();
        // Dropped after the borrow: it may be the last to hold its context.
        let _over = waits.pop();
        if let Some(below) = waits.last() {
            below.landing.surface(&self.core.liveness);
        }
        drop(waits);
    }

    /// Has the result land. From now on this thread does not count as working; whoever brings the
    /// result counts it again.
    fn land(&self, completion: Completion, landing: &Arc<Landing>) {
        let (core, thread, place) = (Arc::clone(&self.core), Arc::clone(&self.thread), Arc::clone(landing));
        completion.then(move |result| {
            if !place.land(result, &core.liveness) {
                tracing::debug!("a wait on thread '{}' is over, but lies below another that is not", thread.name);
            }
            thread.mailbox.wake();
        });
        self.core.liveness.down();
    }

    /// Serves the mailbox until the result is there. When the context is to stop meanwhile, the wait
    /// is cancelled; then either the error has landed, or the result is landing just now.
    fn serve_until(self: &Rc<Worker>, landing: &Landing, context: Option<&Rc<LocalContext>>, canceller: &Canceller) {
        let stopping = || context.is_some_and(|local| local.shared.stopping());
        self.serve(&|| landing.is_there() || stopping());
        if !landing.is_there() {
            canceller.cancel(&Error::new(Code::Dead, "the context is closing"));
            self.serve(&|| landing.is_there());
        }
    }

    fn serve(self: &Rc<Worker>, ready: &dyn Fn() -> bool) {
        while let Mail::Parcel(parcel) = self.inbox.wait(&self.thread.mailbox, ready, None) {
            self.dispatch(parcel);
        }
    }
}
