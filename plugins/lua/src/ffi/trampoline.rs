//! The way from Lua into Rust: one C function, generic over what it runs.
//!
//! An [`Entry`] is an ordinary Rust function that says by its [`Reply`] what Lua shall do. Only when
//! it has returned, and all it owned is dropped, does the trampoline raise or yield; its own frame
//! holds a number.

use std::os::raw::c_int;

use mlua::ffi::{self, lua_KContext, lua_State};

use super::interpreter;
use super::stack::Stack;
use crate::core::Core;

/// What Lua does when an entry has returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    /// So many results are on top of the stack.
    Values(i32),
    /// The error is on top of the stack.
    Raise,
    /// Suspend the thread with so many values; when it is resumed they are its results.
    Yield(i32),
    /// Suspend the thread; when it is resumed, `Entry::resumed` goes on.
    Wait,
}

/// A function that Lua can call.
pub(crate) trait Entry: 'static {
    /// Whether a jump out of it crosses nothing that owns anything.
    const OWNS_NOTHING: bool = false;

    /// Runs it: arguments are on the stack from 1 on, with 20 free slots above.
    fn run(core: &Core, stack: Stack) -> Reply;

    /// Goes on after `Reply::Wait`.
    fn resumed(core: &Core, stack: Stack) -> Reply {
        let _ = (core, stack);
        Reply::Values(0)
    }
}

/// The C function of an entry.
///
/// # Safety
/// Lua calls it, as it does any C function.
pub(super) unsafe extern "C-unwind" fn run<E: Entry>(state: *mut lua_State) -> c_int {
    // SAFETY: Lua passes the running thread, whose core outlives it.
    unsafe {
        let core = interpreter::core(state);
        let reply = if core.memory.is_limited() { limited::<E>(core, state) } else { E::run(core, Stack::new(state)) };
        answer::<E>(state, reply)
    }
}

/// An entry in a context whose memory is limited.
///
/// # Safety
/// As `run`.
#[cold]
unsafe fn limited<E: Entry>(core: &Core, state: *mut lua_State) -> Reply {
    // SAFETY: as `run`.
    let stack = unsafe { Stack::new(state) };
    core.memory.jumpable(E::OWNS_NOTHING, || E::run(core, stack))
}

/// Where a suspended entry goes on.
///
/// # Safety
/// Lua calls it, when the thread is resumed.
unsafe extern "C-unwind" fn resumed<E: Entry>(state: *mut lua_State, _status: c_int, _context: lua_KContext) -> c_int {
    // SAFETY: as `run`.
    unsafe {
        let (core, stack) = (interpreter::core(state), Stack::new(state));
        let reply = core.memory.jumpable(E::OWNS_NOTHING, || E::resumed(core, stack));
        answer::<E>(state, reply)
    }
}

/// # Safety
/// Called by the two above, in a frame that owns nothing with a destructor.
#[inline(always)]
unsafe fn answer<E: Entry>(state: *mut lua_State, reply: Reply) -> c_int {
    // SAFETY: the entry left on the stack what its reply says; it yields only where Lua allows it.
    unsafe {
        match reply {
            Reply::Values(count) => count,
            Reply::Raise => ffi::lua_error(state),
            Reply::Yield(count) => ffi::lua_yieldk(state, count, 0, None),
            Reply::Wait => ffi::lua_yieldk(state, 0, 0, Some(resumed::<E>)),
        }
    }
}
