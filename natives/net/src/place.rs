//! Where a socket is, or shall be: host and port, or the path of a Unix-domain socket, written
//! `unix:/path`.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use calog_plugin_api::{Code, Error, FromView, Result, Value, View};

/// What a host begins with when it is the path of a Unix-domain socket.
const UNIX: &str = "unix:";

/// An address that the system takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    Inet(SocketAddr),
    Unix(PathBuf),
}

/// A place as a script names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// For messages: `localhost:80`, `unix:/path`.
    pub(crate) text: String,
    pub(crate) whereabouts: Whereabouts,
}

/// Whether it is known where that is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Whereabouts {
    Known(Target),
    /// A name, to be looked up by [`look_up`].
    Named(String, u16),
}

impl Place {
    /// Reads host and port. `least` is the least port that is of use. A Unix-domain socket has no
    /// port, so its options may come second: gives what remains of them.
    ///
    /// # Errors
    /// What is wrong with which argument; `native` begins the message.
    pub(crate) fn read<'a>(
        native: &str,
        least: u16,
        [host, port, options]: [View<'a>; 3],
    ) -> Result<(Place, View<'a>)> {
        let at = |n: usize, name: &str| format!("{native}: argument {n} '{name}'");
        let host = <&str>::from_view(host).map_err(|error| error.inside(&at(1, "host")))?;
        if let Some(path) = host.strip_prefix(UNIX) {
            return Ok((Place::unix(path, host, &at(1, "host"))?, if port.is_nil() { options } else { port }));
        }
        if port.is_nil() {
            return Err(Error::new(Code::Arity, format!("{} is missing", at(2, "port"))));
        }
        Ok((Place::inet(host, port, least, &at(1, "host"), &at(2, "port"))?, options))
    }

    fn unix(path: &str, host: &str, at: &str) -> Result<Place> {
        if path.is_empty() || path.contains('\0') {
            return Err(Error::new(Code::Range, format!("{at}: wanted a path after 'unix:', got {host:?}")));
        }
        Ok(Place { text: host.to_owned(), whereabouts: Whereabouts::Known(Target::Unix(path.into())) })
    }

    /// Reads host and port of the net; `at` and `at_port` begin messages.
    ///
    /// # Errors
    /// What is wrong with which argument.
    pub(crate) fn inet(host: &str, port: View<'_>, least: u16, at: &str, at_port: &str) -> Result<Place> {
        let number = i64::from_view(port).map_err(|error| error.inside(at_port))?;
        let in_range = u16::try_from(number).ok().filter(|port| *port >= least);
        let port = in_range.ok_or_else(|| {
            Error::new(Code::Range, format!("{at_port}: wanted int from {least} to {}, got {number}", u16::MAX))
        })?;
        if host.is_empty() || host.contains('\0') {
            return Err(Error::new(Code::Range, format!("{at}: wanted a name or an address, got {host:?}")));
        }
        let plain = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
        let text = if plain.contains(':') { format!("[{plain}]:{port}") } else { format!("{plain}:{port}") };
        let whereabouts = match plain.parse::<IpAddr>() {
            Ok(address) => Whereabouts::Known(Target::Inet(SocketAddr::new(address, port))),
            Err(_) => Whereabouts::Named(plain.to_owned(), port),
        };
        Ok(Place { text, whereabouts })
    }
}

/// All addresses of a name. Blocks.
///
/// # Errors
/// The system's reason.
pub(crate) fn look_up(name: &str, port: u16) -> io::Result<VecDeque<Target>> {
    Ok((name, port).to_socket_addrs()?.map(Target::Inet).collect())
}

/// An address as scripts see it: a map of host and port.
///
/// # Errors
/// None that happens: the map is small.
pub(crate) fn inet_value(address: SocketAddr) -> Result<Value> {
    Value::map([("host", Value::from(address.ip().to_string())), ("port", address.port().into())])
}

/// The address of a Unix-domain socket as scripts see it: a map of its path, which is nil for one
/// that has none.
///
/// # Errors
/// None that happens: the map is small.
pub(crate) fn unix_value(path: Option<&std::path::Path>) -> Result<Value> {
    Value::map([("path", path.map_or(Value::Nil, |path| Value::from(path.to_string_lossy().as_ref())))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: impl Into<Value>, port: impl Into<Value>) -> Result<Place> {
        let (host, port): (Value, Value) = (host.into(), port.into());
        Place::read("net.connect", 1, [host.view(), port.view(), View::NIL]).map(|(place, _)| place)
    }

    #[test]
    fn addresses_names_and_paths_are_told_apart() {
        let inet = |text: &str| Whereabouts::Known(Target::Inet(text.parse().expect("an address")));
        for (host, port, text, whereabouts) in [
            ("127.0.0.1", Value::from(80), "127.0.0.1:80", inet("127.0.0.1:80")),
            ("::1", 80.into(), "[::1]:80", inet("[::1]:80")),
            ("[::1]", 65535.into(), "[::1]:65535", inet("[::1]:65535")),
            ("localhost", 1.into(), "localhost:1", Whereabouts::Named("localhost".into(), 1)),
            ("unix:/a/b", Value::Nil, "unix:/a/b", Whereabouts::Known(Target::Unix("/a/b".into()))),
        ] {
            assert_eq!(read(host, port), Ok(Place { text: text.into(), whereabouts }));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (host, port, said) in [
            (
                Value::from(7),
                Value::from(80),
                "net.connect: argument 1 'host': wanted string of valid UTF-8, got int 7",
            ),
            ("".into(), 80.into(), "net.connect: argument 1 'host': wanted a name or an address, got \"\""),
            ("unix:".into(), Value::Nil, "net.connect: argument 1 'host': wanted a path after 'unix:', got \"unix:\""),
            ("h".into(), Value::Nil, "net.connect: argument 2 'port' is missing"),
            ("h".into(), "80".into(), "net.connect: argument 2 'port': wanted int, got string \"80\""),
            ("h".into(), 0.into(), "net.connect: argument 2 'port': wanted int from 1 to 65535, got 0"),
            ("h".into(), 65536.into(), "net.connect: argument 2 'port': wanted int from 1 to 65535, got 65536"),
            ("h".into(), (-1).into(), "net.connect: argument 2 'port': wanted int from 1 to 65535, got -1"),
            ("h".into(), 1.5.into(), "net.connect: argument 2 'port': wanted int, got real 1.5"),
        ] {
            assert_eq!(read(host, port).expect_err(said).message(), said);
        }
    }
}
