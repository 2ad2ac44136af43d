//! What can be ordered of any entry. An order is a map of entries to deeds:
//!
//! | deed | what happens |
//! | --- | --- |
//! | `panic` | it panics |
//! | `payload` | it panics with a payload whose own drop panics |
//! | `fail` | it fails, if it can |
//! | `never` | it does not return |
//! | `loop` | it does not return before its context is asked to stop |
//! | `wait` | it waits in place for what never comes |
//! | `hold` | it does not return before `wicked.wake` was called |
//! | `await` | it waits in place, again and again, until `wicked.wake` was called |
//! | `deaf` | it goes on and on, whoever asks it to stop |
//! | `stuck` | the same, for what only scripts could bring |
//! | `pause` | it waits in place for a moment |

use std::collections::BTreeMap;
use std::panic::panic_any;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use calog_plugin_api::prelude::*;

/// How often entries with a deed to do were entered: by runtime and entry.
static ENTERED: Mutex<BTreeMap<(u64, String), i64>> = Mutex::new(BTreeMap::new());

/// Orders for entries.
#[derive(Clone, Default)]
pub(crate) struct Orders(Value);

impl Orders {
    pub(crate) fn of(map: View<'_>) -> Orders {
        Orders(map.to_value())
    }

    /// The deed that is ordered of an entry; none is empty.
    pub(crate) fn deed(&self, entry: &str) -> &str {
        self.0.view().field(entry).as_str().unwrap_or_default()
    }
}

/// A panic's payload that panics again when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("wicked: dropping the payload");
    }
}

/// A lock, whatever panicked while it was held.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what anything can do, wherever it is.
pub(crate) fn perform(deed: &str) -> Result<()> {
    match deed {
        "panic" => panic!("wicked: as ordered"),
        "payload" => panic_any(Payload),
        "fail" => Err(Error::new(Code::Io, "wicked: as ordered")),
        "never" => never(),
        _ => Ok(()),
    }
}

/// Does not return, and costs nothing.
pub(crate) fn never() -> ! {
    loop {
        thread::park();
    }
}

/// Lets go of what is held.
pub(crate) fn wake(runtime: u64) {
    note(runtime, "wake");
}

/// Says that the program's thread is held, for whoever waits for the line.
pub(crate) fn say(entry: &str, deed: &str) {
    if deed == "never" {
        println!("{entry}: {deed}");
    }
}

/// Notes that an entry was reached, for the test that waits for it.
pub(crate) fn note(runtime: u64, entry: &str) {
    *lock(&ENTERED).entry((runtime, entry.to_owned())).or_default() += 1;
}

/// How often an entry was reached.
pub(crate) fn noted(runtime: u64, entry: &str) -> i64 {
    lock(&ENTERED).get(&(runtime, entry.to_owned())).copied().unwrap_or_default()
}

/// Does what is ordered of an entry of a context.
pub(crate) fn obey(host: &Host, orders: &Orders, entry: &str) -> Result<()> {
    let deed = orders.deed(entry);
    if deed.is_empty() {
        return Ok(());
    }
    let runtime = host.runtime()?;
    note(runtime.id(), entry);
    host.print(format!("{entry}: {deed}\n").as_bytes());
    match deed {
        "loop" => {
            while !host.stopping() {
                thread::yield_now();
            }
            Err(Error::new(Code::Cancelled, "wicked: it was asked to stop"))
        }
        "hold" => {
            while noted(runtime.id(), "wake") == 0 {
                thread::yield_now();
            }
            Ok(())
        }
        "await" => {
            while noted(runtime.id(), "wake") == 0 && !host.stopping() {
                host.wait(runtime.after(Duration::from_millis(1)), &*host.info()?)?;
            }
            Ok(())
        }
        "deaf" => loop {
            thread::yield_now();
        },
        "wait" | "stuck" => {
            let what = "something that never comes";
            let promise = if deed == "wait" { runtime.completion(what) } else { runtime.internal_completion(what) };
            let (never, finisher) = promise;
            std::mem::forget(finisher);
            host.wait(never, &*host.info()?).map(drop)
        }
        "pause" => host.wait(runtime.after(Duration::from_millis(1)), &*host.info()?).map(drop),
        deed => perform(deed),
    }
}
