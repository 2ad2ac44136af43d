//! Natives as globals: `sync.Queue` is the member `Queue` of the global `sync`.
//!
//! A module is made when a script first names it, so an idle context holds one small getter for each.

use std::cell::OnceCell;

use calog_plugin_api::{AggregateView, Descriptor, Host, Native, View};
use rquickjs::{Ctx, Object, Value as Js};

use crate::errors;
use crate::ffi::{self, Bound, How, Pin, Target};
use crate::realm::{Prototypes, Realm};

/// The names of all natives, in the host's order.
pub(crate) struct Natives {
    names: Vec<String>,
    import: OnceCell<Option<Native>>,
}

impl Natives {
    pub(crate) fn new(host: &Host) -> Natives {
        let names = host.native_names();
        let names = names.view().as_aggregate().into_iter().flat_map(AggregateView::elements);
        Natives { names: names.filter_map(View::as_str).map(str::to_owned).collect(), import: OnceCell::new() }
    }

    /// The native that opens modules of other languages.
    pub(crate) fn import(&self, host: &Host) -> Option<Native> {
        let find = || {
            let at = self.names.iter().position(|name| name == "calog.import")?;
            host.native(at).ok()
        };
        self.import.get_or_init(find).clone()
    }

    /// The first parts of all names.
    fn roots(&self) -> Vec<&str> {
        let mut roots: Vec<&str> = self.names.iter().filter_map(|name| name.split('.').next()).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }
}

/// How a native with these flags is called when a script says nothing about it.
pub(crate) fn how(flags: u32) -> How {
    let waits = flags & Descriptor::WAITS != 0 && flags & Descriptor::IN_PLACE == 0;
    if waits { How::Promise } else { How::InPlace }
}

/// Defines a property that makes its value when it is first read, and is that value from then on.
pub(crate) fn define_lazy<'js>(
    ctx: &Ctx<'js>,
    object: &Object<'js>,
    name: &str,
    enumerable: bool,
    make: impl for<'a> Fn(&Ctx<'a>) -> rquickjs::Result<Js<'a>> + 'static,
) -> rquickjs::Result<()> {
    let own = name.to_owned();
    let get = ffi::function(ctx, move |ctx, this, _args| {
        let value = make(ctx)?;
        if let Some(object) = this.as_object() {
            ffi::define_value(object, &own, value.clone(), enumerable)?;
        }
        Ok(value)
    })?;
    let own = name.to_owned();
    let set = ffi::function(ctx, move |ctx, this, args| {
        if let (Some(object), Some(value)) = (this.as_object(), args.first()) {
            ffi::define_value(object, &own, value.clone(), true)?;
        }
        Ok(Js::new_undefined(ctx.clone()))
    })?;
    ffi::define_accessor(object, name, get, set, enumerable)
}

/// Defines the global of each module, and what functions that lead out have in common.
pub(crate) fn install(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    let realm = ffi::realm_of(ctx);
    let prototypes = Prototypes { in_place: prototype(ctx, "async")?, promise: prototype(ctx, "sync")? };
    // Installed once, when the context is opened.
    let _ = realm.prototypes.set(prototypes);
    for root in realm.natives.roots() {
        let own = root.to_owned();
        define_lazy(ctx, &ctx.globals(), root, true, move |ctx| bind(ctx, &own))?;
    }
    Ok(())
}

/// A prototype whose `async` or `sync` is the same function, waiting the other way.
fn prototype(ctx: &Ctx<'_>, twin: &'static str) -> rquickjs::Result<Pin> {
    let base: Object<'_> = ctx.globals().get::<_, Object<'_>>("Function")?.get("prototype")?;
    let prototype = Object::new_proto(ctx.clone(), Some(&base))?;
    let get = ffi::function(ctx, move |ctx, this, _args| {
        let Some(made) = ffi::twin(&this) else { return Ok(Js::new_undefined(ctx.clone())) };
        let made = made?;
        if let Some(object) = this.as_object() {
            ffi::define_value(object, twin, made.clone(), false)?;
        }
        Ok(made)
    })?;
    ffi::define_accessor(&prototype, twin, get, Js::new_undefined(ctx.clone()), false)?;
    Ok(Pin::new(prototype.as_value()))
}

/// The value of a root: a native of that name, or an object of what is below it; undefined without any.
pub(crate) fn bind<'js>(ctx: &Ctx<'js>, root: &str) -> rquickjs::Result<Js<'js>> {
    let realm = ffi::realm_of(ctx);
    let mut value = None;
    for (at, name) in realm.natives.names.iter().enumerate() {
        let mut path = name.split('.');
        if path.next() != Some(root) {
            continue;
        }
        let rest: Vec<&str> = path.collect();
        let function = native_function(ctx, realm, at, name)?;
        let Some((last, folders)) = rest.split_last() else {
            value = Some(function);
            continue;
        };
        let mut place = object_in(ctx, &mut value)?;
        for folder in folders {
            let mut inner = Some(place.get::<_, Js<'js>>(*folder)?).filter(Js::is_object);
            let next = object_in(ctx, &mut inner)?;
            ffi::define_value(&place, folder, next.as_value().clone(), true)?;
            place = next;
        }
        ffi::define_value(&place, last, function, true)?;
    }
    Ok(value.unwrap_or_else(|| Js::new_undefined(ctx.clone())))
}

fn object_in<'js>(ctx: &Ctx<'js>, place: &mut Option<Js<'js>>) -> rquickjs::Result<Object<'js>> {
    if let Some(object) = place.as_ref().and_then(Js::as_object) {
        return Ok(object.clone());
    }
    let object = Object::new(ctx.clone())?;
    *place = Some(object.as_value().clone());
    Ok(object)
}

fn native_function<'js>(ctx: &Ctx<'js>, realm: &Realm, at: usize, name: &str) -> rquickjs::Result<Js<'js>> {
    let native = errors::or_raise(ctx, realm.host.native(at))?;
    let how = how(native.flags());
    let function = Bound::function(ctx, Target::Native(native), how)?;
    name_function(ctx, &function, name)?;
    Ok(function)
}

/// Gives a function its `name`.
pub(crate) fn name_function<'js>(ctx: &Ctx<'js>, function: &Js<'js>, name: &str) -> rquickjs::Result<()> {
    let Some(object) = function.as_object() else { return Ok(()) };
    let name = rquickjs::String::from_str(ctx.clone(), name)?.into_value();
    ffi::define_value(object, "name", name, false)
}
