//! A Rust closure that crosses, is called at most once, and may be dropped uncalled.
//!
//! A closure that is no larger than a pointer travels in place of one: most hooks hold just one
//! handle, and there are several to each wait.

use std::mem::{ManuallyDrop, MaybeUninit};

use super::{Outcome, guard_drop};

/// The functions behind a callback.
#[repr(C)]
struct CallbackTable {
    call: unsafe extern "C" fn(*mut (), *mut Outcome),
    drop: unsafe extern "C" fn(*mut ()),
}

/// A closure over an outcome, callable once from any thread.
#[repr(C)]
pub struct Callback {
    table: &'static CallbackTable,
    /// The closure itself if it fits, else a box of it.
    data: *mut (),
}

// SAFETY: the closure inside is Send.
unsafe impl Send for Callback {}

/// Stores and takes back a closure of one type.
struct Packed<F>(F);

impl<F: FnOnce(Outcome) + Send + 'static> Packed<F> {
    const FITS: bool = size_of::<F>() <= size_of::<*mut ()>() && align_of::<F>() <= align_of::<*mut ()>();

    const TABLE: &'static CallbackTable = &CallbackTable { call: call::<F>, drop: discard::<F> };

    fn pack(closure: F) -> *mut () {
        if !Self::FITS {
            return Box::into_raw(Box::new(closure)).cast();
        }
        let mut data = MaybeUninit::<*mut ()>::zeroed();
        // SAFETY: the place is large and aligned enough; zeroes with a closure's bytes over them are
        // a pointer, which is never followed.
        unsafe {
            data.as_mut_ptr().cast::<F>().write(closure);
            data.assume_init()
        }
    }

    /// # Safety
    /// `data` came from `pack`, and nobody takes it again.
    unsafe fn unpack(data: *mut ()) -> F {
        // SAFETY: the caller vouches for it; see `pack`.
        unsafe { if Self::FITS { (&raw const data).cast::<F>().read() } else { *Box::from_raw(data.cast::<F>()) } }
    }
}

impl Callback {
    /// Wraps a closure.
    pub fn new<F: FnOnce(Outcome) + Send + 'static>(closure: F) -> Callback {
        Callback { table: Packed::<F>::TABLE, data: Packed::pack(closure) }
    }

    /// Calls it.
    pub fn call(self, outcome: Outcome) {
        let this = ManuallyDrop::new(self);
        let mut outcome = ManuallyDrop::new(outcome);
        // SAFETY: `call` takes the closure and the outcome over, once: this wrapper's drop is
        // suppressed, and so is the outcome's.
        unsafe { (this.table.call)(this.data, &raw mut *outcome) };
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // SAFETY: the closure was not called, so it is still whole.
        unsafe { (self.table.drop)(self.data) };
    }
}

unsafe extern "C" fn call<F: FnOnce(Outcome) + Send + 'static>(data: *mut (), outcome: *mut Outcome) {
    // SAFETY: `data` is this F, given up by the caller, as is the outcome.
    let (closure, outcome) = unsafe { (Packed::<F>::unpack(data), outcome.read()) };
    guard_drop(move || closure(outcome));
}

unsafe extern "C" fn discard<F: FnOnce(Outcome) + Send + 'static>(data: *mut ()) {
    // SAFETY: `data` is this F, given up by the caller.
    guard_drop(|| drop(unsafe { Packed::<F>::unpack(data) }));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::value::Value;

    /// Calls one and drops one of these closures, and looks that each gave up what it held, once.
    fn call_and_drop<F: FnOnce(Outcome) + Send + 'static>(make: impl Fn(Arc<()>) -> F, fits: bool) {
        assert_eq!(Packed::<F>::FITS, fits);
        let held = Arc::new(());
        let (called, dropped) = (Callback::new(make(held.clone())), Callback::new(make(held.clone())));
        assert_eq!(Arc::strong_count(&held), 3);
        called.call(Outcome::Ready(Value::Nil));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(dropped);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_closure_is_given_up_once_whatever_its_size() {
        call_and_drop(|held| move |_| drop(held), true);
        call_and_drop(|held| move |_| drop((held, [7_u64; 3])), true);
        let wide = [1_u64, 2, 3];
        call_and_drop(move |held| move |_| assert_eq!((held, wide).1, [1, 2, 3]), false);
        Callback::new(|_| {}).call(Outcome::Ready(Value::Nil));
        drop(Callback::new(|_| {}));
    }
}
