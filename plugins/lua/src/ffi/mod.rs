//! All that is raw: the one place of this crate with `unsafe`.
//!
//! The rest of the engine speaks to Lua through [`Stack`], one method for each call of the C API it
//! needs. What holds everywhere, and what the SAFETY lines below lean on:
//!
//! - **Whose**: a `lua_State` belongs to one [`Interpreter`], which lives as long as its context and
//!   is closed before anything the trampolines use is freed.
//! - **Which thread**: the context's, always. Only [`Current::interrupt`] may run in a signal
//!   handler, on that same thread.
//! - **Room**: Lua gives every C function 20 free slots. Whoever needs more, or pushes in a loop or
//!   recursion, asks [`Stack::reserve`] first; indices are those of values the caller has put there.
//! - **Long jumps**: Lua raises errors by `longjmp`, which skips destructors. The trampoline
//!   ([`Entry`]) raises and yields only when the Rust function below it has returned. Methods that
//!   may raise by themselves say so; they are called by frames that own nothing. Beyond these only
//!   an allocation that fails could raise: ours fails only where that crosses nothing (`memory`), the
//!   system refuses no small ones, and large strings are made in protected calls ([`Stack::try_bytes`]).
//!
//! Why not `mlua::Lua` for the slow paths: its functions cannot be yielded across, its errors would
//! be seen by scripts as a third sort of error object, and it adds to the memory of an idle context.

mod cell;
mod current;
mod interpreter;
mod memory;
mod polled;
#[cfg(test)]
mod refusing;
mod shrink;
mod stack;
mod trampoline;

pub(crate) use cell::Kept;
pub(crate) use current::{Current, STOPPED, arm};
pub(crate) use interpreter::Interpreter;
pub(crate) use memory::{Memory, REFUSED, limit as limit_memory};
#[cfg(test)]
pub(crate) use refusing::refuse_from;
pub(crate) use shrink::Layout;
pub(crate) use stack::{Level, Loaded, Progress, REGISTRY, Ref, Stack, Type, upvalue};
pub(crate) use trampoline::{Entry, Reply};
