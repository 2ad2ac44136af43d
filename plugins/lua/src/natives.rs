//! Natives as scripts see them: plain global tables that fill themselves on first use.
//!
//! The host lists dotted names; of each module there is a small table whose `__index` binds the
//! native that is asked for and puts it there, so that an idle context stays small.

use std::cell::OnceCell;

use calog_plugin_api::{Callable, Callee, Native, Result, RuntimeHandle};

use crate::convert;
use crate::core::Core;
use crate::ffi::{Entry, Kept, Ref, Reply, Stack, Type, upvalue};
use crate::{calls, errors};

/// A native that a script has asked for.
pub(crate) struct Bound {
    native: Native,
    /// Made when it is first used as a value.
    callable: OnceCell<Callable>,
}

impl Kept for Bound {
    const MARK: u64 = 0xca10_6ca1_1ab1_e002;
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

/// Calls the native in its first upvalue.
struct CallNative;

impl Entry for CallNative {
    // Into both ways of the trampoline: a call of its own costs a tenth of a short native.
    #[inline(always)]
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(bound) = stack.cell::<Bound>(upvalue(1)) else { return calls::tampered(stack) };
        calls::make(core, stack, 1, Callee::Native(&bound.native), |args| bound.native.call(core.current.info(), args))
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        calls::resumed(core, stack)
    }
}

/// `__index` of a module: binds a native. Its first upvalue is the module's dotted name.
struct Bind;

impl Entry for Bind {
    fn run(core: &Core, stack: Stack) -> Reply {
        if core.is_closing() || stack.kind(1) != Type::Table || stack.kind(2) != Type::String {
            stack.nil();
            return Reply::Values(1);
        }
        stack.set_top(2);
        let name = format!("{}.{}", stack.lossy(upvalue(1)), stack.lossy(2));
        match find(core, &name).map(|index| push(core, stack, index)) {
            None => stack.nil(),
            Some(Err(error)) => return errors::raise(core, stack, &error),
            Some(Ok(())) => {
                stack.copy(2);
                stack.copy(3);
                stack.raw_set(1);
            }
        }
        Reply::Values(1)
    }
}

/// The metatable of userdata that own natives.
pub(crate) fn metatable(stack: Stack) -> Ref {
    stack.table(0, 1);
    stack.finaliser::<Bound>();
    stack.set_raw_field(-2, "__gc");
    stack.keep()
}

fn names(core: &Core) -> impl Iterator<Item = &str> {
    let list = core.natives.view().as_aggregate().into_iter();
    list.flat_map(|list| list.elements()).map(|name| name.as_str().unwrap_or_default())
}

/// The place of a native in the host's list.
fn find(core: &Core, name: &str) -> Option<usize> {
    names(core).position(|it| it == name)
}

/// The native of this name, if the context may see it.
pub(crate) fn named(core: &Core, name: &str) -> Option<Result<Native>> {
    find(core, name).map(|index| core.host.native(index))
}

/// Pushes the native at this place of the host's list as a function.
fn push(core: &Core, stack: Stack, index: usize) -> Result<()> {
    let native = core.host.native(index)?;
    stack.userdata(Bound { native, callable: OnceCell::new() }, core.refs.native, 0);
    stack.function::<CallNative>(1);
    Ok(())
}

/// Makes the modules of all natives, and `calog` with its null.
///
/// # Errors
/// When the host does not give a native that it listed.
pub(crate) fn install(core: &Core, stack: Stack) -> Result<()> {
    push_module(stack, "calog");
    convert::push_null(stack);
    stack.set_raw_field(-2, "null");
    stack.pop(1);
    let mut last = "";
    for (index, name) in names(core).enumerate() {
        match name.rsplit_once('.') {
            Some((module, _)) if module == last => {}
            Some((module, _)) => {
                push_module(stack, module);
                stack.pop(1);
                last = module;
            }
            None => {
                stack.globals();
                push(core, stack, index)?;
                stack.set_raw_field(-2, name);
                stack.pop(1);
            }
        }
    }
    describe_null(stack);
    Ok(())
}

/// Pushes the table of a module; makes it, and those around it, where there is none.
fn push_module(stack: Stack, dotted: &str) {
    stack.globals();
    for part in dotted.split('.') {
        if stack.raw_field(-1, part) != Type::Table {
            stack.pop(1);
            stack.table(0, 0);
            stack.copy(-1);
            stack.insert(-3);
            stack.set_raw_field(-2, part);
            stack.pop(1);
        } else {
            stack.remove(-2);
        }
    }
    if stack.metatable(-1) {
        stack.pop(1);
    } else {
        fill_on_use(stack, dotted);
    }
}

/// Has the table on top bind natives of this module when they are first asked for.
fn fill_on_use(stack: Stack, dotted: &str) {
    stack.table(0, 1);
    stack.str(dotted);
    stack.function::<Bind>(1);
    stack.set_raw_field(-2, "__index");
    stack.set_metatable(-2);
}

/// Prints `calog.null` as "null".
struct TextOfLight;

impl Entry for TextOfLight {
    fn run(_core: &Core, stack: Stack) -> Reply {
        if stack.kind(1) == Type::Light && convert::is_null(stack, 1) {
            stack.str("null");
        } else {
            stack.str("userdata");
        }
        Reply::Values(1)
    }
}

fn describe_null(stack: Stack) {
    convert::push_null(stack);
    stack.table(0, 1);
    stack.function::<TextOfLight>(0);
    stack.set_raw_field(-2, "__tostring");
    stack.set_metatable(-2);
    stack.pop(1);
}
