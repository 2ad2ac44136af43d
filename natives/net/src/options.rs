//! What scripts may say of a socket: the map that comes last.

use std::time::{Duration, Instant};

use calog_plugin_api::{AggregateView, Code, Error, FromView, Result, View};

use crate::tls::Files;

/// How many connections the system keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// How many bytes wait to be sent before `send` waits.
const SEND_LIMIT: usize = 256 * 1024;

/// How many bytes that nobody asked for yet are taken from the system.
const RECEIVE_LIMIT: usize = 256 * 1024;

/// How long a line may be.
const LINE_LIMIT: usize = 1024 * 1024;

/// The longest time, some 31 years: beyond that it is as good as never.
const MOST_MS: i64 = 1_000_000_000_000;

/// What holds for a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Options {
    pub(crate) no_delay: bool,
    pub(crate) keep_alive: bool,
    /// Unless it is said, listeners do, and others do not.
    pub(crate) reuse_address: Option<bool>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) read_timeout: Option<Duration>,
    pub(crate) backlog: i32,
    pub(crate) send_limit: usize,
    pub(crate) receive_limit: usize,
    pub(crate) line_limit: usize,
    pub(crate) tls: Option<Files>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            no_delay: true,
            keep_alive: false,
            reuse_address: None,
            connect_timeout: None,
            read_timeout: None,
            backlog: BACKLOG,
            send_limit: SEND_LIMIT,
            receive_limit: RECEIVE_LIMIT,
            line_limit: LINE_LIMIT,
            tls: None,
        }
    }
}

/// What each native knows, in the order in which messages list it.
pub(crate) const OF_CONNECT: &[&str] =
    &["no_delay", "keep_alive", "connect_timeout", "read_timeout", "send_limit", "receive_limit", "line_limit", "tls"];
pub(crate) const OF_LISTEN: &[&str] = &[
    "no_delay",
    "keep_alive",
    "reuse_address",
    "read_timeout",
    "backlog",
    "send_limit",
    "receive_limit",
    "line_limit",
    "tls",
];
pub(crate) const OF_UDP: &[&str] = &["reuse_address", "read_timeout", "send_limit"];

impl Options {
    /// Reads the map; nil is the default.
    ///
    /// # Errors
    /// A key that this native does not know, or a value of no use; `native` begins the message.
    pub(crate) fn read(native: &str, known: &[&str], options: View<'_>) -> Result<Options> {
        let mut read = Options::default();
        for pair in map(native, known, options)?.into_iter().flat_map(AggregateView::pairs) {
            let key = pair.key.as_str().filter(|key| known.contains(key));
            let key = key.ok_or_else(|| unknown(native, known, &format!("{:?}", pair.key)))?;
            read.set(native, key, pair.value).map_err(|error| error.inside(&format!("{native}: option '{key}'")))?;
        }
        Ok(read)
    }

    /// When somebody who waits from now on has waited too long.
    pub(crate) fn read_until(&self) -> Option<Instant> {
        crate::reactor::after(self.read_timeout)
    }

    fn set(&mut self, native: &str, key: &str, value: View<'_>) -> Result<()> {
        match key {
            "no_delay" => self.no_delay = bool::from_view(value)?,
            "keep_alive" => self.keep_alive = bool::from_view(value)?,
            "reuse_address" => self.reuse_address = Some(bool::from_view(value)?),
            "connect_timeout" => self.connect_timeout = Some(milliseconds(value)?),
            "read_timeout" => self.read_timeout = Some(milliseconds(value)?),
            "backlog" => self.backlog = between(value, 1, i32::MAX.into())? as i32,
            "send_limit" => self.send_limit = between(value, 1, MOST_BYTES)? as usize,
            "receive_limit" => self.receive_limit = between(value, 1, MOST_BYTES)? as usize,
            "tls" if native == "net.listen" => self.tls = Some(Files::of_server(value)?),
            "tls" => self.tls = Some(Files::of_client(value)?),
            // The last that is known: only known keys come here.
            _ => self.line_limit = between(value, 1, MOST_BYTES)? as usize,
        }
        Ok(())
    }
}

/// What a buffer may hold at most: what fits into one string.
pub(crate) const MOST_BYTES: i64 = calog_plugin_api::MAX_STRING_BYTES as i64;

fn map<'a>(native: &str, known: &[&str], options: View<'a>) -> Result<Option<AggregateView<'a>>> {
    if options.is_nil() {
        return Ok(None);
    }
    let map = AggregateView::from_view(options).map_err(|_| {
        Error::new(Code::Type, format!("{native}: 'options': wanted a map, got {}", options.kind().name()))
    })?;
    if map.list_len() > 0 {
        return Err(unknown(native, known, "1"));
    }
    Ok(Some(map))
}

fn unknown(native: &str, known: &[&str], key: &str) -> Error {
    let key = key.trim_matches('"');
    Error::new(Code::Type, format!("{native}: unknown option '{key}' (known are {})", known.join(", ")))
}

fn between(value: View<'_>, least: i64, most: i64) -> Result<i64> {
    let number = i64::from_view(value)?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Error::new(Code::Range, format!("wanted int from {least} to {most}, got {number}")))
}

fn milliseconds(value: View<'_>) -> Result<Duration> {
    let number = f64::from_view(value)?;
    if (0.0..=MOST_MS as f64).contains(&number) {
        return Ok(Duration::from_secs_f64(number / 1e3));
    }
    Err(Error::new(Code::Range, format!("wanted milliseconds from 0 to {MOST_MS}, got {number}")))
}

#[cfg(test)]
mod tests {
    use calog_plugin_api::Value;

    use super::*;

    #[test]
    fn each_key_is_read_and_what_is_wrong_is_named() {
        let read = |key: &str, value: Value| {
            Options::read("net.listen", OF_LISTEN, Value::map([(key, value)]).expect("a map").view())
        };
        assert_eq!(Options::read("net.listen", OF_LISTEN, View::NIL), Ok(Options::default()));
        assert!(!read("no_delay", false.into()).expect("an option").no_delay);
        assert!(read("keep_alive", true.into()).expect("an option").keep_alive);
        assert_eq!(read("reuse_address", false.into()).expect("an option").reuse_address, Some(false));
        assert_eq!(
            read("read_timeout", 1.5.into()).expect("an option").read_timeout,
            Some(Duration::from_micros(1500))
        );
        assert_eq!(read("backlog", 7.into()).expect("an option").backlog, 7);
        assert_eq!(read("send_limit", 8.into()).expect("an option").send_limit, 8);
        assert_eq!(read("receive_limit", 9.into()).expect("an option").receive_limit, 9);
        assert_eq!(read("line_limit", 10.into()).expect("an option").line_limit, 10);
        let known = OF_LISTEN.join(", ");
        for (key, value, said) in [
            ("nodelay", true.into(), format!("net.listen: unknown option 'nodelay' (known are {known})")),
            ("connect_timeout", 1.into(), format!("net.listen: unknown option 'connect_timeout' (known are {known})")),
            ("no_delay", 1.into(), "net.listen: option 'no_delay': wanted bool, got int 1".into()),
            ("backlog", 0.into(), "net.listen: option 'backlog': wanted int from 1 to 2147483647, got 0".into()),
            ("read_timeout", "x".into(), "net.listen: option 'read_timeout': wanted number, got string \"x\"".into()),
            (
                "read_timeout",
                (-1).into(),
                "net.listen: option 'read_timeout': wanted milliseconds from 0 to 1000000000000, got -1".into(),
            ),
        ] {
            let value: Value = value;
            assert_eq!(read(key, value).expect_err(&said).message(), said);
        }
        let wrong = |options: Value| {
            Options::read("net.udp", OF_UDP, options.view()).expect_err("wrong").message().into_owned()
        };
        assert_eq!(wrong(7.into()), "net.udp: 'options': wanted a map, got int");
        let known = OF_UDP.join(", ");
        assert_eq!(
            wrong(Value::list([1]).expect("a list")),
            format!("net.udp: unknown option '1' (known are {known})")
        );
        assert_eq!(
            Options::read("net.udp", OF_UDP, Value::map([(7, 1)]).expect("a map").view()).expect_err("wrong").message(),
            format!("net.udp: unknown option '7' (known are {known})")
        );
    }
}
