//! Functions both ways: own ones are pinned by the host's keys, foreign ones become native closures.
//!
//! A function of ours that left is in two maps, by key and by address, until the host says that the
//! last reference is gone. A foreign function is a native closure over a userdata that owns the
//! callable.

use std::cell::RefCell;

use calog_plugin_api::{Callable, Callee, Facts, FunctionKey, KeyMap, Result};

use crate::core::Core;
use crate::ffi::{Entry, Kept, Ref, Reply, Stack, Type};
use crate::natives::Bound;
use crate::{calls, errors, wrappers};

impl Kept for Callable {
    const MARK: u64 = 0xca10_6ca1_5c1e_0001;

    fn released(&self, core: &Core) {
        wrappers::gone(core, self.address());
    }
}

/// Functions of ours that left.
#[derive(Default)]
pub(crate) struct Own {
    pinned: RefCell<KeyMap<u64, Ref>>,
    /// The last key of each, by its address.
    keys: RefCell<KeyMap<usize, u64>>,
}

impl Own {
    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        assert!(self.keys.borrow().len() <= self.pinned.borrow().len());
        self.pinned.borrow().len()
    }
}

/// Calls the foreign function in its free variable.
struct CallForeign;

impl Entry for CallForeign {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(callable) = stack.cell::<Callable>(stack.top()) else {
            return calls::tampered(core, stack, "a function of another context");
        };
        if !calls::can_suspend(core, stack)
            && let Err(error) = core.host.check_depth(callable)
        {
            return errors::raise(core, stack, &error);
        }
        if !callable.is_lenient() {
            return calls::make(core, stack, 1, Callee::Function, |args| callable.call(core.current.info(), args));
        }
        // As `calog.lenient` made it: arguments that cannot be represented are coerced or dropped.
        let info = core.current.info();
        let mut facts = info.facts();
        facts.flags |= Facts::LENIENT;
        let lenient = info.derive(facts);
        core.current.with_info(&lenient, || {
            calls::make(core, stack, 1, Callee::Function, |args| callable.call(core.current.info(), args))
        })
    }
}

/// The function on top of the main stack as a callable: the original of a foreign one, else our own.
///
/// # Errors
/// Only when the host itself fails.
pub(crate) fn callable(core: &Core) -> Result<Callable> {
    let main = core.main;
    if let Some(callable) = main.cell_of_function::<Callable>(main.top()) {
        return Ok(callable.clone());
    }
    match main.cell_of_function::<Bound>(main.top()) {
        Some(native) => {
            let callable = native.callable(&core.runtime)?;
            wrappers::remember(core, callable.address());
            Ok(callable)
        }
        None => own(core),
    }
}

/// A callable for the function of ours on top, which is pinned under its key.
fn own(core: &Core) -> Result<Callable> {
    let main = core.main;
    let address = main.raw_at(-1).address();
    let known = core.own.keys.borrow().get(&address).copied();
    let (callable, key) = core.host.function(known.map(FunctionKey))?;
    if known != Some(key.0) {
        let kept = main.keep(-1);
        core.own.pinned.borrow_mut().insert(key.0, kept);
        core.own.keys.borrow_mut().insert(address, key.0);
    }
    Ok(callable)
}

/// Unpins a function: the last reference anywhere is gone.
pub(crate) fn release(core: &Core, key: FunctionKey) {
    let Some(kept) = core.own.pinned.borrow_mut().remove(&key.0) else { return };
    core.main.kept(kept);
    let address = core.main.raw_at(-1).address();
    core.main.pop(1);
    {
        let mut keys = core.own.keys.borrow_mut();
        // The function may have gone out again meanwhile, under a new key.
        if keys.get(&address) == Some(&key.0) {
            keys.remove(&address);
        }
    }
    core.main.forget(kept);
}

/// Pushes a function of ours by its key, onto any stack. Whether there is one.
pub(crate) fn push_own(core: &Core, stack: Stack, key: FunctionKey) -> bool {
    let kept = core.own.pinned.borrow().get(&key.0).copied();
    kept.inspect(|kept| stack.kept(*kept)).is_some()
}

/// Pushes a callable onto the main stack: one of ours that comes home is the original function.
pub(crate) fn push(core: &Core, callable: &Callable) {
    let main = core.main;
    let is_home = core.host.own_key(callable).is_some_and(|key| push_own(core, main, key));
    if is_home || wrappers::find(core, callable.address()) {
        return;
    }
    main.userdata(core, callable.clone());
    main.function::<CallForeign>(1, c"foreign function");
    wrappers::remember(core, callable.address());
    debug_assert_eq!(main.kind(-1), Type::NativeClosure);
}
