//! Which natives, files and powers a context has, and which line of its configuration would give it one.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use calog_plugin_api::Access;

use super::folders::{Folders, Found};
use super::pattern::Pattern;
use super::terms::{Preset, Terms};

/// What is allowed to a context by its own terms.
#[derive(Debug)]
pub(super) struct Permissions {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    read: Folders,
    write: Folders,
    load_native: bool,
    processes: bool,
    environment: bool,
}

/// What was refused, and the line that would have allowed it.
pub(super) struct Refused {
    pub(super) what: String,
    pub(super) line: String,
}

impl Permissions {
    pub(super) fn new(terms: &Terms) -> Permissions {
        let trusted = terms.preset() == Preset::Trusted;
        let all = || Pattern::new("*").into_iter().collect();
        let natives = if terms.preset() == Preset::Untrusted { Vec::new() } else { all() };
        let folders = |given: &Option<Vec<PathBuf>>| match given {
            Some(folders) => Folders::These(folders.clone()),
            None if trusted => Folders::All,
            None => Folders::These(Vec::new()),
        };
        Permissions {
            allow: terms.allow.clone().unwrap_or(natives),
            deny: terms.deny.clone().unwrap_or_default(),
            read: folders(&terms.read),
            write: folders(&terms.write),
            load_native: terms.load_native.unwrap_or(trusted),
            processes: terms.processes.unwrap_or(trusted),
            environment: terms.environment.unwrap_or(trusted),
        }
    }

    /// What is denied is denied, whatever allows it.
    ///
    /// # Errors
    /// The line that would allow it.
    pub(super) fn check_native(&self, name: &str) -> Result<(), String> {
        if self.deny.iter().any(|pattern| pattern.matches(name)) {
            let others: Vec<_> = self.deny.iter().filter(|pattern| !pattern.matches(name)).collect();
            return Err(format!("deny = {}", list(others.into_iter().map(Pattern::as_str))));
        }
        if self.allow.iter().any(|pattern| pattern.matches(name)) {
            return Ok(());
        }
        Err(format!("allow = {}", list(self.allow.iter().map(Pattern::as_str).chain([name]))))
    }

    /// Where the path leads, if it is about one, and leads not just anywhere.
    pub(super) fn permit(&self, access: Access, path: &[u8]) -> Result<Option<PathBuf>, Refused> {
        match access {
            Access::Read => find(&self.read, "read", path),
            Access::Write => find(&self.write, "write", path),
            Access::LoadNative => switch(self.load_native, "load machine code", "load_native"),
            Access::Processes => switch(self.processes, "start or end processes", "processes"),
            Access::Environment => switch(self.environment, "see or change the environment", "environment"),
            // What this host does not know it does not allow.
            _ => switch(false, "do that", "preset = \"trusted\""),
        }
    }
}

fn find(folders: &Folders, key: &str, path: &[u8]) -> Result<Option<PathBuf>, Refused> {
    let path = Path::new(OsStr::from_bytes(path));
    match folders.find(path) {
        Found::Anywhere => Ok(None),
        Found::At(place) => Ok(Some(place)),
        Found::Nowhere => {
            let known = if let Folders::These(folders) = folders { folders.as_slice() } else { &[] };
            let known = known.iter().map(|it| it.to_string_lossy().into_owned());
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let all: Vec<String> = known.chain([folder.to_string_lossy().into_owned()]).collect();
            let line = format!("{key} = {}", list(all.iter().map(String::as_str)));
            Err(Refused { what: format!("{key} the file '{}'", path.display()), line })
        }
    }
}

fn switch(allowed: bool, what: &str, key: &str) -> Result<Option<PathBuf>, Refused> {
    if allowed { Ok(None) } else { Err(Refused { what: what.to_owned(), line: format!("{key} = true") }) }
}

/// A list as TOML writes it.
fn list<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.map(|item| format!("{item:?}")).collect();
    format!("[{}]", items.join(", "))
}
