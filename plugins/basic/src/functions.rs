//! Functions that left this context: pinned by the host's keys until the last reference is gone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use calog_plugin_api::{Callable, FunctionKey, KeyMap, Result};

use crate::core::Core;
use crate::foreign::Foreign;
use crate::value::Val;

/// The pinned functions by key, and the keys by function.
#[derive(Default)]
pub(crate) struct Pins {
    values: RefCell<KeyMap<u64, Val>>,
    keys: RefCell<HashMap<Identity, u64>>,
}

/// What makes a function the same one: its address, and its instance's if it is a method.
type Identity = (usize, usize);

fn identity(function: &Val) -> Option<Identity> {
    match function {
        Val::Routine(routine) => Some((Rc::as_ptr(routine) as usize, 0)),
        Val::Method(method) => Some((Rc::as_ptr(&method.routine) as usize, Rc::as_ptr(&method.me) as usize)),
        _ => None,
    }
}

impl Pins {
    /// The function under a key.
    pub(crate) fn get(&self, key: FunctionKey) -> Option<Val> {
        self.values.borrow().get(&key.0).cloned()
    }

    /// How many functions are pinned.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.values.borrow().len()
    }

    /// Unpins a function: the last reference anywhere is gone.
    pub(crate) fn release(&self, key: FunctionKey) {
        let Some(value) = self.values.borrow_mut().remove(&key.0) else { return };
        if let Some(identity) = identity(&value) {
            let mut keys = self.keys.borrow_mut();
            // It may have gone out again meanwhile, under a new key.
            if keys.get(&identity) == Some(&key.0) {
                keys.remove(&identity);
            }
        }
        // Dropped here, after the borrows: it may hold the last reference to something foreign.
        drop(value);
    }

    pub(crate) fn clear(&self) {
        let values = self.values.take();
        self.keys.borrow_mut().clear();
        drop(values);
    }
}

impl Core {
    /// A callable for a function, whoever's it is; `None` for what is none.
    pub(crate) fn callable(&self, function: &Val) -> Option<Result<Callable>> {
        match function {
            Val::Foreign(foreign) => Some(Ok(foreign.callable.clone())),
            Val::Native(native) => Some(native.callable(&self.runtime)),
            _ => identity(function).map(|identity| self.own_callable(function, identity)),
        }
    }

    fn own_callable(&self, function: &Val, identity: Identity) -> Result<Callable> {
        let known = self.pins.keys.borrow().get(&identity).copied();
        let (callable, key) = self.host.function(known.map(FunctionKey))?;
        if known != Some(key.0) {
            self.pins.values.borrow_mut().insert(key.0, function.clone());
            self.pins.keys.borrow_mut().insert(identity, key.0);
        }
        Ok(callable)
    }

    /// A callable as a value: one of ours that comes home is itself.
    pub(crate) fn function(&self, callable: &Callable) -> Val {
        let own = self.host.own_key(callable).and_then(|key| self.pins.get(key));
        own.unwrap_or_else(|| Val::Foreign(Rc::new(Foreign { callable: callable.clone() })))
    }
}
