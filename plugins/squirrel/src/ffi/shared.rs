//! What an interpreter and the engine share: the poll flag, the account of memory, the core.
//!
//! Its layout is that of `CalogShared` in `native/hooks.hpp`.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::api;
use crate::core::Core;

/// Owned by the interpreter, which points to it as long as it lives. Never leaves its thread.
#[repr(C)]
pub(crate) struct Shared {
    /// Not zero: the interpreter looks whether it shall stop. Atomic as a signal handler sets it.
    poll: AtomicU32,
    /// Entries that run scripts.
    running: Cell<u32>,
    used: Cell<u64>,
    limit: Cell<u64>,
    core: Cell<*const Core>,
}

/// Memory is on this context's account as long as it lives.
pub(crate) struct Account(*mut c_void);

impl Drop for Account {
    fn drop(&mut self) {
        // SAFETY: the account before this one is alive, or null: entries nest.
        unsafe { api::calog_squirrel_account(self.0) };
    }
}

/// An entry runs scripts as long as it lives.
pub(crate) struct Running<'s>(&'s Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.set(self.0.running.get() - 1);
    }
}

impl Shared {
    pub(super) fn new() -> Shared {
        Shared {
            poll: AtomicU32::new(0),
            running: Cell::new(0),
            used: Cell::new(0),
            limit: Cell::new(u64::MAX),
            core: Cell::new(ptr::null()),
        }
    }

    pub(super) fn set_core(&self, core: *const Core) {
        self.core.set(core);
    }

    /// The core, once there is one.
    pub(super) fn core(&self) -> Option<&Core> {
        // SAFETY: set to a core that outlives the interpreter, or null before there is one.
        unsafe { self.core.get().as_ref() }
    }

    /// Puts what is allocated on this context's account.
    pub(crate) fn account(&self) -> Account {
        // SAFETY: this lives as long as the interpreter, and entries into it end before.
        Account(unsafe { api::calog_squirrel_account(ptr::from_ref(self).cast_mut().cast()) })
    }

    /// Scripts run from here on: where memory ends, the entry ends.
    pub(crate) fn run(&self) -> Running<'_> {
        self.running.set(self.running.get() + 1);
        Running(self)
    }

    /// Bytes in use.
    pub(crate) fn used(&self) -> u64 {
        self.used.get()
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.get()
    }

    pub(crate) fn set_limit(&self, bytes: u64) {
        self.limit.set(bytes);
        self.want_poll();
    }

    pub(crate) fn is_over_limit(&self) -> bool {
        self.used.get() > self.limit.get()
    }

    /// Has the interpreter look at its next loop or call. May run in a signal handler.
    pub(crate) fn want_poll(&self) {
        // ORDERING: relaxed, as only this thread and its signal handlers touch it.
        self.poll.store(1, Ordering::Relaxed);
    }

    pub(crate) fn end_poll(&self) {
        // ORDERING: relaxed, as above.
        self.poll.store(0, Ordering::Relaxed);
    }
}
