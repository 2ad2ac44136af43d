//! Who waits, where, and for what: what a program that is stuck shows.

use std::fmt::{self, Display, Formatter};

use calog_plugin_api::Frame;

use crate::context::ContextShared;

/// A task that waits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Waiting {
    /// Its context's name.
    pub context: String,
    /// Its language.
    pub language: String,
    /// Where in its script it waits, if its engine can tell.
    pub file: String,
    /// The line there, or 0.
    pub line: u32,
    /// What it waits for.
    pub what: String,
}

impl Waiting {
    pub(crate) fn new(context: &ContextShared, site: Option<Frame>, what: &str) -> Waiting {
        let site = site.unwrap_or_else(|| context.frame());
        Waiting {
            context: context.name.clone(),
            language: context.language.clone(),
            file: site.file,
            line: site.line,
            what: what.to_owned(),
        }
    }
}

impl Display for Waiting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Waiting { context, language, file, line, what } = self;
        write!(f, "context '{context}' ({language}) at {file}")?;
        if *line > 0 {
            write!(f, ":{line}")?;
        }
        write!(f, " waits for {what}")
    }
}
