//! Cancel tokens: a flag that any thread may raise, and hooks that run when it is.
//!
//! There are two levels. Who is cancelled is asked to end, and ends in its own way. Who is aborted as
//! well is ended: its code stops where it is, and nothing of it runs afterwards.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use super::outcome::answered;
use super::{Callback, Fallible, Head, Outcome, arc_ref, guard_drop, release_arc, retain_arc, shared_handle};
use crate::error::{Code, Error};
use crate::value::Value;

/// What makes a cancel token.
pub trait CancelType: Send + Sync + 'static {
    /// Whether it was raised. Called often; must be cheap.
    fn is_cancelled(&self) -> bool;
    /// Raises it and runs the hooks, once.
    fn cancel(&self);
    /// Runs the hook when it is raised: at once if it already is. The number removes the hook again.
    fn on_cancel(&self, hook: Callback) -> u64;
    /// Drops a hook that did not run, of either kind.
    fn forget(&self, hook: u64);
    /// Whether it was aborted. Called often, also in a signal handler: it may only read a flag.
    fn is_aborted(&self) -> bool;
    /// Cancels it, then raises it to the second level and runs the hooks of that, once.
    fn abort(&self);
    /// Runs the hook when it is aborted: at once if it already is. The number removes the hook again.
    fn on_abort(&self, hook: Callback) -> u64;
    /// The token it is raised with.
    fn parent(&self) -> Option<CancelToken>;
}

#[repr(C)]
struct CancelTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    is_cancelled: unsafe extern "C" fn(*const ()) -> bool,
    cancel: unsafe extern "C" fn(*const ()),
    on_cancel: unsafe extern "C" fn(*const (), Callback) -> u64,
    forget: unsafe extern "C" fn(*const (), u64),
    is_aborted: unsafe extern "C" fn(*const ()) -> bool,
    abort: unsafe extern "C" fn(*const ()),
    on_abort: unsafe extern "C" fn(*const (), Callback) -> u64,
    parent: unsafe extern "C" fn(*const (), *mut Fallible<CancelToken>),
}

shared_handle! {
    /// A request to end, which any thread may make and the asked one looks at when it can.
    CancelToken, CancelTable
}

struct Maker<T>(std::marker::PhantomData<T>);

impl<T: CancelType> Maker<T> {
    const TABLE: CancelTable = CancelTable {
        head: Head::of::<CancelTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        is_cancelled: is_cancelled::<T>,
        cancel: cancel::<T>,
        on_cancel: on_cancel::<T>,
        forget: forget::<T>,
        is_aborted: is_aborted::<T>,
        abort: abort::<T>,
        on_abort: on_abort::<T>,
        parent: parent::<T>,
    };
}

impl CancelToken {
    /// A token of this making.
    pub fn new<T: CancelType>(data: Arc<T>) -> CancelToken {
        CancelToken::from_arc(&Maker::<T>::TABLE, data)
    }

    /// Whether somebody asked.
    pub fn is_cancelled(&self) -> bool {
        // SAFETY: the handle keeps the maker's data alive.
        unsafe { ((*self.table.as_ptr()).is_cancelled)(self.data.as_ptr()) }
    }

    /// Asks. Doing so again changes nothing.
    pub fn cancel(&self) {
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).cancel)(self.data.as_ptr()) };
    }

    /// Runs the closure when somebody asks, on that thread; at once if somebody has. The number
    /// removes the hook again.
    pub fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> u64 {
        let hook = Callback::new(move |_outcome| hook());
        // SAFETY: as above; the callback is handed over.
        unsafe { ((*self.table.as_ptr()).on_cancel)(self.data.as_ptr(), hook) }
    }

    /// Removes a hook that did not run, of either kind.
    pub fn forget(&self, hook: u64) {
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).forget)(self.data.as_ptr(), hook) };
    }

    /// Whether somebody ended what runs under it.
    pub fn is_aborted(&self) -> bool {
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).is_aborted)(self.data.as_ptr()) }
    }

    /// Ends what runs under it: cancels it, stops running code where it is, and resumes no task of it
    /// again. Doing so again changes nothing.
    pub fn abort(&self) {
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).abort)(self.data.as_ptr()) };
    }

    /// Runs the closure when somebody aborts it, on that thread; at once if somebody has. The number
    /// removes the hook again.
    pub fn on_abort(&self, hook: impl FnOnce() + Send + 'static) -> u64 {
        let hook = Callback::new(move |_outcome| hook());
        // SAFETY: as above; the callback is handed over.
        unsafe { ((*self.table.as_ptr()).on_abort)(self.data.as_ptr(), hook) }
    }

    /// Holds the calling thread until somebody asks. For threads of one's own, such as that of a `run`
    /// hook: never in a native, which holds its caller's thread.
    pub fn wait(&self) {
        let (told, asked) = channel();
        // Nobody listens any more when the wait is over.
        self.on_cancel(move || _ = told.send(()));
        // A hook that is dropped unrun is one of a token that nobody can raise any more.
        let _ = asked.recv();
    }

    /// As [`wait`](CancelToken::wait), but for at most this time. Whether somebody asked.
    pub fn wait_for(&self, limit: Duration) -> bool {
        let (told, asked) = channel();
        let hook = self.on_cancel(move || _ = told.send(()));
        // Whether it was the time or the hook, the token itself says what counts.
        let _ = asked.recv_timeout(limit);
        self.forget(hook);
        self.is_cancelled()
    }

    /// The token it is raised with, if it was made so.
    pub fn parent(&self) -> Option<CancelToken> {
        // SAFETY: as above; the room is written.
        unsafe { answered(|out| ((*self.table.as_ptr()).parent)(self.data.as_ptr(), out)) }.ok()
    }

    /// A number that no other living token has.
    pub fn id(&self) -> usize {
        self.data.as_ptr().addr()
    }
}

impl PartialEq for CancelToken {
    fn eq(&self, other: &CancelToken) -> bool {
        self.data == other.data
    }
}

impl Callback {
    /// Calls a callback that wants to know nothing.
    pub fn ring(self) {
        self.call(Outcome::Ready(Value::Nil));
    }
}

unsafe extern "C" fn is_cancelled<T: CancelType>(data: *const ()) -> bool {
    // SAFETY: the handle made from an `Arc<T>` is borrowed for the call.
    let token = unsafe { arc_ref::<T>(data) };
    super::guard(|| token.is_cancelled()).unwrap_or(false)
}

unsafe extern "C" fn cancel<T: CancelType>(data: *const ()) {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    guard_drop(|| token.cancel());
}

unsafe extern "C" fn on_cancel<T: CancelType>(data: *const (), hook: Callback) -> u64 {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    super::guard(|| token.on_cancel(hook)).unwrap_or(0)
}

unsafe extern "C" fn forget<T: CancelType>(data: *const (), hook: u64) {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    guard_drop(|| token.forget(hook));
}

unsafe extern "C" fn is_aborted<T: CancelType>(data: *const ()) -> bool {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    super::guard(|| token.is_aborted()).unwrap_or(false)
}

unsafe extern "C" fn abort<T: CancelType>(data: *const ()) {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    guard_drop(|| token.abort());
}

unsafe extern "C" fn on_abort<T: CancelType>(data: *const (), hook: Callback) -> u64 {
    // SAFETY: as above.
    let token = unsafe { arc_ref::<T>(data) };
    super::guard(|| token.on_abort(hook)).unwrap_or(0)
}

unsafe extern "C" fn parent<T: CancelType>(data: *const (), out: *mut Fallible<CancelToken>) {
    let none = || Error::new(Code::NotFound, "the token has no parent");
    // SAFETY: as above; the room is written.
    unsafe {
        let token = arc_ref::<T>(data);
        out.write(super::guard(|| token.parent()).and_then(|parent| parent.ok_or_else(none)).into());
    }
}

const _: () = assert!(size_of::<Option<NonNull<()>>>() == size_of::<usize>());
