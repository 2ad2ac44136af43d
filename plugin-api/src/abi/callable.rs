//! Function values: refcounted across threads, run on their owner's.

use std::fmt::{self, Debug, Formatter};
use std::mem::MaybeUninit;
use std::sync::Arc;

use super::{Args, CallInfo, Head, Outcome, arc_ref, guard, release_arc, retain_arc, shared_handle};
use crate::error::Result;
use crate::value::{Value, View};

/// Whose function a callable is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The runtime it belongs to.
    pub runtime: u64,
    /// The context that owns it; 0 for a native, which runs on whatever thread calls it.
    pub context: u64,
    /// The owner's key for it.
    pub key: u64,
}

/// What makes a callable.
pub trait CallableType: Send + Sync + 'static {
    /// Calls it, from any thread: in place where the owner is on this thread, else pending.
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome;
    /// Whose it is.
    fn identity(&self) -> Identity;
    /// `Callable::LENIENT` and bits to come.
    fn flags(&self) -> u32 {
        0
    }
}

#[repr(C)]
pub(crate) struct CallableTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    call: unsafe extern "C" fn(*const (), &CallInfo, *const View<'_>, usize, *mut Outcome) -> u8,
    identity: unsafe extern "C" fn(*const ()) -> Identity,
    flags: unsafe extern "C" fn(*const ()) -> u32,
}

shared_handle! {
    /// A function of some language, or a native, as a value.
    ///
    /// It may be kept, cloned and dropped on any thread. Calling it runs it on its owner's thread;
    /// once its context is closed, calls are `dead` errors. Two are equal when they are the same one.
    Callable, CallableTable
}

struct Maker<T>(std::marker::PhantomData<T>);

impl<T: CallableType> Maker<T> {
    const TABLE: CallableTable = CallableTable {
        head: Head::of::<CallableTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        call: call::<T>,
        identity: identity::<T>,
        flags: flags::<T>,
    };
}

impl Callable {
    /// Calls through it convert leniently.
    pub const LENIENT: u32 = 1;

    /// A callable of this making.
    pub fn new<T: CallableType>(data: Arc<T>) -> Callable {
        Callable::from_arc(&Maker::<T>::TABLE, data)
    }

    /// Calls it. `info` is that of the running code. When the owner is on this thread the call is
    /// made in place; otherwise the outcome is pending.
    #[inline]
    pub fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let mut outcome = MaybeUninit::uninit();
        let (start, count) = args.raw();
        // SAFETY: the handle keeps the maker's data alive; the arguments are borrowed for the call;
        // the callee writes the outcome, whatever happens.
        unsafe {
            ((*self.table.as_ptr()).call)(self.data.as_ptr(), info, start, count, outcome.as_mut_ptr());
            outcome.assume_init()
        }
    }

    /// Calls it and hands the result to `then`, on this thread or on the one that finishes it: for
    /// natives that answer from threads of their own.
    pub fn start(&self, info: &CallInfo, args: Args<'_>, then: impl FnOnce(Result<Value>) + Send + 'static) {
        self.call(info, args).then(then);
    }

    /// Whose function it is.
    pub fn identity(&self) -> Identity {
        // SAFETY: the handle keeps the maker's data alive.
        unsafe { ((*self.table.as_ptr()).identity)(self.data.as_ptr()) }
    }

    /// Whether calls through it convert leniently.
    pub fn is_lenient(&self) -> bool {
        // SAFETY: as above.
        unsafe { ((*self.table.as_ptr()).flags)(self.data.as_ptr()) & Callable::LENIENT != 0 }
    }

    /// A number that no other living callable has: engines find their own wrapper of it by this.
    pub fn address(&self) -> usize {
        self.data.as_ptr() as usize
    }
}

impl PartialEq for Callable {
    fn eq(&self, other: &Callable) -> bool {
        self.data == other.data
    }
}

impl Eq for Callable {}

impl Debug for Callable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let identity = self.identity();
        match identity.context {
            0 => write!(f, "<native {}>", identity.key),
            context => write!(f, "<function {} of context {}>", identity.key, context & u64::from(u32::MAX)),
        }
    }
}

unsafe extern "C" fn call<T: CallableType>(
    data: *const (),
    info: &CallInfo,
    args: *const View<'_>,
    count: usize,
    out: *mut Outcome,
) -> u8 {
    // SAFETY: the handle and the arguments are borrowed for the call; `out` is room for an outcome,
    // which is written in place, once: by the call, or here when it panicked before that.
    unsafe {
        let callable = arc_ref::<T>(data);
        if let Err(error) = guard(|| out.write(callable.call(info, Args::from_raw(args, count)))) {
            out.write(Outcome::Failed(error));
        }
        (*out).status()
    }
}

unsafe extern "C" fn identity<T: CallableType>(data: *const ()) -> Identity {
    // SAFETY: the handle is borrowed for the call.
    let callable = unsafe { arc_ref::<T>(data) };
    guard(|| callable.identity()).unwrap_or(Identity { runtime: 0, context: 0, key: 0 })
}

unsafe extern "C" fn flags<T: CallableType>(data: *const ()) -> u32 {
    // SAFETY: the handle is borrowed for the call.
    let callable = unsafe { arc_ref::<T>(data) };
    guard(|| callable.flags()).unwrap_or(0)
}
