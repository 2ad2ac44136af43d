//! How bundles come to life: their natives are gathered, then they and all other providers are validated,
//! booted and run.

use std::collections::HashSet;
use std::sync::Arc;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{Function, Native, Result};

use super::Runtime;
use super::builder::MakeBundleHandle;
use crate::builtin;
use crate::ids::ContextId;
use crate::natives::Natives;
use crate::plugins::{self, FileId};
use crate::providers::{Failures, Notice};
use crate::surroundings::{BundleProvider, EngineProvider};

/// What a program ends with when something that runs failed for good.
const FATAL: i32 = 1;

/// A bundle that was not taken in, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The bundle's name.
    pub bundle: String,
    /// Why.
    pub reason: String,
}

impl Runtime {
    /// Takes all natives in, and registers the bundles they are of. A bundle of a plugin that cannot be
    /// made is left out.
    pub(super) fn add_natives(
        &self,
        own: Vec<Function>,
        compiled: &[Option<MakeBundleHandle>],
    ) -> Result<Vec<LeftOut>> {
        let mut natives: Vec<Native> = own.into_iter().map(Function::build).collect::<Result<_>>()?;
        natives.extend(builtin::bundle(&self.core)?.natives()?);
        let mut left_out = Vec::new();
        for offer in self.core.engines.catalog.bundles() {
            let handle = self.core.handle().clone();
            let made = match offer.provider {
                plugins::Provider::CompiledIn(place) => match compiled.get(place) {
                    Some(Some(make)) => make(handle)?,
                    _ => continue,
                },
                plugins::Provider::File(file) => match self.plugins_bundle(file, &offer.name, &natives) {
                    Ok(bundle) => bundle,
                    Err(reason) => {
                        tracing::warn!("the bundle '{}' is left out: {reason}", offer.name);
                        left_out.push(LeftOut { bundle: offer.name, reason });
                        continue;
                    }
                },
            };
            natives.extend(made.natives()?);
            self.add_bundle(&offer.name, made).map_err(|error| error.to_calog())?;
        }
        self.core.set_natives(Natives::new(&self.core, natives)?);
        Ok(left_out)
    }

    fn add_bundle(&self, name: &str, bundle: BundleHandle) -> Result<(), crate::providers::Error> {
        let section = self.providers.state().configuration().of_bundle(name);
        self.providers.insert_named(Arc::new(BundleProvider::new(name.to_owned(), bundle, &section)))?;
        Ok(())
    }

    /// Registers the engines, which are made when scripts need them.
    pub(super) fn add_engines(&self) -> Result<(), crate::providers::Error> {
        let configuration = self.providers.state().configuration();
        for engine in self.core.engines.catalog.engines() {
            let name = &engine.description.name;
            let section = configuration.of_engine(name);
            self.providers.insert_named(Arc::new(EngineProvider::new(name, &self.core, section)))?;
        }
        Ok(())
    }

    /// A bundle of a plugin, which may not take the name of a native that is there already.
    fn plugins_bundle(&self, file: FileId, name: &str, there: &[Native]) -> Result<BundleHandle, String> {
        let plugin = self.core.engines.catalog.load(file).map_err(|error| error.to_string())?;
        let handle = self.core.handle().clone();
        let bundle = plugin.bundle(name, handle).map_err(|error| error.to_string())?;
        let natives = bundle.natives().map_err(|error| error.to_string())?;
        let there: HashSet<String> = there.iter().map(|native| native.descriptor().name).collect();
        match natives.iter().map(|native| native.descriptor().name).find(|name| there.contains(name)) {
            Some(taken) => Err(format!("there is a native '{taken}' already")),
            None => Ok(bundle),
        }
    }

    /// Validates all providers, then boots them in order, then starts what they run. Should that fail, what
    /// has booted is shut down as the runtime closes.
    pub(super) fn boot(&self) -> Result<(), Failures> {
        self.providers.validate_all()?;
        self.providers.boot_until_failure()?;
        let core = Arc::downgrade(&self.core);
        let started = self.providers.run_all(move |notice| {
            if let (Notice::Fatal(error), Some(core)) = (notice, core.upgrade()) {
                // In this order: who sees the end also sees why.
                core.report(ContextId::HOST, error.to_calog());
                core.end(FATAL);
            }
        })?;
        tracing::debug!("{started} providers run");
        Ok(())
    }

    /// The sections of the configuration that nobody reads, in words.
    pub(super) fn unread_sections(&self) -> Vec<String> {
        let catalog = &self.core.engines.catalog;
        let engines: Vec<String> = catalog.engines().into_iter().map(|engine| engine.description.name).collect();
        let bundles: Vec<String> = catalog.bundles().into_iter().map(|bundle| bundle.name).collect();
        self.providers.state().configuration().unread(&engines, &bundles)
    }
}
