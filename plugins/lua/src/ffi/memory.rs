//! A bound of what an interpreter allocates, for contexts that have one; the others keep Lua's allocator.
//!
//! What is small is not refused where it is allocated: Lua would leave by a jump, perhaps through frames of
//! ours. Code that is over its limit finds so at its next instruction, and again as long as it is. What is
//! large is refused where only frames of Lua's own lie between it and whoever catches the jump: so no single
//! operation goes far beyond the limit.

use std::cell::Cell;
use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_Alloc, lua_State};

use super::current::arm;
use super::stack::Stack;
use crate::core::Core;

unsafe extern "C" {
    /// Of Lua's `lgc.h`; the library is linked in from the source this crate is locked to. As an emergency
    /// it runs no code of scripts, and may come wherever something is allocated.
    fn luaC_fullgc(state: *mut lua_State, is_emergency: c_int);
}

/// What one interpreter has allocated, and may.
#[derive(Default)]
pub(crate) struct Memory {
    used: Cell<u64>,
    limit: Cell<Option<u64>>,
    /// Lua's own, once ours is in its place.
    own: Cell<Option<(lua_Alloc, *mut c_void)>>,
    /// A jump would cross nothing that owns anything.
    may_jump: Cell<bool>,
    /// Something was refused, and nobody has been told why.
    refused: Cell<bool>,
}

/// What Lua says when an allocation was refused, perhaps behind a place.
pub(crate) const REFUSED: &[u8] = b"not enough memory";

/// From so many bytes on, an allocation is refused. Below it, what one operation allocates is soon looked
/// at, by the next instruction.
const LARGE: usize = 64 * 1024;

impl Memory {
    /// Whether more is used than may be.
    pub(crate) fn is_over(&self) -> bool {
        self.limit.get().is_some_and(|limit| self.used.get() > limit)
    }

    /// Whether there is a limit.
    #[inline(always)]
    pub(crate) fn is_limited(&self) -> bool {
        self.limit.get().is_some()
    }

    /// Runs the body, out of which a jump crosses nothing (or else something) that owns anything.
    #[inline]
    pub(crate) fn jumpable<R>(&self, may_jump: bool, body: impl FnOnce() -> R) -> R {
        if !self.is_limited() {
            return body();
        }
        let before = self.may_jump.replace(may_jump);
        let result = body();
        self.may_jump.set(before);
        result
    }

    /// Whether something was refused, of which nobody has been told.
    pub(crate) fn take_refused(&self) -> bool {
        self.refused.take()
    }

    /// Whether so much more is refused where it is allocated.
    fn refuses(&self, more: usize) -> bool {
        let over = |limit| self.used.get().saturating_add(more as u64) > limit;
        more >= LARGE && self.may_jump.get() && self.limit.get().is_some_and(over)
    }
}

/// Bounds what the interpreter of this core allocates, from now on.
pub(crate) fn limit(core: &Core, stack: Stack, bytes: u64) {
    let memory = &core.memory;
    memory.limit.set(Some(bytes));
    if memory.own.get().is_some() {
        return;
    }
    memory.used.set(stack.memory_used());
    // SAFETY: the state is alive on its thread; the core lives until it is closed, and does not move. What
    // was allocated before is freed by the allocator that ours passes everything on to.
    unsafe {
        let mut data = std::ptr::null_mut();
        let own = ffi::lua_getallocf(stack.raw(), &mut data);
        memory.own.set(Some((own, data)));
        ffi::lua_setallocf(stack.raw(), counted, std::ptr::from_ref(core).cast_mut().cast());
    }
}

/// Lua's allocator, counted.
///
/// # Safety
/// Lua calls it, with the core that `limit` gave it.
unsafe extern "C" fn counted(core: *mut c_void, block: *mut c_void, before: usize, size: usize) -> *mut c_void {
    // SAFETY: see `limit`; Lua's own allocator is called as Lua calls it.
    unsafe {
        let core = &*core.cast::<Core>();
        let memory = &core.memory;
        let Some((own, data)) = memory.own.get() else { return std::ptr::null_mut() };
        // Of a new block, Lua says what it is for.
        let more = size.saturating_sub(if block.is_null() { 0 } else { before });
        if memory.refuses(more) {
            // As Lua does when it is refused; its own buffers do not.
            if let Some(running) = core.current.running() {
                luaC_fullgc(running.raw(), 1);
            }
            if memory.refuses(more) {
                memory.refused.set(true);
                return std::ptr::null_mut();
            }
        }
        let got = own(data, block, before, size);
        let before = if block.is_null() { 0 } else { before };
        if size > 0 && got.is_null() {
            return got;
        }
        memory.used.set((memory.used.get() + size as u64).saturating_sub(before as u64));
        if size > before
            && memory.is_over()
            && let Some(running) = core.current.running()
        {
            arm(running);
        }
        got
    }
}
