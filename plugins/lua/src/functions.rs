//! Functions both ways: own ones are pinned by the host's keys, foreign ones become C functions.
//!
//! A function of ours that left is in Lua's registry by its key, and in the table `keys` by function, until
//! the host says that the last reference is gone. A foreign function is a C function over a userdata that
//! owns the callable; a weak table finds it again by the callable's address, which nobody else can
//! have as long as the userdata lives.

use calog_plugin_api::{Callable, Callee, Facts, FunctionKey, Result};

use crate::core::Core;
use crate::ffi::{Entry, Kept, REGISTRY, Ref, Reply, Stack, Type, upvalue};
use crate::natives::Bound;
use crate::{calls, errors};

impl Kept for Callable {
    const MARK: u64 = 0xca10_6ca1_1ab1_e001;
}

/// Calls the foreign function in its first upvalue.
struct CallForeign;

impl Entry for CallForeign {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(callable) = stack.cell::<Callable>(upvalue(1)) else { return calls::tampered(stack) };
        if !stack.is_yieldable()
            && let Err(error) = core.host.check_depth(callable)
        {
            return errors::raise(core, stack, &error);
        }
        calls::make(core, stack, 1, Callee::Function, |args| callable.call(core.current.info(), args))
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        calls::resumed(core, stack)
    }
}

/// Calls the foreign callable in its first upvalue leniently, as `calog.lenient` made it: arguments
/// that cannot be represented are coerced or dropped.
struct CallLenient;

impl Entry for CallLenient {
    fn run(core: &Core, stack: Stack) -> Reply {
        let info = core.current.info();
        let mut facts = info.facts();
        facts.flags |= Facts::LENIENT;
        core.current.with_info(&info.derive(facts), || CallForeign::run(core, stack))
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        calls::resumed(core, stack)
    }
}

/// The metatable of userdata that own callables.
pub(crate) fn metatable(stack: Stack) -> Ref {
    stack.table(0, 1);
    stack.finaliser::<Callable>();
    stack.set_raw_field(-2, "__gc");
    stack.keep()
}

/// The function at the index as a callable: the original of a foreign one, else one of our own.
///
/// # Errors
/// Only when the host itself fails.
pub(crate) fn callable_at(core: &Core, stack: &Stack, index: i32) -> Result<Callable> {
    if let Some(callable) = stack.cell_of_function::<Callable>(index) {
        return Ok(callable.clone());
    }
    match stack.cell_of_function::<Bound>(index) {
        Some(native) => {
            let callable = native.callable(&core.runtime)?;
            remember(core, *stack, callable.address(), stack.absolute(index));
            Ok(callable)
        }
        None => own(core, *stack, stack.absolute(index)),
    }
}

/// A callable for a function of ours, which is pinned under its key.
fn own(core: &Core, stack: Stack, function: i32) -> Result<Callable> {
    stack.kept(core.refs.keys);
    stack.copy(function);
    let known = (stack.raw_get(-2) == Type::Number).then(|| FunctionKey(stack.integer(-1) as u64));
    stack.pop(1);
    let answer = core.host.function(known);
    if let Ok((_, key)) = &answer
        && known != Some(*key)
    {
        stack.copy(function);
        stack.int(key.0 as i64);
        stack.raw_set(-3);
        stack.copy(function);
        stack.raw_set_int(REGISTRY, pinned_at(*key));
    }
    stack.pop(1);
    answer.map(|(callable, _)| callable)
}

/// Where the registry has the function of a key: `Ref`s are positive numbers, so these are negative.
#[inline]
fn pinned_at(key: FunctionKey) -> i64 {
    (key.0 as i64).wrapping_neg()
}

/// Unpins a function: the last reference anywhere is gone.
pub(crate) fn release(core: &Core, key: FunctionKey) {
    let stack = core.main;
    let top = stack.top();
    if stack.raw_get_int(REGISTRY, pinned_at(key)) == Type::Function {
        let function = stack.top();
        stack.kept(core.refs.keys);
        stack.copy(function);
        // The function may have gone out again meanwhile, under a new key.
        if stack.raw_get(-2) == Type::Number && stack.integer(-1) == key.0 as i64 {
            stack.copy(function);
            stack.nil();
            stack.raw_set(function + 1);
        }
        stack.nil();
        stack.raw_set_int(REGISTRY, pinned_at(key));
    }
    stack.set_top(top);
}

/// Pushes a function of ours by its key. Whether there is one.
#[inline]
pub(crate) fn push_own(stack: Stack, key: FunctionKey) -> bool {
    let found = stack.raw_get_int(REGISTRY, pinned_at(key)) == Type::Function;
    if !found {
        stack.pop(1);
    }
    found
}

/// Pushes a callable: one of ours that comes home is the original function.
pub(crate) fn push(core: &Core, stack: Stack, callable: &Callable) -> Result<()> {
    let is_home = core.host.own_key(callable).is_some_and(|key| push_own(stack, key));
    if !is_home && !find(core, stack, callable.address(), Type::Function) {
        stack.userdata(callable.clone(), core.refs.callable, 0);
        if callable.is_lenient() {
            stack.function::<CallLenient>(1);
        } else {
            stack.function::<CallForeign>(1);
        }
        remember(core, stack, callable.address(), stack.top());
    }
    Ok(())
}

/// Pushes the living wrapper of what has this address. Whether there is one.
pub(crate) fn find(core: &Core, stack: Stack, address: usize, kind: Type) -> bool {
    stack.kept(core.refs.wrappers);
    let found = stack.raw_get_int(-1, address as i64) == kind;
    stack.remove(-2);
    if !found {
        stack.pop(1);
    }
    found
}

/// Makes the value at the index the wrapper of what has this address.
pub(crate) fn remember(core: &Core, stack: Stack, address: usize, wrapper: i32) {
    stack.kept(core.refs.wrappers);
    stack.copy(wrapper);
    stack.raw_set_int(-2, address as i64);
    stack.pop(1);
}
