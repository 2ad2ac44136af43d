//! Which plugins the command looks for, and under which conditions it opens them.

use std::path::{Path, PathBuf};

use calog::SearchPath;
use calog::manifest::Manifest;
use calog::plugins::{Lock, LockError, Trust};

use super::Common;
use super::exit::{Exit, USAGE};

/// The folders that command line and manifests name and the usual ones; each program's folder may hold
/// a lock, and what is opened has to be in all of them.
pub(super) fn search(common: &Common, manifests: &[&Manifest], programs: &[&Path]) -> Result<SearchPath, Exit> {
    let search = unlocked(common, manifests);
    let mut trust = search.trust().clone();
    for folder in programs {
        // An empty path is the folder we are in.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let broken = |error: LockError| Exit::new(USAGE, format!("error: {error}"));
        if let Some(lock) = Lock::within(folder, trust.is_shared()).map_err(broken)? {
            trust = trust.locked_by(lock);
        }
    }
    Ok(search.trusting(trust))
}

/// The same without programs' locks.
pub(super) fn unlocked(common: &Common, manifests: &[&Manifest]) -> SearchPath {
    let from_manifests: Vec<PathBuf> = manifests.iter().flat_map(|it| it.plugins.iter().cloned()).collect();
    let shared = common.shared_plugins || manifests.iter().any(|it| it.shared_plugins);
    SearchPath::standard(&common.folders, &from_manifests).trusting(Trust::new().shared(shared))
}
