//! `sync.WaitGroup`: a count that is waited for to be zero.
//!
//! Invariant: nobody stands in line while the count is zero; it is never below.

use std::sync::Arc;

use calog_plugin_api::{CallInfo, Code, Descriptor, Error, Finisher, Function, Outcome, Result, Value};

use crate::handle::Handle;
use crate::line::{Line, Promises, Ticket};
use crate::locks::{Mutex, lock};

/// A wait group.
pub(crate) struct WaitGroup {
    name: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    count: i64,
    waiting: Line<Finisher>,
}

impl WaitGroup {
    pub(crate) fn new(name: &str) -> WaitGroup {
        WaitGroup { name: name.into(), state: Mutex::default() }
    }

    /// Adds to the count; whoever brings it to zero wakes all who wait.
    ///
    /// # Errors
    /// `range` when the count would leave its bounds, and stays what it was. `place` is what the
    /// message begins with.
    pub(crate) fn add(&self, place: &str, delta: i64) -> Result<()> {
        let mut state = lock(&self.state);
        let count = state.count;
        state.count = count.checked_add(delta).filter(|count| *count >= 0).ok_or_else(|| {
            let name = &self.name;
            let bound = if delta < 0 { "below zero" } else { "beyond 64 bits" };
            Error::new(
                Code::Range,
                format!("{place}: the count of wait group '{name}' is {count}: {delta} takes it {bound}"),
            )
        })?;
        let woken = (state.count == 0).then(|| state.waiting.all());
        drop(state);
        for finisher in woken.into_iter().flatten() {
            // Who was cancelled meanwhile misses nothing.
            let _ = finisher.finish(Ok(Value::Nil));
        }
        Ok(())
    }

    /// Waits for zero.
    pub(crate) fn wait(self: &Arc<Self>, promises: &impl Promises) -> Outcome {
        let ticket = {
            let mut state = lock(&self.state);
            if state.count == 0 {
                return Outcome::Ready(Value::Nil);
            }
            state.waiting.ticket()
        };
        let (completion, finisher) = promises.promise(&format!("wait group '{}'", self.name));
        let group = Arc::downgrade(self);
        finisher.on_cancel(move || {
            if let Some(group) = group.upgrade() {
                group.leave(ticket);
            }
        });
        let mut state = lock(&self.state);
        if state.count == 0 {
            drop(state);
            // The completion is still here, so it takes the result.
            let _ = finisher.finish(Ok(Value::Nil));
        } else {
            state.waiting.join(ticket, finisher);
        }
        Outcome::Pending(completion)
    }

    fn leave(&self, ticket: Ticket) {
        let left = lock(&self.state).waiting.leave(ticket);
        drop(left);
    }

    /// At the end.
    pub(crate) fn clear(&self) {
        let all = lock(&self.state).waiting.all();
        drop(all);
    }
}

/// The Object of a wait group.
pub(crate) fn handle(group: &Arc<WaitGroup>) -> Result<Handle> {
    let [add, done, wait] = std::array::from_fn(|_| Arc::clone(group));
    let add = Function::new("waitgroup.add", move |delta: i64| add.add("waitgroup.add: argument 1 'delta'", delta))
        .params(["delta = 1"])
        .doc("Adds to the count.");
    let done = Function::new("waitgroup.done", move || done.add("waitgroup.done", -1)).doc("Takes one off the count.");
    let wait = Function::new("waitgroup.wait", move |info: &CallInfo| wait.wait(info))
        .flags(Descriptor::WAITS)
        .doc("Waits until the count is zero.");
    Handle::new("waitgroup", &group.name, [("add", add), ("done", done), ("wait", wait)])
}
