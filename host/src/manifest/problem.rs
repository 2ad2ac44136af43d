//! What can be wrong with a manifest or with the path of a program, and where.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

/// A line and a column, both from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A problem and its place. It prints as `calog.toml:3:5: unknown key ...`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManifestError {
    /// The manifest, or the path that was to be run.
    pub path: PathBuf,
    /// The place within it, where that is known.
    pub place: Option<Place>,
    /// The problem.
    pub problem: Problem,
}

impl ManifestError {
    pub(super) fn new(path: &Path, place: Option<Place>, problem: Problem) -> ManifestError {
        ManifestError { path: path.to_path_buf(), place, problem }
    }

    pub(super) fn at_file(path: &Path, problem: Problem) -> ManifestError {
        ManifestError::new(path, None, problem)
    }
}

impl Display for ManifestError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(place) = self.place {
            write!(f, "{}:{}:", place.line, place.column)?;
        }
        write!(f, " {}", self.problem)
    }
}

impl std::error::Error for ManifestError {}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The operating system does not let us read it.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It is no TOML.
    #[error("{0}")]
    Syntax(String),
    /// Nothing reads this key.
    #[error("unknown key '{key}'{}; known here are: {}", did_you_mean(*nearest), known.join(", "))]
    UnknownKey {
        /// The key, dotted.
        key: String,
        /// The known key that was probably meant.
        nearest: Option<&'static str>,
        /// All known keys of the table.
        known: &'static [&'static str],
    },
    /// A value of another type.
    #[error("'{key}' is {found}, wanted {wanted}")]
    WrongType {
        /// The key, dotted.
        key: String,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// A key that must be there is not.
    #[error("the key '{key}' is missing, wanted {wanted}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it should be.
        wanted: &'static str,
    },
    /// A path that names nothing.
    #[error("'{key}' is empty, wanted a path")]
    EmptyPath {
        /// The key, dotted.
        key: String,
    },
    /// A value that cannot be handed to a plugin.
    #[error("'{key}': {reason}")]
    Value {
        /// The key, dotted.
        key: String,
        /// The reason.
        reason: String,
    },
    /// Two contexts of one name.
    #[error("two contexts are named '{0}': give one of them another `name`")]
    NameTwice(String),
    /// There is nothing at this path.
    #[error("there is no such file or folder")]
    NotThere,
    /// A folder that does not say what to run.
    #[error("{}", unclear_folder(mains, found))]
    UnclearFolder {
        /// Its files named `main.*`.
        mains: Vec<String>,
        /// All its files.
        found: Vec<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|it| format!(", did you mean '{it}'?")).unwrap_or_default()
}

/// Files of a folder that are named in a message.
const NAMED_FILES: usize = 12;

fn unclear_folder(mains: &[String], found: &[String]) -> String {
    if mains.len() > 1 {
        return format!("several files could be the main script: {}; name one of them", mains.join(", "));
    }
    let shown = found[..found.len().min(NAMED_FILES)].join(", ");
    let more =
        if found.len() > NAMED_FILES { format!(" and {} more", found.len() - NAMED_FILES) } else { String::new() };
    let found = if found.is_empty() { "is empty".into() } else { format!("holds {shown}{more}") };
    format!("the folder {found}; wanted calog.toml, one main.* or scripts that an engine knows")
}
