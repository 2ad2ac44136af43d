//! What a context is to be resumed for: its suspended tasks, and what its engine watches.
//!
//! Its own thread notes and takes; another reads only when that thread is lost (`lost.rs`), so the lock is
//! there for the end alone and nobody ever waits for it.

use calog_plugin_api::{CancelToken, Canceller, Code, Error, Finisher, KeptInfo, KeyMap, WaitKey};

use crate::limits::Taken;
use crate::sync::Mutex;

/// A suspended task.
pub(crate) struct Task {
    /// Who gets its result.
    pub(crate) finisher: Finisher,
    pub(crate) info: KeptInfo,
    /// It counts among those of its context, if they are limited.
    pub(crate) _counted: Option<Taken>,
}

/// Something that the context is to be resumed for. There may be very many.
pub(crate) struct Wait {
    /// Ends it; a task that is only to have its turn waits for nothing.
    pub(crate) canceller: Option<Canceller>,
    pub(crate) who: Who,
}

/// Who waits.
pub(crate) enum Who {
    /// A suspended task.
    Task(Task),
    /// Code that the engine sees to, such as that behind a promise; with its call's token.
    Code(Option<CancelToken>),
}

impl Who {
    /// The token of the call that waits.
    pub(crate) fn token(&self) -> Option<&CancelToken> {
        match self {
            Who::Task(task) => task.info.cancel_token(),
            Who::Code(token) => token.as_ref(),
        }
    }

    /// Who is to be told what a suspended task comes to.
    pub(crate) fn answer(&self) -> Option<&Finisher> {
        match self {
            Who::Task(task) => Some(&task.finisher),
            Who::Code(_) => None,
        }
    }

    /// The suspended task, if it is one.
    pub(crate) fn task(self) -> Option<Task> {
        match self {
            Who::Task(task) => Some(task),
            Who::Code(_) => None,
        }
    }
}

/// The waits of one context, by their keys.
#[derive(Default)]
pub(crate) struct Waits(Mutex<KeyMap<u64, Wait>>);

impl Waits {
    /// Notes a wait from now on.
    pub(crate) fn note(&self, key: WaitKey, wait: Wait) {
        let mut waits = self.0.lock();
        if let (Some(before @ Wait { who: Who::Task(_), .. }), Who::Code(_)) = (waits.get_mut(&key.0), &wait.who) {
            // An engine that watches under a task's number: the task is resumed with what comes first.
            before.canceller = wait.canceller;
            return;
        }
        let replaced = waits.insert(key.0, wait);
        drop(waits);
        if let Some(replaced) = replaced.and_then(|wait| wait.who.task()) {
            let error = Error::new(Code::Dead, "the engine has given the number of this task to another");
            // A caller that left is no loss.
            let _ = replaced.finisher.finish(Err(error));
        }
    }

    /// Who waits under this key, and does no longer.
    pub(crate) fn take(&self, key: WaitKey) -> Option<Who> {
        self.0.lock().remove(&key.0).map(|wait| wait.who)
    }

    /// By which the waits are ended, with their keys.
    pub(crate) fn cancellers(&self) -> Vec<(u64, Canceller)> {
        self.0.lock().iter().filter_map(|(key, wait)| Some((*key, wait.canceller.clone()?))).collect()
    }

    /// Ends all waits and tells the callers of suspended tasks.
    pub(crate) fn fail(&self, error: &Error) {
        let waits = std::mem::take(&mut *self.0.lock());
        // One that has its result meanwhile resumes nobody any more.
        waits.values().flat_map(|wait| &wait.canceller).for_each(|canceller| _ = canceller.cancel(error));
        for task in waits.into_values().filter_map(|wait| wait.who.task()) {
            // A caller that left is no loss.
            let _ = task.finisher.finish(Err(error.clone()));
        }
    }
}
