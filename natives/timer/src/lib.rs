//! Functions that are called later: the bundle `timer`.
//!
//! | native | does |
//! | --- | --- |
//! | `timer.after(ms, fn)` | calls `fn` once, so much later; gives the timer |
//! | `timer.every(ms, fn)` | calls `fn` again and again; gives the timer |
//! | `timer.now()` | milliseconds of a clock that never goes back |
//!
//! A timer has one method, `cancel()`. It keeps the program alive until it is over, and ends with the
//! context that made it and with that of its function. `docs/timer.md` is for those who write scripts.
//!
//! Invariants: a function is called on its home thread only, and never again once `cancel` has returned
//! there; of one timer no two calls overlap, and no two wait to be made; no lock is held while anybody
//! else's code runs. There is no thread: the host has one for all that is timed.
//!
//! | module | holds |
//! | --- | --- |
//! | `timer` | one timer: its alarm, its turns on its home thread, its end |
//! | `schedule` | when the next call is due |
//! | `owners` | which timers end with which context |
#![forbid(unsafe_code)]

mod owners;
mod schedule;
mod timer;

use std::sync::Arc;

use calog_plugin_api::Milliseconds;
use calog_plugin_api::prelude::*;

use owners::Owners;
use schedule::Schedule;
use timer::Timer;

#[cfg(feature = "plugin")]
export_plugin! { bundle: timer }

/// The bundle. Its timers live in it, so each runtime has its own.
pub fn timer() -> Bundle {
    let owners = Arc::new(Owners::default());
    let [once, again, end] = std::array::from_fn(|_| Arc::clone(&owners));
    Bundle::new("timer")
        .function("after", move |info: &CallInfo, ms: View<'_>, function: Callable| {
            let wait = Milliseconds::read("timer.after", "ms", ms)?.duration;
            let schedule = Schedule::once(now_ns(info), wait);
            Timer::start(&once, info, function, schedule).map_err(|error| error.inside("timer.after"))
        })
        .params(["ms", "fn"])
        .returns("timer")
        .doc("Calls a function once, so many milliseconds later.")
        .function("every", move |info: &CallInfo, ms: View<'_>, function: Callable| {
            let period = Milliseconds::read("timer.every", "ms", ms)?;
            let Some(schedule) = Schedule::every(now_ns(info), period.duration) else {
                let message = format!("timer.every: invalid duration (ms={}): wanted more than 0", period.given);
                return Err(Error::new(Code::Range, message));
            };
            Timer::start(&again, info, function, schedule).map_err(|error| error.inside("timer.every"))
        })
        .params(["ms", "fn"])
        .returns("timer")
        .doc("Calls a function every so many milliseconds, until it is cancelled.")
        .function("now", |info: &CallInfo| now_ns(info) as f64 / 1e6)
        .returns("real")
        .doc("Milliseconds of a clock that never goes back; where it began means nothing.")
        .shutdown(priority::NORMAL, move || {
            end.clear();
            Ok(())
        })
}

fn now_ns(info: &CallInfo) -> u64 {
    info.runtime().now_ns()
}

#[cfg(test)]
mod tests;
