//! A context on its own thread: the interpreter's handle, its tasks, and what left it by reference.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use calog_plugin_api::host_side::{ContextHandle, Entered};
use calog_plugin_api::{CancelToken, Code, Error, KeptInfo, KeyMap, Outcome, Result, TaskKey, WaitKey};

use crate::context::{ContextShared, State};
use crate::envelope::Envelope;
use crate::function::ScriptFunction;
use crate::interrupt::{Entry, Running, interrupt};
use crate::limits::{Limit, Rights, Taken, Time, Watch};
use crate::object::ScriptObject;
use crate::restarting;
use crate::stuck::Waiting;

/// A context, on its thread.
pub(crate) struct LocalContext {
    pub(crate) shared: Arc<ContextShared>,
    /// Circumstances for what the context does of its own accord.
    pub(crate) base: KeptInfo,
    /// How long its code may run, if that is limited.
    pub(crate) time: Option<Time>,
    /// Gone once the context is closed.
    handle: RefCell<Option<ContextHandle>>,
    /// How many entries are on the stack.
    entered: Cell<u32>,
    /// Whether the engine panicked: the interpreter's state is unknown.
    is_broken: Cell<bool>,
    functions: RefCell<KeyMap<u64, Weak<ScriptFunction>>>,
    objects: RefCell<KeyMap<u64, Weak<ScriptObject>>>,
    next_key: Cell<u64>,
}

impl LocalContext {
    pub(crate) fn new(shared: Arc<ContextShared>, base: KeptInfo) -> LocalContext {
        let time = shared.rights.as_ref().and_then(|rights| Time::of(rights, &shared.thread, &shared.core));
        LocalContext {
            shared,
            time,
            base,
            handle: RefCell::default(),
            entered: Cell::new(0),
            is_broken: Cell::new(false),
            functions: RefCell::default(),
            objects: RefCell::default(),
            next_key: Cell::new(1),
        }
    }

    pub(crate) fn set_handle(&self, handle: ContextHandle) {
        *self.handle.borrow_mut() = Some(handle);
    }

    /// Whether code of it is on the stack.
    pub(crate) fn is_entered(&self) -> bool {
        self.entered.get() > 0
    }

    /// Enters the interpreter for new work, for a call with this token. An engine that panics leaves
    /// the context dead.
    ///
    /// # Errors
    /// `dead` when the context closes or is closed, `cancelled` when the call was aborted, `panic` when
    /// the engine panicked.
    #[inline(always)]
    pub(crate) fn enter(
        &self,
        token: Option<&CancelToken>,
        entry: impl FnOnce(&ContextHandle) -> Result<Entered>,
    ) -> Result<Entered> {
        self.shared.check_open()?;
        if let Some(time) = &self.time {
            return self.enter_in_time(time, token, entry);
        }
        self.enter_now(token, None, entry)
    }

    #[inline(always)]
    fn enter_now(
        &self,
        token: Option<&CancelToken>,
        watch: Option<&Watch>,
        entry: impl FnOnce(&ContextHandle) -> Result<Entered>,
    ) -> Result<Entered> {
        let Some(token) = token else { return self.enter_any(None, watch, entry) };
        check_aborted(token)?;
        let _reached = Reached::by(token, &self.shared);
        self.enter_any(Some(token), watch, entry)
    }

    /// Enters the interpreter for as long as its time lasts. What has run beyond that came to nothing else.
    #[inline(never)]
    fn enter_in_time(
        &self,
        time: &Time,
        token: Option<&CancelToken>,
        entry: impl FnOnce(&ContextHandle) -> Result<Entered>,
    ) -> Result<Entered> {
        let running = time.begin().map_err(|error| self.shared.at_limit(error))?;
        let entered = self.enter_now(token, Some(running.watch()), entry)?;
        if !running.watch().is_expired() {
            return Ok(entered);
        }
        if let Entered::Waiting(task, _) | Entered::Yielded(task, _) = &entered {
            self.abandon(WaitKey(task.0));
        }
        let error = self.shared.at_limit(running.watch().error(time.rights()));
        Ok(Entered::Done(Outcome::Failed(error)))
    }

    /// Enters the interpreter as long as there is one, to release what it holds for others.
    #[inline(always)]
    fn enter_any<T>(
        &self,
        token: Option<&CancelToken>,
        watch: Option<&Watch>,
        entry: impl FnOnce(&ContextHandle) -> Result<T>,
    ) -> Result<T> {
        if self.shared.state() == State::Closed {
            return Err(self.shared.dead());
        }
        let handle = self.handle.borrow();
        let handle = handle.as_ref().ok_or_else(|| self.shared.dead())?;
        let result = {
            let on_top = Entry::new(handle, &self.shared.stop, token, watch);
            // A stop that was asked for before this entry was on top is heard as well.
            let _running = Running::enter(&on_top);
            let _entered = OnStack::new(&self.entered);
            entry(handle)
        };
        if let Err(error) = &result {
            self.break_down(error);
        }
        result
    }

    /// Whether one more call may lie upon those that are on the stack.
    ///
    /// # Errors
    /// `limit` when as many do as may.
    #[inline]
    pub(crate) fn check_nesting(&self) -> Result<()> {
        match &self.shared.rights {
            Some(rights) => self.check_nesting_by(rights),
            None => Ok(()),
        }
    }

    #[cold]
    fn check_nesting_by(&self, rights: &Rights) -> Result<()> {
        match rights.most(Limit::Nesting) {
            Some(most) if u64::from(self.entered.get()) >= most => {
                Err(self.shared.at_limit(rights.reached(Limit::Nesting)))
            }
            _ => Ok(()),
        }
    }

    /// One more task of the context is suspended.
    ///
    /// # Errors
    /// `limit` when as many are as may.
    pub(crate) fn count_task(&self) -> Result<Option<Taken>> {
        let counted = self.shared.rights.as_ref().map(|rights| Taken::one(rights, Limit::Tasks)).transpose();
        counted.map_err(|error| self.shared.at_limit(error))
    }

    /// A suspended task or a wait was aborted: the interpreter forgets it, and runs nothing of it.
    pub(crate) fn abandon(&self, key: WaitKey) {
        // A context that is dead has forgotten it; one that panics here is now dead.
        let _ = self.enter_any(None, None, |handle| handle.abandon(TaskKey(key.0)));
    }

    /// The engine panicked: nothing enters the interpreter again, and who waits for it is told.
    fn break_down(&self, error: &Error) {
        self.is_broken.set(true);
        self.shared.advance(State::Closed);
        tracing::error!("context '{}' is dead: {error}", self.shared.name);
        let told = self.shared.main_ended(&Err(error.clone()));
        if !restarting::failed(&self.shared, error) && !told {
            self.shared.report_main(error);
        }
        // Code of it that lies below, and waits in place, has nothing to wait for any more.
        self.shared.request_stop();
        self.shared.waits.fail(error);
        // Its thread forgets it, once none of its code is on the stack.
        self.shared.core.send(&self.shared.thread, Envelope::Close { context: self.shared.id, reply: None });
    }

    /// Asks the interpreter, which may do anything in answer: it is not ended meanwhile.
    fn ask<T>(&self, question: impl FnOnce(&ContextHandle) -> Option<T>) -> Option<T> {
        if self.shared.state() == State::Closed {
            return None;
        }
        let handle = self.handle.borrow();
        let handle = handle.as_ref()?;
        let _entered = OnStack::new(&self.entered);
        question(handle)
    }

    /// Where the running code is.
    pub(crate) fn site(&self) -> Option<calog_plugin_api::Frame> {
        self.ask(ContextHandle::site)
    }

    /// Who waits here suspended, and for what.
    ///
    /// An engine's own bookkeeping (the wait for a promise that a script's wait decides) has no place
    /// in a script, so it is of interest only where no other wait is.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        // Without the lock: whatever the engine does in answer may end and begin waits.
        let cancellers = self.shared.waits.cancellers();
        let (mut with_site, mut without) = (Vec::new(), Vec::new());
        for (key, canceller) in cancellers {
            let site = self.ask(|handle| handle.wait_site(WaitKey(key)));
            let list = if site.is_some() { &mut with_site } else { &mut without };
            list.push(Waiting::new(&self.shared, site, &canceller.text()));
        }
        if with_site.is_empty() { without } else { with_site }
    }

    fn take_key(&self) -> u64 {
        let key = self.next_key.get();
        self.next_key.set(key + 1);
        key
    }

    /// The callable's data for a function: revived under its known key, or new under a new one.
    ///
    /// # Errors
    /// `limit` when others hold as many as may be.
    pub(crate) fn function(&self, known: Option<u64>) -> Result<(Arc<ScriptFunction>, u64)> {
        if let Some(key) = known
            && let Some(alive) = self.functions.borrow().get(&key).and_then(Weak::upgrade)
        {
            return Ok((alive, key));
        }
        if let Some(rights) = &self.shared.rights {
            rights.take(&Limit::Callables.into(), 1).map_err(|error| self.shared.at_limit(error))?;
        }
        let key = self.take_key();
        let function = Arc::new(ScriptFunction::new(Arc::clone(&self.shared), key));
        self.functions.borrow_mut().insert(key, Arc::downgrade(&function));
        Ok((function, key))
    }

    /// The Object's data for something of the context; keys as for functions.
    pub(crate) fn object(
        &self,
        known: Option<u64>,
        make: impl FnOnce(u64) -> ScriptObject,
    ) -> (Arc<ScriptObject>, u64) {
        if let Some(key) = known
            && let Some(alive) = self.objects.borrow().get(&key).and_then(Weak::upgrade)
        {
            return (alive, key);
        }
        let key = self.take_key();
        let object = Arc::new(make(key));
        self.objects.borrow_mut().insert(key, Arc::downgrade(&object));
        (object, key)
    }

    /// The last reference to a function is gone.
    pub(crate) fn release(&self, key: calog_plugin_api::FunctionKey) {
        let was_known = forget(&mut self.functions.borrow_mut(), key.0);
        self.give_back(u64::from(was_known));
        // A context that is dead has nothing to release; one that panics here is now dead.
        let _ = self.enter_any(None, None, |handle| handle.release(key));
    }

    /// Functions that others held are held no more.
    fn give_back(&self, functions: u64) {
        if let Some(rights) = &self.shared.rights {
            rights.give_back(&Limit::Callables.into(), functions);
        }
    }

    /// The last reference to an Object is gone.
    pub(crate) fn release_object(&self, key: calog_plugin_api::ObjectKey) {
        forget(&mut self.objects.borrow_mut(), key.0);
        // As for functions.
        let _ = self.enter_any(None, None, |handle| handle.release_object(key));
    }

    /// Ends the interpreter. Its handle is dropped here, on its thread, when nothing of it is on the
    /// stack; a broken one is left alone, as its state is unknown.
    pub(crate) fn destroy(&self) {
        self.destroy_with(&self.shared.dead());
    }

    /// As `destroy`, with the error that those are told who still wait.
    pub(crate) fn destroy_with(&self, error: &Error) {
        self.shared.advance(State::Closed);
        self.shared.waits.fail(error);
        self.shared.main_ended(&Err(error.clone()));
        self.shared.forget_values();
        let functions = std::mem::take(&mut *self.functions.borrow_mut());
        self.give_back(functions.len() as u64);
        let handle = self.handle.borrow_mut().take();
        match handle {
            Some(handle) if !self.is_broken.get() => self.end(handle),
            other => std::mem::forget(other),
        }
        self.shared.printer.flush();
    }

    /// Has the interpreter run what its language runs at the end, where an interrupt reaches it, and frees it.
    fn end(&self, handle: ContextHandle) {
        let _ending = self.shared.thread.pulse.ending();
        let ended = {
            let on_top = Entry::new(&handle, &self.shared.stop, None, None);
            let _running = Running::enter(&on_top);
            handle.end()
        };
        if let Err(error) = ended {
            tracing::error!("context '{}' panicked as it ended: {error}", self.shared.name);
            return std::mem::forget(handle);
        }
        drop(handle);
    }
}

/// Takes out what is gone. Whether it was there. A map that was large once, when very many left at a time, gives room back.
fn forget<T>(map: &mut KeyMap<u64, Weak<T>>, key: u64) -> bool {
    let was_known = map.remove(&key).is_some();
    if map.capacity() > LARGE && map.len() * 8 < map.capacity() {
        map.shrink_to(map.len() * 2);
    }
    was_known
}

/// How many places of a map are worth giving back.
const LARGE: usize = 1024;

/// What a call that was aborted comes to.
///
/// # Errors
/// `cancelled` when it was.
pub(crate) fn check_aborted(token: &CancelToken) -> Result<()> {
    if token.is_aborted() { Err(Error::new(Code::Cancelled, "task aborted")) } else { Ok(()) }
}

/// While it lives, aborting the token interrupts the thread.
struct Reached<'a> {
    token: &'a CancelToken,
    hook: u64,
}

impl<'a> Reached<'a> {
    fn by(token: &'a CancelToken, context: &Arc<ContextShared>) -> Reached<'a> {
        let context = Arc::clone(context);
        Reached { token, hook: token.on_abort(move || interrupt(&context.core, &context.thread)) }
    }
}

impl Drop for Reached<'_> {
    fn drop(&mut self) {
        self.token.forget(self.hook);
    }
}

/// Counts an entry while it is on the stack.
struct OnStack<'a>(&'a Cell<u32>);

impl<'a> OnStack<'a> {
    fn new(count: &'a Cell<u32>) -> OnStack<'a> {
        count.set(count.get() + 1);
        OnStack(count)
    }
}

impl Drop for OnStack<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
