//! Lua's basic, string and table libraries as `build.rs` compiles them: their long loops look whether they
//! are to stop, since a hook does not run in them, and `pcall` does not catch that.

use mlua::ffi::{self, lua_State};

use super::current::stop_if_asked;

unsafe extern "C-unwind" {
    fn calog_luaopen_base(state: *mut lua_State) -> std::ffi::c_int;
    fn calog_luaopen_string(state: *mut lua_State) -> std::ffi::c_int;
    fn calog_luaopen_table(state: *mut lua_State) -> std::ffi::c_int;
}

/// Puts them in the place of Lua's own.
///
/// # Safety
/// A new state on this thread, whose libraries are open.
pub(super) unsafe fn open(state: *mut lua_State) {
    // SAFETY: the caller vouches for the state; that a library counts as loaded is forgotten first, since
    // it would not be opened again.
    unsafe {
        ffi::luaL_getsubtable(state, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        let libraries: [(_, ffi::lua_CFunction); 3] =
            [(c"_G", calog_luaopen_base), (c"string", calog_luaopen_string), (c"table", calog_luaopen_table)];
        for (name, open) in libraries {
            ffi::lua_pushnil(state);
            ffi::lua_setfield(state, -2, name.as_ptr());
            ffi::luaL_requiref(state, name.as_ptr(), open, 1);
            ffi::lua_pop(state, 1);
        }
        ffi::lua_pop(state, 1);
    }
}

/// Called from their loops when the thread has a hook, which may be ours.
///
/// # Safety
/// The libraries call it, where they may raise an error.
#[unsafe(no_mangle)]
unsafe extern "C-unwind" fn calog_lua_poll(state: *mut lua_State) {
    // SAFETY: Lua passes the running thread; this frame owns nothing.
    unsafe { stop_if_asked(state) };
}
