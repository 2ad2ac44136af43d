//! Where plugins are looked for: folders in the order that decides conflicts, each with the reason
//! why it is searched. A folder that does not exist is noted and is no error.

use std::collections::HashSet;
use std::env;
use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};

use super::trust::Trust;

/// The variable that names folders, separated by colons.
const PATH_VARIABLE: &str = "CALOG_PLUGIN_PATH";

/// What file names begin with to count as plugins beside the executable.
const OWN_PREFIX: &str = "libcalog_";

/// Why a folder is searched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Origin {
    /// `--plugins DIR`.
    CommandLine,
    /// `CALOG_PLUGIN_PATH`.
    Environment,
    /// `plugins = [...]` in `calog.toml`.
    Manifest,
    /// `plugins/` beside the executable.
    BesideExecutable,
    /// The executable's own folder. It may hold other libraries, so only `libcalog_*.so` counts.
    ExecutableFolder,
    /// The user's data folder.
    UserData,
    /// Named by the embedding program.
    Program,
}

impl Origin {
    /// Whether a file of this name, found for this reason, is taken for a plugin.
    pub(super) fn takes(self, name: &str) -> bool {
        name.ends_with(".so") && (self != Origin::ExecutableFolder || name.starts_with(OWN_PREFIX))
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::CommandLine => "--plugins",
            Origin::Environment => PATH_VARIABLE,
            Origin::Manifest => "calog.toml",
            Origin::BesideExecutable => "plugins/ beside the executable",
            Origin::ExecutableFolder => "the executable's folder, libcalog_*.so",
            Origin::UserData => "the user's data folder",
            Origin::Program => "named by the program",
        })
    }
}

/// The folders to search, in order.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct SearchPath {
    folders: Vec<(PathBuf, Origin)>,
    trust: Trust,
}

impl SearchPath {
    /// No folder at all: what is compiled in is all there is.
    pub fn empty() -> SearchPath {
        SearchPath::default()
    }

    /// Exactly these folders.
    pub fn of<P: Into<PathBuf>>(folders: impl IntoIterator<Item = P>) -> SearchPath {
        SearchPath::empty().with(Origin::Program, folders)
    }

    /// The `calog` command's path: the command line's folders, the environment's, the manifest's, the
    /// executable's and the user's.
    pub fn standard(command_line: &[PathBuf], manifest: &[PathBuf]) -> SearchPath {
        let environment: Vec<PathBuf> = env::var_os(PATH_VARIABLE)
            .map(|all| env::split_paths(&all).filter(|path| !path.as_os_str().is_empty()).collect())
            .unwrap_or_default();
        let executable = env::current_exe().ok().and_then(|path| path.parent().map(Path::to_path_buf));
        SearchPath::empty()
            .with(Origin::CommandLine, command_line)
            .with(Origin::Environment, environment)
            .with(Origin::Manifest, manifest)
            .with(Origin::BesideExecutable, executable.as_ref().map(|folder| folder.join("plugins")))
            .with(Origin::ExecutableFolder, executable)
            .with(Origin::UserData, user_data().map(|folder| folder.join("calog/plugins")))
    }

    /// The same path with further folders at its end.
    #[must_use]
    pub fn with<P: Into<PathBuf>>(mut self, origin: Origin, folders: impl IntoIterator<Item = P>) -> SearchPath {
        self.folders.extend(folders.into_iter().map(|folder| (folder.into(), origin)));
        self
    }

    /// The same folders, under these conditions. Without, under the usual ones.
    #[must_use]
    pub fn trusting(mut self, trust: Trust) -> SearchPath {
        self.trust = trust;
        self
    }

    /// Under which conditions what is found is used.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The folders and why each is searched.
    pub fn folders(&self) -> impl Iterator<Item = (&Path, Origin)> {
        self.folders.iter().map(|(path, origin)| (path.as_path(), *origin))
    }

    /// Looks into every folder once.
    pub(super) fn scan(&self) -> Vec<(Folder, Vec<PathBuf>)> {
        let mut seen = HashSet::new();
        self.folders.iter().map(|(path, origin)| scan_folder(path, *origin, &mut seen)).collect()
    }
}

/// `$XDG_DATA_HOME`, or `~/.local/share`.
fn user_data() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
}

/// A folder that was looked into.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Why it was searched.
    pub origin: Origin,
    /// What became of it.
    pub state: FolderState,
}

/// What became of a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderState {
    /// It was searched.
    Searched,
    /// It does not exist.
    Missing,
    /// It is the same folder as an earlier one, under this or another name.
    Repeated,
    /// It cannot be read; the system's reason.
    Unreadable(String),
}

impl Display for FolderState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            FolderState::Searched => f.write_str("searched"),
            FolderState::Missing => f.write_str("does not exist"),
            FolderState::Repeated => f.write_str("searched already, above"),
            FolderState::Unreadable(reason) => write!(f, "cannot be read: {reason}"),
        }
    }
}

fn scan_folder(path: &Path, origin: Origin, seen: &mut HashSet<(PathBuf, bool)>) -> (Folder, Vec<PathBuf>) {
    let result = fs::canonicalize(path).and_then(|real| {
        // The executable's folder is searched by another rule, so it may well come a second time.
        let new = seen.insert((real, origin == Origin::ExecutableFolder));
        if new { plugins_in(path, origin).map(Some) } else { Ok(None) }
    });
    let (state, files) = match result {
        Ok(Some(files)) => (FolderState::Searched, files),
        Ok(None) => (FolderState::Repeated, Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (FolderState::Missing, Vec::new()),
        Err(error) => (FolderState::Unreadable(error.to_string()), Vec::new()),
    };
    (Folder { path: path.to_path_buf(), origin, state }, files)
}

/// The paths of what looks like a plugin, sorted by name.
fn plugins_in(folder: &Path, origin: Origin) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if origin.takes(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
