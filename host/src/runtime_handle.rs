//! The runtime as plugins hold it: what `RuntimeHandle` does, on any thread.

use std::sync::{Arc, Weak};
use std::time::Duration;

use calog_plugin_api::host_side::{Callback, RuntimeType, promise};
use calog_plugin_api::{
    Access, Args, CallInfo, Callable, CancelToken, Code, Completion, Error, Finisher, Frame, Level, Native, Result,
};

use crate::core::Core;
use crate::envelope::{Envelope, Parameters};
use crate::function::NativeFunction;
use crate::ids::ContextId;
use crate::limits::{Taken, What};
use crate::liveness::Counted;
use crate::sync::atomic::Ordering;
use crate::sync::time::Instant;
use crate::worker;

/// What a `RuntimeHandle` points to. It does not keep the runtime alive.
pub(crate) struct Shared(pub(crate) Weak<Core>);

impl Shared {
    fn core(&self) -> Result<Arc<Core>> {
        self.0.upgrade().ok_or_else(|| Error::new(Code::Dead, "the runtime is closed"))
    }
}

impl RuntimeType for Shared {
    fn id(&self) -> u64 {
        self.core().map_or(0, |core| core.id)
    }

    fn now_ns(&self) -> u64 {
        self.core().map_or(1, |core| core.now_ns())
    }

    fn completion(&self, text: &str, external: bool) -> (Completion, Finisher) {
        match self.core() {
            Ok(core) => core.promise(text, external),
            Err(_) => promise(text, external, None),
        }
    }

    fn after_ns(&self, nanoseconds: u64) -> Completion {
        // Times beyond some centuries are as good as never.
        let wait = Duration::from_nanos(nanoseconds.min(1 << 62));
        match self.core() {
            Ok(core) => core.sleep_until(Instant::now() + wait),
            // The finisher is dropped, which answers.
            Err(_) => promise("a timer", true, None).0,
        }
    }

    fn cancel_token(&self, parent: Option<&CancelToken>) -> CancelToken {
        crate::cancel::cancel_token(parent)
    }

    fn blocking(&self, work: Callback) {
        if let Ok(core) = self.core() {
            // It may make something happen also when nobody waits for its result any more.
            let counted = Counted::new(&core.liveness);
            let run = move |_outcome| {
                work.ring();
                drop(counted);
            };
            core.pool.run(Callback::new(run));
        }
    }

    fn keep_alive(&self, change: i32) {
        if let Ok(core) = self.core() {
            core.keep_alive(change);
        }
    }

    fn callable(&self, native: Native) -> Callable {
        NativeFunction::callable(self.id(), native)
    }

    fn post(&self, context: u64, callable: &Callable, info: &CallInfo, args: Args<'_>) -> Result<()> {
        let core = self.core()?;
        let gone = || Error::new(Code::Dead, "the context is closed");
        let thread = match ContextId(context) {
            // Nobody serves it any more.
            ContextId::HOST if core.closing.load(Ordering::Acquire) => {
                return Err(Error::new(Code::Dead, "the runtime is closed"));
            }
            ContextId::HOST => Arc::clone(&core.host),
            id => Arc::clone(&core.context(id).ok_or_else(gone)?.thread),
        };
        thread.check_room()?;
        core.send(&thread, Envelope::Start(Box::new((callable.clone(), Parameters::of(info, args)))));
        Ok(())
    }

    fn permission(&self, info: &CallInfo, name: &str) -> Result<()> {
        let core = self.core()?;
        if ContextId(info.context()) == ContextId::HOST {
            return Ok(());
        }
        // What it was allowed is not known any more of one that is gone.
        let gone = || Error::new(Code::Dead, "the context is closed");
        let context = core.context(ContextId(info.context())).ok_or_else(gone)?;
        let Some(rights) = &context.rights else { return Ok(()) };
        match name.split_once(':') {
            Some(("fs.read", path)) => rights.permit(Access::Read, path.as_bytes()).map(drop),
            Some(("fs.write", path)) => rights.permit(Access::Write, path.as_bytes()).map(drop),
            _ => rights.check_native(name),
        }
    }

    fn count(&self, context: u64, what: &str, amount: u64) -> Result<Callback> {
        let core = self.core()?;
        if ContextId(context) == ContextId::HOST {
            return Ok(Callback::new(|_outcome| {}));
        }
        let gone = || Error::new(Code::Dead, "the context is closed");
        let context = core.context(ContextId(context)).ok_or_else(gone)?;
        let Some(rights) = &context.rights else { return Ok(Callback::new(|_outcome| {})) };
        let taken = Taken::some(rights, What::named(what), amount).map_err(|error| context.at_limit(error))?;
        Ok(Callback::new(move |_outcome| taken.keep()))
    }

    fn site(&self, context: u64) -> Option<Frame> {
        worker::current()?.site(ContextId(context))
    }

    fn when_closed(&self, context: u64, hook: Callback) {
        let core = self.core().ok();
        match core.and_then(|core| core.context(ContextId(context))) {
            Some(context) => context.when_closed(hook),
            // The program's own context ends with its runtime, and with that all bundles.
            None if ContextId(context) == ContextId::HOST => drop(hook),
            None => hook.ring(),
        }
    }

    fn log(&self, level: Level, context: u64, message: &str) {
        let name = self.core().ok().and_then(|core| core.context(ContextId(context)));
        log(level, name.as_ref().map_or("calog", |context| &context.name), None, message);
    }

    fn name_tasks(&self, names: Native) {
        if let Ok(core) = self.core() {
            // The one before is dropped after the lock: it is foreign code.
            let _before = core.task_names.lock().replace(names);
        }
    }
}

/// One structured log line in the name of a context, and of a task if it is one's.
pub(crate) fn log(level: Level, context: &str, task: Option<&str>, message: &str) {
    match level {
        Level::Error => tracing::error!(context, task, "{message}"),
        Level::Warn => tracing::warn!(context, task, "{message}"),
        Level::Info => tracing::info!(context, task, "{message}"),
        Level::Debug => tracing::debug!(context, task, "{message}"),
        Level::Trace => tracing::trace!(context, task, "{message}"),
    }
}
