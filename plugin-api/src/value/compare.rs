//! Equality of values, and look-up by key in large maps.
//!
//! Aggregates are equal when their list parts are, in order, and their pairs are, in any order; the
//! empty list is not the empty map. Ints and reals are different values; NaN equals nothing.
//! Callables and Objects are equal when they are the same one.

use std::collections::HashMap;

use super::view::{AggregateView, View};
use super::{Aggregate, Kind, Str, Value};

/// A key as something that hashes.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Int(i64),
    /// The bits: equal reals that are keys have equal bits, as NaN and -0.0 are none.
    Real(u64),
    String(&'a [u8]),
}

impl<'a> Key<'a> {
    fn of(view: View<'a>) -> Option<Key<'a>> {
        match view.kind() {
            Kind::Int => view.as_int().map(Key::Int),
            Kind::Real => view.as_real().map(|real| Key::Real(real.to_bits())),
            Kind::String => view.as_bytes().map(Key::String),
            _ => None,
        }
    }
}

/// A map's pairs by key: made once in linear time, then each look-up takes constant time.
pub struct Index<'a> {
    pairs: HashMap<Key<'a>, View<'a>>,
}

impl<'a> Index<'a> {
    /// Indexes the pairs of an aggregate.
    pub fn new(aggregate: AggregateView<'a>) -> Index<'a> {
        let pairs = aggregate.pairs().filter_map(|pair| Some((Key::of(pair.key)?, pair.value))).collect();
        Index { pairs }
    }

    /// The value under a key.
    pub fn get(&self, key: View<'_>) -> Option<View<'a>> {
        // The map's keys and this one have different lifetimes; both shorten to that of the call.
        let pairs: &HashMap<Key<'_>, View<'a>> = &self.pairs;
        pairs.get(&Key::of(key)?).copied()
    }
}

/// From this many pairs on, maps in different order are compared by an index.
const MANY_PAIRS: usize = 16;

impl PartialEq for View<'_> {
    fn eq(&self, other: &View<'_>) -> bool {
        if self.kind() != other.kind() {
            return false;
        }
        match self.kind() {
            Kind::Nil => true,
            Kind::Bool => self.as_bool() == other.as_bool(),
            Kind::Int => self.as_int() == other.as_int(),
            Kind::Real => self.as_real() == other.as_real(),
            Kind::String => self.is_bytes() == other.is_bytes() && self.as_bytes() == other.as_bytes(),
            Kind::Aggregate => self.as_aggregate() == other.as_aggregate(),
            Kind::Callable => self.as_callable() == other.as_callable(),
            Kind::Object => self.as_object() == other.as_object(),
        }
    }
}

impl PartialEq for AggregateView<'_> {
    fn eq(&self, other: &AggregateView<'_>) -> bool {
        self.shape() == other.shape()
            && self.list_len() == other.list_len()
            && self.pair_len() == other.pair_len()
            && self.size() == other.size()
            && self.elements().eq(other.elements())
            && same_pairs(*self, *other)
    }
}

/// Compares each value once: twice on every level would be exponential in the depth.
fn same_pairs(one: AggregateView<'_>, other: AggregateView<'_>) -> bool {
    if one.pairs().zip(other.pairs()).all(|(a, b)| a.key == b.key) {
        return one.pairs().zip(other.pairs()).all(|(a, b)| a.value == b.value);
    }
    if one.pair_len() < MANY_PAIRS {
        let find = |key: View<'_>| other.pairs().find(|pair| pair.key == key).map(|pair| pair.value);
        return one.pairs().all(|pair| find(pair.key) == Some(pair.value));
    }
    let index = Index::new(other);
    one.pairs().all(|pair| index.get(pair.key) == Some(pair.value))
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        self.view() == other.view()
    }
}

impl PartialEq for Aggregate {
    fn eq(&self, other: &Aggregate) -> bool {
        self.view() == other.view()
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Str) -> bool {
        self.view() == other.view()
    }
}
