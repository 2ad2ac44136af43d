//! Memory that is refused, for tests: one request of an interpreter, or all from one on.

use std::cell::Cell;

/// Which requests of this thread are refused, counted from where it is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// None.
    Never,
    /// This one alone; 0 is the first.
    Only(u64),
    /// This one, and all after it.
    From(u64),
}

thread_local! {
    static REFUSAL: Cell<Refusal> = const { Cell::new(Refusal::Never) };
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
}

impl Refusal {
    /// Counts from here.
    pub(crate) fn set(self) {
        REFUSAL.set(self);
        REQUESTS.set(0);
    }
}

/// How many requests there were since.
pub(crate) fn requests() -> u64 {
    REQUESTS.get()
}

/// Whether the next request is refused.
pub(super) fn is_refused() -> bool {
    let number = REQUESTS.replace(REQUESTS.get() + 1);
    match REFUSAL.get() {
        Refusal::Never => false,
        Refusal::Only(refused) => number == refused,
        Refusal::From(first) => number >= first,
    }
}
