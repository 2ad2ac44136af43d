//! What every call carries: who calls, for which task, until when, how deep.
//!
//! A `CallInfo` is borrowed for the length of a call; whoever needs it longer (a suspended task)
//! keeps it, which makes a refcounted copy. Its maker's functions do the copying, so fields that
//! only the maker knows survive.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use super::{CancelToken, Counted, Head, RuntimeHandle, guard};
use crate::error::{Frame, Result};

/// The circumstances of a call, as plain numbers. Grows at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[repr(C)]
pub struct Facts {
    /// The context whose code runs.
    pub context: u64,
    /// The context that called it; 0 is the embedding program.
    pub caller: u64,
    /// The task whose code runs.
    pub task: u64,
    /// The task that called it; 0 is none.
    pub parent: u64,
    /// Nanoseconds on the runtime's clock by which the call must end; 0 is no deadline.
    pub deadline_ns: u64,
    /// Logical depth: how many calls wait for this one, suspended ones included.
    pub depth: u32,
    /// `Facts::LENIENT` and bits to come.
    pub flags: u32,
    /// The runtime's number, as [`RuntimeHandle::id`] gives it.
    pub runtime: u64,
}

impl Facts {
    /// Values that cannot be represented are coerced or dropped instead of failing the call.
    pub const LENIENT: u32 = 1;
    /// The task gives way where its language's own coroutines yield: in Lua, `coroutine.yield` outside
    /// of a coroutine is then a [`Step::Yielded`](crate::Step::Yielded).
    pub const GIVES_WAY: u32 = 2;
    /// The context has rights of its own: what it uses may be limited. See [`CallInfo::count`].
    pub const LIMITED: u32 = 4;
}

/// The functions behind a `CallInfo`.
#[repr(C)]
struct InfoTable {
    head: Head,
    keep: unsafe extern "C" fn(*const CallInfo) -> *const CallInfo,
    retain: unsafe extern "C" fn(*const CallInfo),
    release: unsafe extern "C" fn(*const CallInfo),
}

/// The circumstances of a call: runtime, contexts, tasks, cancel token, deadline, depth, flags.
///
/// A context gets one with every call into it, and passes that one on with the calls it makes.
#[repr(C)]
pub struct CallInfo {
    table: NonNull<InfoTable>,
    /// Alive as long as this info: owned by its record, or borrowed by `Derived`.
    runtime: NonNull<RuntimeHandle>,
    /// Null without a token; alive as the runtime is.
    cancel: *const CancelToken,
    size: u32,
    reserved: u32,
    facts: Facts,
}

impl CallInfo {
    /// The runtime.
    pub fn runtime(&self) -> &RuntimeHandle {
        // SAFETY: see the field.
        unsafe { self.runtime.as_ref() }
    }

    /// The numbers, all at once. Those that the info's maker did not know yet are zero.
    #[inline]
    pub fn facts(&self) -> Facts {
        if self.size as usize >= size_of::<CallInfo>() { self.facts } else { self.known_facts() }
    }

    /// What there is of the numbers in an info from an older maker, which is shorter.
    #[cold]
    fn known_facts(&self) -> Facts {
        let mut facts = Facts::default();
        let known = (self.size as usize).saturating_sub(std::mem::offset_of!(CallInfo, facts));
        let known = known.min(size_of::<Facts>());
        // SAFETY: the maker initialised `size` bytes of the info, so `known` bytes of the numbers;
        // they are plain, and zeros stand where the copy ends.
        unsafe {
            let from = (&raw const self.facts).cast::<u8>();
            std::ptr::copy_nonoverlapping(from, (&raw mut facts).cast::<u8>(), known);
        }
        facts
    }

    /// The context whose code makes the call.
    #[inline]
    pub fn context(&self) -> u64 {
        self.facts.context
    }

    /// The context that called the running code; 0 is the embedding program.
    pub fn caller(&self) -> u64 {
        self.facts.caller
    }

    /// The running task.
    pub fn task(&self) -> u64 {
        self.facts.task
    }

    /// The task that called it; 0 is none.
    pub fn parent(&self) -> u64 {
        self.facts.parent
    }

    /// Logical depth.
    #[inline]
    pub fn depth(&self) -> u32 {
        self.facts.depth
    }

    /// The deadline on the runtime's clock ([`RuntimeHandle::now_ns`]), if there is one.
    pub fn deadline_ns(&self) -> Option<u64> {
        (self.facts.deadline_ns != 0).then_some(self.facts.deadline_ns)
    }

    /// Whether unrepresentable values are coerced instead of refused.
    #[inline]
    pub fn lenient(&self) -> bool {
        self.facts.flags & Facts::LENIENT != 0
    }

    /// Whether its task gives way where its language's own coroutines yield.
    pub fn gives_way(&self) -> bool {
        self.facts.flags & Facts::GIVES_WAY != 0
    }

    /// Counts what the calling context uses of something that its configuration may limit, until the
    /// answer is dropped: see [`RuntimeHandle::count`]. Of a context that is trusted nothing is counted,
    /// and nobody asked.
    ///
    /// # Errors
    /// `limit` when there may be no more, naming the key; then nothing is counted. `dead` when the context
    /// is gone.
    #[inline]
    pub fn count(&self, what: &str, amount: u64) -> Result<Counted> {
        if self.facts.flags & Facts::LIMITED == 0 {
            return Ok(Counted::NOTHING);
        }
        self.runtime().count(self.facts.context, what, amount)
    }

    /// The token by which the call can be asked to end, if it has one.
    pub fn cancel_token(&self) -> Option<&CancelToken> {
        // SAFETY: see the field.
        unsafe { self.cancel.as_ref() }
    }

    /// Whether somebody asked the call to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancel_token().is_some_and(CancelToken::is_cancelled)
    }

    /// Where in its script the calling code is. On the context's own thread only; else, and where
    /// the engine cannot tell, `None`.
    pub fn site(&self) -> Option<Frame> {
        self.runtime().site(self.facts.context)
    }

    /// A copy that may be kept, on any thread.
    pub fn keep(&self) -> KeptInfo {
        // SAFETY: the maker's function copies its own record.
        unsafe { KeptInfo(NonNull::new_unchecked((self.table.as_ref().keep)(self).cast_mut())) }
    }

    /// The same circumstances with other numbers, for the length of a nested call.
    #[inline]
    pub fn derive(&self, facts: Facts) -> Derived<'_> {
        Derived { info: self.with(facts), base: PhantomData }
    }

    fn with(&self, facts: Facts) -> CallInfo {
        CallInfo {
            table: NonNull::from(BORROWED),
            runtime: self.runtime,
            cancel: self.cancel,
            size: size_of::<CallInfo>() as u32,
            reserved: 0,
            facts,
        }
    }
}

/// Circumstances derived from others, on the stack.
pub struct Derived<'a> {
    info: CallInfo,
    base: PhantomData<&'a CallInfo>,
}

impl Deref for Derived<'_> {
    type Target = CallInfo;
    #[inline]
    fn deref(&self) -> &CallInfo {
        &self.info
    }
}

/// A `CallInfo` kept beyond its call: refcounted, of any thread.
pub struct KeptInfo(NonNull<CallInfo>);

// SAFETY: a kept info is immutable, counted atomically, and holds only handles of any thread.
unsafe impl Send for KeptInfo {}
// SAFETY: as above.
unsafe impl Sync for KeptInfo {}

/// A kept info with what it points to. The info comes first, so that a pointer to it is one to the record.
#[repr(C)]
struct Record {
    info: CallInfo,
    runtime: RuntimeHandle,
    cancel: Option<CancelToken>,
}

static KEPT: &InfoTable =
    &InfoTable { head: Head::of::<InfoTable>(), keep: keep_kept, retain: retain_kept, release: release_kept };

static BORROWED: &InfoTable =
    &InfoTable { head: Head::of::<InfoTable>(), keep: keep_borrowed, retain: retain_kept, release: release_kept };

impl KeptInfo {
    /// New circumstances.
    pub fn new(runtime: RuntimeHandle, cancel: Option<CancelToken>, facts: Facts) -> KeptInfo {
        let mut record = Arc::new_uninit();
        let place: *mut Record = Arc::get_mut(&mut record).map_or(std::ptr::null_mut(), |it| it.as_mut_ptr());
        // SAFETY: the Arc is new, so it gave its place, which is written whole; the info's pointers
        // lead to fields of the same record, which does not move any more.
        unsafe {
            let (runtime_at, cancel_at) = (&raw mut (*place).runtime, &raw mut (*place).cancel);
            runtime_at.write(runtime);
            cancel_at.write(cancel);
            let info = CallInfo {
                table: NonNull::from(KEPT),
                runtime: NonNull::new_unchecked(runtime_at),
                cancel: (*cancel_at).as_ref().map_or(std::ptr::null(), std::ptr::from_ref),
                size: size_of::<CallInfo>() as u32,
                reserved: 0,
                facts,
            };
            (&raw mut (*place).info).write(info);
            KeptInfo(NonNull::new_unchecked(Arc::into_raw(record.assume_init()).cast_mut().cast()))
        }
    }
}

impl Clone for KeptInfo {
    fn clone(&self) -> KeptInfo {
        // SAFETY: this handle keeps the record alive.
        unsafe { (self.table.as_ref().retain)(self.0.as_ptr()) };
        KeptInfo(self.0)
    }
}

impl Drop for KeptInfo {
    fn drop(&mut self) {
        // SAFETY: this handle owns one reference.
        unsafe { (self.table.as_ref().release)(self.0.as_ptr()) };
    }
}

impl Deref for KeptInfo {
    type Target = CallInfo;
    #[inline]
    fn deref(&self) -> &CallInfo {
        // SAFETY: this handle keeps the record alive.
        unsafe { self.0.as_ref() }
    }
}

unsafe extern "C" fn keep_kept(info: *const CallInfo) -> *const CallInfo {
    // SAFETY: the table is that of a kept info.
    unsafe { retain_kept(info) };
    info
}

unsafe extern "C" fn retain_kept(info: *const CallInfo) {
    // SAFETY: a kept info is the first field of a record in an Arc.
    unsafe { Arc::increment_strong_count(info.cast::<Record>()) };
}

unsafe extern "C" fn release_kept(info: *const CallInfo) {
    // SAFETY: as above; the caller gives its reference back.
    let _ = guard(|| drop(unsafe { Arc::from_raw(info.cast::<Record>()) }));
}

unsafe extern "C" fn keep_borrowed(info: *const CallInfo) -> *const CallInfo {
    // SAFETY: the info is borrowed for the call, and so is what it points to.
    let info = unsafe { &*info };
    let kept = KeptInfo::new(info.runtime().clone(), info.cancel_token().cloned(), info.facts);
    std::mem::ManuallyDrop::new(kept).0.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_an_older_maker_did_not_know_read_as_zero() {
        let facts = Facts { context: 7, depth: 3, runtime: 9, ..Facts::default() };
        let shorter = size_of::<CallInfo>() - size_of::<u64>();
        let info = CallInfo {
            table: NonNull::from(BORROWED),
            runtime: NonNull::dangling(),
            cancel: std::ptr::null(),
            size: shorter as u32,
            reserved: 0,
            facts,
        };
        assert_eq!(info.facts(), Facts { runtime: 0, ..facts });
        assert_eq!(CallInfo { size: size_of::<CallInfo>() as u32, ..info }.facts(), facts);
    }
}
