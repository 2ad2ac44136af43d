//! Objects: a native's handles with methods and properties; they cross by reference.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use super::{
    Args, CallInfo, Fallible, Head, Identity, Outcome, Text, arc_ref, guard, release_arc, retain_arc, shared_handle,
};
use crate::error::{Code, Error, Result};
use crate::value::{Value, View};

/// What makes an Object.
pub trait ObjectType: Send + Sync + 'static {
    /// Its type, for messages and for engines that keep one class per type.
    fn type_name(&self) -> &str;

    /// What it has: a list of descriptors in the form of [`Descriptor`](crate::Descriptor), methods
    /// and properties (with the flag `PROPERTY`). The same list for every Object of the type.
    fn members(&self) -> Value;

    /// Reads a property.
    ///
    /// # Errors
    /// `not_found` when it has none of that name.
    fn get(&self, info: &CallInfo, property: &str) -> Result<Value> {
        let _ = info;
        Err(no_member(self.type_name(), property))
    }

    /// Writes a property.
    ///
    /// # Errors
    /// `not_found`, or `unsupported` when it cannot be written.
    fn set(&self, info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        let _ = (info, value);
        Err(Error::new(Code::Unsupported, format!("{}.{property} cannot be assigned", self.type_name())))
    }

    /// Calls a method. It must not block: what takes time is pending.
    fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome;

    /// How it prints.
    fn text(&self) -> String {
        format!("<{}>", self.type_name())
    }

    /// Whose it is; all zero for one that belongs to no context.
    fn identity(&self) -> Identity {
        Identity { runtime: 0, context: 0, key: 0 }
    }
}

/// The error for a member that a type does not have.
pub(crate) fn no_member(type_name: &str, member: &str) -> Error {
    Error::new(Code::NotFound, format!("{type_name} has no member '{member}'"))
}

#[repr(C)]
pub(crate) struct ObjectTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    describe: unsafe extern "C" fn(*const (), u32, *mut Value),
    identity: unsafe extern "C" fn(*const ()) -> Identity,
    get: unsafe extern "C" fn(*const (), &CallInfo, Text, *mut Fallible<Value>),
    set: unsafe extern "C" fn(*const (), &CallInfo, Text, *const View<'_>, *mut Fallible<Value>),
    call: unsafe extern "C" fn(*const (), &CallInfo, Text, *const View<'_>, usize, *mut Outcome) -> u8,
}

const TYPE_NAME: u32 = 0;
const MEMBERS: u32 = 1;
const TEXT: u32 = 2;

shared_handle! {
    /// A native's handle: a queue, a socket, a task. Two are equal when they are the same one.
    Object, ObjectTable
}

struct Maker<T>(std::marker::PhantomData<T>);

impl<T: ObjectType> Maker<T> {
    const TABLE: ObjectTable = ObjectTable {
        head: Head::of::<ObjectTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        describe: describe::<T>,
        identity: identity::<T>,
        get: get::<T>,
        set: set::<T>,
        call: call::<T>,
    };
}

impl Object {
    /// An Object of this making. Keep the `Arc` and make it again to give the same Object out twice.
    pub fn new<T: ObjectType>(data: Arc<T>) -> Object {
        Object::from_arc(&Maker::<T>::TABLE, data)
    }

    fn describe(&self, what: u32) -> Value {
        let mut value = Value::Nil;
        // SAFETY: the handle keeps the maker's data alive; the value is initialised.
        unsafe { ((*self.table.as_ptr()).describe)(self.data.as_ptr(), what, &mut value) };
        value
    }

    /// Its type.
    pub fn type_name(&self) -> String {
        String::from_utf8_lossy(self.describe(TYPE_NAME).view().as_bytes().unwrap_or_default()).into_owned()
    }

    /// What it has, methods and properties.
    pub fn members(&self) -> Vec<crate::Descriptor> {
        let list = self.describe(MEMBERS);
        let elements = list.view().as_aggregate().into_iter().flat_map(|list| list.elements());
        elements.map(crate::Descriptor::from_view).collect()
    }

    /// How it prints.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.describe(TEXT).view().as_bytes().unwrap_or_default()).into_owned()
    }

    /// Whose it is.
    pub fn identity(&self) -> Identity {
        // SAFETY: the handle keeps the maker's data alive.
        unsafe { ((*self.table.as_ptr()).identity)(self.data.as_ptr()) }
    }

    /// Reads a property.
    ///
    /// # Errors
    /// `not_found` when it has none of that name, and the maker's own.
    pub fn get(&self, info: &CallInfo, property: &str) -> Result<Value> {
        let mut result = Fallible::Fine(Value::Nil);
        // SAFETY: as above; the text is borrowed for the call.
        unsafe { ((*self.table.as_ptr()).get)(self.data.as_ptr(), info, Text::of(property), &mut result) };
        result.into()
    }

    /// Writes a property.
    ///
    /// # Errors
    /// `not_found`, `unsupported` when it cannot be written, and the maker's own.
    pub fn set(&self, info: &CallInfo, property: &str, value: View<'_>) -> Result<()> {
        let mut result = Fallible::Fine(Value::Nil);
        let property = Text::of(property);
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).set)(self.data.as_ptr(), info, property, &value, &mut result) };
        Result::from(result).map(drop)
    }

    /// Calls a method.
    pub fn call(&self, info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        let mut outcome = Outcome::Ready(Value::Nil);
        let (start, count) = args.raw();
        let method = Text::of(method);
        // SAFETY: as above; the outcome is initialised.
        unsafe { ((*self.table.as_ptr()).call)(self.data.as_ptr(), info, method, start, count, &mut outcome) };
        outcome
    }

    /// A number that no other living Object has.
    pub fn address(&self) -> usize {
        self.data.as_ptr() as usize
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.data == other.data
    }
}

impl Eq for Object {}

impl Debug for Object {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

unsafe extern "C" fn describe<T: ObjectType>(data: *const (), what: u32, out: *mut Value) {
    // SAFETY: the handle is borrowed for the call; `out` is initialised.
    unsafe {
        let object = arc_ref::<T>(data);
        *out = guard(|| match what {
            TYPE_NAME => Value::from(object.type_name()),
            MEMBERS => object.members(),
            TEXT => Value::from(object.text()),
            _ => Value::Nil,
        })
        .unwrap_or_default();
    }
}

unsafe extern "C" fn identity<T: ObjectType>(data: *const ()) -> Identity {
    // SAFETY: the handle is borrowed for the call.
    let object = unsafe { arc_ref::<T>(data) };
    guard(|| object.identity()).unwrap_or(Identity { runtime: 0, context: 0, key: 0 })
}

unsafe extern "C" fn get<T: ObjectType>(data: *const (), info: &CallInfo, property: Text, out: *mut Fallible<Value>) {
    // SAFETY: the handle and the text are borrowed for the call; `out` is initialised.
    unsafe {
        let object = arc_ref::<T>(data);
        *out = guard(|| object.get(info, &property.text())).and_then(|result| result).into();
    }
}

unsafe extern "C" fn set<T: ObjectType>(
    data: *const (),
    info: &CallInfo,
    property: Text,
    value: *const View<'_>,
    out: *mut Fallible<Value>,
) {
    // SAFETY: the handle, the text and the value are borrowed for the call; `out` is initialised.
    unsafe {
        let object = arc_ref::<T>(data);
        let result = guard(|| object.set(info, &property.text(), *value)).and_then(|result| result);
        *out = result.map(|()| Value::Nil).into();
    }
}

unsafe extern "C" fn call<T: ObjectType>(
    data: *const (),
    info: &CallInfo,
    method: Text,
    args: *const View<'_>,
    count: usize,
    out: *mut Outcome,
) -> u8 {
    // SAFETY: the handle, the text and the arguments are borrowed for the call; `out` is initialised.
    unsafe {
        let object = arc_ref::<T>(data);
        let outcome = guard(|| object.call(info, &method.text(), Args::from_raw(args, count)));
        let outcome = outcome.unwrap_or_else(Outcome::Failed);
        let status = outcome.status();
        *out = outcome;
        status
    }
}
