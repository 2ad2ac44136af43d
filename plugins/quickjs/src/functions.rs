//! Functions that left this realm, pinned under the host's keys while references to them live.
//!
//! One function has one callable as long as that is alive; a function whose callable died and that is
//! sent again gets a new key. The two tables say the same in both directions.

use std::cell::RefCell;

use calog_plugin_api::{Callable, FunctionKey, Host, KeyMap, Result};

use crate::ffi::Pin;

/// The pinned functions.
#[derive(Default)]
pub(crate) struct Functions {
    pins: RefCell<KeyMap<u64, Pin>>,
    /// The latest key of a pinned function, by its address.
    keys: RefCell<KeyMap<usize, u64>>,
}

impl Functions {
    /// A callable for the function at this address.
    pub(crate) fn publish(&self, host: &Host, address: usize, pin: impl FnOnce() -> Pin) -> Result<Callable> {
        let known = self.keys.borrow().get(&address).copied();
        let (callable, key) = host.function(known.map(FunctionKey))?;
        if known != Some(key.0) {
            self.pins.borrow_mut().insert(key.0, pin());
            self.keys.borrow_mut().insert(address, key.0);
        }
        Ok(callable)
    }

    /// Looks at a pinned function.
    pub(crate) fn with<T>(&self, key: FunctionKey, look: impl FnOnce(&Pin) -> T) -> Option<T> {
        self.pins.borrow().get(&key.0).map(look)
    }

    /// Unpins a function.
    pub(crate) fn release(&self, key: FunctionKey) {
        let pin = self.pins.borrow_mut().remove(&key.0);
        let Some(pin) = pin else { return };
        let mut keys = self.keys.borrow_mut();
        if keys.get(&pin.address()) == Some(&key.0) {
            keys.remove(&pin.address());
        }
        drop(keys);
        // Freeing it may run finalizers, which use other tables of the realm.
        drop(pin);
    }

    /// How many are pinned.
    pub(crate) fn count(&self) -> usize {
        self.pins.borrow().len()
    }

    /// Unpins all.
    pub(crate) fn clear(&self) {
        self.keys.borrow_mut().clear();
        let pins = std::mem::take(&mut *self.pins.borrow_mut());
        drop(pins);
    }
}
