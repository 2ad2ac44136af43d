//! Who could change a file: whose it is, and who may write to it and to its folder.
//!
//! The invariant: what passes can be changed by this user and by root alone, as far as the file and the
//! folder it lies in go. The folders above are not looked at, nor are access control lists.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Group, Uid, User};

use super::refusal::Refusal;

/// The permission bits "writable by others" and "writable by its group".
const BY_OTHERS: u32 = 0o002;
const BY_GROUP: u32 = 0o020;
/// In a folder with this bit everybody may make files, but change only his own.
const STICKY: u32 = 0o1000;

/// Checks the folders in which a file lies, as it is named and as it really is.
pub(super) fn check_folders(path: &Path) -> Result<(), Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Unreadable { reason: error.to_string() };
    let real = path.canonicalize().map_err(unreadable)?;
    let named = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let mut seen = None;
    for folder in [named, real.parent()].into_iter().flatten() {
        let metadata = fs::metadata(folder).map_err(unreadable)?;
        let identity = (metadata.dev(), metadata.ino());
        if seen.replace(identity) != Some(identity) {
            let what = || format!("its folder {}", folder.display());
            check_owner(what, &metadata)?;
            if metadata.mode() & STICKY == 0 {
                check_mode(what, &metadata)?;
            }
        }
    }
    Ok(())
}

/// Checks a file.
pub(super) fn check_file(what: impl Fn() -> String, metadata: &Metadata) -> Result<(), Refusal> {
    check_owner(&what, metadata)?;
    check_mode(&what, metadata)
}

fn check_owner(what: impl Fn() -> String, metadata: &Metadata) -> Result<(), Refusal> {
    let owner = Uid::from_raw(metadata.uid());
    if owner.is_root() || owner == Uid::effective() {
        return Ok(());
    }
    let name = name_of(owner).unwrap_or_else(|| format!("user {owner}"));
    Err(Refusal::Foreign { what: what(), owner: name })
}

fn check_mode(what: impl Fn() -> String, metadata: &Metadata) -> Result<(), Refusal> {
    let mode = metadata.mode() & 0o7777;
    let refused = |whom: String, remedy| Err(Refusal::Writable { what: what(), whom, mode, remedy });
    if mode & BY_OTHERS != 0 {
        return refused("others".into(), "o-w");
    }
    let (owner, group) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
    if mode & BY_GROUP != 0 && !is_of_one(group, owner) {
        let name = Group::from_gid(group).ok().flatten().map_or_else(|| group.to_string(), |it| it.name);
        return refused(format!("the group {name}"), "g-w");
    }
    Ok(())
}

/// Whether a group is the user by another name: many systems give each user a group of his own, and
/// then make all that he makes writable by it (umask 002).
fn is_of_one(group: Gid, user: Uid) -> bool {
    let (Some(name), Ok(Some(group))) = (name_of(user), Group::from_gid(group)) else { return false };
    group.name == name && group.mem.iter().all(|member| *member == name)
}

fn name_of(user: Uid) -> Option<String> {
    User::from_uid(user).ok().flatten().map(|it| it.name)
}
