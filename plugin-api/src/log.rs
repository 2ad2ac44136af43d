//! Levels of log lines.

/// How grave a log line is.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is not as it should be.
    Warn = 2,
    /// Something worth knowing happened.
    Info = 3,
    /// For finding defects.
    Debug = 4,
    /// Every step.
    Trace = 5,
}

impl Level {
    /// The level's word, as scripts name it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Trace => "trace",
        }
    }

    /// The level with this word.
    pub fn from_word(word: &str) -> Option<Level> {
        [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace]
            .into_iter()
            .find(|level| level.word() == word)
    }

    pub(crate) fn from_number(number: u32) -> Level {
        match number {
            1 => Level::Error,
            2 => Level::Warn,
            4 => Level::Debug,
            5 => Level::Trace,
            _ => Level::Info,
        }
    }
}
