//! One Lua interpreter: made, tied to its core, and closed.

use std::cell::Cell;
use std::ffi::c_int;
use std::rc::Rc;

use calog_plugin_api::{Code, Error, Result};
use mlua::ffi::{self, lua_State};

use super::polled;
use super::stack::Stack;
use crate::core::Core;

/// How far the heap may grow, in percent of what a collection left, until the next one begins.
///
/// What has a finaliser (an Object, a function of another context) survives the collection that finds it
/// unused, and counts as left by it. With Lua's usual 200 each collection of a script that makes many of
/// them therefore begins later than the one before, and the dead ones grow without end, with all that
/// they hold outside of Lua.
const COLLECT_AT_PERCENT: c_int = 150;

/// Owns a `lua_State` with all its threads and values.
pub(crate) struct Interpreter {
    main: Stack,
    /// What its trampolines use. Dropped after the state is closed, since finalisers use it.
    core: Option<Rc<Core>>,
    is_closed: Cell<bool>,
}

impl Interpreter {
    /// An interpreter with the whole standard library.
    ///
    /// # Errors
    /// `limit` when there is no memory for it.
    pub(crate) fn new() -> Result<Interpreter> {
        // SAFETY: a new state, on this thread; opening the libraries needs a few slots, which it has.
        unsafe {
            let state = ffi::luaL_newstate();
            if state.is_null() {
                return Err(Error::new(Code::Limit, "no memory for a Lua interpreter"));
            }
            polled::open(state);
            // Zeros leave Lua's own values.
            ffi::lua_gc(state, ffi::LUA_GCINC, COLLECT_AT_PERCENT, 0 as c_int, 0 as c_int);
            Ok(Interpreter { main: Stack::new(state), core: None, is_closed: Cell::new(false) })
        }
    }

    /// The stack of the main thread, which runs nothing itself.
    pub(crate) fn main(&self) -> Stack {
        self.main
    }

    /// Ties it to its core, before any of our functions can run and any other thread exists.
    pub(crate) fn attach(&mut self, core: Rc<Core>) {
        // SAFETY: the extra space is one pointer before each state, ours to use, copied to new threads.
        unsafe { ffi::lua_getextraspace(self.main.raw()).cast::<*const Core>().write(Rc::as_ptr(&core)) };
        self.core = Some(core);
    }
}

impl Interpreter {
    /// Ends it, with its finalisers, which an interrupt reaches. Nobody uses it after that. May be repeated.
    pub(crate) fn close(&self) {
        if self.is_closed.replace(true) {
            return;
        }
        // SAFETY: the state is alive, on its thread, and nobody uses it after its owner; the core
        // that its finalisers need is dropped after this.
        let close = || unsafe { ffi::lua_close(self.main.raw()) };
        match &self.core {
            // Finalisers run on the main thread, and are caught by Lua's own code.
            Some(core) => core.current.inside(self.main, || core.memory.jumpable(true, close)),
            None => close(),
        }
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        self.close();
    }
}

/// The core of a thread's interpreter.
///
/// # Safety
/// The thread belongs to an interpreter that `attach` was called on, and that lives for 'a.
#[inline(always)]
pub(super) unsafe fn core<'a>(state: *mut lua_State) -> &'a Core {
    // SAFETY: the caller vouches for it; see `attach`.
    unsafe { &**ffi::lua_getextraspace(state).cast::<*const Core>() }
}
