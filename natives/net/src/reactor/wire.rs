//! A stream of bytes of the system: TCP or Unix-domain, plain or within TLS.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;

use calog_plugin_api::{Result, Value};
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustls::Connection;
use socket2::SockRef;

use super::Id;
use crate::options::Options;
use crate::place::{Target, inet_value, unix_value};
use crate::tls::Security;

/// What every socket is told about, once and for all: the system tells of changes only.
pub(super) const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// The token of a socket. Ids are never so many that they do not fit.
pub(super) fn token(id: Id) -> Token {
    Token(id as usize)
}

/// A stream. It closes when it is dropped.
pub(crate) struct Wire {
    plain: Plain,
    session: Option<Box<Connection>>,
}

/// What the system gives.
pub(super) enum Plain {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Wire {
    pub(super) fn new(plain: Plain) -> Wire {
        Wire { plain, session: None }
    }

    /// Begins to connect.
    pub(super) fn connect(target: &Target, registry: &Registry, id: Id) -> io::Result<Wire> {
        let plain = match target {
            Target::Inet(address) => Plain::Tcp(TcpStream::connect(*address)?),
            Target::Unix(path) => Plain::Unix(UnixStream::connect(path)?),
        };
        let mut wire = Wire::new(plain);
        wire.register(registry, id)?;
        Ok(wire)
    }

    pub(super) fn register(&mut self, registry: &Registry, id: Id) -> io::Result<()> {
        match &mut self.plain {
            Plain::Tcp(stream) => registry.register(stream, token(id), BOTH),
            Plain::Unix(stream) => registry.register(stream, token(id), BOTH),
        }
    }

    /// Whether it is connected by now.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        let error = match &self.plain {
            Plain::Tcp(stream) => stream.take_error()?,
            Plain::Unix(stream) => stream.take_error()?,
        };
        if let Some(error) = error {
            return Err(error);
        }
        let peer = match &self.plain {
            Plain::Tcp(stream) => stream.peer_addr().map(drop),
            Plain::Unix(stream) => stream.peer_addr().map(drop),
        };
        match peer {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sets what was wished for.
    pub(super) fn set(&self, options: &Options) -> io::Result<()> {
        if let Plain::Tcp(stream) = &self.plain {
            stream.set_nodelay(options.no_delay)?;
            if options.keep_alive {
                SockRef::from(stream).set_keepalive(true)?;
            }
        }
        Ok(())
    }

    /// The other end in words, and both ends as scripts see them: its own first.
    pub(super) fn ends(&self) -> Result<(String, Value, Value)> {
        match &self.plain {
            Plain::Tcp(stream) => {
                let (own, peer) = (stream.local_addr()?, stream.peer_addr()?);
                Ok((peer.to_string(), inet_value(own)?, inet_value(peer)?))
            }
            Plain::Unix(stream) => {
                let (own, peer) = (stream.local_addr()?, stream.peer_addr()?);
                let path = peer.as_pathname().or(own.as_pathname());
                let text = path.map_or_else(|| "unix".to_owned(), |path| format!("unix:{}", path.display()));
                Ok((text, unix_value(own.as_pathname())?, unix_value(peer.as_pathname())?))
            }
        }
    }

    /// From now on it is secure, once it has greeted.
    pub(super) fn secure(&mut self, security: &Security) -> io::Result<()> {
        self.session = Some(Box::new(security.session()?));
        Ok(())
    }

    /// Goes on with the handshake. Whether it is done.
    pub(super) fn greet(&mut self) -> io::Result<bool> {
        let Some(session) = &mut self.session else { return Ok(true) };
        loop {
            if !flush(session, &mut self.plain)? {
                return Ok(false);
            }
            if !session.is_handshaking() {
                return Ok(true);
            }
            match take(session, &mut self.plain) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the stream ended within the handshake")),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether it may have more although it gave less than was asked for.
    pub(super) fn gives_in_pieces(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return self.plain.read(buffer) };
        loop {
            match session.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => _ = take(session, &mut self.plain)?,
                done => return done,
            }
        }
    }

    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return self.plain.write_vectored(slices) };
        if !flush(session, &mut self.plain)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        // It takes as much as its own buffer holds, which is empty now.
        let count = session.writer().write_vectored(slices)?;
        flush(session, &mut self.plain)?;
        Ok(count)
    }

    /// Gives the system what is still here of what was written. Whether nothing is.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        self.session.as_mut().map_or(Ok(true), |session| flush(session, &mut self.plain))
    }

    /// No more sending: the peer's stream ends.
    pub(super) fn shut(&mut self) -> io::Result<()> {
        if let Some(session) = &mut self.session {
            session.send_close_notify();
            flush(session, &mut self.plain)?;
        }
        match &self.plain {
            Plain::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Plain::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

/// Gives the system the session's records. Whether it took all.
fn flush(session: &mut Connection, plain: &mut Plain) -> io::Result<bool> {
    while session.wants_write() {
        match session.write_tls(plain) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Takes records from the system. How many bytes came; none at the end.
fn take(session: &mut Connection, plain: &mut Plain) -> io::Result<usize> {
    let count = session.read_tls(plain)?;
    let processed = session.process_new_packets();
    // An answer to what came, or the reason for which it is refused: lost only with the connection.
    let flushed = flush(session, plain);
    processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    flushed?;
    Ok(count)
}

impl Read for Plain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Plain::Tcp(stream) => stream.read(buffer),
            Plain::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Plain {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Plain::Tcp(stream) => stream.write(buffer),
            Plain::Unix(stream) => stream.write(buffer),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Plain::Tcp(stream) => stream.write_vectored(slices),
            Plain::Unix(stream) => stream.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
