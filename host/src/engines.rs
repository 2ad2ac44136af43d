//! The engines of one runtime: found by name or extension, made when a script first needs one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calog_plugin_api::host_side::{EngineDescription, EngineHandle};
use calog_plugin_api::{Code, Engine, Error, Result, RuntimeHandle, View};

use crate::configuration::Current;
use crate::plugins::{Catalog, EngineOffer, Provider, missing_engine};
use crate::sync::Mutex;

type MakeEngine = Box<dyn Fn(RuntimeHandle, View<'_>) -> Result<EngineHandle> + Send + Sync>;
type Validate = fn(View<'_>) -> Result<()>;

/// An engine that the embedding program has compiled in.
pub(crate) struct CompiledEngine {
    pub(crate) description: EngineDescription,
    make: MakeEngine,
    validate: Validate,
}

impl CompiledEngine {
    pub(crate) fn of<E: Engine>() -> CompiledEngine {
        let make = |runtime: RuntimeHandle, config: View<'_>| EngineHandle::make::<E>(runtime, config);
        let validate = EngineHandle::validate::<E>;
        CompiledEngine { description: EngineDescription::of::<E>(), make: Box::new(make), validate }
    }
}

/// The engines of one runtime.
pub(crate) struct Engines {
    pub(crate) catalog: Catalog,
    /// By their place in the builder's order, as the catalog numbers them.
    compiled: Vec<Option<CompiledEngine>>,
    config: Arc<Current>,
    /// A place for each that was asked for. Each is made under its own lock alone: one whose making
    /// does not end holds up nobody but those who want it.
    made: Mutex<HashMap<String, Arc<Mutex<Option<EngineHandle>>>>>,
}

impl Engines {
    pub(crate) fn new(catalog: Catalog, compiled: Vec<Option<CompiledEngine>>, config: Arc<Current>) -> Engines {
        Engines { catalog, compiled, config, made: Mutex::default() }
    }

    /// The engine that a script's file name asks for.
    ///
    /// # Errors
    /// `not_found`, naming the extension and where engines were looked for.
    pub(crate) fn for_file(&self, path: &Path) -> Result<EngineOffer> {
        let Some(extension) = path.extension().and_then(|it| it.to_str()) else {
            return Err(Error::new(
                Code::NotFound,
                format!("{} has no extension, so its language is not known", path.display()),
            ));
        };
        self.catalog.engine_for_extension(extension).ok_or_else(|| self.missing(&format!(".{extension}")))
    }

    /// The engine of a name or language.
    ///
    /// # Errors
    /// `not_found`, as `for_file`.
    pub(crate) fn named(&self, name: &str) -> Result<EngineOffer> {
        self.catalog.engine_named(name).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, wanted: &str) -> Error {
        Error::new(Code::NotFound, missing_engine(&self.catalog, wanted))
    }

    /// The files that a base name may stand for, in the order of registration.
    pub(crate) fn candidates(&self, base: &Path) -> Vec<PathBuf> {
        let engines = self.catalog.engines();
        let extensions = engines.iter().flat_map(|engine| &engine.description.extensions);
        extensions
            .map(|extension| {
                let mut name = base.as_os_str().to_owned();
                name.push(".");
                name.push(extension);
                PathBuf::from(name)
            })
            .collect()
    }

    /// Makes the engine, or gives the one that was made.
    ///
    /// # Errors
    /// When its plugin is refused or the engine cannot be made.
    pub(crate) fn open(&self, name: &str, runtime: &RuntimeHandle) -> Result<EngineHandle> {
        let place = Arc::clone(self.made.lock().entry(name.to_owned()).or_default());
        let mut made = place.lock();
        if let Some(engine) = &*made {
            return Ok(engine.clone());
        }
        let engine = self.make(name, runtime)?;
        Ok(made.insert(engine).clone())
    }

    /// Makes an engine. A plugin that is refused when it is loaded gives its names up; then the next
    /// one that offers the engine has its turn.
    fn make(&self, name: &str, runtime: &RuntimeHandle) -> Result<EngineHandle> {
        let config = self.config.get().of_engine(name);
        let config = config.view();
        let mut refused = None;
        loop {
            let offer = match (self.catalog.engine_named(name), refused.take()) {
                (Some(offer), _) => offer,
                (None, Some(refused)) => return Err(refused),
                (None, None) => return Err(self.missing(name)),
            };
            match offer.provider {
                Provider::CompiledIn(place) => {
                    return match self.compiled.get(place) {
                        Some(Some(compiled)) => (compiled.make)(runtime.clone(), config),
                        _ => Err(self.missing(name)),
                    };
                }
                Provider::File(file) => match self.catalog.load(file) {
                    Ok(plugin) => return plugin.engine(name, runtime.clone(), config),
                    Err(error) => {
                        tracing::warn!("the engine '{name}' is looked for elsewhere: {error}");
                        refused = Some(Error::new(Code::NotFound, error.to_string()));
                    }
                },
            }
        }
    }

    /// Has an engine look at a section, which may not be made yet. Its plugin is opened for that.
    ///
    /// # Errors
    /// The engine's; when its plugin is refused, that.
    pub(crate) fn validate(&self, name: &str, section: View<'_>) -> Result<()> {
        let offer = self.catalog.engine_named(name).ok_or_else(|| self.missing(name))?;
        match offer.provider {
            Provider::CompiledIn(place) => match self.compiled.get(place) {
                Some(Some(compiled)) => (compiled.validate)(section),
                _ => Err(self.missing(name)),
            },
            Provider::File(file) => {
                let plugin = self.catalog.load(file).map_err(|error| Error::new(Code::NotFound, error.to_string()))?;
                plugin.validate_engine(name, section)
            }
        }
    }

    /// The engine of this name, if it was made and is not being made just now.
    pub(crate) fn made(&self, name: &str) -> Option<EngineHandle> {
        let place = self.made.lock().get(name).cloned()?;
        place.try_lock()?.clone()
    }

    /// Gives the engines away, when the runtime ends. One that is still being made stays where it is.
    pub(crate) fn take(&self) -> Vec<(String, EngineHandle)> {
        let places = std::mem::take(&mut *self.made.lock());
        let taken = places.into_iter().filter_map(|(name, place)| Some((name, place.try_lock()?.take()?)));
        taken.collect()
    }
}
