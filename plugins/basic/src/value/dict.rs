//! Dictionaries: pairs in the order they were inserted.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use calog_plugin_api::Error;

use super::collections::MAX_ELEMENTS;
use super::{Kind, Text, Val, bury};
use crate::fault::{Number, Outcome};
use crate::memory::{PAIR, share};

/// What a key is looked up by. Integers, reals and strings are distinct, whatever they say.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Key {
    Nil,
    Unknown,
    Int(i64),
    Real(u64),
    Text(Text),
    Type(Kind),
    Reference(usize),
}

impl Key {
    /// The key that a value is. References are keys by what they refer to.
    pub(crate) fn of(value: &Val) -> Key {
        match value {
            Val::Int(int) => Key::Int(*int),
            Val::Text(text) => Key::Text(text.clone()),
            Val::Bool(is) => Key::Int((*is).into()),
            // The two zeros are equal.
            Val::Real(real) if *real == 0.0 => Key::Real(0),
            Val::Real(real) => Key::Real(real.to_bits()),
            Val::Type(kind) => Key::Type(*kind),
            Val::Unset => Key::Int(0),
            Val::Nil => Key::Nil,
            value => value.address().map_or(Key::Unknown, Key::Reference),
        }
    }
}

/// A dictionary.
#[derive(Default, Debug)]
pub(crate) struct Dict {
    table: RefCell<Table>,
    /// The error that CATCH made it of, for when it is raised again.
    pub(crate) origin: RefCell<Option<Error>>,
    /// Some key is an instance that hashes itself.
    pub(crate) has_instances: Cell<bool>,
}

#[derive(Default, Debug)]
struct Table {
    /// Removed pairs leave a gap until the next tidying.
    pairs: Vec<Option<(Val, Val)>>,
    places: HashMap<Key, usize>,
}

impl Dict {
    pub(crate) fn len(&self) -> usize {
        self.table.borrow().places.len()
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Val> {
        let table = self.table.borrow();
        let place = *table.places.get(key)?;
        table.pairs.get(place)?.as_ref().map(|pair| pair.1.clone())
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.table.borrow().places.contains_key(key)
    }

    /// Sets a pair; a known key keeps its place.
    ///
    /// # Errors
    /// When there are too many pairs.
    pub(crate) fn set(&self, key: Val, value: Val) -> Outcome<()> {
        let by = Key::of(&key);
        let mut guard = self.table.borrow_mut();
        let table = &mut *guard;
        let known = table.places.get(&by).and_then(|&place| table.pairs.get_mut(place)).and_then(Option::as_mut);
        if let Some(pair) = known {
            let old = std::mem::replace(&mut pair.1, value);
            drop(guard);
            drop(old);
            return Ok(());
        }
        if table.pairs.len() >= MAX_ELEMENTS {
            return Err(Number::OutOfMemory.into());
        }
        table.places.insert(by, table.pairs.len());
        table.pairs.push(Some((key, value)));
        Ok(())
    }

    /// Removes a pair. Whether there was one.
    pub(crate) fn remove(&self, key: &Key) -> bool {
        let mut table = self.table.borrow_mut();
        let Some(place) = table.places.remove(key) else { return false };
        let old = table.pairs.get_mut(place).and_then(Option::take);
        if table.pairs.len() > 16 && table.places.len() < table.pairs.len() / 2 {
            table.tidy();
        }
        drop(table);
        drop(old);
        true
    }

    pub(crate) fn clear(&self) {
        let table = self.table.take();
        bury(table.pairs.into_iter().flatten().flat_map(|(key, value)| [key, value]).collect());
    }

    /// About how many bytes its pairs take.
    pub(crate) fn bytes(&self) -> usize {
        let table = self.table.borrow();
        // A key that is a string is there twice, and has a part of it each time.
        let of_pair = |(key, value): &(Val, Val)| 2 * share(key) + share(value);
        table.pairs.iter().map(|pair| PAIR + pair.as_ref().map_or(0, of_pair)).sum()
    }

    /// The pairs in their order.
    pub(crate) fn pairs(&self) -> Vec<(Val, Val)> {
        self.table.borrow().pairs.iter().flatten().cloned().collect()
    }

    pub(crate) fn keys(&self) -> Vec<Val> {
        self.table.borrow().pairs.iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    /// The key that is this name: as it is spelled, else in other letter case.
    pub(crate) fn name(&self, name: &str) -> Option<Key> {
        let exact = Key::Text(Text::new(name.as_bytes().to_vec()));
        let table = self.table.borrow();
        if table.places.contains_key(&exact) {
            return Some(exact);
        }
        let keys = table.pairs.iter().flatten().map(|(key, _)| key);
        let mut texts = keys.filter_map(|key| if let Val::Text(text) = key { Some(text) } else { None });
        texts.find(|text| text.eq_ignore_ascii_case(name.as_bytes())).map(|text| Key::Text(text.clone()))
    }
}

impl Table {
    /// Closes the gaps.
    fn tidy(&mut self) {
        self.pairs.retain(Option::is_some);
        for (place, (key, _)) in self.pairs.iter().flatten().enumerate() {
            self.places.insert(Key::of(key), place);
        }
    }
}

impl Drop for Dict {
    fn drop(&mut self) {
        self.clear();
    }
}
