//! Who wins a name: the first offer in registration order registers, every later one of the same
//! engine name, extension or bundle name is listed as shadowed by it.
//!
//! A pure function of the offers and the wanted order of engines, so it can be built again when a
//! file turns out to be unusable.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};

use calog_plugin_api::host_side::EngineDescription;

use super::catalog::FileId;
use super::header::{Offer, PluginName};

/// Where an engine or bundle comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Provider {
    /// Compiled into the program: its place in the builder's order.
    CompiledIn(usize),
    /// A plugin file.
    File(FileId),
}

/// An engine that is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EngineOffer {
    /// Name, language, extensions and threading.
    pub description: EngineDescription,
    /// The plugin it is part of.
    pub plugin: PluginName,
    /// Where it comes from.
    pub provider: Provider,
}

/// A bundle that is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleOffer {
    /// Its name.
    pub name: String,
    /// The plugin it is part of.
    pub plugin: PluginName,
    /// Where it comes from.
    pub provider: Provider,
}

/// What is claimed once.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Claim {
    /// An engine's name.
    Engine(String),
    /// An extension, of the engine that is named second.
    Extension(String, String),
    /// A bundle's name.
    Bundle(String),
}

impl Display for Claim {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Claim::Engine(name) => write!(f, "engine {name}"),
            Claim::Extension(extension, engine) => write!(f, "extension .{extension} of engine {engine}"),
            Claim::Bundle(name) => write!(f, "bundle {name}"),
        }
    }
}

/// A claim that came too late.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shadowed {
    /// What was claimed.
    pub claim: Claim,
    /// Who claimed it too late.
    pub loser: Provider,
    /// Who has it.
    pub by: Provider,
}

/// What is registered, in order.
#[derive(Clone, Default, Debug)]
pub struct Registry {
    engines: Vec<EngineOffer>,
    bundles: Vec<BundleOffer>,
    shadowed: Vec<Shadowed>,
    /// The place in `engines` of each extension's engine.
    extensions: HashMap<String, usize>,
    unknown: Vec<String>,
}

impl Registry {
    /// Registers these offers, engines named in `order` before all others.
    pub(super) fn build<'a>(offers: impl IntoIterator<Item = (Provider, &'a Offer)>, order: &[String]) -> Registry {
        let mut registry = Registry::default();
        for (provider, offer) in offers {
            registry.take_engines(provider, offer);
            registry.take_bundles(provider, offer);
        }
        registry.put_in_order(order);
        registry.claim_extensions();
        registry
    }

    /// The engines, in registration order.
    pub fn engines(&self) -> &[EngineOffer] {
        &self.engines
    }

    /// The bundles, in registration order.
    pub fn bundles(&self) -> &[BundleOffer] {
        &self.bundles
    }

    /// The claims that came too late.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }

    /// The names in the wanted order that no engine has.
    pub fn unknown_in_order(&self) -> &[String] {
        &self.unknown
    }

    /// The engine that runs scripts with this extension, given without its dot.
    pub fn engine_for_extension(&self, extension: &str) -> Option<&EngineOffer> {
        self.extensions.get(extension).map(|&at| &self.engines[at])
    }

    /// The engine of this name, or else the first that speaks this language.
    pub fn engine_named(&self, name: &str) -> Option<&EngineOffer> {
        let by_name = self.engines.iter().find(|engine| engine.description.name == name);
        by_name.or_else(|| self.engines.iter().find(|engine| engine.description.language == name))
    }

    /// The bundle of this name.
    pub fn bundle_named(&self, name: &str) -> Option<&BundleOffer> {
        self.bundles.iter().find(|bundle| bundle.name == name)
    }

    /// Whether any registered engine or bundle comes from there.
    pub(super) fn offers_of(&self, provider: Provider) -> bool {
        self.engines.iter().any(|engine| engine.provider == provider)
            || self.bundles.iter().any(|bundle| bundle.provider == provider)
    }

    /// The extensions that run, in registration order of their engines.
    pub fn extensions(&self) -> impl Iterator<Item = &str> {
        let won = |at: usize, extension: &&String| self.extensions.get(*extension) == Some(&at);
        let engines = self.engines.iter().enumerate();
        engines
            .flat_map(move |(at, engine)| engine.description.extensions.iter().filter(move |it| won(at, it)))
            .map(String::as_str)
    }

    fn take_engines(&mut self, provider: Provider, offer: &Offer) {
        for description in &offer.engines {
            match self.engines.iter().find(|engine| engine.description.name == description.name) {
                Some(first) => {
                    let claim = Claim::Engine(description.name.clone());
                    self.shadowed.push(Shadowed { claim, loser: provider, by: first.provider });
                }
                None => {
                    let (description, plugin) = (description.clone(), offer.plugin.clone());
                    self.engines.push(EngineOffer { description, plugin, provider });
                }
            }
        }
    }

    fn take_bundles(&mut self, provider: Provider, offer: &Offer) {
        for name in &offer.bundles {
            match self.bundle_named(name) {
                Some(first) => {
                    let by = first.provider;
                    self.shadowed.push(Shadowed { claim: Claim::Bundle(name.clone()), loser: provider, by });
                }
                None => {
                    let (name, plugin) = (name.clone(), offer.plugin.clone());
                    self.bundles.push(BundleOffer { name, plugin, provider });
                }
            }
        }
    }

    fn put_in_order(&mut self, order: &[String]) {
        let place = |name: &str| order.iter().position(|wanted| wanted == name).unwrap_or(order.len());
        self.engines.sort_by_key(|engine| place(&engine.description.name));
        let known = |name: &&String| self.engines.iter().any(|engine| engine.description.name == **name);
        self.unknown = order.iter().filter(|name| !known(name)).cloned().collect();
    }

    fn claim_extensions(&mut self) {
        for (at, engine) in self.engines.iter().enumerate() {
            for extension in &engine.description.extensions {
                let first = *self.extensions.entry(extension.clone()).or_insert(at);
                if first != at {
                    self.shadowed.push(Shadowed {
                        claim: Claim::Extension(extension.clone(), engine.description.name.clone()),
                        loser: engine.provider,
                        by: self.engines[first].provider,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calog_plugin_api::Threading;

    use super::*;

    fn engine(name: &str, language: &str, extensions: &[&str]) -> EngineDescription {
        EngineDescription {
            name: name.into(),
            language: language.into(),
            extensions: extensions.iter().map(|&it| it.into()).collect(),
            threading: Threading::PerContext,
        }
    }

    fn build(offers: &[Offer], order: &[&str]) -> Registry {
        let order: Vec<String> = order.iter().map(|&it| it.into()).collect();
        Registry::build(offers.iter().enumerate().map(|(at, offer)| (Provider::CompiledIn(at), offer)), &order)
    }

    fn names(registry: &Registry) -> Vec<&str> {
        registry.engines().iter().map(|engine| engine.description.name.as_str()).collect()
    }

    fn two_of_javascript() -> [Offer; 3] {
        [
            Offer::compiled_in("a", "1.0.0", vec![engine("quickjs", "javascript", &["js", "mjs"])], vec!["net".into()]),
            Offer::compiled_in("b", "1.0.0", vec![engine("v8", "javascript", &["js", "ts"])], vec!["net".into()]),
            Offer::compiled_in("c", "1.0.0", vec![engine("quickjs", "javascript", &["js"])], vec![]),
        ]
    }

    #[test]
    fn the_first_wins_and_the_others_are_shadowed() {
        let registry = build(&two_of_javascript(), &[]);
        assert_eq!(names(&registry), ["quickjs", "v8"]);
        assert_eq!(registry.engine_for_extension("js").unwrap().description.name, "quickjs");
        assert_eq!(registry.engine_for_extension("ts").unwrap().description.name, "v8");
        assert_eq!(registry.engine_for_extension("lua"), None);
        assert_eq!(registry.bundles().len(), 1);
        let shadowed: Vec<String> = registry.shadowed().iter().map(|it| it.claim.to_string()).collect();
        assert_eq!(shadowed, ["bundle net", "engine quickjs", "extension .js of engine v8"]);
        assert!(registry.shadowed().iter().all(|it| it.by == Provider::CompiledIn(0)));
    }

    #[test]
    fn the_wanted_order_decides_extensions_and_languages() {
        let registry = build(&two_of_javascript(), &["v8", "lua"]);
        assert_eq!(names(&registry), ["v8", "quickjs"]);
        assert_eq!(registry.engine_for_extension("js").unwrap().description.name, "v8");
        assert_eq!(registry.engine_named("javascript").unwrap().description.name, "v8");
        assert_eq!(registry.engine_named("quickjs").unwrap().description.name, "quickjs");
        assert_eq!(registry.unknown_in_order(), ["lua"]);
        assert_eq!(registry.extensions().collect::<Vec<_>>(), ["js", "ts", "mjs"]);
    }
}
