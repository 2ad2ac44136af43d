//! Opening a plugin: the only place in the host where code of a file begins to run.
//!
//! A library is opened once and never closed: callables, tables and texts of it may live anywhere.
//! What a lock speaks of is opened from a sealed copy of the very bytes that were hashed, so that
//! nobody can put others in their place.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use calog_plugin_api::host_side::{LoadedPlugin, open_root};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
// Not the checkers' locks: they see no plugin file.
use parking_lot::Mutex;

use super::header::Offer;
use super::inspect::{glance, inspect_locked, inspect_under, unreadable};
use super::lock::sha256;
use super::refusal::Refusal;
use super::trust::Trust;

/// Opens the plugin file at `path`, after all checks, and for ever: whatever of it runs, runs here. Gives
/// what it offers.
///
/// # Errors
/// The first check that it fails.
pub fn try_opening(path: &Path, trust: &Trust) -> Result<Offer, Refusal> {
    let offer = inspect_under(path, trust)?;
    open(path, &offer, trust).map(|_| offer)
}

/// Opens the file that made this offer.
///
/// # Errors
/// When the file is not the same any more, or the linker or the layout check refuses it.
pub(super) fn open(path: &Path, offer: &Offer, trust: &Trust) -> Result<LoadedPlugin, Refusal> {
    if trust.is_locked() {
        let (found, bytes) = inspect_locked(path, trust)?;
        return if found == *offer { open_copy(&bytes) } else { Err(Refusal::Changed) };
    }
    // Time has passed since the folders were searched: a file that is being copied over must not
    // reach dlopen now.
    let before = identity(path)?;
    let open_already = OPENED.lock().as_ref().is_some_and(|opened| opened.contains(&before));
    let found = if open_already { glance(path, trust)? } else { inspect_under(path, trust)? };
    if found != *offer {
        return Err(Refusal::Changed);
    }
    // A bare file name would be searched in the system's folders.
    let real = path.canonicalize().map_err(unreadable)?;
    let plugin = open_at(&real)?;
    // Its initialisers may have run, but nothing of it is called.
    if identity(path)? != before {
        return Err(Refusal::Changed);
    }
    OPENED.lock().get_or_insert_default().insert(before);
    Ok(plugin)
}

/// Device, inode, size and time of the last change: which file it is, and in which state.
type Identity = (u64, u64, u64, i64, i64);

/// What this process has opened: for another runtime the linker gives the library that is there.
static OPENED: Mutex<Option<HashSet<Identity>>> = Mutex::new(None);

fn identity(path: &Path) -> Result<Identity, Refusal> {
    let it = path.metadata().map_err(unreadable)?;
    Ok((it.dev(), it.ino(), it.size(), it.mtime(), it.mtime_nsec()))
}

fn open_at(path: &Path) -> Result<LoadedPlugin, Refusal> {
    // What the linker said is the error's source.
    let said = |error: &libloading::Error| error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let refused = |error: libloading::Error| Refusal::Open { reason: said(&error) };
    // SAFETY: the file is a whole ELF shared object for this machine with our header; what its
    // initialisers do is its author's promise, as with every plugin.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(refused)?;
    // Even when the layout is refused below: the report may point into the library.
    std::mem::forget(library);
    // SAFETY: the library is never closed, and its file has passed all checks.
    unsafe { open_root(path) }.map_err(|report| Refusal::Root { report })
}

/// The copies of this process, by their SHA-256: a plugin is opened once, however many runtimes use it.
static COPIES: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

fn open_copy(bytes: &[u8]) -> Result<LoadedPlugin, Refusal> {
    let mut copies = COPIES.lock();
    let copies = copies.get_or_insert_default();
    let hash = sha256(bytes);
    let path = match copies.get(&hash) {
        Some(path) => path.clone(),
        None => {
            let path = sealed(bytes).map_err(|error| Refusal::Open {
                reason: format!(
                    "a locked plugin is opened from a sealed copy in memory, which cannot be made: {error}"
                ),
            })?;
            copies.insert(hash, path.clone());
            path
        }
    };
    open_at(&path)
}

/// A file in memory that nobody can change any more, for as long as the process lives: the linker knows
/// libraries by their paths, so this one's number must not come again.
fn sealed(bytes: &[u8]) -> std::io::Result<PathBuf> {
    let fd = memfd_create("calog plugin", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    std::mem::forget(file);
    Ok(path)
}
