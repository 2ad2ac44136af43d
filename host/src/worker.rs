//! A thread at work: the loop that serves its mailbox, nested where a context waits in place.
//!
//! Invariant: every entry into an interpreter goes through here, on the thread that owns it.

mod bounds;
mod calls;
mod closing;
mod pump;
mod tasks;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::host_side::ContextHandle;
use calog_plugin_api::{
    Code, Error, Finisher, FunctionKey, Host, KeptInfo, KeyMap, Outcome, Result, Source, SourceMode,
};

use crate::context::{ContextShared, State};
use crate::core::Core;
use crate::envelope::{Envelope, Loading, Opening, Parcel};
use crate::host_handle::ContextHost;
use crate::ids::ContextId;
use crate::interrupt::Debt;
use crate::limits::Limit;
use crate::local::LocalContext;
use crate::mailbox::{Inbox, Mail};
use crate::restarting;
use crate::stuck::Waiting;
use crate::sync::thread_local;
use crate::sync::time::Instant;
use crate::thread::Thread;
pub(crate) use pump::Landing;
use pump::Wait;

/// How many pumps and same-thread calls may nest: the tightest engine (Squirrel) has room for 49. What
/// a pump serves does not count once more, so that nobody's call fails for the depth of another's.
pub(crate) const MAX_NESTING: u32 = 40;

/// Releases of functions that gather before they are done in between.
const MANY_RELEASES: usize = 64;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Worker>>> = const { RefCell::new(None) };
}

/// The worker whose code runs on this thread.
pub(crate) fn current() -> Option<Rc<Worker>> {
    // While a thread ends its locals are gone; then nothing runs on it.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The worker whose code runs here, if it is that of this thread.
#[inline]
pub(crate) fn current_on(thread: &Arc<Thread>) -> Option<Rc<Worker>> {
    current().filter(|worker| Arc::ptr_eq(&worker.thread, thread))
}

/// Code on this thread, which was lost, has ended after all.
pub(crate) fn come_back() {
    current().into_iter().for_each(|worker| worker.come_back());
}

/// While it lives, this worker is the thread's current one; several runtimes may take turns on it.
pub(crate) struct Turn(Option<Rc<Worker>>);

impl Turn {
    pub(crate) fn of(worker: &Rc<Worker>) -> Turn {
        // As in `current`.
        Turn(CURRENT.try_with(|current| current.replace(Some(Rc::clone(worker)))).ok().flatten())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let before = self.0.take();
        // As in `current`.
        let _ = CURRENT.try_with(|current| current.replace(before));
    }
}

/// A thread's state that only the thread itself sees.
pub(crate) struct Worker {
    pub(crate) core: Arc<Core>,
    pub(crate) thread: Arc<Thread>,
    /// What the circumstances of calls from other threads are derived from.
    base: KeptInfo,
    inbox: Inbox,
    contexts: RefCell<KeyMap<ContextId, Rc<LocalContext>>>,
    nesting: Cell<u32>,
    next_task: Cell<u64>,
    released: RefCell<Vec<(ContextId, FunctionKey)>>,
    /// The waits that are on the stack, outermost first.
    waits: RefCell<Vec<Wait>>,
    /// What the embedding program does with errors and natives of its own; the host's thread only.
    pub(crate) on_error: RefCell<Option<crate::runtime::ErrorHandler>>,
    /// Contexts whose engines are opening them, and what has come for them meanwhile.
    opening: RefCell<Vec<(ContextId, Vec<Envelope>)>>,
    /// Contexts that were asked to close while their code is on the stack, and who wants to know.
    closing: RefCell<Vec<(ContextId, Option<Finisher>)>>,
    /// Whether the thread was lost, and is back to end.
    is_back: Cell<bool>,
}

impl Worker {
    pub(crate) fn new(core: Arc<Core>, thread: Arc<Thread>, inbox: Inbox) -> Worker {
        let base = KeptInfo::new(core.handle().clone(), None, core.facts());
        Worker {
            core,
            base,
            thread,
            inbox,
            contexts: RefCell::default(),
            nesting: Cell::new(0),
            next_task: Cell::new(0),
            released: RefCell::default(),
            waits: RefCell::default(),
            on_error: RefCell::default(),
            opening: RefCell::default(),
            closing: RefCell::default(),
            is_back: Cell::new(false),
        }
    }

    /// Serves the mailbox until the thread has no context left.
    pub(crate) fn run(self: Rc<Worker>) {
        let _turn = Turn::of(&self);
        loop {
            match self.inbox.wait(&self.thread.mailbox, &|| false, None) {
                Mail::Parcel(parcel) => self.dispatch(parcel),
                Mail::Ready | Mail::TimedOut => {}
            }
            if self.contexts.borrow().is_empty() && self.try_end() {
                return;
            }
        }
    }

    /// Ends the thread, unless mail came in the meantime.
    fn try_end(self: &Rc<Worker>) -> bool {
        let mut late = None;
        let ended = self.core.threads.try_end(&self.thread, || {
            late = self.inbox.try_next(&self.thread.mailbox);
            late.is_none()
        });
        if let Some(parcel) = late {
            self.dispatch(parcel);
            return self.contexts.borrow().is_empty() && self.try_end();
        }
        ended
    }

    /// Serves what is in the mailbox now, or until a time; for the embedding program's thread.
    pub(crate) fn pump(self: &Rc<Worker>, ready: &dyn Fn() -> bool, until: Option<Instant>) -> bool {
        let _turn = Turn::of(self);
        match self.inbox.wait(&self.thread.mailbox, ready, until) {
            Mail::Parcel(parcel) => {
                self.dispatch(parcel);
                true
            }
            Mail::Ready | Mail::TimedOut => false,
        }
    }

    /// Serves one envelope if there is one.
    pub(crate) fn pump_one(self: &Rc<Worker>) -> bool {
        let _turn = Turn::of(self);
        let parcel = self.inbox.try_next(&self.thread.mailbox);
        parcel.map(|parcel| self.dispatch(parcel)).is_some()
    }

    /// Serves one envelope to its end.
    fn dispatch(self: &Rc<Worker>, parcel: Parcel) {
        let Parcel { envelope, counted } = parcel;
        if let Some(envelope) = self.hold_back(envelope) {
            self.act(envelope);
        }
        self.flush_releases();
        self.finish_closing();
        drop(counted);
    }

    fn act(self: &Rc<Worker>, envelope: Envelope) {
        match envelope {
            Envelope::Open(opening) => self.open(&opening),
            Envelope::Load(loading) => self.load(*loading),
            Envelope::Call(request) => self.answer_call(*request),
            Envelope::Start(start) => self.start(&start.0, &start.1),
            Envelope::Resume { context, key, result } => self.resume(context, key, result),
            Envelope::Release { context, function } => self.release(context, function),
            Envelope::ReleaseObject { context, object } => {
                if let Some(local) = self.local(context) {
                    local.release_object(object);
                }
            }
            Envelope::Close { context, reply } => self.close(context, reply),
            Envelope::Report { context, error } => self.handle_error(context, &error),
            Envelope::Inspect { reply } => {
                // Whoever asked may have given up; then nobody needs the answer.
                let _ = reply.send(self.waiting());
            }
        }
    }

    fn local(&self, context: ContextId) -> Option<Rc<LocalContext>> {
        self.contexts.borrow().get(&context).cloned()
    }

    pub(crate) fn site(&self, context: ContextId) -> Option<calog_plugin_api::Frame> {
        self.local(context)?.site()
    }

    fn take_task(&self) -> u64 {
        let task = self.next_task.get() + 1;
        self.next_task.set(task);
        task
    }

    /// One more level of nesting on this stack.
    ///
    /// # Errors
    /// `depth` when there are too many.
    fn nest(&self) -> Result<Nested<'_>> {
        if self.nesting.get() >= MAX_NESTING {
            return Err(Error::new(
                Code::Depth,
                format!("{MAX_NESTING} calls and waits are nested on thread '{}' already", self.thread.name),
            )
            .with_help("scripts call each other in circles without end, or nearly so"));
        }
        Ok(Nested::new(&self.nesting))
    }

    /// Whether another wait could nest here.
    ///
    /// # Errors
    /// As `nest`.
    pub(crate) fn check_nesting(&self) -> Result<()> {
        self.nest().map(drop)
    }

    pub(crate) fn remaining_nesting(&self) -> u32 {
        MAX_NESTING.saturating_sub(self.nesting.get())
    }

    // ---- opening, loading, closing

    fn open(self: &Rc<Worker>, opening: &Opening) {
        let Opening { shared, engine, options } = opening;
        let mut facts = self.core.facts();
        facts.context = shared.id.number();
        facts.flags = shared.flags;
        let base = KeptInfo::new(self.core.handle().clone(), None, facts);
        let local = Rc::new(LocalContext::new(Arc::clone(shared), base));
        if shared.state() != State::Open {
            // Somebody closed it before it began.
            local.destroy();
            return self.core.forget_context(shared);
        }
        let host = Host::new(ContextHost::new(self, &local));
        self.opening.borrow_mut().push((shared.id, Vec::new()));
        match engine.open(host, options).and_then(|handle| limit_memory(shared, handle)) {
            Ok(handle) => {
                local.set_handle(handle);
                self.contexts.borrow_mut().insert(shared.id, local);
                if self.is_back.get() {
                    self.close(shared.id, None);
                }
            }
            Err(error) => {
                let error = error.inside(&format!("context '{}' could not be opened", shared.name));
                restarting::main_failed(shared, &error);
                local.destroy_with(&error);
                self.core.forget_context(shared);
            }
        }
        self.serve_held_back(shared.id);
    }

    /// Keeps what is for a context that is being opened: its engine waits in place before it is done. It
    /// counts for nothing meanwhile, as only the end of that wait can make anything of it.
    #[inline]
    fn hold_back(&self, envelope: Envelope) -> Option<Envelope> {
        if self.opening.borrow().is_empty() { Some(envelope) } else { self.hold_back_some(envelope) }
    }

    #[cold]
    fn hold_back_some(&self, envelope: Envelope) -> Option<Envelope> {
        let context = envelope.context();
        let mut opening = self.opening.borrow_mut();
        match opening.iter_mut().find(|(id, _)| Some(*id) == context) {
            Some((_, held)) => {
                held.push(envelope);
                None
            }
            None => Some(envelope),
        }
    }

    /// A context is open, or could not be opened: what was kept for it has its turn.
    fn serve_held_back(self: &Rc<Worker>, context: ContextId) {
        let held = {
            let mut opening = self.opening.borrow_mut();
            let at = opening.iter().position(|(id, _)| *id == context);
            at.map(|at| opening.remove(at).1).unwrap_or_default()
        };
        held.into_iter().for_each(|envelope| self.act(envelope));
    }

    fn load(self: &Rc<Worker>, loading: Loading) {
        let Loading { context: shared, source, reply } = loading;
        let Some(local) = self.local(shared.id) else {
            // Why it is gone, or could not be opened, is what the main chunk's waiters are told.
            return shared.when_main_ends(reply);
        };
        let mut facts = local.base.facts();
        facts.task = self.take_task();
        let info = local.base.derive(facts);
        let source_view =
            Source { mode: source.mode, name: &source.name, path: &source.path, text: &source.text, info: &info };
        let entered = {
            let debt = Debt::answer(&reply);
            let _owing = debt.owe();
            local.enter(None, |handle| handle.load(&source_view))
        };
        let outcome = self.after(&local, entered, &info);
        let shared = Arc::clone(&local.shared);
        let is_main = source.mode == SourceMode::File;
        outcome.then(move |result| {
            if is_main {
                if let Ok(value) = &result {
                    shared.export_result(value);
                }
                let told = shared.main_ended(&result);
                if let Err(error) = &result
                    && !restarting::main_failed(&shared, error)
                    && !told
                {
                    shared.report_main(error);
                }
            }
            // A caller that left (fire and forget) is no loss.
            let _ = reply.finish(result);
        });
    }

    // ---- releases, errors, inspection

    /// Notes that the last reference to a function of a context of this thread is gone. It is
    /// released when no entry into its interpreter can be in the middle of something.
    pub(crate) fn release_later(&self, context: ContextId, function: FunctionKey) {
        self.released.borrow_mut().push((context, function));
    }

    fn release(&self, context: ContextId, function: FunctionKey) {
        if let Some(local) = self.local(context) {
            local.release(function);
        } else if self.opening.borrow().iter().any(|(id, _)| *id == context) {
            // It is kept there until the context is open.
            self.core.send(&self.thread, Envelope::Release { context, function });
        }
    }

    fn flush_releases(&self) {
        while let Some((context, function)) = { self.released.borrow_mut().pop() } {
            self.release(context, function);
        }
    }

    /// Does releases that have gathered while a script runs on and on.
    pub(crate) fn flush_many_releases(&self) {
        if self.released.borrow().len() >= MANY_RELEASES {
            self.flush_releases();
        }
    }

    fn handle_error(&self, context: ContextId, error: &Error) {
        match &mut *self.on_error.borrow_mut() {
            Some(handler) => handler(context, error),
            None => tracing::error!("context {context}: {error:?}"),
        }
    }

    /// Who waits on this thread, and for what.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let mut all = Vec::new();
        let waits: Vec<_> = self.waits.borrow().iter().filter(|wait| !wait.is_over()).map(Wait::who).collect();
        for (local, canceller) in waits {
            if let Some(local) = local {
                all.push(Waiting::new(&local.shared, local.site(), &canceller.text()));
            }
        }
        // Without the borrow: engines are asked, and whatever they do may open and end contexts.
        let contexts: Vec<_> = self.contexts.borrow().values().cloned().collect();
        contexts.iter().for_each(|local| all.extend(local.waiting()));
        all
    }
}

/// Bounds what the interpreter allocates, if that is limited.
///
/// # Errors
/// `unsupported` when it must be, and the engine has no bound.
fn limit_memory(context: &ContextShared, handle: ContextHandle) -> Result<ContextHandle> {
    let Some(rights) = &context.rights else { return Ok(handle) };
    let is_bound = rights.most(Limit::Memory).is_none_or(|most| handle.set_memory_limit(most));
    if is_bound || !rights.demands_memory() {
        return Ok(handle);
    }
    let message = format!("the engine {} cannot limit memory: `limits.memory` cannot be had here", context.engine);
    Err(Error::new(Code::Unsupported, message))
}

/// Hands an outcome on to whoever asked.
fn answer(outcome: Outcome, reply: Finisher) {
    outcome.then(move |result| {
        // A caller that left (cancelled, closed) is no loss.
        let _ = reply.finish(result);
    });
}

/// Counts a level of nesting while it is on the stack.
struct Nested<'a>(&'a Cell<u32>);

impl<'a> Nested<'a> {
    fn new(nesting: &'a Cell<u32>) -> Nested<'a> {
        nesting.set(nesting.get() + 1);
        Nested(nesting)
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
