//! What the patched interpreter calls: stops, depth, errors on their way, the end of memory.

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::Once;

use calog_plugin_api::Access;

use super::api::{self, Hooks, Vm};
use super::interpreter;
use super::shared::Shared;
use super::stack::Stack;
use crate::errors;

/// Why an entry was unwound, from inside of a native of Squirrel's: nothing of it can be caught.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unwound {
    /// An allocation was not to be had.
    NoMemory,
    /// The context shall stop.
    Stopped,
    /// The C stack ended.
    TooDeep,
}

/// Gives the interpreter our functions, once for the process.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hooks = Hooks { poll, overflow, thrown, no_memory, stop, too_deep, print, permit, count_output };
        // SAFETY: the table is copied.
        unsafe { api::calog_squirrel_hooks(&hooks) };
    });
}

/// Runs the body up to its end, or to where it was unwound.
///
/// What was unwound is in no state to be used again: the thread is to be discarded.
pub(crate) fn until_unwound<R>(body: impl FnOnce() -> R) -> Result<R, Unwound> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match payload.downcast::<Unwound>() {
        Ok(unwound) => *unwound,
        // A panic, which is for the plugin's border.
        Err(payload) => resume_unwind(payload),
    })
}

/// Not a panic: nothing is printed.
fn unwind(why: Unwound) -> ! {
    resume_unwind(Box::new(why))
}

unsafe extern "C-unwind" fn no_memory() {
    unwind(Unwound::NoMemory);
}

unsafe extern "C-unwind" fn too_deep() {
    unwind(Unwound::TooDeep);
}

/// Prints what a native of Squirrel's has formatted.
unsafe extern "C-unwind" fn print(vm: Vm, text: *const c_char, size: u64) {
    // SAFETY: the interpreter passes its running thread, and a text that stays until this returns.
    let (shared, text) = unsafe {
        (interpreter::shared(vm), std::slice::from_raw_parts(text.cast(), usize::try_from(size).unwrap_or(0)))
    };
    if let Some(core) = shared.core() {
        core.host.print(text);
    }
}

/// What the interpreter's library does beyond it, by the numbers of `CalogAccess`.
const ACCESSES: [(u32, Access); 4] =
    [(0, Access::Read), (1, Access::Write), (3, Access::Processes), (4, Access::Environment)];

/// The path to use in the place of this one; null, with an error raised, when the context may not.
unsafe extern "C-unwind" fn permit(vm: Vm, access: u32, path: *const c_char) -> *const c_char {
    // SAFETY: the interpreter passes its running thread, and a text that stays until this returns.
    let (shared, stack, text) = unsafe { (interpreter::shared(vm), Stack::new(vm), CStr::from_ptr(path)) };
    let (Some(core), Some((_, access))) = (shared.core(), ACCESSES.iter().find(|(number, _)| *number == access)) else {
        return ptr::null();
    };
    match core.host.permit(*access, text.to_bytes()) {
        Ok(None) => path,
        Ok(Some(place)) => core.keep_path(place),
        Err(error) => {
            errors::throw(core, stack, &error);
            ptr::null()
        }
    }
}

/// Counts what goes past the host to standard output or standard error. Whether it may, else an error is
/// raised.
unsafe extern "C-unwind" fn count_output(vm: Vm, size: u64) -> bool {
    // SAFETY: the interpreter passes its running thread.
    let (shared, stack) = unsafe { (interpreter::shared(vm), Stack::new(vm)) };
    let Some(core) = shared.core() else { return true };
    match core.current.info().count("output", size) {
        Ok(counted) => {
            counted.for_ever();
            true
        }
        Err(error) => {
            errors::throw(core, stack, &error);
            false
        }
    }
}

/// A native that takes long finds that it was to poll.
unsafe extern "C-unwind" fn stop(shared: *mut c_void) {
    // SAFETY: the account of an entry that has not returned.
    let shared = unsafe { &*shared.cast::<Shared>() };
    if shared.core().is_some_and(|core| core.host.stopping()) {
        unwind(Unwound::Stopped);
    }
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
