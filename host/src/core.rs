//! What all threads of a runtime share: its contexts, natives, engines, clock and counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use calog_plugin_api::host_side::{Callback, EngineHandle, promise};
use calog_plugin_api::{
    Args, CallInfo, Completion, Error, Facts, Finisher, Native, Outcome, Result, RuntimeHandle, Str, Value,
};

use crate::context::{ContextShared, State};
use crate::engines::Engines;
use crate::envelope::{Callee, Envelope, Parameters, Parcel, Request};
use crate::ids::{ContextId, SlotTable};
use crate::liveness::{Counted, Liveness};
use crate::modules::Modules;
use crate::natives::Natives;
use crate::output::Sink;
use crate::pool::Pool;
use crate::sync::atomic::AtomicBool;
use crate::sync::time::Instant;
use crate::sync::{Mutex, RwLock};
use crate::thread::{Thread, Threads};
use crate::timers::Timers;
use crate::vigil::Vigil;

/// Numbers runtimes, so that values of one are not taken for another's.
static NEXT_RUNTIME: AtomicU64 = AtomicU64::new(1);

/// The shared heart of a runtime.
pub(crate) struct Core {
    pub(crate) id: u64,
    start: Instant,
    /// What is waited for by who sleeps; there may be many.
    timer_text: Str,
    pub(crate) liveness: Arc<Liveness>,
    pub(crate) contexts: RwLock<SlotTable<Arc<ContextShared>>>,
    pub(crate) threads: Threads,
    pub(crate) modules: Modules,
    pub(crate) engines: Engines,
    /// Set when the runtime is built, dropped when it closes: natives may hold what holds the runtime.
    natives: RwLock<Arc<Natives>>,
    pub(crate) timers: Arc<Timers>,
    pub(crate) pool: Arc<Pool>,
    /// Looks after code that was told to stop.
    pub(crate) vigil: Vigil,
    pub(crate) sink: Sink,
    /// The embedding program's thread: context 0.
    pub(crate) host: Arc<Thread>,
    /// Set when the runtime is built; plugins hold clones.
    handle: OnceLock<RuntimeHandle>,
    keep_alive: Mutex<Vec<Counted>>,
    /// Says what the task of a call is called. Dropped when the runtime closes, as natives are.
    pub(crate) task_names: Mutex<Option<Native>>,
    /// What `calog.args()` gives.
    pub(crate) args: Vec<String>,
    /// The code that the program shall end with; set by the first to ask.
    exit: OnceLock<i32>,
    pub(crate) closing: AtomicBool,
}

/// What a core is made with.
pub(crate) struct Parts {
    pub(crate) engines: Engines,
    pub(crate) sink: Sink,
    pub(crate) host: Arc<Thread>,
    pub(crate) args: Vec<String>,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Arc<Core> {
        let host = &parts.host;
        Arc::new(Core {
            id: NEXT_RUNTIME.fetch_add(1, Ordering::Relaxed),
            start: Instant::now(),
            timer_text: Str::from("a timer"),
            liveness: Arc::default(),
            contexts: RwLock::new(SlotTable::new()),
            threads: Threads::default(),
            modules: Modules::default(),
            engines: parts.engines,
            natives: RwLock::default(),
            timers: Timers::new(host),
            pool: Pool::new(host),
            vigil: Vigil::default(),
            sink: parts.sink,
            host: parts.host,
            handle: OnceLock::new(),
            keep_alive: Mutex::default(),
            task_names: Mutex::default(),
            args: parts.args,
            exit: OnceLock::new(),
            closing: AtomicBool::new(false),
        })
    }

    /// The handle that plugins and natives hold.
    pub(crate) fn handle(self: &Arc<Core>) -> &RuntimeHandle {
        self.handle.get_or_init(|| RuntimeHandle::new(Arc::new(crate::runtime_handle::Shared(Arc::downgrade(self)))))
    }

    /// The circumstances of the embedding program, which all others derive from.
    pub(crate) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        facts.runtime = self.id;
        facts
    }

    /// Nanoseconds since the runtime was made, never zero.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// A time on the runtime's clock as one of the system's.
    pub(crate) fn instant(&self, time_ns: u64) -> Instant {
        // Deadlines beyond some centuries are as good as none.
        self.start + Duration::from_nanos(time_ns.min(1 << 62))
    }

    /// A promise; an external one keeps the program going until it is finished.
    pub(crate) fn promise(&self, text: impl Into<Str>, external: bool) -> (Completion, Finisher) {
        let settled = external.then(|| {
            let counted = Counted::new(&self.liveness);
            Callback::new(move |_| drop(counted))
        });
        promise(text, external, settled)
    }

    /// A promise that is kept at this time.
    pub(crate) fn sleep_until(&self, time: Instant) -> Completion {
        let (completion, finisher) = self.promise(self.timer_text.clone(), true);
        let (alarm, timers) = (self.timers.alarm(time), Arc::downgrade(&self.timers));
        // Nobody can cancel it before it is given out, so the alarm is set by then.
        finisher.on_cancel(move || {
            if let Some(timers) = timers.upgrade() {
                timers.forget(alarm);
            }
        });
        // A waiter that left is no loss.
        self.timers.set(alarm, move || _ = finisher.finish(Ok(Value::Nil)));
        completion
    }

    /// Puts an envelope into a thread's mailbox.
    pub(crate) fn send(&self, thread: &Thread, envelope: Envelope) {
        thread.mailbox.send(Parcel { envelope, counted: Counted::new(&self.liveness) });
    }

    /// Sends a call to a thread, if its mailbox has room: the outcome is pending, or failed with `limit`.
    pub(crate) fn ask(
        &self,
        thread: &Thread,
        text: impl Into<Str>,
        callee: Callee,
        info: &CallInfo,
        args: Args<'_>,
    ) -> Outcome {
        if let Err(error) = thread.check_room() {
            return Outcome::Failed(error);
        }
        let (completion, reply) = self.promise(text, false);
        let request = Request { callee, parameters: Parameters::of(info, args), reply };
        self.send(thread, Envelope::Call(Box::new(request)));
        Outcome::Pending(completion)
    }

    /// A context by its id.
    pub(crate) fn context(&self, id: ContextId) -> Option<Arc<ContextShared>> {
        self.contexts.read().get(id).cloned()
    }

    /// Whether a script's context was asked to close or to stop, or is gone: what ends now ends with it.
    pub(crate) fn is_ending(&self, id: ContextId) -> bool {
        let is_ending = |context: Arc<ContextShared>| context.state() != State::Open || context.stopping();
        id != ContextId::HOST && self.context(id).is_none_or(is_ending)
    }

    /// A context is gone: its slot may be used again, under another generation.
    pub(crate) fn forget_context(&self, context: &ContextShared) {
        self.modules.forget(context);
        context.uncount();
        // Dropped after the lock: it may be the last reference.
        let gone = self.contexts.write().remove(context.id);
        // Whoever closes the runtime waits for this.
        self.host.mailbox.wake();
        drop(gone);
    }

    /// All contexts.
    pub(crate) fn all_contexts(&self) -> Vec<Arc<ContextShared>> {
        self.contexts.read().iter().cloned().collect()
    }

    /// Reports an error that no caller sees, to the embedding program.
    pub(crate) fn report(&self, context: ContextId, error: Error) {
        self.send(&self.host, Envelope::Report { context, error });
    }

    /// What the task of this call is called, if it has a name and anybody knows it.
    pub(crate) fn task_name(&self, info: &CallInfo) -> Option<String> {
        // Called without the lock: it is foreign code.
        let names = self.task_names.lock().clone()?;
        match names.call(info, Args::new(&[])) {
            Outcome::Ready(name) => name.view().as_str().map(str::to_owned),
            // Nobody waits for a name, nor asks why there is none.
            Outcome::Failed(_) | Outcome::Pending(_) => None,
        }
    }

    pub(crate) fn keep_alive(&self, change: i32) {
        let mut guards = self.keep_alive.lock();
        if change > 0 {
            guards.push(Counted::new(&self.liveness));
        } else {
            guards.pop();
        }
    }

    /// Asks the program to end with this code. The first to ask decides.
    pub(crate) fn exit(&self, code: i32) {
        if self.exit.set(code).is_ok() {
            self.host.mailbox.wake();
        }
    }

    /// The code that the program shall end with, once something asked it to.
    pub(crate) fn exit_code(&self) -> Option<i32> {
        self.exit.get().copied()
    }

    /// The engine of this name, made for this runtime if it was not.
    pub(crate) fn engine(self: &Arc<Core>, name: &str) -> Result<EngineHandle> {
        self.engines.open(name, self.handle())
    }

    pub(crate) fn natives(&self) -> Arc<Natives> {
        Arc::clone(&self.natives.read())
    }

    pub(crate) fn set_natives(&self, natives: Natives) {
        // The old ones are dropped after the lock: they are foreign code.
        let _old = std::mem::replace(&mut *self.natives.write(), Arc::new(natives));
    }
}
