//! Objects of natives and other contexts: one JavaScript object for each, while it lives.
//!
//! A type's members stand on one prototype. A method is bound to its object when it is first asked
//! for (`q.get` is a value, and `q.get.sync` must know its queue), and stays on the object.

use std::rc::Rc;

use calog_plugin_api::{Descriptor, Object};
use rquickjs::{Ctx, Object as JsObject, Value as Js};

use crate::errors;
use crate::ffi::{self, Bound, Held, How, Pin, Target};
use crate::natives;
use crate::realm::Realm;

/// The JavaScript object that stands for an Object.
pub(crate) fn wrap<'js>(ctx: &Ctx<'js>, object: &Object) -> rquickjs::Result<Js<'js>> {
    if let Some(known) = ffi::held_object(ctx, object) {
        return Ok(known);
    }
    let prototype = prototype(ctx, object)?;
    ffi::held(ctx, Held::Object(object.clone()), &prototype)
}

/// The prototype of an Object's type.
fn prototype<'js>(ctx: &Ctx<'js>, object: &Object) -> rquickjs::Result<Js<'js>> {
    let realm = ffi::realm_of(ctx);
    let name = object.type_name();
    if let Some(known) = realm.types.borrow().get(&name).map(|pin| pin.get(ctx)) {
        return Ok(known);
    }
    let prototype = JsObject::new(ctx.clone())?;
    for member in object.members() {
        define(ctx, &prototype, member)?;
    }
    let text = ffi::function(ctx, |ctx, this, _args| {
        let text = Held::object_of(&this).map_or_else(String::new, Object::text);
        Ok(rquickjs::String::from_str(ctx.clone(), &text)?.into_value())
    })?;
    ffi::define_value(&prototype, "toString", text, false)?;
    let tag: rquickjs::Symbol<'js> = ctx.globals().get::<_, JsObject<'js>>("Symbol")?.get("toStringTag")?;
    prototype.prop(tag, rquickjs::object::Property::from(name.as_str()).configurable())?;
    realm.types.borrow_mut().insert(name, Pin::new(prototype.as_value()));
    Ok(prototype.into_value())
}

fn define<'js>(ctx: &Ctx<'js>, prototype: &JsObject<'js>, member: Descriptor) -> rquickjs::Result<()> {
    let name: Rc<str> = member.name.as_str().into();
    if member.has(Descriptor::PROPERTY) {
        let own = name.clone();
        let get = ffi::function(ctx, move |ctx, this, _args| property(ctx, &this, &own))?;
        let own = name.clone();
        let set = ffi::function(ctx, move |ctx, this, args| assign(ctx, &this, &own, args.first()))?;
        return ffi::define_accessor(prototype, &name, get, set, true);
    }
    let how = natives::how(member.flags);
    let own = name.clone();
    let get = ffi::function(ctx, move |ctx, this, _args| method(ctx, &this, &own, how))?;
    ffi::define_accessor(prototype, &name, get, Js::new_undefined(ctx.clone()), true)
}

/// The Object behind `this`, or a TypeError.
fn object_of<'v>(ctx: &Ctx<'_>, this: &'v Js<'_>, member: &str) -> rquickjs::Result<&'v Object> {
    Held::object_of(this)
        .ok_or_else(|| rquickjs::Exception::throw_type(ctx, &format!("{member}: this is not the object it belongs to")))
}

fn method<'js>(ctx: &Ctx<'js>, this: &Js<'js>, name: &Rc<str>, how: How) -> rquickjs::Result<Js<'js>> {
    let Some(object) = Held::object_of(this) else {
        // Looking at the prototype itself is no mistake: debuggers and printers do.
        return Ok(Js::new_undefined(ctx.clone()));
    };
    let function = Bound::function(ctx, Target::Method(object.clone(), name.clone()), how)?;
    natives::name_function(ctx, &function, name)?;
    if let Some(place) = this.as_object() {
        ffi::define_value(place, name, function.clone(), false)?;
    }
    Ok(function)
}

/// Runs with the circumstances of the running code, or the context's own.
fn with_info<T>(
    realm: &Realm,
    run: impl FnOnce(&calog_plugin_api::CallInfo) -> calog_plugin_api::Result<T>,
) -> calog_plugin_api::Result<T> {
    match realm.info.get() {
        Some(info) => run(info),
        None => run(&*realm.host.info()?),
    }
}

fn property<'js>(ctx: &Ctx<'js>, this: &Js<'js>, name: &str) -> rquickjs::Result<Js<'js>> {
    if Held::object_of(this).is_none() {
        return Ok(Js::new_undefined(ctx.clone()));
    }
    let realm = ffi::realm_of(ctx);
    let object = object_of(ctx, this, name)?;
    let value = errors::or_raise(ctx, with_info(realm, |info| object.get(info, name)))?;
    ffi::write(ctx, value.view(), realm.lenient_now())
}

fn assign<'js>(ctx: &Ctx<'js>, this: &Js<'js>, name: &str, value: Option<&Js<'js>>) -> rquickjs::Result<Js<'js>> {
    let realm = ffi::realm_of(ctx);
    let object = object_of(ctx, this, name)?;
    let undefined = Js::new_undefined(ctx.clone());
    let value = ffi::read(realm, value.unwrap_or(&undefined), realm.lenient_now());
    let value = value.map_err(|fail| errors::of_fail(ctx, fail));
    let set = value.and_then(|value| with_info(realm, |info| object.set(info, name, value.view())));
    errors::or_raise(ctx, set)?;
    Ok(undefined)
}
