//! Rust values to and from `Value`: what constructors, builders and typed natives take and give.

use super::{Aggregate, Kind, Str, Value, View};
use crate::abi::{Callable, Object};
use crate::error::{Code, Error, Result};

macro_rules! value_from {
    ($($from:ty => |$it:ident| $make:expr;)*) => {
        $(impl From<$from> for Value {
            #[inline]
            fn from($it: $from) -> Value { $make }
        })*
    };
}

value_from! {
    () => |_unit| Value::Nil;
    bool => |it| Value::Bool(it);
    i8 => |it| Value::Int(it.into());
    i16 => |it| Value::Int(it.into());
    i32 => |it| Value::Int(it.into());
    i64 => |it| Value::Int(it);
    u8 => |it| Value::Int(it.into());
    u16 => |it| Value::Int(it.into());
    u32 => |it| Value::Int(it.into());
    f32 => |it| Value::Real(it.into());
    f64 => |it| Value::Real(it);
    &str => |it| Value::String(Str::new(it));
    String => |it| Value::String(Str::new(it));
    &[u8] => |it| Value::String(Str::new(it));
    Vec<u8> => |it| Value::String(Str::new(it));
    Str => |it| Value::String(it);
    Aggregate => |it| Value::Aggregate(it);
    Callable => |it| Value::Callable(it);
    Object => |it| Value::Object(it);
    View<'_> => |it| it.to_value();
}

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        Str::new(text)
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        Str::new(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Nil, Into::into)
    }
}

/// A Rust type that a value can be read as, without losing anything.
pub trait FromView<'a>: Sized {
    /// What is wanted, for messages: "int", "string".
    const WANTED: &'static str;

    /// Reads the view.
    ///
    /// # Errors
    /// `type` when it is of another kind, `range` when the number does not fit.
    fn from_view(view: View<'a>) -> Result<Self>;
}

/// The error for a value of the wrong kind.
pub(crate) fn wrong_kind(wanted: &str, view: View<'_>) -> Error {
    Error::new(Code::Type, format!("wanted {wanted}, got {}", describe(view)))
}

/// A value in a few words, for messages.
pub(crate) fn describe(view: View<'_>) -> String {
    match view.kind() {
        kind @ (Kind::Bool | Kind::Int | Kind::Real) => format!("{} {view:?}", kind.name()),
        Kind::String => {
            let text = String::from_utf8_lossy(view.as_bytes().unwrap_or_default()).into_owned();
            let short: String = text.chars().take(24).collect();
            let dots = if short.len() < text.len() { "..." } else { "" };
            format!("string {short:?}{dots}")
        }
        Kind::Aggregate => match view.as_aggregate() {
            Some(list) if list.pair_len() == 0 => format!("a list of {}", list.list_len()),
            Some(map) => format!("a map of {}", map.pair_len()),
            None => "an aggregate".into(),
        },
        kind => kind.name().into(),
    }
}

macro_rules! from_view {
    ($($type:ty, $wanted:literal, |$view:ident| $read:expr;)*) => {
        $(impl<'a> FromView<'a> for $type {
            const WANTED: &'static str = $wanted;
            #[inline]
            fn from_view($view: View<'a>) -> Result<$type> {
                $read.ok_or_else(|| wrong_kind($wanted, $view))
            }
        })*
    };
}

from_view! {
    bool, "bool", |view| view.as_bool();
    f64, "number", |view| view.as_number();
    &'a str, "string of valid UTF-8", |view| view.as_str();
    &'a [u8], "string", |view| view.as_bytes();
    Str, "string", |view| view.to_owned_str();
    String, "string of valid UTF-8", |view| view.as_str().map(str::to_owned);
    &'a Callable, "function", |view| view.as_callable();
    Callable, "function", |view| view.as_callable().cloned();
    &'a Object, "object", |view| view.as_object();
    Object, "object", |view| view.as_object().cloned();
    super::AggregateView<'a>, "list or map", |view| view.as_aggregate();
}

impl<'a> FromView<'a> for View<'a> {
    const WANTED: &'static str = "any";
    #[inline]
    fn from_view(view: View<'a>) -> Result<View<'a>> {
        Ok(view)
    }
}

impl<'a> FromView<'a> for Value {
    const WANTED: &'static str = "any";
    #[inline]
    fn from_view(view: View<'a>) -> Result<Value> {
        Ok(view.to_value())
    }
}

impl<'a> FromView<'a> for i64 {
    const WANTED: &'static str = "int";

    #[inline]
    fn from_view(view: View<'a>) -> Result<i64> {
        match view.as_int() {
            Some(int) => Ok(int),
            None => real_as_int(view),
        }
    }
}

/// A real that is exactly an int is one: languages with one number type send 3.0 for 3.
#[cold]
fn real_as_int(view: View<'_>) -> Result<i64> {
    match view.as_real() {
        Some(real) if real.fract() == 0.0 && real >= i64::MIN as f64 && real < i64::MAX as f64 => Ok(real as i64),
        Some(real) => Err(Error::new(Code::Range, format!("wanted int, got real {real:?}"))),
        None => Err(wrong_kind("int", view)),
    }
}

macro_rules! small_ints {
    ($($type:ty)*) => {
        $(impl<'a> FromView<'a> for $type {
            const WANTED: &'static str = "int";
            fn from_view(view: View<'a>) -> Result<$type> {
                let int = i64::from_view(view)?;
                <$type>::try_from(int).map_err(|_| {
                    let (least, most) = (<$type>::MIN, <$type>::MAX);
                    Error::new(Code::Range, format!("wanted int from {least} to {most}, got {int}"))
                })
            }
        })*
    };
}

small_ints! { i8 i16 i32 u8 u16 u32 u64 usize }

impl<'a, T: FromView<'a>> FromView<'a> for Option<T> {
    const WANTED: &'static str = T::WANTED;
    #[inline]
    fn from_view(view: View<'a>) -> Result<Option<T>> {
        if view.is_nil() { Ok(None) } else { T::from_view(view).map(Some) }
    }
}

impl<'a, T: FromView<'a>> FromView<'a> for Vec<T> {
    const WANTED: &'static str = "list";

    fn from_view(view: View<'a>) -> Result<Vec<T>> {
        let list = view
            .as_aggregate()
            .filter(|aggregate| aggregate.pair_len() == 0)
            .ok_or_else(|| wrong_kind("list", view))?;
        list.elements()
            .enumerate()
            .map(|(at, element)| T::from_view(element).map_err(|error| error.inside(&format!("element {at}"))))
            .collect()
    }
}
