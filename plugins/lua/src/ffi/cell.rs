//! Userdata that own Rust values.
//!
//! A cell begins with a mark that tells its type, so that a userdata of another sort, put there with
//! Lua's `debug` library, is not taken for one; and it can be emptied only once, so that a second
//! call of its finaliser does nothing.

use std::os::raw::c_int;

use mlua::ffi::{self, lua_State};

/// A type that userdata may own.
pub(crate) trait Kept: 'static {
    /// A number no other type has, and no userdata of Lua's own begins with.
    const MARK: u64;
}

#[repr(C)]
struct Cell<T> {
    mark: u64,
    value: Option<T>,
}

/// Pushes a new userdata without a metatable.
///
/// # Safety
/// The state is alive, this is its thread, and there is room for a value.
pub(super) unsafe fn push<T: Kept>(state: *mut lua_State, value: T, user_values: c_int) {
    const { assert!(align_of::<Cell<T>>() <= 8, "Lua aligns userdata to 8 bytes") };
    // SAFETY: Lua gives so many bytes, aligned to 8, or raises for want of memory; the place is
    // written before anyone sees it.
    unsafe {
        let place = ffi::lua_newuserdatauv(state, size_of::<Cell<T>>(), user_values).cast::<Cell<T>>();
        place.write(Cell { mark: T::MARK, value: Some(value) });
    }
}

/// The cell at the index, if it is one of this type.
///
/// # Safety
/// As [`push`]; the index is valid.
#[inline(always)]
unsafe fn find<T: Kept>(state: *mut lua_State, index: c_int) -> Option<*mut Cell<T>> {
    // SAFETY: the caller vouches for the state. A full userdata of Lua's own libraries holds at least
    // a pointer, so that the mark can be read; so it can in the one light userdata there is, `null`'s.
    unsafe {
        let place = ffi::lua_touserdata(state, index).cast::<Cell<T>>();
        (!place.is_null() && (*place).mark == T::MARK).then_some(place)
    }
}

/// What the userdata at the index owns, if it is of this type.
///
/// # Safety
/// As [`push`]; the index is valid, and the userdata stays where Lua can see it for 'a.
#[inline(always)]
pub(super) unsafe fn at<'a, T: Kept>(state: *mut lua_State, index: c_int) -> Option<&'a T> {
    // SAFETY: the caller vouches for it; a cell's value is taken only when nothing refers to it.
    unsafe { find::<T>(state, index).and_then(|cell| (*cell).value.as_ref()) }
}

/// `__gc`: drops what the userdata owns.
///
/// # Safety
/// Lua calls it, as it does any C function.
pub(super) unsafe extern "C-unwind" fn finalise<T: Kept>(state: *mut lua_State) -> c_int {
    // SAFETY: the first argument is the userdata that nothing refers to any more.
    unsafe {
        if let Some(cell) = find::<T>(state, 1) {
            drop((*cell).value.take());
        }
    }
    0
}
