//! What of Lua's own library reaches beyond the interpreter, for contexts that may not do all of it.
//!
//! Each function is wrapped in one that asks the host first, and passes on the path that it is told to
//! use. A context that may do everything keeps Lua's own functions.
//!
//! Invariant: a script has no way to a function that is wrapped. So `debug`, which finds what a wrapper
//! holds, and bytecode, which can be anything, are only for contexts that may load machine code, and by
//! that do whatever they like.

use calog_plugin_api::{Access, Error, Result};

use crate::core::Core;
use crate::errors;
use crate::ffi::{Entry, Reply, Stack, Type, upvalue};

/// Everything that is asked about.
const ACCESSES: [Access; 5] = [Access::Read, Access::Write, Access::LoadNative, Access::Processes, Access::Environment];

/// Functions that `debug` keeps: they tell, and reach nothing.
const HARMLESS: [&str; 1] = ["traceback"];

/// What bytecode begins with.
const BYTECODE: u8 = 0x1b;

/// Wraps what reaches beyond, unless the context may do all of it.
pub(crate) fn install(core: &Core, stack: Stack) {
    // A path that leads nowhere is refused, unless all are allowed.
    let may = |access| matches!(core.host.permit(access, b""), Ok(None));
    if ACCESSES.into_iter().all(may) {
        return;
    }
    let top = stack.top();
    stack.globals();
    let globals = stack.top();
    wrap::<LoadFile>(stack, globals, "loadfile");
    stack.raw_field(globals, "loadfile");
    stack.function::<DoFile>(1);
    stack.set_raw_field(globals, "dofile");
    wrap::<Load>(stack, globals, "load");
    stack.raw_field(globals, "io");
    let io = stack.top();
    wrap::<Open>(stack, io, "open");
    wrap::<Lines>(stack, io, "lines");
    wrap::<Input>(stack, io, "input");
    wrap::<Output>(stack, io, "output");
    wrap::<TemporaryFile>(stack, io, "tmpfile");
    wrap::<Process>(stack, io, "popen");
    stack.raw_field(globals, "os");
    let os = stack.top();
    wrap::<Remove>(stack, os, "remove");
    wrap::<Rename>(stack, os, "rename");
    wrap::<TemporaryFile>(stack, os, "tmpname");
    wrap::<Process>(stack, os, "execute");
    wrap::<Process>(stack, os, "exit");
    wrap::<Environment>(stack, os, "getenv");
    wrap::<Environment>(stack, os, "setlocale");
    install_package(stack, globals);
    wrap_debug(stack, globals);
    stack.set_top(top);
}

/// Puts a function over the one that the table has under this name, as its upvalue.
fn wrap<E: Entry>(stack: Stack, table: i32, name: &str) {
    stack.raw_field(table, name);
    stack.function::<E>(1);
    stack.set_raw_field(table, name);
}

/// `require` looks for Lua's own files as `loadfile` does, and for machine code only where that is allowed.
fn install_package(stack: Stack, globals: i32) {
    stack.raw_field(globals, "package");
    let package = stack.top();
    stack.raw_field(package, "searchpath");
    stack.raw_field(globals, "loadfile");
    stack.copy(package);
    stack.function::<SearchLua>(3);
    let search_lua = stack.top();
    wrap::<Native>(stack, package, "loadlib");
    stack.raw_field(package, "searchers");
    let searchers = stack.top();
    stack.copy(search_lua);
    stack.raw_set_int(searchers, 2);
    for native in [3, 4] {
        stack.raw_get_int(searchers, native);
        stack.function::<SearchNative>(1);
        stack.raw_set_int(searchers, native);
    }
}

fn wrap_debug(stack: Stack, globals: i32) {
    stack.raw_field(globals, "debug");
    let debug = stack.top();
    let mut names = Vec::new();
    stack.nil();
    while stack.next(debug) {
        stack.pop(1);
        names.push(stack.lossy(-1));
    }
    for name in names.iter().filter(|name| !HARMLESS.contains(&name.as_str())) {
        wrap::<Native>(stack, debug, name);
    }
}

/// Calls the wrapped function with what is on the stack.
fn go_on(stack: Stack) -> Reply {
    stack.copy(upvalue(1));
    stack.insert(1);
    stack.call(stack.top() - 1);
    Reply::Values(stack.top())
}

/// Asks about the path at this place, and puts there what is to be used. What is no path is for Lua's own
/// function to complain of.
fn permit_path(core: &Core, stack: Stack, index: i32, accesses: &[Access]) -> Result<()> {
    if !matches!(stack.kind(index), Type::String) {
        return Ok(());
    }
    // C sees a path up to its first NUL.
    let path = stack.bytes(index).split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
    let mut place = None;
    for access in accesses {
        place = core.host.permit(*access, &path)?.or(place);
    }
    if let Some(place) = place {
        stack.bytes_of(&place);
        stack.insert(index);
        stack.remove(index + 1);
    }
    Ok(())
}

/// Goes on where that is permitted. Nothing is owned any more when Lua's function raises.
fn guarded(core: &Core, stack: Stack, permitted: Result<()>) -> Reply {
    match permitted {
        Ok(()) => go_on(stack),
        Err(error) => refuse(core, stack, error),
    }
}

fn refuse(core: &Core, stack: Stack, error: Error) -> Reply {
    errors::raise(core, stack, &error)
}

/// Functions that take a path, or need a permission of another sort.
macro_rules! guards {
    ($($(#[$doc:meta])* $name:ident: |$core:ident, $stack:ident| $permitted:expr;)*) => {
        $($(#[$doc])*
        struct $name;

        impl Entry for $name {
            const OWNS_NOTHING: bool = true;

            fn run($core: &Core, $stack: Stack) -> Reply {
                // Apart, so that nothing of it is left when Lua's function raises.
                let permitted = $permitted;
                guarded($core, $stack, permitted)
            }
        })*
    };
}

guards! {
    /// `io.open`: the mode says what for.
    Open: |core, stack| permit_path(core, stack, 1, of_mode(&stack.lossy(2)));
    /// `io.lines`.
    Lines: |core, stack| permit_path(core, stack, 1, &[Access::Read]);
    /// `io.input`.
    Input: |core, stack| permit_path(core, stack, 1, &[Access::Read]);
    /// `io.output`.
    Output: |core, stack| permit_path(core, stack, 1, &[Access::Write]);
    /// `os.remove`.
    Remove: |core, stack| permit_path(core, stack, 1, &[Access::Write]);
    /// `os.rename`.
    Rename: |core, stack| permit_path(core, stack, 1, &[Access::Write])
        .and_then(|()| permit_path(core, stack, 2, &[Access::Write]));
    /// `os.tmpname` and `io.tmpfile`, which choose a place of their own.
    TemporaryFile: |core, _stack| core.host.permit(Access::Write, b"/tmp/lua_").map(drop);
    /// `loadfile`: only text, unless machine code is allowed as well.
    LoadFile: |core, stack| permit_path(core, stack, 1, &[Access::Read]).map(|()| only_text(core, stack, 2));
    /// `load`: likewise.
    Load: |core, stack| check_text(core, stack).map(|()| only_text(core, stack, 3));
    /// `io.popen`, `os.execute`, `os.exit`.
    Process: |core, _stack| core.host.permit(Access::Processes, b"").map(drop);
    /// `os.getenv`, `os.setlocale`.
    Environment: |core, _stack| core.host.permit(Access::Environment, b"").map(drop);
    /// `package.loadlib`, and most of `debug`.
    Native: |core, _stack| may_load_native(core);
}

fn may_load_native(core: &Core) -> Result<()> {
    core.host.permit(Access::LoadNative, b"").map(drop)
}

/// What a file is opened for.
fn of_mode(mode: &str) -> &'static [Access] {
    match (mode.contains('+'), mode.starts_with(['w', 'a'])) {
        (true, _) => &[Access::Read, Access::Write],
        (false, true) => &[Access::Write],
        (false, false) => &[Access::Read],
    }
}

/// Has bytecode refused, by the mode at this place.
fn only_text(core: &Core, stack: Stack, mode: i32) {
    if may_load_native(core).is_ok() {
        return;
    }
    if stack.top() < mode {
        stack.set_top(mode);
    }
    stack.str("t");
    stack.insert(mode);
    stack.remove(mode + 1);
}

/// Bytecode that is given as such is refused with the reason; other bytecode is, by its mode.
fn check_text(core: &Core, stack: Stack) -> Result<()> {
    let is_bytecode = stack.kind(1) == Type::String && stack.bytes(1).first() == Some(&BYTECODE);
    if is_bytecode { may_load_native(core) } else { Ok(()) }
}

/// `dofile` over the wrapped `loadfile`, its upvalue. What raises here owns nothing.
struct DoFile;

impl Entry for DoFile {
    const OWNS_NOTHING: bool = true;

    fn run(_core: &Core, stack: Stack) -> Reply {
        let given = stack.top().min(1);
        stack.set_top(given);
        stack.copy(upvalue(1));
        stack.insert(1);
        stack.call(given);
        if stack.kind(1) != Type::Function {
            // Behind the nil lies the message.
            stack.set_top(2);
            return Reply::Raise;
        }
        stack.set_top(1);
        stack.call(0);
        Reply::Values(stack.top())
    }
}

/// Looks for a Lua file, by `package.searchpath`, `loadfile` and `package`, its upvalues. What raises here
/// owns nothing.
struct SearchLua;

impl Entry for SearchLua {
    const OWNS_NOTHING: bool = true;

    fn run(_core: &Core, stack: Stack) -> Reply {
        stack.set_top(1);
        stack.copy(upvalue(1));
        stack.copy(1);
        stack.raw_field(upvalue(3), "path");
        stack.call(2);
        if stack.kind(2) != Type::String {
            // Behind the nil lies what was tried.
            stack.set_top(3);
            return Reply::Values(1);
        }
        stack.set_top(2);
        stack.copy(upvalue(2));
        stack.copy(2);
        stack.call(1);
        if stack.kind(3) == Type::Function {
            stack.set_top(3);
            stack.copy(2);
            return Reply::Values(2);
        }
        for (at, part) in ["error loading module '", "' from file '", "':\n\t"].into_iter().enumerate() {
            stack.str(part);
            stack.copy([1, 2, 4][at]);
        }
        stack.concat(6);
        Reply::Raise
    }
}

/// A searcher for machine code, over Lua's own.
struct SearchNative;

impl Entry for SearchNative {
    const OWNS_NOTHING: bool = true;

    fn run(core: &Core, stack: Stack) -> Reply {
        let permitted = may_load_native(core);
        if let Err(error) = permitted {
            // It is not the only place to look.
            stack.str(&error.message());
            return Reply::Values(1);
        }
        go_on(stack)
    }
}
