//! References from Rust into the JavaScript heap: owning ones, and weak ones by address.

use rquickjs::{Ctx, Value as Js, qjs};

use super::{RawContext, adopt};

/// An owned value that outlives the entry it came from. Dropped on the realm's thread while its
/// context is alive: every pin sits in a table that `Realm::clear` empties, never inside the heap.
pub(crate) struct Pin {
    context: RawContext,
    pub(super) value: qjs::JSValue,
}

impl Pin {
    /// Keeps a value alive.
    pub(crate) fn new(value: &Js<'_>) -> Pin {
        let context = RawContext(value.ctx().as_raw());
        // SAFETY: alive.
        let value = unsafe { qjs::JS_DupValue(context.ptr(), value.as_raw()) };
        Pin { context, value }
    }

    /// Keeps a C value alive.
    ///
    /// # Safety
    /// The value belongs to the context, which is alive.
    pub(super) unsafe fn of(context: RawContext, value: qjs::JSValue) -> Pin {
        // SAFETY: the caller vouches for it.
        Pin { context, value: unsafe { qjs::JS_DupValue(context.ptr(), value) } }
    }

    /// The value.
    pub(crate) fn get<'js>(&self, ctx: &Ctx<'js>) -> Js<'js> {
        // SAFETY: alive; the duplicate is owned by what is returned.
        unsafe { adopt(ctx, qjs::JS_DupValue(self.context.ptr(), self.value)) }
    }

    /// The address of the object that is pinned.
    pub(crate) fn address(&self) -> usize {
        // SAFETY: only read as a number.
        unsafe { qjs::JS_VALUE_GET_PTR(self.value).addr() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // SAFETY: alive; the pin owns one count.
        unsafe { qjs::JS_FreeValue(self.context.ptr(), self.value) };
    }
}

/// An object known by address and not kept alive. Its finalizer takes it out of the cache it is in.
#[derive(Clone, Copy)]
pub(crate) struct Weak(pub(super) qjs::JSValue);

impl Weak {
    /// A weak reference to an object of a class whose finalizer forgets it.
    pub(super) fn of(value: qjs::JSValue) -> Weak {
        Weak(value)
    }
}
