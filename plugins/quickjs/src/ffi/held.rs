//! A class whose instances hold something of Rust: Objects, and the errors behind error objects.

use std::ptr;

use calog_plugin_api::{Error, Frame, Object};
use rquickjs::{Ctx, Value as Js, qjs};

use super::{Weak, adopt, adopt_result, realm_of};
use crate::realm::Realm;

/// What an instance holds.
pub(crate) enum Held {
    /// A native's or another context's Object.
    Object(Object),
    /// The error from outside that an error object stands for, and where in this realm it arrived.
    Error(Error, Vec<Frame>),
}

/// The opaque part of an instance.
struct Instance {
    held: Held,
    realm: *const Realm,
}

/// Registers the class with a runtime.
///
/// # Safety
/// The context is alive and this is its thread.
pub(super) unsafe fn register(ctx: *mut qjs::JSContext) -> qjs::JSClassID {
    let definition = qjs::JSClassDef {
        class_name: c"Object".as_ptr(),
        finalizer: Some(finalize),
        gc_mark: None,
        call: None,
        exotic: ptr::null_mut(),
    };
    let mut class = 0;
    // SAFETY: the caller vouches for the context; the definition is copied.
    unsafe {
        let runtime = qjs::JS_GetRuntime(ctx);
        qjs::JS_NewClassID(runtime, &mut class);
        qjs::JS_NewClass(runtime, class, &definition);
    }
    class
}

/// A new instance; an Object's is remembered by the Object's address, so that it is found again.
pub(crate) fn held<'js>(ctx: &Ctx<'js>, held: Held, prototype: &Js<'js>) -> rquickjs::Result<Js<'js>> {
    let realm = realm_of(ctx);
    let context = ctx.as_raw().as_ptr();
    let address = match &held {
        Held::Object(object) => Some(object.address()),
        Held::Error(..) => None,
    };
    // SAFETY: alive; the new object gets its opaque part, which its finalizer frees.
    unsafe {
        let value = qjs::JS_NewObjectProtoClass(context, prototype.as_raw(), realm.classes.held);
        if !qjs::JS_IsException(value) {
            let instance = Box::new(Instance { held, realm });
            qjs::JS_SetOpaque(value, Box::into_raw(instance).cast());
            if let Some(address) = address {
                realm.objects.borrow_mut().insert(address, Weak::of(value));
            }
        }
        adopt_result(ctx, value)
    }
}

/// The instance that already stands for an Object.
pub(crate) fn held_object<'js>(ctx: &Ctx<'js>, object: &Object) -> Option<Js<'js>> {
    let weak = *realm_of(ctx).objects.borrow().get(&object.address())?;
    // SAFETY: the finalizer has not run, so the object is alive.
    Some(unsafe { adopt(ctx, qjs::JS_DupValue(ctx.as_raw().as_ptr(), weak.0)) })
}

/// What a value holds, if it is an instance.
///
/// # Safety
/// The value is alive for `'a`.
pub(super) unsafe fn opaque<'a>(realm: &Realm, value: qjs::JSValue) -> Option<&'a Held> {
    // SAFETY: an instance of the class has the opaque part that `held` set.
    unsafe {
        let instance = qjs::JS_GetOpaque(value, realm.classes.held).cast::<Instance>();
        instance.as_ref().map(|instance| &instance.held)
    }
}

/// The error an instance holds.
pub(crate) fn held_error<'v>(value: &'v Js<'_>) -> Option<(&'v Error, &'v [Frame])> {
    // SAFETY: the value is borrowed for as long as the result.
    match unsafe { opaque(realm_of(value.ctx()), value.as_raw()) }? {
        Held::Error(error, frames) => Some((error, frames)),
        Held::Object(_) => None,
    }
}

impl Held {
    /// The Object that a value stands for.
    pub(crate) fn object_of<'v>(value: &'v Js<'_>) -> Option<&'v Object> {
        // SAFETY: the value is borrowed for as long as the result.
        match unsafe { opaque(realm_of(value.ctx()), value.as_raw()) }? {
            Held::Object(object) => Some(object),
            Held::Error(..) => None,
        }
    }
}

unsafe extern "C" fn finalize(_runtime: *mut qjs::JSRuntime, value: qjs::JSValue) {
    let mut class = 0;
    // SAFETY: the class is this one; the opaque part is freed once, here; the realm is alive.
    unsafe {
        let instance = qjs::JS_GetAnyOpaque(value, &mut class).cast::<Instance>();
        if instance.is_null() {
            return;
        }
        let instance = Box::from_raw(instance);
        let realm = &*instance.realm;
        if let Held::Object(object) = &instance.held {
            realm.objects.borrow_mut().remove(&object.address());
        }
        realm.bury(instance.held);
    }
}
