//! Where code is: which scope and task it belongs to, by the cancel token of its call.
//!
//! Invariant: a token is in `places` from before the first code under it runs until its scope or task
//! has ended; so code that runs in one finds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calog_plugin_api::Function;
use calog_plugin_api::prelude::*;

use crate::scope::Scope;
use crate::task::Task;

/// Where code is.
#[derive(Clone)]
pub(crate) struct Place {
    /// What it spawns belongs here.
    pub(crate) scope: Arc<Scope>,
    /// The spawned task that it is, or is called by.
    pub(crate) task: Option<Arc<Task>>,
}

/// What runs under a token.
#[derive(Clone)]
pub(crate) enum Under {
    /// A spawned task, in its scope.
    Task(Arc<Task>),
    /// A scope's body.
    Body(Arc<Scope>),
}

impl Under {
    fn place(self) -> Place {
        match self {
            Under::Task(task) => Place { scope: Arc::clone(&task.scope), task: Some(task) },
            Under::Body(scope) => Place { task: scope.task.clone(), scope },
        }
    }
}

/// All scopes and tasks of a runtime.
#[derive(Default)]
pub(crate) struct Registry {
    /// By the id of the token that calls there carry.
    places: Mutex<HashMap<usize, Under>>,
    /// The outermost scope of each context.
    roots: Mutex<HashMap<u64, Arc<Scope>>>,
    last: AtomicU64,
}

/// Nothing panics under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// A number that was never given before.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Where the calling code is: outside of all scopes in its context's root scope.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub(crate) fn place(self: &Arc<Registry>, info: &CallInfo) -> Result<Place> {
        let known = info.cancel_token().and_then(|token| lock(&self.places).get(&token.id()).cloned());
        match known {
            Some(under) => Ok(under.place()),
            None => Ok(Place { scope: self.root(info)?, task: None }),
        }
    }

    fn root(self: &Arc<Registry>, info: &CallInfo) -> Result<Arc<Scope>> {
        let mut roots = lock(&self.roots);
        if let Some(root) = roots.get(&info.context()) {
            return Ok(Arc::clone(root));
        }
        let root = Scope::root(info)?;
        roots.insert(info.context(), Arc::clone(&root));
        drop(roots);
        let (all, context) = (Arc::downgrade(self), info.context());
        info.runtime().when_closed(context, move || {
            let root = all.upgrade().and_then(|all| lock(&all.roots).remove(&context));
            root.into_iter().for_each(|root| root.token.abort());
        });
        Ok(root)
    }

    /// Code under this token is there from now on.
    pub(crate) fn enter(&self, token: &CancelToken, under: Under) {
        lock(&self.places).insert(token.id(), under);
    }

    /// No code runs under this token any more.
    pub(crate) fn leave(&self, token: &CancelToken) {
        // Dropped after the lock: with the last reference to a task goes what it gave.
        let _left = lock(&self.places).remove(&token.id());
    }

    /// Does something when the calling context's mailbox has come to it. What can no longer be done
    /// because the context has closed is dropped.
    ///
    /// # Errors
    /// `dead` when the context is closed, `limit` when its mailbox is full.
    pub(crate) fn in_turn(info: &CallInfo, work: impl FnOnce() + Send + 'static) -> Result<()> {
        let work = Mutex::new(Some(work));
        let turn = move || {
            let work = lock(&work).take();
            work.into_iter().for_each(|work| work());
        };
        let turn = info.runtime().callable(&Function::new("task.turn", turn).build()?)?;
        info.runtime().post(info.context(), &turn, info, Args::new(&[]))
    }
}
