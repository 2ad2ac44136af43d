//! Functions of types, classes and errors.

use std::rc::Rc;

use calog_plugin_api::{Code, Error};

use super::super::steps::no_member;
use crate::builtin::Builtin;
use crate::convert::text;
use crate::core::Core;
use crate::fault::{Fault, Number, Outcome};
use crate::value::{Class, Dict, Key, Kind, Method, Val};

pub(super) fn call(core: &Core, which: Builtin, arguments: &[Val]) -> Outcome<Val> {
    match (which, arguments) {
        (Builtin::Type, [Val::Text(name)]) => Ok(Val::Type(Kind::named(name).unwrap_or(Kind::String))),
        (Builtin::Type, [value]) => Ok(Val::Type(value.kind())),
        (Builtin::New, [class]) => {
            let class = class_of(core, class)?;
            Ok(Val::Class(core.heap.class(class.instance(&core.heap)?)))
        }
        (Builtin::Reflect, [class]) => reflect(core, &class_of(core, class)?),
        (Builtin::Get, [Val::Class(class), Val::Text(name)]) => {
            let sym = core.names.sym(&String::from_utf8_lossy(name));
            let method =
                || class.method(sym).map(|routine| Val::Method(Rc::new(Method { me: class.clone(), routine })));
            class.get(sym).or_else(method).ok_or_else(|| no_member(&String::from_utf8_lossy(name)))
        }
        (Builtin::Set, [Val::Class(class), Val::Text(name), value]) => {
            let sym = core.names.sym(&String::from_utf8_lossy(name));
            if class.set(sym, value.clone()) {
                Ok(Val::Class(class.clone()))
            } else {
                Err(no_member(&String::from_utf8_lossy(name)))
            }
        }
        (Builtin::Get | Builtin::Set, _) => Err(Number::StringExpected.into()),
        (Builtin::Raise, [what]) => Err(raised(core, what, None)),
        (Builtin::Raise, [what, code]) => Err(raised(core, what, Some(code))),
        _ => Err(Number::CommaExpected.into()),
    }
}

/// A class, or the class of this name.
fn class_of(core: &Core, value: &Val) -> Outcome<Rc<Class>> {
    match value {
        Val::Class(class) => Ok(class.clone()),
        Val::Text(name) => {
            let sym = core.names.sym(&String::from_utf8_lossy(name));
            core.class_named(sym).ok_or_else(|| Number::ClassExpected.into())
        }
        _ => Err(Number::ClassExpected.into()),
    }
}

/// The members by their upper-case names: variables with their values, methods with their type.
fn reflect(core: &Core, class: &Rc<Class>) -> Outcome<Val> {
    let dict = core.heap.dict();
    dict.set(text(&core.names.text(core.special.me)), Val::Class(class.clone()))?;
    for (name, value) in class.variables.borrow().iter() {
        dict.set(text(&core.names.text(*name)), value.clone())?;
    }
    for (name, _) in class.methods.borrow().iter() {
        dict.set(text(&core.names.text(*name)), Val::Type(Kind::Routine))?;
    }
    Ok(Val::Dict(dict))
}

/// The error that RAISE ends with: an own error by its number, a caught one again, or a message.
fn raised(core: &Core, what: &Val, code: Option<&Val>) -> Fault {
    let word = |value: &Val| match value {
        Val::Text(word) => std::str::from_utf8(word).ok().and_then(Code::from_word),
        _ => None,
    };
    let code = match code.map(word) {
        Some(None) => return Fault::with(Number::Calculation, "there is no such code"),
        Some(code) => code,
        None => None,
    };
    match what {
        Val::Int(number) => match Number::from_number(*number) {
            Some(number) => number.into(),
            None => Fault::with(Number::Calculation, format!("there is no error {number}")),
        },
        Val::Dict(dict) => again(core, dict),
        Val::Text(message) => {
            let message = String::from_utf8_lossy(message);
            Error::new(code.unwrap_or(Code::Script), &*message).into()
        }
        value => Error::new(code.unwrap_or(Code::Script), core.shown(value)).into(),
    }
}

/// The error that a dictionary of CATCH stands for.
fn again(core: &Core, dict: &Rc<Dict>) -> Fault {
    if let Some(error) = &*dict.origin.borrow() {
        return error.clone().into();
    }
    let field = |name| dict.get(&Key::of(&text(name)));
    let message = match field("message") {
        Some(Val::Text(message)) => String::from_utf8_lossy(&message).into_owned(),
        Some(value) => core.shown(&value),
        None => "a DICT was raised".to_owned(),
    };
    // Others see the dictionary as the value that was thrown.
    let thrown = |error: Error| match core.give_out(&Val::Dict(dict.clone()), core.lenient()) {
        Ok(value) => error.with_thrown(value),
        Err(_) => error,
    };
    match field("code") {
        Some(Val::Int(number)) if Number::from_number(number).is_some() => {
            let number = Number::from_number(number).unwrap_or(Number::Calculation);
            // What the text says beyond the number's own.
            let more = message.strip_prefix(number.text()).map(|it| it.trim_start_matches(": ").to_owned());
            Fault::with(number, more.unwrap_or(message))
        }
        Some(Val::Text(word)) => {
            let code = std::str::from_utf8(&word).ok().and_then(Code::from_word).unwrap_or(Code::Script);
            thrown(Error::new(code, message)).into()
        }
        _ => thrown(Error::new(Code::Script, message)).into(),
    }
}
