//! How every call out of Lua ends: with a value, an error, or a wait.

use calog_plugin_api::{Args, Callee, Code, Completion, Error, Outcome, Result, Value, View};

use crate::core::Core;
use crate::ffi::{Reply, Stack};
use crate::{convert, errors};

/// Makes a call with the values from index `first` on as arguments, and ends it.
///
/// The outcome is looked at where the callee wrote it: moving it first costs more than the rest of
/// a short call, since a wide load of what was just written in parts stalls.
#[inline(always)]
pub(crate) fn make(
    core: &Core,
    stack: Stack,
    first: i32,
    callee: Callee<'_>,
    call: impl FnOnce(Args<'_>) -> Outcome,
) -> Reply {
    if core.is_closing() {
        return closing(core, stack);
    }
    // Most calls have one or two plain arguments: these are made right here, all others elsewhere.
    let mut few = [View::NIL; 2];
    let count = convert::count_args(&stack, first);
    if count <= few.len() && convert::view_plain(&stack, first, &mut few[..count]) {
        return end(core, stack, call(Args::new(&few[..count])));
    }
    make_any(core, stack, first, callee, call)
}

#[inline(never)]
fn make_any(
    core: &Core,
    stack: Stack,
    first: i32,
    callee: Callee<'_>,
    call: impl FnOnce(Args<'_>) -> Outcome,
) -> Reply {
    let reply = convert::with_args(core, &stack, first, callee, |args| end(core, stack, call(args)));
    reply.unwrap_or_else(|error| errors::raise(core, stack, &error))
}

/// Ends a call with its outcome.
#[inline(always)]
fn end(core: &Core, stack: Stack, mut outcome: Outcome) -> Reply {
    if let Outcome::Ready(Value::Int(int)) = outcome {
        stack.int(int);
        // A number needs no drop, and saying so saves the call of it.
        std::mem::forget(outcome);
        return Reply::Values(1);
    }
    match &mut outcome {
        Outcome::Ready(value) => give(core, stack, value),
        other => finish(core, stack, other),
    }
}

/// Ends a call that failed or takes time; takes its outcome.
#[cold]
fn finish(core: &Core, stack: Stack, outcome: &mut Outcome) -> Reply {
    match std::mem::replace(outcome, Outcome::Ready(Value::Nil)) {
        Outcome::Ready(value) => give(core, stack, &value),
        Outcome::Failed(error) => errors::raise(core, stack, &error),
        Outcome::Pending(completion) => wait(core, stack, completion),
    }
}

/// Ends a call with its result.
pub(crate) fn settle(core: &Core, stack: Stack, result: Result<Value>) -> Reply {
    match result {
        Ok(value) => give(core, stack, &value),
        Err(error) => errors::raise(core, stack, &error),
    }
}

#[inline]
fn give(core: &Core, stack: Stack, value: &Value) -> Reply {
    match convert::push(core, stack, value.view()) {
        Ok(()) => Reply::Values(1),
        Err(error) => errors::raise(core, stack, &error),
    }
}

/// Suspends the task where Lua can; elsewhere waits in place, serving the thread's mailbox.
fn wait(core: &Core, stack: Stack, completion: Completion) -> Reply {
    match completion.try_take() {
        Ok(result) => settle(core, stack, result),
        Err(completion) if stack.is_yieldable() => {
            core.tasks.suspend_on(completion);
            Reply::Wait
        }
        Err(completion) => {
            let result = wait_in_place(core, stack, completion);
            settle(core, stack, result)
        }
    }
}

/// Waits where Lua cannot suspend, serving the thread's mailbox.
///
/// # Errors
/// The completion's own and the host's; `unsupported` in a finaliser, which Lua runs at any moment.
pub(crate) fn wait_in_place(core: &Core, stack: Stack, completion: Completion) -> Result<Value> {
    if stack.is_in_finaliser() {
        return Err(Error::new(Code::Unsupported, "a finaliser (__gc) cannot wait"));
    }
    core.host.wait(completion, core.current.info())
}

/// Goes on after a wait that suspended the task.
pub(crate) fn resumed(core: &Core, stack: Stack) -> Reply {
    settle(core, stack, core.tasks.take_answer())
}

/// The reply of a function whose upvalue is not what it was made with.
#[cold]
pub(crate) fn tampered(stack: Stack) -> Reply {
    stack.str("this function was changed with the debug library and cannot be called");
    Reply::Raise
}

/// The reply to a finaliser that calls out while its context closes.
#[cold]
pub(crate) fn closing(core: &Core, stack: Stack) -> Reply {
    errors::raise(core, stack, &Error::new(Code::Dead, "the context is closing: nothing can be called any more"))
}
