//! How bundles come to life: their natives are gathered, then they are validated, booted and run.

use std::collections::HashMap;

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{Function, Hook, Native, Result, Value, View};

use super::Runtime;
use super::builder::MakeBundleHandle;
use crate::builtin;
use crate::joining::Joinable;
use crate::natives::Natives;
use crate::plugins::Provider;

impl Runtime {
    pub(super) fn add_natives(&self, own: Vec<Function>, compiled: &[Option<MakeBundleHandle>]) -> Result<()> {
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
    pub(super) fn boot(&self, config: &HashMap<String, Value>) -> Result<()> {
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

    pub(super) fn hook(&self, bundle: &BundleHandle, name: &str, hook: Hook, config: View<'_>) -> Result<()> {
        bundle
            .hook(hook, self.core.handle(), config, None)
            .map_err(|error| error.inside(&format!("provider '{name}' failed during {}", hook_word(hook))))
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

fn hook_word(hook: Hook) -> &'static str {
    match hook {
        Hook::Validate => "validate",
        Hook::Boot => "boot",
        Hook::Run => "run",
        Hook::Reload => "reload",
        Hook::Shutdown => "shutdown",
    }
}
