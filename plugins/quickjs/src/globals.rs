//! The engine's own JavaScript: what it calls itself (`js/core.js`) and what scripts find as globals
//! (`js/globals.js`). Both are compiled when they are first needed, so that an idle context is small.

use std::cell::OnceCell;

use calog_plugin_api::{Code, Error, Level, Value};
use rquickjs::{Ctx, Function, Object, Value as Js, function::Args as Call};

use crate::errors;
use crate::ffi::{self, Fail, Pin};
use crate::natives;
use crate::realm::Realm;

const CORE: &str = include_str!("js/core.js");
const GLOBALS: &str = include_str!("js/globals.js");
const LIMITED: &str = include_str!("js/limited.js");

/// Globals that `globals.js` defines. Timers stand on the natives of the bundle `timer`; without it they
/// say so when they are called.
const NAMES: [&str; 10] = [
    "console",
    "print",
    "TextEncoder",
    "TextDecoder",
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "clearInterval",
    "clearImmediate",
];

/// Evaluates one of the sources above.
fn evaluate<'js>(ctx: &Ctx<'js>, source: &str, name: &str) -> rquickjs::Result<Js<'js>> {
    let _lifted = ffi::realm_of(ctx).memory.lift();
    let mut options = rquickjs::context::EvalOptions::default();
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(source, options)
}

fn kept<'js>(
    ctx: &Ctx<'js>,
    place: &OnceCell<Pin>,
    make: impl FnOnce() -> rquickjs::Result<Js<'js>>,
) -> rquickjs::Result<Object<'js>> {
    if place.get().is_none() {
        let made = Pin::new(&make()?);
        // Should making it have made it meanwhile, that one stays.
        let _ = place.set(made);
    }
    let value = place.get().map(|pin| pin.get(ctx));
    value.and_then(Js::into_object).ok_or(rquickjs::Error::Unknown)
}

fn core<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    kept(ctx, &ffi::realm_of(ctx).core, || evaluate(ctx, CORE, "calog:core"))
}

/// Calls a function of `core.js`.
fn call_core<'js>(ctx: &Ctx<'js>, name: &str, args: impl IntoIterator<Item = Js<'js>>) -> rquickjs::Result<Js<'js>> {
    let function: Function<'js> = core(ctx)?.get(name)?;
    let args: Vec<Js<'js>> = args.into_iter().collect();
    let mut call = Call::new(ctx.clone(), args.len());
    for arg in args {
        call.push_arg(arg)?;
    }
    function.call_arg(call)
}

/// A Map's entries in one array: key, value, key, value.
pub(crate) fn map_entries(realm: &Realm, map: impl for<'js> FnOnce(&Ctx<'js>) -> Js<'js>) -> Result<Pin, Fail> {
    ffi::enter(realm, |ctx| {
        let map = map(ctx);
        Ok(Pin::new(&call_core(ctx, "mapEntries", [map])?))
    })
}

/// A Map from such an array.
pub(crate) fn make_map<'js>(ctx: &Ctx<'js>, entries: Js<'js>) -> rquickjs::Result<Js<'js>> {
    call_core(ctx, "makeMap", [entries])
}

/// An error object: name, message, code and stack; trace; thrown value; what it stands for.
pub(crate) fn make_error<'js>(
    ctx: &Ctx<'js>,
    texts: [&str; 4],
    trace: Js<'js>,
    thrown: Js<'js>,
    origin: Js<'js>,
) -> rquickjs::Result<Js<'js>> {
    let mut args = Vec::with_capacity(texts.len() + 3);
    for text in texts {
        args.push(rquickjs::String::from_str(ctx.clone(), text)?.into_value());
    }
    args.extend([trace, thrown, origin]);
    call_core(ctx, "makeError", args)
}

/// What an error object stands for, if it came from outside.
pub(crate) fn origin_of<'js>(error: &Js<'js>) -> Option<Js<'js>> {
    let ctx = error.ctx();
    // Without the core no error ever came from outside.
    ffi::realm_of(ctx).core.get()?;
    match call_core(ctx, "originOf", [error.clone()]) {
        Ok(origin) => origin.is_object().then_some(origin),
        Err(_) => {
            drop(ctx.catch());
            None
        }
    }
}

/// Defines the globals; each is made when a script first asks for it.
pub(crate) fn install(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    for name in NAMES {
        natives::define_lazy(ctx, &ctx.globals(), name, false, move |ctx| globals(ctx)?.get(name))?;
    }
    Ok(())
}

fn globals<'js>(ctx: &Ctx<'js>) -> rquickjs::Result<Object<'js>> {
    kept(ctx, &ffi::realm_of(ctx).globals, || {
        let make: Function<'js> =
            evaluate(ctx, GLOBALS, "calog:globals")?.try_into_function().map_err(|_| rquickjs::Error::Unknown)?;
        let print = ffi::function(ctx, |ctx, _this, args| {
            let line = format!("{}\n", string(args.first()));
            errors::or_raise(ctx, ffi::realm_of(ctx).host.try_print(line.as_bytes()))?;
            Ok(Js::new_undefined(ctx.clone()))
        })?;
        let log = ffi::function(ctx, |ctx, _this, args| {
            let level = Level::from_word(&string(args.first())).unwrap_or(Level::Info);
            ffi::realm_of(ctx).host.log(level, &string(args.get(1)));
            Ok(Js::new_undefined(ctx.clone()))
        })?;
        let encode = ffi::function(ctx, |ctx, _this, args| encode(ctx, args.first()))?;
        let decode = ffi::function(ctx, |ctx, _this, args| decode(ctx, &args))?;
        // Not the global of that name, which a script may have changed.
        let timer = natives::bind(ctx, "timer")?;
        make.call((print, log, encode, decode, timer))
    })
}

/// Replaces what scripts compile code with by what does so without a limit of memory.
pub(crate) fn limit_compilers(ctx: &Ctx<'_>) -> rquickjs::Result<()> {
    let limit: Function<'_> =
        evaluate(ctx, LIMITED, "calog:limited")?.try_into_function().map_err(|_| rquickjs::Error::Unknown)?;
    let lift = ffi::function(ctx, |ctx, _this, args| {
        let _lifted = ffi::realm_of(ctx).memory.lift();
        let [make, kind, texts] = args.try_into().map_err(|_| rquickjs::Error::Unknown)?;
        let make: Function<'_> = make.try_into_function().map_err(|_| rquickjs::Error::Unknown)?;
        make.call((kind, texts))
    })?;
    let evaluate = ffi::function(ctx, |ctx, _this, args| ffi::evaluate_limited(ctx, &string(args.first())))?;
    limit.call((lift, evaluate))
}

fn string(value: Option<&Js<'_>>) -> String {
    value.and_then(ffi::text).unwrap_or_default()
}

/// A string's UTF-8 as a Uint8Array.
fn encode<'js>(ctx: &Ctx<'js>, text: Option<&Js<'js>>) -> rquickjs::Result<Js<'js>> {
    ffi::write(ctx, Value::bytes(string(text)).view(), false)
}

/// A Uint8Array's text; with `true` as second argument bytes that are not UTF-8 are an error.
fn decode<'js>(ctx: &Ctx<'js>, args: &[Js<'js>]) -> rquickjs::Result<Js<'js>> {
    let bytes = match args.first() {
        Some(value) => ffi::read(ffi::realm_of(ctx), value, false),
        None => Ok(Value::Nil),
    };
    let bytes = errors::or_raise(ctx, bytes.map_err(|fail| errors::of_fail(ctx, fail)))?;
    let bytes = bytes.view().as_bytes().unwrap_or_default();
    let fatal = args.get(1).and_then(Js::as_bool) == Some(true);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) if !fatal => String::from_utf8_lossy(bytes),
        Err(error) => {
            let message = format!("TypeError: the data is not valid UTF-8 at byte {}", error.valid_up_to());
            let frame = ffi::realm_of(ctx).names.borrow().bare();
            return Err(errors::raise(ctx, &Error::new(Code::Type, message).with_frame(frame)));
        }
    };
    Ok(rquickjs::String::from_str(ctx.clone(), &text)?.into_value())
}
