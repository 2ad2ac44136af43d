//! Names of natives with a wildcard: `*`, `net.*`, `sync.Queue`.

use std::fmt::{self, Display, Formatter};

/// What natives a line of `allow` or `deny` means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern(String);

impl Pattern {
    /// What it may look like, in words.
    pub(crate) const WANTED: &'static str = r#"the name of a native, "MODULE.*" or "*""#;

    /// The pattern that is written so. A star stands for all names, or for all of a module.
    pub fn new(text: &str) -> Option<Pattern> {
        let name = text.strip_suffix(".*").unwrap_or(text);
        let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        (text == "*" || name.split('.').all(is_part)).then(|| Pattern(text.to_owned()))
    }

    /// Whether it means the native of this name.
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(module) => name.starts_with(module),
            None => self.0 == name,
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
