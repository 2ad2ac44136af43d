//! Says which program hangs, and ends the process: a hang cannot be caught otherwise.
//!
//! Nothing waits for it; it only watches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::program::Program;
use crate::search::describe;

/// A program takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

type Running = Arc<Mutex<Option<(Instant, u64, Program)>>>;

/// What one runner runs right now.
pub(crate) struct Watched(Running);

impl Watched {
    pub(crate) fn begin(&self, seed: u64, program: &Program) {
        *self.0.lock() = Some((Instant::now(), seed, program.clone()));
    }

    pub(crate) fn end(&self) {
        *self.0.lock() = None;
    }
}

/// Watches a new runner until that is gone.
pub(crate) fn watch() -> Watched {
    let running = Running::default();
    let seen = Arc::downgrade(&running);
    let look = move || {
        while let Some(running) = seen.upgrade() {
            if let Some((since, seed, program)) = &*running.lock()
                && since.elapsed() > PATIENCE
            {
                eprintln!("seed {seed} hangs\n\n{}", describe(program));
                std::process::abort();
            }
            drop(running);
            std::thread::sleep(Duration::from_millis(500));
        }
    };
    std::thread::Builder::new().name("watchdog".into()).spawn(look).expect("a thread");
    Watched(running)
}
