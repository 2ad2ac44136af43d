//! What differs from Squirrel's own library: printing goes through the host, and threads know of waits.
//!
//! A task is itself a thread, which scripts must not notice: at its own level `suspend` is an error,
//! a wait inside a thread of the script's is made in place, and what Squirrel sets for one thread holds
//! for all tasks to come.

use std::ffi::CStr;

use crate::core::Core;
use crate::errors::{self, raise_message};
use crate::ffi::{Entry, Reply, Stack, Type};

/// Slots of a thread that a script makes.
const THREAD_SLOTS: i64 = 256;

/// Puts our functions in the place of Squirrel's.
pub(crate) fn install(main: Stack) {
    main.root();
    put::<Print>(main, c"print");
    put::<Print>(main, c"error");
    put::<Suspend>(main, c"suspend");
    put::<NewThread>(main, c"newthread");
    put::<SetRoot>(main, c"setroottable");
    put::<SetErrorHandler>(main, c"seterrorhandler");
    put::<SetDebugHook>(main, c"setdebughook");
    main.pop(1);
}

/// With the root table on top.
fn put<E: Entry>(main: Stack, name: &CStr) {
    main.function::<E>(0, name);
    main.set_field(-2, name.to_str().unwrap_or_default());
}

/// `print` and `error`: the value's text as it is, with no line end.
struct Print;

impl Entry for Print {
    fn run(core: &Core, stack: Stack) -> Reply {
        if stack.top() != 2 {
            return raise_message(stack, "wrong number of parameters");
        }
        if !stack.text(2) {
            // The metamethod's error.
            stack.last_error();
            return Reply::Raise;
        }
        match core.host.try_print(stack.bytes(-1)) {
            Ok(()) => Reply::Nothing,
            Err(error) => errors::raise(core, stack, &error),
        }
    }
}

/// `suspend`: gives way from inside a thread that the script made.
struct Suspend;

impl Entry for Suspend {
    fn run(core: &Core, stack: Stack) -> Reply {
        if core.current.is_task(stack) {
            return raise_message(stack, "cannot suspend outside of a thread made with newthread");
        }
        if stack.can_suspend() {
            return Reply::Suspend;
        }
        // Squirrel's own reason.
        stack.last_error();
        Reply::Raise
    }
}

/// `newthread`: a thread that runs a function of Squirrel's.
struct NewThread;

impl Entry for NewThread {
    fn run(_core: &Core, stack: Stack) -> Reply {
        if stack.top() != 2 || stack.kind(2) != Type::Closure {
            return raise_message(stack, "newthread wants a function written in Squirrel");
        }
        let thread = stack.thread(THREAD_SLOTS);
        thread.copy_from(stack, 2);
        Reply::Value
    }
}

/// Sets what is at 2 with this function, for the running thread and for those to come.
fn set(core: &Core, stack: Stack, set: fn(Stack)) {
    for thread in [stack, core.main] {
        thread.copy_from(stack, 2);
        set(thread);
    }
    core.tasks.renew(core);
}

/// `setroottable`: gives the one before.
struct SetRoot;

impl Entry for SetRoot {
    fn run(core: &Core, stack: Stack) -> Reply {
        if stack.top() != 2 || stack.kind(2) != Type::Table {
            return raise_message(stack, "setroottable wants a table");
        }
        stack.root();
        set(core, stack, Stack::set_root);
        Reply::Value
    }
}

/// `seterrorhandler`.
struct SetErrorHandler;

impl Entry for SetErrorHandler {
    fn run(core: &Core, stack: Stack) -> Reply {
        if !is_function_or_null(stack) {
            return raise_message(stack, "seterrorhandler wants a function or null");
        }
        set(core, stack, Stack::set_error_handler);
        Reply::Nothing
    }
}

/// `setdebughook`.
struct SetDebugHook;

impl Entry for SetDebugHook {
    fn run(core: &Core, stack: Stack) -> Reply {
        if !is_function_or_null(stack) {
            return raise_message(stack, "setdebughook wants a function or null");
        }
        set(core, stack, Stack::set_debug_hook);
        Reply::Nothing
    }
}

fn is_function_or_null(stack: Stack) -> bool {
    stack.top() == 2 && (stack.kind(2).is_function() || stack.kind(2) == Type::Null)
}
