//! Timed work: one thread for all timers of a runtime, started with the first one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::host_side::Callback;

use crate::joining::Joinable;
use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex};
use crate::thread::Thread;

/// An alarm that was set: when it rings, and its number among those of that time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Alarm {
    /// Nanoseconds from the start.
    at: u64,
    number: u64,
}

/// The timers of one runtime.
pub(crate) struct Timers {
    start: Instant,
    /// Whoever closes the runtime waits there.
    host: Arc<Thread>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    alarms: BTreeMap<Alarm, Callback>,
    last: u64,
    thread: Option<Joinable>,
    stopped: bool,
}

impl Timers {
    pub(crate) fn new(host: &Arc<Thread>) -> Arc<Timers> {
        Arc::new(Timers {
            start: Instant::now(),
            host: Arc::clone(host),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// An alarm of this time, that is set later: for work that must know it.
    pub(crate) fn alarm(&self, time: Instant) -> Alarm {
        // Times beyond some centuries are as good as never.
        let at = u64::try_from(time.saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX);
        let mut state = self.state.lock();
        state.last += 1;
        Alarm { at, number: state.last }
    }

    /// Does the work at this time, on the timers' thread; once stopped, drops it.
    pub(crate) fn at(self: &Arc<Timers>, time: Instant, work: impl FnOnce() + Send + 'static) -> Alarm {
        let alarm = self.alarm(time);
        self.set(alarm, work);
        alarm
    }

    /// Does the work at the alarm's time, as `at`.
    pub(crate) fn set(self: &Arc<Timers>, alarm: Alarm, work: impl FnOnce() + Send + 'static) {
        let work = Callback::new(move |_| work());
        let mut state = self.state.lock();
        if state.stopped {
            // The work is dropped after the lock: it may hold foreign code.
            drop(state);
            return;
        }
        state.alarms.insert(alarm, work);
        if state.thread.is_none() {
            state.thread = self.start();
        }
        let is_next = state.alarms.first_key_value().is_some_and(|(first, _)| *first == alarm);
        drop(state);
        if is_next {
            self.changed.notify_one();
        }
    }

    /// Takes an alarm back that did not ring.
    pub(crate) fn forget(&self, alarm: Alarm) {
        // As in `at`.
        let _dropped = self.state.lock().alarms.remove(&alarm);
    }

    fn start(self: &Arc<Timers>) -> Option<Joinable> {
        let timers = Arc::clone(self);
        let started = Joinable::start("timers", None, &self.host, move || timers.run());
        started.map_err(|error| tracing::error!("the timers' thread could not be started: {error}")).ok()
    }

    fn run(&self) {
        let mut state = self.state.lock();
        while !state.stopped {
            let Some(first) = state.alarms.first_entry() else {
                self.changed.wait(&mut state);
                continue;
            };
            let time = self.start + Duration::from_nanos(first.key().at);
            if Instant::now() < time {
                self.changed.wait_until(&mut state, time);
                continue;
            }
            let work = first.remove();
            drop(state);
            work.ring();
            state = self.state.lock();
        }
    }

    /// Ends the thread; work whose time has not come is dropped.
    pub(crate) fn stop(&self) {
        let _dropped = {
            let mut state = self.state.lock();
            state.stopped = true;
            std::mem::take(&mut state.alarms)
        };
        self.changed.notify_one();
    }

    /// Joins the thread if it has ended. Whether none is left.
    pub(crate) fn join_ended(&self) -> bool {
        let ended = self.state.lock().thread.take_if(|thread| thread.has_ended());
        if let Some(thread) = ended {
            thread.join();
        }
        self.state.lock().thread.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn alarms_ring_by_their_times_and_those_taken_back_do_not() {
        let (host, _inbox) = Thread::new("host".into());
        let timers = Timers::new(&host);
        let (ring, rung) = channel();
        let (go, going) = channel::<()>();
        let start = Instant::now();
        // The thread is held here until all others are set.
        timers.at(start, move || going.recv().expect("the test lets it go"));
        for delay in [3, 1, 2, 0] {
            let ring = ring.clone();
            timers.at(start + Duration::from_millis(delay), move || ring.send(delay).expect("the test hears"));
        }
        let forgotten = timers.at(start, || panic!("an alarm that was taken back rings"));
        timers.forget(forgotten);
        go.send(()).expect("the thread waits");
        let order: Vec<u64> = (0..4).map(|_| rung.recv().expect("an alarm")).collect();
        assert_eq!(order, [0, 1, 2, 3]);
        timers.stop();
    }
}
