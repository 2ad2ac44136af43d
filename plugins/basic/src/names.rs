//! Names as numbers: BASIC ignores case, so a name is its upper-case form.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A name's number within its context.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Sym(pub(crate) u32);

/// All names of a context.
#[derive(Default)]
pub(crate) struct Names(RefCell<Table>);

#[derive(Default)]
struct Table {
    numbers: HashMap<Rc<str>, Sym>,
    texts: Vec<Rc<str>>,
}

impl Names {
    /// The number of a name, however it is spelled.
    pub(crate) fn sym(&self, name: &str) -> Sym {
        let upper = upper(name);
        let mut table = self.0.borrow_mut();
        if let Some(&sym) = table.numbers.get(upper.as_str()) {
            return sym;
        }
        let text: Rc<str> = upper.into();
        let sym = Sym(u32::try_from(table.texts.len()).unwrap_or(u32::MAX));
        table.texts.push(text.clone());
        table.numbers.insert(text, sym);
        sym
    }

    /// The upper-case form of a name.
    pub(crate) fn text(&self, sym: Sym) -> Rc<str> {
        self.0.borrow().texts.get(sym.0 as usize).cloned().unwrap_or_else(|| "?".into())
    }
}

/// A name's one form.
pub(crate) fn upper(name: &str) -> String {
    if name.is_ascii() { name.to_ascii_uppercase() } else { name.to_uppercase() }
}
