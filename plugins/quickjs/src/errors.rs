//! Errors in both directions.
//!
//! Out: an exception becomes an `Error` with the frames of its stack. In: an `Error` becomes an `Error`
//! object with `code`, `trace` and a stack that shows where it came from; thrown on, it is the same
//! `Error` again, with this realm's frames added. A value that a script threw comes back as that value.

use calog_plugin_api::{Code, Error, Frame};
use rquickjs::{Ctx, Object, Value as Js};

use crate::ffi::{self, Fail, Held};
use crate::globals;
use crate::realm::Realm;
use crate::stack::{self, LANGUAGE};

/// The pending exception, taken, as an error.
pub(crate) fn caught(ctx: &Ctx<'_>) -> Error {
    of_exception(ffi::realm_of(ctx), &ctx.catch())
}

/// Why a conversion failed, as an error.
pub(crate) fn of_fail(ctx: &Ctx<'_>, fail: Fail) -> Error {
    match fail {
        Fail::Error(error) => error,
        Fail::Thrown => caught(ctx),
    }
}

/// The error that a thrown value stands for.
pub(crate) fn of_exception(realm: &Realm, thrown: &Js<'_>) -> Error {
    if thrown.is_uncatchable_error() || (realm.host.stopping() && thrown.is_error()) {
        return Error::new(Code::Cancelled, "the script was stopped");
    }
    if let Some(origin) = globals::origin_of(thrown)
        && let Some((error, local)) = ffi::held_error(&origin)
    {
        return error.with_frames(own_part(realm, thrown.ctx(), local.to_vec()));
    }
    if thrown.is_null() && realm.memory.limit().is_some() {
        return realm.host.reached("memory").with_frame(realm.names.borrow().bare());
    }
    match thrown.as_object().filter(|_| thrown.is_error()) {
        Some(object) => of_object(realm, object),
        None => of_value(realm, thrown),
    }
}

/// Of an `Error` object of JavaScript's own.
fn of_object(realm: &Realm, object: &Object<'_>) -> Error {
    let ctx = object.ctx();
    let name = text(object, "name").unwrap_or_default();
    let message = text(object, "message").unwrap_or_default();
    let stack = text(object, "stack").unwrap_or_default();
    let code = text(object, "code").and_then(|code| Code::from_word(&code));
    let code = code.unwrap_or_else(|| code_of(realm, &name, &message));
    let is_memory = code == Code::Limit && name == "InternalError";
    // How foreign modules are told from files is no business of the reader.
    let message = if name == "SyntaxError" { message.replace("module 'calog:", "module '") } else { message };
    let message = match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (false, true) => name,
        (false, false) => format!("{name}: {message}"),
    };
    let error = if is_memory && realm.memory.limit().is_some() {
        realm.host.reached("memory")
    } else {
        Error::new(code, message)
    };
    let frames = realm.names.borrow().frames(&stack);
    let frames = own_part(realm, ctx, frames);
    let frames = if frames.is_empty() { vec![realm.names.borrow().bare()] } else { frames };
    error.with_frames(frames)
}

/// The error of a task that nothing will decide any more, as there was no memory for what was to.
pub(crate) fn stranded(realm: &Realm) -> Error {
    let error = match realm.memory.limit() {
        Some(_) => realm.host.reached("memory"),
        None => Error::new(Code::Limit, "out of memory"),
    };
    error.with_frame(realm.names.borrow().bare())
}

/// QuickJS's own limits have codes.
fn code_of(realm: &Realm, name: &str, message: &str) -> Code {
    match (name, message) {
        ("InternalError", "out of memory") => Code::Limit,
        // There was no memory for the message, either.
        ("InternalError", "") if realm.memory.limit().is_some() => Code::Limit,
        ("InternalError" | "RangeError", "Maximum call stack size exceeded" | "stack overflow") => Code::Depth,
        _ => Code::Script,
    }
}

/// Of any other value that was thrown.
fn of_value(realm: &Realm, thrown: &Js<'_>) -> Error {
    let value = ffi::read(realm, thrown, realm.lenient_now());
    let frame = realm.names.borrow().bare();
    match value {
        Ok(value) => {
            let message = match value.view().as_str() {
                Some(text) => text.to_owned(),
                None => format!("{value:?}"),
            };
            Error::new(Code::Script, message).with_frame(frame).with_thrown(value)
        }
        Err(fail) => {
            if let Fail::Thrown = fail {
                drop(thrown.ctx().catch());
            }
            Error::new(Code::Script, format!("a {} was thrown", thrown.type_name())).with_frame(frame)
        }
    }
}

/// A property that is a string; a getter that throws is as good as none.
fn text(object: &Object<'_>, key: &str) -> Option<String> {
    match object.get::<_, Js<'_>>(key) {
        Ok(value) => ffi::text(&value),
        Err(_) => {
            drop(object.ctx().catch());
            None
        }
    }
}

/// The frames without those that belong to the entries below the running one: these will be added
/// when the error gets there.
fn own_part(realm: &Realm, ctx: &Ctx<'_>, mut frames: Vec<Frame>) -> Vec<Frame> {
    if realm.entries.get() > 1 {
        let below = realm.names.borrow().frames(&ffi::backtrace(ctx));
        if frames.ends_with(&below) {
            frames.truncate(frames.len() - below.len());
        }
    }
    frames
}

/// Names that an error of JavaScript's own may have, with the constructors `core.js` knows.
const NAMES: [&str; 7] =
    ["EvalError", "InternalError", "RangeError", "ReferenceError", "SyntaxError", "TypeError", "URIError"];

/// What a script catches for an error.
pub(crate) fn to_js<'js>(ctx: &Ctx<'js>, error: &Error) -> rquickjs::Result<Js<'js>> {
    let realm = ffi::realm_of(ctx);
    let own = error.frames().next().is_some_and(|frame| frame.language == LANGUAGE);
    if let Some(thrown) = error.thrown().filter(|_| own) {
        return ffi::write(ctx, thrown, true);
    }
    let text = error.message();
    let (name, message) = match text.split_once(": ") {
        Some((name, rest)) if own && NAMES.contains(&name) => (name, rest),
        Some(("Error", rest)) if own => ("Error", rest),
        _ => ("Error", &*text),
    };
    let local = ffi::backtrace(ctx);
    let foreign: Vec<Frame> = error.frames().collect();
    let stack = stack::text_of(&foreign) + &local;
    let frames = realm.names.borrow().frames(&local);
    let null = Js::new_null(ctx.clone());
    let origin = ffi::held(ctx, Held::Error(error.clone(), frames), &null)?;
    let trace = ffi::write(ctx, error.trace().view(), true)?;
    let thrown = match error.thrown() {
        Some(thrown) => ffi::write(ctx, thrown, true)?,
        None => Js::new_undefined(ctx.clone()),
    };
    globals::make_error(ctx, [name, message, error.code().word(), &stack], trace, thrown, origin)
}

/// An error as the exception that Rust functions of this engine return.
pub(crate) fn raise(ctx: &Ctx<'_>, error: &Error) -> rquickjs::Error {
    ffi::throw(ctx, error);
    rquickjs::Error::Exception
}

/// Turns a `Result` into one whose error is the pending exception.
pub(crate) fn or_raise<T>(ctx: &Ctx<'_>, result: Result<T, Error>) -> rquickjs::Result<T> {
    result.map_err(|error| raise(ctx, &error))
}

/// What rquickjs reports, as an error.
pub(crate) fn of_rquickjs(ctx: &Ctx<'_>, error: rquickjs::Error) -> Error {
    of_fail(ctx, error.into())
}
