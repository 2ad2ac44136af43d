//! Arrays, lists and what walks through collections.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{Dict, Text, Val, bury};
use crate::fault::{Number, Outcome};

/// The most elements one collection may have.
pub(crate) const MAX_ELEMENTS: usize = 1 << 28;

/// An array with up to four dimensions of a fixed size.
#[derive(Debug)]
pub(crate) struct Array {
    pub(crate) sizes: Vec<usize>,
    pub(crate) cells: RefCell<Vec<Val>>,
    /// What an unset cell of an array of strings reads as.
    pub(crate) empty: Option<Text>,
}

impl Array {
    /// The place of an element.
    ///
    /// # Errors
    /// When the number of indices is wrong, or one is out of bound.
    pub(crate) fn place(&self, indices: &[Val]) -> Outcome<usize> {
        if indices.len() != self.sizes.len() {
            return Err(Number::RankOutOfBound.into());
        }
        let mut place = 0;
        for (index, size) in indices.iter().zip(&self.sizes) {
            let index = usize::try_from(index_of(index)?).ok().filter(|it| it < size).ok_or(Number::IndexOutOfBound)?;
            place = place * size + index;
        }
        Ok(place)
    }

    pub(crate) fn get(&self, place: usize) -> Val {
        match (self.cells.borrow().get(place), &self.empty) {
            (Some(Val::Unset) | None, Some(empty)) => Val::Text(empty.clone()),
            (Some(value), _) => value.read(),
            (None, None) => Val::Nil,
        }
    }

    pub(crate) fn set(&self, place: usize, value: Val) -> Outcome<()> {
        if self.empty.is_some() && !matches!(value, Val::Text(_)) {
            return Err(Number::StringExpected.into());
        }
        let mut cells = self.cells.borrow_mut();
        let cell = cells.get_mut(place).ok_or(Number::IndexOutOfBound)?;
        let old = std::mem::replace(cell, value);
        drop(cells);
        drop(old);
        Ok(())
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        bury(self.cells.take());
    }
}

/// An index as a number; a real is cut off.
///
/// # Errors
/// When it is no number.
pub(crate) fn index_of(value: &Val) -> Outcome<i64> {
    match value {
        Val::Int(int) => Ok(*int),
        Val::Real(real) => Ok(*real as i64),
        Val::Bool(is) => Ok((*is).into()),
        Val::Unset | Val::Nil => Ok(0),
        _ => Err(Number::IntegerExpected.into()),
    }
}

/// A list.
#[derive(Debug)]
pub(crate) struct List(pub(crate) RefCell<Items>);

/// What a list holds.
#[derive(Debug)]
pub(crate) enum Items {
    Listed(Vec<Val>),
    /// `LIST(a TO b)`, as long as nobody changes it.
    Range {
        from: i64,
        to: i64,
    },
}

impl Default for Items {
    fn default() -> Items {
        Items::Listed(Vec::new())
    }
}

impl Items {
    pub(crate) fn len(&self) -> usize {
        match self {
            Items::Listed(values) => values.len(),
            Items::Range { from, to } => {
                usize::try_from(from.abs_diff(*to)).map_or(usize::MAX, |it| it.saturating_add(1))
            }
        }
    }

    pub(crate) fn get(&self, index: usize) -> Option<Val> {
        match self {
            Items::Listed(values) => values.get(index).cloned(),
            Items::Range { from, to } if index < self.len() => {
                let step = i64::try_from(index).ok()?;
                Some(Val::Int(if from <= to { from.wrapping_add(step) } else { from.wrapping_sub(step) }))
            }
            Items::Range { .. } => None,
        }
    }

    /// The values one by one, for changing.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn listed(&mut self) -> Outcome<&mut Vec<Val>> {
        if let Items::Range { .. } = self {
            if self.len() > MAX_ELEMENTS {
                return Err(Number::OutOfMemory.into());
            }
            *self = Items::Listed((0..self.len()).filter_map(|index| self.get(index)).collect());
        }
        match self {
            Items::Listed(values) => Ok(values),
            Items::Range { .. } => Err(Number::ListExpected.into()),
        }
    }

    /// The values, copied.
    ///
    /// # Errors
    /// When there are too many.
    pub(crate) fn to_vec(&self) -> Outcome<Vec<Val>> {
        match self {
            Items::Listed(values) => Ok(values.clone()),
            Items::Range { .. } if self.len() > MAX_ELEMENTS => Err(Number::OutOfMemory.into()),
            Items::Range { .. } => Ok((0..self.len()).filter_map(|index| self.get(index)).collect()),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if let Items::Listed(values) = self.0.take() {
            bury(values);
        }
    }
}

/// Walks through a list; before the first MOVE_NEXT it is nowhere.
#[derive(Debug)]
pub(crate) struct ListIter {
    pub(crate) list: Rc<List>,
    /// The place of the value it is at, plus one.
    pub(crate) next: Cell<usize>,
}

impl ListIter {
    pub(crate) fn move_next(&self) -> bool {
        let next = self.next.get();
        let is_there = next < self.list.0.borrow().len();
        self.next.set(next.saturating_add(1));
        is_there
    }

    pub(crate) fn get(&self) -> Option<Val> {
        self.next.get().checked_sub(1).and_then(|at| self.list.0.borrow().get(at))
    }
}

/// Walks through the pairs a dictionary had when it began.
#[derive(Debug)]
pub(crate) struct DictIter {
    pub(crate) dict: Rc<Dict>,
    pub(crate) keys: Vec<Val>,
    pub(crate) next: Cell<usize>,
}

impl DictIter {
    pub(crate) fn move_next(&self) -> bool {
        let next = self.next.get();
        self.next.set(next.saturating_add(1));
        next < self.keys.len()
    }

    pub(crate) fn key(&self) -> Option<&Val> {
        self.next.get().checked_sub(1).and_then(|at| self.keys.get(at))
    }
}
