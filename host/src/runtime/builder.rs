//! What a runtime is built from: plugins' folders, compiled-in engines and bundles, the program's own
//! natives, and where output and errors go.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{Descriptor, Engine, Error, Function, MakeBundle, Result, RuntimeHandle, Value};

use super::boot::LeftOut;
use super::reloading::{OnReload, Reloader};
use super::{ErrorHandler, Runtime};
use crate::configuration::{Configuration, Current};
use crate::core::{Core, Parts};
use crate::engines::{CompiledEngine, Engines};
use crate::ids::ContextId;
use crate::plugins::{Catalog, Offer, SearchPath};
use crate::providers::{self, BoxError, Failures, Provider, Registry};
use crate::surroundings::Surroundings;
use crate::sync::Mutex;
use crate::thread::Thread;
use crate::worker::Worker;

/// Registers a provider of the program's own.
type AddProvider = Box<dyn FnOnce(&Registry<Surroundings>) -> Result<(), providers::Error>>;
pub(super) type MakeBundleHandle = Box<dyn Fn(RuntimeHandle) -> Result<BundleHandle>>;

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
    configuration: Configuration,
    providers: Vec<AddProvider>,
    on_reload: Vec<OnReload>,
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
        let make = move |runtime| BundleHandle::make(&make, runtime);
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
        self.configuration = self.configuration.engine(engine, config);
        self
    }

    /// Gives a bundle its configuration.
    #[must_use]
    pub fn bundle_config(mut self, bundle: &str, config: Value) -> Self {
        self.configuration = self.configuration.bundle(bundle, config);
        self
    }

    /// Gives all engines and bundles their configuration.
    #[must_use]
    pub fn configuration(mut self, configuration: Configuration) -> Self {
        self.configuration = configuration;
        self
    }

    /// Registers a service of the program's own beside bundles and engines.
    #[must_use]
    pub fn provider<T: Provider<Surroundings>>(mut self, provider: Arc<T>) -> Self {
        self.providers.push(Box::new(move |registry| registry.insert(provider).map(drop)));
        self
    }

    /// Does this first when a changed configuration is taken over: for the program's own state. If it
    /// fails, everything stays as it was.
    #[must_use]
    pub fn on_reload(
        mut self,
        reload: impl Fn(&Configuration) -> Result<(), BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.on_reload.push(Box::new(reload));
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
    /// When bundles or natives collide, or a configuration is refused, or a provider fails to boot. A
    /// plugin that cannot be loaded is logged, and the others load.
    pub fn build(self) -> Result<Runtime> {
        self.start().map_err(|failures| failures.to_calog())
    }

    /// As [`build`](RuntimeBuilder::build), with each failure by itself.
    ///
    /// # Errors
    /// As [`build`](RuntimeBuilder::build).
    pub fn start(self) -> Result<Runtime, Failures> {
        let (runtime, _left_out) = self.prepare()?;
        runtime.unread_sections().iter().for_each(|section| tracing::warn!("{section}"));
        runtime.boot()?;
        Ok(runtime)
    }

    /// Builds a runtime whose providers are validated and do not boot: to find out what is wrong with a
    /// program before any of it runs.
    ///
    /// # Errors
    /// When bundles or natives collide.
    pub fn check(self) -> Result<Checked, Failures> {
        let (runtime, left_out) = self.prepare()?;
        let failures = runtime.providers.validate_all().err();
        let unread = runtime.unread_sections();
        Ok(Checked { runtime, failures, left_out, unread })
    }

    /// Everything up to validating.
    fn prepare(self) -> Result<(Runtime, Vec<LeftOut>), Failures> {
        let (thread, inbox) = Thread::new("host".into());
        thread.arrive();
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
        let current = Arc::new(Current::new(self.configuration));
        let core = Core::new(Parts {
            engines: Engines::new(catalog, engines, Arc::clone(&current)),
            sink: Arc::new(Mutex::new(output)),
            host: Arc::clone(&thread),
            args: self.args,
        });
        core.liveness.watch(Arc::clone(&thread));
        // The embedding program itself can always make something happen.
        core.liveness.up();
        let worker = Rc::new(Worker::new(Arc::clone(&core), thread, inbox));
        *worker.on_error.borrow_mut() = self.on_error;
        let providers = Arc::new(Registry::new(Surroundings::new(core.handle().clone(), current)));
        let reloader = Reloader::new(&core, &providers, self.on_reload);
        let runtime = Runtime { core, worker, closed: Cell::new(false), providers, reloader };
        let refused = |error: Error| providers::Error::Other(error.into());
        let left_out = runtime.add_natives(self.natives, &bundles).map_err(refused)?;
        runtime.add_engines()?;
        self.providers.into_iter().try_for_each(|add| add(&runtime.providers))?;
        Ok((runtime, left_out))
    }
}

/// What is known of a program before any of it runs.
pub struct Checked {
    /// Its runtime, whose providers have not booted.
    pub runtime: Runtime,
    /// What providers found wrong with their configuration.
    pub failures: Option<Failures>,
    /// Bundles that cannot be had.
    pub left_out: Vec<LeftOut>,
    /// Sections of the configuration that nobody reads, in words.
    pub unread: Vec<String>,
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
