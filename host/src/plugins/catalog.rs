//! Everything that one runtime could use: compiled-in offers and plugin files, who won which name,
//! and each file's state from "available" to "loaded" or "refused".
//!
//! The invariants: no code of a file runs before `load` is called for it; a file is opened at most
//! once; a file that is refused, now or when it is opened, leaves its names to the next in order.
//! Any thread may ask.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use calog_plugin_api::host_side::LoadedPlugin;

use super::header::Offer;
use super::inspect::glance;
use super::load::open;
use super::refusal::Refusal;
use super::registry::{BundleOffer, EngineOffer, Provider, Registry};
use super::search::{Folder, SearchPath};
use super::trust::Trust;
use crate::sync::{Mutex, RwLock};

/// A plugin file's number within its catalog.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId(usize);

/// Everything that one runtime could use.
pub struct Catalog {
    compiled_in: Vec<Offer>,
    folders: Vec<Folder>,
    files: Vec<PluginFile>,
    order: Vec<String>,
    registry: RwLock<Arc<Registry>>,
}

/// A file that was seen in a searched folder.
pub struct PluginFile {
    path: PathBuf,
    folder: usize,
    /// Under which conditions it is used.
    trust: Arc<Trust>,
    offer: Option<Offer>,
    progress: Mutex<Progress>,
}

/// How far a file has come.
#[derive(Clone)]
enum Progress {
    Unopened,
    Open(LoadedPlugin),
    Refused(Arc<Refusal>),
}

/// A file's state, for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FileState {
    /// It passed all checks that can be made without running its code.
    Available,
    /// It is open.
    Loaded,
    /// It is not used, for this reason.
    Refused(Arc<Refusal>),
    /// Others came before it with every name it offers; this is the first of them.
    Shadowed {
        /// Who came before it.
        by: Provider,
    },
}

/// A plugin file that could not be opened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("plugin {}: {refusal}", file.display())]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// Why it is refused.
    pub refusal: Arc<Refusal>,
}

impl PluginFile {
    /// Its path, within the folder as that was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its header offers; `None` when it was refused before its header could be read.
    pub fn offer(&self) -> Option<&Offer> {
        self.offer.as_ref()
    }

    fn inspected(path: PathBuf, folder: usize, trust: &Arc<Trust>) -> PluginFile {
        let (offer, progress) = match glance(&path, trust) {
            Ok(offer) => (Some(offer), Progress::Unopened),
            Err(refusal) => {
                tracing::warn!("plugin {} is refused: {refusal}", path.display());
                (None, Progress::Refused(Arc::new(refusal)))
            }
        };
        PluginFile { path, folder, trust: Arc::clone(trust), offer, progress: Mutex::new(progress) }
    }

    /// The offer of a file that is not refused.
    fn usable(&self) -> Option<&Offer> {
        self.offer.as_ref().filter(|_| !matches!(*self.progress.lock(), Progress::Refused(_)))
    }
}

impl Catalog {
    /// Looks into every folder and at every file in it. `compiled_in` comes first, in its order;
    /// engines named in `order` come before all other engines.
    pub fn scan(search: &SearchPath, compiled_in: Vec<Offer>, order: &[String]) -> Catalog {
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for (folder, paths) in search.scan() {
            let trust = Arc::new(search.trust().within(&folder.path));
            files.extend(paths.into_iter().map(|path| PluginFile::inspected(path, folders.len(), &trust)));
            folders.push(folder);
        }
        let catalog = Catalog { compiled_in, folders, files, order: order.to_vec(), registry: RwLock::default() };
        catalog.register();
        for name in catalog.registry().unknown_in_order() {
            tracing::warn!("the order of engines names '{name}', which no plugin offers");
        }
        catalog
    }

    fn register(&self) {
        let compiled_in = self.compiled_in.iter().enumerate().map(|(at, offer)| (Provider::CompiledIn(at), offer));
        let files = self.files().filter_map(|(id, file)| Some((Provider::File(id), file.usable()?)));
        let registry = Registry::build(compiled_in.chain(files), &self.order);
        *self.registry.write() = Arc::new(registry);
    }

    /// Who has which name, as of now.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.read().clone()
    }

    /// The engines, in registration order.
    pub fn engines(&self) -> Vec<EngineOffer> {
        self.registry().engines().to_vec()
    }

    /// The bundles, in registration order.
    pub fn bundles(&self) -> Vec<BundleOffer> {
        self.registry().bundles().to_vec()
    }

    /// The engine that runs scripts with this extension, given without its dot.
    pub fn engine_for_extension(&self, extension: &str) -> Option<EngineOffer> {
        self.registry().engine_for_extension(extension).cloned()
    }

    /// The engine of this name, or else the first that speaks this language.
    pub fn engine_named(&self, name: &str) -> Option<EngineOffer> {
        self.registry().engine_named(name).cloned()
    }

    /// The folders that were looked into.
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// The offers that are compiled into the program.
    pub fn compiled_in(&self) -> &[Offer] {
        &self.compiled_in
    }

    /// Every file that was seen, in search order.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &PluginFile)> {
        self.files.iter().enumerate().map(|(at, file)| (FileId(at), file))
    }

    /// The files of one folder, by its place in [`folders`](Catalog::folders).
    pub fn files_in(&self, folder: usize) -> impl Iterator<Item = (FileId, &PluginFile)> {
        self.files().filter(move |(_, file)| file.folder == folder)
    }

    /// A file's path.
    ///
    /// # Panics
    /// When the id is another catalog's and this one has fewer files.
    pub fn file(&self, id: FileId) -> &PluginFile {
        &self.files[id.0]
    }

    /// A file's state.
    ///
    /// # Panics
    /// As [`file`](Catalog::file).
    pub fn state(&self, id: FileId) -> FileState {
        match &*self.file(id).progress.lock() {
            Progress::Open(_) => FileState::Loaded,
            Progress::Refused(refusal) => FileState::Refused(refusal.clone()),
            Progress::Unopened => match self.all_shadowed_by(Provider::File(id)) {
                Some(by) => FileState::Shadowed { by },
                None => FileState::Available,
            },
        }
    }

    /// The first winner over a provider that has not won a single engine or bundle.
    fn all_shadowed_by(&self, provider: Provider) -> Option<Provider> {
        let registry = self.registry();
        if registry.offers_of(provider) {
            return None;
        }
        registry.shadowed().iter().find(|it| it.loser == provider).map(|it| it.by)
    }

    /// Opens a file, at most once; from then on it stays open.
    ///
    /// # Errors
    /// When it is refused, now or before. Then its names are the next plugin's in order that offers them.
    ///
    /// # Panics
    /// As [`file`](Catalog::file).
    pub fn load(&self, id: FileId) -> Result<LoadedPlugin, LoadError> {
        let file = self.file(id);
        let result = file.load();
        if let Err(error) = &result
            && self.registry().offers_of(Provider::File(id))
        {
            tracing::warn!("{error}");
            self.register();
        }
        result
    }
}

impl PluginFile {
    fn load(&self) -> Result<LoadedPlugin, LoadError> {
        // Held while it is opened: a second thread waits for the same answer.
        let mut progress = self.progress.lock();
        if let (Progress::Unopened, Some(offer)) = (&*progress, &self.offer) {
            *progress = match open(&self.path, offer, &self.trust) {
                Ok(plugin) => Progress::Open(plugin),
                Err(refusal) => Progress::Refused(Arc::new(refusal)),
            };
        }
        let refusal = match &*progress {
            Progress::Open(plugin) => return Ok(*plugin),
            Progress::Refused(refusal) => refusal.clone(),
            // A file without an offer was refused when it was inspected.
            Progress::Unopened => Arc::new(Refusal::NoHeader),
        };
        Err(LoadError { file: self.path.clone(), refusal })
    }
}
