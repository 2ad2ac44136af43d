//! Threads for work that blocks: started as they are needed, few enough to name the number.

use std::sync::Arc;

use calog_plugin_api::host_side::Callback;

use crate::sync::Mutex;
use crate::sync::channel::{Receiver, Sender, unbounded};

use crate::joining::{Joinable, join_ended};
use crate::thread::Thread;

/// How many threads for blocking work a runtime has at most.
pub(crate) const MAX_BLOCKING_THREADS: usize = 16;

/// The pool of one runtime.
pub(crate) struct Pool {
    /// Whoever closes the runtime waits there.
    host: Arc<Thread>,
    state: Mutex<State>,
    queue: Receiver<Callback>,
}

struct State {
    /// Gone once the pool is stopped.
    sender: Option<Sender<Callback>>,
    threads: Vec<Joinable>,
    /// Threads that wait for work and are not spoken for.
    idle: usize,
}

impl Pool {
    pub(crate) fn new(host: &Arc<Thread>) -> Arc<Pool> {
        let (sender, queue) = unbounded();
        let state = State { sender: Some(sender), threads: Vec::new(), idle: 0 };
        Arc::new(Pool { host: Arc::clone(host), state: Mutex::new(state), queue })
    }

    /// Runs the work on a thread of the pool; here, when the system has no thread for it at all. After `stop` it is dropped, which answers its waiter.
    pub(crate) fn run(self: &Arc<Pool>, work: Callback) {
        let mut state = self.state.lock();
        let Some(sender) = &state.sender else { return };
        // The pool holds a receiver, so the queue takes it.
        let _ = sender.send(work);
        if state.idle > 0 {
            // One of those that wait is spoken for.
            state.idle -= 1;
        } else if state.threads.len() < MAX_BLOCKING_THREADS {
            let pool = Arc::clone(self);
            match Joinable::start("blocking", None, &self.host, move || pool.serve()) {
                Ok(thread) => state.threads.push(thread),
                Err(error) => {
                    tracing::error!("a thread for blocking work could not be started: {error}");
                    if state.threads.is_empty() {
                        drop(state);
                        self.serve_here();
                    }
                }
            }
        }
    }

    /// Does what is queued on the caller's thread, however long that takes: nobody else would.
    fn serve_here(&self) {
        while let Ok(work) = self.queue.try_recv() {
            work.ring();
        }
    }

    fn serve(&self) {
        while let Ok(work) = self.queue.recv() {
            work.ring();
            self.state.lock().idle += 1;
        }
    }

    /// Takes no more work; threads end when they have done what they are at. Work that no thread has
    /// begun is dropped, which answers its waiter.
    pub(crate) fn stop(&self) {
        self.state.lock().sender = None;
        while let Ok(work) = self.queue.try_recv() {
            drop(work);
        }
    }

    /// Joins the threads that have ended; gives the number of those that have not.
    pub(crate) fn join_ended(&self) -> usize {
        let mut state = self.state.lock();
        join_ended(&mut state.threads);
        state.threads.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn work_that_waits_for_other_work_has_a_thread_of_its_own() {
        let (host, _inbox) = Thread::new("host".into());
        let pool = Pool::new(&host);
        for _ in 0..2 * MAX_BLOCKING_THREADS {
            let (give, take) = channel();
            let (end, ended) = channel();
            // The first can only end when the second runs beside it.
            pool.run(Callback::new(move |_| {
                take.recv().expect("the second one gives");
                end.send(()).expect("the test waits");
            }));
            pool.run(Callback::new(move |_| give.send(()).expect("the first one takes")));
            ended.recv().expect("the first one ends");
        }
        pool.stop();
    }
}
