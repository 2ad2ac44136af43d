//! What engines and bundles are told: a section for each that has one, and where it was read.
//!
//! Invariant: a configuration never changes. Whoever asks for the current one gets the old or the new
//! one whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use calog_plugin_api::{Code, Error, Value};

use crate::manifest::{Manifest, Origin, Sections};
use crate::sync::RwLock;

/// The sections of engines and bundles.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Configuration {
    engines: BTreeMap<String, Part>,
    bundles: BTreeMap<String, Part>,
}

#[derive(Clone, PartialEq, Debug)]
struct Part {
    value: Value,
    /// Of a section that was read from a manifest.
    origin: Option<Origin>,
}

impl Configuration {
    /// That of these manifests. Of two sections of one name the last counts.
    pub fn of<'a>(manifests: impl IntoIterator<Item = &'a Manifest>) -> Configuration {
        let mut all = Configuration::default();
        for manifest in manifests {
            all.engines.extend(parts(&manifest.engines.sections));
            all.bundles.extend(parts(&manifest.natives));
        }
        all
    }

    /// With this section of an engine.
    #[must_use]
    pub fn engine(mut self, name: &str, value: Value) -> Configuration {
        self.engines.insert(name.to_owned(), Part { value, origin: None });
        self
    }

    /// With this section of a bundle.
    #[must_use]
    pub fn bundle(mut self, name: &str, value: Value) -> Configuration {
        self.bundles.insert(name.to_owned(), Part { value, origin: None });
        self
    }

    /// What an engine is told; nil when nothing.
    pub fn of_engine(&self, name: &str) -> Value {
        self.engines.get(name).map(|part| part.value.clone()).unwrap_or_default()
    }

    /// What a bundle is told; nil when nothing.
    pub fn of_bundle(&self, name: &str) -> Value {
        self.bundles.get(name).map(|part| part.value.clone()).unwrap_or_default()
    }

    /// The error of an engine about its section, with the place of the key that it names.
    pub(crate) fn in_engine(&self, name: &str, error: Error) -> Error {
        located(self.engines.get(name), error)
    }

    /// The error of a bundle about its section.
    pub(crate) fn in_bundle(&self, name: &str, error: Error) -> Error {
        located(self.bundles.get(name), error)
    }

    /// The sections of engines that nobody reads, by their headings, each with its place.
    pub(crate) fn unread(&self, engines: &[String], bundles: &[String]) -> Vec<String> {
        let strange = |parts: &BTreeMap<String, Part>, known: &[String], table: &str, what: &str| -> Vec<String> {
            let unknown = parts.iter().filter(|(name, _)| !known.contains(name));
            let said = |(name, part): (&String, &Part)| {
                let near = crate::manifest::nearest(name, known.iter().map(String::as_str));
                let near = near.map(|it| format!(", did you mean '{it}'?")).unwrap_or_default();
                let place = part.origin.as_ref().map(|origin| format!("{}: ", origin.of_key(""))).unwrap_or_default();
                format!("{place}[{table}.{name}]: there is no {what} '{name}'{near}")
            };
            unknown.map(said).collect()
        };
        let mut all = strange(&self.engines, engines, "engines", "engine");
        all.extend(strange(&self.bundles, bundles, "natives", "bundle"));
        all
    }
}

fn parts(sections: &Sections) -> impl Iterator<Item = (String, Part)> + '_ {
    sections.sections().map(|(name, section)| {
        (name.to_owned(), Part { value: section.value.clone(), origin: Some(section.origin.clone()) })
    })
}

/// A panic is about no key, and what is no error of a section has no place.
fn located(part: Option<&Part>, error: Error) -> Error {
    match part.and_then(|part| part.origin.as_ref()) {
        Some(origin) if error.code() != Code::Panic => {
            let place = origin.of_key(error.key().as_deref().unwrap_or_default());
            error.inside(&place)
        }
        _ => error,
    }
}

/// The configuration that counts now.
#[derive(Default)]
pub(crate) struct Current(RwLock<Arc<Configuration>>);

impl Current {
    pub(crate) fn new(configuration: Configuration) -> Current {
        Current(RwLock::new(Arc::new(configuration)))
    }

    pub(crate) fn get(&self) -> Arc<Configuration> {
        Arc::clone(&self.0.read())
    }

    /// Puts another in its place, and gives the one that was there.
    pub(crate) fn put(&self, configuration: Arc<Configuration>) -> Arc<Configuration> {
        std::mem::replace(&mut *self.0.write(), configuration)
    }
}
