//! `[natives.net]` of `calog.toml`.

use std::time::Duration;

use calog_plugin_api::prelude::*;

/// How long what was sent may take to go out once its socket is closed, unless it is said otherwise.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// The longest that can be said, in milliseconds.
const MOST_FLUSH_MS: i64 = 60_000;

/// How long the end of the thread may take beyond that.
const END: Duration = Duration::from_secs(1);

/// The settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Config {
    /// How long a closed socket's bytes may take to go out.
    pub(crate) flush: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config { flush: FLUSH }
    }
}

impl Config {
    /// Reads the section; nil is the default.
    ///
    /// # Errors
    /// When a key is not known or its value is of no use; it names the key.
    pub(crate) fn read(config: View<'_>) -> Result<Config> {
        let section = Section::new(config)?;
        let flush = section.int("flush_ms", 0..=MOST_FLUSH_MS)?;
        section.finish()?;
        let flush = flush.and_then(|ms| u64::try_from(ms).ok()).map_or(FLUSH, Duration::from_millis);
        Ok(Config { flush })
    }

    /// What the bundle asks for: that its shutdown may take as long as what was sent.
    pub(crate) fn lifecycle(self) -> Lifecycle {
        Lifecycle::new().shutdown_limit(self.flush + END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: impl Into<Value>) -> Result<Config> {
        Config::read(Value::map([(key, value.into())]).expect("a map").view())
    }

    #[test]
    fn messages_name_the_key() {
        assert_eq!(Config::read(View::NIL), Ok(Config { flush: FLUSH }));
        assert_eq!(read("flush_ms", 0), Ok(Config { flush: Duration::ZERO }));
        for (key, value, said) in [
            ("flush_ms", Value::from(-1), "'flush_ms' is -1, wanted an integer from 0 to 60000"),
            ("flush_ms", 60_001.into(), "'flush_ms' is 60001, wanted an integer from 0 to 60000"),
            ("flush_ms", "1".into(), "'flush_ms' is \"1\", wanted an integer from 0 to 60000"),
        ] {
            let error = read(key, value).expect_err(said);
            assert_eq!((error.message().as_ref(), error.key().as_deref()), (said, Some(key)));
        }
        assert_eq!(read("flush", 1).expect_err("it is unknown").key().as_deref(), Some("flush"));
    }
}
