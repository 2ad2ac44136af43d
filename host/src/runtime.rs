//! A runtime for embedding programs: build it, open contexts, call, pump, close.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{
    Args, Callable, CancelToken, Code, Descriptor, Engine, Error, Function, Hook, KeptInfo, MakeBundle, Native, Result,
    RuntimeHandle, SourceMode, Value, View,
};

use crate::builtin;
use crate::context::{ContextShared, State};
use crate::core::{Core, Parts};
use crate::engines::{CompiledEngine, Engines};
use crate::envelope::{Envelope, SourceText};
use crate::ids::ContextId;
use crate::natives::Natives;
use crate::opening::Open;
use crate::plugins::{Catalog, EngineOffer, Offer, Provider, SearchPath};
use crate::stuck::Waiting;
use crate::sync::atomic::Ordering;
use crate::sync::time::Instant;
use crate::sync::{Mutex, channel, thread};
use crate::thread::Thread;
use crate::worker::{Turn, Worker};

/// Told of errors that no caller sees: which context, and what.
pub type ErrorHandler = Box<dyn FnMut(ContextId, &Error)>;

/// How long closing a runtime may take, unless it is said otherwise.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(5);

type MakeBundleHandle = Box<dyn Fn(RuntimeHandle) -> Result<BundleHandle>>;

/// What the embedding program compiled in, at one place of the builder's order.
enum CompiledIn {
    Engine(CompiledEngine),
    Bundle(String, MakeBundleHandle),
}

/// Builds a [`Runtime`].
#[derive(Default)]
pub struct RuntimeBuilder {
    search: Option<SearchPath>,
    compiled: Vec<CompiledIn>,
    order: Vec<String>,
    natives: Vec<Function>,
    engine_config: HashMap<String, Value>,
    bundle_config: HashMap<String, Value>,
    output: Option<Box<dyn Write + Send>>,
    args: Vec<String>,
    on_error: Option<ErrorHandler>,
    on_mail: Option<Box<dyn Fn() + Send + Sync>>,
}

impl RuntimeBuilder {
    /// Looks for plugins in these folders. Without, there are only those compiled in.
    #[must_use]
    pub fn plugins(mut self, search: SearchPath) -> Self {
        self.search = Some(search);
        self
    }

    /// Compiles an engine in.
    #[must_use]
    pub fn engine<E: Engine>(mut self) -> Self {
        self.compiled.push(CompiledIn::Engine(CompiledEngine::of::<E>()));
        self
    }

    /// Compiles a bundle in: its name, and the function that makes it.
    #[must_use]
    pub fn bundle<M: 'static>(mut self, name: &str, make: impl MakeBundle<M>) -> Self {
        let make = move |runtime| make.make(runtime).map(BundleHandle::new);
        self.compiled.push(CompiledIn::Bundle(name.to_owned(), Box::new(make)));
        self
    }

    /// Which engines come first when several want an extension.
    #[must_use]
    pub fn engine_order<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.order = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a native that runs on this thread while it pumps, never concurrently with another.
    #[must_use]
    pub fn native(mut self, function: Function) -> Self {
        self.natives.push(function.flags(Descriptor::HOST_THREAD));
        self
    }

    /// Adds a native that runs on whatever thread calls it.
    #[must_use]
    pub fn inline_native(mut self, function: Function) -> Self {
        self.natives.push(function);
        self
    }

    /// Gives an engine its configuration.
    #[must_use]
    pub fn engine_config(mut self, engine: &str, config: Value) -> Self {
        self.engine_config.insert(engine.to_owned(), config);
        self
    }

    /// Gives a bundle its configuration.
    #[must_use]
    pub fn bundle_config(mut self, bundle: &str, config: Value) -> Self {
        self.bundle_config.insert(bundle.to_owned(), config);
        self
    }

    /// Where what scripts print goes; by default to standard output.
    #[must_use]
    pub fn output(mut self, output: impl Write + Send + 'static) -> Self {
        self.output = Some(Box::new(output));
        self
    }

    /// What `calog.args()` gives.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Is told, during pump, of errors that no caller sees; by default they are logged.
    #[must_use]
    pub fn on_error(mut self, handler: impl FnMut(ContextId, &Error) + 'static) -> Self {
        self.on_error = Some(Box::new(handler));
        self
    }

    /// Is called, from any thread, when there is something to pump: for programs with an event loop
    /// of their own.
    #[must_use]
    pub fn on_mail(mut self, callback: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_mail = Some(Box::new(callback));
        self
    }

    /// Builds it. This thread is its host thread: context 0.
    ///
    /// # Errors
    /// When bundles or natives collide, or a bundle's configuration is refused or it fails to boot. A
    /// plugin that cannot be loaded is logged, and the others load.
    pub fn build(self) -> Result<Runtime> {
        let (thread, inbox) = Thread::new("host".into());
        if let Some(callback) = self.on_mail {
            thread.mailbox.on_mail(callback);
        }
        let offers = self.compiled.iter().map(CompiledIn::offer).collect();
        let search = self.search.unwrap_or_else(SearchPath::empty);
        let catalog = Catalog::scan(&search, offers, &self.order);
        let (mut engines, mut bundles) = (Vec::new(), Vec::new());
        for compiled in self.compiled {
            let (engine, bundle) = compiled.split();
            engines.push(engine);
            bundles.push(bundle);
        }
        let output = self.output.unwrap_or_else(|| Box::new(std::io::stdout()));
        let core = Core::new(Parts {
            engines: Engines::new(catalog, engines, self.engine_config),
            sink: Arc::new(Mutex::new(output)),
            host: Arc::clone(&thread),
            args: self.args,
        });
        core.liveness.watch(Arc::clone(&thread));
        // The embedding program itself can always make something happen.
        core.liveness.up();
        let worker = Rc::new(Worker::new(Arc::clone(&core), thread, inbox));
        *worker.on_error.borrow_mut() = self.on_error;
        let runtime = Runtime { core, worker, closed: Cell::new(false), stop: Vec::new().into() };
        runtime.add_natives(self.natives, &bundles)?;
        runtime.boot(&self.bundle_config)?;
        Ok(runtime)
    }
}

impl CompiledIn {
    fn offer(&self) -> Offer {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            CompiledIn::Engine(engine) => {
                Offer::compiled_in(&engine.description.name, version, vec![engine.description.clone()], Vec::new())
            }
            CompiledIn::Bundle(name, _) => Offer::compiled_in(name, version, Vec::new(), vec![name.clone()]),
        }
    }

    fn split(self) -> (Option<CompiledEngine>, Option<MakeBundleHandle>) {
        match self {
            CompiledIn::Engine(engine) => (Some(engine), None),
            CompiledIn::Bundle(_, make) => (None, Some(make)),
        }
    }
}

/// One broker: its plugins, natives, contexts and exports. It stays on its thread, the host thread;
/// several may share one.
pub struct Runtime {
    core: Arc<Core>,
    worker: Rc<Worker>,
    closed: Cell<bool>,
    /// Raised to end the bundles' running hooks.
    stop: Mutex<Vec<(CancelToken, thread::JoinHandle<()>)>>,
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

    /// Whether it is gone.
    pub fn is_closed(&self) -> bool {
        self.0.state() == State::Closed
    }
}

/// What closing a runtime came to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Closed {
    /// The threads that did not end within the limit, by name.
    pub lost: Vec<String>,
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
        self.0.exit(code);
        for context in self.0.all_contexts() {
            context.request_stop();
        }
    }
}

impl Runtime {
    /// Starts building one.
    pub fn builder() -> RuntimeBuilder {
        RuntimeBuilder::default()
    }

    fn add_natives(&self, own: Vec<Function>, compiled: &[Option<MakeBundleHandle>]) -> Result<()> {
        let mut natives: Vec<Native> = own.into_iter().map(Function::build).collect::<Result<_>>()?;
        let mut bundles = vec![("calog".to_owned(), builtin::bundle(&self.core)?)];
        for offer in self.core.engines.catalog.bundles() {
            let handle = self.core.handle().clone();
            let made = match offer.provider {
                Provider::CompiledIn(place) => match compiled.get(place) {
                    Some(Some(make)) => make(handle)?,
                    _ => continue,
                },
                Provider::File(file) => {
                    let loaded = self.core.engines.catalog.load(file);
                    let loaded = loaded.map_err(|error| error.to_string());
                    let bundle =
                        loaded.and_then(|plugin| plugin.bundle(&offer.name, handle).map_err(|error| error.to_string()));
                    match bundle {
                        Ok(bundle) => bundle,
                        Err(error) => {
                            tracing::warn!("the bundle '{}' is left out: {error}", offer.name);
                            continue;
                        }
                    }
                }
            };
            bundles.push((offer.name, made));
        }
        for (_, bundle) in &bundles {
            natives.extend(bundle.natives()?);
        }
        *self.core.bundles.lock() = bundles;
        self.core.set_natives(Natives::new(&self.core, natives)?);
        Ok(())
    }

    /// Validates all bundles, then boots them in the order of their priorities, then runs them.
    fn boot(&self, config: &HashMap<String, Value>) -> Result<()> {
        let bundles = self.core.bundles.lock().clone();
        let nil = Value::Nil;
        let config_of = |name: &str| config.get(name).unwrap_or(&nil).view();
        for (name, bundle) in &bundles {
            self.hook(bundle, name, Hook::Validate, config_of(name))?;
        }
        let mut order: Vec<_> = bundles.iter().collect();
        order.sort_by_key(|(name, bundle)| (bundle.priority(Hook::Boot), name.clone()));
        for (name, bundle) in order {
            self.hook(bundle, name, Hook::Boot, config_of(name))?;
        }
        for (name, bundle) in bundles {
            if bundle.priority(Hook::Run).is_some() {
                self.start_running(name, bundle)?;
            }
        }
        Ok(())
    }

    fn hook(&self, bundle: &BundleHandle, name: &str, hook: Hook, config: View<'_>) -> Result<()> {
        bundle
            .hook(hook, self.core.handle(), config, None)
            .map_err(|error| error.inside(&format!("provider '{name}' failed during {}", hook_word(hook))))
    }

    fn start_running(&self, name: String, bundle: BundleHandle) -> Result<()> {
        let stop = crate::cancel::cancel_token(None);
        let (token, handle) = (stop.clone(), self.core.handle().clone());
        let run = move || {
            if let Err(error) = bundle.hook(Hook::Run, &handle, View::NIL, Some(&token)) {
                tracing::error!("runnable '{name}' failed: {error}");
            }
        };
        let join = thread::Builder::new().name("calog bundle".into()).spawn(run)?;
        self.stop.lock().push((stop, join));
        Ok(())
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
        let completion = self.start_eval(context, code);
        let _turn = Turn::of(&self.worker);
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
        let _turn = Turn::of(&self.worker);
        let info = self.info();
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        match function.call(&info, Args::new(&views)).settled() {
            Ok(result) => result,
            Err(completion) => self.worker.wait(None, completion, &info),
        }
    }

    /// Calls what a context exports.
    ///
    /// # Errors
    /// `not_found` when it exports no such function, and as [`call`](Runtime::call).
    pub fn call_export(&self, context: &ContextRef, name: &str, args: &[Value]) -> Result<Value> {
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
        // A thread that does not answer within a second is working, so the program is not stuck.
        std::iter::from_fn(|| answers.recv_timeout(Duration::from_secs(1)).ok()).flatten().collect()
    }

    /// Closes a context: no new calls; running code is interrupted; who waits for it is told.
    pub fn close_context(&self, context: &ContextRef) {
        context.0.ask_to_close();
        let gone = || context.is_closed();
        self.pump_until(gone, CLOSE_LIMIT);
    }

    /// Closes everything within a limit: contexts, threads, bundles. May be repeated.
    pub fn close(&self, limit: Duration) -> Closed {
        if self.closed.replace(true) {
            return Closed::default();
        }
        let until = Instant::now() + limit;
        self.core.closing.store(true, Ordering::Release);
        self.core.all_contexts().iter().for_each(|context| context.ask_to_close());
        let none_left = || self.core.all_contexts().is_empty();
        while !none_left() && Instant::now() < until {
            self.worker.pump(&none_left, Some(until));
        }
        let lost = self.join_threads(until);
        self.shut_down_bundles();
        self.core.timers.stop();
        self.core.pool.stop();
        while self.worker.pump_one() {}
        self.core.engines.clear();
        self.core.set_natives(Natives::default());
        lost
    }

    fn join_threads(&self, until: Instant) -> Closed {
        // A thread ends a moment after its last context; there is nothing to be woken by.
        while self.core.threads.join_finished() > 0 && Instant::now() < until {
            thread::sleep(Duration::from_micros(200));
        }
        Closed { lost: self.core.threads.running().iter().map(|thread| thread.name.clone()).collect() }
    }

    fn shut_down_bundles(&self) {
        for (stop, join) in std::mem::take(&mut *self.stop.lock()) {
            stop.cancel();
            // A hook that panicked has been caught before.
            let _ = join.join();
        }
        let mut bundles = std::mem::take(&mut *self.core.bundles.lock());
        bundles.sort_by_key(|(name, bundle)| (bundle.priority(Hook::Shutdown), name.clone()));
        for (name, bundle) in bundles.iter().rev() {
            if let Err(error) = self.hook(bundle, name, Hook::Shutdown, View::NIL) {
                tracing::error!("{error}");
            }
        }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.close(CLOSE_LIMIT);
    }
}

fn hook_word(hook: Hook) -> &'static str {
    match hook {
        Hook::Validate => "validate",
        Hook::Boot => "boot",
        Hook::Run => "run",
        Hook::Reload => "reload",
        Hook::Shutdown => "shutdown",
    }
}
