//! Reaches code that runs: a signal to the thread, whose handler asks the context that is on top of
//! it to look at its stop flag.
//!
//! A context's flag has two bits: the context is to stop, or the call whose code is on top was aborted,
//! or has run for as long as it may.
//! The second is the thread's own, and follows what is on top: code of other calls is never stopped.
//!
//! Invariant: the pointer the handler reads is set by the thread itself, to an entry that is
//! borrowed for as long as it is set; the handler runs on the same thread, so it never sees one that
//! is gone. This file and the loader are the host's only unsafe code.

use std::cell::Cell;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use calog_plugin_api::CancelToken;
use calog_plugin_api::host_side::{ContextHandle, STOP_TASK};
use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;

use crate::limits::Watch;
use crate::sync::thread_local;
use crate::thread::Thread;

/// By default ignored, and used by hardly anything else.
const SIGNAL: Signal = Signal::SIGURG;

thread_local! {
    /// The entry whose code is on top of this thread, or null.
    static RUNNING: Cell<*const Entry<'static>> = const { Cell::new(ptr::null()) };
    /// Whether an interrupt came that contexts further down may not have heard.
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
}

/// An entry into an interpreter.
pub(crate) struct Entry<'a> {
    context: &'a ContextHandle,
    /// The stop flag of its context.
    stop: &'a AtomicU32,
    /// The token of the call that the entry is for.
    token: Option<&'a CancelToken>,
    /// Whether its time is up, if that is limited.
    watch: Option<&'a Watch>,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(
        context: &'a ContextHandle,
        stop: &'a AtomicU32,
        token: Option<&'a CancelToken>,
        watch: Option<&'a Watch>,
    ) -> Entry<'a> {
        Entry { context, stop, token, watch }
    }

    /// The entry is on top: the flag says whether this one's call was aborted, and the code looks at it.
    fn listen(&self) {
        // In this order: a signal that comes in between is not lost.
        self.forget_abort();
        self.note_abort();
        if self.stop.load(Ordering::Relaxed) != 0 {
            self.context.interrupt();
        }
    }

    fn note_abort(&self) {
        if self.token.is_some_and(CancelToken::is_aborted) || self.watch.is_some_and(Watch::is_expired) {
            self.stop.fetch_or(STOP_TASK, Ordering::Relaxed);
        }
    }

    fn forget_abort(&self) {
        if self.stop.load(Ordering::Relaxed) & STOP_TASK != 0 {
            self.stop.fetch_and(!STOP_TASK, Ordering::Relaxed);
        }
    }
}

/// While it lives, this entry is what an interrupt of this thread reaches.
pub(crate) struct Running<'a> {
    entry: &'a Entry<'a>,
    before: *const Entry<'static>,
}

impl<'a> Running<'a> {
    pub(crate) fn enter(entry: &'a Entry<'a>) -> Running<'a> {
        let before = RUNNING.with(|running| running.replace(ptr::from_ref(entry).cast()));
        entry.listen();
        Running { entry, before }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        RUNNING.with(|running| running.set(self.before));
        self.entry.forget_abort();
        // SAFETY: see the module's invariant.
        match unsafe { self.before.as_ref() } {
            // An interrupt that came meanwhile may have been meant for it.
            Some(before) if before.token.is_some() || before.watch.is_some() || INTERRUPTED.with(Cell::get) => {
                before.listen_again()
            }
            Some(_) => {}
            None => INTERRUPTED.with(|it| it.set(false)),
        }
    }
}

impl Entry<'_> {
    /// It is on top again.
    #[cold]
    fn listen_again(&self) {
        self.listen();
        if INTERRUPTED.with(Cell::get) {
            self.context.interrupt();
        }
    }
}

/// Has the code that runs on a thread, if any does, look at its stop flag.
pub(crate) fn interrupt(thread: &Thread) {
    // A checker runs all threads on one, where a signal would reach whichever is at work just then.
    if cfg!(any(calog_model = "shuttle", calog_model = "loom")) {
        return;
    }
    static INSTALL: Once = Once::new();
    INSTALL.call_once(install);
    thread.with_id(|id| {
        // It fails only for a signal that does not exist.
        let _ = pthread_kill(id, SIGNAL);
    });
}

fn install() {
    // SAFETY: the handler reads a constant-initialised thread-local of plain data and calls the
    // context's `interrupt`, which its contract makes safe in a signal handler.
    let installed = unsafe { signal_hook::low_level::register(SIGNAL as i32, on_signal) };
    if let Err(error) = installed {
        tracing::warn!("running scripts cannot be interrupted: {error}");
    }
}

fn on_signal() {
    let entry = RUNNING.with(Cell::get);
    INTERRUPTED.with(|it| it.set(!entry.is_null()));
    // SAFETY: see the module's invariant.
    if let Some(entry) = unsafe { entry.as_ref() } {
        entry.note_abort();
        entry.context.interrupt();
    }
}
