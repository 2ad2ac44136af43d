//! Where an error comes from: noted when it begins to unwind, while its frames still stand.
//!
//! The interpreter tells of every error that its innermost run does not catch; the same one is told of
//! again by each run it passes through, and by the threads around. So the first notice has the frames
//! of its thread, and later ones add those of other threads.

use std::cell::RefCell;

use crate::ffi::{Level, Raw, Stack};

/// Frames that a trace shows; a runaway recursion has thousands, all alike.
const SHOWN_FRAMES: usize = 40;

/// The last error that was noted.
#[derive(Default)]
pub(crate) struct Trace(RefCell<Option<Noted>>);

struct Noted {
    error: Raw,
    /// The last thread it passed through.
    thread: Stack,
    levels: Vec<Level>,
}

impl Trace {
    /// An error leaves a run of this thread.
    pub(crate) fn thrown(&self, thread: Stack) {
        let error = last_error(thread);
        let mut noted = self.0.borrow_mut();
        match &mut *noted {
            Some(noted) if noted.error.same(error) => {
                if noted.thread != thread && noted.levels.len() < SHOWN_FRAMES {
                    noted.levels.extend(thread.levels(SHOWN_FRAMES - noted.levels.len()));
                }
                noted.thread = thread;
            }
            _ => *noted = Some(Noted { error, thread, levels: thread.levels(SHOWN_FRAMES) }),
        }
    }

    /// An error was caught: if it is thrown again, that is another beginning.
    pub(crate) fn caught(&self) {
        *self.0.borrow_mut() = None;
    }

    /// The frames of the error that a thread ended with.
    pub(crate) fn take(&self, thread: Stack) -> Vec<Level> {
        let error = last_error(thread);
        let noted = self.0.borrow_mut().take();
        noted.filter(|it| it.error.same(error)).map(|it| it.levels).unwrap_or_default()
    }
}

fn last_error(thread: Stack) -> Raw {
    thread.last_error();
    let error = thread.raw_at(-1);
    thread.pop(1);
    error
}
