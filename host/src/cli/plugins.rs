//! `calog plugins`: every folder, every file, and what became of each; and `calog plugins lock`, which
//! makes it stay so.

use std::io::Write;
use std::path::Path;

use calog::SearchPath;
use calog::manifest::{MANIFEST, Manifest};
use calog::plugins::{Catalog, FileState, FolderState, Lock, PluginFile, Refusal, listing, lock_entry};

use super::Common;
use super::exit::{Exit, FAILED, FINE};
use super::trust;

/// Prints the listing. With `verbose`, every plugin is opened as well, to learn whether it can be.
pub(super) fn show(common: &Common, verbose: bool) -> Result<u8, Exit> {
    let manifest = own_manifest()?;
    let search = trust::search(common, &[&manifest], &[Path::new("")])?;
    let catalog = Catalog::scan(&search, Vec::new(), &manifest.engines.order);
    if verbose {
        for (id, file) in catalog.files() {
            if file.offer().is_some() {
                // What it is refused for is in the listing.
                let _ = catalog.load(id);
            }
        }
    }
    // A reader that left (a closed pipe) has seen enough.
    let _ = std::io::stdout().write_all(listing(&catalog, verbose).as_bytes());
    Ok(FINE)
}

/// Writes a lock with all plugins that would be used without it: of a folder of plugins, or of all
/// folders for the program in the folder we are in.
pub(super) fn lock(common: &Common, folder: Option<&Path>) -> Result<u8, Exit> {
    let manifest = own_manifest()?;
    let usual = trust::unlocked(common, &[&manifest]);
    let trust = usual.trust().clone().unlocked();
    let (search, place) = match folder {
        Some(folder) => (SearchPath::of([folder]).trusting(trust), folder),
        None => (usual.trusting(trust), Path::new("")),
    };
    let catalog = Catalog::scan(&search, Vec::new(), &[]);
    // What cannot be looked at now may be a plugin that the next run would miss.
    let unread = |path: &Path, reason: &str| Err(Exit::new(FAILED, format!("error: {}: {reason}", path.display())));
    for folder in catalog.folders() {
        if let FolderState::Unreadable(_) = &folder.state {
            return unread(&folder.path, &folder.state.to_string());
        }
    }
    let mut entries = Vec::new();
    for (id, file) in catalog.files() {
        if let FileState::Refused(refusal) = catalog.state(id)
            && matches!(*refusal, Refusal::Unreadable { .. })
        {
            return unread(file.path(), &refusal.to_string());
        }
        // What else is refused is not locked; looking at it has said why.
        if file.offer().is_some() {
            entries.push(entry(file, &search)?);
        }
    }
    let lock = Lock::of(place, entries);
    let failed = |error: std::io::Error| Exit::new(FAILED, format!("error: {}: {error}", lock.path().display()));
    lock.write().map_err(failed)?;
    let _ = writeln!(std::io::stdout(), "{}: {} plugins", lock.path().display(), lock.plugins().len());
    Ok(FINE)
}

fn entry(file: &PluginFile, search: &SearchPath) -> Result<calog::plugins::Locked, Exit> {
    let refused = |refusal| Exit::new(FAILED, format!("error: {}: {refusal}", file.path().display()));
    lock_entry(file.path(), search.trust()).map_err(refused)
}

/// The manifest in the folder we are in; an empty one when there is none.
fn own_manifest() -> Result<Manifest, Exit> {
    let path = Path::new(MANIFEST);
    if path.is_file() { Ok(Manifest::read(path)?) } else { Ok(Manifest::default()) }
}
