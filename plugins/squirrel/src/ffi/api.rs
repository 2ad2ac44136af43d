//! Squirrel's C API, as far as it is used, and what `native/hooks.cpp` adds.

use std::ffi::{c_char, c_void};

/// A thread of an interpreter. Only pointers to it exist.
#[repr(C)]
pub(super) struct Thread {
    _opaque: [u8; 0],
}

pub(super) type Vm = *mut Thread;
pub(super) type Native = unsafe extern "C-unwind" fn(Vm) -> i64;
pub(super) type ReleaseHook = unsafe extern "C-unwind" fn(*mut c_void, i64) -> i64;
pub(super) type CompilerError = unsafe extern "C-unwind" fn(Vm, *const c_char, *const c_char, i64, i64);
pub(super) type Read = unsafe extern "C-unwind" fn(*mut c_void) -> i64;

/// A value of Squirrel's as it lies in its tables. Not counted by itself.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Object {
    pub(super) kind: u32,
    pub(super) value: u64,
}

/// A frame, as `sq_stackinfos` tells.
#[repr(C)]
pub(super) struct StackInfo {
    pub(super) function: *const c_char,
    pub(super) source: *const c_char,
    pub(super) line: i64,
}

/// Functions that the patched interpreter calls; see `native/hooks.hpp`.
#[repr(C)]
pub(super) struct Hooks {
    pub(super) poll: unsafe extern "C-unwind" fn(Vm) -> bool,
    pub(super) overflow: unsafe extern "C-unwind" fn(Vm) -> bool,
    pub(super) thrown: unsafe extern "C-unwind" fn(Vm, i64) -> bool,
    pub(super) no_memory: unsafe extern "C-unwind" fn(),
    pub(super) stop: unsafe extern "C-unwind" fn(*mut c_void),
    pub(super) too_deep: unsafe extern "C-unwind" fn(),
    pub(super) print: unsafe extern "C-unwind" fn(Vm, *const c_char, u64),
    pub(super) permit: unsafe extern "C-unwind" fn(Vm, u32, *const c_char) -> *const c_char,
    pub(super) count_output: unsafe extern "C-unwind" fn(Vm, u64) -> bool,
}

/// What `sq_suspendvm` returns, and with it the native, when the thread can be suspended.
pub(super) const SUSPEND: i64 = -666;

unsafe extern "C-unwind" {
    pub(super) fn calog_squirrel_hooks(hooks: *const Hooks);
    pub(super) fn calog_squirrel_account(shared: *mut c_void) -> *mut c_void;

    pub(super) fn sq_open(slots: i64) -> Vm;
    pub(super) fn sq_close(vm: Vm);
    pub(super) fn sq_newthread(friend: Vm, slots: i64) -> Vm;
    pub(super) fn sq_setsharedforeignptr(vm: Vm, pointer: *mut c_void);
    pub(super) fn sq_getsharedforeignptr(vm: Vm) -> *mut c_void;
    pub(super) fn sq_setcompilererrorhandler(vm: Vm, handler: CompilerError);
    pub(super) fn sq_compile(vm: Vm, read: Read, data: *mut c_void, name: *const c_char, raise: u64) -> i64;

    pub(super) fn sq_suspendvm(vm: Vm) -> i64;
    pub(super) fn sq_wakeupvm(vm: Vm, takes: u64, gives: u64, raise: u64, throw: u64) -> i64;
    pub(super) fn sq_getvmstate(vm: Vm) -> i64;
    pub(super) fn sq_call(vm: Vm, count: i64, gives: u64, raise: u64) -> i64;
    pub(super) fn sq_stackinfos(vm: Vm, level: i64, info: *mut StackInfo) -> i64;

    pub(super) fn sq_gettop(vm: Vm) -> i64;
    pub(super) fn sq_settop(vm: Vm, top: i64);
    pub(super) fn sq_pop(vm: Vm, count: i64);
    pub(super) fn sq_push(vm: Vm, index: i64);
    pub(super) fn sq_remove(vm: Vm, index: i64);
    pub(super) fn sq_move(to: Vm, from: Vm, index: i64);
    pub(super) fn sq_reservestack(vm: Vm, slots: i64) -> i64;

    pub(super) fn sq_pushnull(vm: Vm);
    pub(super) fn sq_pushbool(vm: Vm, value: u64);
    pub(super) fn sq_pushinteger(vm: Vm, value: i64);
    pub(super) fn sq_pushfloat(vm: Vm, value: f64);
    pub(super) fn sq_pushstring(vm: Vm, start: *const c_char, len: i64);
    pub(super) fn sq_pushroottable(vm: Vm);
    pub(super) fn sq_setroottable(vm: Vm) -> i64;
    pub(super) fn sq_seterrorhandler(vm: Vm);
    pub(super) fn sq_setdebughook(vm: Vm);
    pub(super) fn sq_pushobject(vm: Vm, object: Object);
    pub(super) fn sq_newtableex(vm: Vm, room: i64);
    pub(super) fn sq_newarray(vm: Vm, size: i64);
    pub(super) fn sq_newuserdata(vm: Vm, size: u64) -> *mut c_void;
    pub(super) fn sq_newclosure(vm: Vm, native: Native, free: u64);
    pub(super) fn sq_setnativeclosurename(vm: Vm, index: i64, name: *const c_char) -> i64;
    pub(super) fn sq_newclass(vm: Vm, has_base: u64) -> i64;
    pub(super) fn sq_createinstance(vm: Vm, class: i64) -> i64;
    pub(super) fn sq_weakref(vm: Vm, index: i64);
    pub(super) fn sq_getweakrefval(vm: Vm, index: i64) -> i64;

    pub(super) fn sq_gettype(vm: Vm, index: i64) -> u32;
    pub(super) fn sq_getsize(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_getinteger(vm: Vm, index: i64, out: *mut i64) -> i64;
    pub(super) fn sq_getfloat(vm: Vm, index: i64, out: *mut f64) -> i64;
    pub(super) fn sq_getbool(vm: Vm, index: i64, out: *mut u64) -> i64;
    pub(super) fn sq_getstringandsize(vm: Vm, index: i64, start: *mut *const c_char, len: *mut i64) -> i64;
    pub(super) fn sq_getuserdata(vm: Vm, index: i64, data: *mut *mut c_void, tag: *mut *mut c_void) -> i64;
    pub(super) fn sq_settypetag(vm: Vm, index: i64, tag: *mut c_void) -> i64;
    pub(super) fn sq_setreleasehook(vm: Vm, index: i64, hook: ReleaseHook);
    pub(super) fn sq_setinstanceup(vm: Vm, index: i64, pointer: *mut c_void) -> i64;
    pub(super) fn sq_getinstanceup(vm: Vm, index: i64, out: *mut *mut c_void, tag: *mut c_void) -> i64;
    pub(super) fn sq_getclass(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_getfreevariable(vm: Vm, index: i64, number: u64) -> *const c_char;
    pub(super) fn sq_getstackobj(vm: Vm, index: i64, out: *mut Object) -> i64;
    pub(super) fn sq_addref(vm: Vm, object: *mut Object);
    pub(super) fn sq_release(vm: Vm, object: *mut Object) -> u64;

    pub(super) fn sq_get(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_rawget(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_rawset(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_newslot(vm: Vm, index: i64, is_static: u64) -> i64;
    pub(super) fn sq_next(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_setdelegate(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_getdelegate(vm: Vm, index: i64) -> i64;
    pub(super) fn sq_tostring(vm: Vm, index: i64) -> i64;

    pub(super) fn sq_getlasterror(vm: Vm);
    pub(super) fn sq_reseterror(vm: Vm);
    pub(super) fn sq_throwobject(vm: Vm) -> i64;

    pub(super) fn sqstd_register_bloblib(vm: Vm) -> i64;
    pub(super) fn sqstd_register_iolib(vm: Vm) -> i64;
    pub(super) fn sqstd_register_systemlib(vm: Vm) -> i64;
    pub(super) fn sqstd_register_mathlib(vm: Vm) -> i64;
    pub(super) fn sqstd_register_stringlib(vm: Vm) -> i64;
}
