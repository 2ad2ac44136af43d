//! Says which program hangs, and ends the process: a hang cannot be caught otherwise.
//!
//! Nothing waits for it; it only watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::program::Program;
use crate::search::describe;

/// A program takes some milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Running {
    program: Mutex<Option<(Instant, u64, Program)>>,
    is_over: AtomicBool,
}

/// What one runner runs right now, watched as long as this lives.
pub(crate) struct Watched {
    running: Arc<Running>,
    thread: Option<JoinHandle<()>>,
}

impl Watched {
    /// Watches a new runner.
    pub(crate) fn new() -> Watched {
        let running = Arc::new(Running::default());
        let seen = Arc::clone(&running);
        let thread = std::thread::Builder::new().name("watchdog".into()).spawn(move || watch(&seen));
        Watched { running, thread: Some(thread.expect("a thread")) }
    }

    pub(crate) fn begin(&self, seed: u64, program: &Program) {
        *self.running.program.lock() = Some((Instant::now(), seed, program.clone()));
    }

    pub(crate) fn end(&self) {
        *self.running.program.lock() = None;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.running.is_over.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It cannot panic, and if it did the programs would be no worse.
            let _ = thread.join();
        }
    }
}

fn watch(running: &Running) {
    while !running.is_over.load(Ordering::Acquire) {
        if let Some((since, seed, program)) = &*running.program.lock()
            && since.elapsed() > PATIENCE
        {
            eprintln!("seed {seed} hangs\n\n{}", describe(program));
            std::process::abort();
        }
        std::thread::park_timeout(EVERY);
    }
}
