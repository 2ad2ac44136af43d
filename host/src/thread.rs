//! Threads that own contexts: one mailbox each, named when several contexts share them.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::{Code, Error, Result};
use nix::sys::pthread::{Pthread, pthread_self};

use crate::core::Core;
use crate::envelope::Envelope;
use crate::interrupt::Post;
use crate::joining::Joinable;
use crate::mailbox::{Inbox, MAX_QUEUED_CALLS, Mailbox, mailbox};
use crate::sync::Mutex;
use crate::vigil::Pulse;
use crate::worker::Worker;

/// The stack of a thread that owns contexts. It is reserved, not committed: what counts is what is
/// touched. Forty nested pumps through the hungriest engine fit in (a test runs to that limit).
pub(crate) const STACK_BYTES: usize = 8 << 20;

/// So many threads that have ended are joined together.
const MIN_REAPED: usize = 16;

/// A thread, as others see it.
pub(crate) struct Thread {
    pub(crate) name: String,
    pub(crate) mailbox: Mailbox,
    /// Known while it runs; what a signal is sent to.
    id: Mutex<Option<Pthread>>,
    /// Whether it hears what it is told.
    pub(crate) pulse: Pulse,
}

impl Thread {
    pub(crate) fn new(name: String) -> (Arc<Thread>, Inbox) {
        let (mailbox, inbox) = mailbox();
        (Arc::new(Thread { name, mailbox, id: Mutex::new(None), pulse: Pulse::default() }), inbox)
    }

    /// # Errors
    /// `limit` when its mailbox has no room for another call.
    pub(crate) fn check_room(&self) -> Result<()> {
        if self.mailbox.has_room() {
            return Ok(());
        }
        Err(Error::new(Code::Limit, format!("{MAX_QUEUED_CALLS} calls wait for thread '{}' already", self.name)))
    }

    /// Notes that this is the calling thread.
    pub(crate) fn arrive(&self) {
        *self.id.lock() = Some(pthread_self());
    }

    /// Notes that the calling thread leaves, after which nothing may be sent to it.
    pub(crate) fn leave(&self) {
        *self.id.lock() = None;
    }

    /// Uses the thread's id while it surely runs. Whether it does.
    pub(crate) fn with_id(&self, act: impl FnOnce(Pthread)) -> bool {
        // Under the lock, so that it does not leave meanwhile.
        let id = self.id.lock();
        id.map(act).is_some()
    }
}

/// Where a context runs.
pub(crate) enum Place<'a> {
    /// On a thread of its own.
    Own,
    /// On the thread of this name, which all share that name it.
    Shared(&'a str),
    /// On the embedding program's thread, while it pumps.
    Host,
}

/// The threads of a runtime.
#[derive(Default)]
pub(crate) struct Threads {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shared: HashMap<String, Arc<Thread>>,
    running: Vec<(Arc<Thread>, Joinable)>,
    /// Those that nobody waits for any more.
    lost: Vec<(Arc<Thread>, Joinable)>,
    /// How many may be there before those that have ended are looked for.
    reap_at: usize,
    /// Whether no context may be opened any more.
    closed: bool,
}

impl Threads {
    /// Sends the opening of a context to its thread, which is started if need be. `open` learns the
    /// thread, and notes the context.
    ///
    /// # Errors
    /// `closed` after `close`, `io` when there are no more threads.
    pub(crate) fn open(
        &self,
        core: &Arc<Core>,
        place: &Place<'_>,
        own_name: &str,
        open: impl FnOnce(&Arc<Thread>) -> Envelope,
    ) -> Result<()> {
        self.reap();
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::new(Code::Closed, "the runtime is closing: no new contexts"));
        }
        let shared = match place {
            Place::Host => {
                let envelope = open(&core.host);
                // Whoever is told of mail there may be foreign code.
                drop(state);
                core.send(&core.host, envelope);
                return Ok(());
            }
            Place::Shared(name) => Some(*name),
            Place::Own => None,
        };
        if let Some(thread) = shared.and_then(|name| state.shared.get(name)) {
            // Under the lock, so that the thread does not end meanwhile: see `try_end`.
            core.send(thread, open(thread));
            return Ok(());
        }
        let (thread, inbox) = Thread::new(shared.unwrap_or(own_name).to_owned());
        core.send(&thread, open(&thread));
        let join = start(core, &thread, inbox)?;
        if let Some(name) = shared {
            state.shared.insert(name.to_owned(), Arc::clone(&thread));
        }
        state.running.push((thread, join));
        Ok(())
    }

    /// Opens nothing from now on: all contexts that there will be are noted when this returns.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }

    /// Whether a thread without contexts may end: not when an envelope came in the meantime.
    pub(crate) fn try_end(&self, thread: &Arc<Thread>, is_empty: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        if !is_empty() {
            return false;
        }
        if state.shared.get(&thread.name).is_some_and(|known| Arc::ptr_eq(known, thread)) {
            state.shared.remove(&thread.name);
        }
        true
    }

    /// Forgets a thread that is lost: no context comes to it any more, and nothing waits for it.
    pub(crate) fn lose(&self, thread: &Arc<Thread>) {
        let mut state = self.state.lock();
        if state.shared.get(&thread.name).is_some_and(|known| Arc::ptr_eq(known, thread)) {
            state.shared.remove(&thread.name);
        }
        let at = state.running.iter().position(|(running, _)| Arc::ptr_eq(running, thread));
        let lost = at.map(|at| state.running.swap_remove(at));
        state.lost.extend(lost);
    }

    /// The threads that were lost and have not come back; the others are joined.
    pub(crate) fn lost(&self) -> Vec<Arc<Thread>> {
        let mut state = self.state.lock();
        let ended: Vec<_> = state.lost.extract_if(.., |(_, join)| join.has_ended()).collect();
        let lost = state.lost.iter().map(|(thread, _)| Arc::clone(thread)).collect();
        drop(state);
        ended.into_iter().for_each(|(_, join)| join.join());
        lost
    }

    /// The threads that still run.
    pub(crate) fn running(&self) -> Vec<Arc<Thread>> {
        let state = self.state.lock();
        state.running.iter().filter(|(_, join)| !join.has_ended()).map(|(thread, _)| Arc::clone(thread)).collect()
    }

    /// Joins threads that have ended, now and then: looking at each takes time, as long as it lives.
    fn reap(&self) {
        let due = {
            let state = self.state.lock();
            state.running.len() >= state.reap_at
        };
        if due {
            let left = self.join_ended();
            self.state.lock().reap_at = 2 * left + MIN_REAPED;
        }
    }

    /// Joins the threads that have ended; gives the number of those that have not.
    pub(crate) fn join_ended(&self) -> usize {
        let mut state = self.state.lock();
        let ended: Vec<_> = state.running.extract_if(.., |(_, join)| join.has_ended()).collect();
        let left = state.running.len();
        drop(state);
        ended.into_iter().for_each(|(_, join)| join.join());
        left
    }
}

fn start(core: &Arc<Core>, thread: &Arc<Thread>, inbox: Inbox) -> Result<Joinable> {
    let post = Post { core: Arc::clone(core), thread: Arc::clone(thread) };
    let run = move || {
        post.stand(|| Rc::new(Worker::new(Arc::clone(&post.core), Arc::clone(&post.thread), inbox)).run());
    };
    Joinable::start(&thread.name, Some(STACK_BYTES), &core.host, run).map_err(|error| {
        Error::new(Code::Io, format!("the thread '{}' could not be started: {error}", thread.name))
            .with_help("close contexts, share threads (`thread = \"name\"`), or raise the system's limits")
    })
}
