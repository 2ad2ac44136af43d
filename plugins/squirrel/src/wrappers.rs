//! What stands in Squirrel for a foreign function or Object, found again by its address.
//!
//! Weak references: a wrapper lives as long as Squirrel holds it. The cell inside of it says when it is
//! gone, so an address is never found after its owner could have died.

use std::cell::RefCell;

use calog_plugin_api::KeyMap;

use crate::core::Core;
use crate::ffi::{Ref, Type};

/// Weak references by address.
#[derive(Default)]
pub(crate) struct Wrappers(RefCell<KeyMap<usize, Ref>>);

/// Pushes the living wrapper of what has this address, onto the main stack. Whether there is one.
pub(crate) fn find(core: &Core, address: usize) -> bool {
    let Some(weak) = core.wrappers.0.borrow().get(&address).copied() else { return false };
    core.main.kept(weak);
    core.main.strong(-1);
    core.main.remove(-2);
    let found = core.main.kind(-1) != Type::Null;
    if !found {
        core.main.pop(1);
    }
    found
}

/// Makes the value on top of the main stack the wrapper of what has this address.
pub(crate) fn remember(core: &Core, address: usize) {
    core.main.weak(-1);
    let weak = core.main.keep(-1);
    core.main.pop(1);
    let before = core.wrappers.0.borrow_mut().insert(address, weak);
    if let Some(before) = before {
        core.main.forget(before);
    }
}

/// The wrapper of what has this address is gone, or its last copy.
pub(crate) fn gone(core: &Core, address: usize) {
    let weak = core.wrappers.0.borrow_mut().remove(&address);
    // A closing interpreter is taking its references apart itself.
    if let Some(weak) = weak.filter(|_| !core.is_closing()) {
        core.main.forget(weak);
    }
}
