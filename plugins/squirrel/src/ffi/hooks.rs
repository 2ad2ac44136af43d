//! What the patched interpreter calls: stops, depth, errors on their way, the end of memory.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Once;

use super::api::{self, Hooks, Vm};
use super::interpreter;
use super::stack::Stack;
use crate::errors;

/// What unwinds from an allocation that is not to be had, up to the entry.
struct NoMemory;

/// Gives the interpreter our functions, once for the process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hooks = Hooks { poll, overflow, thrown, no_memory };
        // SAFETY: the table is copied.
        unsafe { api::calog_squirrel_hooks(&hooks) };
    });
}

/// Runs the body; `None` when memory ended inside.
///
/// What it ran is in no state to be used again: the thread is to be discarded.
pub(crate) fn until_memory_ends<R>(body: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => Some(result),
        Err(payload) if is_no_memory(&*payload) => None,
        Err(payload) => resume_unwind(payload),
    }
}

fn is_no_memory(payload: &(dyn Any + Send)) -> bool {
    payload.is::<NoMemory>()
}

unsafe extern "C-unwind" fn no_memory() {
    // Not a panic: nothing is printed.
    resume_unwind(Box::new(NoMemory));
}

/// Whether the code may go on; else an error is raised.
unsafe extern "C-unwind" fn poll(vm: Vm) -> bool {
    // SAFETY: the interpreter passes its running thread.
    let (shared, stack) = unsafe { (interpreter::shared(vm), Stack::new(vm)) };
    // Before the flags are read: an interrupt that comes in between is not lost.
    shared.end_poll();
    let Some(core) = shared.core() else { return true };
    if core.host.stopping() {
        shared.want_poll();
        errors::throw_stopped(stack);
        return false;
    }
    if shared.is_over_limit() {
        shared.want_poll();
        errors::throw_over_limit(core, stack);
        return false;
    }
    true
}

/// Raises that calls nest too deeply.
unsafe extern "C-unwind" fn overflow(vm: Vm) -> bool {
    // SAFETY: the interpreter passes its running thread.
    let (shared, stack) = unsafe { (interpreter::shared(vm), Stack::new(vm)) };
    if let Some(core) = shared.core() {
        errors::throw_overflow(core, stack);
    }
    false
}

/// An error begins to unwind a run of the interpreter, which has so many places that catch. Whether
/// nothing may catch it.
unsafe extern "C-unwind" fn thrown(vm: Vm, traps: i64) -> bool {
    // SAFETY: the interpreter passes its running thread.
    let (shared, stack) = unsafe { (interpreter::shared(vm), Stack::new(vm)) };
    let Some(core) = shared.core() else { return false };
    let is_stopping = core.host.stopping();
    if is_stopping {
        // Whatever it was: the code ends because it is stopped.
        errors::throw_stopped(stack);
    }
    if traps == 0 || is_stopping {
        core.trace.thrown(stack);
    } else {
        core.trace.caught();
    }
    is_stopping
}
