//! Lua's libraries: the basic, string and table ones as `build.rs` compiles them, whose long loops look whether
//! they are to stop, since a hook does not run in them, and whose `pcall` does not catch that; and Lua's own.

use std::ffi::{CStr, c_int};
use std::sync::atomic::{AtomicPtr, Ordering};

use mlua::ffi::{self, lua_State};

use super::current::stop_if_asked;

unsafe extern "C-unwind" {
    fn calog_luaopen_base(state: *mut lua_State) -> c_int;
    fn calog_luaopen_string(state: *mut lua_State) -> c_int;
    fn calog_luaopen_table(state: *mut lua_State) -> c_int;
}

unsafe extern "C" {
    /// What the loops call: of `native/poll.c`.
    static calog_lua_poll: AtomicPtr<()>;
}

/// All libraries, in the order in which Lua opens them.
const LIBRARIES: [(&CStr, ffi::lua_CFunction); 10] = [
    (c"_G", calog_luaopen_base),
    (c"package", ffi::luaopen_package),
    (c"coroutine", ffi::luaopen_coroutine),
    (c"table", calog_luaopen_table),
    (c"io", ffi::luaopen_io),
    (c"os", ffi::luaopen_os),
    (c"string", calog_luaopen_string),
    (c"math", ffi::luaopen_math),
    (c"utf8", ffi::luaopen_utf8),
    (c"debug", ffi::luaopen_debug),
];

/// Opens the libraries.
///
/// # Safety
/// A new state on this thread, without any.
pub(super) unsafe fn open(state: *mut lua_State) {
    // SAFETY: the caller vouches for the state, whose stack has room for what is opened; every state of the
    // process has the same function stored, so it does not matter who does so first.
    unsafe {
        calog_lua_poll.store(poll as *mut (), Ordering::Relaxed);
        for (name, open) in LIBRARIES {
            ffi::luaL_requiref(state, name.as_ptr(), open, 1);
            ffi::lua_pop(state, 1);
        }
    }
}

/// Called from the loops when the thread has a hook, which may be ours.
///
/// # Safety
/// The libraries call it, where they may raise an error.
unsafe extern "C-unwind" fn poll(state: *mut lua_State) {
    // SAFETY: Lua passes the running thread; this frame owns nothing.
    unsafe { stop_if_asked(state) };
}
