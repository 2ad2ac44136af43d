//! Reaches code that runs: a signal to the thread, whose handler asks the context that is on top of
//! it to look at its stop flag.
//!
//! Invariant: the pointer the handler reads is set by the thread itself, to a context that is
//! borrowed for as long as it is set; the handler runs on the same thread, so it never sees one that
//! is gone. This file and the loader are the host's only unsafe code.

use std::cell::Cell;
use std::ptr;
use std::sync::Once;

use calog_plugin_api::host_side::ContextHandle;
use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;

use crate::sync::thread_local;
use crate::thread::Thread;

/// By default ignored, and used by hardly anything else.
const SIGNAL: Signal = Signal::SIGURG;

thread_local! {
    /// The context whose code is on top of this thread, or null.
    static RUNNING: Cell<*const ContextHandle> = const { Cell::new(ptr::null()) };
    /// Whether an interrupt came that contexts further down may not have heard.
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this context is what an interrupt of this thread reaches.
pub(crate) struct Running {
    before: *const ContextHandle,
}

impl Running {
    pub(crate) fn enter(context: &ContextHandle) -> Running {
        Running { before: RUNNING.with(|running| running.replace(ptr::from_ref(context))) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.with(|running| running.set(self.before));
        if INTERRUPTED.with(Cell::get) {
            pass_on(self.before);
        }
    }
}

/// The context below is on top again: an interrupt that came meanwhile may have been meant for it.
#[cold]
fn pass_on(context: *const ContextHandle) {
    // SAFETY: see the module's invariant.
    match unsafe { context.as_ref() } {
        Some(context) => context.interrupt(),
        None => INTERRUPTED.with(|it| it.set(false)),
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
    let context = RUNNING.with(Cell::get);
    INTERRUPTED.with(|it| it.set(!context.is_null()));
    // SAFETY: see the module's invariant.
    if let Some(context) = unsafe { context.as_ref() } {
        context.interrupt();
    }
}
