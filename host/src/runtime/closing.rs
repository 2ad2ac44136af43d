//! The end of a runtime: everything it started is asked to end, waited for within a limit, and what
//! did not end is named.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use super::{ContextRef, Runtime};
use crate::context::ContextShared;
use crate::joining::Joinable;
use crate::lost;
use crate::natives::Natives;
use crate::providers::{Exceeded, Registry, Shutdown};
use crate::surroundings::Surroundings;
use crate::sync::Mutex;
use crate::sync::atomic::Ordering;
use crate::sync::time::Instant;

/// How long closing a context or a runtime may take, unless it is said otherwise.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A piece of foreign code.
type Act = Box<dyn FnOnce() + Send>;

/// What each step of closing has at least, also when those before it took all the time.
const LEAST: Duration = Duration::from_millis(200);

/// Something that did not end in time. It is left running: no thread can be ended from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lost {
    /// A context, whose thread is held by native code or by code that its engine cannot interrupt.
    Context {
        /// Its name.
        name: String,
        /// Its language.
        language: String,
        /// The thread it runs on.
        thread: String,
    },
    /// A thread without contexts.
    Thread(String),
    /// The run hook of a bundle, or what is told that it shall end.
    Bundle(String),
    /// The shutdown hook of a bundle.
    Shutdown(String),
    /// What the program's own provider runs, or its shutdown.
    Provider(Exceeded),
    /// An engine or a bundle that is being dropped, and what would have come after it.
    Drop(String),
    /// So many natives that block.
    Blocking(usize),
    /// An alarm's work.
    Timers,
}

impl Lost {
    pub(crate) fn context(context: &ContextShared) -> Lost {
        let (name, language) = (context.name.clone(), context.language.clone());
        Lost::Context { name, language, thread: context.thread.name.clone() }
    }
}

impl Display for Lost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Context { name, language, thread } => write!(f, "context '{name}' ({language}) on thread '{thread}'"),
            Lost::Thread(name) => write!(f, "thread '{name}'"),
            Lost::Bundle(name) => write!(f, "the run hook of bundle '{name}'"),
            Lost::Shutdown(name) => write!(f, "the shutdown hook of bundle '{name}'"),
            Lost::Provider(exceeded) => write!(f, "{exceeded}"),
            Lost::Drop(what) => write!(f, "the drop of {what}"),
            Lost::Blocking(1) => write!(f, "a blocking native"),
            Lost::Blocking(count) => write!(f, "{count} blocking natives"),
            Lost::Timers => write!(f, "the timers"),
        }
    }
}

/// What closing a runtime came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Closed {
    /// What did not end within the limit.
    pub lost: Vec<Lost>,
}

impl Runtime {
    /// Closes a context: no new calls; running code is interrupted; who waits for it is told. Pumps
    /// until it is gone, for at most [`CLOSE_LIMIT`]. Whether it is.
    pub fn close_context(&self, context: &ContextRef) -> bool {
        context.0.ask_to_close();
        let gone = || self.core.context(context.0.id).is_none();
        self.pump_until(gone, CLOSE_LIMIT)
    }

    /// The contexts that are lost: code of them, or of another one on their thread, was told to stop and
    /// runs on. Their callers have been told; the threads are left running. Those whose code has ended
    /// after all are not among them.
    pub fn lost(&self) -> Vec<Lost> {
        self.core.threads.lost().iter().flat_map(|thread| lost::contexts(thread)).collect()
    }

    /// Closes everything within a limit: contexts, threads, bundles. May be repeated.
    pub fn close(&self, limit: Duration) -> Closed {
        if self.closed.replace(true) {
            return Closed::default();
        }
        let until = Instant::now() + limit;
        let mut lost = self.close_contexts(until);
        lost.extend(self.end_providers(until));
        lost.extend(self.end_services(until));
        while self.worker.pump_one() {}
        lost.extend(self.drop_plugins(until));
        self.worker.thread.leave();
        Closed { lost }
    }

    fn close_contexts(&self, until: Instant) -> Vec<Lost> {
        let core = &self.core;
        core.closing.store(true, Ordering::Release);
        core.threads.close();
        core.all_contexts().iter().for_each(|context| context.ask_to_close());
        self.serve_until(until, || core.contexts.read().is_empty());
        self.serve_until(until, || core.threads.join_ended() == 0);
        let contexts = core.all_contexts();
        let mut lost: Vec<Lost> = Vec::new();
        lost.extend(contexts.iter().map(|context| Lost::context(context)));
        lost.extend(self.lost());
        let has_context = |thread| contexts.iter().any(|context| Arc::ptr_eq(&context.thread, thread));
        let threads = core.threads.running();
        lost.extend(threads.iter().filter(|it| !has_context(it)).map(|thread| Lost::Thread(thread.name.clone())));
        lost
    }

    /// Asks whatever providers run to end, and waits for it while contexts go on: what is under way may
    /// come to its end. What does not, within the limit, is asked again by [`close`](Runtime::close).
    pub fn drain(&self, limit: Duration) {
        let until = Instant::now() + limit;
        self.beside_providers("draining", move |providers| {
            providers.stop_all(Some(until));
        });
    }

    /// Ends what providers run and shuts them down, the last to boot first.
    fn end_providers(&self, until: Instant) -> Vec<Lost> {
        if !self.providers.has_to_end() {
            return Vec::new();
        }
        let outcome = Arc::new(Mutex::new(Shutdown::default()));
        let ended = Arc::clone(&outcome);
        self.beside_providers("closing", move |providers| *ended.lock() = providers.shutdown_by(Some(until)));
        let exceeded = std::mem::take(&mut outcome.lock().exceeded);
        exceeded.into_iter().map(|it| self.exceeded(it)).collect()
    }

    /// Does something with the providers on a thread beside this one, which serves its mailbox meanwhile.
    /// It ends in its time: whatever a provider does is waited for within its limit.
    fn beside_providers(&self, name: &str, act: impl FnOnce(&Registry<Surroundings>) + Send + 'static) {
        let providers = Arc::clone(&self.providers);
        let Some(thread) = self.beside(name, move || act(&providers)) else { return };
        while !thread.has_ended() {
            self.worker.pump(&|| thread.has_ended(), None);
        }
        thread.join();
    }

    fn exceeded(&self, exceeded: Exceeded) -> Lost {
        let is_bundle = |name: &String| self.core.engines.catalog.bundles().iter().any(|it| it.name == *name);
        match exceeded {
            Exceeded::Run(name) if is_bundle(&name) => Lost::Bundle(name),
            Exceeded::Shutdown(name) if is_bundle(&name) => Lost::Shutdown(name),
            other => Lost::Provider(other),
        }
    }

    /// Drops what plugins have made: natives, bundles, engines.
    fn drop_plugins(&self, until: Instant) -> Option<Lost> {
        self.core.set_natives(Natives::default());
        let names = self.core.task_names.lock().take();
        drop(names);
        let bundles: Vec<String> = self.core.engines.catalog.bundles().into_iter().map(|it| it.name).collect();
        let providers = self.providers.take_all().into_iter().map(|(name, it)| {
            let what = if bundles.contains(&name) { "bundle" } else { "provider" };
            (Lost::Drop(format!("{what} '{name}'")), dropping(it))
        });
        let engines = self.core.engines.take().into_iter();
        let engines = engines.map(|(name, it)| (Lost::Drop(format!("engine '{name}'")), dropping(it)));
        self.one_by_one(until, providers.chain(engines).collect())
    }

    /// Runs foreign code on a thread of its own, one act after another, and waits for the end. An act
    /// that does not return holds up those behind it, and is named.
    fn one_by_one(&self, until: Instant, acts: Vec<(Lost, Act)>) -> Option<Lost> {
        let at = Arc::new(Mutex::new(acts.first()?.0.clone()));
        let noted = Arc::clone(&at);
        let work = move || {
            for (name, act) in acts {
                *noted.lock() = name;
                act();
            }
        };
        let thread = self.beside("closing", work)?;
        self.serve_until(until, || thread.has_ended());
        if thread.has_ended() {
            thread.join();
            return None;
        }
        let at = at.lock().clone();
        Some(at)
    }

    /// Starts foreign code on a thread of its own.
    fn beside(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Option<Joinable> {
        let started = Joinable::start(name, None, &self.core.host, work);
        started.map_err(|error| tracing::error!("the thread '{name}' could not be started: {error}")).ok()
    }

    fn end_services(&self, until: Instant) -> Vec<Lost> {
        let core = &self.core;
        core.timers.stop();
        core.pool.stop();
        self.serve_until(until, || core.timers.join_ended() && core.pool.join_ended() == 0);
        let timers = (!core.timers.join_ended()).then_some(Lost::Timers);
        let blocking = Some(core.pool.join_ended()).filter(|&count| count > 0).map(Lost::Blocking);
        timers.into_iter().chain(blocking).collect()
    }

    /// Serves the mailbox until the condition holds or the time is up. Whoever makes the condition
    /// true wakes this thread.
    fn serve_until(&self, until: Instant, condition: impl Fn() -> bool) {
        let until = until.max(Instant::now() + LEAST);
        while !condition() && Instant::now() < until {
            self.worker.pump(&condition, Some(until));
        }
    }
}

fn dropping<T: Send + 'static>(it: T) -> Act {
    Box::new(move || drop(it))
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close(CLOSE_LIMIT);
    }
}
