//! `plugins.lock`: the plugins that may be opened, by name, version and the SHA-256 of the whole file.
//!
//! The invariant: a lock that cannot be understood locks everything out. It says nothing about the
//! libraries that a plugin needs itself.

use std::fmt::{self, Display, Formatter, Write};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::header::PluginName;
use super::place;
use super::refusal::Refusal;

/// The name of lock files.
pub const LOCK: &str = "plugins.lock";

/// The form of lock files that this host reads and writes.
const FORM: u32 = 1;

/// A lock file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    path: PathBuf,
    plugins: Vec<Locked>,
}

/// A plugin that a lock file names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its package's name.
    pub name: String,
    /// Its package's version.
    pub version: String,
    /// The SHA-256 of its file, in lower case hexadecimal digits.
    pub sha256: String,
}

/// A lock file that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockError {
    /// The lock file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Display for LockError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (path, reason) = (self.path.display(), &self.reason);
        write!(f, "{path}: {reason}; write it anew with `calog plugins lock`, or remove it")
    }
}

impl std::error::Error for LockError {}

/// The file's form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    #[serde(default)]
    plugin: Vec<Locked>,
}

impl Lock {
    /// The lock file in a folder; `None` when there is none. `shared` says that it may be others' to
    /// write.
    ///
    /// # Errors
    /// When it cannot be read or understood, or others may write to it.
    pub fn within(folder: &Path, shared: bool) -> Result<Option<Lock>, LockError> {
        let path = folder.join(LOCK);
        let error = |reason: String| LockError { path: path.clone(), reason };
        match fs::symlink_metadata(&path) {
            Ok(_) => {}
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(unreadable) => return Err(error(unreadable.to_string())),
        }
        let read = || {
            if !shared {
                let metadata = fs::metadata(&path).map_err(|error| error.to_string())?;
                place::check_file(|| "it".into(), &metadata).map_err(|refusal| refusal.to_string())?;
                place::check_folders(&path).map_err(|refusal| refusal.to_string())?;
            }
            fs::read_to_string(&path).map_err(|error| error.to_string())
        };
        let text = read().map_err(error)?;
        Lock::parse(&text, &path).map(Some)
    }

    /// Understands the text of a lock file that lies at `path`.
    ///
    /// # Errors
    /// When it is no lock file, or of another form.
    pub fn parse(text: &str, path: &Path) -> Result<Lock, LockError> {
        let error = |reason: String| LockError { path: path.to_path_buf(), reason };
        let form: Form =
            toml::from_str(text).map_err(|wrong| error(wrong.to_string().trim_end().replace('\n', " ")))?;
        if form.version != FORM {
            return Err(error(format!("it has version {}, wanted {FORM}", form.version)));
        }
        let odd = |it: &&Locked| {
            it.sha256.len() != 64 || !it.sha256.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        match form.plugin.iter().find(odd) {
            Some(locked) => {
                Err(error(format!("the sha256 of {} is not 64 lower case hexadecimal digits", locked.name)))
            }
            None => Ok(Lock { path: path.to_path_buf(), plugins: form.plugin }),
        }
    }

    /// A lock file for a folder, of these plugins, each once.
    pub fn of(folder: &Path, plugins: impl IntoIterator<Item = Locked>) -> Lock {
        let mut plugins: Vec<Locked> = plugins.into_iter().collect();
        plugins.sort();
        plugins.dedup();
        Lock { path: folder.join(LOCK), plugins }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it names.
    pub fn plugins(&self) -> &[Locked] {
        &self.plugins
    }

    /// Writes it, in one step: whoever reads meanwhile sees the old one or the new one.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self) -> std::io::Result<()> {
        let beside = self.path.with_extension("lock.new");
        fs::write(&beside, self.to_string())?;
        fs::rename(&beside, &self.path)
    }

    /// Whether it has this plugin with these bytes.
    pub(super) fn check(&self, plugin: &PluginName, sha256: &str) -> Result<(), Refusal> {
        let of_the_name: Vec<&Locked> = self.plugins.iter().filter(|it| it.name == plugin.name).collect();
        if of_the_name.iter().any(|it| it.version == plugin.version && it.sha256 == sha256) {
            return Ok(());
        }
        Err(Refusal::NotLocked {
            plugin: plugin.clone(),
            sha256: sha256.to_owned(),
            lock: self.path.clone(),
            wanted: of_the_name.into_iter().cloned().collect(),
        })
    }
}

impl Display for Lock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "# The plugins that may be opened here. Written by `calog plugins lock`.\nversion = {FORM}")?;
        for Locked { name, version, sha256 } in &self.plugins {
            // Names and versions are printable words without quotes or backslashes, or else they are quoted.
            let [name, version, sha256] = [name, version, sha256].map(|it| toml::Value::String(it.clone()));
            writeln!(f, "\n[[plugin]]\nname = {name}\nversion = {version}\nsha256 = {sha256}")?;
        }
        Ok(())
    }
}

/// The SHA-256 of bytes, as lock files write it.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
