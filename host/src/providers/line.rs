//! Acts one after another on one thread, each waited for within a limit. A thread whose act does not end
//! is given up: should it end one day, it begins no other.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::Result;
use super::job::Job;
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex};

/// A provider's code.
pub(super) type Act = Box<dyn FnOnce() -> Result<()> + Send>;

/// Acts, as whoever waits for them sees them.
pub(super) struct Line {
    progress: Arc<Progress>,
    job: Job,
}

struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What the acts came to that have ended and were not asked for.
    results: VecDeque<Result<()>>,
    given_up: bool,
}

impl Line {
    /// Starts a thread of this name that does these.
    ///
    /// # Errors
    /// The system's, when it has no more threads.
    pub(super) fn start(name: &str, acts: Vec<Act>) -> io::Result<Line> {
        let progress = Arc::new(Progress { state: Mutex::default(), changed: Condvar::new() });
        let tells = Arc::clone(&progress);
        let work = move || {
            for act in acts {
                if tells.state.lock().given_up {
                    return;
                }
                let result = act();
                tells.state.lock().results.push_back(result);
                tells.changed.notify_all();
            }
        };
        Job::start(name, work).map(|job| Line { progress, job })
    }

    /// What the next act comes to. `None` when it does not end until then: then no other is begun.
    pub(super) fn next(&self, until: Instant) -> Option<Result<()>> {
        let mut state = self.progress.state.lock();
        while state.results.is_empty() && Instant::now() < until {
            self.progress.changed.wait_until(&mut state, until);
        }
        let result = state.results.pop_front();
        state.given_up |= result.is_none();
        result
    }

    /// All acts have ended: the thread does, too.
    pub(super) fn join(self) {
        self.job.join();
    }
}
