//! Objects: userdata with the members their type declares.
//!
//! `q.put(x)` and `q:put(x)` are the same call: a method is bound to its object, and a first argument
//! that is the object itself is dropped. The same Object is the same userdata, as long as Lua holds it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use calog_plugin_api::{Callee, Descriptor, Object, Result};

use crate::convert;
use crate::core::Core;
use crate::ffi::{Entry, Kept, Ref, Reply, Stack, Type, upvalue};
use crate::{calls, errors, functions};

/// The members of a type by name: whether each is a property.
type Members = HashMap<String, bool>;

/// The members of the types seen so far.
#[derive(Default)]
pub(crate) struct Types(RefCell<HashMap<String, Rc<Members>>>);

/// An Object that Lua holds.
pub(crate) struct Held {
    pub(crate) object: Object,
    members: Rc<Members>,
}

impl Kept for Held {
    const MARK: u64 = 0xca10_6ca1_1ab1_e003;
}

impl Held {
    /// Whether the member of this name is a property; `None` when there is no such member.
    fn is_property(&self, name: &str) -> Option<bool> {
        // Types of the same name may differ; the Object itself has the last word.
        self.members.get(name).copied().or_else(|| members(&self.object).get(name).copied())
    }
}

fn members(object: &Object) -> Members {
    let members = object.members().into_iter();
    members.map(|it| (it.name.clone(), it.has(Descriptor::PROPERTY))).collect()
}

impl Types {
    fn members(&self, object: &Object) -> Rc<Members> {
        let name = object.type_name();
        if let Some(known) = self.0.borrow().get(&name) {
            return known.clone();
        }
        let new = Rc::new(members(object));
        self.0.borrow_mut().insert(name, new.clone());
        new
    }
}

/// Pushes an Object.
pub(crate) fn push(core: &Core, stack: Stack, object: &Object) -> Result<()> {
    if !functions::find(core, stack, object.address(), Type::Userdata) {
        let members = core.types.members(object);
        stack.userdata(Held { object: object.clone(), members }, core.refs.object, 1);
        functions::remember(core, stack, object.address(), stack.top());
    }
    Ok(())
}

/// The metatable of userdata that own Objects.
pub(crate) fn metatable(stack: Stack) -> Ref {
    stack.table(0, 6);
    stack.finaliser::<Held>();
    stack.set_raw_field(-2, "__gc");
    stack.function::<GetMember>(0);
    stack.set_raw_field(-2, "__index");
    stack.function::<SetMember>(0);
    stack.set_raw_field(-2, "__newindex");
    stack.function::<Text>(0);
    stack.set_raw_field(-2, "__tostring");
    for key in ["__name", "__metatable"] {
        stack.str("object");
        stack.set_raw_field(-2, key);
    }
    stack.keep()
}

/// `__index`: a bound method, or a property's value.
struct GetMember;

impl Entry for GetMember {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = stack.cell::<Held>(1) else { return calls::tampered(stack) };
        if stack.kind(2) != Type::String {
            stack.nil();
            return Reply::Values(1);
        }
        stack.set_top(2);
        if stack.user_value(1) == Type::Table {
            stack.copy(2);
            if stack.raw_get(-2) == Type::Function {
                return Reply::Values(1);
            }
        }
        stack.set_top(2);
        let name = stack.lossy(2);
        match held.is_property(&name) {
            None => stack.nil(),
            Some(true) => return property(core, stack, held, &name),
            Some(false) => bind_method(stack),
        }
        Reply::Values(1)
    }
}

fn property(core: &Core, stack: Stack, held: &Held, name: &str) -> Reply {
    if core.is_closing() {
        return calls::closing(core, stack);
    }
    calls::settle(core, stack, held.object.get(core.current.info(), name))
}

/// Pushes the method named at 2, bound to the object at 1, which keeps it for the next time.
fn bind_method(stack: Stack) {
    stack.copy(1);
    stack.copy(2);
    stack.function::<CallMethod>(2);
    if stack.user_value(1) != Type::Table {
        stack.pop(1);
        stack.table(0, 1);
        stack.copy(-1);
        stack.set_user_value(1);
    }
    stack.copy(2);
    stack.copy(3);
    stack.raw_set(-3);
    stack.pop(1);
}

/// Calls the method named in the second upvalue of the object in the first.
struct CallMethod;

impl Entry for CallMethod {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = stack.cell::<Held>(upvalue(1)) else { return calls::tampered(stack) };
        let method = stack.lossy(upvalue(2));
        let with_colon = stack.top() > 0 && stack.same(1, upvalue(1));
        let first = if with_colon { 2 } else { 1 };
        calls::make(core, stack, first, Callee::Method(&held.object, &method), |args| {
            held.object.call(core.current.info(), &method, args)
        })
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        calls::resumed(core, stack)
    }
}

/// `__newindex`: assigns a property.
struct SetMember;

impl Entry for SetMember {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = stack.cell::<Held>(1) else { return calls::tampered(stack) };
        if core.is_closing() {
            return calls::closing(core, stack);
        }
        let name = stack.lossy(2);
        let value = convert::read(core, &stack, 3);
        let done = value.and_then(|value| held.object.set(core.current.info(), &name, value.view()));
        match done {
            Ok(()) => Reply::Values(0),
            Err(error) => errors::raise(core, stack, &error),
        }
    }
}

/// `__tostring`.
struct Text;

impl Entry for Text {
    fn run(_core: &Core, stack: Stack) -> Reply {
        let Some(held) = stack.cell::<Held>(1) else { return calls::tampered(stack) };
        stack.str(&held.object.text());
        Reply::Values(1)
    }
}
