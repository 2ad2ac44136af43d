//! The promise of one result: finished once, from any thread, or cancelled.
//!
//! `finish`, `cancel` and the waiter's leaving race for one lock, and exactly one wins; the losers
//! are told, so that nothing is lost: `finish` hands its result back.
//!
//! A patient wait can be asked to end, which its finisher hears of, but is not ended by it.
//!
//! States, and who may leave them: `Waiting` (finisher, canceller, waiter), `Finished` (the waiter,
//! who takes the result), `Over` (nobody).

use std::fmt::{self, Debug, Formatter};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU32, Ordering, fence};

use crate::abi::{Callback, Head, Outcome, guard_drop};
use crate::error::{Code, Error, Result};
use crate::sync::{Mutex, MutexGuard};
use crate::value::{Str, Value};

enum State {
    /// No result yet. The waiter's callback is there once it waits; the hook, once it is set.
    /// `patient` waits do not end when they are asked to; their finisher hears of it.
    Waiting { then: Option<Callback>, hook: Option<Callback>, patient: bool },
    /// A result that nobody waits for yet.
    Finished(Result<Value>),
    /// Delivered, or nobody will ask any more.
    Over,
}

/// What the three handles share. There are some for every wait, so it is small.
#[repr(C)]
struct Core {
    /// Its maker's functions: the first word, by which handles of other makers find them.
    table: &'static CompletionTable,
    /// How many handles there are.
    handles: AtomicU32,
    /// Whether someone outside the scripts may finish it.
    external: bool,
    text: Str,
    state: Mutex<Phase>,
}

/// Where it is, and who wants to know when it gets on.
struct Phase {
    state: State,
    /// Runs once the completion has left `Waiting`, after its result was passed on.
    settled: Option<Callback>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, Phase> {
        // Nothing panics while the lock is held: callbacks run outside.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self) {
        let settled = self.lock().settled.take();
        settled.into_iter().for_each(Callback::ring);
    }

    fn finish(&self, result: Result<Value>) -> Result<(), Result<Value>> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.state, State::Over) {
            State::Waiting { then: Some(then), hook, .. } => {
                drop(state);
                drop(hook);
                then.call(result.into());
            }
            State::Waiting { then: None, hook, .. } => {
                state.state = State::Finished(result);
                drop(state);
                drop(hook);
            }
            other => {
                state.state = other;
                return Err(result);
            }
        }
        self.settle();
        Ok(())
    }

    fn cancel(&self, error: Error) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut state.state, State::Over) {
            State::Waiting { then, hook, .. } => {
                let late = then.is_none().then(|| error.clone());
                if let Some(error) = late {
                    state.state = State::Finished(Err(error));
                }
                drop(state);
                if let Some(hook) = hook {
                    hook.ring();
                }
                if let Some(then) = then {
                    then.call(Outcome::Failed(error));
                }
            }
            other => {
                state.state = other;
                return false;
            }
        }
        self.settle();
        true
    }

    /// Asks the wait to end. A patient one does not; its hook runs, once.
    fn ask(&self, error: Error) -> bool {
        let hook = match &mut self.lock().state {
            State::Waiting { hook, patient: true, .. } => Some(hook.take()),
            _ => None,
        };
        match hook {
            Some(hook) => {
                hook.into_iter().for_each(Callback::ring);
                false
            }
            None => self.cancel(error),
        }
    }

    fn be_patient(&self) {
        if let State::Waiting { patient, .. } = &mut self.lock().state {
            *patient = true;
        }
    }

    /// The waiter leaves without waiting.
    fn abandon(&self) {
        let before = std::mem::replace(&mut self.lock().state, State::Over);
        if let State::Waiting { hook, .. } = before {
            if let Some(hook) = hook {
                hook.ring();
            }
            self.settle();
        }
    }

    fn then(&self, then: Callback) {
        let mut state = self.lock();
        let result = match &mut state.state {
            State::Waiting { then: waiter @ None, .. } => {
                *waiter = Some(then);
                return;
            }
            _ => match std::mem::replace(&mut state.state, State::Over) {
                State::Finished(result) => result,
                // Neither happens with one waiter, which the handles guarantee.
                _ => Err(Error::new(Code::Dead, "the result was already taken")),
            },
        };
        drop(state);
        then.call(result.into());
    }

    fn on_cancel(&self, new: Callback) {
        let mut state = self.lock();
        // Hooks are foreign code: the new one runs, and a replaced one is dropped, after the lock.
        let (_replaced, late) = match &mut state.state {
            State::Waiting { hook, .. } => (hook.replace(new), None),
            // A result that waits to be taken was not cancelled.
            State::Finished(Ok(_)) => (Some(new), None),
            _ => (None, Some(new)),
        };
        drop(state);
        if let Some(late) = late {
            late.ring();
        }
    }

    fn try_take(&self) -> Option<Result<Value>> {
        let mut state = self.lock();
        match std::mem::replace(&mut state.state, State::Over) {
            State::Finished(result) => Some(result),
            other => {
                state.state = other;
                None
            }
        }
    }
}

#[repr(C)]
struct CompletionTable {
    head: Head,
    retain: unsafe extern "C" fn(*const ()),
    release: unsafe extern "C" fn(*const ()),
    /// On refusal the result is left where it was and false returned.
    finish: unsafe extern "C" fn(*const (), *mut Outcome) -> bool,
    cancel: unsafe extern "C" fn(*const (), *const Error) -> bool,
    abandon: unsafe extern "C" fn(*const ()),
    then: unsafe extern "C" fn(*const (), Callback),
    on_cancel: unsafe extern "C" fn(*const (), Callback),
    try_take: unsafe extern "C" fn(*const (), *mut Outcome) -> bool,
    text: unsafe extern "C" fn(*const (), *mut Value) -> bool,
    is_awaited: unsafe extern "C" fn(*const ()) -> bool,
    ask: unsafe extern "C" fn(*const (), *const Error) -> bool,
    be_patient: unsafe extern "C" fn(*const ()),
}

static TABLE: CompletionTable = CompletionTable {
    head: Head::of::<CompletionTable>(),
    retain,
    release,
    finish,
    cancel,
    abandon,
    then,
    on_cancel,
    try_take,
    text,
    is_awaited,
    ask,
    be_patient,
};

/// What the handles are made of: a counted pointer to a core, which begins with one to its maker's
/// functions.
#[repr(transparent)]
struct Shared(NonNull<NonNull<CompletionTable>>);

// SAFETY: a core is Send and Sync, and its count atomic.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Clone for Shared {
    fn clone(&self) -> Shared {
        // SAFETY: this handle keeps the core alive.
        unsafe { (self.table().retain)(self.core()) };
        Shared(self.0)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference.
        unsafe { (self.table().release)(self.core()) };
    }
}

impl Shared {
    #[inline]
    fn core(&self) -> *const () {
        self.0.as_ptr().cast_const().cast()
    }

    #[inline]
    fn table(&self) -> &CompletionTable {
        // SAFETY: this handle keeps the core alive, whose first word points to a table that lives as
        // long as the program.
        unsafe { self.0.as_ref().as_ref() }
    }

    /// What is waited for, and whether someone outside the scripts may finish it.
    fn describe(&self) -> (String, bool) {
        let mut value = Value::Nil;
        // SAFETY: the core is alive; the value is initialised.
        let external = unsafe { (self.table().text)(self.core(), &mut value) };
        (String::from_utf8_lossy(value.view().as_bytes().unwrap_or_default()).into_owned(), external)
    }

    fn finish(&self, result: Result<Value>) -> Result<(), Result<Value>> {
        let mut outcome = ManuallyDrop::new(Outcome::from(result));
        // SAFETY: the core is alive; on success it has taken the outcome, which is not dropped here.
        unsafe {
            if (self.table().finish)(self.core(), &raw mut *outcome) {
                return Ok(());
            }
        }
        // A refused outcome is still the settled one that was put in.
        match ManuallyDrop::into_inner(outcome).settled() {
            Ok(result) => Err(result),
            Err(_) => Err(Ok(Value::Nil)),
        }
    }
}

/// The waiting side of a promised result. It has one owner, who waits, or drops it and thereby
/// cancels.
#[repr(transparent)]
pub struct Completion(Shared);

/// The finishing side. Dropped unfinished it finishes with a `dead` error.
#[repr(transparent)]
pub struct Finisher(Shared);

/// The right to cancel a wait that somebody else is in.
#[derive(Clone)]
pub struct Canceller(Shared);

/// A new promise. `text` says what is waited for; `external` whether someone outside the scripts may
/// finish it; `settled` runs once it is finished, cancelled or abandoned.
///
/// Plugins get theirs from [`RuntimeHandle::completion`](crate::RuntimeHandle::completion).
pub fn promise(text: impl Into<Str>, external: bool, settled: Option<Callback>) -> (Completion, Finisher) {
    let state = State::Waiting { then: None, hook: None, patient: false };
    let state = Mutex::new(Phase { state, settled });
    let core = Box::new(Core { table: &TABLE, handles: AtomicU32::new(2), external, text: text.into(), state });
    // Its first field is a reference, which is as good as a pointer.
    let core = NonNull::from(Box::leak(core)).cast();
    (Completion(Shared(core)), Finisher(Shared(core)))
}

impl Completion {
    /// Takes the result if it is there.
    pub fn try_take(self) -> Result<Result<Value>, Completion> {
        let mut outcome = Outcome::Ready(Value::Nil);
        let shared = &self.0;
        // SAFETY: the core is alive; the outcome is initialised and replaced on success.
        let there = unsafe { (shared.table().try_take)(shared.core(), &mut outcome) };
        if there { outcome.settled().map_err(|_| self) } else { Err(self) }
    }

    /// Hands the result to the closure: at once if it is there, else on the thread that finishes it.
    pub fn then(self, then: impl FnOnce(Result<Value>) + Send + 'static) {
        let shared = self.into_shared();
        // SAFETY: the core is alive; the callback is handed over.
        unsafe { (shared.table().then)(shared.core(), Callback::on_result(then)) };
    }

    /// A handle by which this wait can be cancelled while somebody is in it.
    pub fn canceller(&self) -> Canceller {
        Canceller(self.0.clone())
    }

    /// What is waited for, in words.
    pub fn text(&self) -> String {
        self.0.describe().0
    }

    /// Whether someone outside the scripts may finish it.
    pub fn is_external(&self) -> bool {
        self.0.describe().1
    }

    /// Gives up the drop that would cancel.
    fn into_shared(self) -> Shared {
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle is read once and its drop suppressed.
        unsafe { std::ptr::read(&raw const this.0) }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        // SAFETY: the core is alive.
        unsafe { (self.0.table().abandon)(self.0.core()) };
    }
}

impl Debug for Completion {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "<waiting for {}>", self.text())
    }
}

impl Finisher {
    /// Gives the result. When the waiter is gone (cancelled, timed out, closed) it is handed back.
    ///
    /// To finish twice does not compile:
    ///
    /// ```compile_fail,E0382
    /// # use calog_plugin_api::{Finisher, Value};
    /// fn twice(finisher: Finisher) {
    ///     let _ = finisher.finish(Ok(Value::Nil));
    ///     let _ = finisher.finish(Ok(Value::Nil));
    /// }
    /// ```
    ///
    /// # Errors
    /// The result itself.
    pub fn finish(self, result: Result<Value>) -> Result<(), Result<Value>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: the handle is read once and its drop, which would finish again, suppressed.
        let shared = unsafe { std::ptr::read(&raw const this.0) };
        shared.finish(result)
    }

    /// The right to cancel the wait, for who may have to answer in this finisher's place. It takes no lock
    /// and allocates nothing.
    pub fn canceller(&self) -> Canceller {
        Canceller(self.0.clone())
    }

    /// Whether anybody could still want a result: not when the wait was cancelled or given up.
    pub fn is_awaited(&self) -> bool {
        // SAFETY: the core is alive.
        unsafe { (self.0.table().is_awaited)(self.0.core()) }
    }

    /// Runs the closure, at most once, when the wait is cancelled, timed out or abandoned; at once if
    /// it already was. Setting a second hook replaces the first.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let hook = Callback::new(move |_outcome| hook());
        // SAFETY: the core is alive; the callback is handed over.
        unsafe { (self.0.table().on_cancel)(self.0.core(), hook) };
    }

    /// From now on the wait does not end when its call is cancelled or its deadline passes: the hook
    /// of [`on_cancel`](Finisher::on_cancel) runs then, and this finisher decides when the wait ends.
    /// That is for waits that other work depends on, such as a scope's for its tasks. A context that
    /// closes does not wait for it.
    pub fn be_patient(&self) {
        // SAFETY: the core is alive.
        unsafe { (self.0.table().be_patient)(self.0.core()) };
    }
}

impl Drop for Finisher {
    fn drop(&mut self) {
        // The waiter being gone as well is no loss: there is no result.
        let _ = self.0.finish(Err(Error::new(Code::Dead, "whoever would have answered is gone")));
    }
}

impl Debug for Finisher {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("<finisher>")
    }
}

impl Canceller {
    /// What is waited for, in words.
    pub fn text(&self) -> String {
        self.0.describe().0
    }

    /// Ends the wait with this error, if it has not ended. Whether it did.
    pub fn cancel(&self, error: &Error) -> bool {
        // SAFETY: the core is alive; the error is borrowed for the call.
        unsafe { (self.0.table().cancel)(self.0.core(), error) }
    }

    /// Asks the wait to end with this error; a patient one ends in its own time. Whether it ended.
    pub fn ask(&self, error: &Error) -> bool {
        // SAFETY: as above.
        unsafe { (self.0.table().ask)(self.0.core(), error) }
    }
}

/// # Safety
/// `core` came from `promise`, and a handle to it is borrowed for 'a.
unsafe fn core_ref<'a>(core: *const ()) -> &'a Core {
    // SAFETY: the caller vouches for it.
    unsafe { &*core.cast::<Core>() }
}

unsafe extern "C" fn retain(core: *const ()) {
    // SAFETY: the core came from `promise` and a handle is alive.
    // ORDERING: relaxed, as who copies a handle has one.
    let before = unsafe { core_ref(core) }.handles.fetch_add(1, Ordering::Relaxed);
    if before > u32::MAX / 2 {
        // Nothing sound is left to do once the count could wrap, which takes handles leaked by the billion.
        std::process::abort();
    }
}

unsafe extern "C" fn release(core: *const ()) {
    // SAFETY: as above; the caller gives its handle back.
    // ORDERING: release, so that what was done through this handle is done before the core is freed.
    if unsafe { core_ref(core) }.handles.fetch_sub(1, Ordering::Release) == 1 {
        fence(Ordering::Acquire);
        // SAFETY: it was the last handle; the core came from a box in `promise`.
        guard_drop(|| drop(unsafe { Box::from_raw(core.cast_mut().cast::<Core>()) }));
    }
}

unsafe extern "C" fn finish(core: *const (), outcome: *mut Outcome) -> bool {
    // SAFETY: the core is borrowed; the outcome is read out, and written back when it is refused.
    unsafe {
        let core = core_ref(core);
        match outcome.read().settled() {
            Ok(result) => match core.finish(result) {
                Ok(()) => true,
                Err(result) => {
                    outcome.write(result.into());
                    false
                }
            },
            Err(completion) => {
                outcome.write(Outcome::Pending(completion));
                false
            }
        }
    }
}

unsafe extern "C" fn cancel(core: *const (), error: *const Error) -> bool {
    // SAFETY: both are borrowed for the call.
    unsafe { core_ref(core).cancel((*error).clone()) }
}

unsafe extern "C" fn ask(core: *const (), error: *const Error) -> bool {
    // SAFETY: both are borrowed for the call.
    unsafe { core_ref(core).ask((*error).clone()) }
}

unsafe extern "C" fn be_patient(core: *const ()) {
    // SAFETY: the core is borrowed for the call.
    unsafe { core_ref(core) }.be_patient();
}

unsafe extern "C" fn abandon(core: *const ()) {
    // SAFETY: the core is borrowed for the call.
    unsafe { core_ref(core) }.abandon();
}

unsafe extern "C" fn then(core: *const (), callback: Callback) {
    // SAFETY: the core is borrowed for the call.
    unsafe { core_ref(core) }.then(callback);
}

unsafe extern "C" fn on_cancel(core: *const (), hook: Callback) {
    // SAFETY: the core is borrowed for the call.
    unsafe { core_ref(core) }.on_cancel(hook);
}

unsafe extern "C" fn try_take(core: *const (), out: *mut Outcome) -> bool {
    // SAFETY: the core is borrowed for the call; `out` is initialised.
    unsafe {
        match core_ref(core).try_take() {
            Some(result) => {
                *out = result.into();
                true
            }
            None => false,
        }
    }
}

unsafe extern "C" fn is_awaited(core: *const ()) -> bool {
    // SAFETY: the core is borrowed for the call.
    matches!(unsafe { core_ref(core) }.lock().state, State::Waiting { .. })
}

unsafe extern "C" fn text(core: *const (), out: *mut Value) -> bool {
    // SAFETY: the core is borrowed for the call; `out` is initialised.
    unsafe {
        let core = core_ref(core);
        *out = Value::String(core.text.clone());
        core.external
    }
}
