//! The name spaces of one runtime: one for each kind, each name the same Object for ever.

use std::collections::HashMap;
use std::sync::Arc;

use calog_plugin_api::{Code, Error, Object, Result, Value};

use crate::atomic;
use crate::chain::Chains;
use crate::handle::Handle;
use crate::locks::atomic::{AtomicUsize, Ordering};
use crate::locks::{Mutex, lock};
use crate::queue::{self, Queue};
use crate::shared::{self, Shared};
use crate::waitgroup::{self, WaitGroup};

/// All names.
pub(crate) struct Names {
    atomics: Space<()>,
    shared: Space<Shared>,
    groups: Space<WaitGroup>,
    queues: Space<Queue>,
    /// The updates under way, of all variables.
    chains: Arc<Chains>,
    /// How many of a kind there may be. Those that are there stay, also when it sinks.
    max: AtomicUsize,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            atomics: Space::default(),
            shared: Space::default(),
            groups: Space::default(),
            queues: Space::default(),
            chains: Arc::default(),
            max: AtomicUsize::new(crate::MAX_NAMES),
        }
    }
}

/// The names of one kind.
struct Space<T>(Mutex<HashMap<Box<[u8]>, Named<T>>>);

/// A primitive, and the Object that scripts see of it.
struct Named<T> {
    primitive: Arc<T>,
    handle: Arc<Handle>,
}

impl<T> Default for Space<T> {
    fn default() -> Self {
        Space(Mutex::new(HashMap::new()))
    }
}

impl<T> Space<T> {
    /// The Object of this name, made if there is none.
    ///
    /// # Errors
    /// `limit` when there are so many already.
    fn object(&self, max: usize, name: &[u8], make: impl FnOnce(&str) -> Result<(Arc<T>, Handle)>) -> Result<Object> {
        let mut names = lock(&self.0);
        if let Some(known) = names.get(name) {
            return Ok(Object::new(Arc::clone(&known.handle)));
        }
        if names.len() >= max {
            let message = format!("there are {max} names of this kind already (max_names of [natives.sync])");
            return Err(Error::new(Code::Limit, message));
        }
        let (primitive, handle) = make(&String::from_utf8_lossy(name))?;
        let handle = Arc::new(handle);
        names.insert(name.into(), Named { primitive, handle: Arc::clone(&handle) });
        Ok(Object::new(handle))
    }

    /// All primitives; the names are gone.
    fn take(&self) -> Vec<Arc<T>> {
        std::mem::take(&mut *lock(&self.0)).into_values().map(|named| named.primitive).collect()
    }
}

impl Names {
    /// From now on there may be so many of a kind.
    pub(crate) fn bound(&self, max: usize) {
        // ORDERING: relaxed; it is a number by itself.
        self.max.store(max, Ordering::Relaxed);
    }

    fn max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    pub(crate) fn atomic(&self, name: &[u8], initial: i64) -> Result<Object> {
        self.atomics.object(self.max(), name, |name| Ok((Arc::new(()), atomic::handle(name, initial)?)))
    }

    pub(crate) fn shared(&self, name: &[u8], initial: Value) -> Result<Object> {
        self.shared.object(self.max(), name, |name| {
            let shared = Arc::new(Shared::new(name, initial, Arc::clone(&self.chains)));
            let handle = shared::handle(&shared)?;
            Ok((shared, handle))
        })
    }

    pub(crate) fn wait_group(&self, name: &[u8]) -> Result<Object> {
        self.groups.object(self.max(), name, |name| {
            let group = Arc::new(WaitGroup::new(name));
            let handle = waitgroup::handle(&group)?;
            Ok((group, handle))
        })
    }

    pub(crate) fn queue(&self, name: &[u8], most: Option<usize>) -> Result<Object> {
        self.queues.object(self.max(), name, |name| {
            let queue = Arc::new(Queue::new(name, most));
            let handle = queue::handle(&queue)?;
            Ok((queue, handle))
        })
    }

    /// At the end: drops all values, which may hold Objects of this bundle in turn, and answers who
    /// still waits.
    pub(crate) fn clear(&self) {
        drop(self.atomics.take());
        self.shared.take().iter().for_each(|shared| shared.clear());
        self.groups.take().iter().for_each(|group| group.clear());
        self.queues.take().iter().for_each(|queue| queue.clear());
    }
}
