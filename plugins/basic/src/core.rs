//! What all parts of one context share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use calog_plugin_api::{ContextOptions, Frame, Host, Level, Result, RuntimeHandle};

use crate::builtin::Builtin;
use crate::compile::Globals;
use crate::foreign::{Tree, Types};
use crate::functions::Pins;
use crate::memory::Budget;
use crate::names::{Names, Sym};
use crate::random::Random;
use crate::syntax::{Files, Place};
use crate::task::Tasks;
use crate::value::{Class, Heap, Text, Val};

/// The shared middle of a context. It never leaves its thread; no borrow of its cells is held while
/// anything outside is called.
pub(crate) struct Core {
    pub(crate) host: Host,
    pub(crate) runtime: RuntimeHandle,
    /// The context's name, for traces.
    pub(crate) name: String,
    pub(crate) natives: Tree,
    pub(crate) types: Types,
    pub(crate) names: Names,
    pub(crate) files: RefCell<Files>,
    pub(crate) table: RefCell<Globals>,
    pub(crate) globals: RefCell<Vec<Val>>,
    pub(crate) heap: Heap,
    pub(crate) budget: Rc<Budget>,
    pub(crate) pins: Pins,
    pub(crate) tasks: Tasks,
    pub(crate) random: Random,
    /// Where the running code is that calls out.
    pub(crate) site: Cell<Option<Site>>,
    /// How many routines run inside of functions of the language, which cannot suspend.
    pub(crate) nesting: Cell<u32>,
    /// What an unset string of an array reads as.
    pub(crate) empty: Text,
    pub(crate) special: Special,
    lenient: bool,
}

/// A place in running code, and the routine it is in.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    pub(crate) place: Place,
    pub(crate) routine: Option<Sym>,
}

/// Names with a meaning of their own.
pub(crate) struct Special {
    pub(crate) to_string: Sym,
    pub(crate) hash: Sym,
    pub(crate) compare: Sym,
    pub(crate) me: Sym,
    pub(crate) val: Sym,
    methods: Vec<(Builtin, Sym)>,
}

impl Special {
    fn new(names: &Names) -> Special {
        let methods = Builtin::all().filter_map(|it| it.method().map(|name| (it, names.sym(name)))).collect();
        Special {
            to_string: names.sym("TO_STRING"),
            hash: names.sym("HASH"),
            compare: names.sym("COMPARE"),
            me: names.sym("ME"),
            val: names.sym("VAL"),
            methods,
        }
    }

    /// The method that a class may have in the place of a function of the language.
    pub(crate) fn method(&self, builtin: Builtin) -> Option<Sym> {
        self.methods.iter().find(|(it, _)| *it == builtin).map(|(_, sym)| *sym)
    }
}

impl Core {
    pub(crate) fn new(host: Host, options: &ContextOptions) -> Result<Core> {
        let names = Names::default();
        let special = Special::new(&names);
        let budget = Rc::<Budget>::default();
        Ok(Core {
            runtime: host.runtime()?,
            name: options.name().to_owned(),
            natives: Tree::new(host.clone()),
            types: Types::default(),
            names,
            files: RefCell::default(),
            table: RefCell::default(),
            globals: RefCell::default(),
            heap: Heap::new(Rc::clone(&budget)),
            budget,
            pins: Pins::default(),
            tasks: Tasks::default(),
            random: Random::seeded(),
            site: Cell::new(None),
            nesting: Cell::new(0),
            empty: Rc::new(b"(EMPTY)".to_vec()),
            special,
            lenient: options.lenient(),
            host,
        })
    }

    /// Whether the context converts leniently, whatever a call says.
    pub(crate) fn lenient(&self) -> bool {
        self.lenient
    }

    /// A place as a step of a trace.
    pub(crate) fn frame(&self, site: Site) -> Frame {
        let Site { place, routine } = site;
        Frame {
            language: "basic".to_owned(),
            context: self.name.clone(),
            function: routine.map_or_else(String::new, |sym| self.names.text(sym).to_string()),
            file: self.file(place),
            line: place.row,
            column: place.column.into(),
        }
    }

    /// The name of the file a place is in.
    pub(crate) fn file(&self, place: Place) -> String {
        self.files.borrow().get(usize::from(place.file)).map_or_else(String::new, |name| name.to_string())
    }

    /// The class a global of this name holds. No code of the context runs now.
    pub(crate) fn class_named(&self, name: Sym) -> Option<Rc<Class>> {
        let slot = self.table.borrow().slots.get(&name).copied()?;
        match self.globals.borrow().get(slot as usize) {
            Some(Val::Class(class)) => Some(class.clone()),
            _ => None,
        }
    }

    /// As [`warn`](Core::warn), at the place that was noted last.
    #[cold]
    pub(crate) fn warn_here(&self, message: &str) {
        self.warn(self.site.get().map(|site| site.place).unwrap_or_default(), message);
    }

    /// Tells of something that is no error: the program goes on.
    #[cold]
    pub(crate) fn warn(&self, place: Place, message: &str) {
        let text = format!("{}:{}:{}: {message}", self.file(place), place.row, place.column);
        self.host.log(Level::Warn, &text);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.tasks.clear();
        self.pins.clear();
        let globals = self.globals.take();
        drop(globals);
        self.heap.clear();
    }
}
