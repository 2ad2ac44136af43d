//! Where threads meet: whatever the runtime's threads synchronise with comes from here.
//!
//! Normally that is parking_lot's, crossbeam's and the standard library's own, as they are. Under
//! `--cfg calog_model="shuttle"` or `"loom"` it is the checker's, which then decides who runs when
//! (`docs/contributing.md`, "Model checks"). A primitive that is taken from elsewhere is one that
//! the checkers do not see: `Arc`, the counters that only number things, and the stop flag, which
//! is part of the plugins' contract.

#[cfg(all(test, any(calog_model = "shuttle", calog_model = "loom")))]
mod modelled;
#[cfg(all(test, any(calog_model = "shuttle", calog_model = "loom")))]
pub(crate) use modelled::{Condvar, Mutex, RwLock, atomic, channel, checker, thread, thread_local, time};

#[cfg(not(all(test, any(calog_model = "shuttle", calog_model = "loom"))))]
mod usual {
    pub(crate) use std::sync::atomic;
    pub(crate) use std::thread_local;

    pub(crate) use parking_lot::{Condvar, Mutex, RwLock};

    /// Threads.
    pub(crate) mod thread {
        pub(crate) use std::thread::{Builder, JoinHandle, Thread, available_parallelism, current, park, park_timeout};
    }

    /// Queues.
    pub(crate) mod channel {
        pub(crate) use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
    }

    /// Time.
    pub(crate) mod time {
        pub(crate) use std::time::Instant;
    }
}
#[cfg(not(all(test, any(calog_model = "shuttle", calog_model = "loom"))))]
pub(crate) use usual::{Condvar, Mutex, RwLock, atomic, channel, thread, thread_local, time};
