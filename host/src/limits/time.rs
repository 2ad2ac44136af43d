//! How long a context's code may run: by the call, and all in all.
//!
//! What counts is the time from an entry into the interpreter to where it is left, without waits in
//! place. When the time is up the code is interrupted as that of a call which was aborted, and the
//! context goes on.
//!
//! Invariant: an alarm is set only for an entry whose code runs, and forgotten before the entry is left.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calog_plugin_api::{Error, Result};

use super::{Limit, Rights};
use crate::core::Core;
use crate::interrupt::interrupt;
use crate::sync::Mutex;
use crate::sync::time::Instant;
use crate::thread::Thread;
use crate::timers::Alarm;

/// The time of one context, on its thread.
pub(crate) struct Time {
    rights: Arc<Rights>,
    clock: Arc<Clock>,
    /// The entries on the stack since the last wait in place, which are being watched.
    watches: RefCell<Vec<Arc<Watch>>>,
}

/// What the alarms need, on any thread.
struct Clock {
    stopwatch: Mutex<Stopwatch>,
    thread: Arc<Thread>,
    core: Arc<Core>,
}

/// How long code has run.
#[derive(Default)]
struct Stopwatch {
    total: Duration,
    since: Option<Instant>,
}

impl Stopwatch {
    fn reading(&self) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether it did not run before.
    fn start(&mut self) -> bool {
        let starts = self.since.is_none();
        self.since.get_or_insert_with(Instant::now);
        starts
    }

    /// How long it ran, if it did.
    fn stop(&mut self) -> Option<Duration> {
        let ran = self.since.take()?.elapsed();
        self.total += ran;
        Some(ran)
    }
}

/// An entry whose time is limited.
pub(crate) struct Watch {
    clock: Arc<Clock>,
    /// The limit that is reached first.
    limit: Limit,
    left: Duration,
    /// What the stopwatch said when the entry began; later by what ran on top of its waits.
    from: Mutex<Duration>,
    /// Its alarm, while its code runs.
    alarm: Mutex<Option<Alarm>>,
    expired: AtomicBool,
}

impl Watch {
    /// Whether its time is up. Read in signal handlers, too.
    pub(crate) fn is_expired(&self) -> bool {
        // ORDERING: relaxed, as nothing else is read by what the flag says.
        self.expired.load(Ordering::Relaxed)
    }

    /// Sets its alarm for when its time will be up.
    fn arm(self: &Arc<Watch>) {
        let watch = Arc::clone(self);
        let until = Instant::now() + self.left.saturating_sub(self.spent());
        let mut alarm = self.alarm.lock();
        *alarm = Some(self.clock.core.timers.at(until, move || watch.ring()));
    }

    fn disarm(&self) {
        let alarm = self.alarm.lock().take();
        alarm.into_iter().for_each(|alarm| self.clock.core.timers.forget(alarm));
    }

    fn spent(&self) -> Duration {
        let reading = self.clock.stopwatch.lock().reading();
        reading.saturating_sub(*self.from.lock())
    }

    fn ring(self: &Arc<Watch>) {
        let alarm = self.alarm.lock();
        if alarm.is_none() {
            // Its code was left, or waits, just now.
            return;
        }
        // ORDERING: relaxed, as in `is_expired`; the signal comes after it on this thread.
        self.expired.store(true, Ordering::Relaxed);
        interrupt(&self.clock.core, &self.clock.thread);
    }

    /// The error of an entry whose time is up.
    pub(crate) fn error(&self, rights: &Rights) -> Error {
        rights.reached(self.limit)
    }
}

impl Time {
    /// The time of a context with these rights, if they limit it.
    pub(crate) fn of(rights: &Arc<Rights>, thread: &Arc<Thread>, core: &Arc<Core>) -> Option<Time> {
        let limits = [Limit::TimePerCall, Limit::Cpu];
        limits.iter().any(|limit| rights.most(*limit).is_some()).then(|| {
            let clock = Clock { stopwatch: Mutex::default(), thread: Arc::clone(thread), core: Arc::clone(core) };
            Time { rights: Arc::clone(rights), clock: Arc::new(clock), watches: RefCell::default() }
        })
    }

    /// Code of the context begins to run.
    ///
    /// # Errors
    /// `limit` when it has run as long as it may.
    pub(crate) fn begin(&self) -> Result<Running<'_>> {
        let per_call = self.rights.most(Limit::TimePerCall).map(|ms| (Duration::from_millis(ms), Limit::TimePerCall));
        let in_all = self.rights.time_left().map(|left| (left, Limit::Cpu));
        if let Some((Duration::ZERO, limit)) = in_all {
            return Err(self.rights.reached(limit));
        }
        // One of them is there, or there would be no time to look after.
        let least = [per_call, in_all].into_iter().flatten().min_by_key(|(left, _)| *left);
        let (left, limit) = least.unwrap_or((Duration::MAX, Limit::Cpu));
        let (starts, from) = {
            let mut stopwatch = self.clock.stopwatch.lock();
            (stopwatch.start(), stopwatch.reading())
        };
        let watch = Arc::new(Watch {
            clock: Arc::clone(&self.clock),
            limit,
            // Some centuries are as good as for ever, and can be added to any time.
            left: left.min(Duration::from_nanos(1 << 62)),
            from: Mutex::new(from),
            alarm: Mutex::default(),
            expired: AtomicBool::new(false),
        });
        watch.arm();
        self.watches.borrow_mut().push(Arc::clone(&watch));
        Ok(Running { time: self, watch, starts })
    }

    /// The rights that limit it.
    pub(crate) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// The thread waits in place: what is on its stack of the context does not run.
    pub(crate) fn pause(&self) -> Paused {
        let watches = std::mem::take(&mut *self.watches.borrow_mut());
        watches.iter().for_each(|watch| watch.disarm());
        let was_running = self.stop();
        let at = self.clock.stopwatch.lock().reading();
        Paused { watches, was_running, at }
    }

    /// The wait is over.
    pub(crate) fn go_on(&self, paused: Paused) {
        let Paused { watches, was_running, at } = paused;
        let ran_meanwhile = {
            let mut stopwatch = self.clock.stopwatch.lock();
            let ran = stopwatch.reading().saturating_sub(at);
            if was_running {
                stopwatch.start();
            }
            ran
        };
        for watch in &watches {
            *watch.from.lock() += ran_meanwhile;
            watch.arm();
        }
        *self.watches.borrow_mut() = watches;
    }

    /// Whether it ran.
    fn stop(&self) -> bool {
        let ran = self.clock.stopwatch.lock().stop();
        ran.into_iter().for_each(|ran| self.rights.add_time(ran));
        ran.is_some()
    }
}

/// What was on the stack when the thread began to wait.
pub(crate) struct Paused {
    watches: Vec<Arc<Watch>>,
    was_running: bool,
    at: Duration,
}

/// Code of the context runs as long as it lives.
pub(crate) struct Running<'t> {
    time: &'t Time,
    watch: Arc<Watch>,
    starts: bool,
}

impl Running<'_> {
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.watch.disarm();
        self.time.watches.borrow_mut().pop();
        if self.starts {
            self.time.stop();
        }
    }
}
