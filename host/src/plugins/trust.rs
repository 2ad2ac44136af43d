//! What a plugin file has to prove besides being one: that nobody else can change it, and that it is
//! in every lock there is.

use std::sync::Arc;

use super::header::PluginName;
use super::lock::{Lock, LockError};
use super::refusal::Refusal;

/// The conditions under which plugin files are used. By default, that only this user and root can
/// change them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Trust {
    shared: bool,
    locks: Vec<Arc<Lock>>,
    /// Whether locks in folders of plugins do not count.
    unlocked: bool,
    /// A lock that should be there and cannot be used.
    broken: Option<LockError>,
}

impl Trust {
    /// The usual conditions.
    pub fn new() -> Trust {
        Trust::default()
    }

    /// Whether plugins may be others' to write.
    #[must_use]
    pub fn shared(mut self, shared: bool) -> Trust {
        self.shared = shared;
        self
    }

    /// Plugins also have to be in this lock.
    #[must_use]
    pub fn locked_by(mut self, lock: Lock) -> Trust {
        self.locks.push(Arc::new(lock));
        self
    }

    /// No lock counts, not even those in the folders of plugins: for whoever writes locks.
    #[must_use]
    pub fn unlocked(self) -> Trust {
        Trust { unlocked: true, locks: Vec::new(), broken: None, ..self }
    }

    /// Plugins also have to be in the lock of the folder they lie in, if it has one.
    pub(super) fn within(&self, folder: &std::path::Path) -> Trust {
        if self.unlocked {
            return self.clone();
        }
        match Lock::within(folder, self.shared) {
            Ok(None) => self.clone(),
            Ok(Some(lock)) => self.clone().locked_by(lock),
            Err(error) => Trust { broken: Some(error), ..self.clone() },
        }
    }

    /// Whether plugins may be others' to write.
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// Whether there is any lock.
    pub fn is_locked(&self) -> bool {
        !self.locks.is_empty() || self.broken.is_some()
    }

    /// Whether all locks have this plugin with these bytes.
    pub(super) fn check_locks(&self, plugin: &PluginName, sha256: &str) -> Result<(), Refusal> {
        if let Some(error) = &self.broken {
            return Err(Refusal::Lock(error.clone()));
        }
        self.locks.iter().try_for_each(|lock| lock.check(plugin, sha256))
    }
}
