//! What runs now: the task's thread, the innermost one, and the call's circumstances.
//!
//! Set for the length of an entry and put back after it, since entries nest when a wait pumps.

use std::cell::Cell;
use std::ptr::NonNull;

use calog_plugin_api::{CallInfo, KeptInfo};

use super::stack::Stack;

/// What runs now in one context.
pub(crate) struct Current {
    /// The thread the running task is on.
    task: Cell<Option<Stack>>,
    /// The innermost running thread, as far as it has called out.
    running: Cell<Option<Stack>>,
    /// The circumstances of the running call: borrowed by an `enter` that has not returned, or `_idle`'s.
    info: Cell<NonNull<CallInfo>>,
    /// What holds when no call runs. Kept for `info`.
    _idle: KeptInfo,
}

/// Puts back what an entry has changed, also when it unwinds.
struct Before<'c> {
    current: &'c Current,
    task: Option<Stack>,
    running: Option<Stack>,
    info: NonNull<CallInfo>,
}

impl Drop for Before<'_> {
    fn drop(&mut self) {
        self.current.task.set(self.task);
        self.current.running.set(self.running);
        self.current.info.set(self.info);
    }
}

impl Current {
    /// Nothing runs; `idle` are the circumstances of what the context does of its own accord.
    pub(crate) fn new(idle: KeptInfo) -> Current {
        let info = Cell::new(NonNull::from(&*idle));
        Current { task: Cell::new(None), running: Cell::new(None), info, _idle: idle }
    }

    fn before(&self) -> Before<'_> {
        Before { current: self, task: self.task.get(), running: self.running.get(), info: self.info.get() }
    }

    /// Runs the body as an entry of a task on its thread.
    pub(crate) fn enter<R>(&self, task: Stack, info: &CallInfo, body: impl FnOnce() -> R) -> R {
        let _before = self.before();
        self.task.set(Some(task));
        self.running.set(Some(task));
        self.info.set(NonNull::from(info));
        body()
    }

    /// Runs the body while this thread is the innermost one.
    pub(crate) fn inside<R>(&self, running: Stack, body: impl FnOnce() -> R) -> R {
        let _before = self.before();
        self.running.set(Some(running));
        body()
    }

    /// Runs the body under other circumstances.
    pub(crate) fn with_info<R>(&self, info: &CallInfo, body: impl FnOnce() -> R) -> R {
        let _before = self.before();
        self.info.set(NonNull::from(info));
        body()
    }

    /// The circumstances of the running call; not to be kept beyond it.
    pub(crate) fn info(&self) -> &CallInfo {
        // SAFETY: set by an `enter` that has not returned, whose borrow still holds, or `_idle`'s own.
        unsafe { self.info.get().as_ref() }
    }

    /// The innermost running thread.
    pub(crate) fn running(&self) -> Option<Stack> {
        self.running.get()
    }

    /// Whether this thread is the one the running task is on.
    pub(crate) fn is_task(&self, stack: Stack) -> bool {
        self.task.get() == Some(stack)
    }
}
