//! Rust values that Squirrel owns: in userdata, and behind instances.
//!
//! A cell begins with a mark that tells its type, and knows the core it belongs to; it is emptied once,
//! when Squirrel frees what holds it.

use std::ffi::c_void;

use super::api::{self, Vm};
use crate::core::Core;

/// A type that Squirrel may own.
pub(crate) trait Kept: 'static {
    /// A number no other type has.
    const MARK: u64;

    /// The value is about to be dropped.
    fn released(&self, core: &Core) {
        let _ = core;
    }
}

#[repr(C)]
struct Cell<T> {
    mark: u64,
    core: *const Core,
    value: T,
}

impl<T: Kept> Cell<T> {
    fn tell(&self) {
        // SAFETY: the core outlives its interpreter, which frees the cell.
        self.value.released(unsafe { &*self.core });
    }
}

/// Pushes a new userdata that owns the value.
///
/// # Safety
/// The thread is alive, this is its own, and there is room for a value; the core is its interpreter's.
pub(super) unsafe fn push<T: Kept>(vm: Vm, core: &Core, value: T) {
    const { assert!(align_of::<Cell<T>>() <= 8, "Squirrel aligns userdata to 8 bytes") };
    // SAFETY: so many bytes, aligned to 8; written before anyone sees them, and before the hook is set.
    unsafe {
        let place = api::sq_newuserdata(vm, size_of::<Cell<T>>() as u64).cast::<Cell<T>>();
        place.write(Cell { mark: T::MARK, core, value });
        api::sq_settypetag(vm, -1, tag::<T>());
        api::sq_setreleasehook(vm, -1, release::<T>);
    }
}

/// What the userdata at the index owns, if it is of this type.
///
/// # Safety
/// As [`push`]; the index is valid, and the userdata stays where Squirrel can see it for 'a.
pub(super) unsafe fn at<'a, T: Kept>(vm: Vm, index: i64) -> Option<&'a T> {
    let (mut data, mut found) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the caller vouches for thread and index; the tag says whose userdata it is.
    unsafe {
        let is_userdata = api::sq_getuserdata(vm, index, &mut data, &mut found) >= 0;
        (is_userdata && found == tag::<T>()).then(|| &(*data.cast::<Cell<T>>()).value)
    }
}

/// The type tag: the mark, as an address that is never followed.
pub(super) fn tag<T: Kept>() -> *mut c_void {
    T::MARK as usize as *mut c_void
}

unsafe extern "C-unwind" fn release<T: Kept>(data: *mut c_void, _size: i64) -> i64 {
    // SAFETY: Squirrel frees the userdata, which was written by `push` and has one owner.
    unsafe {
        let cell = data.cast::<Cell<T>>();
        (*cell).tell();
        cell.drop_in_place();
    }
    1
}

/// Has the instance on top own the value.
///
/// # Safety
/// As [`push`]; there is a new instance on top.
pub(super) unsafe fn give_to_instance<T: Kept>(vm: Vm, core: &Core, value: T) {
    let cell = Box::into_raw(Box::new(Cell { mark: T::MARK, core, value }));
    // SAFETY: the instance owns the box from here on.
    unsafe {
        api::sq_setinstanceup(vm, -1, cell.cast());
        api::sq_setreleasehook(vm, -1, release_box::<T>);
    }
}

/// What the instance at the index owns, if its class is that of this type.
///
/// # Safety
/// As [`at`].
pub(super) unsafe fn of_instance<'a, T: Kept>(vm: Vm, index: i64) -> Option<&'a T> {
    let mut data = std::ptr::null_mut();
    // SAFETY: the caller vouches for thread and index. Only our class has the tag; an instance of it
    // that a script made owns nothing.
    unsafe {
        let is_ours = api::sq_getinstanceup(vm, index, &mut data, tag::<T>()) >= 0 && !data.is_null();
        is_ours.then(|| &(*data.cast::<Cell<T>>()).value)
    }
}

unsafe extern "C-unwind" fn release_box<T: Kept>(data: *mut c_void, _size: i64) -> i64 {
    if !data.is_null() {
        // SAFETY: the box that `give_to_instance` gave away; the instance is freed once.
        let cell = unsafe { Box::from_raw(data.cast::<Cell<T>>()) };
        cell.tell();
    }
    1
}
