//! A Lua stack as the engine uses it: one method for each C function, named as that is.
//!
//! SAFETY, for all blocks in this file: see the module above. The state is alive and this is its
//! thread, which only `unsafe` functions of this folder can get wrong; indices are valid and of the
//! type a method asks for, which debug builds check where it matters; there is room for what is pushed.

use std::ffi::{CStr, CString};
use std::os::raw::{c_char, c_int};
use std::ptr;

use mlua::ffi::{self, lua_State};

use super::cell::{self, Kept};
use super::trampoline::{self, Entry};

unsafe extern "C" {
    /// Of Lua's `ltable.h`; the library is linked in from the source this crate is locked to.
    fn luaH_realasize(table: *const std::os::raw::c_void) -> std::os::raw::c_uint;
}

/// From so many bytes on the system may well have no memory for a string.
const LARGE_BYTES: usize = 1 << 20;

/// Pushes the bytes that its argument points to.
///
/// # Safety
/// Lua calls it, from [`Stack::try_bytes`].
unsafe extern "C-unwind" fn push_large(state: *mut lua_State) -> c_int {
    // SAFETY: the argument is a borrow that lives as long as the call; this frame owns nothing.
    unsafe {
        let value = *ffi::lua_touserdata(state, 1).cast::<&[u8]>();
        ffi::lua_pushlstring(state, value.as_ptr().cast(), value.len());
    }
    1
}

/// The pseudo-index of the registry.
pub(crate) const REGISTRY: i32 = ffi::LUA_REGISTRYINDEX;

/// The pseudo-index of a running C function's upvalue, counted from 1.
pub(crate) const fn upvalue(number: i32) -> i32 {
    ffi::LUA_REGISTRYINDEX - number
}

/// The type of a Lua value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Type {
    None,
    Nil,
    Boolean,
    Light,
    Number,
    String,
    Table,
    Function,
    Userdata,
    Thread,
}

impl Type {
    #[inline(always)]
    fn of(number: c_int) -> Type {
        match number {
            ffi::LUA_TNIL => Type::Nil,
            ffi::LUA_TBOOLEAN => Type::Boolean,
            ffi::LUA_TLIGHTUSERDATA => Type::Light,
            ffi::LUA_TNUMBER => Type::Number,
            ffi::LUA_TSTRING => Type::String,
            ffi::LUA_TTABLE => Type::Table,
            ffi::LUA_TFUNCTION => Type::Function,
            ffi::LUA_TUSERDATA => Type::Userdata,
            ffi::LUA_TTHREAD => Type::Thread,
            _ => Type::None,
        }
    }

    /// As Lua's own messages call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Type::None => "no value",
            Type::Nil => "nil",
            Type::Boolean => "boolean",
            Type::Light | Type::Userdata => "userdata",
            Type::Number => "number",
            Type::String => "string",
            Type::Table => "table",
            Type::Function => "function",
            Type::Thread => "thread",
        }
    }
}

/// A value kept in the registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ref(c_int);

/// What compiling came to. Either way the function or the message is on the stack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loaded {
    Function,
    Message,
}

/// What resuming a thread came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    /// It ended; so many results are on its stack.
    Done(i32),
    /// It yielded; so many values are on its stack.
    Yielded(i32),
    /// It failed; the error is on its stack, and its frames are still there to be looked at.
    Failed,
}

/// One frame of a thread that has a place in a script.
#[derive(Clone, Default, Debug)]
pub(crate) struct Level {
    /// How the caller named the function; empty where it did not.
    pub(crate) function: String,
    /// Whether it is a chunk's own code.
    pub(crate) is_main: bool,
    /// The chunk's name.
    pub(crate) file: String,
    /// The chunk's name as Lua shortens it in messages.
    pub(crate) short: String,
    pub(crate) line: u32,
    /// Where the function begins.
    pub(crate) defined: u32,
}

/// One Lua stack: of the main thread, a task, or a coroutine of a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub(crate) struct Stack(*mut lua_State);

/// Calls of the C API that neither look at types nor raise.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)? = |$l:ident| $body:expr;)*) => {
        impl Stack {
            $($(#[$doc])*
            #[inline(always)]
            pub(crate) fn $name(self, $($arg: $type),*) $(-> $result)? {
                let $l = self.0;
                // SAFETY: see the head of this file.
                unsafe { $body }
            })*
        }
    };
}

plain! {
    /// The index of the topmost value, which is their number.
    top() -> i32 = |l| ffi::lua_gettop(l);
    /// Drops what is above the index, or fills up with nil.
    set_top(index: i32) = |l| ffi::lua_settop(l, index);
    pop(count: i32) = |l| ffi::lua_settop(l, -count - 1);
    absolute(index: i32) -> i32 = |l| ffi::lua_absindex(l, index);
    copy(index: i32) = |l| ffi::lua_pushvalue(l, index);
    remove(index: i32) = |l| { ffi::lua_rotate(l, index, -1); ffi::lua_settop(l, -2) };
    insert(index: i32) = |l| ffi::lua_rotate(l, index, 1);
    /// Makes room for so many more values. Whether there is.
    reserve(count: i32) -> bool = |l| ffi::lua_checkstack(l, count) != 0;

    kind(index: i32) -> Type = |l| Type::of(ffi::lua_type(l, index));
    is_integer(index: i32) -> bool = |l| ffi::lua_isinteger(l, index) != 0;
    integer(index: i32) -> i64 = |l| ffi::lua_tointegerx(l, index, ptr::null_mut());
    real(index: i32) -> f64 = |l| ffi::lua_tonumberx(l, index, ptr::null_mut());
    boolean(index: i32) -> bool = |l| ffi::lua_toboolean(l, index) != 0;
    /// What makes a table, function, string or userdata itself.
    address(index: i32) -> usize = |l| ffi::lua_topointer(l, index) as usize;
    is_c_function(index: i32) -> bool = |l| ffi::lua_iscfunction(l, index) != 0;
    same(one: i32, other: i32) -> bool = |l| ffi::lua_rawequal(l, one, other) != 0;
    raw_len(index: i32) -> usize = |l| ffi::lua_rawlen(l, index);

    /// How many places the table's array part has: the keys from 1 on that a walk meets first, in order.
    array_size(table: i32) -> i64 = |l| luaH_realasize(ffi::lua_topointer(l, table)).into();

    nil() = |l| ffi::lua_pushnil(l);
    bool(value: bool) = |l| ffi::lua_pushboolean(l, value.into());
    int(value: i64) = |l| ffi::lua_pushinteger(l, value);
    number(value: f64) = |l| ffi::lua_pushnumber(l, value);
    bytes_of(value: &[u8]) = |l| { ffi::lua_pushlstring(l, value.as_ptr().cast(), value.len()); };
    /// Pushes a light userdata: an address that is never followed.
    light(address: usize) = |l| ffi::lua_pushlightuserdata(l, address as *mut _);
    globals() = |l| { ffi::lua_rawgeti(l, REGISTRY, ffi::LUA_RIDX_GLOBALS); };
    /// A new table with room for so many elements and pairs.
    table(list: i32, pairs: i32) = |l| ffi::lua_createtable(l, list, pairs);
    /// Pushes this thread itself. Whether it is the main thread.
    thread() -> bool = |l| ffi::lua_pushthread(l) != 0;

    /// Replaces the key on top by the table's value for it, without metamethods; so all `raw_`.
    raw_get(table: i32) -> Type = |l| Type::of(ffi::lua_rawget(l, table));
    raw_set(table: i32) = |l| ffi::lua_rawset(l, table);
    raw_get_int(table: i32, key: i64) -> Type = |l| Type::of(ffi::lua_rawgeti(l, table, key));
    raw_set_int(table: i32, key: i64) = |l| ffi::lua_rawseti(l, table, key);
    /// Replaces the key on top by the table's next key and value; pops it and says false at the end.
    next(table: i32) -> bool = |l| ffi::lua_next(l, table) != 0;
    set_metatable(index: i32) = |l| { ffi::lua_setmetatable(l, index); };
    /// Pushes the metatable, if there is one.
    metatable(index: i32) -> bool = |l| ffi::lua_getmetatable(l, index) != 0;
    user_value(index: i32) -> Type = |l| Type::of(ffi::lua_getiuservalue(l, index, 1));
    set_user_value(index: i32) = |l| { ffi::lua_setiuservalue(l, index, 1); };

    /// Keeps the value on top in the registry and pops it.
    keep() -> Ref = |l| Ref(ffi::luaL_ref(l, REGISTRY));
    forget(kept: Ref) = |l| ffi::luaL_unref(l, REGISTRY, kept.0);
    kept(kept: Ref) = |l| { ffi::lua_rawgeti(l, REGISTRY, kept.0.into()); };

    /// Joins the topmost values, which are strings.
    concat(count: i32) = |l| ffi::lua_concat(l, count);
    /// Pushes where the running code is, as Lua's messages begin: "file:line: ".
    place(level: i32) = |l| ffi::luaL_where(l, level);
    is_yieldable() -> bool = |l| ffi::lua_isyieldable(l) != 0;
    /// Whether the thread waits in a yield.
    is_suspended() -> bool = |l| ffi::lua_status(l) == ffi::LUA_YIELD;
    /// Whether the thread ended with an error.
    is_dead() -> bool = |l| !matches!(ffi::lua_status(l), ffi::LUA_OK | ffi::LUA_YIELD);
    /// Moves the topmost values to another thread of the same interpreter.
    move_to(to: Stack, count: i32) = |l| ffi::lua_xmove(l, to.0, count);
    /// Pushes a new thread.
    new_thread() -> Stack = |l| Stack(ffi::lua_newthread(l));
    /// Ends a thread and closes its pending variables. Whether it had no error; else that is left on it.
    close_thread(from: Stack) -> bool = |l| ffi::lua_closethread(l, from.0) == ffi::LUA_OK;

    /// Pushes the text of any value, as `tostring` does. May raise.
    text(index: i32) = |l| { ffi::luaL_tolstring(l, index, ptr::null_mut()); };
    /// Calls the function below the arguments; all its results are left. May raise.
    call(args: i32) = |l| ffi::lua_call(l, args, ffi::LUA_MULTRET);
    /// Calls the function below the arguments, protected. Whether it succeeded; else the error is left.
    protected_call(args: i32, results: i32) -> bool = |l| ffi::lua_pcall(l, args, results, 0) == ffi::LUA_OK;
}

impl Stack {
    /// # Safety
    /// The state is alive, and stays so as long as the stack is used, on its own thread.
    #[inline(always)]
    pub(super) unsafe fn new(state: *mut lua_State) -> Stack {
        Stack(state)
    }

    #[inline(always)]
    pub(super) fn raw(self) -> *mut lua_State {
        self.0
    }

    /// A number that no other thread of the interpreter has.
    #[inline(always)]
    pub(crate) fn id(self) -> usize {
        self.0.addr()
    }

    /// The bytes of a string, in place: valid while it lies on the stack or in a table.
    #[inline(always)]
    pub(crate) fn bytes(&self, index: i32) -> &[u8] {
        debug_assert_eq!(self.kind(index), Type::String, "a number would be changed in place");
        let mut len = 0;
        // SAFETY: see the head of this file; the caller keeps the string where Lua can see it.
        unsafe {
            let start = ffi::lua_tolstring(self.0, index, &mut len);
            std::slice::from_raw_parts(start.cast(), len)
        }
    }

    /// The string at the index as text, with what is not UTF-8 replaced; empty for another type.
    pub(crate) fn lossy(&self, index: i32) -> String {
        match self.kind(index) {
            Type::String => String::from_utf8_lossy(self.bytes(index)).into_owned(),
            _ => String::new(),
        }
    }

    /// Pushes a string from elsewhere. Whether there was memory for it: a large one is made in a protected
    /// call, as Lua leaves by a jump where there is none.
    #[inline]
    pub(crate) fn try_bytes(self, value: &[u8]) -> bool {
        if value.len() < LARGE_BYTES {
            self.bytes_of(value);
            return true;
        }
        // SAFETY: see the head of this file; the bytes are borrowed for the call.
        unsafe {
            if ffi::lua_checkstack(self.0, 2) == 0 {
                return false;
            }
            ffi::lua_pushcclosure(self.0, push_large, 0);
            ffi::lua_pushlightuserdata(self.0, ptr::from_ref(&value).cast_mut().cast());
            let made = ffi::lua_pcall(self.0, 1, 1, 0) == ffi::LUA_OK;
            if !made {
                ffi::lua_settop(self.0, -2);
            }
            made
        }
    }

    pub(crate) fn str(self, text: &str) {
        self.bytes_of(text.as_bytes());
    }

    /// Pushes the value of a table's string key.
    pub(crate) fn raw_field(self, table: i32, key: &str) -> Type {
        let table = self.absolute(table);
        self.str(key);
        self.raw_get(table)
    }

    /// Pops a value into a table's string key.
    pub(crate) fn set_raw_field(self, table: i32, key: &str) {
        let table = self.absolute(table);
        self.str(key);
        self.insert(-2);
        self.raw_set(table);
    }

    /// Pushes a function over so many upvalues, which it pops.
    pub(crate) fn function<E: Entry>(self, upvalues: i32) {
        // SAFETY: see the head of this file.
        unsafe { ffi::lua_pushcclosure(self.0, trampoline::run::<E>, upvalues) };
    }

    /// Pushes a userdata that owns the value, under the metatable kept there, which
    /// [`finaliser`](Stack::finaliser) has prepared.
    pub(crate) fn userdata<T: Kept>(self, value: T, metatable: Ref, user_values: i32) {
        // SAFETY: see the head of this file.
        unsafe { cell::push(self.0, value, user_values) };
        self.kept(metatable);
        self.set_metatable(-2);
    }

    /// Pushes the function by which a metatable's userdata drop what they own.
    pub(crate) fn finaliser<T: Kept>(self) {
        // SAFETY: see the head of this file.
        unsafe { ffi::lua_pushcclosure(self.0, cell::finalise::<T>, 0) };
    }

    /// What the userdata at the index owns, if it is one of these. Valid while Lua can see it.
    #[inline(always)]
    pub(crate) fn cell<T: Kept>(&self, index: i32) -> Option<&T> {
        // SAFETY: see the head of this file; the caller keeps the userdata where Lua can see it.
        unsafe { cell::at(self.0, index) }
    }

    /// What the first upvalue of one of our C functions owns. Valid while Lua can see the function.
    pub(crate) fn cell_of_function<T: Kept>(&self, function: i32) -> Option<&T> {
        if !self.is_c_function(function) {
            return None;
        }
        // SAFETY: see the head of this file; the function keeps its upvalue.
        unsafe {
            if ffi::lua_getupvalue(self.0, function, 1).is_null() {
                return None;
            }
            let cell = cell::at(self.0, -1);
            ffi::lua_settop(self.0, -2);
            cell
        }
    }

    /// The thread at the index, if it is one.
    pub(crate) fn thread_at(self, index: i32) -> Option<Stack> {
        // SAFETY: see the head of this file.
        let thread = unsafe { ffi::lua_tothread(self.0, index) };
        (!thread.is_null()).then_some(Stack(thread))
    }

    /// Compiles text and pushes the function or the message.
    pub(crate) fn compile(self, code: &[u8], chunk_name: &str) -> Loaded {
        // A name is cut at a NUL; nothing but messages depends on it.
        let name = CString::new(chunk_name.replace('\0', "")).unwrap_or_default();
        // SAFETY: see the head of this file; code and name are borrowed for the call.
        let status =
            unsafe { ffi::luaL_loadbufferx(self.0, code.as_ptr().cast(), code.len(), name.as_ptr(), c"t".as_ptr()) };
        if status == ffi::LUA_OK { Loaded::Function } else { Loaded::Message }
    }

    /// Runs the thread until it ends, fails or yields. `from` is the one that runs now.
    pub(crate) fn resume(self, from: Option<Stack>, args: i32) -> Progress {
        let from = from.map_or(ptr::null_mut(), Stack::raw);
        let mut count = 0;
        // SAFETY: see the head of this file; the function and its arguments are on the stack.
        match unsafe { ffi::lua_resume(self.0, from, args, &mut count) } {
            ffi::LUA_OK => Progress::Done(count),
            ffi::LUA_YIELD => Progress::Yielded(count),
            _ => Progress::Failed,
        }
    }

    /// Whether the thread is running a function, or stopped inside one.
    pub(crate) fn has_frames(self) -> bool {
        // SAFETY: see the head of this file; `lua_getstack` fills what it is given.
        unsafe { ffi::lua_getstack(self.0, 0, &mut std::mem::zeroed()) != 0 }
    }

    /// Bytes the whole interpreter has allocated.
    pub(crate) fn memory_used(self) -> u64 {
        // SAFETY: see the head of this file.
        let (kilobytes, rest) =
            unsafe { (ffi::lua_gc(self.0, ffi::LUA_GCCOUNT), ffi::lua_gc(self.0, ffi::LUA_GCCOUNTB)) };
        kilobytes as u64 * 1024 + rest as u64
    }

    /// The frames with a place in a script, innermost first, at most so many.
    pub(crate) fn levels(self, most: usize) -> Vec<Level> {
        (0..).map_while(|depth| self.level(depth)).flatten().take(most).collect()
    }

    /// The frame at this depth: `None` beyond the end, `Some(None)` for one outside scripts.
    fn level(self, depth: c_int) -> Option<Option<Level>> {
        // SAFETY: see the head of this file; zeroes are a valid `lua_Debug`, whose texts Lua sets to
        // strings that live as long as the function.
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, depth, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"Sln".as_ptr(), &mut debug);
            Some((debug.currentline > 0).then(|| Level {
                function: text_at(debug.name),
                is_main: text_at(debug.what) == "main",
                file: text_at(debug.source).trim_start_matches(['@', '=']).to_owned(),
                short: text_at(debug.short_src.as_ptr()),
                line: debug.currentline as u32,
                defined: debug.linedefined.max(0) as u32,
            }))
        }
    }

    /// Whether a finaliser is running: Lua collects garbage then, and nothing may wait.
    pub(crate) fn is_in_finaliser(self) -> bool {
        (0..).map_while(|depth| self.metamethod(depth)).any(|name| name == "__gc")
    }

    /// As what metamethod the frame at this depth runs; empty where it is none.
    fn metamethod(self, depth: c_int) -> Option<String> {
        // SAFETY: as in `level`.
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(self.0, depth, &mut debug) == 0 {
                return None;
            }
            ffi::lua_getinfo(self.0, c"n".as_ptr(), &mut debug);
            let is_metamethod = text_at(debug.namewhat) == "metamethod";
            Some(if is_metamethod { text_at(debug.name) } else { String::new() })
        }
    }

    /// The names of the parameters of the Lua function on top, and whether it takes more. Pops it.
    pub(crate) fn parameters(self) -> (Vec<String>, bool) {
        // SAFETY: see the head of this file; as in `level`. Names of parameters belong to the function.
        unsafe {
            let mut debug: ffi::lua_Debug = std::mem::zeroed();
            ffi::lua_pushvalue(self.0, -1);
            ffi::lua_getinfo(self.0, c">u".as_ptr(), &mut debug);
            let name = |number| text_at(ffi::lua_getlocal(self.0, ptr::null(), number));
            let mut names = Vec::new();
            for number in 1..=c_int::from(debug.nparams) {
                // `lua_getlocal` without a frame looks at the function on top, and pops nothing.
                names.push(name(number));
            }
            ffi::lua_settop(self.0, -2);
            (names, debug.isvararg != 0)
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
