//! Threads for work that blocks: started as they are needed, few enough to name the number.

use std::sync::Arc;

use calog_plugin_api::host_side::Callback;

use crate::sync::channel::{Receiver, Sender, unbounded};
use crate::sync::{Mutex, thread};

/// How many threads for blocking work a runtime has at most.
pub(crate) const MAX_BLOCKING_THREADS: usize = 16;

/// The pool of one runtime.
pub(crate) struct Pool {
    state: Mutex<State>,
    queue: Receiver<Callback>,
}

struct State {
    /// Gone once the pool is stopped.
    sender: Option<Sender<Callback>>,
    threads: usize,
    /// Threads that wait for work and are not spoken for.
    idle: usize,
}

impl Pool {
    pub(crate) fn new() -> Arc<Pool> {
        let (sender, queue) = unbounded();
        Arc::new(Pool { state: Mutex::new(State { sender: Some(sender), threads: 0, idle: 0 }), queue })
    }

    /// Runs the work on a thread of the pool. After `stop` it is dropped, which answers its waiter.
    pub(crate) fn run(self: &Arc<Pool>, work: Callback) {
        let mut state = self.state.lock();
        let Some(sender) = &state.sender else { return };
        // The pool holds a receiver, so the queue takes it.
        let _ = sender.send(work);
        if state.idle > 0 {
            // One of those that wait is spoken for.
            state.idle -= 1;
        } else if state.threads < MAX_BLOCKING_THREADS {
            let pool = Arc::clone(self);
            match thread::Builder::new().name("calog blocking".into()).spawn(move || pool.serve()) {
                Ok(_) => state.threads += 1,
                Err(error) => tracing::error!("a thread for blocking work could not be started: {error}"),
            }
        }
    }

    fn serve(&self) {
        while let Ok(work) = self.queue.recv() {
            work.ring();
            self.state.lock().idle += 1;
        }
    }

    /// Takes no more work; threads end when they have done what they are at.
    pub(crate) fn stop(&self) {
        self.state.lock().sender = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn work_that_waits_for_other_work_has_a_thread_of_its_own() {
        let pool = Pool::new();
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
