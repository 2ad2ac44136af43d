//! Values both ways: `docs/squirrel.md` says how.
//!
//! Plain arguments are borrowed where they lie on the running thread's stack. Everything else is read
//! and made on the main thread's stack, which can grow at any moment; the running thread gets one slot.

mod read;
mod write;

use std::ops::Range;

use calog_plugin_api::{Args, Callee, Code, Error, MAX_STRING_BYTES, Result, Value, View};

use crate::core::Core;
use crate::ffi::{Stack, Type};

pub(crate) use read::{Reader, read};
pub(crate) use write::{push, push_main};

/// Up to so many arguments need no allocation.
const FEW_ARGUMENTS: usize = 8;

/// The value at the index where it lies, if it is plain data: neither a container nor a reference.
fn plain(stack: &Stack, index: i64) -> Option<View<'_>> {
    match stack.kind(index) {
        Type::Integer => Some(View::int(stack.integer(index))),
        Type::Float => Some(View::real(stack.float(index))),
        Type::String => Some(stack.bytes(index)).filter(|it| it.len() <= MAX_STRING_BYTES).map(View::string),
        Type::Bool => Some(View::bool(stack.boolean(index))),
        Type::Null => Some(View::NIL),
        _ => None,
    }
}

/// Runs the body with the values at these indices as arguments.
///
/// # Errors
/// Those of [`read`], naming the argument.
pub(crate) fn with_args<R>(
    core: &Core,
    stack: &Stack,
    indices: Range<i64>,
    callee: Callee<'_>,
    body: impl FnOnce(Args<'_>) -> R,
) -> Result<R> {
    let count = usize::try_from(indices.end - indices.start).unwrap_or(0);
    if count <= FEW_ARGUMENTS {
        let mut owned = [const { Value::Nil }; FEW_ARGUMENTS];
        let mut views = [View::NIL; FEW_ARGUMENTS];
        fill(core, stack, indices.start, callee, &mut owned[..count])?;
        view(stack, indices.start, &owned[..count], &mut views[..count]);
        return Ok(body(Args::new(&views[..count])));
    }
    let mut owned = vec![Value::Nil; count];
    let mut views = vec![View::NIL; count];
    fill(core, stack, indices.start, callee, &mut owned)?;
    view(stack, indices.start, &owned, &mut views);
    Ok(body(Args::new(&views)))
}

/// Reads the arguments that are not plain; the others stay nil.
fn fill(core: &Core, stack: &Stack, first: i64, callee: Callee<'_>, owned: &mut [Value]) -> Result<()> {
    for ((at, place), index) in owned.iter_mut().enumerate().zip(first..) {
        if plain(stack, index).is_none() {
            *place = read(core, *stack, index).map_err(|error| callee.argument(at, &error))?;
        }
    }
    Ok(())
}

fn view<'a>(stack: &'a Stack, first: i64, owned: &'a [Value], views: &mut [View<'a>]) {
    for ((place, value), index) in views.iter_mut().zip(owned).zip(first..) {
        *place = plain(stack, index).unwrap_or_else(|| value.view());
    }
}

/// Room on the main stack for one more level of a value.
fn reserve(main: Stack) -> Result<()> {
    const SLOTS: i64 = 12;
    if main.reserve(SLOTS) { Ok(()) } else { Err(Error::new(Code::Limit, "Squirrel's stack is full")) }
}

fn unsupported(message: String) -> Error {
    Error::new(Code::Unsupported, message)
}
