//! A temporary folder with files of a test.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command;

/// A folder that goes when it is dropped.
pub struct Folder(TempDir);

impl Default for Folder {
    fn default() -> Folder {
        Folder::new()
    }
}

impl Folder {
    /// An empty one.
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// One with these files.
    pub fn with<const N: usize>(files: [(&str, &str); N]) -> Folder {
        let folder = Folder::new();
        files.iter().for_each(|(name, text)| drop(folder.write(name, text)));
        folder
    }

    /// A program folder of its own: the `calog` command, and no plugins yet. It lies beside the real
    /// one, so that a link will do: to start a copy fails while another thread's child still holds it.
    pub fn with_command() -> Folder {
        let command = command();
        let beside = command.parent().expect("it lies in a folder");
        let folder = Folder(tempfile::tempdir_in(beside).expect("a temporary folder"));
        fs::hard_link(&command, folder.join("calog")).expect("the command can be linked");
        folder
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a file of it is.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, and the folders that lead to it.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("it lies in this folder")).expect("a folder can be made");
        fs::write(&path, contents).expect("a file can be written");
        path
    }

    /// Copies a file here, under its own name, with its permissions.
    pub fn copy(&self, file: &Path) -> PathBuf {
        self.copy_as(file, &file.file_name().expect("a file has a name").to_string_lossy())
    }

    /// Copies a file here, with its permissions.
    pub fn copy_as(&self, file: &Path, name: &str) -> PathBuf {
        let path = self.join(name);
        fs::create_dir_all(path.parent().expect("it lies in this folder")).expect("a folder can be made");
        fs::copy(file, &path).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        path
    }
}
