//! Who is there: by type for Rust programs, by name for everybody. Validating all, booting in order.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

use super::error::{Step, guarded};
use super::order::{Place, order};
use super::running::Running;
use super::{Error, Failures, Provider, Result};
use crate::sync::{Mutex, RwLock};

/// The providers of a program, and what they share.
///
/// They are registered first, then validated, booted and run; all of it by one thread, usually the one
/// that makes the registry. Reloading and shutting down may be asked for by any.
pub struct Registry<S = ()> {
    pub(super) state: Arc<S>,
    entries: RwLock<Entries<S>>,
    pub(super) stage: Mutex<Stage>,
    /// What runs, in the order in which it was started.
    pub(super) running: Mutex<Vec<Running>>,
    /// Held while all are reloaded.
    pub(super) reloading: Mutex<()>,
}

/// How far a registry has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Stage {
    /// Providers are registered.
    Open,
    /// They boot, or have booted: nobody else comes.
    Booted,
    /// They are shut down, or have been.
    Ended,
}

struct Entries<S> {
    by_type: HashMap<TypeId, Typed>,
    /// In the order of registration.
    all: Vec<Arc<Entry<S>>>,
}

/// A provider that is looked up by its type.
struct Typed {
    name: String,
    provider: Arc<dyn Any + Send + Sync>,
}

/// A provider in its registry.
pub(super) struct Entry<S> {
    pub(super) name: String,
    kind: &'static str,
    pub(super) provider: Arc<dyn Provider<S>>,
    /// Held while its code validates, boots, reloads or shuts down.
    pub(super) life: Mutex<Life>,
}

/// How far a provider has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    Registered,
    Booted,
    ShutDown,
}

/// Which of a provider's priorities counts.
pub(super) type Priority<S> = fn(&dyn Provider<S>) -> u8;

impl<S: Send + Sync + 'static> Registry<S> {
    /// An empty one, and what its providers share.
    pub fn new(state: impl Into<Arc<S>>) -> Registry<S> {
        Registry {
            state: state.into(),
            entries: RwLock::new(Entries { by_type: HashMap::new(), all: Vec::new() }),
            stage: Mutex::new(Stage::Open),
            running: Mutex::default(),
            reloading: Mutex::default(),
        }
    }

    /// What its providers share.
    pub fn state(&self) -> &Arc<S> {
        &self.state
    }

    /// Registers a provider by its type, and by its name.
    ///
    /// # Errors
    /// [`Error::Duplicate`], which names both, when there is one of that type or that name;
    /// [`Error::Late`] once the others have booted.
    pub fn insert<T: Provider<S>>(&self, provider: Arc<T>) -> Result<&Self, Error> {
        let any: Arc<dyn Any + Send + Sync> = Arc::clone(&provider) as _;
        self.add(provider, type_name::<T>(), Some((TypeId::of::<T>(), any)))
    }

    /// Registers a provider by its name alone: for several of one type.
    ///
    /// # Errors
    /// As [`insert`](Registry::insert).
    pub fn insert_named<T: Provider<S>>(&self, provider: Arc<T>) -> Result<&Self, Error> {
        self.add(provider, type_name::<T>(), None)
    }

    fn add(
        &self,
        provider: Arc<dyn Provider<S>>,
        kind: &'static str,
        typed: Option<(TypeId, Arc<dyn Any + Send + Sync>)>,
    ) -> Result<&Self, Error> {
        let name = provider.name().to_owned();
        let stage = self.stage.lock();
        if *stage != Stage::Open {
            return Err(Error::Late(name));
        }
        let mut entries = self.entries.write();
        let refused = |other: &str, other_kind, same_type| {
            Err(Error::Duplicate { name: name.clone(), kind, other: other.to_owned(), other_kind, same_type })
        };
        if let Some(other) = typed.as_ref().and_then(|(id, _)| entries.by_type.get(id)) {
            return refused(&other.name, kind, true);
        }
        if let Some(other) = entries.all.iter().find(|other| other.name == name) {
            return refused(&other.name, other.kind, false);
        }
        if let Some((id, provider)) = typed {
            entries.by_type.insert(id, Typed { name: name.clone(), provider });
        }
        entries.all.push(Arc::new(Entry { name, kind, provider, life: Mutex::new(Life::Registered) }));
        Ok(self)
    }

    /// The provider of this type: the allocation that was registered, not a copy.
    pub fn resolve<T: Provider<S>>(&self) -> Option<Arc<T>> {
        let provider = Arc::clone(&self.entries.read().by_type.get(&TypeId::of::<T>())?.provider);
        provider.downcast().ok()
    }

    /// Does something with the provider of this type.
    pub fn with_typed<T: Provider<S>, R>(&self, act: impl FnOnce(&T) -> R) -> Option<R> {
        self.resolve::<T>().map(|provider| act(&provider))
    }

    /// The provider of this name.
    pub fn named(&self, name: &str) -> Option<Arc<dyn Provider<S>>> {
        self.entry(name).map(|entry| Arc::clone(&entry.provider))
    }

    /// The names, in the order of registration.
    pub fn list_names(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry.name.clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.read().all.len()
    }

    pub(super) fn entry(&self, name: &str) -> Option<Arc<Entry<S>>> {
        self.entries.read().all.iter().find(|entry| entry.name == name).cloned()
    }

    fn entries(&self) -> Vec<Arc<Entry<S>>> {
        self.entries.read().all.clone()
    }

    /// Whether there is anything to end: something that runs, or a provider that has booted and wants to
    /// be shut down.
    pub(crate) fn has_to_end(&self) -> bool {
        let waits = |entry: &Arc<Entry<S>>| {
            // One that is at something now has to be waited for.
            let booted = entry.life.try_lock().is_none_or(|life| *life == Life::Booted);
            booted && entry.provider.has_shutdown()
        };
        !self.running.lock().is_empty() || self.entries().iter().any(waits)
    }

    /// Takes all providers out, for their dropping.
    pub(crate) fn take_all(&self) -> Vec<(String, impl Send + 'static + use<S>)> {
        let (typed, all) = {
            let mut entries = self.entries.write();
            (std::mem::take(&mut entries.by_type), std::mem::take(&mut entries.all))
        };
        // Each of these is held by its entry as well, so nothing foreign is dropped here.
        drop(typed);
        all.into_iter().map(|entry| (entry.name.clone(), entry)).collect()
    }

    /// All of them, in the order of a step.
    ///
    /// # Errors
    /// [`Error::Cycle`] when some come after each other in a circle.
    pub(super) fn in_order(&self, priority: Priority<S>) -> Result<Vec<Arc<Entry<S>>>, Error> {
        let entries = self.entries();
        let places: Vec<Place<'_>> = entries.iter().map(|entry| entry.place(priority)).collect();
        Ok(order(&places)?.into_iter().map(|at| Arc::clone(&entries[at])).collect())
    }

    /// Has all providers look at their configuration, in the order of booting.
    ///
    /// # Errors
    /// All that failed, not only the first; and [`Error::Cycle`].
    pub fn validate_all(&self) -> Result<(), Failures> {
        self.validate_for(&self.state)
    }

    /// Has all providers look at a state that may become theirs.
    pub(crate) fn validate_for(&self, state: &S) -> Result<(), Failures> {
        let (entries, mut failures) = match self.in_order(|provider| provider.boot_priority()) {
            Ok(entries) => (entries, Vec::new()),
            Err(circle) => (self.entries(), vec![circle]),
        };
        for entry in entries {
            let life = entry.life.lock();
            if *life == Life::ShutDown {
                // A reload that was asked for as the program ended.
                continue;
            }
            let valid = guarded(|| entry.provider.validate(state));
            failures.extend(valid.err().map(|source| Error::during(Step::Validate, &entry.name, source)));
        }
        if failures.is_empty() { Ok(()) } else { Err(Failures(failures)) }
    }

    /// Boots all providers, strictly in order. The first failure is the last thing that happens but for
    /// the shutdown of those that have booted.
    ///
    /// # Errors
    /// That failure, or [`Error::Cycle`].
    pub fn boot_all(&self) -> Result<(), Error> {
        self.boot_until_failure().inspect_err(|_| {
            // Who did not end well is logged there.
            self.shutdown_all();
        })
    }

    /// As `boot_all`, but what has booted stays so.
    pub(crate) fn boot_until_failure(&self) -> Result<(), Error> {
        {
            let mut stage = self.stage.lock();
            *stage = (*stage).max(Stage::Booted);
        }
        for entry in self.in_order(|provider| provider.boot_priority())? {
            let mut life = entry.life.lock();
            if *life != Life::Registered {
                continue;
            }
            let booted = guarded(|| entry.provider.boot(&self.state));
            booted.map_err(|source| Error::during(Step::Boot, &entry.name, source))?;
            *life = Life::Booted;
        }
        Ok(())
    }
}

impl<S: 'static> Entry<S> {
    fn place(&self, priority: Priority<S>) -> Place<'_> {
        let (after, before) = (self.provider.after(), self.provider.before());
        Place { name: &self.name, priority: priority(&*self.provider), after, before }
    }
}
