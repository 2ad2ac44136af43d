//! What a bundle may ask for in its life: its place among others, and what becomes of its `run` hook
//! when that ends.
//!
//! Across the ABI it is a map, so that more can be asked for later: what a host does not know it passes
//! over, and what a bundle does not say has its default.

use std::time::Duration;

use crate::error::Result;
use crate::value::{AggregateView, Value, View};

/// Which end is followed by a new start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RestartWhen {
    /// None: the usual.
    #[default]
    Never,
    /// A failure.
    OnFailure,
    /// Any end that was not asked for.
    Always,
}

impl RestartWhen {
    /// The words for them, as in `calog.toml`.
    pub const WORDS: [(&'static str, RestartWhen); 3] =
        [("never", RestartWhen::Never), ("on_failure", RestartWhen::OnFailure), ("always", RestartWhen::Always)];

    /// The word.
    pub fn word(self) -> &'static str {
        RestartWhen::WORDS.iter().find(|(_, when)| *when == self).map_or("never", |(word, _)| word)
    }

    /// What the word stands for.
    pub fn from_word(word: &str) -> Option<RestartWhen> {
        RestartWhen::WORDS.iter().find(|(known, _)| *known == word).map(|(_, when)| *when)
    }
}

/// When something that ended is started again, and how often before that is given up.
///
/// As in Erlang's supervisors: one more than `at_most` new starts within `within` is a failure of the whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restart {
    /// Which end is followed by a new start.
    pub when: RestartWhen,
    /// How many new starts there may be in that time.
    pub at_most: u32,
    /// The time.
    pub within: Duration,
}

impl Restart {
    /// How many new starts there may be, if nothing else is said.
    pub const AT_MOST: u32 = 3;
    /// In which time, if nothing else is said.
    pub const WITHIN: Duration = Duration::from_secs(5);

    /// Never.
    pub const NEVER: Restart = Restart::of(RestartWhen::Never);

    /// With the usual bounds.
    pub const fn of(when: RestartWhen) -> Restart {
        Restart { when, at_most: Restart::AT_MOST, within: Restart::WITHIN }
    }

    /// After a failure, with the usual bounds.
    pub const fn on_failure() -> Restart {
        Restart::of(RestartWhen::OnFailure)
    }

    /// After any end that was not asked for, with the usual bounds.
    pub const fn always() -> Restart {
        Restart::of(RestartWhen::Always)
    }

    /// With these bounds.
    #[must_use]
    pub const fn bounded(mut self, at_most: u32, within: Duration) -> Restart {
        (self.at_most, self.within) = (at_most, within);
        self
    }
}

impl Default for Restart {
    fn default() -> Restart {
        Restart::NEVER
    }
}

/// What a bundle asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Lifecycle {
    /// Whether its `run` hook runs. One that does not is there all the same.
    pub enabled: bool,
    /// Those it boots, runs and reloads after, by name. Names that nobody has do not matter.
    pub after: Vec<String>,
    /// Those it does so before.
    pub before: Vec<String>,
    /// Whether a failure of its `run` hook is logged and the others go on, instead of ending the program.
    pub recoverable: bool,
    /// When its `run` hook is started again.
    pub restart: Restart,
    /// How long its shutdown, and the end of its `run` hook, may take. `None` is the host's own limit.
    pub shutdown_limit: Option<Duration>,
}

impl Default for Lifecycle {
    fn default() -> Lifecycle {
        Lifecycle {
            enabled: true,
            after: Vec::new(),
            before: Vec::new(),
            recoverable: false,
            restart: Restart::NEVER,
            shutdown_limit: None,
        }
    }
}

impl Lifecycle {
    /// The defaults: on its own, and a failure of its `run` hook ends the program.
    pub fn new() -> Lifecycle {
        Lifecycle::default()
    }

    /// Whether its `run` hook runs.
    #[must_use]
    pub fn enabled(mut self, enabled: bool) -> Lifecycle {
        self.enabled = enabled;
        self
    }

    /// After these.
    #[must_use]
    pub fn after<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Lifecycle {
        self.after = names.into_iter().map(Into::into).collect();
        self
    }

    /// Before these.
    #[must_use]
    pub fn before<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Lifecycle {
        self.before = names.into_iter().map(Into::into).collect();
        self
    }

    /// A failure of its `run` hook is logged, and the others go on.
    #[must_use]
    pub fn recoverable(mut self) -> Lifecycle {
        self.recoverable = true;
        self
    }

    /// Its `run` hook is started again.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Lifecycle {
        self.restart = restart;
        self
    }

    /// Its shutdown, and the end of its `run` hook, may take so long.
    #[must_use]
    pub fn shutdown_limit(mut self, limit: Duration) -> Lifecycle {
        self.shutdown_limit = Some(limit);
        self
    }

    /// As it crosses.
    pub(crate) fn to_value(&self) -> Result<Value> {
        let list = |names: &[String]| Value::list(names.iter().map(String::as_str));
        let mut pairs = vec![
            ("enabled", Value::Bool(self.enabled)),
            ("after", list(&self.after)?),
            ("before", list(&self.before)?),
            ("recoverable", Value::Bool(self.recoverable)),
            ("restart", Value::from(self.restart.when.word())),
            ("at_most", Value::Int(self.restart.at_most.into())),
            ("within_ms", milliseconds(self.restart.within)),
        ];
        pairs.extend(self.shutdown_limit.map(|limit| ("shutdown_limit_ms", milliseconds(limit))));
        Value::map(pairs)
    }

    /// As it came; what is missing or of another type has its default.
    pub(crate) fn from_view(view: View<'_>) -> Lifecycle {
        let mut life = Lifecycle::default();
        let names = |key| {
            let list = view.field(key).as_aggregate();
            list.into_iter().flat_map(AggregateView::elements).filter_map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let time = |key| view.field(key).as_int().and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis);
        life.enabled = view.field("enabled").as_bool().unwrap_or(life.enabled);
        (life.after, life.before) = (names("after"), names("before"));
        life.recoverable = view.field("recoverable").as_bool().unwrap_or(life.recoverable);
        life.restart = Restart {
            when: view.field("restart").as_str().and_then(RestartWhen::from_word).unwrap_or_default(),
            at_most: view.field("at_most").as_int().and_then(|it| u32::try_from(it).ok()).unwrap_or(Restart::AT_MOST),
            within: time("within_ms").unwrap_or(Restart::WITHIN),
        };
        life.shutdown_limit = time("shutdown_limit_ms");
        life
    }
}

/// Beyond some centuries it is as good as for ever.
fn milliseconds(time: Duration) -> Value {
    Value::Int(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_bundle_asks_for_crosses_whole() {
        let asked = Lifecycle::new()
            .enabled(false)
            .after(["net", "sync"])
            .before(["log"])
            .recoverable()
            .restart(Restart::always().bounded(7, Duration::from_millis(1500)))
            .shutdown_limit(Duration::from_millis(20));
        for life in [asked, Lifecycle::new(), Lifecycle::new().restart(Restart::on_failure())] {
            assert_eq!(Lifecycle::from_view(life.to_value().expect("a map").view()), life);
        }
    }

    #[test]
    fn what_is_not_said_or_not_understood_has_its_default() {
        for map in [
            Value::Nil,
            Value::Int(3),
            Value::map([("restart", "sometimes"), ("after", "net"), ("enabled", "no"), ("newer", "x")]).expect("a map"),
        ] {
            assert_eq!(Lifecycle::from_view(map.view()), Lifecycle::default());
        }
    }
}
