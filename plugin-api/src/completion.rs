//! The promise of one result: finished once, from any thread, or cancelled.
//!
//! `finish`, `cancel` and the waiter's leaving race for one lock, and exactly one wins; the losers
//! are told, so that nothing is lost: `finish` hands its result back.
//!
//! States, and who may leave them: `Waiting` (finisher, canceller, waiter), `Finished` (the waiter,
//! who takes the result), `Over` (nobody).

use std::fmt::{self, Debug, Formatter};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Arc, PoisonError};

use crate::abi::{Callback, Head, Outcome, guard_drop};
use crate::error::{Code, Error, Result};
use crate::sync::{Mutex, MutexGuard};
use crate::value::{Str, Value};

enum State {
    /// No result yet. The waiter's callback is there once it waits; the hook, once it is set.
    Waiting { then: Option<Callback>, hook: Option<Callback> },
    /// A result that nobody waits for yet.
    Finished(Result<Value>),
    /// Delivered, or nobody will ask any more.
    Over,
}

/// What the three handles share.
struct Core {
    text: Str,
    external: bool,
    state: Mutex<State>,
    /// Runs once the completion has left `Waiting`, after its result was passed on.
    settled: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held: callbacks run outside.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self) {
        let settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(settled) = settled {
            settled();
        }
    }

    fn finish(&self, result: Result<Value>) -> Result<(), Result<Value>> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Waiting { then: Some(then), hook } => {
                drop(state);
                drop(hook);
                then.call(result.into());
            }
            State::Waiting { then: None, hook } => {
                *state = State::Finished(result);
                drop(state);
                drop(hook);
            }
            other => {
                *state = other;
                return Err(result);
            }
        }
        self.settle();
        Ok(())
    }

    fn cancel(&self, error: Error) -> bool {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Waiting { then, hook } => {
                let late = then.is_none().then(|| error.clone());
                if let Some(error) = late {
                    *state = State::Finished(Err(error));
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
                *state = other;
                return false;
            }
        }
        self.settle();
        true
    }

    /// The waiter leaves without waiting.
    fn abandon(&self) {
        let before = std::mem::replace(&mut *self.lock(), State::Over);
        if let State::Waiting { hook, .. } = before {
            if let Some(hook) = hook {
                hook.ring();
            }
            self.settle();
        }
    }

    fn then(&self, then: Callback) {
        let mut state = self.lock();
        let result = match &mut *state {
            State::Waiting { then: waiter @ None, .. } => {
                *waiter = Some(then);
                return;
            }
            _ => match std::mem::replace(&mut *state, State::Over) {
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
        let (_replaced, late) = match &mut *state {
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
        match std::mem::replace(&mut *state, State::Over) {
            State::Finished(result) => Some(result),
            other => {
                *state = other;
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
};

/// What the handles are made of: a counted pointer to a core and its maker's functions.
#[repr(C)]
struct Shared {
    table: NonNull<CompletionTable>,
    core: NonNull<()>,
}

// SAFETY: a core is Send and Sync, and its count atomic.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Clone for Shared {
    fn clone(&self) -> Shared {
        // SAFETY: this handle keeps the core alive.
        unsafe { ((*self.table.as_ptr()).retain)(self.core.as_ptr()) };
        Shared { table: self.table, core: self.core }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference.
        unsafe { ((*self.table.as_ptr()).release)(self.core.as_ptr()) };
    }
}

impl Shared {
    /// What is waited for, and whether someone outside the scripts may finish it.
    fn describe(&self) -> (String, bool) {
        let mut value = Value::Nil;
        // SAFETY: the core is alive; the value is initialised.
        let external = unsafe { ((*self.table.as_ptr()).text)(self.core.as_ptr(), &mut value) };
        (String::from_utf8_lossy(value.view().as_bytes().unwrap_or_default()).into_owned(), external)
    }

    fn finish(&self, result: Result<Value>) -> Result<(), Result<Value>> {
        let mut outcome = ManuallyDrop::new(Outcome::from(result));
        // SAFETY: the core is alive; on success it has taken the outcome, which is not dropped here.
        unsafe {
            if ((*self.table.as_ptr()).finish)(self.core.as_ptr(), &raw mut *outcome) {
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
pub fn promise(
    text: impl Into<Str>,
    external: bool,
    settled: Option<Box<dyn FnOnce() + Send>>,
) -> (Completion, Finisher) {
    let core = Arc::new(Core {
        text: text.into(),
        external,
        state: Mutex::new(State::Waiting { then: None, hook: None }),
        settled: Mutex::new(settled),
    });
    let core = Arc::into_raw(core).cast_mut().cast::<()>();
    // SAFETY: a pointer from an Arc is never null.
    let shared = Shared { table: NonNull::from(&TABLE), core: unsafe { NonNull::new_unchecked(core) } };
    (Completion(shared.clone()), Finisher(shared))
}

impl Completion {
    /// Takes the result if it is there.
    pub fn try_take(self) -> Result<Result<Value>, Completion> {
        let mut outcome = Outcome::Ready(Value::Nil);
        let shared = &self.0;
        // SAFETY: the core is alive; the outcome is initialised and replaced on success.
        let there = unsafe { ((*shared.table.as_ptr()).try_take)(shared.core.as_ptr(), &mut outcome) };
        if there { outcome.settled().map_err(|_| self) } else { Err(self) }
    }

    /// Hands the result to the closure: at once if it is there, else on the thread that finishes it.
    pub fn then(self, then: impl FnOnce(Result<Value>) + Send + 'static) {
        let shared = self.into_shared();
        // SAFETY: the core is alive; the callback is handed over.
        unsafe { ((*shared.table.as_ptr()).then)(shared.core.as_ptr(), Callback::on_result(then)) };
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
        unsafe { ((*self.0.table.as_ptr()).abandon)(self.0.core.as_ptr()) };
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

    /// Whether anybody could still want a result: not when the wait was cancelled or given up.
    pub fn is_awaited(&self) -> bool {
        // SAFETY: the core is alive.
        unsafe { ((*self.0.table.as_ptr()).is_awaited)(self.0.core.as_ptr()) }
    }

    /// Runs the closure, at most once, when the wait is cancelled, timed out or abandoned; at once if
    /// it already was. Setting a second hook replaces the first.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) {
        let hook = Callback::new(move |_outcome| hook());
        // SAFETY: the core is alive; the callback is handed over.
        unsafe { ((*self.0.table.as_ptr()).on_cancel)(self.0.core.as_ptr(), hook) };
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
        unsafe { ((*self.0.table.as_ptr()).cancel)(self.0.core.as_ptr(), error) }
    }
}

/// # Safety
/// `core` came from `promise`, and a handle to it is borrowed for 'a.
unsafe fn core_ref<'a>(core: *const ()) -> &'a Core {
    // SAFETY: the caller vouches for it.
    unsafe { &*core.cast::<Core>() }
}

unsafe extern "C" fn retain(core: *const ()) {
    // SAFETY: the core came from `promise` and a reference is alive.
    unsafe { Arc::increment_strong_count(core.cast::<Core>()) };
}

unsafe extern "C" fn release(core: *const ()) {
    // SAFETY: as above; the caller gives its reference back.
    guard_drop(|| drop(unsafe { Arc::from_raw(core.cast::<Core>()) }));
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
    matches!(*unsafe { core_ref(core) }.lock(), State::Waiting { .. })
}

unsafe extern "C" fn text(core: *const (), out: *mut Value) -> bool {
    // SAFETY: the core is borrowed for the call; `out` is initialised.
    unsafe {
        let core = core_ref(core);
        *out = Value::String(core.text.clone());
        core.external
    }
}
