//! `calog plugins`: every folder, every file, and what became of each.

use std::io::Write;
use std::path::{Path, PathBuf};

use calog::manifest::{MANIFEST, Manifest};
use calog::plugins::{Catalog, SearchPath, listing};

use super::exit::{Exit, FINE};

/// Prints the listing. With `verbose`, every plugin is opened as well, to learn whether it can be.
pub(super) fn show(folders: &[PathBuf], verbose: bool) -> Result<u8, Exit> {
    let manifest = own_manifest()?;
    let search = SearchPath::standard(folders, &manifest.plugins);
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

/// The manifest in the folder we are in; an empty one when there is none.
fn own_manifest() -> Result<Manifest, Exit> {
    let path = Path::new(MANIFEST);
    if path.is_file() { Ok(Manifest::read(path)?) } else { Ok(Manifest::default()) }
}
