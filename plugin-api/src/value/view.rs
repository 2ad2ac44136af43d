//! Borrowed values: 16 bytes, no ownership, valid for a call or for as long as what they look into.
//!
//! Arguments of natives are views, so that a number or a string on an interpreter's stack reaches a
//! native without being copied; aggregates are read through views in place.

use std::marker::PhantomData;

use super::block::{self, FLAG_BYTES, NodeRef};
use super::{Kind, Shape, Str, Value};
use crate::abi::{Callable, Object};

/// A borrowed value of any kind.
///
/// Two words, so that it is written and read in two moves: the kind in the lowest 8 bits of the first,
/// flags in the next 8, a string's length in the upper 32; the second is the number or address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct View<'a> {
    head: u64,
    payload: u64,
    lifetime: PhantomData<&'a Value>,
}

const _: () = assert!(size_of::<View<'_>>() == 16);

impl<'a> View<'a> {
    /// Nothing.
    pub const NIL: View<'static> = View::from_raw(Kind::Nil as u8, 0, 0, 0);

    #[inline]
    pub(super) const fn from_raw(kind: u8, flags: u8, len: u32, payload: u64) -> View<'a> {
        View { head: kind as u64 | (flags as u64) << 8 | (len as u64) << 32, payload, lifetime: PhantomData }
    }

    #[inline]
    const fn tag(self) -> u8 {
        self.head as u8
    }

    #[inline]
    const fn flags(self) -> u8 {
        (self.head >> 8) as u8
    }

    #[inline]
    const fn len(self) -> u32 {
        (self.head >> 32) as u32
    }

    #[inline]
    pub(super) fn from_raw_bytes(bytes: &'a [u8], flags: u8) -> View<'a> {
        View::from_raw(Kind::String as u8, flags, bytes.len() as u32, bytes.as_ptr() as u64)
    }

    /// A truth value.
    #[inline]
    pub fn bool(value: bool) -> View<'static> {
        View::from_raw(Kind::Bool as u8, 0, 0, value.into())
    }

    /// An integer.
    #[inline]
    pub fn int(value: i64) -> View<'static> {
        View::from_raw(Kind::Int as u8, 0, 0, value as u64)
    }

    /// A double.
    #[inline]
    pub fn real(value: f64) -> View<'static> {
        View::from_raw(Kind::Real as u8, 0, 0, value.to_bits())
    }

    /// A string of these bytes, which stay where they are.
    ///
    /// Of more than [`MAX_STRING_BYTES`](super::MAX_STRING_BYTES) bytes only so many are seen;
    /// engines check the length first.
    #[inline]
    pub fn string(bytes: &'a [u8]) -> View<'a> {
        View::from_raw_bytes(&bytes[..bytes.len().min(super::MAX_STRING_BYTES)], 0)
    }

    /// A string marked as bytes; otherwise as [`View::string`].
    #[inline]
    pub fn bytes(bytes: &'a [u8]) -> View<'a> {
        View::from_raw_bytes(&bytes[..bytes.len().min(super::MAX_STRING_BYTES)], FLAG_BYTES)
    }

    /// An aggregate.
    pub fn aggregate(aggregate: &'a super::Aggregate) -> View<'a> {
        View::from(aggregate.view())
    }

    /// A callable.
    #[inline]
    pub fn callable(callable: &'a Callable) -> View<'a> {
        View::from_raw(Kind::Callable as u8, 0, 0, std::ptr::from_ref(callable) as u64)
    }

    /// An Object.
    #[inline]
    pub fn object(object: &'a Object) -> View<'a> {
        View::from_raw(Kind::Object as u8, 0, 0, std::ptr::from_ref(object) as u64)
    }

    /// Its kind.
    #[inline]
    pub fn kind(self) -> Kind {
        Kind::from_number(self.tag())
    }

    /// Whether it is nil.
    #[inline]
    pub fn is_nil(self) -> bool {
        self.tag() == Kind::Nil as u8
    }

    /// The truth value, when it is one.
    #[inline]
    pub fn as_bool(self) -> Option<bool> {
        (self.tag() == Kind::Bool as u8).then_some(self.payload != 0)
    }

    /// The integer, when it is one.
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        (self.tag() == Kind::Int as u8).then_some(self.payload as i64)
    }

    /// The double, when it is one.
    #[inline]
    pub fn as_real(self) -> Option<f64> {
        (self.tag() == Kind::Real as u8).then(|| f64::from_bits(self.payload))
    }

    /// The number as a double, when it is an integer or a double.
    #[inline]
    pub fn as_number(self) -> Option<f64> {
        self.as_real().or_else(|| self.as_int().map(|int| int as f64))
    }

    /// The string's bytes, when it is one.
    #[inline]
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        (self.tag() == Kind::String as u8).then(|| block::view_bytes(self.payload, self.len()))
    }

    /// The string's text, when it is a string of valid UTF-8.
    pub fn as_str(self) -> Option<&'a str> {
        self.as_bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// Whether it is a string marked as bytes.
    #[inline]
    pub fn is_bytes(self) -> bool {
        self.tag() == Kind::String as u8 && self.flags() & FLAG_BYTES != 0
    }

    /// The aggregate, when it is one.
    #[inline]
    pub fn as_aggregate(self) -> Option<AggregateView<'a>> {
        (self.tag() == Kind::Aggregate as u8).then(|| AggregateView { node: block::view_node(self.payload) })
    }

    /// The callable, when it is one.
    #[inline]
    pub fn as_callable(self) -> Option<&'a Callable> {
        (self.tag() == Kind::Callable as u8).then(|| block::view_callable(self.payload))
    }

    /// The Object, when it is one.
    #[inline]
    pub fn as_object(self) -> Option<&'a Object> {
        (self.tag() == Kind::Object as u8).then(|| block::view_object(self.payload))
    }

    /// The pair value under a string key, or nil: for reading options and records.
    pub fn field(self, key: &str) -> View<'a> {
        self.as_aggregate().and_then(|map| map.get(key)).unwrap_or(View::NIL)
    }

    /// Owns it: by a count where it lies in a block or is a reference, by a copy where it is borrowed bytes.
    pub fn to_value(self) -> Value {
        match self.kind() {
            Kind::Nil => Value::Nil,
            Kind::Bool => Value::Bool(self.payload != 0),
            Kind::Int => Value::Int(self.payload as i64),
            Kind::Real => Value::Real(f64::from_bits(self.payload)),
            Kind::String => Value::String(block::own_str(block::view_bytes(self.payload, self.len()), self.flags())),
            Kind::Aggregate => Value::Aggregate(block::own_aggregate(block::view_node(self.payload))),
            Kind::Callable => Value::Callable(block::view_callable(self.payload).clone()),
            Kind::Object => Value::Object(block::view_object(self.payload).clone()),
        }
    }

    /// The string owned, when it is one.
    pub fn to_owned_str(self) -> Option<Str> {
        self.as_bytes().map(|bytes| block::own_str(bytes, self.flags()))
    }
}

impl<'a> From<&'a Value> for View<'a> {
    #[inline]
    fn from(value: &'a Value) -> View<'a> {
        match value {
            Value::Nil => View::NIL,
            Value::Bool(value) => View::bool(*value),
            Value::Int(value) => View::int(*value),
            Value::Real(value) => View::real(*value),
            Value::String(value) => value.view(),
            Value::Aggregate(value) => View::from(value.view()),
            Value::Callable(value) => View::callable(value),
            Value::Object(value) => View::object(value),
        }
    }
}

impl<'a> From<AggregateView<'a>> for View<'a> {
    #[inline]
    fn from(aggregate: AggregateView<'a>) -> View<'a> {
        View::from_raw(Kind::Aggregate as u8, 0, 0, aggregate.node.address())
    }
}

/// A borrowed list, map, or both in one.
#[derive(Clone, Copy)]
pub struct AggregateView<'a> {
    node: NodeRef<'a>,
}

impl<'a> AggregateView<'a> {
    pub(super) fn of(node: NodeRef<'a>) -> AggregateView<'a> {
        AggregateView { node }
    }

    /// List or map.
    pub fn shape(self) -> Shape {
        self.node.shape()
    }

    /// Length of the list part.
    #[inline]
    pub fn list_len(self) -> usize {
        self.node.get().list_len as usize
    }

    /// Number of pairs.
    #[inline]
    pub fn pair_len(self) -> usize {
        self.node.get().pair_len as usize
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.list_len() + self.pair_len() == 0
    }

    /// Levels of nesting; a flat aggregate has 1.
    pub fn depth(self) -> usize {
        self.node.get().depth.into()
    }

    /// How many values it holds, itself included.
    pub fn size(self) -> usize {
        self.node.get().size as usize
    }

    /// List element `index`, counted from 0.
    #[inline]
    pub fn element(self, index: usize) -> Option<View<'a>> {
        (index < self.list_len()).then(|| self.node.element(index))
    }

    /// The list part, in order.
    #[inline]
    pub fn elements(self) -> Elements<'a> {
        Elements { node: self.node, next: 0, end: self.node.get().list_len }
    }

    /// The pairs, in the order they were inserted.
    #[inline]
    pub fn pairs(self) -> Pairs<'a> {
        Pairs { node: self.node, next: 0, end: self.node.get().pair_len }
    }

    /// How many key ids the whole block has: ids in pairs are below it. For engines, which keep
    /// one handle (an atom, say) for each id while they read a block.
    pub fn key_ids(self) -> usize {
        self.node.key_count() as usize
    }

    /// The value under a string key; pairs are looked through in order.
    ///
    /// For many look-ups in a large map make an [`Index`](super::Index).
    pub fn get(self, key: impl AsRef<[u8]>) -> Option<View<'a>> {
        let key = key.as_ref();
        self.pairs().find(|pair| pair.key.as_bytes() == Some(key)).map(|pair| pair.value)
    }

    /// The value under an int key.
    pub fn get_int(self, key: i64) -> Option<View<'a>> {
        self.pairs().find(|pair| pair.key.as_int() == Some(key)).map(|pair| pair.value)
    }
}

/// One pair of a map.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    /// The key: an int, a real or a string.
    pub key: View<'a>,
    /// A number for the key: within one block, equal ids are equal keys.
    pub key_id: u32,
    /// The value.
    pub value: View<'a>,
}

/// Iterates over a list part.
#[derive(Clone)]
pub struct Elements<'a> {
    node: NodeRef<'a>,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = View<'a>;

    #[inline]
    fn next(&mut self) -> Option<View<'a>> {
        (self.next < self.end).then(|| {
            self.next += 1;
            self.node.element(self.next as usize - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Elements<'_> {}

/// Iterates over pairs in insertion order.
#[derive(Clone)]
pub struct Pairs<'a> {
    node: NodeRef<'a>,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        (self.next < self.end).then(|| {
            let index = self.next as usize;
            self.next += 1;
            let key_id = self.node.pair_key_id(index);
            Pair { key: self.node.key(key_id), key_id, value: self.node.pair_value(index) }
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Pairs<'_> {}
