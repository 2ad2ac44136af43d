//! Looks after threads whose code was told to stop, until it has: they get a beat, an interrupt more, now
//! and then, and whoever has heard enough of them and runs on is lost.
//!
//! What a beat finds is noted by the thread itself, in the signal's handler (`interrupt.rs`), so a thread
//! that the machine has no time for is not taken for a deaf one. Where the code has just left off being
//! interruptible (a finaliser that began meanwhile), the next beat reaches it.
//!
//! Invariant: a thread is watched from the moment something on its stack is told to stop until a beat that
//! was sent later finds nothing of the sort. A thread that is lost stays lost.

use std::sync::Arc;
use std::time::Duration;

use crate::core::Core;
use crate::lost::{self, Owed};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use crate::sync::time::Instant;
use crate::thread::Thread;

/// From one beat to the next.
const BEAT: Duration = Duration::from_millis(10);

/// So many beats, half a second, code may hear and run on: what engines cannot interrupt, such as
/// collecting a large heap, takes that long when it is honest.
const DEAF_BEATS: u32 = if cfg!(any(calog_model = "shuttle", calog_model = "loom")) { 2 } else { 50 };

/// The same at an interpreter's end, which may have gigabytes to free: as long as closing may take.
const LAST_BEATS: u32 = 500;

/// So many beats go by before what an interpreter runs at its end is interrupted.
const SPARED_BEATS: u32 = 4;

/// What a thread has heard. Written by the thread, in signal handlers too, but for what says otherwise.
#[derive(Default)]
pub(crate) struct Pulse {
    /// A beat was sent, and not heard. Raised by the vigil.
    awaited: AtomicBool,
    /// Whether anything on the stack was told to stop, by the last beat.
    told: AtomicBool,
    /// How many beats the code on top has heard in vain.
    deaf: AtomicU32,
    /// Whether an interpreter ends on top.
    ending: AtomicBool,
    lost: AtomicBool,
    /// Which context's code was deaf: the address of its stop flag.
    culprit: AtomicUsize,
    /// Whether the vigil has it in its list, and whether that is so since the last beat. Under its lock.
    watched: AtomicBool,
    fresh: AtomicBool,
    /// What others wait for, once it is lost. Before that it is locked by the handler alone.
    pub(crate) owed: Mutex<Owed>,
}

/// What came of a beat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// It was none, or nothing that was told to stop is on top; or it is to be interrupted once more.
    Fine,
    /// Not yet to be interrupted.
    Spared,
    /// It has heard enough.
    Lost,
}

impl Pulse {
    pub(crate) fn is_lost(&self) -> bool {
        // ORDERING: pairs with the store in `lose`.
        self.lost.load(Ordering::Acquire)
    }

    /// The context whose stop flag is there was deaf.
    pub(crate) fn is_culprit(&self, stop: usize) -> bool {
        self.culprit.load(Ordering::Relaxed) == stop
    }

    /// A signal has come, to code whose stop flag is up and there, or to other. Runs in its handler.
    pub(crate) fn hear(&self, deaf: Option<usize>, any_told: impl FnOnce() -> bool) -> Heard {
        let spared = self.ending.load(Ordering::Relaxed) && self.deaf.load(Ordering::Relaxed) < SPARED_BEATS;
        if !self.awaited.load(Ordering::Relaxed) {
            return if spared && deaf.is_some() { Heard::Spared } else { Heard::Fine };
        }
        let count = if deaf.is_some() { self.deaf.load(Ordering::Relaxed) + 1 } else { 0 };
        self.deaf.store(count, Ordering::Relaxed);
        self.told.store(deaf.is_some() || any_told(), Ordering::Relaxed);
        // ORDERING: release, so that the vigil sees what this beat found.
        self.awaited.store(false, Ordering::Release);
        let most = if self.ending.load(Ordering::Relaxed) { LAST_BEATS } else { DEAF_BEATS };
        match deaf {
            Some(stop) if count >= most && !self.lost.load(Ordering::Relaxed) => {
                self.culprit.store(stop, Ordering::Relaxed);
                Heard::Lost
            }
            Some(_) if spared => Heard::Spared,
            _ => Heard::Fine,
        }
    }

    /// It is lost, and what it owes is noted.
    pub(crate) fn lose(&self) {
        // ORDERING: release, so that who sees it finds what it owes.
        self.lost.store(true, Ordering::Release);
    }

    /// Code that was told to stop has left the stack.
    pub(crate) fn stopped(&self) {
        self.deaf.store(0, Ordering::Relaxed);
    }

    /// While it lives, an interpreter ends on this thread.
    pub(crate) fn ending(&self) -> impl Drop {
        self.ending.store(true, Ordering::Relaxed);
        Ending(self)
    }
}

struct Ending<'a>(&'a Pulse);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.ending.store(false, Ordering::Relaxed);
    }
}

/// The threads of a runtime that are watched.
#[derive(Default)]
pub(crate) struct Vigil(Mutex<Vec<Arc<Thread>>>);

impl Vigil {
    /// Watches a thread to whose code something has been told, until it has stopped.
    pub(crate) fn watch(&self, core: &Arc<Core>, thread: &Arc<Thread>) {
        // The program's own is nobody's to lose.
        if Arc::ptr_eq(thread, &core.host) || thread.pulse.is_lost() {
            return;
        }
        let mut threads = self.0.lock();
        thread.pulse.fresh.store(true, Ordering::Relaxed);
        if thread.pulse.watched.swap(true, Ordering::Relaxed) {
            return;
        }
        // Before the first beat, for in a handler nothing is allocated.
        thread.pulse.owed.lock().reserve();
        threads.push(Arc::clone(thread));
        let is_first = threads.len() == 1;
        drop(threads);
        if is_first {
            set_alarm(core);
        }
    }

    /// Sends a beat to all that are watched; gives those that are lost.
    fn beat(&self) -> (Vec<Arc<Thread>>, bool) {
        let mut threads = self.0.lock();
        let lost = threads.extract_if(.., |thread| thread.pulse.is_lost()).collect();
        threads.retain(|thread| {
            let stays = beat(thread);
            thread.pulse.watched.store(stays, Ordering::Relaxed);
            stays
        });
        (lost, threads.is_empty())
    }
}

/// Sends a beat to a thread, unless there is nothing left to watch. Whether there is.
fn beat(thread: &Thread) -> bool {
    let pulse = &thread.pulse;
    let fresh = pulse.fresh.swap(false, Ordering::Relaxed);
    // ORDERING: pairs with the store in `hear`.
    let heard = !pulse.awaited.load(Ordering::Acquire);
    if heard && !fresh && !pulse.told.load(Ordering::Relaxed) {
        return false;
    }
    pulse.awaited.store(true, Ordering::Relaxed);
    crate::interrupt::signal(thread)
}

fn set_alarm(core: &Arc<Core>) {
    let watching = Arc::downgrade(core);
    // It is nothing to wait for: what is told to stop counts for itself.
    core.timers.at(Instant::now() + BEAT, move || {
        let Some(core) = watching.upgrade() else { return };
        let (lost, is_over) = core.vigil.beat();
        lost.iter().for_each(|thread| lost::lose(&core, thread));
        if !is_over {
            set_alarm(&core);
        }
    });
}
