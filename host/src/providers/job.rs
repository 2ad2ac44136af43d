//! A thread that is waited for within a limit, and left alone when it does not end.

use std::io;
use std::sync::Arc;

use crate::sync::thread::{self, JoinHandle};
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex};

/// A thread that was started.
pub(super) struct Job {
    ended: Arc<Ended>,
    handle: JoinHandle<()>,
}

/// Whether a job's work has ended.
struct Ended {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl Job {
    /// Starts a thread of this name.
    ///
    /// # Errors
    /// The system's, when it has no more threads.
    pub(super) fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Job> {
        let ended = Arc::new(Ended { ended: Mutex::new(false), changed: Condvar::new() });
        let says = Says(Arc::clone(&ended));
        // The system's names have no zero bytes.
        let builder = thread::Builder::new().name(format!("calog {name}").replace('\0', "?"));
        let handle = builder.spawn(move || {
            let _says = says;
            work();
        })?;
        Ok(Job { ended, handle })
    }

    /// Waits for its end until then. Whether it has come.
    pub(super) fn wait_until(&self, until: Instant) -> bool {
        let mut ended = self.ended.ended.lock();
        while !*ended && Instant::now() < until {
            self.ended.changed.wait_until(&mut ended, until);
        }
        *ended
    }

    /// Joins it; to be done when it has ended, as it takes no time then.
    pub(super) fn join(self) {
        if self.handle.join().is_err() {
            tracing::error!("a provider's thread panicked; this is a defect of calog");
        }
    }
}

/// Says so when a job's work ends, also by a panic.
struct Says(Arc<Ended>);

impl Drop for Says {
    fn drop(&mut self) {
        *self.0.ended.lock() = true;
        self.0.changed.notify_all();
    }
}
