//! One method for each call of Squirrel's API that the engine needs.
//!
//! Indices count from 1 at the running function's `this`, or from -1 downwards at the top.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::api::{self, SUSPEND, StackInfo, Vm};
use super::cell::{self, Kept};
use super::trampoline::{self, Entry};
use crate::core::Core;

/// The stack of one thread of an interpreter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stack(Vm);

/// The types of Squirrel's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    Null,
    Integer,
    Float,
    Bool,
    String,
    Table,
    Array,
    Userdata,
    Closure,
    NativeClosure,
    Generator,
    UserPointer,
    Thread,
    Class,
    Instance,
    WeakRef,
    Other,
}

impl Type {
    fn of(raw: u32) -> Type {
        match raw & 0x00ff_ffff {
            0x1 => Type::Null,
            0x2 => Type::Integer,
            0x4 => Type::Float,
            0x8 => Type::Bool,
            0x10 => Type::String,
            0x20 => Type::Table,
            0x40 => Type::Array,
            0x80 => Type::Userdata,
            0x100 => Type::Closure,
            0x200 => Type::NativeClosure,
            0x400 => Type::Generator,
            0x800 => Type::UserPointer,
            0x1000 => Type::Thread,
            0x4000 => Type::Class,
            0x8000 => Type::Instance,
            0x1_0000 => Type::WeakRef,
            _ => Type::Other,
        }
    }

    /// The type as messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::Null => "null",
            Type::Integer => "integer",
            Type::Float => "float",
            Type::Bool => "bool",
            Type::String => "string",
            Type::Table => "table",
            Type::Array => "array",
            Type::Userdata => "userdata",
            Type::Closure | Type::NativeClosure => "function",
            Type::Generator => "generator",
            Type::UserPointer => "userpointer",
            Type::Thread => "thread",
            Type::Class => "class",
            Type::Instance => "class instance",
            Type::WeakRef => "weakref",
            Type::Other => "value",
        }
    }

    /// The name with its article.
    pub(crate) fn with_article(self) -> String {
        let name = self.name();
        format!("{} {name}", if name.starts_with(['a', 'i']) { "an" } else { "a" })
    }

    pub(crate) fn is_function(self) -> bool {
        matches!(self, Type::Closure | Type::NativeClosure)
    }
}

/// A value where it lies: compared and looked at, never followed.
#[derive(Clone, Copy)]
pub(crate) struct Raw(api::Object);

impl Raw {
    /// A number that no other living value of its type has.
    pub(crate) fn address(self) -> usize {
        self.0.value as usize
    }

    pub(crate) fn same(self, other: Raw) -> bool {
        self.0.kind == other.0.kind && self.0.value == other.0.value
    }
}

/// A value that is kept alive until it is forgotten, at the latest until the interpreter closes.
#[derive(Clone, Copy)]
pub(crate) struct Ref(api::Object);

/// What a run of a thread came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// The result is on top.
    Done,
    /// The thread is suspended; what it was suspended with is on top.
    Suspended,
    /// The error is the thread's last one.
    Failed,
}

/// A frame with a place in a script.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Level {
    /// The function's name; empty when it has none.
    pub(crate) function: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = |$vm:ident| $body:expr;)*) => {
        impl Stack {
            $($(#[$doc])*
            #[inline]
            pub(crate) fn $name(self $(, $arg: $type)*) $(-> $result)? {
                let $vm = self.0;
                // SAFETY: see the head of `ffi`: the thread is alive and ours, indices are valid, and
                // there is room for what is pushed.
                unsafe { $body }
            })*
        }
    };
}

calls! {
    top() -> i64 = |v| api::sq_gettop(v);
    set_top(top: i64) = |v| api::sq_settop(v, top);
    pop(count: i64) = |v| api::sq_pop(v, count);
    copy(index: i64) = |v| api::sq_push(v, index);
    remove(index: i64) = |v| api::sq_remove(v, index);
    /// Makes room. False when the stack is full, or cannot grow inside a metamethod.
    reserve(slots: i64) -> bool = |v| api::sq_reservestack(v, slots) >= 0;
    /// Pushes a copy of another thread's value.
    copy_from(from: Stack, index: i64) = |v| api::sq_move(v, from.0, index);

    kind(index: i64) -> Type = |v| Type::of(api::sq_gettype(v, index));
    size(index: i64) -> i64 = |v| api::sq_getsize(v, index);

    null() = |v| api::sq_pushnull(v);
    bool(value: bool) = |v| api::sq_pushbool(v, value.into());
    int(value: i64) = |v| api::sq_pushinteger(v, value);
    real(value: f64) = |v| api::sq_pushfloat(v, value);
    bytes_of(value: &[u8]) = |v| api::sq_pushstring(v, value.as_ptr().cast(), value.len() as i64);
    root() = |v| api::sq_pushroottable(v);
    /// Pops a table and makes it the thread's root table, and that of threads made from it.
    set_root() = |v| { api::sq_setroottable(v); };
    /// Pops a function, or null, that is called with errors nobody catches.
    set_error_handler() = |v| api::sq_seterrorhandler(v);
    /// Pops a function, or null, that is called with lines, calls and returns.
    set_debug_hook() = |v| api::sq_setdebughook(v);
    table(room: i64) = |v| api::sq_newtableex(v, room);
    array(size: i64) = |v| api::sq_newarray(v, size);
    /// Pushes a new class.
    class() = |v| { api::sq_newclass(v, 0); };
    /// Pushes a new instance of the class at the index; its constructor does not run.
    instance(class: i64) = |v| { api::sq_createinstance(v, class); };
    /// Pushes the class of the instance at the index.
    class_of(index: i64) = |v| { api::sq_getclass(v, index); };
    /// Pushes a new thread, which runs over so many slots.
    thread(slots: i64) -> Stack = |v| Stack(api::sq_newthread(v, slots));
    /// Pushes a weak reference to the value.
    weak(index: i64) = |v| api::sq_weakref(v, index);
    /// Pushes what a weak reference refers to, null when it is gone.
    strong(index: i64) = |v| { api::sq_getweakrefval(v, index); };

    /// Replaces the key on top by its value; without it the key is popped.
    get(index: i64) -> bool = |v| api::sq_get(v, index) >= 0;
    /// The same without delegates and metamethods.
    raw_get(index: i64) -> bool = |v| api::sq_rawget(v, index) >= 0;
    /// Pops a key and a value into a table or array, without metamethods.
    raw_set(index: i64) = |v| { api::sq_rawset(v, index); };
    /// Pops a key and a value into a new slot of a table or class.
    new_slot(index: i64) = |v| { api::sq_newslot(v, index, 0); };
    /// From the iterator on top (null first): pushes the next key and value; false at the end.
    next(index: i64) -> bool = |v| api::sq_next(v, index) >= 0;
    /// Pops a table (or null) and makes it the delegate.
    set_delegate(index: i64) = |v| { api::sq_setdelegate(v, index); };
    /// Pushes the delegate, or null.
    delegate(index: i64) = |v| if api::sq_getdelegate(v, index) < 0 { api::sq_pushnull(v) };
    /// Pushes the value's text, as `tostring` gives it. False, with an error, when a metamethod failed.
    text(index: i64) -> bool = |v| api::sq_tostring(v, index) >= 0;

    keep(index: i64) -> Ref = |v| {
        let mut object = api::Object { kind: 0, value: 0 };
        api::sq_getstackobj(v, index, &mut object);
        api::sq_addref(v, &mut object);
        Ref(object)
    };
    forget(kept: Ref) = |v| { let mut object = kept.0; api::sq_release(v, &mut object); };
    kept(kept: Ref) = |v| api::sq_pushobject(v, kept.0);

    /// Whether the running native may answer with `Reply::Suspend`.
    can_suspend() -> bool = |v| api::sq_suspendvm(v) == SUSPEND;
    is_suspended() -> bool = |v| api::sq_getvmstate(v) == 2;
    /// Pushes the thread's last error.
    last_error() = |v| api::sq_getlasterror(v);
    reset_error() = |v| api::sq_reseterror(v);
    /// Pops the value on top and makes it the thread's last error.
    set_error() = |v| { api::sq_throwobject(v); };
}

impl Stack {
    /// # Safety
    /// The thread is alive, and stays so as long as the stack is used, on its own thread.
    #[inline(always)]
    pub(super) unsafe fn new(vm: Vm) -> Stack {
        Stack(vm)
    }

    #[inline(always)]
    pub(super) fn raw(self) -> Vm {
        self.0
    }

    pub(crate) fn raw_at(self, index: i64) -> Raw {
        let mut object = api::Object { kind: 0, value: 0 };
        // SAFETY: see the head of `ffi`.
        unsafe { api::sq_getstackobj(self.0, index, &mut object) };
        Raw(object)
    }

    pub(crate) fn integer(self, index: i64) -> i64 {
        let mut value = 0;
        // SAFETY: see the head of `ffi`.
        unsafe { api::sq_getinteger(self.0, index, &mut value) };
        value
    }

    pub(crate) fn float(self, index: i64) -> f64 {
        let mut value = 0.0;
        // SAFETY: see the head of `ffi`.
        unsafe { api::sq_getfloat(self.0, index, &mut value) };
        value
    }

    pub(crate) fn boolean(self, index: i64) -> bool {
        let mut value = 0;
        // SAFETY: see the head of `ffi`.
        unsafe { api::sq_getbool(self.0, index, &mut value) };
        value != 0
    }

    /// The bytes of a string, in place, while it lies where Squirrel can see it; of another type none.
    pub(crate) fn bytes(&self, index: i64) -> &[u8] {
        let (mut start, mut len): (*const c_char, i64) = (ptr::null(), 0);
        // SAFETY: see the head of `ffi`; the caller keeps the string where Squirrel can see it.
        unsafe {
            if api::sq_getstringandsize(self.0, index, &mut start, &mut len) < 0 {
                return &[];
            }
            std::slice::from_raw_parts(start.cast(), usize::try_from(len).unwrap_or(0))
        }
    }

    /// The string at the index as text, with what is not UTF-8 replaced; empty for another type.
    pub(crate) fn lossy(self, index: i64) -> String {
        String::from_utf8_lossy(self.bytes(index)).into_owned()
    }

    pub(crate) fn str(self, text: &str) {
        self.bytes_of(text.as_bytes());
    }

    /// Pushes the value of a table's string key, without metamethods; null without it.
    pub(crate) fn raw_field(self, table: i64, key: &str) -> Type {
        let table = self.absolute(table);
        self.str(key);
        if !self.raw_get(table) {
            self.reset_error();
            self.null();
        }
        self.kind(-1)
    }

    /// Pops a value into a table's string key.
    pub(crate) fn set_field(self, table: i64, key: &str) {
        let table = self.absolute(table);
        self.str(key);
        self.copy(-2);
        self.raw_set(table);
        self.pop(1);
    }

    pub(crate) fn absolute(self, index: i64) -> i64 {
        if index < 0 { self.top() + 1 + index } else { index }
    }

    /// Pushes a function over so many free variables, which it pops.
    pub(crate) fn function<E: Entry>(self, free: u64, name: &CStr) {
        // SAFETY: see the head of `ffi`; the name is copied.
        unsafe {
            api::sq_newclosure(self.0, trampoline::run::<E>, free);
            api::sq_setnativeclosurename(self.0, -1, name.as_ptr());
        }
    }

    /// Pushes a userdata that owns the value.
    pub(crate) fn userdata<T: Kept>(self, core: &Core, value: T) {
        // SAFETY: see the head of `ffi`.
        unsafe { cell::push(self.0, core, value) };
    }

    /// What the userdata at the index owns, if it is one of these. Valid while Squirrel can see it.
    pub(crate) fn cell<T: Kept>(&self, index: i64) -> Option<&T> {
        // SAFETY: see the head of `ffi`; the caller keeps the userdata where Squirrel can see it.
        unsafe { cell::at(self.0, index) }
    }

    /// What the first free variable of one of our functions owns. Valid while Squirrel can see that.
    pub(crate) fn cell_of_function<T: Kept>(&self, function: i64) -> Option<&T> {
        if self.kind(function) != Type::NativeClosure {
            return None;
        }
        // SAFETY: see the head of `ffi`; the function keeps its free variable.
        unsafe {
            if api::sq_getfreevariable(self.0, function, 0).is_null() {
                api::sq_reseterror(self.0);
                return None;
            }
            let cell = cell::at(self.0, -1);
            api::sq_pop(self.0, 1);
            cell
        }
    }

    /// Marks the class on top as the one whose instances own such values.
    pub(crate) fn tag_class<T: Kept>(self) {
        // SAFETY: see the head of `ffi`.
        unsafe { api::sq_settypetag(self.0, -1, cell::tag::<T>()) };
    }

    /// Has the instance on top own the value.
    pub(crate) fn give_to_instance<T: Kept>(self, core: &Core, value: T) {
        // SAFETY: see the head of `ffi`.
        unsafe { cell::give_to_instance(self.0, core, value) };
    }

    /// What the instance at the index owns. Valid while Squirrel can see it.
    pub(crate) fn held<T: Kept>(&self, index: i64) -> Option<&T> {
        // SAFETY: as in `cell`.
        unsafe { cell::of_instance(self.0, index) }
    }

    /// Calls the function below `this` and the arguments, so many in all. The error is left noted.
    pub(crate) fn call(self, count: i64) -> Progress {
        // SAFETY: see the head of `ffi`; function and arguments are on the stack.
        let code = unsafe { api::sq_call(self.0, count, 1, 1) };
        self.progress(code)
    }

    /// Goes on with a suspended thread, with the value on top as the result of what it waits in.
    pub(crate) fn wake(self) -> Progress {
        // SAFETY: see the head of `ffi`; the thread is suspended.
        let code = unsafe { api::sq_wakeupvm(self.0, 1, 1, 1, 0) };
        self.progress(code)
    }

    /// Goes on with a suspended thread, which raises its last error.
    pub(crate) fn wake_raising(self) -> Progress {
        // SAFETY: as above.
        let code = unsafe { api::sq_wakeupvm(self.0, 0, 1, 1, 1) };
        self.progress(code)
    }

    fn progress(self, code: i64) -> Progress {
        match code {
            code if code < 0 => Progress::Failed,
            _ if self.is_suspended() => Progress::Suspended,
            _ => Progress::Done,
        }
    }

    /// The frames with a place in a script, innermost first, at most so many.
    pub(crate) fn levels(self, most: usize) -> Vec<Level> {
        (0..).map_while(|depth| self.level(depth)).flatten().take(most).collect()
    }

    /// The frame at this depth: `None` beyond the end, `Some(None)` for one outside scripts.
    fn level(self, depth: i64) -> Option<Option<Level>> {
        let mut info = StackInfo { function: ptr::null(), source: ptr::null(), line: -1 };
        // SAFETY: see the head of `ffi`; the texts live as long as the frame's function.
        unsafe {
            if api::sq_stackinfos(self.0, depth, &mut info) < 0 {
                return None;
            }
            let line = u32::try_from(info.line).unwrap_or(0);
            let level = || Level { function: text_at(info.function), file: text_at(info.source), line };
            Some((line > 0).then(level))
        }
    }
}

/// A C string as text; empty when there is none.
///
/// # Safety
/// Null or a C string.
unsafe fn text_at(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: the caller vouches for it.
    unsafe { CStr::from_ptr(start) }.to_string_lossy().into_owned()
}
