//! How bundles come to life: their natives are gathered, then they are validated, booted and run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{Function, Hook, Native, Result, Value, View};

use super::Runtime;
use super::builder::MakeBundleHandle;
use crate::builtin;
use crate::core::Core;
use crate::joining::Joinable;
use crate::natives::Natives;
use crate::plugins::{FileId, Provider};

impl Runtime {
    pub(super) fn add_natives(&self, own: Vec<Function>, compiled: &[Option<MakeBundleHandle>]) -> Result<()> {
        let mut natives: Vec<Native> = own.into_iter().map(Function::build).collect::<Result<_>>()?;
        let builtin = builtin::bundle(&self.core)?;
        natives.extend(builtin.natives()?);
        let mut bundles = vec![("calog".to_owned(), builtin)];
        for offer in self.core.engines.catalog.bundles() {
            let handle = self.core.handle().clone();
            let made = match offer.provider {
                Provider::CompiledIn(place) => match compiled.get(place) {
                    Some(Some(make)) => make(handle)?,
                    _ => continue,
                },
                Provider::File(file) => match self.plugins_bundle(file, &offer.name, &natives) {
                    Ok(bundle) => bundle,
                    Err(error) => {
                        tracing::warn!("the bundle '{}' is left out: {error}", offer.name);
                        continue;
                    }
                },
            };
            natives.extend(made.natives()?);
            bundles.push((offer.name, made));
        }
        *self.core.bundles.lock() = bundles;
        self.core.set_natives(Natives::new(&self.core, natives)?);
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

    /// Validates all bundles, then boots them in the order of their priorities, then runs them.
    pub(super) fn boot(&self, config: &HashMap<String, Value>) -> Result<()> {
        let bundles = self.core.bundles.lock().clone();
        let nil = Value::Nil;
        let config_of = |name: &str| config.get(name).unwrap_or(&nil).view();
        for (name, bundle) in &bundles {
            run_hook(&self.core, bundle, name, Hook::Validate, config_of(name))?;
        }
        let mut order: Vec<_> = bundles.iter().collect();
        order.sort_by_key(|(name, bundle)| (bundle.priority(Hook::Boot), name.clone()));
        for (name, bundle) in order {
            run_hook(&self.core, bundle, name, Hook::Boot, config_of(name))?;
        }
        for (name, bundle) in bundles {
            if bundle.priority(Hook::Run).is_some() {
                self.start_running(name, bundle)?;
            }
        }
        Ok(())
    }

    fn start_running(&self, name: String, bundle: BundleHandle) -> Result<()> {
        let stop = crate::cancel::cancel_token(None);
        let (token, handle, known) = (stop.clone(), self.core.handle().clone(), name.clone());
        let run = move || {
            if let Err(error) = bundle.hook(Hook::Run, &handle, View::NIL, Some(&token)) {
                tracing::error!("runnable '{known}' failed: {error}");
            }
        };
        let thread = Joinable::start(&name, None, &self.core.host, run)?;
        self.running.lock().push((stop, thread));
        Ok(())
    }
}

/// Runs a hook of a bundle, here and now.
///
/// # Errors
/// The hook's, with the bundle's name.
pub(super) fn run_hook(
    core: &Arc<Core>,
    bundle: &BundleHandle,
    name: &str,
    hook: Hook,
    config: View<'_>,
) -> Result<()> {
    bundle
        .hook(hook, core.handle(), config, None)
        .map_err(|error| error.inside(&format!("provider '{name}' failed during {}", hook_word(hook))))
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
