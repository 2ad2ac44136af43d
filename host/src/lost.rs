//! What becomes of a thread that is lost: code on it was told to stop, does not hear, and cannot be ended
//! from outside. Its contexts are dead for everybody else, whoever waits for them is told at once, and
//! nothing waits for the thread any more. It is left running: it uses what it holds, which stays.
//!
//! A thread that comes back after all finds nobody who waits for it, ends its contexts as its own, and ends.
//!
//! Invariant: a lost thread counts for nothing in what can still happen, until it comes back; and each of
//! its callers is answered once, here or before, since a promise is kept once.

use std::sync::Arc;

use calog_plugin_api::{Canceller, Code, Error};

use crate::context::ContextShared;
use crate::core::Core;
use crate::envelope::Parcel;
use crate::runtime::Lost;
use crate::thread::Thread;
use crate::worker::Landing;

/// As deep as promises lie upon each other on a stack: two for each of the nested pumps, and room.
const MOST_OWED: usize = 128;

/// What others wait for that lies on the stack of a thread.
#[derive(Default)]
pub(crate) struct Owed {
    /// The answers of calls that are being served, innermost first.
    answers: Vec<Canceller>,
    /// What the thread itself waits for in place.
    waits: Vec<Canceller>,
    /// Where the topmost of these lands.
    landing: Option<Arc<Landing>>,
    /// Its contexts, once everybody was told.
    contexts: Vec<Lost>,
    is_settled: bool,
}

impl Owed {
    /// Makes room for all there can be.
    pub(crate) fn reserve(&mut self) {
        self.answers.reserve(MOST_OWED);
        self.waits.reserve(MOST_OWED);
    }

    /// A call that is being served. Allocates nothing, as it is noted in a signal handler.
    pub(crate) fn answer(&mut self, answer: Canceller) {
        if self.answers.len() < self.answers.capacity() {
            self.answers.push(answer);
        }
    }

    /// A wait in place, as above.
    pub(crate) fn wait(&mut self, wait: Canceller, landing: Arc<Landing>) {
        self.landing.get_or_insert(landing);
        if self.waits.len() < self.waits.capacity() {
            self.waits.push(wait);
        }
    }
}

/// Tells everybody. May be repeated; when it returns it is done.
pub(crate) fn lose(core: &Arc<Core>, thread: &Arc<Thread>) {
    let mut owed = thread.pulse.owed.lock();
    if std::mem::replace(&mut owed.is_settled, true) {
        return;
    }
    // From here on no context comes to it.
    core.threads.lose(thread);
    let mut contexts = core.all_contexts();
    contexts.retain(|context| Arc::ptr_eq(&context.thread, thread));
    let culprit = contexts.iter().find(|it| thread.pulse.is_culprit(it.stop_address())).or(contexts.first()).cloned();
    owed.contexts.extend(contexts.iter().map(|context| Lost::context(context)));
    let error = |context: &ContextShared| error(context, culprit.as_deref());
    let of_thread = culprit.as_deref().map_or_else(|| Error::new(Code::Dead, "its thread is lost"), error);
    tracing::error!("{}; thread '{}' is left running", of_thread.message(), thread.name);
    // No call is taken any more before those that are there are refused.
    contexts.iter().for_each(|context| context.close_at_once());
    let refusal = of_thread.clone();
    thread.mailbox.refuse(move |Parcel { envelope, counted }| {
        envelope.refuse(&refusal);
        drop(counted);
    });
    for answer in std::mem::take(&mut owed.answers) {
        answer.cancel(&of_thread);
    }
    for context in &contexts {
        context.lose(&error(context));
    }
    for wait in std::mem::take(&mut owed.waits) {
        wait.cancel(&of_thread);
    }
    // The envelope that it serves, and what has landed for it below.
    if let Some(landing) = &owed.landing {
        landing.bury(&core.liveness);
    }
    core.liveness.down();
}

/// The lost thread goes on: it counts again.
pub(crate) fn count_again(core: &Core, thread: &Thread) {
    core.liveness.up();
    if let Some(landing) = thread.pulse.owed.lock().landing.take() {
        landing.surface(&core.liveness);
    }
}

/// The contexts of a thread that is lost.
pub(crate) fn contexts(thread: &Thread) -> Vec<Lost> {
    thread.pulse.owed.lock().contexts.clone()
}

/// What callers of a lost context are told.
fn error(context: &ContextShared, culprit: Option<&ContextShared>) -> Error {
    let culprit = culprit.unwrap_or(context);
    let deaf = format!("was told to stop and runs on, and its engine '{}' cannot interrupt it", culprit.engine);
    let message = if culprit.id == context.id {
        format!("context '{}' is lost: code of it {deaf}", context.name)
    } else {
        format!(
            "context '{}' is lost with its thread '{}': code of context '{}' there {deaf}",
            context.name, context.thread.name, culprit.name
        )
    };
    Error::new(Code::Dead, message)
}
