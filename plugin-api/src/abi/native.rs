//! Natives: functions written once, callable from every language, and how arguments reach them.

use std::mem::MaybeUninit;
use std::sync::Arc;

use super::{CallInfo, Head, Outcome, arc_ref, guard, release_arc, retain_arc, shared_handle};
use crate::value::{Value, View};

/// Borrowed arguments of a call; missing ones read as nil.
#[derive(Clone, Copy)]
pub struct Args<'a>(&'a [View<'a>]);

impl<'a> Args<'a> {
    /// These arguments.
    #[inline]
    pub fn new(views: &'a [View<'a>]) -> Args<'a> {
        Args(views)
    }

    /// How many were given.
    #[inline]
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether none was given.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Argument `index`, counted from 0, or nil.
    #[inline]
    pub fn get(self, index: usize) -> View<'a> {
        self.0.get(index).copied().unwrap_or(View::NIL)
    }

    /// All of them.
    #[inline]
    pub fn as_slice(self) -> &'a [View<'a>] {
        self.0
    }

    /// Those from `index` on.
    pub fn from(self, index: usize) -> Args<'a> {
        Args(self.0.get(index..).unwrap_or_default())
    }

    /// All of them, in order.
    pub fn iter(self) -> std::iter::Copied<std::slice::Iter<'a, View<'a>>> {
        self.0.iter().copied()
    }

    /// Owned, to be kept beyond the call.
    pub fn to_values(self) -> Vec<Value> {
        self.iter().map(View::to_value).collect()
    }

    #[inline]
    pub(crate) fn raw(self) -> (*const View<'a>, usize) {
        (self.0.as_ptr(), self.0.len())
    }

    /// # Safety
    /// `start` and `count` are those of a slice borrowed for 'a.
    #[inline]
    pub(crate) unsafe fn from_raw(start: *const View<'a>, count: usize) -> Args<'a> {
        // SAFETY: the caller vouches for it.
        Args(unsafe { std::slice::from_raw_parts(start, count) })
    }
}

impl<'a> IntoIterator for Args<'a> {
    type Item = View<'a>;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, View<'a>>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What makes a native.
pub trait NativeType: Send + Sync + 'static {
    /// Calls it on the caller's thread. It must not block: what takes time is pending.
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome;
    /// Its descriptor, as the map that [`Descriptor`](crate::Descriptor) reads.
    fn descriptor(&self) -> Value;
    /// Its flags, as in its descriptor.
    fn flags(&self) -> u32;
}

#[repr(C)]
pub(crate) struct NativeTable {
    head: Head,
    retain: unsafe extern "C" fn(*mut ()),
    release: unsafe extern "C" fn(*mut ()),
    call: unsafe extern "C" fn(*const (), &CallInfo, *const View<'_>, usize, *mut Outcome) -> u8,
    flags: unsafe extern "C" fn(*const ()) -> u32,
    descriptor: unsafe extern "C" fn(*const (), *mut Value),
}

shared_handle! {
    /// A function written in Rust that every language can call.
    Native, NativeTable
}

struct Maker<T>(std::marker::PhantomData<T>);

impl<T: NativeType> Maker<T> {
    const TABLE: NativeTable = NativeTable {
        head: Head::of::<NativeTable>(),
        retain: retain_arc::<T>,
        release: release_arc::<T>,
        call: call::<T>,
        flags: flags::<T>,
        descriptor: descriptor::<T>,
    };
}

impl Native {
    /// A native of this making.
    pub fn new<T: NativeType>(data: Arc<T>) -> Native {
        Native::from_arc(&Maker::<T>::TABLE, data)
    }

    /// Calls it, with the circumstances of the running code.
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

    /// Its flags: [`Descriptor::WAITS`](crate::Descriptor::WAITS) and others.
    pub fn flags(&self) -> u32 {
        // SAFETY: the handle keeps the maker's data alive.
        unsafe { ((*self.table.as_ptr()).flags)(self.data.as_ptr()) }
    }

    /// What it is called, takes and gives.
    pub fn descriptor(&self) -> crate::Descriptor {
        let mut map = Value::Nil;
        // SAFETY: as above; the value is initialised, and the callee replaces it.
        unsafe { ((*self.table.as_ptr()).descriptor)(self.data.as_ptr(), &mut map) };
        crate::Descriptor::from_view(map.view())
    }
}

unsafe extern "C" fn call<T: NativeType>(
    data: *const (),
    info: &CallInfo,
    args: *const View<'_>,
    count: usize,
    out: *mut Outcome,
) -> u8 {
    // SAFETY: the handle and the arguments are borrowed for the call; `out` is room for an outcome,
    // which is written in place, once: by the call, or here when it panicked before that.
    unsafe {
        let native = arc_ref::<T>(data);
        if let Err(error) = guard(|| out.write(native.call(info, Args::from_raw(args, count)))) {
            out.write(Outcome::Failed(error));
        }
        (*out).status()
    }
}

unsafe extern "C" fn flags<T: NativeType>(data: *const ()) -> u32 {
    // SAFETY: the handle is borrowed for the call.
    let native = unsafe { arc_ref::<T>(data) };
    guard(|| native.flags()).unwrap_or(0)
}

unsafe extern "C" fn descriptor<T: NativeType>(data: *const (), out: *mut Value) {
    // SAFETY: the handle is borrowed for the call; `out` is initialised.
    unsafe {
        let native = arc_ref::<T>(data);
        *out = guard(|| native.descriptor()).unwrap_or_default();
    }
}
