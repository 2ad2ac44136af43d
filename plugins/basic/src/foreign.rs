//! What is not BASIC's own: natives, functions of other languages, Objects.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use calog_plugin_api::{Callable, Descriptor, Host, Native, Object, Result, RuntimeHandle, Value};

use crate::compile::Natives;
use crate::names::upper;
use crate::value::Val;

/// A native that a program names.
pub(crate) struct Bound {
    pub(crate) native: Native,
    /// Made when it is first used as a value elsewhere.
    callable: OnceCell<Callable>,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("native")
    }
}

impl Bound {
    /// The native as a function value: the same one each time.
    pub(crate) fn callable(&self, runtime: &RuntimeHandle) -> Result<Callable> {
        if let Some(callable) = self.callable.get() {
            return Ok(callable.clone());
        }
        let callable = runtime.callable(&self.native)?;
        Ok(self.callable.get_or_init(|| callable).clone())
    }
}

/// A function of another language.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) callable: Callable,
}

/// An Object with the members its type declares.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) object: Object,
    members: Rc<Members>,
}

/// Members by their upper-case names: how each is spelled, and whether it is a property.
type Members = HashMap<String, (Rc<str>, bool)>;

impl Held {
    /// How the member is spelled that is meant by this name, and whether it is a property.
    pub(crate) fn member(&self, name: &str) -> (Rc<str>, bool) {
        let upper = upper(name);
        // Types of the same name may differ; the Object itself has the last word.
        let known = self.members.get(&upper).cloned().or_else(|| members(&self.object).get(&upper).cloned());
        known.unwrap_or_else(|| (name.into(), false))
    }

    /// Whether it has a member of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        let upper = upper(name);
        self.members.contains_key(&upper) || members(&self.object).contains_key(&upper)
    }
}

fn members(object: &Object) -> Members {
    let all = object.members().into_iter();
    all.map(|it| (upper(&it.name), (it.name.as_str().into(), it.has(Descriptor::PROPERTY)))).collect()
}

/// The members of the types seen so far.
#[derive(Default)]
pub(crate) struct Types(RefCell<HashMap<String, Rc<Members>>>);

impl Types {
    /// An Object for scripts.
    pub(crate) fn hold(&self, object: &Object) -> Rc<Held> {
        let name = object.type_name();
        let known = self.0.borrow().get(&name).cloned();
        let members = known.unwrap_or_else(|| {
            let new = Rc::new(members(object));
            self.0.borrow_mut().insert(name, new.clone());
            new
        });
        Rc::new(Held { object: object.clone(), members })
    }
}

/// The natives a context may see, bound when a program first names them.
pub(crate) struct Tree {
    host: Host,
    names: Value,
    bound: RefCell<HashMap<String, Rc<Bound>>>,
}

impl Tree {
    pub(crate) fn new(host: Host) -> Tree {
        let names = host.native_names();
        Tree { host, names, bound: RefCell::default() }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let list = self.names.view().as_aggregate().into_iter();
        list.flat_map(|list| list.elements()).map(|name| name.as_str().unwrap_or_default())
    }

    /// Whether there is a native of this module.
    pub(crate) fn is_module(&self, module: &str) -> bool {
        self.names().any(|name| {
            name.get(..module.len()).is_some_and(|it| it.eq_ignore_ascii_case(module))
                && name.as_bytes().get(module.len()) == Some(&b'.')
        })
    }
}

impl Natives for Tree {
    fn find(&self, dotted: &str) -> Option<Val> {
        if let Some(known) = self.bound.borrow().get(dotted) {
            return Some(Val::Native(known.clone()));
        }
        // The same spelling goes first; two names may differ in letter case alone.
        let exact = self.names().position(|it| it == dotted);
        let index = exact.or_else(|| self.names().position(|it| it.eq_ignore_ascii_case(dotted)))?;
        let native = self.host.native(index).ok()?;
        let bound = Rc::new(Bound { native, callable: OnceCell::new() });
        self.bound.borrow_mut().insert(dotted.to_owned(), bound.clone());
        Some(Val::Native(bound))
    }
}
