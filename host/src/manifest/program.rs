//! What `calog run PATH` means: a script, a manifest, or a folder that makes it clear by what lies
//! in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::problem::{ManifestError, Problem};
use super::{ContextEntry, Manifest};

/// The name of a manifest.
pub const MANIFEST: &str = "calog.toml";

/// A program that was found but whose contexts may still depend on which engines there are.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    path: PathBuf,
    manifest: Manifest,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Script,
    Folder,
}

impl Program {
    /// The program at this path, its manifest read when it has one.
    ///
    /// # Errors
    /// When there is nothing, or the manifest is wrong.
    pub fn find(path: &Path) -> Result<Program, ManifestError> {
        Program::find_all(path).map_err(super::first)
    }

    /// As [`find`](Program::find), with all that is wrong with its manifest.
    ///
    /// # Errors
    /// As [`find`](Program::find); never none.
    pub fn find_all(path: &Path) -> Result<Program, Vec<ManifestError>> {
        let metadata = fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => vec![ManifestError::at_file(path, Problem::NotThere)],
            _ => vec![ManifestError::at_file(path, Problem::Unreadable(error.to_string()))],
        })?;
        if metadata.is_dir() {
            let file = path.join(MANIFEST);
            let manifest = if file.is_file() { Manifest::read_all(&file)? } else { Manifest::default() };
            return Ok(Program { path: path.into(), manifest, kind: Kind::Folder });
        }
        if path.extension() == Some(OsStr::new("toml")) {
            let folder = path.parent().unwrap_or(Path::new(""));
            return Ok(Program { path: folder.into(), manifest: Manifest::read_all(path)?, kind: Kind::Folder });
        }
        Ok(Program { path: path.into(), manifest: Manifest::default(), kind: Kind::Script })
    }

    /// Its manifest; an empty one when it has none.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder it lies in.
    pub fn folder(&self) -> &Path {
        match self.kind {
            Kind::Folder => &self.path,
            Kind::Script => self.path.parent().unwrap_or(Path::new("")),
        }
    }

    /// All scripts that belong to it: the one, or whatever lies in its folder at any depth that an engine
    /// knows. What is hidden is left out, and so are links.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn scripts(&self, is_script: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, ManifestError> {
        if self.kind == Kind::Script {
            return Ok(vec![self.path.clone()]);
        }
        let (mut scripts, mut folders) = (Vec::new(), vec![self.path.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in entries_of(&folder)? {
                let (path, kind) = (folder.join(entry.file_name()), entry.file_type());
                let hidden = entry.file_name().to_string_lossy().starts_with('.');
                let is = |wanted: fn(&fs::FileType) -> bool| kind.as_ref().is_ok_and(wanted) && !hidden;
                if is(fs::FileType::is_dir) {
                    folders.push(path);
                } else if is(fs::FileType::is_file) && path.extension().and_then(OsStr::to_str).is_some_and(&is_script)
                {
                    scripts.push(path);
                }
            }
        }
        scripts.sort();
        Ok(scripts)
    }

    /// The contexts to open, in order. `is_script` says whether an engine runs files of this extension.
    ///
    /// # Errors
    /// When a folder does not make clear what to run.
    pub fn contexts(&self, is_script: impl Fn(&str) -> bool) -> Result<Vec<ContextEntry>, ManifestError> {
        if self.kind == Kind::Script {
            return Ok(vec![ContextEntry::of_script(&self.path)]);
        }
        if !self.manifest.context.is_empty() {
            return Ok(self.manifest.context.clone());
        }
        let names = files_of(&self.path)?;
        let chosen = choose(names, is_script).map_err(|problem| ManifestError::at_file(&self.path, problem))?;
        Ok(chosen.into_iter().map(|name| ContextEntry::of_script(self.path.join(name))).collect())
    }
}

fn entries_of(folder: &Path) -> Result<Vec<fs::DirEntry>, ManifestError> {
    let unreadable = |error: std::io::Error| ManifestError::at_file(folder, Problem::Unreadable(error.to_string()));
    // An empty path is the folder we are in.
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::read_dir(place).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)
}

/// The names of a folder's files, sorted; hidden ones are left out.
fn files_of(folder: &Path) -> Result<Vec<String>, ManifestError> {
    let entries = entries_of(folder)?;
    let files = entries.iter().filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    Ok(names)
}

/// One main script that an engine knows, or else all scripts, or else one main file, whose missing
/// engine is then what is to be said.
fn choose(names: Vec<String>, is_script: impl Fn(&str) -> bool) -> Result<Vec<String>, Problem> {
    let known = |name: &&String| extension(name).is_some_and(&is_script);
    let (mains, others): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| is_main(name));
    let known_mains: Vec<&String> = mains.iter().copied().filter(known).collect();
    let scripts: Vec<&String> = others.iter().copied().filter(known).collect();
    let chosen = match (known_mains.len(), scripts.len(), mains.len()) {
        (1, ..) => known_mains,
        (0, 1.., _) => scripts,
        (0, 0, 1) => mains,
        _ => {
            let mains = if known_mains.is_empty() { mains } else { known_mains };
            let mains = mains.into_iter().cloned().collect();
            return Err(Problem::UnclearFolder { mains, found: names });
        }
    };
    Ok(chosen.into_iter().cloned().collect())
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension().and_then(OsStr::to_str)
}

fn is_main(name: &str) -> bool {
    name.strip_prefix("main.").is_some_and(|rest| !rest.is_empty() && !rest.contains('.'))
}
