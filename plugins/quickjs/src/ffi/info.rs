//! The circumstances of the code that runs right now.
//!
//! Entries nest: a pump serves a call while a native's call is on the stack. Each entry puts its own
//! circumstances here and the former ones back when it ends.

use std::cell::Cell;
use std::ptr;

use calog_plugin_api::CallInfo;

/// A borrowed `CallInfo`, or none between entries.
pub(crate) struct CurrentInfo(Cell<*const CallInfo>);

impl CurrentInfo {
    /// None yet.
    pub(crate) fn none() -> CurrentInfo {
        CurrentInfo(Cell::new(ptr::null()))
    }

    /// Runs an entry under these circumstances.
    #[inline(always)]
    pub(crate) fn during<R>(&self, info: &CallInfo, entry: impl FnOnce() -> R) -> R {
        let _restore = Restore { place: &self.0, former: self.0.replace(info) };
        entry()
    }

    /// The current circumstances, if an entry is running.
    #[inline]
    pub(crate) fn get(&self) -> Option<&CallInfo> {
        // SAFETY: `during` borrows the info for as long as it stands here. What this returns is used
        // within the entry, and inner entries put the pointer back before they return; the info itself
        // is alive until the entry that brought it ends.
        unsafe { self.0.get().as_ref() }
    }
}

/// Puts the former circumstances back, also when the entry panics.
struct Restore<'a> {
    place: &'a Cell<*const CallInfo>,
    former: *const CallInfo,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.place.set(self.former);
    }
}
