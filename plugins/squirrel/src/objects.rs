//! Objects: instances of one class, whose members are asked for by name.
//!
//! `q.put` is a method bound to its object; `h.id` asks for a property. The same Object is the same
//! instance, as long as Squirrel holds it.

use calog_plugin_api::{Callee, Descriptor, Object};

use crate::core::Core;
use crate::ffi::{Entry, Kept, Ref, Reply, Stack, Type};
use crate::{calls, convert, errors, wrappers};

/// An Object that Squirrel holds.
pub(crate) struct Held {
    pub(crate) object: Object,
    /// Its members by name: whether each is a property.
    members: Vec<(String, bool)>,
}

impl Kept for Held {
    const MARK: u64 = 0xca10_6ca1_5c1e_0003;

    fn released(&self, core: &Core) {
        wrappers::gone(core, self.object.address());
    }
}

impl Held {
    fn new(object: &Object) -> Held {
        let members = object.members().into_iter();
        let members = members
            .map(|it| {
                let is_property = it.has(Descriptor::PROPERTY);
                (it.name, is_property)
            })
            .collect();
        Held { object: object.clone(), members }
    }

    /// Whether the member of this name is a property; `None` when there is no such member.
    fn is_property(&self, name: &[u8]) -> Option<bool> {
        self.members.iter().find(|(it, _)| it.as_bytes() == name).map(|(_, is_property)| *is_property)
    }
}

/// Pushes an Object onto the main stack.
pub(crate) fn push(core: &Core, object: &Object) {
    let main = core.main;
    if wrappers::find(core, object.address()) {
        return;
    }
    let held = Held::new(object);
    main.kept(core.object_class);
    main.instance(-1);
    main.remove(-2);
    main.give_to_instance(core, held);
    wrappers::remember(core, object.address());
}

/// The class of all Objects.
pub(crate) fn class(main: Stack) -> Ref {
    main.class();
    main.tag_class::<Held>();
    let class = main.top();
    macro_rules! metamethods {
        ($($name:literal: $entry:ty,)*) => {
            $(main.bytes_of($name.to_bytes());
            main.function::<$entry>(0, $name);
            main.new_slot(class);)*
        };
    }
    metamethods! {
        c"_get": GetMember, c"_set": SetMember, c"_tostring": Text, c"_typeof": TypeOf, c"_cloned": Cloned,
    }
    let kept = main.keep(class);
    main.pop(1);
    kept
}

/// The object at 1.
fn this(stack: &Stack) -> Option<&Held> {
    (stack.kind(1) == Type::Instance).then(|| stack.held::<Held>(1)).flatten()
}

/// `_get`: a bound method, or a property's value.
struct GetMember;

impl Entry for GetMember {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = this(&stack) else { return calls::tampered(core, stack, "an object") };
        match held.is_property(stack.bytes(2)) {
            None => {
                // What Squirrel takes as "not here": its own members of instances come next.
                stack.null();
                Reply::Raise
            }
            Some(true) => {
                let name = stack.lossy(2);
                calls::settle(core, stack, held.object.get(core.current.info(), &name))
            }
            Some(false) => {
                stack.copy(1);
                stack.copy(2);
                stack.function::<CallMethod>(2, c"method");
                Reply::Value
            }
        }
    }
}

/// Calls the method named in its first free variable of the object in the second.
struct CallMethod;

impl Entry for CallMethod {
    fn run(core: &Core, stack: Stack) -> Reply {
        // Free variables come last, the last pushed first.
        let (name, object) = (stack.top() - 1, stack.top());
        let Some(held) = stack.held::<Held>(object) else { return calls::tampered(core, stack, "an object") };
        let method = stack.lossy(name);
        calls::make(core, stack, 2, Callee::Method(&held.object, &method), |args| {
            held.object.call(core.current.info(), &method, args)
        })
    }
}

/// `_set`: assigns a property.
struct SetMember;

impl Entry for SetMember {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = this(&stack) else { return calls::tampered(core, stack, "an object") };
        let name = stack.lossy(2);
        let value = convert::read(core, stack, 3);
        match value.and_then(|value| held.object.set(core.current.info(), &name, value.view())) {
            Ok(()) => Reply::Nothing,
            Err(error) => errors::raise(core, stack, &error),
        }
    }
}

/// `_tostring`.
struct Text;

impl Entry for Text {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(held) = this(&stack) else { return calls::tampered(core, stack, "an object") };
        stack.str(&held.object.text());
        Reply::Value
    }
}

/// `_typeof`.
struct TypeOf;

impl Entry for TypeOf {
    fn run(_core: &Core, stack: Stack) -> Reply {
        stack.str("object");
        Reply::Value
    }
}

/// `_cloned`: a handle cannot be copied by its holder.
struct Cloned;

impl Entry for Cloned {
    fn run(_core: &Core, stack: Stack) -> Reply {
        errors::raise_message(stack, "an object cannot be cloned")
    }
}
