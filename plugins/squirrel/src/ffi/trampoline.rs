//! The way from Squirrel into Rust: one native function, generic over what it runs.

use super::api::{self, SUSPEND, Vm};
use super::interpreter;
use super::stack::Stack;
use crate::core::Core;

/// What Squirrel does when an entry has returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// No result: null.
    Nothing,
    /// The result is on top of the stack.
    Value,
    /// The error is on top of the stack.
    Raise,
    /// The thread is suspended, as [`Stack::can_suspend`] said it can be.
    Suspend,
}

/// A function that Squirrel can call.
pub(crate) trait Entry: 'static {
    /// Runs it: `this` is at 1, arguments from 2 on, then free variables; some free slots above.
    fn run(core: &Core, stack: Stack) -> Reply;
}

/// The native function of an entry.
///
/// # Safety
/// Squirrel calls it, as it does any native.
pub(super) unsafe extern "C-unwind" fn run<E: Entry>(vm: Vm) -> i64 {
    // SAFETY: Squirrel passes the running thread, whose core outlives it; what a reply says is on top.
    unsafe {
        let Some(core) = interpreter::shared(vm).core() else { return 0 };
        match E::run(core, Stack::new(vm)) {
            Reply::Nothing => 0,
            Reply::Value => 1,
            Reply::Raise => api::sq_throwobject(vm),
            Reply::Suspend => SUSPEND,
        }
    }
}
