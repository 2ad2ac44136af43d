//! All collections of a context, known weakly: circles among them are broken when it closes.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::{Array, Class, Dict, Items, List, Shared, Text, Val};

/// From so many collections on, dead ones are looked for.
const FIRST_SWEEP: usize = 1024;

/// What a context has made.
#[derive(Default)]
pub(crate) struct Heap {
    known: RefCell<Vec<Known>>,
    sweep_at: Cell<usize>,
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
    fn know(&self, known: Known) {
        let mut all = self.known.borrow_mut();
        all.push(known);
        if all.len() >= self.sweep_at.get().max(FIRST_SWEEP) {
            all.retain(Known::is_alive);
            // Twice as many as live now: the search costs each collection a constant share.
            self.sweep_at.set(all.len() * 2);
        }
    }

    pub(crate) fn array(&self, sizes: Vec<usize>, cells: Vec<Val>, empty: Option<Text>) -> Rc<Array> {
        let array = Rc::new(Array { sizes, cells: RefCell::new(cells), empty });
        self.know(Known::Array(Rc::downgrade(&array)));
        array
    }

    pub(crate) fn list(&self, items: Items) -> Rc<List> {
        let list = Rc::new(List(RefCell::new(items)));
        self.know(Known::List(Rc::downgrade(&list)));
        list
    }

    pub(crate) fn dict(&self) -> Rc<Dict> {
        let dict = Rc::new(Dict::default());
        self.know(Known::Dict(Rc::downgrade(&dict)));
        dict
    }

    pub(crate) fn class(&self, class: Class) -> Rc<Class> {
        let class = Rc::new(class);
        self.know(Known::Class(Rc::downgrade(&class)));
        class
    }

    pub(crate) fn shared(&self, value: Val) -> Rc<Shared> {
        let shared = Rc::new(Shared(RefCell::new(value)));
        self.know(Known::Shared(Rc::downgrade(&shared)));
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
    pub(crate) fn bytes(&self) -> u64 {
        self.known.borrow_mut().retain(Known::is_alive);
        let slot = size_of::<Val>();
        let text = |value: &Val| if let Val::Text(text) = value { text.capacity() } else { 0 };
        let texts = |values: &[Val]| values.iter().map(text).sum::<usize>() + size_of_val(values);
        let all = self.known.borrow();
        let each = all.iter().map(|known| match known {
            Known::Array(it) => it.upgrade().map_or(0, |it| texts(&it.cells.borrow())),
            Known::List(it) => it.upgrade().map_or(0, |it| match &*it.0.borrow() {
                Items::Listed(values) => texts(values),
                Items::Range { .. } => 0,
            }),
            Known::Dict(it) => it.upgrade().map_or(0, |it| {
                let pairs = it.pairs();
                pairs.iter().map(|(key, value)| text(key) + text(value) + 4 * slot).sum()
            }),
            Known::Class(it) => it.upgrade().map_or(0, |it| it.variables.borrow().len() * 2 * slot),
            Known::Shared(it) => it.upgrade().map_or(0, |it| slot + text(&it.0.borrow())),
        });
        each.map(|bytes| bytes as u64 + 64).sum()
    }
}
