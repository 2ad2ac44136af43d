//! Dropping without recursion: what a dropped collection held is dropped in a loop, however deep it
//! nests.

use std::cell::{Cell, RefCell};

use super::Val;

thread_local! {
    static IS_BURYING: Cell<bool> = const { Cell::new(false) };
    static LEFT: RefCell<Vec<Vec<Val>>> = const { RefCell::new(Vec::new()) };
}

/// Drops values that were inside of something.
pub(crate) fn bury(values: Vec<Val>) {
    if !values.iter().any(Val::holds_others) {
        return;
    }
    // While a thread ends there is no queue any more; what is left then is dropped as it comes.
    if IS_BURYING.try_with(|it| it.replace(true)).unwrap_or(true) {
        let _ = LEFT.try_with(|left| left.borrow_mut().push(values));
        return;
    }
    let _end = End;
    drop(values);
    while let Some(next) = LEFT.try_with(|left| left.borrow_mut().pop()).ok().flatten() {
        drop(next);
    }
}

/// Ends the burial, also when something panicked.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        let _ = IS_BURYING.try_with(|it| it.set(false));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Heap, Items};
    use super::*;

    #[test]
    fn deep_nesting_drops_on_a_small_stack() {
        let deep = || {
            let heap = Heap::default();
            let mut value = Val::Nil;
            for _ in 0..1_000_000 {
                value = Val::List(heap.list(Items::Listed(vec![value])));
            }
        };
        let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(deep).expect("a thread");
        thread.join().expect("no overflow");
    }
}
