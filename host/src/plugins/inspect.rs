//! One file, judged without running any of its code: the checks in their order, from the file's mode
//! to its header.

use std::fs::{self, File, FileType};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use object::read::ReadCache;

use super::elf;
use super::header::Offer;
use super::refusal::Refusal;

/// The permission bit "writable by others".
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// What the plugin file at `path` offers.
///
/// # Errors
/// The first check that it fails.
pub fn inspect(path: &Path) -> Result<Offer, Refusal> {
    check_file(path)?;
    let file = File::open(path).map_err(unreadable)?;
    // The whole file may be tens of megabytes; only what is looked at is read.
    let contents = ReadCache::new(file);
    Offer::parse(elf::header_section(&contents)?)
}

/// Looks at the file before it is opened: opening a pipe would wait for ever.
fn check_file(path: &Path) -> Result<(), Refusal> {
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Refusal::NotAFile { found: kind(metadata.file_type()) });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & WRITABLE_BY_OTHERS != 0 { Err(Refusal::Writable { mode }) } else { Ok(()) }
}

fn unreadable(error: std::io::Error) -> Refusal {
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
