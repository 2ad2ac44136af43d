//! serde in both directions: Rust structures to values and back.
//!
//! Sequences are lists, maps and structs are maps, bytes are strings marked as bytes, unit is nil.
//! Ints beyond 64 bits, callables and Objects have no serde form and are `unsupported` errors.

use std::fmt::Display;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::ser::{self, SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};

use super::view::{AggregateView, Elements, View};
use super::{Builder, Kind, Shape, Value};
use crate::error::{Code, Error, Result};

/// A Rust structure as a value.
///
/// # Errors
/// `unsupported` for what no value can hold, `depth` and `limit` as for any aggregate.
pub fn to_value<T: Serialize + ?Sized>(data: &T) -> Result<Value> {
    let mut builder = Builder::new();
    data.serialize(Writer { builder: &mut builder })?;
    builder.finish()
}

/// A value as a Rust structure.
///
/// # Errors
/// `type` when the value does not have the structure's form, with the place that does not.
pub fn from_value<'de, T: Deserialize<'de>>(value: View<'de>) -> Result<T> {
    T::deserialize(value)
}

impl ser::Error for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error::new(Code::Unsupported, message.to_string())
    }
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Error {
        Error::new(Code::Type, message.to_string())
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.kind() {
            Kind::Nil => serializer.serialize_unit(),
            Kind::Bool => serializer.serialize_bool(self.as_bool() == Some(true)),
            Kind::Int => serializer.serialize_i64(self.as_int().unwrap_or_default()),
            Kind::Real => serializer.serialize_f64(self.as_real().unwrap_or_default()),
            Kind::String => match self.as_str() {
                Some(text) if !self.is_bytes() => serializer.serialize_str(text),
                _ => serializer.serialize_bytes(self.as_bytes().unwrap_or_default()),
            },
            Kind::Aggregate => match self.as_aggregate() {
                Some(aggregate) => aggregate.serialize(serializer),
                None => serializer.serialize_unit(),
            },
            kind @ (Kind::Callable | Kind::Object) => {
                Err(ser::Error::custom(format_args!("a {} cannot be written as data", kind.name())))
            }
        }
    }
}

impl Serialize for AggregateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.shape() == Shape::List {
            let mut list = serializer.serialize_seq(Some(self.list_len()))?;
            for element in self.elements() {
                list.serialize_element(&element)?;
            }
            return list.end();
        }
        let mut map = serializer.serialize_map(Some(self.list_len() + self.pair_len()))?;
        for (at, element) in self.elements().enumerate() {
            map.serialize_entry(&(at as i64), &element)?;
        }
        for pair in self.pairs() {
            map.serialize_entry(&pair.key, &pair.value)?;
        }
        map.end()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.view().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let mut builder = Builder::new();
        Into { builder: &mut builder }.deserialize(deserializer)?;
        builder.finish().map_err(de::Error::custom)
    }
}

/// Reads any data into a builder.
struct Into<'b> {
    builder: &'b mut Builder,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! visit {
    ($($name:ident($it:ident: $type:ty) $do:expr;)*) => {
        $(fn $name<E: de::Error>(self, $it: $type) -> Result<(), E> {
            let Into { builder } = self;
            #[allow(clippy::redundant_closure_call)]
            ($do)(builder).map_err(E::custom)
        })*
    };
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any data")
    }

    visit! {
        visit_bool(it: bool) |b: &mut Builder| { b.bool(it); Ok::<(), Error>(()) };
        visit_i64(it: i64) |b: &mut Builder| { b.int(it); Ok::<(), Error>(()) };
        visit_f64(it: f64) |b: &mut Builder| { b.real(it); Ok::<(), Error>(()) };
        visit_str(it: &str) |b: &mut Builder| b.string(it.as_bytes());
        visit_bytes(it: &[u8]) |b: &mut Builder| b.bytes(it);
    }

    fn visit_u64<E: de::Error>(self, it: u64) -> Result<(), E> {
        let int =
            i64::try_from(it).map_err(|_| E::custom(format_args!("{it} does not fit into 64 bits with a sign")))?;
        self.builder.int(int);
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.builder.nil();
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Into { builder } = self;
        builder.begin(Shape::List).map_err(de::Error::custom)?;
        while list.next_element_seed(Into { builder: &mut *builder })?.is_some() {}
        builder.end().map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Into { builder } = self;
        builder.begin(Shape::Map).map_err(de::Error::custom)?;
        while let Some(key) = map.next_key::<Value>()? {
            builder.key(&key).map_err(de::Error::custom)?;
            map.next_value_seed(Into { builder: &mut *builder })?;
        }
        builder.end().map_err(de::Error::custom)
    }
}

/// Writes a Rust structure into a builder.
struct Writer<'b> {
    builder: &'b mut Builder,
}

/// The inside of a list or map that is being written; `levels` ends are due.
struct Inside<'b> {
    builder: &'b mut Builder,
    levels: usize,
}

impl<'b> Writer<'b> {
    fn begin(self, shape: Shape) -> Result<Inside<'b>> {
        self.builder.begin(shape)?;
        Ok(Inside { builder: self.builder, levels: 1 })
    }

    /// `{variant: ...}`, as serde's externally tagged enums are written.
    fn variant(self, variant: &str, shape: Shape) -> Result<Inside<'b>> {
        self.builder.begin(Shape::Map)?;
        self.builder.key_str(variant.as_bytes())?;
        self.builder.begin(shape)?;
        Ok(Inside { builder: self.builder, levels: 2 })
    }

    fn int<T: TryInto<i64> + Display + Copy>(self, int: T) -> Result<()> {
        let int = int
            .try_into()
            .map_err(|_| Error::new(Code::Unsupported, format!("{int} does not fit into 64 bits with a sign")))?;
        self.builder.int(int);
        Ok(())
    }
}

impl Inside<'_> {
    fn close(self) -> Result<()> {
        (0..self.levels).try_for_each(|_| self.builder.end())
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(Writer { builder: self.builder })
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.builder.key_str(name.as_bytes())?;
        self.element(value)
    }
}

macro_rules! serialize_ints {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, int: $type) -> Result<()> { self.int(int) })*
    };
}

impl<'b> Serializer for Writer<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Inside<'b>;
    type SerializeTuple = Inside<'b>;
    type SerializeTupleStruct = Inside<'b>;
    type SerializeTupleVariant = Inside<'b>;
    type SerializeMap = Inside<'b>;
    type SerializeStruct = Inside<'b>;
    type SerializeStructVariant = Inside<'b>;

    serialize_ints! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128
    }

    fn serialize_bool(self, it: bool) -> Result<()> {
        self.builder.bool(it);
        Ok(())
    }
    fn serialize_f32(self, it: f32) -> Result<()> {
        self.serialize_f64(it.into())
    }
    fn serialize_f64(self, it: f64) -> Result<()> {
        self.builder.real(it);
        Ok(())
    }
    fn serialize_char(self, it: char) -> Result<()> {
        self.serialize_str(it.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, it: &str) -> Result<()> {
        self.builder.string(it.as_bytes())
    }
    fn serialize_bytes(self, it: &[u8]) -> Result<()> {
        self.builder.bytes(it)
    }
    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, it: &T) -> Result<()> {
        it.serialize(self)
    }
    fn serialize_unit(self) -> Result<()> {
        self.builder.nil();
        Ok(())
    }
    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, it: &T) -> Result<()> {
        it.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        it: &T,
    ) -> Result<()> {
        let mut map = self.begin(Shape::Map)?;
        map.field(variant, it)?;
        map.close()
    }
    fn serialize_seq(self, _len: Option<usize>) -> Result<Inside<'b>> {
        self.begin(Shape::List)
    }
    fn serialize_tuple(self, _len: usize) -> Result<Inside<'b>> {
        self.begin(Shape::List)
    }
    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Inside<'b>> {
        self.begin(Shape::List)
    }
    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Inside<'b>> {
        self.variant(variant, Shape::List)
    }
    fn serialize_map(self, _len: Option<usize>) -> Result<Inside<'b>> {
        self.begin(Shape::Map)
    }
    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Inside<'b>> {
        self.begin(Shape::Map)
    }
    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Inside<'b>> {
        self.variant(variant, Shape::Map)
    }
}

macro_rules! serialize_inside {
    ($($trait:ident::$element:ident),*) => {
        $(impl ser::$trait for Inside<'_> {
            type Ok = ();
            type Error = Error;
            fn $element<T: Serialize + ?Sized>(&mut self, it: &T) -> Result<()> { self.element(it) }
            fn end(self) -> Result<()> { self.close() }
        })*
    };
}

serialize_inside! {
    SerializeSeq::serialize_element, SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field, SerializeTupleVariant::serialize_field
}

impl ser::SerializeMap for Inside<'_> {
    type Ok = ();
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.builder.key(&to_value(key)?)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, it: &T) -> Result<()> {
        self.element(it)
    }
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl ser::SerializeStruct for Inside<'_> {
    type Ok = ();
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, it: &T) -> Result<()> {
        self.field(name, it)
    }
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl ser::SerializeStructVariant for Inside<'_> {
    type Ok = ();
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, it: &T) -> Result<()> {
        self.field(name, it)
    }
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl<'de> IntoDeserializer<'de, Error> for View<'de> {
    type Deserializer = View<'de>;
    fn into_deserializer(self) -> View<'de> {
        self
    }
}

impl<'de> Deserializer<'de> for View<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.kind() {
            Kind::Nil => visitor.visit_unit(),
            Kind::Bool => visitor.visit_bool(self.as_bool() == Some(true)),
            Kind::Int => visitor.visit_i64(self.as_int().unwrap_or_default()),
            Kind::Real => visitor.visit_f64(self.as_real().unwrap_or_default()),
            Kind::String => match self.as_str() {
                Some(text) if !self.is_bytes() => visitor.visit_borrowed_str(text),
                _ => visitor.visit_borrowed_bytes(self.as_bytes().unwrap_or_default()),
            },
            Kind::Aggregate => match self.as_aggregate() {
                Some(list) if list.shape() == Shape::List => read_list(list, visitor),
                Some(map) => read_map(map, visitor),
                None => visitor.visit_unit(),
            },
            kind @ (Kind::Callable | Kind::Object) => {
                Err(Error::new(Code::Unsupported, format!("a {} cannot be read as data", kind.name())))
            }
        }
    }

    /// An empty aggregate is either, whatever its shape: an empty Lua table does not say what it is.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.as_aggregate() {
            Some(empty) if empty.is_empty() => read_list(empty, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    /// As [`deserialize_seq`](Self::deserialize_seq).
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.as_aggregate() {
            Some(empty) if empty.is_empty() => read_map(empty, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.is_nil() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let mut pairs = self.as_aggregate().into_iter().flat_map(AggregateView::pairs);
        match (pairs.next(), pairs.next()) {
            (Some(pair), None) => visitor.visit_enum(Variant { name: pair.key, inside: pair.value }),
            _ => visitor.visit_enum(Variant { name: self, inside: View::NIL }),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier ignored_any
    }
}

fn read_list<'de, V: Visitor<'de>>(list: AggregateView<'de>, visitor: V) -> Result<V::Value> {
    let mut items = Items { left: list.elements(), at: 0 };
    let data = visitor.visit_seq(&mut items)?;
    if items.left.len() == 0 {
        return Ok(data);
    }
    let wanted = format!("a list of {} elements", items.at);
    Err(de::Error::invalid_length(list.list_len(), &wanted.as_str()))
}

fn read_map<'de, V: Visitor<'de>>(map: AggregateView<'de>, visitor: V) -> Result<V::Value> {
    let list = map.elements().enumerate().map(|(at, it)| (View::int(at as i64), it));
    let pairs = map.pairs().map(|pair| (pair.key, pair.value));
    visitor.visit_map(Entries { left: list.chain(pairs), entry: None })
}

/// A list's elements; an error in one names its place.
struct Items<'de> {
    left: Elements<'de>,
    at: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some(element) = self.left.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(element).map(Some).map_err(|error| error.inside(&format!("element {at}")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// A map's entries; an error in one names its key.
struct Entries<'de, I> {
    left: I,
    /// The entry whose key was given last.
    entry: Option<(View<'de>, View<'de>)>,
}

impl<'de, I: Iterator<Item = (View<'de>, View<'de>)>> MapAccess<'de> for Entries<'de, I> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        self.entry = self.left.next();
        self.entry.map(|(key, _)| seed.deserialize(key).map_err(|error| error.inside("a key"))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let early = || Error::new(Code::Type, "a value was asked for before its key");
        let (key, value) = self.entry.take().ok_or_else(early)?;
        seed.deserialize(value).map_err(|error| error.inside(&place(key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.size_hint().0)
    }
}

/// A key as the place of an error.
fn place(key: View<'_>) -> String {
    key.as_str().map_or_else(|| format!("{key:?}"), str::to_owned)
}

/// An externally tagged enum: a name, or a map of one pair.
struct Variant<'de> {
    name: View<'de>,
    inside: View<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Variant<'de>;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Variant<'de>)> {
        Ok((seed.deserialize(self.name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.inside).map_err(|error| error.inside(&place(self.name)))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value> {
        self.inside.deserialize_any(visitor).map_err(|error| error.inside(&place(self.name)))
    }
    fn struct_variant<V: Visitor<'de>>(self, _fields: &'static [&'static str], visitor: V) -> Result<V::Value> {
        self.inside.deserialize_any(visitor).map_err(|error| error.inside(&place(self.name)))
    }
}
