//! A stream of bytes of the system: TCP or Unix-domain.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use calog_plugin_api::{Result, Value};
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::Id;
use crate::options::Options;
use crate::place::{Target, inet_value, unix_value};

/// What every socket is told about, once and for all: the system tells of changes only.
pub(super) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// The token of a socket. Ids are never so many that they do not fit.
pub(super) fn token(id: Id) -> Token {
    Token(id as usize)
}

/// A stream. It closes when it is dropped.
pub(crate) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    /// Begins to connect.
    pub(super) fn connect(target: &Target, registry: &Registry, id: Id) -> io::Result<Wire> {
        let mut wire = match target {
            Target::Inet(address) => Wire::Tcp(TcpStream::connect(*address)?),
            Target::Unix(path) => Wire::Unix(UnixStream::connect(path)?),
        };
        wire.register(registry, id)?;
        Ok(wire)
    }

    pub(super) fn register(&mut self, registry: &Registry, id: Id) -> io::Result<()> {
        match self {
            Wire::Tcp(stream) => registry.register(stream, token(id), BOTH),
            Wire::Unix(stream) => registry.register(stream, token(id), BOTH),
        }
    }

    /// Whether it is connected by now.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        let error = match self {
            Wire::Tcp(stream) => stream.take_error()?,
            Wire::Unix(stream) => stream.take_error()?,
        };
        if let Some(error) = error {
            return Err(error);
        }
        let peer = match self {
            Wire::Tcp(stream) => stream.peer_addr().map(drop),
            Wire::Unix(stream) => stream.peer_addr().map(drop),
        };
        match peer {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets what was wished for.
    pub(super) fn set(&self, options: &Options) -> io::Result<()> {
        if let Wire::Tcp(stream) = self {
            stream.set_nodelay(options.no_delay)?;
            if options.keep_alive {
                SockRef::from(stream).set_keepalive(true)?;
            }
        }
        Ok(())
    }

    /// The other end in words, and both ends as scripts see them: its own first.
    pub(super) fn ends(&self) -> Result<(String, Value, Value)> {
        match self {
            Wire::Tcp(stream) => {
                let (own, peer) = (stream.local_addr()?, stream.peer_addr()?);
                Ok((peer.to_string(), inet_value(own)?, inet_value(peer)?))
            }
            Wire::Unix(stream) => {
                let (own, peer) = (stream.local_addr()?, stream.peer_addr()?);
                let path = peer.as_pathname().or(own.as_pathname());
                let text = path.map_or_else(|| "unix".to_owned(), |path| format!("unix:{}", path.display()));
                Ok((text, unix_value(own.as_pathname())?, unix_value(peer.as_pathname())?))
            }
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Tcp(stream) => stream.read(buffer),
            Wire::Unix(stream) => stream.read(buffer),
        }
    }

    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Wire::Tcp(stream) => stream.write_vectored(slices),
            Wire::Unix(stream) => stream.write_vectored(slices),
        }
    }

    /// No more sending: the peer's stream ends.
    pub(super) fn shut(&mut self) -> io::Result<()> {
        match self {
            Wire::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Wire::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}
