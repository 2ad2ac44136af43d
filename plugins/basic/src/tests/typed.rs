//! What a test types in: the lines that INPUT reads, instead of the standard input's.

use std::cell::RefCell;
use std::collections::VecDeque;

thread_local! {
    static LINES: RefCell<Option<VecDeque<String>>> = RefCell::default();
}

/// From now on, these are the lines.
pub(super) fn type_in(lines: &[&str]) {
    LINES.set(Some(lines.iter().map(|it| (*it).to_owned()).collect()));
}

/// The next of these lines, `Some(None)` after the last; `None` where no test has set any.
pub(crate) fn next_line() -> Option<Option<String>> {
    LINES.with_borrow_mut(|lines| lines.as_mut().map(VecDeque::pop_front))
}
