//! All collections of a context, known weakly: circles among them are broken when it closes.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::{Array, Class, Dict, Items, List, Shared, Text, Val};
use crate::memory::{Budget, EACH, bytes_of, share};

/// From so many collections on, dead ones are looked for.
const FIRST_SWEEP: usize = 1024;

/// What a context has made.
#[derive(Default)]
pub(crate) struct Heap {
    known: RefCell<Vec<Known>>,
    sweep_at: Cell<usize>,
    budget: Rc<Budget>,
}

enum Known {
    Array(Weak<Array>),
    List(Weak<List>),
    Dict(Weak<Dict>),
    Class(Weak<Class>),
    Shared(Weak<Shared>),
}

impl Known {
    fn is_alive(&self) -> bool {
        match self {
            Known::Array(it) => it.strong_count() > 0,
            Known::List(it) => it.strong_count() > 0,
            Known::Dict(it) => it.strong_count() > 0,
            Known::Class(it) => it.strong_count() > 0,
            Known::Shared(it) => it.strong_count() > 0,
        }
    }
}

impl Heap {
    /// One whose collections are spent of this budget.
    pub(crate) fn new(budget: Rc<Budget>) -> Heap {
        Heap { budget, ..Heap::default() }
    }

    /// Knows a collection that takes so many bytes for what it holds.
    fn know(&self, known: Known, bytes: usize) {
        self.budget.spend(EACH + bytes);
        let mut all = self.known.borrow_mut();
        all.push(known);
        if all.len() >= self.sweep_at.get().max(FIRST_SWEEP) {
            all.retain(Known::is_alive);
            // Twice as many as live now: the search costs each collection a constant share.
            self.sweep_at.set(all.len() * 2);
        }
    }

    pub(crate) fn array(&self, sizes: Vec<usize>, cells: Vec<Val>, empty: Option<Text>) -> Rc<Array> {
        let bytes = size_of_val(cells.as_slice());
        let array = Rc::new(Array { sizes, cells: RefCell::new(cells), empty });
        self.know(Known::Array(Rc::downgrade(&array)), bytes);
        array
    }

    pub(crate) fn list(&self, items: Items) -> Rc<List> {
        let bytes = if let Items::Listed(values) = &items { size_of_val(values.as_slice()) } else { 0 };
        let list = Rc::new(List(RefCell::new(items)));
        self.know(Known::List(Rc::downgrade(&list)), bytes);
        list
    }

    pub(crate) fn dict(&self) -> Rc<Dict> {
        let dict = Rc::new(Dict::default());
        self.know(Known::Dict(Rc::downgrade(&dict)), EACH);
        dict
    }

    pub(crate) fn class(&self, class: Class) -> Rc<Class> {
        let class = Rc::new(class);
        let bytes = EACH + class.variables.borrow().len() * 2 * size_of::<Val>();
        self.know(Known::Class(Rc::downgrade(&class)), bytes);
        class
    }

    pub(crate) fn shared(&self, value: Val) -> Rc<Shared> {
        let shared = Rc::new(Shared(RefCell::new(value)));
        self.know(Known::Shared(Rc::downgrade(&shared)), 0);
        shared
    }

    /// Empties everything, so that circles fall apart.
    pub(crate) fn clear(&self) {
        for known in self.known.take() {
            match known {
                Known::Array(it) => drop(it.upgrade().map(|it| it.cells.take())),
                Known::List(it) => drop(it.upgrade().map(|it| it.0.take())),
                Known::Dict(it) => drop(it.upgrade().map(|it| it.clear())),
                Known::Class(it) => drop(it.upgrade().map(|it| it.variables.take())),
                Known::Shared(it) => drop(it.upgrade().map(|it| it.0.take())),
            }
        }
    }

    /// About how many bytes the collections that live and the strings in them take.
    pub(crate) fn bytes(&self) -> usize {
        self.known.borrow_mut().retain(Known::is_alive);
        let all = self.known.borrow();
        let each = all.iter().map(|known| match known {
            Known::Array(it) => it.upgrade().map_or(0, |it| bytes_of(&it.cells.borrow())),
            Known::List(it) => it.upgrade().map_or(0, |it| match &*it.0.borrow() {
                Items::Listed(values) => bytes_of(values) + (values.capacity() - values.len()) * size_of::<Val>(),
                Items::Range { .. } => 0,
            }),
            Known::Dict(it) => it.upgrade().map_or(0, |it| EACH + it.bytes()),
            Known::Class(it) => it.upgrade().map_or(0, |it| {
                let variables = it.variables.borrow();
                EACH + variables.iter().map(|(_, value)| 2 * size_of::<Val>() + share(value)).sum::<usize>()
            }),
            Known::Shared(it) => it.upgrade().map_or(0, |it| share(&it.0.borrow())),
        });
        each.map(|bytes| bytes + EACH).sum()
    }
}
