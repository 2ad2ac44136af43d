//! Where code is: which scope and task it belongs to, by the cancel token of its call.
//!
//! Invariant: a token is in `places` from before the first code under it runs until its scope or task
//! has ended; so code that runs in one finds it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use calog_plugin_api::Function;
use calog_plugin_api::prelude::*;

use crate::options::GRACE;
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

/// What ends with a context.
struct Root {
    /// Its outermost scope.
    scope: Arc<Scope>,
    /// Those that calls in it wait for, by their tokens.
    awaited: HashMap<usize, Weak<Scope>>,
}

impl Root {
    fn abort(self) {
        let awaited = self.awaited.into_values().filter_map(|scope| scope.upgrade());
        awaited.chain([self.scope]).for_each(|scope| scope.token.abort());
    }
}

/// All scopes and tasks of a runtime.
pub(crate) struct Registry {
    /// By the id of the token that calls there carry.
    places: Mutex<HashMap<usize, Under>>,
    /// By context.
    roots: Mutex<HashMap<u64, Root>>,
    last: AtomicU64,
    /// How long timed-out scopes may clean up, in milliseconds.
    grace_ms: AtomicU64,
}

impl Default for Registry {
    fn default() -> Registry {
        Registry {
            places: Mutex::default(),
            roots: Mutex::default(),
            last: AtomicU64::new(0),
            grace_ms: AtomicU64::new(milliseconds(GRACE)),
        }
    }
}

/// Beyond some centuries it is as good as for ever.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Nothing panics under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registry {
    /// How long a timed-out scope may clean up.
    pub(crate) fn grace(&self) -> Duration {
        // ORDERING: relaxed, here and below; it is a number by itself.
        Duration::from_millis(self.grace_ms.load(Ordering::Relaxed))
    }

    /// From now on timed-out scopes may clean up for so long.
    pub(crate) fn set_grace(&self, grace: Duration) {
        self.grace_ms.store(milliseconds(grace), Ordering::Relaxed);
    }

    /// A number that was never given before.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Where the calling code is: outside of all scopes in its context's root scope.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub(crate) fn place(self: &Arc<Registry>, info: &CallInfo) -> Result<Place> {
        match self.running(info) {
            Some(place) => Ok(place),
            None => Ok(Place { scope: self.root(info)?, task: None }),
        }
    }

    /// Where the calling code is, unless it is outside of all scopes.
    pub(crate) fn running(&self, info: &CallInfo) -> Option<Place> {
        info.cancel_token().and_then(|token| self.under(token.clone())).map(Under::place)
    }

    /// What runs under a token, or under the nearest that it comes from: others make tokens, too.
    fn under(&self, token: CancelToken) -> Option<Under> {
        let mut line = std::iter::successors(Some(token), CancelToken::parent);
        line.find_map(|token| lock(&self.places).get(&token.id()).cloned())
    }

    fn root(self: &Arc<Registry>, info: &CallInfo) -> Result<Arc<Scope>> {
        self.in_root(info, |root| Arc::clone(&root.scope))
    }

    /// A call in this context waits for a scope, which is aborted when the context closes.
    ///
    /// # Errors
    /// Only when the host itself fails.
    pub(crate) fn awaited(self: &Arc<Registry>, info: &CallInfo, scope: &Arc<Scope>) -> Result<()> {
        self.in_root(info, |root| _ = root.awaited.insert(scope.token.id(), Arc::downgrade(scope)))
    }

    /// The scope that a call in this context waited for has ended.
    pub(crate) fn answered(&self, context: u64, scope: &Scope) {
        if let Some(root) = lock(&self.roots).get_mut(&context) {
            root.awaited.remove(&scope.token.id());
        }
    }

    fn in_root<T>(self: &Arc<Registry>, info: &CallInfo, act: impl FnOnce(&mut Root) -> T) -> Result<T> {
        let mut roots = lock(&self.roots);
        if let Some(root) = roots.get_mut(&info.context()) {
            return Ok(act(root));
        }
        let mut root = Root { scope: Scope::root(self, info)?, awaited: HashMap::new() };
        let done = act(&mut root);
        roots.insert(info.context(), root);
        drop(roots);
        let (all, context) = (Arc::downgrade(self), info.context());
        // It is told at once when the context has closed meanwhile.
        info.runtime().when_closed(context, move || {
            let root = all.upgrade().and_then(|all| lock(&all.roots).remove(&context));
            root.into_iter().for_each(Root::abort);
        });
        Ok(done)
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
