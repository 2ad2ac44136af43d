//! Gives back what a suspended thread's stack does not use.
//!
//! A new thread's stack has 40 slots, of which a task that sleeps needs some 27; with 100,000 of them
//! that is 20 MB. Lua shrinks stacks only from three times their use on, so this does it, once for
//! each thread: a stack that has grown since was too small before.
//!
//! It reads the first fields of Lua's own structures, as `lstate.h` of the source that this crate is
//! locked to lays them out. What is read is checked first against what must hold of a new thread
//! ([`Layout::of`]); where it does not, nothing is shrunk.

use std::os::raw::c_int;

use mlua::ffi::lua_State;

use super::stack::Stack;

unsafe extern "C" {
    /// Of Lua's `ldo.h`.
    fn luaD_reallocstack(state: *mut lua_State, slots: c_int, raise: c_int) -> c_int;
}

/// A value's place on a stack.
#[repr(C, align(8))]
struct Slot([u8; 16]);

/// How `lua_State` begins.
#[repr(C)]
struct State {
    next: *mut (),
    kind: u8,
    marked: u8,
    status: u8,
    allow_hook: u8,
    calls: u16,
    top: *mut Slot,
    global: *mut (),
    call: *mut Call,
    last: *mut Slot,
    stack: *mut Slot,
}

/// How `CallInfo` begins.
#[repr(C)]
struct Call {
    function: *mut Slot,
    top: *mut Slot,
    previous: *mut Call,
}

/// The slots of a new thread's stack, `BASIC_STACK_SIZE`.
const NEW: isize = 40;
/// Fewer than this are no gain worth a copy.
const GAIN: isize = 8;

/// Whether this library's Lua is laid out as this file reads it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout(bool);

impl Layout {
    /// Looks at a new thread, on which nothing is yet.
    pub(crate) fn of(thread: Stack) -> Layout {
        let state = thread.raw().cast::<State>();
        // SAFETY: the thread is alive, and a `lua_State` is larger than what is read of it.
        let State { top, call, last, stack, .. } = unsafe { state.read() };
        let slots = last.addr().wrapping_sub(stack.addr());
        let has_one = top.addr() == stack.addr().wrapping_add(size_of::<Slot>());
        // Its only call is the one in the state itself.
        let within = call.addr().wrapping_sub(state.addr());
        Layout(slots == NEW as usize * size_of::<Slot>() && has_one && (1..256).contains(&within))
    }

    /// Shrinks the stack of a thread that is suspended, if it is as large as a new one's.
    pub(crate) fn shrink(self, thread: Stack) {
        if !self.0 {
            return;
        }
        let state = thread.raw().cast::<State>();
        // SAFETY: the thread is alive and not running, and laid out as `of` has seen; its calls are a
        // list that ends with null, and their tops lie on its stack.
        unsafe {
            let State { top, call, last, stack, .. } = state.read();
            if last.offset_from(stack) != NEW {
                return;
            }
            let mut used = top.offset_from(stack);
            let mut next = call;
            while let Some(call) = next.as_ref() {
                used = used.max(call.top.offset_from(stack));
                next = call.previous;
            }
            if used + GAIN < NEW {
                // Whether there was memory for it: if not, it stays as it was.
                let _ = luaD_reallocstack(thread.raw(), used as c_int + 1, 0);
            }
        }
    }
}
