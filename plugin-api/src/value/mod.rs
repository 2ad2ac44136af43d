//! The one value type of calog.
//!
//! Data crosses between languages by value, callables and Objects by reference. A `Value` is 24
//! bytes, of any thread, and immutable: strings and aggregates are shared blocks that are written
//! once (see [`Builder`]) and read in place (see [`View`]), so handing one on costs a count.

mod block;
mod builder;
mod compare;
mod convert;
mod show;
mod structure;
mod view;

use abi_stable::StableAbi;

pub use block::{Aggregate, MAX_BLOCK_BYTES, MAX_STRING_BYTES, Str, VALUE_FORMAT};
pub use builder::Builder;
pub use compare::Index;
pub use convert::FromView;
pub use structure::{from_value, to_value};
pub use view::{AggregateView, Elements, Pair, Pairs, View};

use crate::abi::{Callable, Object};
use crate::error::{Code, Error, Result};

/// How many levels aggregates may nest: a flat list has 1, and 128 is allowed.
pub const MAX_DEPTH: usize = 128;

/// Any value that crosses between languages.
#[repr(C, u8)]
#[derive(Clone, Default, StableAbi)]
pub enum Value {
    /// Nothing.
    #[default]
    Nil,
    /// A truth value.
    Bool(bool),
    /// A 64-bit integer.
    Int(i64),
    /// A double.
    Real(f64),
    /// A binary-safe string.
    String(Str),
    /// A list, a map, or both in one.
    Aggregate(Aggregate),
    /// A function, which runs on its owner's thread.
    Callable(Callable),
    /// A native's handle with methods.
    Object(Object),
}

const _: () = assert!(size_of::<Value>() == 24);

/// The kinds of values; the numbers are part of the ABI.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Nothing.
    Nil = 0,
    /// A truth value.
    Bool = 1,
    /// A 64-bit integer.
    Int = 2,
    /// A double.
    Real = 3,
    /// A binary-safe string.
    String = 4,
    /// A list, a map, or both.
    Aggregate = 5,
    /// A function.
    Callable = 6,
    /// A native's handle.
    Object = 7,
}

impl Kind {
    /// The kind as error messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Nil => "nil",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Real => "real",
            Kind::String => "string",
            Kind::Aggregate => "aggregate",
            Kind::Callable => "function",
            Kind::Object => "object",
        }
    }

    fn from_number(number: u8) -> Kind {
        match number {
            1 => Kind::Bool,
            2 => Kind::Int,
            3 => Kind::Real,
            4 => Kind::String,
            5 => Kind::Aggregate,
            6 => Kind::Callable,
            7 => Kind::Object,
            _ => Kind::Nil,
        }
    }
}

/// What an aggregate is, which tells the empty list from the empty map.
///
/// An aggregate with both a list part and pairs is a `Map` that also has a list part.
#[repr(u16)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A list; it has no pairs.
    List = 0,
    /// A map, perhaps with a list part.
    Map = 1,
}

impl Value {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.view().kind()
    }

    /// A borrowed view of it.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::from(self)
    }

    /// A string marked as bytes.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Value {
        Value::String(Str::from_bytes(bytes))
    }

    /// A list of these values.
    ///
    /// # Errors
    /// `depth` when one of them already has [`MAX_DEPTH`] levels, `limit` beyond [`MAX_BLOCK_BYTES`].
    pub fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Result<Value> {
        let mut builder = Builder::new();
        builder.begin(Shape::List)?;
        for item in items {
            builder.value(&item.into())?;
        }
        builder.end()?;
        builder.finish()
    }

    /// A map of these pairs, in their order. Keys are ints, reals or strings.
    ///
    /// # Errors
    /// `type` for another key, `unsupported` for a key that comes twice, and as [`Value::list`].
    pub fn map<K: Into<Value>, V: Into<Value>>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Value> {
        let mut builder = Builder::new();
        builder.begin(Shape::Map)?;
        for (key, value) in pairs {
            builder.key(&key.into())?;
            builder.value(&value.into())?;
        }
        builder.end()?;
        builder.finish()
    }

    /// Levels of nesting: 0 for what is no aggregate.
    pub fn depth(&self) -> usize {
        self.view().as_aggregate().map_or(0, AggregateView::depth)
    }

    /// How many values it holds, itself included.
    pub fn size(&self) -> usize {
        self.view().as_aggregate().map_or(1, AggregateView::size)
    }
}

impl Aggregate {
    /// A view of what is inside.
    #[inline]
    pub fn view(&self) -> AggregateView<'_> {
        AggregateView::of(self.node())
    }

    /// The same aggregate in a block of its own, which keeps nothing else alive.
    ///
    /// # Errors
    /// None that the aggregate's existence does not rule out; a `Result` because it is built anew.
    pub fn compact(&self) -> Result<Aggregate> {
        let mut builder = Builder::new();
        builder.copy(self.view())?;
        match builder.finish()? {
            Value::Aggregate(aggregate) => Ok(aggregate),
            other => Err(Error::new(Code::Type, format!("compacting made a {}", other.kind().name()))),
        }
    }
}

/// The error where a value cannot be made for want of memory.
#[cold]
fn no_memory(bytes: usize) -> Error {
    Error::new(Code::Limit, format!("there is no memory for a value of {bytes} bytes"))
}

fn check_string_length(bytes: usize) -> Result<()> {
    if bytes <= MAX_STRING_BYTES {
        return Ok(());
    }
    Err(Error::new(
        Code::Limit,
        format!("a string of {bytes} bytes is too long: at most {MAX_STRING_BYTES} bytes can cross"),
    ))
}
