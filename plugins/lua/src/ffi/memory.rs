//! A bound of what an interpreter allocates, for contexts that have one; the others keep Lua's allocator.
//!
//! Nothing is refused where it is allocated: Lua would leave by a jump, through frames of ours. Code that
//! is over its limit finds so at its next instruction, and again as long as it is. One operation may go
//! beyond.

use std::cell::Cell;
use std::ffi::c_void;

use mlua::ffi::{self, lua_Alloc};

use super::current::arm;
use super::stack::Stack;
use crate::core::Core;

/// What one interpreter has allocated, and may.
#[derive(Default)]
pub(crate) struct Memory {
    used: Cell<u64>,
    limit: Cell<Option<u64>>,
    /// Lua's own, once ours is in its place.
    own: Cell<Option<(lua_Alloc, *mut c_void)>>,
}

impl Memory {
    /// Whether more is used than may be.
    pub(crate) fn is_over(&self) -> bool {
        self.limit.get().is_some_and(|limit| self.used.get() > limit)
    }

    /// How much may be used, if that is limited.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.limit.get()
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
        let got = own(data, block, before, size);
        // Of a new block, Lua says what it is for.
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
