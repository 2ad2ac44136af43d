//! The end: what runs is asked to end and waited for, then all that booted are shut down, in the reverse
//! of booting. Each within its limit, whatever became of the others.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::time::Duration;

use super::error::{Step, guarded};
use super::job::Job;
use super::line::{Act, Line};
use super::registry::{Entry, Life, Registry, Stage};
use super::running::Running;
use super::{BoxError, Error, Result};
use crate::sync::time::Instant;

/// What each has at least, also when those before it took all the time.
const LEAST: Duration = Duration::from_millis(200);

/// A limit that is as good as none, and no clock's end.
const FAR: Duration = Duration::from_secs(1 << 32);

/// Something that did not end within its limit. It is left running: no thread can be ended from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exceeded {
    /// What this provider runs, or what is told that it shall end.
    Run(String),
    /// This provider's shutdown.
    Shutdown(String),
}

impl Display for Exceeded {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Exceeded::Run(name) => write!(f, "what provider '{name}' runs"),
            Exceeded::Shutdown(name) => write!(f, "the shutdown of provider '{name}'"),
        }
    }
}

/// What the end came to.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Shutdown {
    /// Who exceeded its limit.
    pub exceeded: Vec<Exceeded>,
    /// Whose shutdown failed.
    pub failures: Vec<Error>,
}

impl Shutdown {
    /// Whether all ended well, and in time.
    pub fn is_clean(&self) -> bool {
        self.exceeded.is_empty() && self.failures.is_empty()
    }

    fn fail(&mut self, name: &str, source: BoxError) {
        let error = Error::during(Step::Shutdown, name, source);
        tracing::warn!("{error}");
        self.failures.push(error);
    }
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// Ends what runs, then shuts down all that have booted, the last to boot first. One that fails or
    /// exceeds its limit holds up nobody. Doing so again does nothing.
    pub fn shutdown_all(&self) -> Shutdown {
        self.shutdown_by(None)
    }

    /// As `shutdown_all`; by then all of it shall be over, though each has a moment at least.
    pub(crate) fn shutdown_by(&self, until: Option<Instant>) -> Shutdown {
        let mut outcome = Shutdown::default();
        {
            // In this order wherever both are held: see `start`.
            let _running = self.running.lock();
            let mut stage = self.stage.lock();
            if *stage == Stage::Ended {
                return outcome;
            }
            *stage = Stage::Ended;
        }
        outcome.exceeded = self.stop_all(until);
        // Without an order nothing has booted.
        let mut entries = self.in_order(|provider| provider.shutdown_priority()).unwrap_or_default();
        entries.reverse();
        entries.retain(|entry| entry.provider.has_shutdown());
        self.shut_down(&entries, until, &mut outcome);
        outcome.exceeded.iter().for_each(|it| tracing::warn!("{it} did not end in time and is left"));
        outcome
    }

    /// Asks all that run to end, and waits for each. What does not end stays to be waited for again.
    pub(crate) fn stop_all(&self, until: Option<Instant>) -> Vec<Exceeded> {
        let running = std::mem::take(&mut *self.running.lock());
        let asked: Vec<(Running, Option<Job>, Instant)> = running
            .into_iter()
            .map(|it| {
                // What a provider wants to be told may not return, and the others are to be asked as well.
                let stop = it.stop.clone();
                let asking = Job::start(&it.name, move || stop.cancel());
                let asking = asking.map_err(|error| tracing::error!("'{}' cannot be asked to end: {error}", it.name));
                let limit = deadline(it.limit, until);
                (it, asking.ok(), limit)
            })
            .collect();
        let mut left = Vec::new();
        let mut exceeded = Vec::new();
        for (it, asking, limit) in asked {
            let told = asking.is_none_or(|asking| {
                let told = asking.wait_until(limit);
                if told {
                    asking.join();
                }
                told
            });
            if it.job.wait_until(limit) {
                it.job.join();
                if !told {
                    exceeded.push(Exceeded::Run(it.name));
                }
            } else {
                exceeded.push(Exceeded::Run(it.name.clone()));
                left.push(it);
            }
        }
        self.running.lock().extend(left);
        exceeded
    }

    /// Shuts providers down, one after another on one thread. One that exceeds its limit keeps that thread,
    /// and those behind it get another.
    fn shut_down(&self, entries: &[Arc<Entry<S>>], until: Option<Instant>, outcome: &mut Shutdown) {
        let mut rest = entries;
        while let Some(first) = rest.first() {
            let acts = rest.iter().map(|entry| {
                let (entry, state) = (Arc::clone(entry), Arc::clone(&self.state));
                Box::new(move || entry.shut_down(&state)) as Act
            });
            let line = match Line::start("shutdown", acts.collect()) {
                Ok(line) => line,
                Err(error) => return outcome.fail(&first.name, error.into()),
            };
            let (mut done, mut exceeded) = (0, false);
            for entry in rest {
                done += 1;
                match line.next(deadline(entry.provider.shutdown_limit(), until)) {
                    Some(Ok(())) => {}
                    Some(Err(error)) => outcome.fail(&entry.name, error),
                    None => {
                        outcome.exceeded.push(Exceeded::Shutdown(entry.name.clone()));
                        exceeded = true;
                        break;
                    }
                }
            }
            if !exceeded {
                line.join();
            }
            rest = &rest[done..];
        }
    }
}

impl<S: 'static> Entry<S> {
    /// Once, if it has booted; and not while it is still at something else.
    fn shut_down(&self, state: &S) -> Result<()> {
        let mut life = self.life.lock();
        if std::mem::replace(&mut *life, Life::ShutDown) != Life::Booted {
            return Ok(());
        }
        guarded(|| self.provider.shutdown(state))
    }
}

/// When a limit that begins now is over, with a bound for all of them.
fn deadline(limit: Duration, until: Option<Instant>) -> Instant {
    let now = Instant::now();
    let own = now + limit.min(FAR);
    until.map_or(own, |until| own.min(until.max(now + LEAST)))
}
