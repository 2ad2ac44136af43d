//! All that is raw: the one place of this crate with `unsafe`.
//!
//! The rest of the engine speaks to Squirrel through [`Stack`], one method for each call of the C API it
//! needs. What holds everywhere, and what the SAFETY lines below lean on:
//!
//! - **Whose**: a thread (`HSQUIRRELVM`) belongs to one [`Interpreter`], which lives as long as its
//!   context and is closed before anything the natives use is freed.
//! - **Which thread**: the context's, always. Only [`Shared::want_poll`] may run in a signal handler, on
//!   that same thread.
//! - **Room**: each frame has some 15 free slots. Whoever needs more, or pushes in a recursion, asks
//!   [`Stack::reserve`] first, or works on the main thread's stack, which can always grow; indices are
//!   those of values the caller has put there.
//! - **Unwinding**: errors are return codes. Only where memory or the C stack ends inside a native of
//!   Squirrel's, or a long one is stopped, is the stack unwound, through Squirrel's frames, up to
//!   [`until_unwound`] in the entry; the thread is then discarded.

mod api;
mod cell;
mod current;
mod hooks;
mod interpreter;
mod shared;
mod source;
mod stack;
mod trampoline;

pub(crate) use cell::Kept;
pub(crate) use current::Current;
pub(crate) use hooks::{Unwound, until_unwound};
pub(crate) use interpreter::Interpreter;
pub(crate) use shared::Shared;
pub(crate) use source::Misspelt;
pub(crate) use stack::{Level, Progress, Raw, Ref, Stack, Type};
pub(crate) use trampoline::{Entry, Reply};
