//! How the command ends: its exit codes, each with the one reason it stands for.

use std::io::Write;

use calog::manifest::ManifestError;
use calog::{Error, report};

/// Everything went well.
pub(super) const FINE: u8 = 0;
/// A script failed.
pub(super) const FAILED: u8 = 1;
/// The command line or a manifest is wrong.
pub(super) const USAGE: u8 = 2;
/// No plugin offers a needed engine.
pub(super) const NO_ENGINE: u8 = 3;
/// All that is left waits for what cannot come.
pub(super) const STUCK: u8 = 4;
/// What a shell adds to the number of the signal that ended a program.
pub(super) const SIGNALLED: i32 = 128;

/// A reason to end before anything ran.
pub(super) struct Exit {
    code: u8,
    message: String,
}

impl Exit {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Exit {
        Exit { code, message: message.into() }
    }

    /// An error of the runtime, shown whole.
    pub(super) fn of_error(code: u8, error: &Error) -> Exit {
        Exit::new(code, report::render(error, report::colour_wanted()))
    }

    /// Says why, and gives the code.
    pub(super) fn report(self) -> u8 {
        say(&format!("{}\n", self.message.trim_end()));
        self.code
    }
}

/// Writes to standard error. When that is full or closed there is nobody to tell, and nothing else changes.
pub(super) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

impl From<ManifestError> for Exit {
    fn from(error: ManifestError) -> Exit {
        Exit::new(USAGE, format!("error: {error}"))
    }
}

/// The exit code for a number a script gave: the system keeps eight bits of it.
pub(super) fn of_script(code: i32) -> u8 {
    code.to_le_bytes()[0]
}
