//! How every call out of Squirrel ends: with a value, an error, or a wait.

use calog_plugin_api::{Args, Callee, Code, Completion, Error, Outcome, Result, Value};

use crate::core::Core;
use crate::ffi::{Reply, Stack};
use crate::{convert, errors};

/// Where the arguments of a native begin: before them is `this`.
const FIRST_ARGUMENT: i64 = 2;

/// Makes a call with the native's arguments, which so many free variables follow, and ends it.
pub(crate) fn make(
    core: &Core,
    stack: Stack,
    free: i64,
    callee: Callee<'_>,
    call: impl FnOnce(Args<'_>) -> Outcome,
) -> Reply {
    if core.is_closing() {
        return errors::raise_message(stack, "the context is closing: nothing can be called any more");
    }
    let end = stack.top() + 1 - free;
    let reply = convert::with_args(core, &stack, FIRST_ARGUMENT..end, callee, |args| {
        let outcome = core.current.inside(stack, || call(args));
        finish(core, stack, outcome)
    });
    reply.unwrap_or_else(|error| errors::raise(core, stack, &error))
}

/// Ends a call with its outcome.
pub(crate) fn finish(core: &Core, stack: Stack, outcome: Outcome) -> Reply {
    match outcome {
        Outcome::Ready(Value::Int(int)) => {
            stack.int(int);
            Reply::Value
        }
        Outcome::Ready(value) => settle(core, stack, Ok(value)),
        Outcome::Failed(error) => errors::raise(core, stack, &error),
        Outcome::Pending(completion) => wait(core, stack, completion),
    }
}

/// Ends a call with its result.
pub(crate) fn settle(core: &Core, stack: Stack, result: Result<Value>) -> Reply {
    match result.and_then(|value| convert::push(core, stack, value.view())) {
        Ok(()) => Reply::Value,
        Err(error) => errors::raise(core, stack, &error),
    }
}

/// Whether a wait in the running native would suspend its task.
pub(crate) fn can_suspend(core: &Core, stack: Stack) -> bool {
    core.current.is_task(stack) && stack.can_suspend()
}

/// Suspends the task where Squirrel can; elsewhere waits in place, serving the thread's mailbox.
fn wait(core: &Core, stack: Stack, completion: Completion) -> Reply {
    match completion.try_take() {
        Ok(result) => settle(core, stack, result),
        Err(completion) if can_suspend(core, stack) => {
            core.tasks.suspend_on(completion);
            Reply::Suspend
        }
        Err(completion) => {
            let result = core.current.inside(stack, || core.host.wait(completion, core.current.info()));
            settle(core, stack, result)
        }
    }
}

/// The reply of a function that is not what it was made as.
#[cold]
pub(crate) fn tampered(core: &Core, stack: Stack, wanted: &str) -> Reply {
    errors::raise(core, stack, &Error::new(Code::Type, format!("wanted {wanted}")))
}
