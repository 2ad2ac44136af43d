//! How contexts end: at once when none of their code is on the stack, else as soon as it has left it.
//!
//! From the moment a context is asked to close it takes no call, runs no task on and opens nothing;
//! whoever waits for it is answered. Invariant: an interpreter is freed on its own thread, by
//! nobody's code but this, and never below its own code.

use std::rc::Rc;

use calog_plugin_api::{Finisher, Value};

use super::Worker;
use crate::context::State;
use crate::ids::ContextId;
use crate::lost;

impl Worker {
    /// Notes that a context is to end. Who asked is told when it has.
    pub(super) fn close(&self, context: ContextId, reply: Option<Finisher>) {
        if let Some(local) = self.local(context) {
            local.shared.advance(State::Closing);
            self.closing.borrow_mut().push((context, reply));
        } else if let Some(reply) = reply {
            gone(reply);
        }
    }

    /// The thread was lost, and is not any more: nobody waits for its contexts, which end.
    pub(super) fn come_back(&self) {
        if self.is_back.replace(true) {
            return;
        }
        // Everybody has been told, or is now.
        lost::lose(&self.core, &self.thread);
        lost::count_again(&self.core, &self.thread);
        tracing::warn!("thread '{}', which was lost, has come to its end", self.thread.name);
        let contexts: Vec<_> = self.contexts.borrow().keys().copied().collect();
        contexts.into_iter().for_each(|context| self.close(context, None));
    }

    /// Ends the contexts that were asked to close and have no code on the stack any more.
    #[inline]
    pub(super) fn finish_closing(self: &Rc<Worker>) {
        if !self.closing.borrow().is_empty() {
            self.finish_some();
        }
    }

    #[cold]
    fn finish_some(self: &Rc<Worker>) {
        while let Some((context, reply)) = self.next_to_end() {
            // What was dropped on this thread meanwhile is released before its interpreter ends.
            self.flush_releases();
            let local = self.contexts.borrow_mut().remove(&context);
            if let Some(local) = local {
                local.destroy();
                self.core.forget_context(&local.shared);
            }
            // What its interpreter held of others on this thread is let go with it.
            self.flush_releases();
            reply.into_iter().for_each(gone);
        }
    }

    fn next_to_end(&self) -> Option<(ContextId, Option<Finisher>)> {
        let mut closing = self.closing.borrow_mut();
        let is_free = |id: ContextId| !self.local(id).is_some_and(|local| local.is_entered());
        let at = closing.iter().position(|(id, _)| is_free(*id))?;
        Some(closing.remove(at))
    }
}

/// Tells who asked that the context is gone.
fn gone(reply: Finisher) {
    // A waiter that left is no loss; closed is closed.
    let _ = reply.finish(Ok(Value::Nil));
}
