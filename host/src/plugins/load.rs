//! Opening a plugin: the only place in the host where code of a file begins to run.
//!
//! A library is opened once and never closed: callables, tables and texts of it may live anywhere.

use std::path::Path;

use calog_plugin_api::host_side::{LoadedPlugin, open_root};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::header::Offer;
use super::inspect::inspect;
use super::refusal::Refusal;

/// Opens the file that made this offer.
///
/// # Errors
/// When the file is not the same any more, or the linker or the layout check refuses it.
pub(super) fn open(path: &Path, offer: &Offer) -> Result<LoadedPlugin, Refusal> {
    // Time has passed since the folders were searched: a file that is being copied over must not
    // reach dlopen now.
    if inspect(path)? != *offer {
        return Err(Refusal::Changed);
    }
    // A bare file name would be searched in the system's folders.
    let path = path.canonicalize().map_err(|error| Refusal::Unreadable { reason: error.to_string() })?;
    let refused = |error: libloading::Error| Refusal::Open { reason: error.to_string() };
    // SAFETY: the file is a whole ELF shared object for this machine with our header; what its
    // initialisers do is its author's promise, as with every plugin.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.map_err(refused)?;
    // Even when the layout is refused below: the report may point into the library.
    std::mem::forget(library);
    // SAFETY: the library is never closed, and its file has passed all checks.
    unsafe { open_root(&path) }.map_err(|report| Refusal::Root { report })
}
