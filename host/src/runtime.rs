//! A runtime for embedding programs: build it, open contexts, call, pump, close.

mod boot;
mod builder;
mod closing;
mod reloading;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::{Args, Callable, Code, Error, KeptInfo, Result, RuntimeHandle, SourceMode, Value, View};

use crate::context::{ContextShared, State};
use crate::core::Core;
use crate::envelope::{Envelope, SourceText};
use crate::ids::ContextId;
use crate::opening::Open;
use crate::plugins::{Catalog, EngineOffer};
use crate::providers::Registry;
use crate::stuck::Waiting;
use crate::surroundings::Surroundings;
use crate::sync::channel;
use crate::sync::time::Instant;
use crate::worker::{Turn, Worker};

pub use boot::LeftOut;
pub use builder::{Checked, RuntimeBuilder};
pub use closing::{CLOSE_LIMIT, Closed, Lost};
pub use reloading::Reloader;

/// Told of errors that no caller sees: which context, and what.
pub type ErrorHandler = Box<dyn FnMut(ContextId, &Error)>;

/// One broker: its plugins, natives, contexts and exports. It stays on its thread, the host thread;
/// several may share one.
pub struct Runtime {
    pub(crate) core: Arc<Core>,
    worker: Rc<Worker>,
    closed: Cell<bool>,
    /// Bundles, engines, and the program's own.
    providers: Arc<Registry<Surroundings>>,
    reloader: Reloader,
}

/// A context that was opened.
#[derive(Clone)]
pub struct ContextRef(pub(crate) Arc<ContextShared>);

impl ContextRef {
    /// Its id.
    pub fn id(&self) -> ContextId {
        self.0.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// What it exports under a name.
    pub fn export(&self, name: &str) -> Option<Value> {
        self.0.exported(name)
    }

    /// Asks it to close, from any thread, and does not wait: no new calls, and running code is
    /// interrupted. May be repeated.
    pub fn ask_to_close(&self) {
        self.0.ask_to_close();
    }

    /// Whether it is gone.
    pub fn is_closed(&self) -> bool {
        self.0.state() == State::Closed
    }
}

/// How a program ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Nothing was left to do.
    Idle,
    /// Something asked it to end with this code.
    Exit(i32),
    /// Some still wait, and nothing is left that could end their wait.
    Stuck(Vec<Waiting>),
}

/// A right to end a program, from any thread.
#[derive(Clone)]
pub struct Stopper(Arc<Core>);

impl Stopper {
    /// Ends the program in order, with this code. The first to ask decides.
    pub fn exit(&self, code: i32) {
        self.0.end(code);
    }

    /// Ends the program in order, with this code, but lets go on what is under way, until the runtime is
    /// closed: see [`Runtime::drain`]. Only what holds the program's own thread is interrupted.
    pub fn drain(&self, code: i32) {
        self.0.exit(code);
        for context in self.0.all_contexts().iter().filter(|it| Arc::ptr_eq(&it.thread, &self.0.host)) {
            context.request_stop();
        }
    }
}

impl Runtime {
    /// Starts building one.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    /// The plugins: folders, files, engines, bundles.
    pub fn catalog(&self) -> &Catalog {
        &self.core.engines.catalog
    }

    /// The engine that a script's extension asks for.
    ///
    /// # Errors
    /// `not_found`, naming the extension, the folders searched and what was refused.
    pub fn engine_for(&self, path: &std::path::Path) -> Result<EngineOffer> {
        self.core.engines.for_file(path)
    }

    /// The handle that natives and threads may hold.
    pub fn handle(&self) -> RuntimeHandle {
        self.core.handle().clone()
    }

    /// The providers: bundles by their names, engines as `engines.NAME`, and the program's own.
    pub fn providers(&self) -> &Registry<Surroundings> {
        &self.providers
    }

    /// A right to have everything reloaded.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// A right to end the program from another thread or a signal.
    pub fn stopper(&self) -> Stopper {
        Stopper(Arc::clone(&self.core))
    }

    /// Opens a context. It exists when this returns; its main chunk runs on its own thread. An error
    /// in it goes to whoever waits for it, or to the error handler.
    ///
    /// # Errors
    /// `not_found` for a missing file or engine, `io`, and the engine's own.
    pub fn open(&self, open: Open) -> Result<ContextRef> {
        let (shared, main) = self.core.open(open, None)?;
        if let Some(main) = main {
            main.then(drop);
        }
        Ok(ContextRef(shared))
    }

    /// Opens several contexts, which can import each other by name from the start. Each has its own
    /// result, as of [`open`](Runtime::open).
    pub fn open_all(&self, all: impl IntoIterator<Item = Open>) -> Vec<Result<ContextRef>> {
        // Imports look for modules under this lock, so none misses a context that is about to be opened.
        let _none_looks = self.core.modules.opening.lock();
        all.into_iter().map(|open| self.open(open)).collect()
    }

    /// The context of this name: of several the first, and of one that was started again the new one.
    pub fn context(&self, name: &str) -> Option<ContextRef> {
        let id = self.core.modules.named(name)?;
        self.core.context(id).map(ContextRef)
    }

    /// Has a context run code: fire and forget. Errors reach the error handler during pump.
    pub fn eval(&self, context: &ContextRef, code: &str) {
        let (core, id) = (Arc::clone(&self.core), context.id());
        self.start_eval(context, code).then(move |result| {
            if let Err(error) = result {
                core.report(id, error);
            }
        });
    }

    /// Has a context run code, and waits for its value, pumping meanwhile.
    ///
    /// # Errors
    /// The code's.
    pub fn evaluate(&self, context: &ContextRef, code: &str) -> Result<Value> {
        let _turn = Turn::of(&self.worker);
        // As for calls.
        self.worker.check_nesting()?;
        let completion = self.start_eval(context, code);
        self.worker.wait(None, completion, &self.info())
    }

    fn start_eval(&self, context: &ContextRef, code: &str) -> calog_plugin_api::Completion {
        let source = SourceText {
            mode: SourceMode::Eval,
            name: "(eval)".into(),
            path: String::new(),
            text: code.as_bytes().to_vec(),
        };
        self.core.load(&context.0, source)
    }

    /// Looks whether a script can be compiled, in a context of its engine, and runs nothing of it.
    ///
    /// # Errors
    /// `script`, with file and line; `io` when it cannot be read.
    pub fn check_script(&self, context: &ContextRef, script: &std::path::Path) -> Result<()> {
        let name = script.to_string_lossy().into_owned();
        let text =
            std::fs::read(script).map_err(|error| Error::new(Code::Io, format!("{name} cannot be read: {error}")))?;
        let source = SourceText { mode: SourceMode::Check, path: name.clone(), name, text };
        let _turn = Turn::of(&self.worker);
        self.worker.check_nesting()?;
        let completion = self.core.load(&context.0, source);
        self.worker.wait(None, completion, &self.info()).map(drop)
    }

    /// Waits until a context's main chunk has ended, pumping meanwhile; gives its value.
    ///
    /// # Errors
    /// The main chunk's.
    pub fn wait_for(&self, context: &ContextRef) -> Result<Value> {
        let (completion, finisher) = self.core.promise(format!("the end of context '{}'", context.name()), false);
        context.0.when_main_ends(finisher);
        let _turn = Turn::of(&self.worker);
        self.worker.wait(None, completion, &self.info())
    }

    /// Calls a function value, pumping until its result is there.
    ///
    /// # Errors
    /// The function's; `dead` when its context is closed.
    pub fn call(&self, function: &Callable, args: &[Value]) -> Result<Value> {
        self.call_with(&self.info(), function, args)
    }

    /// As [`call`](Runtime::call), within a limit: what the call waits for, here and in all contexts it
    /// leads to, ends at its deadline. Code that does not wait is not interrupted by it.
    ///
    /// # Errors
    /// As [`call`](Runtime::call); `timeout` at the deadline.
    pub fn call_within(&self, limit: Duration, function: &Callable, args: &[Value]) -> Result<Value> {
        let mut facts = self.core.facts();
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        facts.deadline_ns = self.core.now_ns().saturating_add(limit);
        self.call_with(&KeptInfo::new(self.core.handle().clone(), None, facts), function, args)
    }

    fn call_with(&self, info: &KeptInfo, function: &Callable, args: &[Value]) -> Result<Value> {
        let _turn = Turn::of(&self.worker);
        // Before it is made: it would run though it cannot be waited for.
        self.worker.check_nesting()?;
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        match function.call(info, Args::new(&views)).settled() {
            Ok(result) => result,
            Err(completion) => self.worker.wait(None, completion, info),
        }
    }

    /// Calls what a context exports.
    ///
    /// # Errors
    /// `dead` when it is closed, `not_found` when it exports no such function, and as [`call`](Runtime::call).
    pub fn call_export(&self, context: &ContextRef, name: &str, args: &[Value]) -> Result<Value> {
        context.0.check_open()?;
        match context.export(name) {
            Some(Value::Callable(function)) => self.call(&function, args),
            Some(other) => Err(Error::new(
                Code::Type,
                format!("'{name}' of context '{}' is no function but {:?}", context.name(), other.kind()),
            )),
            None => Err(Error::new(Code::NotFound, format!("context '{}' exports no '{name}'", context.name()))),
        }
    }

    fn info(&self) -> KeptInfo {
        KeptInfo::new(self.core.handle().clone(), None, self.core.facts())
    }

    /// Serves what is there for this thread: natives to run, errors to hear of. Whether there was any.
    pub fn pump(&self) -> bool {
        let mut any = false;
        while self.worker.pump_one() {
            any = true;
        }
        any
    }

    /// Serves this thread for some time.
    pub fn pump_for(&self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.worker.pump(&|| false, Some(until));
        }
    }

    /// Serves this thread until the condition holds, or the time is up. Whether it holds. The
    /// condition is looked at after everything that is served.
    pub fn pump_until(&self, condition: impl Fn() -> bool, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !condition() && Instant::now() < until {
            self.worker.pump(&condition, Some(until));
        }
        condition()
    }

    /// Runs as a program: serves this thread until nothing can happen any more, or something asks it
    /// to end.
    pub fn run(&self) -> Ended {
        self.core.liveness.down();
        let ended = self.run_counted();
        self.core.liveness.up();
        ended
    }

    fn run_counted(&self) -> Ended {
        let core = &self.core;
        loop {
            let over = || core.liveness.is_zero() || core.exit_code().is_some();
            while self.worker.pump(&over, None) {}
            if let Some(code) = core.exit_code() {
                return Ended::Exit(code);
            }
            let waiting = self.waiting();
            // Asking took a while: only what is still true counts.
            if core.liveness.is_zero() && core.exit_code().is_none() {
                return if waiting.is_empty() { Ended::Idle } else { Ended::Stuck(waiting) };
            }
        }
    }

    /// Who waits, on all threads.
    fn waiting(&self) -> Vec<Waiting> {
        let (reply, answers) = channel::unbounded();
        for thread in self.core.threads.running() {
            self.core.send(&thread, Envelope::Inspect { reply: reply.clone() });
        }
        drop(reply);
        let mut all = self.worker.waiting();
        // A thread that does not answer within a second is working, so the program is not stuck.
        all.extend(std::iter::from_fn(|| answers.recv_timeout(Duration::from_secs(1)).ok()).flatten());
        all.sort();
        all
    }
}
