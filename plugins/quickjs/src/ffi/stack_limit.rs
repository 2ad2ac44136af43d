//! How deep JavaScript may go in its thread's stack, so that endless recursion is an exception.
//!
//! The limit is a place, not a size: nested entries, and contexts opened deep inside of others, share
//! one thread. JavaScript keeps to the upper half; the lower one is for what it calls: the host, other
//! engines, and the pumps nested between them, which have limits of their own.

#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;

use rquickjs::qjs;

use super::RawContext;

/// What JavaScript uses of a stack at most; more would only be deeper recursion.
const MOST_BYTES: usize = 4 << 20;

/// What a context opened deep in a stack gets all the same.
const LEAST_BYTES: usize = 64 << 10;

/// Taken for granted where the system does not tell.
const USUAL_STACK_BYTES: usize = 2 << 20;

/// Sets the limit of a context that is opened on this thread.
pub(crate) fn limit_stack(context: RawContext) {
    let here = std::ptr::from_ref(&context).addr();
    let (low, size) = thread_stack().unwrap_or((here.saturating_sub(USUAL_STACK_BYTES), USUAL_STACK_BYTES));
    let usable = (size / 2).min(MOST_BYTES);
    let limit = low + size - usable;
    let bytes = here.saturating_sub(limit).max(LEAST_BYTES);
    // SAFETY: alive, thread; the runtime belongs to the context.
    unsafe {
        let runtime = qjs::JS_GetRuntime(context.ptr());
        qjs::JS_SetMaxStackSize(runtime, bytes as qjs::size_t);
        qjs::JS_UpdateStackTop(runtime);
    }
}

/// While it lives, JavaScript has no stack: every call of a function fails before it begins.
pub(crate) struct NoCalls(RawContext);

impl NoCalls {
    pub(crate) fn of(context: RawContext) -> NoCalls {
        // SAFETY: alive, thread; a limit of no bytes would be none.
        unsafe {
            let runtime = qjs::JS_GetRuntime(context.ptr());
            qjs::JS_SetMaxStackSize(runtime, 1);
        }
        NoCalls(context)
    }
}

impl Drop for NoCalls {
    fn drop(&mut self) {
        limit_stack(self.0);
    }
}

/// The lowest address and the size of this thread's stack.
#[cfg(target_os = "linux")]
fn thread_stack() -> Option<(usize, usize)> {
    let mut attributes = MaybeUninit::uninit();
    let (mut low, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are initialised by the first call when it returns 0, and destroyed.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut low, &mut size) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        known.then(|| (low.addr(), size))
    }
}

#[cfg(not(target_os = "linux"))]
fn thread_stack() -> Option<(usize, usize)> {
    None
}
