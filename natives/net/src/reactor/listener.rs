//! A listener: it accepts only for who asks.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calog_plugin_api::{Counted, Value};
use mio::Registry;
use mio::net::{TcpListener, UnixListener};
use socket2::{Domain, SockAddr, Socket as System, Type};

use super::callback::{Callback, Called};
use super::greeting::Greeting;
use super::opening::connection;
use super::stream::Stream;
use super::turn::{Born, Entry, Fate, Shop};
use super::wire::{BOTH, Plain, Wire, token};
use super::{Deed, Id, Link, Taker};
use crate::options::Options;
use crate::place::{Target, inet_value, unix_value};
use crate::tls::Security;

/// When accepting is tried again after descriptors ran out, if none was given back before.
const PAUSE: Duration = Duration::from_millis(100);

/// When a callback whose thread is too busy is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// How many that were accepted may greet at once.
const GREETINGS: usize = 256;

/// How often in a row one listener may accept before others have their turn.
const IN_A_ROW: usize = 64;

/// A listening socket of the system.
pub(super) enum Socket {
    Tcp(TcpListener),
    /// With the file that goes when it closes.
    Unix(UnixListener, PathBuf),
}

/// Makes one.
///
/// # Errors
/// The system's.
pub(super) fn bind(target: &Target, options: &Options, registry: &Registry, id: Id) -> io::Result<Socket> {
    let (domain, address) = match target {
        Target::Inet(address) => (Domain::for_address(*address), SockAddr::from(*address)),
        Target::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
    };
    let socket = System::new(domain, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let Target::Inet(_) = target {
        socket.set_reuse_address(options.reuse_address.unwrap_or(true))?;
    }
    socket.bind(&address)?;
    // From here on the file is ours to remove.
    let mut socket = match target {
        Target::Inet(_) => Socket::Tcp(TcpListener::from_std(listening(socket, options)?.into())),
        Target::Unix(path) => {
            let made = listening(socket, options).map(|socket| UnixListener::from_std(OwnedFd::from(socket).into()));
            Socket::Unix(made.inspect_err(|_| remove(path))?, path.clone())
        }
    };
    match &mut socket {
        Socket::Tcp(listener) => registry.register(listener, token(id), BOTH)?,
        Socket::Unix(listener, _) => registry.register(listener, token(id), BOTH)?,
    }
    Ok(socket)
}

fn listening(socket: System, options: &Options) -> io::Result<System> {
    socket.listen(options.backlog)?;
    Ok(socket)
}

fn remove(path: &PathBuf) {
    // Somebody may have removed it before.
    let _ = fs::remove_file(path);
}

impl Socket {
    /// Where it listens, in words and as scripts see it.
    pub(super) fn address(&self) -> calog_plugin_api::Result<(String, Value)> {
        match self {
            Socket::Tcp(listener) => {
                let address = listener.local_addr()?;
                Ok((address.to_string(), inet_value(address)?))
            }
            Socket::Unix(_, path) => Ok((format!("unix:{}", path.display()), unix_value(Some(path))?)),
        }
    }

    fn accept(&self) -> io::Result<Wire> {
        match self {
            Socket::Tcp(listener) => listener.accept().map(|(stream, _)| Wire::new(Plain::Tcp(stream))),
            Socket::Unix(listener, _) => listener.accept().map(|(stream, _)| Wire::new(Plain::Unix(stream))),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = self {
            remove(path);
        }
    }
}

/// A listener.
pub(super) struct Listener {
    socket: Socket,
    link: Arc<Link>,
    /// The context it closes with.
    pub(super) owner: u64,
    options: Arc<Options>,
    security: Option<Security>,
    /// How many that were accepted greet, and those that have.
    greeting: usize,
    greeted: VecDeque<(Id, Wire)>,
    /// Who waits for a connection.
    waiting: VecDeque<Taker>,
    on_connection: Option<Callback>,
    /// Accepted, and nobody has taken it, with its Object.
    accepted: Option<(Id, Box<Stream>, Value)>,
    readable: bool,
    /// Until when it does not accept: descriptors ran out.
    paused: Option<Instant>,
    again: Option<Instant>,
    closed: bool,
    dropped: bool,
}

impl Listener {
    pub(super) fn new(
        socket: Socket,
        link: &Arc<Link>,
        owner: u64,
        options: &Arc<Options>,
        security: Option<Security>,
    ) -> Listener {
        Listener {
            socket,
            link: Arc::clone(link),
            owner,
            options: Arc::clone(options),
            security,
            greeting: 0,
            greeted: VecDeque::new(),
            waiting: VecDeque::new(),
            on_connection: None,
            accepted: None,
            readable: true,
            paused: None,
            again: None,
            closed: false,
            dropped: false,
        }
    }

    pub(super) fn event(&mut self) {
        self.readable = true;
    }

    /// One that was accepted has greeted, or will not.
    pub(super) fn has_greeted(&mut self, wire: Option<(Id, Wire)>) {
        self.greeting = self.greeting.saturating_sub(1);
        self.greeted.extend(wire);
    }

    pub(super) fn command(&mut self, deed: Deed) {
        match deed {
            Deed::Accept(taker) => self.waiting.push_back(taker),
            Deed::OnConnection(callback) => self.on_connection = Some(callback),
            Deed::Cancel(ticket) => self.waiting.retain(|taker| taker.ticket != ticket),
            Deed::Close => self.closed = true,
            Deed::Dropped => self.dropped = true,
            // No other command is made for a listener.
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.paused, self.again].into_iter().flatten().min()
    }

    /// Descriptors may be there again. Whether it waited for some.
    pub(super) fn resume(&mut self) -> bool {
        self.paused.take().is_some()
    }

    pub(super) fn work(&mut self, shop: &mut Shop) -> Fate {
        for due in [&mut self.paused, &mut self.again] {
            due.take_if(|due| *due <= shop.now);
        }
        for _ in 0..IN_A_ROW {
            if self.closed || self.dropped && self.waiting.is_empty() && self.on_connection.is_none() {
                return self.end();
            }
            let done = self.hand_over(shop) || self.accept(shop);
            if !done {
                return Fate::Stays;
            }
        }
        Fate::Again
    }

    fn end(&mut self) -> Fate {
        self.link.close();
        for Taker { finisher, .. } in self.waiting.drain(..) {
            // Who was cancelled needs no answer.
            let _ = finisher.finish(Err(self.link.is_closed("accept")));
        }
        Fate::Gone
    }

    /// Gives a connection to who is first. Whether one was given.
    fn hand_over(&mut self, shop: &mut Shop) -> bool {
        let called = match (self.waiting.front(), &self.on_connection) {
            (Some(_), _) => None,
            (None, Some(callback)) if self.again.is_none() => Some(callback.context()),
            _ => return false,
        };
        let Some((id, mut stream, object)) = self.accepted.take() else { return false };
        let handed = match called {
            None => self.give(object),
            Some(context) => self.call_back(shop, context, object),
        };
        match handed {
            Ok((owner, counted)) => {
                shop.line.own(owner);
                stream.owner = owner;
                shop.born.push(Born { id, entry: Entry::Stream(stream), counted });
            }
            Err(object) => self.accepted = Some((id, stream, object)),
        }
        true
    }

    /// Gives it to who waits first. Whose it is then.
    ///
    /// # Errors
    /// The connection, when he is gone.
    fn give(&mut self, object: Value) -> Result<(u64, Counted), Value> {
        let Some(Taker { context, finisher, counted, .. }) = self.waiting.pop_front() else { return Err(object) };
        match finisher.finish(Ok(object)) {
            Err(Ok(object)) => Err(object),
            Ok(()) | Err(Err(_)) => Ok((context, counted)),
        }
    }

    /// Calls the callback with it. Whose it is then.
    ///
    /// # Errors
    /// The connection, when the callback does not take it, or its context may have no more.
    fn call_back(&mut self, shop: &Shop, context: u64, object: Value) -> Result<(u64, Counted), Value> {
        let Some(callback) = &self.on_connection else { return Err(object) };
        let counted = shop.line.runtime.count(context, "sockets", 1);
        let called = match &counted {
            Ok(_) => callback.call(&object, || {}),
            Err(error) => Called::refused(error),
        };
        match (called, counted) {
            (Called::Begun, Ok(counted)) => return Ok((context, counted)),
            (Called::Full, _) => self.again = Instant::now().checked_add(AGAIN),
            // Nobody can ever get one.
            _ => self.closed = true,
        }
        Err(object)
    }

    /// Takes a connection from the system, if somebody wants one. Whether something came.
    fn accept(&mut self, shop: &mut Shop) -> bool {
        let wanted = !self.waiting.is_empty() || self.on_connection.is_some();
        if !wanted || self.accepted.is_some() {
            return false;
        }
        if let Some((id, wire)) = self.greeted.pop_front() {
            self.present(shop, id, wire);
            return true;
        }
        if !self.readable || self.paused.is_some() || self.greeting >= GREETINGS {
            return false;
        }
        let id = shop.line.number();
        match self.socket.accept().and_then(|wire| self.prepared(shop, id, wire)) {
            Ok(wire) if self.security.is_some() => {
                self.greeting += 1;
                let greeting = Greeting::new(id, self.link.id, self.owner, wire);
                let entry = Entry::Greeting(Box::new(greeting));
                shop.born.push(Born { id, entry, counted: Counted::NOTHING });
            }
            Ok(wire) => self.present(shop, id, wire),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) if is_short_of(&error) => {
                shop.warn(&format!("net: {}: accepting pauses: {error}", self.link.what));
                self.paused = shop.now.checked_add(PAUSE);
                shop.short = true;
            }
            // The peer has gone meanwhile, or a signal came: the next one.
            Err(_) => {}
        }
        true
    }

    fn present(&mut self, shop: &Shop, id: Id, wire: Wire) {
        // One that was reset meanwhile is nobody's.
        let made = connection(shop, id, wire, self.owner, &self.options);
        self.accepted = made.ok().map(|(stream, object)| (id, Box::new(stream), object));
    }

    fn prepared(&self, shop: &Shop, id: Id, mut wire: Wire) -> io::Result<Wire> {
        wire.set(&self.options)?;
        wire.register(&shop.registry, id)?;
        if let Some(security) = &self.security {
            wire.secure(security)?;
        }
        Ok(wire)
    }
}

/// Whether the system has no descriptors, or no memory for them, left.
fn is_short_of(error: &io::Error) -> bool {
    // EMFILE, ENFILE, ENOBUFS, ENOMEM on Linux.
    matches!(error.raw_os_error(), Some(24 | 23 | 105 | 12))
}
