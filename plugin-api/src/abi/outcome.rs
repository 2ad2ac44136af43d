//! What a call comes to, and results in a form that may cross.

use std::mem::MaybeUninit;

use super::Callback;
use crate::completion::Completion;
use crate::error::{Error, Result};
use crate::value::Value;

/// What any call comes to: of a native, an exported function, a method, a callable.
#[repr(C, u8)]
#[derive(Debug)]
pub enum Outcome {
    /// It is done.
    Ready(Value),
    /// It failed.
    Failed(Error),
    /// It takes time: the completion will have the result.
    Pending(Completion),
}

impl Outcome {
    /// The result if it is there, else the completion.
    pub fn settled(self) -> Result<Result<Value>, Completion> {
        match self {
            Outcome::Ready(value) => Ok(Ok(value)),
            Outcome::Failed(error) => Ok(Err(error)),
            Outcome::Pending(completion) => Err(completion),
        }
    }

    /// Hands the result to `then`: at once if it is there, else on the thread that finishes it.
    pub fn then(self, then: impl FnOnce(Result<Value>) + Send + 'static) {
        match self.settled() {
            Ok(result) => then(result),
            Err(completion) => completion.then(then),
        }
    }

    /// Writes it into its caller's room. Numbers go part by part: copied as a whole right after they
    /// were made, the copy would wait for its parts to reach the cache, and calls are full of them.
    ///
    /// # Safety
    /// `out` is room for an outcome.
    #[inline(always)]
    pub(crate) unsafe fn put(self, out: *mut Outcome) {
        // SAFETY: the caller vouches for the room.
        unsafe {
            match self {
                Outcome::Ready(Value::Int(int)) => out.write(Outcome::Ready(Value::Int(int))),
                Outcome::Ready(Value::Real(real)) => out.write(Outcome::Ready(Value::Real(real))),
                other => out.write(other),
            }
        }
    }

    /// Takes it from the room a callee wrote it into; numbers part by part, as in `put`.
    ///
    /// # Safety
    /// The room was written, and is not read again.
    #[inline(always)]
    pub(crate) unsafe fn take(room: &MaybeUninit<Outcome>) -> Outcome {
        // SAFETY: the caller vouches for it.
        unsafe {
            match room.assume_init_ref() {
                Outcome::Ready(Value::Int(int)) => Outcome::Ready(Value::Int(*int)),
                Outcome::Ready(Value::Real(real)) => Outcome::Ready(Value::Real(*real)),
                _ => room.assume_init_read(),
            }
        }
    }

    pub(crate) fn status(&self) -> u8 {
        match self {
            Outcome::Ready(_) => 0,
            Outcome::Failed(_) => 1,
            Outcome::Pending(_) => 2,
        }
    }
}

impl From<Result<Value>> for Outcome {
    fn from(result: Result<Value>) -> Outcome {
        result.map_or_else(Outcome::Failed, Outcome::Ready)
    }
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Outcome {
        Outcome::Failed(error)
    }
}

impl From<Completion> for Outcome {
    fn from(completion: Completion) -> Outcome {
        Outcome::Pending(completion)
    }
}

/// `Result` with a fixed layout.
#[repr(C, u8)]
pub enum Fallible<T> {
    /// It worked.
    Fine(T),
    /// It did not.
    Failed(Error),
}

impl<T> From<Result<T>> for Fallible<T> {
    fn from(result: Result<T>) -> Fallible<T> {
        result.map_or_else(Fallible::Failed, Fallible::Fine)
    }
}

impl<T> From<Fallible<T>> for Result<T> {
    fn from(fallible: Fallible<T>) -> Result<T> {
        match fallible {
            Fallible::Fine(value) => Ok(value),
            Fallible::Failed(error) => Err(error),
        }
    }
}

/// What the other side writes into the room it is given.
///
/// # Safety
/// `ask` has the room written, whatever happens.
#[inline]
pub(super) unsafe fn answered<T>(ask: impl FnOnce(*mut Fallible<T>)) -> Result<T> {
    let mut room = MaybeUninit::uninit();
    ask(room.as_mut_ptr());
    // SAFETY: the caller vouches for it.
    unsafe { room.assume_init() }.into()
}

impl Callback {
    /// A callback for a result.
    pub fn on_result(then: impl FnOnce(Result<Value>) + Send + 'static) -> Callback {
        Callback::new(move |outcome| match outcome.settled() {
            Ok(result) => then(result),
            // Nobody finishes with a pending outcome; should one come all the same, it is waited for.
            Err(completion) => completion.then(then),
        })
    }
}
