//! What the providers of a runtime share, and bundles and engines as such providers.

use std::sync::{Arc, Weak};
use std::time::Duration;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{CancelToken, Hook, Lifecycle, RuntimeHandle, Value};

use crate::configuration::{Configuration, Current};
use crate::core::Core;
use crate::providers::{Provider, Reloadable, Restart, Result, Runnable, SHUTDOWN_LIMIT, priority};
use crate::sync::Mutex;

/// What the providers of a runtime share: the runtime, and the configuration.
pub struct Surroundings {
    runtime: RuntimeHandle,
    current: Arc<Current>,
}

impl Surroundings {
    pub(crate) fn new(runtime: RuntimeHandle, current: Arc<Current>) -> Surroundings {
        Surroundings { runtime, current }
    }

    /// The same with another configuration, which is not yet anybody's.
    pub(crate) fn with(&self, configuration: Configuration) -> Surroundings {
        Surroundings { runtime: self.runtime.clone(), current: Arc::new(Current::new(configuration)) }
    }

    /// The runtime.
    pub fn runtime(&self) -> &RuntimeHandle {
        &self.runtime
    }

    /// The configuration that counts now. It stays as it is, whatever is reloaded.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.current.get()
    }

    pub(crate) fn put(&self, configuration: Arc<Configuration>) -> Arc<Configuration> {
        self.current.put(configuration)
    }
}

/// A bundle of natives.
pub(crate) struct BundleProvider {
    name: String,
    bundle: BundleHandle,
    life: Lifecycle,
}

impl BundleProvider {
    pub(crate) fn new(name: String, bundle: BundleHandle, section: &Value) -> BundleProvider {
        let life = bundle.lifecycle(section.view());
        BundleProvider { name, bundle, life }
    }

    fn hook(&self, hook: Hook, state: &Surroundings, stop: Option<&CancelToken>) -> Result<()> {
        let section = state.configuration().of_bundle(&self.name);
        Ok(self.bundle.hook(hook, &state.runtime, section.view(), stop)?)
    }

    fn priority_of(&self, hook: Hook) -> u8 {
        self.bundle.priority(hook).unwrap_or(priority::NORMAL)
    }
}

impl Provider<Surroundings> for BundleProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn boot_priority(&self) -> u8 {
        self.priority_of(Hook::Boot)
    }

    fn shutdown_priority(&self) -> u8 {
        self.bundle.priority(Hook::Shutdown).unwrap_or_else(|| self.boot_priority())
    }

    fn after(&self) -> Vec<String> {
        self.life.after.clone()
    }

    fn before(&self) -> Vec<String> {
        self.life.before.clone()
    }

    fn is_enabled(&self, _state: &Surroundings) -> bool {
        self.life.enabled
    }

    fn validate(&self, state: &Surroundings) -> Result<()> {
        let configuration = state.configuration();
        let section = configuration.of_bundle(&self.name);
        let valid = self.bundle.hook(Hook::Validate, &state.runtime, section.view(), None);
        Ok(valid.map_err(|error| configuration.in_bundle(&self.name, error))?)
    }

    fn boot(&self, state: &Surroundings) -> Result<()> {
        self.hook(Hook::Boot, state, None)
    }

    fn shutdown(&self, state: &Surroundings) -> Result<()> {
        self.hook(Hook::Shutdown, state, None)
    }

    fn has_shutdown(&self) -> bool {
        self.bundle.priority(Hook::Shutdown).is_some()
    }

    fn shutdown_limit(&self) -> Duration {
        self.life.shutdown_limit.unwrap_or(SHUTDOWN_LIMIT)
    }

    fn as_runnable(&self) -> Option<&dyn Runnable<Surroundings>> {
        self.bundle.priority(Hook::Run).map(|_| self as _)
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Surroundings>> {
        self.bundle.priority(Hook::Reload).map(|_| self as _)
    }
}

impl Runnable<Surroundings> for BundleProvider {
    fn priority(&self) -> u8 {
        self.priority_of(Hook::Run)
    }

    fn restart(&self) -> Restart {
        self.life.restart
    }

    fn is_recoverable(&self) -> bool {
        self.life.recoverable
    }

    fn run(&self, state: &Surroundings, stop: &CancelToken) -> Result<()> {
        self.hook(Hook::Run, state, Some(stop))
    }
}

impl Reloadable<Surroundings> for BundleProvider {
    fn priority(&self) -> u8 {
        self.priority_of(Hook::Reload)
    }

    fn reload(&self, state: &Surroundings) -> Result<()> {
        self.hook(Hook::Reload, state, None)
    }
}

/// An engine. It is made when a script first needs it, which is its boot; and dropped with its runtime,
/// which is its end. In between its section may change.
pub(crate) struct EngineProvider {
    /// As in `calog.toml`, so that no bundle has the name.
    name: String,
    engine: String,
    core: Weak<Core>,
    /// The section that the engine has read, or will read when it is made.
    read: Mutex<Value>,
}

/// It has no way to take a section over.
#[derive(Debug, thiserror::Error)]
#[error("its section has changed, which it reads only once: start the program again")]
struct ReadOnce;

impl EngineProvider {
    pub(crate) fn new(engine: &str, core: &Arc<Core>, section: Value) -> EngineProvider {
        let name = format!("engines.{engine}");
        EngineProvider { name, engine: engine.to_owned(), core: Arc::downgrade(core), read: Mutex::new(section) }
    }
}

impl Provider<Surroundings> for EngineProvider {
    fn name(&self) -> &str {
        &self.name
    }

    fn validate(&self, state: &Surroundings) -> Result<()> {
        let configuration = state.configuration();
        let section = configuration.of_engine(&self.engine);
        let (Some(core), false) = (self.core.upgrade(), section == Value::Nil) else { return Ok(()) };
        let valid = core.engines.validate(&self.engine, section.view());
        Ok(valid.map_err(|error| configuration.in_engine(&self.engine, error))?)
    }

    fn has_shutdown(&self) -> bool {
        false
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Surroundings>> {
        Some(self)
    }
}

impl Reloadable<Surroundings> for EngineProvider {
    fn reload(&self, state: &Surroundings) -> Result<()> {
        let section = state.configuration().of_engine(&self.engine);
        let Some(engine) = self.core.upgrade().and_then(|core| core.engines.made(&self.engine)) else {
            *self.read.lock() = section;
            return Ok(());
        };
        let taken = engine.reload(section.view())?;
        let mut read = self.read.lock();
        if !taken && *read != section {
            return Err(ReadOnce.into());
        }
        *read = section;
        Ok(())
    }
}
