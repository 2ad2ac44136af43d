//! One file, judged without running any of its code: the checks in their order, from whose it is to
//! its header, the locks, and what the dynamic linker would follow.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use object::read::{ReadCache, ReadRef};

use super::header::{Offer, differences as header_differences};
use super::lock::{Locked, sha256};
use super::refusal::Refusal;
use super::trust::Trust;
use super::{elf, place};

/// What the plugin file at `path` offers, under the usual conditions.
///
/// # Errors
/// The first check that it fails.
pub fn inspect(path: &Path) -> Result<Offer, Refusal> {
    inspect_under(path, &Trust::new())
}

/// What the plugin file at `path` offers, under these conditions.
///
/// # Errors
/// The first check that it fails.
pub fn inspect_under(path: &Path, trust: &Trust) -> Result<Offer, Refusal> {
    if trust.is_locked() {
        return inspect_locked(path, trust).map(|(offer, _)| offer);
    }
    // The whole file may be tens of megabytes; only what is looked at is read.
    judge(&ReadCache::new(checked(path, trust)?))
}

/// As `inspect_under`, but for what only the linker would follow: that takes some ten times as long, and
/// folders hold plugins that nobody needs.
pub(super) fn glance(path: &Path, trust: &Trust) -> Result<Offer, Refusal> {
    if trust.is_locked() {
        return inspect_locked(path, trust).map(|(offer, _)| offer);
    }
    Offer::parse(elf::header_section(&ReadCache::new(checked(path, trust)?))?)
}

/// What a plugin file of these bytes would offer, wherever it lay.
///
/// # Errors
/// The first check that it fails.
pub fn inspect_bytes(bytes: &[u8]) -> Result<Offer, Refusal> {
    judge(bytes)
}

/// As `inspect`, and the bytes that were judged.
pub(super) fn inspect_locked(path: &Path, trust: &Trust) -> Result<(Offer, Vec<u8>), Refusal> {
    let mut bytes = Vec::new();
    checked(path, trust)?.read_to_end(&mut bytes).map_err(unreadable)?;
    let offer = judge(&*bytes)?;
    trust.check_locks(&offer.plugin, &sha256(&bytes))?;
    Ok((offer, bytes))
}

/// The entry of a lock file for the plugin file at `path`.
///
/// # Errors
/// The first check that it fails.
pub fn lock_entry(path: &Path, trust: &Trust) -> Result<Locked, Refusal> {
    let (offer, bytes) = inspect_locked(path, trust)?;
    Ok(Locked { name: offer.plugin.name, version: offer.plugin.version, sha256: sha256(&bytes) })
}

/// In what a plugin file differs from what this host wants of one, all of it and in words, as far as its
/// header can be read: a refusal names the first.
pub fn differences(path: &Path) -> Vec<String> {
    let bytes = fs::metadata(path).ok().filter(Metadata::is_file).and_then(|_| fs::read(path).ok());
    let section = bytes.as_deref().and_then(|bytes| elf::header_section(bytes).ok());
    section.map(header_differences).unwrap_or_default()
}

fn judge<'data, R: ReadRef<'data>>(file: R) -> Result<Offer, Refusal> {
    let offer = Offer::parse(elf::header_section(file)?)?;
    elf::check(file)?;
    Ok(offer)
}

/// The file, open for reading, when it is one and nobody else can change it.
fn checked(path: &Path, trust: &Trust) -> Result<File, Refusal> {
    // Before it is opened, for a socket cannot be.
    check_kind(&fs::metadata(path).map_err(unreadable)?)?;
    // What was a file may have become a pipe, which would wait for ever for its other end.
    let flags = OFlag::O_NONBLOCK.bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    check_kind(&metadata)?;
    if !trust.is_shared() {
        place::check_file(|| "it".into(), &metadata)?;
        place::check_folders(path)?;
    }
    Ok(file)
}

fn check_kind(metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.is_file() { Ok(()) } else { Err(Refusal::NotAFile { found: kind(metadata.file_type()) }) }
}

pub(super) fn unreadable(error: std::io::Error) -> Refusal {
    Refusal::Unreadable { reason: error.to_string() }
}

fn kind(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}
