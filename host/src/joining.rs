//! Threads that a closing runtime waits for, within a limit.
//!
//! A thread says that its work has ended and wakes the host thread, which may then join it without
//! waiting for more than the thread's last few instructions.

use std::io;
use std::sync::Arc;

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::thread::{self, JoinHandle};
use crate::thread::Thread;

/// A thread that was started and is to be joined.
pub(crate) struct Joinable {
    pub(crate) name: String,
    ended: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

impl Joinable {
    /// Starts a thread; `host` is woken when its work has ended. Its stack is the system's usual one
    /// or of so many bytes.
    ///
    /// # Errors
    /// The system's, when it has no more threads.
    pub(crate) fn start(
        name: &str,
        stack_bytes: Option<usize>,
        host: &Arc<Thread>,
        work: impl FnOnce() + Send + 'static,
    ) -> io::Result<Joinable> {
        let ended = Arc::new(AtomicBool::new(false));
        let end = End { ended: Arc::clone(&ended), host: Arc::clone(host) };
        // The system's names have no zero bytes.
        let builder = thread::Builder::new().name(format!("calog {name}").replace('\0', "?"));
        let builder = stack_bytes.into_iter().fold(builder, thread::Builder::stack_size);
        let handle = builder.spawn(move || {
            let _end = end;
            work();
        })?;
        Ok(Joinable { name: name.to_owned(), ended, handle })
    }

    /// Whether its work has ended, so that joining it takes no time.
    pub(crate) fn has_ended(&self) -> bool {
        // ORDERING: pairs with the store in `End`, so that what the thread did is seen.
        self.ended.load(Ordering::Acquire)
    }

    /// Joins it.
    pub(crate) fn join(self) {
        if self.handle.join().is_err() {
            tracing::error!("thread '{}' panicked; this is a defect of calog", self.name);
        }
    }
}

/// Says so when a thread's work ends, also by a panic.
struct End {
    ended: Arc<AtomicBool>,
    host: Arc<Thread>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        self.host.mailbox.wake();
    }
}

/// Joins those that have ended and keeps the others.
pub(crate) fn join_ended(threads: &mut Vec<Joinable>) {
    for at in (0..threads.len()).rev() {
        if threads[at].has_ended() {
            threads.swap_remove(at).join();
        }
    }
}
