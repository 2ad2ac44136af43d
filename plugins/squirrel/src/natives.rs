//! Natives as scripts see them: plain global tables that fill themselves on first use.
//!
//! The host lists dotted names; of each module there is a small table whose delegate binds the native
//! that is asked for and puts it there, so that an idle context stays small.

use std::cell::OnceCell;

use calog_plugin_api::{Callable, Callee, Native, Result, RuntimeHandle};

use crate::core::Core;
use crate::ffi::{Entry, Kept, Reply, Stack, Type};
use crate::{calls, errors, wrappers};

/// A native that a script has asked for.
pub(crate) struct Bound {
    native: Native,
    /// Made when it is first used as a value.
    callable: OnceCell<Callable>,
}

impl Kept for Bound {
    const MARK: u64 = 0xca10_6ca1_5c1e_0002;

    fn released(&self, core: &Core) {
        if let Some(callable) = self.callable.get() {
            wrappers::gone(core, callable.address());
        }
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

/// Calls the native in its free variable.
struct CallNative;

impl Entry for CallNative {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(bound) = stack.cell::<Bound>(stack.top()) else {
            return calls::tampered(core, stack, "a native");
        };
        calls::make(core, stack, 1, Callee::Native(&bound.native), |args| bound.native.call(core.current.info(), args))
    }
}

/// `_get` of a module: binds a native. Its free variable is the module's dotted name.
struct Bind;

impl Entry for Bind {
    fn run(core: &Core, stack: Stack) -> Reply {
        let is_member = stack.kind(1) == Type::Table && stack.kind(2) == Type::String;
        let name = format!("{}.{}", stack.lossy(3), stack.lossy(2));
        match is_member.then(|| find(core, &name)).flatten() {
            None => {
                // What Squirrel takes as "not here".
                stack.null();
                Reply::Raise
            }
            Some(index) => match push(core, stack, index) {
                Err(error) => errors::raise(core, stack, &error),
                Ok(()) => {
                    stack.copy(2);
                    stack.copy(-2);
                    stack.raw_set(1);
                    Reply::Value
                }
            },
        }
    }
}

fn names(core: &Core) -> impl Iterator<Item = &str> {
    let list = core.natives.view().as_aggregate().into_iter();
    list.flat_map(|list| list.elements()).map(|name| name.as_str().unwrap_or_default())
}

/// The place of a native in the host's list.
fn find(core: &Core, name: &str) -> Option<usize> {
    names(core).position(|it| it == name)
}

/// Pushes the native at this place of the host's list as a function.
fn push(core: &Core, stack: Stack, index: usize) -> Result<()> {
    let native = core.host.native(index)?;
    stack.userdata(core, Bound { native, callable: OnceCell::new() });
    stack.function::<CallNative>(1, c"native");
    Ok(())
}

/// Makes the modules of all natives.
///
/// # Errors
/// When the host does not give a native that it listed.
pub(crate) fn install(core: &Core) -> Result<()> {
    let main = core.main;
    for (index, name) in names(core).enumerate() {
        let (module, member) = name.rsplit_once('.').map_or((None, name), |(module, member)| (Some(module), member));
        main.root();
        if let Some(module) = module {
            push_module(main, module);
        }
        // Names that every table has of itself would never reach the delegate.
        if module.is_none() || is_table_function(main, member) {
            push(core, main, index)?;
            main.set_field(-2, member);
        }
        main.set_top(0);
    }
    Ok(())
}

/// Replaces the root table on top by the table of a module; makes it, and those around it, where there
/// is none.
fn push_module(main: Stack, dotted: &str) {
    let mut path = String::new();
    for part in dotted.split('.') {
        path = if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
        if main.raw_field(-1, part) != Type::Table {
            main.pop(1);
            main.table(0);
            fill_on_use(main, &path);
            main.copy(-1);
            main.set_field(-3, part);
        }
        main.remove(-2);
    }
}

/// Has the table on top bind natives of this module when they are first asked for.
fn fill_on_use(main: Stack, dotted: &str) {
    main.table(1);
    main.str(dotted);
    main.function::<Bind>(1, c"_get");
    main.set_field(-2, "_get");
    main.set_delegate(-2);
}

/// Whether every table has a function of this name.
fn is_table_function(main: Stack, name: &str) -> bool {
    main.table(0);
    main.str(name);
    let found = main.get(-2);
    if !found {
        main.reset_error();
    }
    main.pop(if found { 2 } else { 1 });
    found
}
