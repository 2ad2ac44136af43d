//! Where threads meet: what the primitives synchronise with comes from here, so that a checker can
//! take its place (`docs/contributing.md`, "Model checks").

#[cfg(all(test, calog_model = "shuttle"))]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread,
};
#[cfg(not(all(test, calog_model = "shuttle")))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, atomic},
    thread,
};

use std::sync::PoisonError;

/// Locks. A panic under a lock would be a defect of this crate, and leaves nothing half done: nobody
/// else's code runs there.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
