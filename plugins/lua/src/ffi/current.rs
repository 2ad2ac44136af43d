//! What runs now: the innermost thread, the task it belongs to, and the call's circumstances.
//!
//! Set for the length of an entry and put back after it, since entries nest when a wait pumps.

use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use calog_plugin_api::{CallInfo, KeptInfo};
use mlua::ffi::{self, lua_Debug, lua_State};

use super::interpreter;
use super::stack::Stack;
use crate::errors;

/// What code that is stopped ends with.
pub(crate) const STOPPED: &str = "the context was stopped";

/// What runs now in one context.
pub(crate) struct Current {
    /// The innermost running thread, or null. Atomic as a signal handler on this thread reads it.
    running: AtomicPtr<lua_State>,
    /// Set by an interrupt, for one that comes between the host's entry and ours.
    interrupted: AtomicBool,
    /// Whether the thread that has just yielded was stopped, and is not to be resumed.
    has_stopped: Cell<bool>,
    /// The thread the running task began on, or null.
    task: Cell<*mut lua_State>,
    /// The circumstances of the running call: borrowed by an `enter` that has not returned, or `_idle`'s.
    info: Cell<NonNull<CallInfo>>,
    /// What holds when no call runs: finalisers of a closing interpreter. Kept for `info`.
    _idle: KeptInfo,
}

/// Puts back what an entry has changed, also when it unwinds.
struct Before<'c> {
    current: &'c Current,
    running: *mut lua_State,
    task: *mut lua_State,
    info: NonNull<CallInfo>,
}

impl Drop for Before<'_> {
    fn drop(&mut self) {
        self.current.set_running(self.running);
        self.current.task.set(self.task);
        self.current.info.set(self.info);
    }
}

impl Current {
    /// Nothing runs; `idle` are the circumstances of what the context does of its own accord.
    pub(crate) fn new(idle: KeptInfo) -> Current {
        let info = Cell::new(NonNull::from(&*idle));
        let (running, interrupted) = (AtomicPtr::new(ptr::null_mut()), AtomicBool::new(false));
        Current {
            running,
            interrupted,
            has_stopped: Cell::new(false),
            task: Cell::new(ptr::null_mut()),
            info,
            _idle: idle,
        }
    }

    /// Runs the body as an entry of a task on its thread.
    #[inline(always)]
    pub(crate) fn enter<R>(&self, task: Stack, info: &CallInfo, body: impl FnOnce() -> R) -> R {
        let _before = self.before();
        self.set_running(task.raw());
        self.task.set(task.raw());
        self.info.set(NonNull::from(info));
        // From here on an interrupt finds the thread by itself; one that came before has left its mark.
        if self.interrupted.load(Ordering::Relaxed) {
            arm(task);
        }
        body()
    }

    /// Runs the body while a coroutine of the script is the innermost thread.
    pub(crate) fn inside<R>(&self, coroutine: Stack, body: impl FnOnce() -> R) -> R {
        let before = self.running.load(Ordering::Relaxed);
        self.set_running(coroutine.raw());
        let result = body();
        self.set_running(before);
        result
    }

    /// Runs the body under other circumstances.
    pub(crate) fn with_info<R>(&self, info: &CallInfo, body: impl FnOnce() -> R) -> R {
        let _before = self.before();
        self.info.set(NonNull::from(info));
        body()
    }

    fn before(&self) -> Before<'_> {
        // ORDERING: relaxed, as only this thread and its signal handlers touch it.
        let running = self.running.load(Ordering::Relaxed);
        Before { current: self, running, task: self.task.get(), info: self.info.get() }
    }

    fn set_running(&self, state: *mut lua_State) {
        // ORDERING: relaxed, as above.
        self.running.store(state, Ordering::Relaxed);
    }

    /// The circumstances of the running call; not to be kept beyond it.
    #[inline(always)]
    pub(crate) fn info(&self) -> &CallInfo {
        // SAFETY: set by an `enter` that has not returned, whose borrow still holds, or `_idle`'s own.
        unsafe { self.info.get().as_ref() }
    }

    /// The innermost running thread.
    pub(crate) fn running(&self) -> Option<Stack> {
        // ORDERING: relaxed, as above.
        let state = self.running.load(Ordering::Relaxed);
        // SAFETY: a thread is here only while it runs.
        (!state.is_null()).then(|| unsafe { Stack::new(state) })
    }

    /// Whether the thread that has just yielded was stopped.
    pub(crate) fn take_stopped(&self) -> bool {
        self.has_stopped.take()
    }

    /// Whether this thread is the one the running task began on.
    pub(crate) fn is_task(&self, stack: Stack) -> bool {
        stack.raw() == self.task.get()
    }

    /// Has the running code look at the stop flag. May run in a signal handler of this thread:
    /// `lua_sethook` is made for that, and the rest is a load and a store. An interrupt stays: a hook
    /// that finds the context shall not stop takes itself away.
    pub(crate) fn interrupt(&self) {
        // ORDERING: relaxed, as only this thread and its signal handlers touch it.
        self.interrupted.store(true, Ordering::Relaxed);
        if let Some(running) = self.running() {
            arm(running);
        }
    }
}

/// Where a thread keeps whether its hooks may run (`allowhook` in Lua 5.4's `lstate.h`): after the
/// pointer and the two bytes that all collectable objects begin with, and its status. Lua gives no
/// other way to it, and takes it away in finalisers, and in message handlers of errors that a hook
/// raises: code there would never be interrupted. Tests interrupt both.
const ALLOW_HOOK: usize = size_of::<*const ()>() + 3;

/// Has this thread look at the stop flag at its next instruction, and each one after.
pub(crate) fn arm(stack: Stack) {
    // SAFETY: the thread is alive; `lua_sethook` may come at any moment on the thread's own.
    unsafe {
        ffi::lua_sethook(stack.raw(), Some(look), ffi::LUA_MASKCOUNT, 1);
        allow_hooks(stack.raw());
    }
}

/// Lets hooks run, also where Lua would not.
///
/// # Safety
/// The thread is alive, and this its own.
unsafe fn allow_hooks(state: *mut lua_State) {
    // SAFETY: a flag of one byte within the thread's state, of the Lua that is compiled in; whoever
    // in Lua cleared it puts it back to what it was before, on all ways out.
    unsafe { state.cast::<u8>().add(ALLOW_HOOK).write_volatile(1) };
}

/// The hook: takes itself away once the context shall not stop and uses no more memory than it may.
///
/// # Safety
/// Lua calls it, between two instructions.
unsafe extern "C-unwind" fn look(state: *mut lua_State, _debug: *mut lua_Debug) {
    // SAFETY: Lua passes the running thread, and this frame owns nothing.
    unsafe {
        if !stop_if_asked(state) {
            ffi::lua_sethook(state, None, 0, 0);
        }
    }
}

/// Ends the code as long as the context shall stop, or uses too much memory. Whether it shall: where it can,
/// the code gives way, and is not resumed. Otherwise that is an error, again and again, so that a `pcall`
/// around the code gets no further; but a hundred thousand of them, one within another, would take long.
///
/// # Safety
/// The running thread, whose core outlives it, in a hook, which then returns, or in a C function that may
/// raise and yield; the frames up to it own nothing.
pub(super) unsafe fn stop_if_asked(state: *mut lua_State) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe {
        let core = interpreter::core(state);
        if core.host.stopping() {
            if ffi::lua_isyieldable(state) != 0 {
                core.current.has_stopped.set(true);
                ffi::lua_yield(state, 0);
                return true;
            }
            ffi::lua_pushlstring(state, STOPPED.as_ptr().cast(), STOPPED.len());
            allow_hooks(state);
            ffi::lua_error(state);
        }
        if core.memory.is_over() {
            // What nobody uses any more does not count.
            ffi::lua_gc(state, ffi::LUA_GCCOLLECT);
            if core.memory.is_over() {
                errors::push_over_limit(core, Stack::new(state));
                ffi::lua_error(state);
            }
        }
        false
    }
}
