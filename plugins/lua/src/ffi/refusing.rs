//! An allocator that has nothing for large requests, for tests.

use std::cell::Cell;
use std::ffi::c_void;

use mlua::ffi::{self, lua_Alloc};

use super::stack::Stack;

thread_local! {
    /// Lua's own, and from how many bytes on it is not asked.
    static OWN: Cell<Option<(lua_Alloc, *mut c_void, usize)>> = const { Cell::new(None) };
}

/// Refuses this interpreter, which is the thread's only one, all requests of so many bytes or more.
pub(crate) fn refuse_from(stack: Stack, bytes: usize) {
    // SAFETY: the state is alive on its thread; ours passes on what it does not refuse.
    unsafe {
        let mut data = std::ptr::null_mut();
        let own = ffi::lua_getallocf(stack.raw(), &mut data);
        OWN.set(Some((own, data, bytes)));
        ffi::lua_setallocf(stack.raw(), refusing, std::ptr::null_mut());
    }
}

/// Lua's allocator, but for what is refused.
///
/// # Safety
/// Lua calls it, on the thread that `refuse_from` was called on.
unsafe extern "C" fn refusing(_: *mut c_void, block: *mut c_void, before: usize, size: usize) -> *mut c_void {
    let Some((own, data, most)) = OWN.get() else { return std::ptr::null_mut() };
    if size >= most {
        return std::ptr::null_mut();
    }
    // SAFETY: as Lua calls it.
    unsafe { own(data, block, before, size) }
}
