//! Taking a changed configuration over while the program runs, from any thread.

use std::sync::{Arc, Weak};

use crate::configuration::Configuration;
use crate::core::Core;
use crate::liveness::Counted;
use crate::providers::{self, BoxError, Failures, Registry, Reloaded};
use crate::surroundings::Surroundings;

/// What a program does first when a changed configuration is taken over.
pub(super) type OnReload = Box<dyn Fn(&Configuration) -> Result<(), BoxError> + Send + Sync>;

/// A right to have a runtime reloaded, from any thread. It does not keep the runtime alive.
#[derive(Clone)]
pub struct Reloader {
    core: Weak<Core>,
    providers: Arc<Registry<Surroundings>>,
    on_reload: Arc<Vec<OnReload>>,
}

impl Reloader {
    pub(super) fn new(core: &Arc<Core>, providers: &Arc<Registry<Surroundings>>, on_reload: Vec<OnReload>) -> Reloader {
        Reloader { core: Arc::downgrade(core), providers: Arc::clone(providers), on_reload: Arc::new(on_reload) }
    }

    /// Has all providers look at the new configuration. If all of them find it valid, it takes the old
    /// one's place; the program's own state is reloaded first, then theirs, in order. One that fails then
    /// goes on with what it had, and holds up nobody.
    ///
    /// # Errors
    /// All that found it invalid, or the failure of the program's own state. Then everything is as it was.
    pub fn reload(&self, configuration: Configuration) -> Result<Reloaded, Failures> {
        // What is reloaded may make something happen: the program does not end meanwhile.
        let _alive = self.core.upgrade().map(|core| Counted::new(&core.liveness));
        let state = self.providers.state();
        self.providers.validate_for(&state.with(configuration.clone()))?;
        let (old, new) = (state.configuration(), Arc::new(configuration));
        let mut outcome = self.providers.reload_with(|| {
            let old = state.put(Arc::clone(&new));
            self.reload_program(&new).inspect_err(|_| _ = state.put(old))
        })?;
        outcome.kept = self.deaf(&old, &new);
        Ok(outcome)
    }

    /// The bundles whose section has changed, and who have no hook to hear of it.
    fn deaf(&self, old: &Configuration, new: &Configuration) -> Vec<String> {
        let mut names = self.providers.list_names();
        names.retain(|name| {
            let hears = self.providers.named(name).is_some_and(|provider| provider.as_reloadable().is_some());
            !hears && old.of_bundle(name) != new.of_bundle(name)
        });
        names
    }

    fn reload_program(&self, configuration: &Configuration) -> Result<(), providers::Error> {
        self.on_reload.iter().try_for_each(|own| providers::guarded_state(|| own(configuration)))
    }

    /// Reloads one provider by its name, with the configuration that there is.
    ///
    /// # Errors
    /// As [`Registry::reload_one`].
    pub fn reload_one(&self, name: &str) -> Result<(), providers::Error> {
        let _alive = self.core.upgrade().map(|core| Counted::new(&core.liveness));
        self.providers.reload_one(name)
    }
}
