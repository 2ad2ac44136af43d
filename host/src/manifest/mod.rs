//! The manifest: what a program is made of, as its `calog.toml` says, or as the path given to
//! `calog run` implies.
//!
//! The invariant: what it does not understand it refuses, with the line and the nearest known key. A
//! key is one line in one of the two `keys!` blocks below.

mod convert;
mod document;
mod keys;
mod problem;
mod program;
mod rights;

use std::path::{Path, PathBuf};

use calog_plugin_api::{Restart, Value};

use crate::limits::{Caps, OnLimit, Pattern, Preset};
use document::{Document, Node};
use keys::keys;

pub use keys::nearest;
pub use problem::{ManifestError, Place, Problem};
pub use program::{MANIFEST, Program};

keys! {
    /// A program, as its `calog.toml` says.
    #[derive(Clone, PartialEq, Debug, Default)]
    pub struct Manifest {
        /// The program's name.
        pub name: Option<String>,
        /// Further plugin folders, searched after those of the command line and the environment.
        pub plugins: Vec<PathBuf>,
        /// Whether plugins are accepted that others may write to, or that belong to others.
        pub shared_plugins: bool,
        /// The order of engines, and a section for each that has one.
        pub engines: Engines,
        /// A section for each bundle that has one: `[natives.net]`.
        pub natives: Sections,
        /// The contexts to open, in order.
        pub context: Vec<ContextEntry>,
    }
}

keys! {
    /// A context: one `[[context]]`, or the options of `calog.open`.
    #[derive(Clone, PartialEq, Debug)]
    pub struct ContextEntry {
        /// Its name; without it, the script's name without extension.
        pub name: Option<String>,
        /// Its script.
        pub script: PathBuf,
        /// The shared thread it runs on; without it, a thread of its own.
        pub thread: Option<String>,
        /// Whether values that cannot be represented are coerced instead of refused.
        pub lenient: bool,
        /// The arguments its script sees instead of the program's.
        pub args: Option<Vec<String>>,
        /// When it is started again, and how often: a word, or a table with `when`, `at_most`, `within_s`.
        pub restart: Restart,
        /// What it may, where the other keys say nothing; without it, everything.
        pub preset: Option<Preset>,
        /// The natives it may use.
        pub allow: Option<Vec<Pattern>>,
        /// Those of them that it may not.
        pub deny: Option<Vec<Pattern>>,
        /// The folders in which its language's own library may read.
        pub read: Option<Vec<PathBuf>>,
        /// And write.
        pub write: Option<Vec<PathBuf>>,
        /// Whether its language's own library may load machine code.
        pub load_native: Option<bool>,
        /// And start processes.
        pub processes: Option<bool>,
        /// And see the process's environment.
        pub environment: Option<bool>,
        /// What becomes of it when it reaches a limit.
        pub on_limit: Option<OnLimit>,
        /// How much it may use of what: `[context.limits]`.
        pub limits: Caps,
        @
        /// Where it stands.
        pub standing,
    }
}

/// Where a table stands in its file, if it comes from one. What it says is the same wherever it stands,
/// so all are equal.
#[derive(Clone, Debug, Default)]
pub struct Standing(Option<String>);

impl Standing {
    fn of(node: &document::Node<'_>) -> Standing {
        Standing(Some(format!("{}:{}", node.file().display(), node.place().line)))
    }

    /// File and line: `calog.toml:7`.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl PartialEq for Standing {
    fn eq(&self, _other: &Standing) -> bool {
        true
    }
}

/// Sections by name, in the order of the manifest; each is a map.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sections(Vec<(String, Section)>);

/// A section, and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    /// What it says, as a map.
    pub value: Value,
    /// Where it says so.
    pub origin: Origin,
}

/// Where a section stands, and each key in it.
#[derive(Clone, PartialEq, Debug)]
pub struct Origin {
    file: PathBuf,
    place: Place,
    /// Dotted, without the section's own name.
    keys: Vec<(String, Place)>,
}

impl Origin {
    /// Where a key stands, given as a plugin knows it: `calog.toml:3:5`. Of a key that is not there, where
    /// the one stands that it would be in; of none, the section itself.
    pub fn of_key(&self, key: &str) -> String {
        let place = |key: &str| self.keys.iter().find(|(known, _)| known == key).map(|(_, place)| *place);
        let upwards = std::iter::successors(Some(key), |key| key.rsplit_once('.').map(|(outer, _)| outer));
        let Place { line, column } = upwards.into_iter().find_map(place).unwrap_or(self.place);
        format!("{}:{line}:{column}", self.file.display())
    }
}

/// The sections of engines, and their order.
///
/// In TOML one key cannot be a list and a table, so it is either `engines = ["quickjs", "lua"]`, or the
/// same list as `order` under `[engines]`, beside `[engines.lua]`.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Engines {
    /// The engines that come before all others.
    pub order: Vec<String>,
    /// A section for each engine that has one.
    pub sections: Sections,
}

impl Sections {
    /// The section of this name as a map; nil when there is none.
    pub fn get(&self, name: &str) -> Value {
        self.section(name).map(|section| section.value.clone()).unwrap_or_default()
    }

    /// The names and their sections.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.sections().map(|(name, section)| (name, &section.value))
    }

    /// The section of this name.
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, section)| section)
    }

    /// The names and their sections, with their places.
    pub fn sections(&self) -> impl Iterator<Item = (&str, &Section)> {
        self.0.iter().map(|(name, section)| (name.as_str(), section))
    }
}

impl Manifest {
    /// Reads the manifest at `path`. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or says what cannot be understood.
    pub fn read(path: &Path) -> Result<Manifest, ManifestError> {
        Manifest::read_all(path).map_err(first)
    }

    /// As [`read`](Manifest::read), with all that is wrong with it.
    ///
    /// # Errors
    /// As [`read`](Manifest::read); never none.
    pub fn read_all(path: &Path) -> Result<Manifest, Vec<ManifestError>> {
        let unreadable = |error: std::io::Error| ManifestError::at_file(path, Problem::Unreadable(error.to_string()));
        let text = std::fs::read_to_string(path).map_err(|error| vec![unreadable(error)])?;
        Manifest::parse_all(&text, path)
    }

    /// Understands the text of a manifest that lies at `path`.
    ///
    /// # Errors
    /// As [`read`](Manifest::read), but for the reading.
    pub fn parse(text: &str, path: &Path) -> Result<Manifest, ManifestError> {
        Manifest::parse_all(text, path).map_err(first)
    }

    /// As [`parse`](Manifest::parse), with all that is wrong with it, in its order. (Of what is no TOML,
    /// the first.)
    ///
    /// # Errors
    /// As [`read_all`](Manifest::read_all), but for the reading.
    pub fn parse_all(text: &str, path: &Path) -> Result<Manifest, Vec<ManifestError>> {
        let document = Document::new(path, text);
        let root = document.parse().map_err(|error| vec![error])?;
        let read = Manifest::read_table(&Node::root(&document, &root), root.get_ref());
        let read = read.and_then(|manifest| manifest.check_names(path).map(|()| manifest));
        document.note(read).ok_or_else(|| document.into_problems())
    }

    /// Contexts are imported by name, so each name may come once.
    fn check_names(&self, path: &Path) -> Result<(), ManifestError> {
        let names: Vec<String> = self.context.iter().map(ContextEntry::shown_name).collect();
        let twice = (1..names.len()).find(|&at| names[..at].contains(&names[at]));
        twice.map_or(Ok(()), |at| Err(ManifestError::at_file(path, Problem::NameTwice(names[at].clone()))))
    }
}

/// The first of several problems.
fn first(problems: Vec<ManifestError>) -> ManifestError {
    // There always is one.
    let none = || ManifestError::at_file(Path::new(""), Problem::Syntax("nothing is known of it".into()));
    problems.into_iter().next().unwrap_or_else(none)
}

impl ContextEntry {
    /// A context that runs this script and sets nothing else.
    pub fn of_script(script: impl Into<PathBuf>) -> ContextEntry {
        ContextEntry {
            name: None,
            script: script.into(),
            thread: None,
            lenient: false,
            args: None,
            restart: Restart::NEVER,
            preset: None,
            allow: None,
            deny: None,
            read: None,
            write: None,
            load_native: None,
            processes: None,
            environment: None,
            on_limit: None,
            limits: Caps::default(),
            standing: Standing::default(),
        }
    }

    /// Its name, or its script's without extension.
    pub fn shown_name(&self) -> String {
        let stem = || self.script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(stem)
    }
}

#[cfg(test)]
mod tests;
