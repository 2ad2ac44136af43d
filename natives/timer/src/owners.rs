//! Which timers end with which context: those that it made, and those whose function it owns.
//!
//! Invariant: a timer that is not over is noted with all its owners, and each of these has been asked
//! to tell when it closes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::timer::Timer;

/// Timers by their numbers.
type Timers = HashMap<u64, Arc<Timer>>;

/// Room for so many timers is kept when they are over.
const KEPT_ROOM: usize = 64;

/// The timers of a runtime that are not over, by the contexts that they end with.
#[derive(Default)]
pub(crate) struct Owners(Mutex<HashMap<u64, Timers>>);

/// Nothing panics under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Owners {
    /// Notes a new timer. One whose owner has closed already is over when this returns.
    pub(crate) fn note(self: &Arc<Owners>, timer: &Arc<Timer>) {
        let mut unknown = Vec::new();
        {
            let mut contexts = lock(&self.0);
            for context in timer.owners() {
                let timers = contexts.entry(context).or_insert_with(|| {
                    unknown.push(context);
                    Timers::new()
                });
                timers.insert(timer.number, Arc::clone(timer));
            }
        }
        // A context stays known until it closes, so that it is asked to tell only once.
        for context in unknown {
            let owners = Arc::downgrade(self);
            timer.runtime.when_closed(context, move || {
                let timers = owners.upgrade().and_then(|owners| lock(&owners.0).remove(&context));
                end(timers.unwrap_or_default());
            });
        }
    }

    /// A timer is over.
    pub(crate) fn forget(&self, timer: &Timer) {
        let mut contexts = lock(&self.0);
        for context in timer.owners() {
            if let Some(timers) = contexts.get_mut(&context) {
                // Whoever calls this holds the timer, so nothing is dropped under the lock.
                timers.remove(&timer.number);
                if timers.len() < timers.capacity() / 4 {
                    timers.shrink_to((2 * timers.len()).max(KEPT_ROOM));
                }
            }
        }
    }

    /// At the end: all timers are over.
    pub(crate) fn clear(&self) {
        let contexts = std::mem::take(&mut *lock(&self.0));
        contexts.into_values().for_each(end);
    }
}

fn end(timers: Timers) {
    timers.into_values().for_each(|timer| timer.cancel());
}
