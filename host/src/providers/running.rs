//! What runs: each provider's own work on a thread of its own, and what becomes of it when it ends.

use std::sync::Arc;

use calog_plugin_api::CancelToken;

use super::error::{Step, guarded};
use super::job::Job;
use super::registry::{Entry, Registry, Stage};
use super::restart::{Intensity, Verdict};
use super::{Error, Provider, Result, Runnable};
use crate::cancel::cancel_token;
use crate::sync::time::Instant;

/// A provider that runs.
pub(super) struct Running {
    pub(super) name: String,
    /// Asks it to end.
    pub(super) stop: CancelToken,
    pub(super) job: Job,
    pub(super) limit: std::time::Duration,
}

/// What became of something that runs. Each is also logged.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// It failed, and that is the end of the program.
    Fatal(&'a Error),
    /// It failed, and the others go on.
    Recoverable(&'a Error),
    /// It is started again.
    Restarted {
        /// The provider.
        name: &'a str,
        /// Why it ended; `None` when it ended well.
        error: Option<&'a Error>,
    },
}

/// It came to an end, well, more often than its policy allows for.
#[derive(Debug, thiserror::Error)]
#[error("it ended again and again: more than {at_most} restarts within {} s", within.as_secs_f64())]
struct Restless {
    at_most: u32,
    within: std::time::Duration,
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// Starts whatever runs, each on a thread that has its provider's name. `told` hears, on these
    /// threads, what becomes of it. Gives how many were started: a provider that is not enabled is not.
    ///
    /// # Errors
    /// [`Error::Cycle`], and [`Error::Run`] when there are no more threads; then those before it run.
    pub fn run_all(&self, told: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Result<usize, Error> {
        let told = Arc::new(told);
        let priority = |provider: &dyn Provider<S>| provider.as_runnable().map_or(0, Runnable::priority);
        let mut started = 0;
        for entry in self.in_order(priority)? {
            let runs = entry.provider.as_runnable().is_some();
            if runs && self.is_enabled(&entry)? && self.start(&entry, Arc::clone(&told))? {
                started += 1;
            }
        }
        Ok(started)
    }

    fn is_enabled(&self, entry: &Entry<S>) -> Result<bool, Error> {
        let enabled = guarded(|| Ok(entry.provider.is_enabled(&self.state)));
        enabled.map_err(|source| Error::during(Step::Run, &entry.name, source))
    }

    /// Starts what one provider runs. Not once they are shut down.
    fn start(
        &self,
        entry: &Arc<Entry<S>>,
        told: Arc<impl Fn(Notice<'_>) + Send + Sync + 'static>,
    ) -> Result<bool, Error> {
        let mut running = self.running.lock();
        if *self.stage.lock() == Stage::Ended {
            return Ok(false);
        }
        let stop = cancel_token(None);
        let (state, runs, token) = (Arc::clone(&self.state), Arc::clone(entry), stop.clone());
        let job = Job::start(&entry.name, move || run(&runs, &state, &token, &*told));
        let job = job.map_err(|error| Error::Run { name: entry.name.clone(), source: error.into() })?;
        let limit = entry.provider.shutdown_limit();
        running.push(Running { name: entry.name.clone(), stop, job, limit });
        Ok(true)
    }
}

/// Runs what a provider runs, again and again if its policy says so.
fn run<S: 'static>(entry: &Entry<S>, state: &S, stop: &CancelToken, told: &dyn Fn(Notice<'_>)) {
    let Some(runnable) = entry.provider.as_runnable() else { return };
    let mut intensity = Intensity::new(runnable.restart());
    loop {
        let ended = guarded(|| runnable.run(state, stop));
        let ended = ended.map_err(|source| Error::during(Step::Run, &entry.name, source));
        if stop.is_cancelled() {
            // It was asked to end, so whatever end it came to is one.
            return ended.unwrap_or_else(|error| tracing::warn!("{error}"));
        }
        match (intensity.ended(ended.is_err(), Instant::now()), ended) {
            (Verdict::Again, ended) => {
                let why = ended.as_ref().err().map_or_else(|| "it ended".into(), ToString::to_string);
                tracing::warn!("provider '{}' is started again: {why}", entry.name);
                told(Notice::Restarted { name: &entry.name, error: ended.as_ref().err() });
            }
            (Verdict::Leave, ended) => return leave(ended, &entry.name, runnable.is_recoverable(), told),
            (Verdict::TooOften, ended) => {
                let error = ended.err().unwrap_or_else(|| restless(&entry.name, &intensity));
                return fatal(&as_fatal(error), told);
            }
        }
    }
}

/// The end of what is not started again.
fn leave(ended: Result<(), Error>, name: &str, recoverable: bool, told: &dyn Fn(Notice<'_>)) {
    match ended {
        Ok(()) => tracing::debug!("provider '{name}' has nothing left to run"),
        Err(Error::Run { name, source }) if recoverable => recover(&Error::Recoverable { name, source }, told),
        Err(error @ Error::Recoverable { .. }) => recover(&error, told),
        Err(error) => fatal(&error, told),
    }
}

fn recover(error: &Error, told: &dyn Fn(Notice<'_>)) {
    tracing::warn!("{error}");
    told(Notice::Recoverable(error));
}

fn fatal(error: &Error, told: &dyn Fn(Notice<'_>)) {
    tracing::debug!("{error}");
    told(Notice::Fatal(error));
}

/// What was to be started again, and cannot be any more, is no longer one that others go on without.
fn as_fatal(error: Error) -> Error {
    match error {
        Error::Recoverable { name, source } => Error::Run { name, source },
        error => error,
    }
}

fn restless(name: &str, intensity: &Intensity) -> Error {
    let policy = intensity.policy();
    let source = Restless { at_most: policy.at_most, within: policy.within }.into();
    Error::Run { name: name.to_owned(), source }
}
