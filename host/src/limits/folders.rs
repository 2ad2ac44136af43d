//! The folders whose files may be read or written.
//!
//! Invariant: a path is compared as the system would follow it, without links and `..`; what cannot be
//! followed so far is in no folder.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders, or everything.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Folders {
    All,
    These(Vec<PathBuf>),
}

impl Folders {
    /// Where the path leads, if that is in one of the folders.
    pub(crate) fn find(&self, path: &Path) -> Found {
        match self {
            Folders::All => Found::Anywhere,
            Folders::These(folders) => {
                let place = resolve(path).filter(|place| folders.iter().any(|folder| is_within(place, folder)));
                place.map_or(Found::Nowhere, Found::At)
            }
        }
    }
}

/// What is known of a path.
#[derive(PartialEq, Debug)]
pub(crate) enum Found {
    /// It may lead anywhere.
    Anywhere,
    /// It leads to a place that is in a folder.
    At(PathBuf),
    /// It leads out of all folders.
    Nowhere,
}

/// The folder is followed only now: it may have come to be since.
fn is_within(place: &Path, folder: &Path) -> bool {
    resolve(folder).is_some_and(|folder| place.starts_with(folder))
}

/// Where a path leads, absolute and without links. What is not there yet may be made at its end.
fn resolve(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    if let Ok(place) = fs::canonicalize(&path) {
        return Some(place);
    }
    // A link to what is not there would be followed by whoever makes it.
    if fs::symlink_metadata(&path).is_ok() {
        return None;
    }
    // A path that ends in `..` has no name.
    let name = path.file_name()?;
    Some(resolve(path.parent()?)?.join(name))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder `in` with a file, links out of it, and a file beside it.
    #[test]
    fn paths_are_followed_before_they_are_compared() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("it is there");
        let inside = root.join("in");
        fs::create_dir_all(inside.join("deep")).expect("folders");
        for file in ["in/file", "beside", "in-too"] {
            fs::write(root.join(file), "").expect("a file");
        }
        symlink("../beside", inside.join("out")).expect("a link");
        symlink("..", inside.join("up")).expect("a link");
        symlink("../nothing", inside.join("dangling")).expect("a link");
        symlink("deep", inside.join("within")).expect("a link");
        symlink("loop", inside.join("loop")).expect("a link");
        let folders = Folders::These(vec![inside.clone()]);
        for (path, wanted) in [
            ("in/file", Some("in/file")),
            ("in/./deep/../file", Some("in/file")),
            ("in/within/new", Some("in/deep/new")),
            ("in/new/newer", Some("in/new/newer")),
            ("in", Some("in")),
            ("beside", None),
            ("in-too", None),
            ("in/../beside", None),
            ("in/out", None),
            ("in/up/beside", None),
            ("in/dangling", None),
            ("in/dangling/x", None),
            ("in/loop", None),
            ("in/new/../../beside", None),
            ("in/new/..", None),
            ("", None),
        ] {
            let wanted = wanted.map_or(Found::Nowhere, |it| Found::At(root.join(it)));
            assert_eq!(folders.find(&root.join(path)), wanted, "{path}");
        }
        assert_eq!(Folders::These(Vec::new()).find(&inside), Found::Nowhere);
        assert_eq!(Folders::All.find(&root.join("beside")), Found::Anywhere);
    }
}
