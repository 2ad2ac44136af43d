//! The class of functions that lead out of JavaScript: natives, foreign callables, methods, and this
//! engine's own.
//!
//! An instance is one object with one Rust box behind it, and QuickJS calls it without a frame of its
//! own. What `f.async` and `f.sync` are is decided by the prototype, so an instance needs no property.

use std::cell::OnceCell;
use std::os::raw::c_int;
use std::ptr;

use calog_plugin_api::{Args, CallInfo, Callable, Callee, Native, Object, Outcome};
use rquickjs::{Ctx, Value as Js, qjs};

use super::arguments::Arguments;
use super::read::Fail;
use super::{Weak, adopt, adopt_result, enter, guarded, realm_at, realm_of, throw};
use crate::promises;
use crate::realm::Realm;

/// How a call's pending outcome is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// In place, by pumping.
    InPlace,
    /// Not at all: the call returns a promise.
    Promise,
}

/// A function of this engine, in Rust: gets `this` and the arguments.
pub(crate) type Rust = dyn for<'js> Fn(&Ctx<'js>, Js<'js>, Vec<Js<'js>>) -> rquickjs::Result<Js<'js>>;

/// What a call of an instance leads to.
#[derive(Clone)]
pub(crate) enum Target {
    /// A native.
    Native(Native),
    /// A function of another context.
    Callable(Callable),
    /// A method of an Object.
    Method(Object, std::rc::Rc<str>),
    /// A part of this engine.
    Rust(std::rc::Rc<Rust>),
}

/// The opaque part of an instance.
pub(crate) struct Bound {
    pub(super) target: Target,
    pub(super) how: How,
    realm: *const Realm,
    /// A native's callable, once it went out as a value; a foreign function's own.
    pub(super) callable: OnceCell<Callable>,
}

/// Registers the class with a runtime.
///
/// # Safety
/// The context is alive and this is its thread.
pub(super) unsafe fn register(ctx: *mut qjs::JSContext) -> qjs::JSClassID {
    let definition = qjs::JSClassDef {
        class_name: c"Function".as_ptr(),
        finalizer: Some(finalize),
        gc_mark: None,
        call: Some(call),
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

impl Bound {
    /// A new function with this target.
    pub(crate) fn function<'js>(ctx: &Ctx<'js>, target: Target, how: How) -> rquickjs::Result<Js<'js>> {
        let realm = realm_of(ctx);
        // SAFETY: alive; the result is owned.
        unsafe { adopt_result(ctx, Bound::make(realm, target, how)) }
    }

    /// A new function, or the exception marker with an exception pending.
    ///
    /// # Safety
    /// Inside an entry of the realm.
    pub(super) unsafe fn make(realm: &Realm, target: Target, how: How) -> qjs::JSValue {
        let ctx = realm.context.ptr();
        let callable = OnceCell::new();
        if let (Target::Callable(it), How::InPlace) = (&target, how) {
            // A cell that was just made is empty.
            let _ = callable.set(it.clone());
        }
        let remembered = callable.get().map(Callable::address);
        // SAFETY: the caller vouches for the entry; the new object gets its opaque part, which its
        // finalizer frees.
        unsafe {
            let prototype = realm.prototype(&target, how);
            let value = match prototype {
                Some(pin) => qjs::JS_NewObjectProtoClass(ctx, pin.value, realm.classes.bound),
                None => {
                    let base = qjs::JS_GetFunctionProto(ctx);
                    let value = qjs::JS_NewObjectProtoClass(ctx, base, realm.classes.bound);
                    qjs::JS_FreeValue(ctx, base);
                    value
                }
            };
            if qjs::JS_IsException(value) {
                return value;
            }
            let bound = Box::new(Bound { target, how, realm, callable });
            qjs::JS_SetOpaque(value, Box::into_raw(bound).cast());
            if let Some(address) = remembered {
                realm.foreign.borrow_mut().insert(address, Weak::of(value));
            }
            value
        }
    }

    /// The function that already stands for a callable, owned.
    ///
    /// # Safety
    /// Inside an entry of the realm.
    #[inline]
    pub(super) unsafe fn known(realm: &Realm, callable: &Callable) -> Option<qjs::JSValue> {
        let weak = *realm.foreign.borrow().get(&callable.address())?;
        // SAFETY: the finalizer has not run, so the object is alive.
        Some(unsafe { qjs::JS_DupValue(realm.context.ptr(), weak.0) })
    }

    /// The opaque part of a value, if it is an instance.
    ///
    /// # Safety
    /// The value is alive for `'a`.
    #[inline]
    pub(super) unsafe fn of<'a>(realm: &Realm, value: qjs::JSValue) -> Option<&'a Bound> {
        // SAFETY: an instance of the class has the opaque part that `make` set.
        unsafe { qjs::JS_GetOpaque(value, realm.classes.bound).cast::<Bound>().as_ref() }
    }

    /// As a callable that may leave the realm; none for this engine's own functions.
    pub(super) fn as_callable(&self, realm: &Realm, value: qjs::JSValue) -> Option<Callable> {
        if let Some(callable) = self.callable.get() {
            return Some(callable.clone());
        }
        let native = match &self.target {
            Target::Native(native) if self.how == realm.usual_how(native) => native,
            _ => return None,
        };
        let callable = realm.runtime.callable(native).ok()?;
        realm.foreign.borrow_mut().insert(callable.address(), Weak::of(value));
        Some(self.callable.get_or_init(|| callable).clone())
    }
}

/// A function of this engine in Rust.
pub(crate) fn function<'js, F>(ctx: &Ctx<'js>, closure: F) -> rquickjs::Result<Js<'js>>
where
    F: for<'a> Fn(&Ctx<'a>, Js<'a>, Vec<Js<'a>>) -> rquickjs::Result<Js<'a>> + 'static,
{
    Bound::function(ctx, Target::Rust(std::rc::Rc::new(closure)), How::InPlace)
}

/// The same function with the other way to wait: what `f.async` and `f.sync` are.
pub(crate) fn twin<'js>(value: &Js<'js>) -> Option<rquickjs::Result<Js<'js>>> {
    let ctx = value.ctx();
    // SAFETY: the value is borrowed for the length of this function.
    let bound = unsafe { Bound::of(realm_of(ctx), value.as_raw()) }?;
    let how = match bound.how {
        How::InPlace => How::Promise,
        How::Promise => How::InPlace,
    };
    let target = match &bound.target {
        // The callable's own function is found by address; a twin of a twin is that one.
        Target::Callable(callable) if how == How::InPlace => {
            // SAFETY: inside an entry.
            let known = unsafe { Bound::known(realm_of(ctx), callable) };
            if let Some(known) = known {
                // SAFETY: `known` is owned.
                return Some(Ok(unsafe { adopt(ctx, known) }));
            }
            bound.target.clone()
        }
        Target::Rust(_) => return None,
        target => target.clone(),
    };
    Some(Bound::function(ctx, target, how))
}

unsafe extern "C" fn call(
    ctx: *mut qjs::JSContext,
    function: qjs::JSValue,
    this: qjs::JSValue,
    count: c_int,
    args: *mut qjs::JSValue,
    _flags: c_int,
) -> qjs::JSValue {
    let mut class = 0;
    // SAFETY: QuickJS calls this for instances of the class only, which have an opaque part; the
    // caller holds the function and the arguments for the length of the call; the realm is alive.
    unsafe {
        let bound = &*qjs::JS_GetAnyOpaque(function, &mut class).cast::<Bound>();
        let realm = &*bound.realm;
        let args = if count > 0 { std::slice::from_raw_parts(args, count as usize) } else { &[] };
        guarded(realm, || match &bound.target {
            Target::Native(native) => {
                leave(realm, bound.how, Callee::Native(native), args, false, |info, args| native.call(info, args))
            }
            Target::Callable(callable) => {
                if bound.how == How::InPlace {
                    realm.host.check_depth(callable).map_err(Fail::Error)?;
                }
                leave(realm, bound.how, Callee::Function, args, callable.is_lenient(), |info, args| {
                    callable.call(info, args)
                })
            }
            Target::Method(object, name) => {
                leave(realm, bound.how, Callee::Method(object, name), args, false, |info, args| {
                    object.call(info, name, args)
                })
            }
            Target::Rust(closure) => call_rust(realm_at(ctx), &**closure, this, args),
        })
    }
}

/// The way out: arguments become views, and the outcome a value or a promise.
///
/// # Safety
/// Inside an entry; the arguments are alive for the length of the call.
#[inline]
unsafe fn leave(
    realm: &Realm,
    how: How,
    callee: Callee<'_>,
    args: &[qjs::JSValue],
    lenient: bool,
    call: impl FnOnce(&CallInfo, Args<'_>) -> Outcome,
) -> Result<qjs::JSValue, Fail> {
    let own;
    let info = match realm.info.get() {
        Some(info) => info,
        None => {
            own = realm.host.info().map_err(Fail::Error)?;
            &own
        }
    };
    let lenient = lenient || realm.lenient || info.lenient();
    // SAFETY: the caller vouches for the entry and the arguments.
    let outcome = unsafe {
        let mut arguments = Arguments::new(realm, lenient);
        if let Err(fail) = arguments.read(args) {
            return Err(refused(callee, arguments.views().len(), fail));
        }
        call(info, Args::new(arguments.views()))
    };
    // Looked at where it stands: moving it first costs more than all the rest of this function.
    if let (How::InPlace, Outcome::Ready(value)) = (how, &outcome) {
        // SAFETY: inside an entry.
        return unsafe { super::write::to_raw(realm, value.view(), lenient) };
    }
    match how {
        // SAFETY: inside an entry.
        How::InPlace => unsafe { settle(realm, info, outcome, lenient) },
        How::Promise => promise(realm, info, outcome),
    }
}

/// Why an argument cannot leave. What a getter of the script threw stays that.
#[cold]
fn refused(callee: Callee<'_>, at: usize, fail: Fail) -> Fail {
    match fail {
        Fail::Error(error) => Fail::Error(callee.argument(at, &error)),
        thrown => thrown,
    }
}

/// Waits in place, if there is anything to wait for.
///
/// # Safety
/// Inside an entry.
#[inline]
unsafe fn settle(realm: &Realm, info: &CallInfo, outcome: Outcome, lenient: bool) -> Result<qjs::JSValue, Fail> {
    let result = match outcome {
        Outcome::Ready(value) => Ok(value),
        Outcome::Failed(error) => Err(error),
        Outcome::Pending(completion) => realm.host.wait(completion, info),
    };
    match result {
        // SAFETY: the caller vouches for the entry.
        Ok(value) => unsafe { super::write::to_raw(realm, value.view(), lenient) },
        Err(error) => Err(Fail::Error(error)),
    }
}

fn promise(realm: &Realm, info: &CallInfo, outcome: Outcome) -> Result<qjs::JSValue, Fail> {
    enter(realm, |ctx| {
        let promise = promises::of_outcome(ctx, outcome, info).map_err(|_| Fail::Thrown)?;
        Ok(into_raw(promise))
    })
}

/// Gives a value's count to the caller.
fn into_raw(value: Js<'_>) -> qjs::JSValue {
    // SAFETY: alive; the duplicate is the caller's.
    unsafe { qjs::JS_DupValue(value.ctx().as_raw().as_ptr(), value.as_raw()) }
}

/// # Safety
/// Inside an entry; `this` and the arguments are alive for the length of the call.
unsafe fn call_rust(
    realm: &Realm,
    closure: &Rust,
    this: qjs::JSValue,
    args: &[qjs::JSValue],
) -> Result<qjs::JSValue, Fail> {
    enter(realm, |ctx| {
        // SAFETY: the caller vouches for the values; the duplicates are owned by what is made of them.
        let own = |value| unsafe { adopt(ctx, qjs::JS_DupValue(ctx.as_raw().as_ptr(), value)) };
        let args = args.iter().map(|&arg| own(arg)).collect();
        match closure(ctx, own(this), args) {
            Ok(value) => Ok(into_raw(value)),
            Err(rquickjs::Error::Exception) => Err(Fail::Thrown),
            Err(other) => {
                let message = other.to_string();
                throw(ctx, &calog_plugin_api::Error::new(calog_plugin_api::Code::Script, message));
                Err(Fail::Thrown)
            }
        }
    })
}

unsafe extern "C" fn finalize(_runtime: *mut qjs::JSRuntime, value: qjs::JSValue) {
    let mut class = 0;
    // SAFETY: the class is this one; the opaque part is freed once, here; the realm is alive.
    unsafe {
        let bound = qjs::JS_GetAnyOpaque(value, &mut class).cast::<Bound>();
        if bound.is_null() {
            return;
        }
        let bound = Box::from_raw(bound);
        let realm = &*bound.realm;
        if let Some(callable) = bound.callable.get() {
            realm.foreign.borrow_mut().remove(&callable.address());
        }
        realm.bury(*bound);
    }
}
