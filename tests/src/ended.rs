//! Programs that should end by themselves: one that does not is ended, so that its test fails.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use calog::{Ended, Runtime};

use crate::SAFETY_NET;

/// What a run ends with that the test ended, as it never ended by itself.
pub const NEVER_ENDED: i32 = 99;

/// Runs as a program, but not for ever.
pub fn ended(runtime: &Runtime) -> Ended {
    guarded(runtime, || runtime.run())
}

/// Does something with a runtime that could take for ever, and ends the runtime's program if it does.
pub fn guarded<T>(runtime: &Runtime, work: impl FnOnce() -> T) -> T {
    let stopper = runtime.stopper();
    let (over, is_over) = channel::<()>();
    let guard = thread::spawn(move || {
        if is_over.recv_timeout(SAFETY_NET) == Err(RecvTimeoutError::Timeout) {
            stopper.exit(NEVER_ENDED);
        }
    });
    let done = work();
    // It hears this at once, or has given up.
    drop(over);
    guard.join().expect("the guard ends");
    done
}
