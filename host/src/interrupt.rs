//! Reaches code that runs: a signal to the thread, whose handler asks the context that is on top of
//! it to look at its stop flag.
//!
//! A context's flag has two bits: the context is to stop, or the call whose code is on top was aborted,
//! or has run for as long as it may.
//! The second is the thread's own, and follows what is on top: code of other calls is never stopped.
//!
//! Code that does not hear is found out here as well (`vigil.rs`): the handler counts, and in the end notes
//! what the thread owes to others, as only the thread itself can tell that without a lock.
//!
//! Invariant: the pointers the handler reads are set by the thread itself, to what is
//! borrowed for as long as it is set; the handler runs on the same thread, so it never sees one that
//! is gone. While a thread waits in place nothing is on top. This file and the loader are the host's only
//! unsafe code.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};

use calog_plugin_api::host_side::{ContextHandle, STOP_TASK};
use calog_plugin_api::{CancelToken, Canceller, Finisher};
use nix::sys::pthread::pthread_kill;
use nix::sys::signal::Signal;

use crate::core::Core;
use crate::limits::Watch;
use crate::lost::Owed;
use crate::sync::thread_local;
use crate::thread::Thread;
use crate::vigil::Heard;
use crate::worker::{self, Landing};

/// By default ignored, and used by hardly anything else.
const SIGNAL: Signal = Signal::SIGURG;

thread_local! {
    /// The entry whose code is on top of this thread, or null.
    static RUNNING: Cell<*const Entry<'static>> = const { Cell::new(ptr::null()) };
    /// Whether an interrupt came that contexts further down may not have heard.
    static INTERRUPTED: Cell<bool> = const { Cell::new(false) };
    /// Which thread this is, if it is a runtime's own, or null.
    static POST: Cell<*const Post> = const { Cell::new(ptr::null()) };
    /// The innermost of what this thread owes, or null.
    static OWED: Cell<*const Debt<'static>> = const { Cell::new(ptr::null()) };
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
    /// What was on top before it, or null.
    before: Cell<*const Entry<'static>>,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(
        context: &'a ContextHandle,
        stop: &'a AtomicU32,
        token: Option<&'a CancelToken>,
        watch: Option<&'a Watch>,
    ) -> Entry<'a> {
        Entry { context, stop, token, watch, before: Cell::new(ptr::null()) }
    }

    fn is_told(&self) -> bool {
        self.stop.load(Ordering::Relaxed) != 0
    }

    /// The entry is on top: the flag says whether this one's call was aborted, and the code looks at it.
    fn listen(&self) {
        // In this order: a signal that comes in between is not lost.
        self.forget_abort();
        self.note_abort();
        if self.is_told() {
            self.context.interrupt();
            watch_here();
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

    /// It is on top again.
    #[cold]
    fn listen_again(&self) {
        self.listen();
        if INTERRUPTED.with(Cell::get) {
            self.context.interrupt();
        }
    }

    /// It was told to stop, and has.
    #[cold]
    fn stopped(&self) {
        self.forget_abort();
        if let Some(post) = post() {
            post.thread.pulse.stopped();
            if post.thread.pulse.is_lost() {
                worker::come_back();
            }
        }
    }
}

/// While it lives, this entry is what an interrupt of this thread reaches.
pub(crate) struct Running<'a>(&'a Entry<'a>);

impl<'a> Running<'a> {
    pub(crate) fn enter(entry: &'a Entry<'a>) -> Running<'a> {
        entry.before.set(RUNNING.with(Cell::get));
        RUNNING.with(|running| running.set(ptr::from_ref(entry).cast()));
        entry.listen();
        Running(entry)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let before = self.0.before.get();
        RUNNING.with(|running| running.set(before));
        if self.0.is_told() {
            self.0.stopped();
        }
        // SAFETY: see the module's invariant.
        match unsafe { before.as_ref() } {
            // An interrupt that came meanwhile may have been meant for it.
            Some(before) if before.token.is_some() || before.watch.is_some() || INTERRUPTED.with(Cell::get) => {
                before.listen_again()
            }
            Some(_) => {}
            None => INTERRUPTED.with(|it| it.set(false)),
        }
    }
}

/// While it lives, the code on top waits in place, and nothing runs.
pub(crate) struct Away(*const Entry<'static>);

impl Away {
    pub(crate) fn go() -> Away {
        Away(RUNNING.with(|running| running.replace(ptr::null())))
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        RUNNING.with(|running| running.set(self.0));
        // SAFETY: see the module's invariant.
        if let Some(entry) = unsafe { self.0.as_ref() } {
            // What came meanwhile has told nobody.
            entry.listen();
        }
    }
}

/// A promise that lies on this thread's stack. It is owed while its `Owing` lives.
pub(crate) struct Debt<'a> {
    what: What<'a>,
    before: Cell<*const Debt<'static>>,
}

enum What<'a> {
    /// The answer of a call that is being served.
    Answer(&'a Finisher),
    /// The end of a wait in place.
    Wait(&'a Canceller, &'a Arc<Landing>),
}

impl<'a> Debt<'a> {
    pub(crate) fn answer(finisher: &'a Finisher) -> Debt<'a> {
        Debt { what: What::Answer(finisher), before: Cell::new(ptr::null()) }
    }

    pub(crate) fn wait(canceller: &'a Canceller, landing: &'a Arc<Landing>) -> Debt<'a> {
        Debt { what: What::Wait(canceller, landing), before: Cell::new(ptr::null()) }
    }

    pub(crate) fn owe(&'a self) -> Owing<'a> {
        self.before.set(OWED.with(Cell::get));
        OWED.with(|owed| owed.set(ptr::from_ref(self).cast()));
        Owing(self)
    }
}

/// See [`Debt`].
pub(crate) struct Owing<'a>(&'a Debt<'a>);

impl Drop for Owing<'_> {
    fn drop(&mut self) {
        OWED.with(|owed| owed.set(self.0.before.get()));
    }
}

/// A thread of a runtime's own.
pub(crate) struct Post {
    pub(crate) core: Arc<Core>,
    pub(crate) thread: Arc<Thread>,
}

impl Post {
    /// Does the thread's work: this is it.
    pub(crate) fn stand(&self, work: impl FnOnce()) {
        self.thread.arrive();
        POST.with(|post| post.set(ptr::from_ref(self)));
        let _leaving = Leaving(self);
        work();
    }
}

struct Leaving<'a>(&'a Post);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        POST.with(|post| post.set(ptr::null()));
        self.0.thread.leave();
    }
}

fn post<'a>() -> Option<&'a Post> {
    // SAFETY: see the module's invariant; it is used before whoever asks returns, above `stand`.
    unsafe { POST.with(Cell::get).as_ref() }
}

/// Code that was told to stop is on top of this thread.
#[cold]
fn watch_here() {
    if let Some(post) = post() {
        post.core.vigil.watch(&post.core, &post.thread);
    }
}

/// Has the code that runs on a thread, if any does, look at its stop flag, and sees that it does.
pub(crate) fn interrupt(core: &Arc<Core>, thread: &Arc<Thread>) {
    signal(thread);
    core.vigil.watch(core, thread);
}

/// Sends a thread the signal. Whether it is there.
#[cfg(not(any(calog_model = "shuttle", calog_model = "loom")))]
pub(crate) fn signal(thread: &Thread) -> bool {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(install);
    thread.with_id(|id| {
        // It fails only for a signal that does not exist.
        let _ = pthread_kill(id, SIGNAL);
    })
}

/// A checker runs all threads on one, where a signal would reach whichever is at work just then: whoever is
/// deaf in a model looks for it.
#[cfg(any(calog_model = "shuttle", calog_model = "loom"))]
pub(crate) fn signal(thread: &Thread) -> bool {
    let _ = (install as fn(), SIGNAL, pthread_kill::<Signal>, Once::new());
    thread.with_id(|_| {})
}

fn install() {
    // SAFETY: the handler reads constant-initialised thread-locals of plain data, calls the
    // context's `interrupt`, which its contract makes safe in a signal handler, and loads and stores
    // atomics; what it notes of debts goes where there is room for it, under a lock that nobody else
    // takes before, and counts references up.
    let installed = unsafe { signal_hook::low_level::register(SIGNAL as i32, on_signal) };
    if let Err(error) = installed {
        tracing::warn!("running scripts cannot be interrupted: {error}");
    }
}

pub(crate) fn on_signal() {
    let entry = RUNNING.with(Cell::get);
    INTERRUPTED.with(|it| it.set(!entry.is_null()));
    // SAFETY: see the module's invariant.
    let entry = unsafe { entry.as_ref() };
    entry.into_iter().for_each(Entry::note_abort);
    let heard = post().map_or(Heard::Fine, |post| hear(&post.thread, entry));
    if let Some(entry) = entry
        && heard != Heard::Spared
    {
        entry.context.interrupt();
    }
}

fn hear(thread: &Thread, entry: Option<&Entry<'_>>) -> Heard {
    let deaf = entry.filter(|entry| entry.is_told()).map(|entry| ptr::from_ref(entry.stop).addr());
    let heard = thread.pulse.hear(deaf, || is_any_told(entry));
    if heard == Heard::Lost
        && let Some(mut owed) = thread.pulse.owed.try_lock()
    {
        note_debts(&mut owed);
        drop(owed);
        thread.pulse.lose();
    }
    heard
}

fn is_any_told(mut entry: Option<&Entry<'_>>) -> bool {
    while let Some(it) = entry {
        if it.is_told() {
            return true;
        }
        // SAFETY: see the module's invariant.
        entry = unsafe { it.before.get().as_ref() };
    }
    false
}

fn note_debts(owed: &mut Owed) {
    let mut debt = OWED.with(Cell::get);
    // SAFETY: see the module's invariant.
    while let Some(it) = unsafe { debt.as_ref() } {
        match it.what {
            What::Answer(finisher) => owed.answer(finisher.canceller()),
            What::Wait(canceller, landing) => owed.wait(canceller.clone(), Arc::clone(landing)),
        }
        debt = it.before.get();
    }
}
