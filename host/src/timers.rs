//! Timed completions: one thread for all timers of a runtime, started with the first one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::sync::time::Instant;
use crate::sync::{Condvar, Mutex, thread};

type Alarm = Box<dyn FnOnce() + Send>;

/// The timers of one runtime.
#[derive(Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    alarms: BTreeMap<u64, Alarm>,
    next: u64,
    running: bool,
    stopped: bool,
}

impl Timers {
    /// Rings at this time, on the timers' thread. The number takes it back.
    pub(crate) fn at(self: &Arc<Timers>, time: Instant, alarm: Alarm) -> u64 {
        let mut state = self.state.lock();
        state.next += 1;
        let number = state.next;
        state.alarms.insert(number, alarm);
        state.order.push(Reverse((time, number)));
        if !state.running && !state.stopped {
            state.running = self.start();
        }
        drop(state);
        self.changed.notify_one();
        number
    }

    /// Takes an alarm back that did not ring.
    pub(crate) fn forget(&self, number: u64) {
        // The alarm is dropped after the lock: it may hold foreign code.
        let _dropped = self.state.lock().alarms.remove(&number);
    }

    fn start(self: &Arc<Timers>) -> bool {
        let timers = Arc::clone(self);
        let spawned = thread::Builder::new().name("calog timers".into()).spawn(move || timers.run());
        if let Err(error) = &spawned {
            tracing::error!("the timers' thread could not be started: {error}");
        }
        spawned.is_ok()
    }

    fn run(&self) {
        let mut state = self.state.lock();
        while !state.stopped {
            let Some(&Reverse((time, number))) = state.order.peek() else {
                self.changed.wait(&mut state);
                continue;
            };
            if state.alarms.contains_key(&number) && Instant::now() < time {
                self.changed.wait_until(&mut state, time);
                continue;
            }
            state.order.pop();
            if let Some(alarm) = state.alarms.remove(&number) {
                drop(state);
                alarm();
                state = self.state.lock();
            }
        }
    }

    /// Ends the thread; alarms that did not ring are dropped.
    pub(crate) fn stop(&self) {
        let _dropped = {
            let mut state = self.state.lock();
            state.stopped = true;
            std::mem::take(&mut state.alarms)
        };
        self.changed.notify_one();
    }
}
