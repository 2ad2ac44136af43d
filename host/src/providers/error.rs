//! What fails, of which provider and in which step. The cause stays reachable by `source()`.

use std::any::Any;
use std::fmt::{self, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calog_plugin_api::Code;

use super::Result;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration was refused.
    #[error("provider '{name}' failed during validate: {source}")]
    Validate {
        /// The provider.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// It could not be made usable.
    #[error("provider '{name}' failed during boot: {source}")]
    Boot {
        /// The provider.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// What it runs failed, which is the program's end.
    #[error("runnable '{name}' failed: {source}")]
    Run {
        /// The provider.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// What it runs failed, and the others go on.
    #[error("runnable '{name}' failed (recoverable): {source}")]
    Recoverable {
        /// The provider; the registry fills it in where it is empty.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// It did not take a changed state over.
    #[error("reload of '{name}' failed: {source}")]
    Reload {
        /// The provider.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// It could not let go.
    #[error("shutdown of '{name}' failed: {source}")]
    Shutdown {
        /// The provider.
        name: String,
        /// Why.
        source: BoxError,
    },
    /// There is one of that type or that name already.
    #[error("provider '{name}' ({kind}) is refused: '{other}' ({other_kind}) {} already", what(*same_type))]
    Duplicate {
        /// The one that comes second.
        name: String,
        /// Its type.
        kind: &'static str,
        /// The one that is there.
        other: String,
        /// Its type.
        other_kind: &'static str,
        /// Whether they are of one type, which no other may be; otherwise they have one name.
        same_type: bool,
    },
    /// Providers that come after each other in a circle; the first is named again at the end.
    #[error("providers wait for each other: {}", circle(.0))]
    Cycle(Vec<String>),
    /// It came after the others had booted.
    #[error("provider '{0}' is refused: the others have booted already")]
    Late(String),
    /// Nobody has the name.
    #[error("reload_by_name: no provider registered with name '{0}'")]
    Unknown(String),
    /// It has nothing to reload.
    #[error("reload_by_name: provider '{0}' is not reloadable")]
    NotReloadable(String),
    /// What is shut down is not reloaded any more.
    #[error("reload_by_name: provider '{0}' is shut down")]
    Ended(String),
    /// A provider asked for a reload while it was itself reloaded, which would wait for itself.
    #[error("a provider's own reload may not ask for another one")]
    Nested,
    /// Anything else.
    #[error(transparent)]
    Other(BoxError),
}

fn what(same_type: bool) -> &'static str {
    if same_type { "is of that type" } else { "has that name" }
}

fn circle(names: &[String]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" after ")
}

/// The steps of a life in which a provider's own code runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Validate,
    Boot,
    Run,
    Reload,
    Shutdown,
}

impl Error {
    /// A failure of what runs that is logged, and the others go on. The registry fills the name in.
    pub fn recoverable(source: impl Into<BoxError>) -> Error {
        Error::Recoverable { name: String::new(), source: source.into() }
    }

    /// The error of a provider's own code in a step: one of these is passed on as it is.
    pub(super) fn during(step: Step, name: &str, source: BoxError) -> Error {
        let name = name.to_owned();
        let source = match source.downcast::<Error>() {
            Ok(typed) => return typed.named(name),
            Err(source) => source,
        };
        match step {
            Step::Validate => Error::Validate { name, source },
            Step::Boot => Error::Boot { name, source },
            Step::Run => Error::Run { name, source },
            Step::Reload => Error::Reload { name, source },
            Step::Shutdown => Error::Shutdown { name, source },
        }
    }

    /// As any other error.
    pub(super) fn other(source: BoxError) -> Error {
        match source.downcast::<Error>() {
            Ok(typed) => *typed,
            Err(source) => Error::Other(source),
        }
    }

    fn named(self, name: String) -> Error {
        match self {
            Error::Recoverable { name: unnamed, source } if unnamed.is_empty() => Error::Recoverable { name, source },
            typed => typed,
        }
    }

    fn cause(&self) -> Option<&BoxError> {
        match self {
            Error::Validate { source, .. }
            | Error::Boot { source, .. }
            | Error::Run { source, .. }
            | Error::Recoverable { source, .. }
            | Error::Reload { source, .. }
            | Error::Shutdown { source, .. }
            | Error::Other(source) => Some(source),
            _ => None,
        }
    }

    /// As an error of calog's: with the code and the trace of its cause, where that has them.
    pub fn to_calog(&self) -> calog_plugin_api::Error {
        let text = self.to_string();
        let Some(cause) = self.cause() else { return calog_plugin_api::Error::new(Code::Unsupported, text) };
        if let Some(cause) = cause.downcast_ref::<calog_plugin_api::Error>() {
            // What stands before the cause's own message.
            let place = text.strip_suffix(&*cause.message()).and_then(|text| text.strip_suffix(": "));
            return place.map_or_else(|| cause.clone(), |place| cause.inside(place));
        }
        let code = if cause.is::<Panicked>() { Code::Panic } else { Code::Unsupported };
        calog_plugin_api::Error::new(code, text)
    }
}

/// All that failed, in the order of the providers. Never empty.
#[derive(Debug)]
pub struct Failures(pub(super) Vec<Error>);

impl Failures {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// As one error of calog's: with the code and the trace of the first.
    pub fn to_calog(&self) -> calog_plugin_api::Error {
        match self.0.as_slice() {
            [only] => only.to_calog(),
            all => {
                let code = all.first().map_or(Code::Unsupported, |first| first.to_calog().code());
                calog_plugin_api::Error::new(code, self.to_string())
            }
        }
    }
}

impl From<Error> for Failures {
    fn from(error: Error) -> Failures {
        Failures(vec![error])
    }
}

impl Display for Failures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return Display::fmt(only, f);
        }
        write!(f, "{} failures:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

impl std::error::Error for Failures {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.first().and_then(std::error::Error::source)
    }
}

/// What a panic becomes.
#[derive(Debug, thiserror::Error)]
#[error("panicked: {0}")]
struct Panicked(String);

/// Runs a provider's code; a panic is an error.
pub(super) fn guarded<T>(code: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|payload| Err(Panicked(words(payload)).into()))
}

/// What a panic says. A payload that is no text is leaked: its drop might panic again, out of here.
fn words(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast::<&str>().map(|text| text.to_string());
    let text = text.or_else(|payload| payload.downcast::<String>().map(|text| *text));
    text.unwrap_or_else(|payload| {
        std::mem::forget(payload);
        "without a message".into()
    })
}
