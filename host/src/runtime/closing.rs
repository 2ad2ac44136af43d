//! The end of a runtime: everything it started is asked to end, waited for within a limit, and what
//! did not end is named.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::{Hook, View};

use super::boot::run_hook;
use super::{ContextRef, Runtime};
use crate::joining::{Joinable, join_ended};
use crate::natives::Natives;
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
    /// The shutdown hook of a bundle, and what would have come after it.
    Shutdown(String),
    /// An engine or a bundle that is being dropped, and what would have come after it.
    Drop(String),
    /// So many natives that block.
    Blocking(usize),
    /// An alarm's work.
    Timers,
}

impl Display for Lost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Context { name, language, thread } => write!(f, "context '{name}' ({language}) on thread '{thread}'"),
            Lost::Thread(name) => write!(f, "thread '{name}'"),
            Lost::Bundle(name) => write!(f, "the run hook of bundle '{name}'"),
            Lost::Shutdown(name) => write!(f, "the shutdown hook of bundle '{name}'"),
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

    /// Closes everything within a limit: contexts, threads, bundles. May be repeated.
    pub fn close(&self, limit: Duration) -> Closed {
        if self.closed.replace(true) {
            return Closed::default();
        }
        let until = Instant::now() + limit;
        let mut lost = self.close_contexts(until);
        lost.extend(self.end_running(until));
        lost.extend(self.shut_down(until));
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
        for context in &contexts {
            let (name, language) = (context.name.clone(), context.language.clone());
            lost.push(Lost::Context { name, language, thread: context.thread.name.clone() });
        }
        let has_context = |thread| contexts.iter().any(|context| Arc::ptr_eq(&context.thread, thread));
        let threads = core.threads.running();
        lost.extend(threads.iter().filter(|it| !has_context(it)).map(|thread| Lost::Thread(thread.name.clone())));
        lost
    }

    /// Ends what bundles run.
    fn end_running(&self, until: Instant) -> Vec<Lost> {
        let mut running = Vec::new();
        for (stop, hook) in std::mem::take(&mut *self.running.lock()) {
            // What a bundle wants to be told may not return, and the others are to be asked as well.
            running.extend(self.beside(&hook.name.clone(), move || stop.cancel()));
            running.push(hook);
        }
        self.serve_until(until, || running.iter().all(Joinable::has_ended));
        join_ended(&mut running);
        let mut names: Vec<String> = running.into_iter().map(|hook| hook.name).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(Lost::Bundle).collect()
    }

    /// Shuts bundles down, the last to boot first.
    fn shut_down(&self, until: Instant) -> Option<Lost> {
        let mut bundles = self.core.bundles.lock().clone();
        bundles.retain(|(_, bundle)| bundle.priority(Hook::Shutdown).is_some());
        bundles.sort_by_key(|(name, bundle)| (bundle.priority(Hook::Shutdown), name.clone()));
        let acts = bundles.into_iter().rev().map(|(name, bundle)| {
            let (core, lost) = (Arc::clone(&self.core), Lost::Shutdown(name.clone()));
            let act = move || {
                if let Err(error) = run_hook(&core, &bundle, &name, Hook::Shutdown, View::NIL) {
                    tracing::error!("{error}");
                }
            };
            (lost, Box::new(act) as Act)
        });
        self.one_by_one(until, acts.collect())
    }

    /// Drops what plugins have made: natives, bundles, engines.
    fn drop_plugins(&self, until: Instant) -> Option<Lost> {
        self.core.set_natives(Natives::default());
        let names = self.core.task_names.lock().take();
        drop(names);
        let bundles = std::mem::take(&mut *self.core.bundles.lock());
        // The first is the host's own.
        let bundles = bundles.into_iter().skip(1);
        let bundles = bundles.map(|(name, it)| (Lost::Drop(format!("bundle '{name}'")), dropping(it)));
        let engines = self.core.engines.take().into_iter();
        let engines = engines.map(|(name, it)| (Lost::Drop(format!("engine '{name}'")), dropping(it)));
        self.one_by_one(until, bundles.chain(engines).collect())
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
