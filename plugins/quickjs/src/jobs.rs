//! Who runs the microtasks, and what becomes of rejections nobody handles.
//!
//! Every entry ends by running the queue until it is empty, nested entries too. What is still
//! unhandled when the outermost entry has done so is reported.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use calog_plugin_api::CallInfo;
use rquickjs::{Ctx, Value as Js};

use crate::errors;
use crate::ffi::{self, Pin};
use crate::realm::Realm;

/// Rejected promises without a handler, with their reasons.
#[derive(Default)]
pub(crate) struct Rejections(RefCell<Vec<(Pin, Pin)>>);

impl Rejections {
    /// What QuickJS tells of a promise.
    pub(crate) fn track(&self, promise: &Js<'_>, reason: &Js<'_>, handled: bool) {
        if handled {
            self.forget(promise);
        } else {
            self.0.borrow_mut().push((Pin::new(promise), Pin::new(reason)));
        }
    }

    /// Somebody looks after this promise.
    pub(crate) fn forget(&self, promise: &Js<'_>) {
        let address = ffi::address(promise);
        let mut list = self.0.borrow_mut();
        let gone = list.iter().position(|(promise, _)| promise.address() == address).map(|at| list.swap_remove(at));
        drop(list);
        // Freed outside the borrow, as that may run finalizers.
        drop(gone);
    }

    #[inline]
    fn are_none(&self) -> bool {
        self.0.borrow().is_empty()
    }

    fn take(&self) -> Vec<(Pin, Pin)> {
        std::mem::take(&mut *self.0.borrow_mut())
    }

    pub(crate) fn clear(&self) {
        drop(self.take());
    }
}

/// Runs an entry: its code, then the jobs it left, then the reports.
#[inline(always)]
pub(crate) fn entry<R>(realm: &Realm, info: &CallInfo, code: impl FnOnce(&Ctx<'_>) -> R) -> R {
    realm.info.during(info, || {
        let _nesting = Nesting::of(realm);
        ffi::enter(realm, |ctx| {
            let result = code(ctx);
            if ffi::has_jobs(realm) {
                run_jobs(realm);
                end_jobs(realm);
            }
            if realm.memory.is_starved() {
                let none_is_left = realm.promises.end_stranded(|| errors::stranded(realm));
                if none_is_left && realm.entries.get() == 1 {
                    realm.memory.forget_starved();
                }
            }
            if realm.entries.get() == 1 && !realm.rejections.are_none() {
                report_rejections(realm, ctx);
            }
            realm.clear_graves();
            if let Some(panic) = realm.take_panic() {
                std::panic::resume_unwind(panic);
            }
            result
        })
    })
}

/// Runs the queue until it is empty, or the context is to stop: jobs that make new jobs would never end.
pub(crate) fn run_jobs(realm: &Realm) {
    while !realm.host.stopping()
        && let Some(result) = ffi::run_job(realm)
    {
        match result {
            // What was stopped is no failure of the script's.
            Err(error) if !realm.host.stopping() => realm.report(&error),
            _ => {}
        }
    }
}

/// Jobs of an aborted call that are run for it to end in.
const LAST_JOBS: u32 = 10_000;

/// So long they may take to end by themselves, each in the time until the interpreter looks at the flag.
/// Then whatever they call fails.
const LAST_JOBS_TIME: Duration = Duration::from_millis(20);

/// Has the jobs that an aborted call has left end at once, so that no other call runs them: the stop flag
/// is up, so each ends at the first native that it calls, or when it is interrupted.
fn end_jobs(realm: &Realm) {
    if !realm.host.aborting() {
        return;
    }
    let until = Instant::now() + LAST_JOBS_TIME;
    let mut no_calls = None;
    for _ in 0..LAST_JOBS {
        if !realm.host.aborting() || ffi::run_job(realm).is_none() {
            return;
        }
        if no_calls.is_none() && Instant::now() >= until {
            no_calls = Some(ffi::NoCalls::of(realm.context));
        }
    }
}

#[cold]
fn report_rejections(realm: &Realm, ctx: &Ctx<'_>) {
    let rejections = realm.rejections.take();
    if realm.host.stopping() {
        return;
    }
    for (_promise, reason) in rejections {
        let error = errors::of_exception(realm, &reason.get(ctx));
        realm.report(&error);
    }
}

/// Counts the entries on the stack.
struct Nesting<'r>(&'r Realm);

impl Nesting<'_> {
    fn of(realm: &Realm) -> Nesting<'_> {
        realm.entries.set(realm.entries.get() + 1);
        Nesting(realm)
    }
}

impl Drop for Nesting<'_> {
    fn drop(&mut self) {
        self.0.entries.set(self.0.entries.get() - 1);
    }
}
