//! Taking a changed state over: of one provider, or of all, the program's own first.

use std::cell::Cell;

use super::error::{Step, guarded};
use super::registry::{Entry, Life, Registry};
use super::{Error, Provider, Reloadable, Result};
use crate::sync::thread_local;

thread_local! {
    /// Whether a reload's code runs on this thread: another one would wait for itself.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// What the providers of a registry share, and takes a change over before any of them does.
pub trait ReloadState {
    /// Takes it over.
    ///
    /// # Errors
    /// Then no provider is reloaded.
    fn reload(&self) -> Result<()>;
}

impl ReloadState for () {
    fn reload(&self) -> Result<()> {
        Ok(())
    }
}

/// What became of a reload of all.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reloaded {
    /// Those that have taken the state over, in order.
    pub reloaded: Vec<String>,
    /// Those that failed, and go on with what they had.
    pub failures: Vec<Error>,
    /// Those whose part of the configuration has changed, and who have no way to take it over: they go on
    /// with what they had, until the program starts again. Known for the bundles of a runtime.
    pub kept: Vec<String>,
}

/// While it lives, a reload's code runs on this thread.
struct Within;

impl Within {
    /// # Errors
    /// [`Error::Nested`] when one does already.
    fn enter() -> Result<Within, Error> {
        if WITHIN.with(|within| within.replace(true)) { Err(Error::Nested) } else { Ok(Within) }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        WITHIN.with(|within| within.set(false));
    }
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// Reloads the provider of this name.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NotReloadable`], [`Error::Ended`], and [`Error::Reload`] with its own.
    pub fn reload_one(&self, name: &str) -> Result<(), Error> {
        let entry = self.entry(name).ok_or_else(|| Error::Unknown(name.to_owned()))?;
        let _within = Within::enter()?;
        let Some(reloadable) = entry.provider.as_reloadable() else {
            return Err(Error::NotReloadable(name.to_owned()));
        };
        self.reload(&entry, reloadable)
    }

    fn reload(&self, entry: &Entry<S>, reloadable: &dyn Reloadable<S>) -> Result<(), Error> {
        let life = entry.life.lock();
        if *life == Life::ShutDown {
            return Err(Error::Ended(entry.name.clone()));
        }
        let reloaded = guarded(|| reloadable.reload(&self.state));
        reloaded.map_err(|source| Error::during(Step::Reload, &entry.name, source))
    }
}

impl<S: ReloadState + Send + Sync + 'static> Registry<S> {
    /// Reloads the state, then all providers that can be, in order. One that fails holds up nobody.
    ///
    /// # Errors
    /// The state's own, and [`Error::Cycle`]; then no provider was reloaded.
    pub fn reload_all(&self) -> Result<Reloaded, Error> {
        self.reload_with(|| guarded_state(|| self.state.reload()))
    }
}

/// Reloads a program's own state: a panic is an error, and one of [`Error`]'s stays what it is.
pub(crate) fn guarded_state(reload: impl FnOnce() -> Result<()>) -> Result<(), Error> {
    guarded(reload).map_err(Error::other)
}

impl<S: Send + Sync + 'static> Registry<S> {
    /// As `reload_all`, with another way to change the state.
    pub(crate) fn reload_with(&self, first: impl FnOnce() -> Result<(), Error>) -> Result<Reloaded, Error> {
        let _within = Within::enter()?;
        let _one = self.reloading.lock();
        let priority = |provider: &dyn Provider<S>| provider.as_reloadable().map_or(0, Reloadable::priority);
        let entries = self.in_order(priority)?;
        first()?;
        let mut outcome = Reloaded::default();
        for entry in entries {
            let Some(reloadable) = entry.provider.as_reloadable() else { continue };
            match self.reload(&entry, reloadable) {
                Ok(()) => {
                    tracing::info!("'{}' is reloaded", entry.name);
                    outcome.reloaded.push(entry.name.clone());
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    outcome.failures.push(error);
                }
            }
        }
        Ok(outcome)
    }
}
