//! `[natives.net]` of `calog.toml`.

use std::time::Duration;

use calog_plugin_api::{Code, Error, FromView, Result, View};

/// How long what was sent may take to go out once its socket is closed, unless it is said otherwise.
pub(crate) const FLUSH: Duration = Duration::from_secs(2);

/// The longest that can be said.
const MOST_FLUSH_MS: u64 = 60_000;

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
    /// When a key is not known or its value is of no use; the message names the key.
    pub(crate) fn read(section: View<'_>) -> Result<Config> {
        let mut config = Config::default();
        if section.is_nil() {
            return Ok(config);
        }
        let Some(map) = section.as_aggregate() else {
            return Err(Error::new(Code::Type, "natives.net: wanted a table"));
        };
        for pair in map.pairs() {
            match pair.key.as_str() {
                Some("flush_ms") => config.flush = flush(pair.value)?,
                other => {
                    let key = other.map_or_else(|| format!("{:?}", pair.key), str::to_owned);
                    let message = format!("natives.net: unknown key '{key}' (known is 'flush_ms')");
                    return Err(Error::new(Code::Type, message));
                }
            }
        }
        Ok(config)
    }
}

fn flush(value: View<'_>) -> Result<Duration> {
    let place = "natives.net.flush_ms";
    let ms = i64::from_view(value).map_err(|error| error.inside(place))?;
    match u64::try_from(ms) {
        Ok(ms) if ms <= MOST_FLUSH_MS => Ok(Duration::from_millis(ms)),
        _ => Err(Error::new(Code::Range, format!("{place}: wanted int from 0 to {MOST_FLUSH_MS}, got {ms}"))),
    }
}

#[cfg(test)]
mod tests {
    use calog_plugin_api::Value;

    use super::*;

    fn read(key: &str, value: impl Into<Value>) -> Result<Config> {
        Config::read(Value::map([(key, value.into())]).expect("a map").view())
    }

    #[test]
    fn messages_name_the_key() {
        assert_eq!(Config::read(View::NIL), Ok(Config { flush: FLUSH }));
        assert_eq!(read("flush_ms", 0), Ok(Config { flush: Duration::ZERO }));
        for (key, value, said) in [
            ("flush_ms", Value::from(-1), "natives.net.flush_ms: wanted int from 0 to 60000, got -1"),
            ("flush_ms", 60_001.into(), "natives.net.flush_ms: wanted int from 0 to 60000, got 60001"),
            ("flush_ms", "1".into(), "natives.net.flush_ms: wanted int, got string \"1\""),
            ("flush", 1.into(), "natives.net: unknown key 'flush' (known is 'flush_ms')"),
        ] {
            assert_eq!(read(key, value).expect_err(said).message(), said);
        }
    }
}
