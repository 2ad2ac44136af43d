//! `Debug` for values as a person would write them: `{name: "Ada", tags: ["x"], f: <function 3>}`.

use std::fmt::{self, Debug, Formatter, Write};

use super::view::{AggregateView, View};
use super::{Aggregate, Kind, Shape, Str, Value};

impl Debug for View<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Kind::Nil => f.write_str("nil"),
            Kind::Bool => write!(f, "{}", self.as_bool() == Some(true)),
            Kind::Int => write!(f, "{}", self.as_int().unwrap_or_default()),
            Kind::Real => write!(f, "{:?}", self.as_real().unwrap_or_default()),
            Kind::String => show_string(*self, f),
            Kind::Aggregate => self.as_aggregate().map_or(Ok(()), |aggregate| aggregate.fmt(f)),
            Kind::Callable => self.as_callable().map_or(Ok(()), |callable| callable.fmt(f)),
            Kind::Object => self.as_object().map_or(Ok(()), |object| object.fmt(f)),
        }
    }
}

fn show_string(view: View<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    let bytes = view.as_bytes().unwrap_or_default();
    if view.is_bytes() {
        f.write_char('b')?;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => write!(f, "{text:?}"),
        Err(_) => write!(f, "\"{}\"", bytes.escape_ascii()),
    }
}

impl Debug for AggregateView<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.shape() == Shape::List { ('[', ']') } else { ('{', '}') };
        f.write_char(open)?;
        let mut separator = "";
        for element in self.elements() {
            write!(f, "{separator}{element:?}")?;
            separator = ", ";
        }
        for pair in self.pairs() {
            f.write_str(separator)?;
            show_key(pair.key, f)?;
            write!(f, ": {:?}", pair.value)?;
            separator = ", ";
        }
        f.write_char(close)
    }
}

/// A key that is a word stands bare, any other as a value; `1` is the int and `"1"` the string.
fn show_key(key: View<'_>, f: &mut Formatter<'_>) -> fmt::Result {
    match key.as_str() {
        Some(word)
            if !word.is_empty()
                && !word.as_bytes()[0].is_ascii_digit()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') =>
        {
            f.write_str(word)
        }
        _ => write!(f, "{key:?}"),
    }
}

impl Debug for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl Debug for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl Debug for Str {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}
