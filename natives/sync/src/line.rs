//! Those who wait, in the order in which they came.
//!
//! A ticket is drawn before its holder stands in line, because the hook that takes him out again must
//! know it before.

use std::collections::VecDeque;

use calog_plugin_api::{CallInfo, Completion, Counted, Finisher, Result};

/// Where waits come from: the runtime of a call. Only scripts end these, so a program in which all
/// wait for such is stuck, and is told so.
pub(crate) trait Promises {
    /// A promise; `text` says what is waited for.
    fn promise(&self, text: &str) -> (Completion, Finisher);

    /// Counts an item in a queue, for whoever calls.
    ///
    /// # Errors
    /// `limit`, when he may have no more.
    fn count_item(&self) -> Result<Counted>;
}

impl Promises for CallInfo {
    fn promise(&self, text: &str) -> (Completion, Finisher) {
        self.runtime().internal_completion(text)
    }

    #[inline]
    fn count_item(&self) -> Result<Counted> {
        self.count("queue_items", 1)
    }
}

/// By which somebody leaves a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ticket(u64);

/// A line.
pub(crate) struct Line<T> {
    next: u64,
    waiting: VecDeque<(Ticket, T)>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Line { next: 0, waiting: VecDeque::new() }
    }
}

impl<T> Line<T> {
    /// A ticket nobody else has.
    pub(crate) fn ticket(&mut self) -> Ticket {
        self.next += 1;
        Ticket(self.next)
    }

    /// Stands at the end.
    pub(crate) fn join(&mut self, ticket: Ticket, who: T) {
        self.waiting.push_back((ticket, who));
    }

    /// Leaves, if he has not been served.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<T> {
        let at = self.waiting.iter().position(|(other, _)| *other == ticket)?;
        self.waiting.remove(at).map(|(_, who)| who)
    }

    /// Takes the first.
    pub(crate) fn first(&mut self) -> Option<T> {
        self.waiting.pop_front().map(|(_, who)| who)
    }

    /// Takes all.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.waiting).into_iter().map(|(_, who)| who)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
