//! A Rust closure that crosses, is called at most once, and may be dropped uncalled.

use super::{Outcome, guard_drop};

/// A closure over an outcome, callable once from any thread.
#[repr(C)]
pub struct Callback {
    call: unsafe extern "C" fn(*mut (), *mut Outcome),
    drop: unsafe extern "C" fn(*mut ()),
    data: *mut (),
}

// SAFETY: the closure inside is Send.
unsafe impl Send for Callback {}

impl Callback {
    /// Wraps a closure.
    pub fn new<F: FnOnce(Outcome) + Send + 'static>(closure: F) -> Callback {
        Callback { call: call::<F>, drop: discard::<F>, data: Box::into_raw(Box::new(closure)).cast() }
    }

    /// Calls it.
    pub fn call(self, outcome: Outcome) {
        let this = std::mem::ManuallyDrop::new(self);
        let mut outcome = std::mem::ManuallyDrop::new(outcome);
        // SAFETY: `call` takes the closure and the outcome over, once: this wrapper's drop is
        // suppressed, and so is the outcome's.
        unsafe { (this.call)(this.data, &raw mut *outcome) };
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        // SAFETY: the closure was not called, so it is still whole.
        unsafe { (self.drop)(self.data) };
    }
}

unsafe extern "C" fn call<F: FnOnce(Outcome)>(data: *mut (), outcome: *mut Outcome) {
    // SAFETY: `data` is the box of this F, given up by the caller, as is the outcome.
    let (closure, outcome) = unsafe { (Box::from_raw(data.cast::<F>()), outcome.read()) };
    guard_drop(move || closure(outcome));
}

unsafe extern "C" fn discard<F>(data: *mut ()) {
    // SAFETY: `data` is the box of this F, given up by the caller.
    guard_drop(|| drop(unsafe { Box::from_raw(data.cast::<F>()) }));
}
