//! Counts what can still make something happen, so that a program knows when it has ended.
//!
//! One each: an envelope that is not dispatched to its end, work for the pool that is not done, an
//! unfinished completion that someone outside may finish, a keep-alive guard. A thread that waits for
//! its mailbox counts as none. The count only reaches zero when nothing is left that could raise it
//! again, because whoever hands work on counts it before ceasing to count himself.

use std::sync::{Arc, OnceLock};

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::thread::Thread;

/// The count of one runtime.
#[derive(Default)]
pub(crate) struct Liveness {
    count: AtomicUsize,
    /// Told when the count reaches zero.
    watcher: OnceLock<Arc<Thread>>,
}

impl Liveness {
    pub(crate) fn watch(&self, host: Arc<Thread>) {
        // Set once, when the runtime is made.
        let _ = self.watcher.set(host);
    }

    #[inline]
    pub(crate) fn up(&self) {
        // ORDERING: relaxed suffices to raise, as the raiser is itself counted.
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn down(&self) {
        // ORDERING: release, so that who sees zero also sees what was done before.
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(watcher) = self.watcher.get()
        {
            watcher.mailbox.wake();
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_zero(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

/// One count, given back when it is dropped.
pub(crate) struct Counted(Arc<Liveness>);

impl Counted {
    pub(crate) fn new(liveness: &Arc<Liveness>) -> Counted {
        liveness.up();
        Counted(Arc::clone(liveness))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.down();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_given_back_when_it_is_dropped_and_zero_wakes_the_host() {
        let liveness = Arc::new(Liveness::default());
        let (thread, inbox) = Thread::new("host".into());
        liveness.watch(Arc::clone(&thread));
        let (one, two) = (Counted::new(&liveness), Counted::new(&liveness));
        drop(one);
        assert!(!liveness.is_zero());
        let waiter = std::thread::spawn({
            let liveness = Arc::clone(&liveness);
            // Only a wake-up, or a look at the right moment, lets this end.
            move || inbox.wait(&thread.mailbox, &|| liveness.is_zero(), None)
        });
        drop(two);
        assert!(matches!(waiter.join(), Ok(crate::mailbox::Mail::Ready)));
    }
}
