//! The raw C API, and all `unsafe` of this engine.
//!
//! Invariants that the SAFETY lines below appeal to:
//! - **thread**: a realm, its context and everything made from them stay on the thread that opened
//!   them (`Realm` is neither Send nor Sync, and the host enters a context on its own thread only);
//! - **alive**: `Interpreter` drops its QuickJS context and runtime before its realm, after `Realm::clear`
//!   has dropped every `Pin`; so inside any entry, trampoline or finalizer both are alive;
//! - **owned**: a `JSValue` that a C function returns is owned by us unless its name says otherwise,
//!   and is freed, stored or returned exactly once.

mod arguments;
mod bound;
mod call;
mod held;
mod info;
mod keys;
mod loader;
mod memory;
mod pin;
mod read;
#[cfg(test)]
mod refusing;
mod stack_limit;
mod unlimited;
mod write;

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use calog_plugin_api::Result;
use rquickjs::{Ctx, Value as Js, qjs};

use crate::realm::Realm;

pub(crate) use bound::{Bound, How, Target, function, twin};
pub(crate) use call::{Called, backtrace, call_pinned, has_jobs, run_job, throw};
pub(crate) use held::{Held, held, held_error, held_object};
pub(crate) use info::CurrentInfo;
pub(crate) use loader::{compile, install_loader, link_and_run, scratch};
pub(crate) use memory::{Counted, Memory};
pub(crate) use pin::{Pin, Weak};
pub(crate) use read::{Fail, Reader, exports, read, text};
#[cfg(test)]
pub(crate) use refusing::{Refusal, requests};
pub(crate) use stack_limit::{NoCalls, limit_stack};
pub(crate) use unlimited::evaluate as evaluate_limited;
pub(crate) use write::{Writer, write};

/// The C context of a realm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawContext(NonNull<qjs::JSContext>);

impl RawContext {
    pub(crate) fn new(context: &rquickjs::Context) -> RawContext {
        RawContext(context.as_raw())
    }

    fn ptr(self) -> *mut qjs::JSContext {
        self.0.as_ptr()
    }
}

/// Class numbers the walk over values asks for; the same in every QuickJS runtime of this build, but
/// known only by asking.
#[derive(Clone, Copy, Default)]
pub(crate) struct Classes {
    pub(crate) bound: qjs::JSClassID,
    pub(crate) held: qjs::JSClassID,
    object: qjs::JSClassID,
    array: qjs::JSClassID,
    array_buffer: qjs::JSClassID,
}

impl Classes {
    /// Registers this engine's classes with a new context and asks for the built-in ones.
    pub(crate) fn register(context: RawContext) -> Classes {
        let ctx = context.ptr();
        // SAFETY: alive, thread; every value made to be asked for its class is freed.
        unsafe {
            let probe = |value: qjs::JSValue| {
                let class = qjs::JS_GetClassID(value);
                qjs::JS_FreeValue(ctx, value);
                class
            };
            Classes {
                bound: bound::register(ctx),
                held: held::register(ctx),
                object: probe(qjs::JS_NewObject(ctx)),
                array: probe(qjs::JS_NewArray(ctx)),
                array_buffer: probe(qjs::JS_NewArrayBufferCopy(ctx, std::ptr::null(), 0)),
            }
        }
    }
}

/// Makes a realm the one that a context's trampolines find. The realm outlives the context.
pub(crate) fn attach(context: RawContext, realm: &Realm) {
    // SAFETY: alive; rquickjs leaves the context's opaque pointer alone.
    unsafe { qjs::JS_SetContextOpaque(context.ptr(), std::ptr::from_ref(realm).cast_mut().cast::<c_void>()) };
}

/// The realm of a C context.
///
/// # Safety
/// The context is one that `attach` was called for (or a scratch context of one), inside an entry.
#[inline]
unsafe fn realm_at<'a>(ctx: *mut qjs::JSContext) -> &'a Realm {
    // SAFETY: `attach` stored a realm that outlives the context.
    unsafe { &*qjs::JS_GetContextOpaque(ctx).cast::<Realm>() }
}

/// The realm that running code belongs to.
pub(crate) fn realm_of<'js>(ctx: &Ctx<'js>) -> &'js Realm {
    // SAFETY: a `Ctx` exists only inside an entry of a realm.
    unsafe { realm_at(ctx.as_raw().as_ptr()) }
}

/// A realm's context as the safe one, without a count: the realm's interpreter owns the context.
///
/// Made once, as counting up and down at each entry costs as much as a small function's arguments.
pub(crate) struct Uncounted(ManuallyDrop<Ctx<'static>>);

impl Uncounted {
    pub(crate) fn of(context: RawContext) -> Uncounted {
        // SAFETY: alive, thread; the count that is taken here is given back here, and never again, as what
        // holds the handle is never dropped.
        unsafe {
            let ctx = Ctx::from_raw(context.0);
            qjs::JS_FreeContext(context.ptr());
            Uncounted(ManuallyDrop::new(ctx))
        }
    }
}

/// The realm's context, for the length of an entry.
#[inline(always)]
pub(crate) fn enter<R>(realm: &Realm, entry: impl FnOnce(&Ctx<'_>) -> R) -> R {
    entry(&realm.ctx.0)
}

/// An owned C value as a safe one.
///
/// # Safety
/// The value is owned by the caller and no exception marker.
unsafe fn adopt<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Js<'js> {
    // SAFETY: the caller vouches for it.
    unsafe { Js::from_raw(ctx.clone(), value) }
}

/// An owned C value as a safe one, or the pending exception.
///
/// # Safety
/// The value is owned by the caller.
unsafe fn adopt_result<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> rquickjs::Result<Js<'js>> {
    // SAFETY: the caller vouches for it.
    unsafe { if qjs::JS_IsException(value) { Err(rquickjs::Error::Exception) } else { Ok(adopt(ctx, value)) } }
}

/// Frees a value; numbers and the like need no call.
///
/// # Safety
/// The value is owned by the caller.
#[inline]
unsafe fn free(ctx: *mut qjs::JSContext, value: qjs::JSValue) {
    // SAFETY: the caller vouches for it.
    unsafe {
        if qjs::JS_VALUE_HAS_REF_COUNT(value) {
            qjs::JS_FreeValue(ctx, value);
        }
    }
}

/// Defines an accessor that scripts may replace.
pub(crate) fn define_accessor<'js>(
    object: &rquickjs::Object<'js>,
    name: &str,
    get: Js<'js>,
    set: Js<'js>,
    enumerable: bool,
) -> rquickjs::Result<()> {
    let ctx = object.ctx().as_raw().as_ptr();
    let mut flags = qjs::JS_PROP_CONFIGURABLE;
    if enumerable {
        flags |= qjs::JS_PROP_ENUMERABLE;
    }
    // SAFETY: alive; the getter and setter are handed over, so both are duplicated first.
    let status = unsafe {
        let atom = qjs::JS_NewAtomLen(ctx, name.as_ptr().cast(), name.len() as qjs::size_t);
        let get = qjs::JS_DupValue(ctx, get.as_raw());
        let set = qjs::JS_DupValue(ctx, set.as_raw());
        let status = qjs::JS_DefinePropertyGetSet(ctx, object.as_raw(), atom, get, set, flags as i32);
        qjs::JS_FreeAtom(ctx, atom);
        status
    };
    if status < 0 { Err(rquickjs::Error::Exception) } else { Ok(()) }
}

/// Defines a data property, past any setter.
pub(crate) fn define_value<'js>(
    object: &rquickjs::Object<'js>,
    name: &str,
    value: Js<'js>,
    enumerable: bool,
) -> rquickjs::Result<()> {
    let ctx = object.ctx().as_raw().as_ptr();
    let mut flags = qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE;
    if enumerable {
        flags |= qjs::JS_PROP_ENUMERABLE;
    }
    // SAFETY: alive; the value is handed over, so it is duplicated first.
    let status = unsafe {
        let atom = qjs::JS_NewAtomLen(ctx, name.as_ptr().cast(), name.len() as qjs::size_t);
        let value = qjs::JS_DupValue(ctx, value.as_raw());
        let status = qjs::JS_DefinePropertyValue(ctx, object.as_raw(), atom, value, flags as i32);
        qjs::JS_FreeAtom(ctx, atom);
        status
    };
    if status < 0 { Err(rquickjs::Error::Exception) } else { Ok(()) }
}

/// The address of an object: its identity while it lives.
pub(crate) fn address(value: &Js<'_>) -> usize {
    // SAFETY: only read as a number.
    unsafe { qjs::JS_VALUE_GET_PTR(value.as_raw()).addr() }
}

/// Runs a part of a trampoline; a panic kills the context, but only once its entry ends: here it
/// becomes an exception, because it must not unwind through C.
fn guarded(realm: &Realm, part: impl FnOnce() -> Result<qjs::JSValue, Fail>) -> qjs::JSValue {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(part));
    match result {
        Ok(Ok(value)) => value,
        Ok(Err(fail)) => throw_fail(realm, fail),
        Err(payload) => {
            realm.note_panic(payload);
            throw_uncatchable(realm)
        }
    }
}

fn throw_fail(realm: &Realm, fail: Fail) -> qjs::JSValue {
    match fail {
        Fail::Thrown => {}
        // A context that is to stop must not catch what its calls end with, and run on.
        Fail::Error(_) if realm.host.stopping() => return throw_uncatchable(realm),
        Fail::Error(error) => enter(realm, |ctx| {
            throw(ctx, &error);
        }),
    }
    qjs::JS_EXCEPTION
}

fn throw_uncatchable(realm: &Realm) -> qjs::JSValue {
    let ctx = realm.context.ptr();
    // SAFETY: alive; the new error is handed over to the throw.
    unsafe {
        let error = qjs::JS_NewError(ctx);
        qjs::JS_SetUncatchableError(ctx, error);
        qjs::JS_Throw(ctx, error)
    }
}
