//! A socket that is being opened: its name is looked up, then each address is tried in turn.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calog_plugin_api::{Code, Error, Finisher, Result, Value};

use super::datagram::Datagram;
use super::listener::{self, Listener};
use super::stream::Stream;
use super::turn::{Entry, Fate, Shop};
use super::wire::Wire;
use super::{Deed, Id, Link};
use crate::handle::Handle;
use crate::options::Options;
use crate::place::Target;
use crate::socket::{Acceptor, Connection, Udp};
use crate::tls::Security;

/// When connecting is tried again to a Unix-domain listener whose backlog is full.
const AGAIN: Duration = Duration::from_millis(10);

/// What it shall be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    Connect,
    Listen,
    Udp,
}

impl Goal {
    pub(crate) fn native(self) -> &'static str {
        match self {
            Goal::Connect => "net.connect",
            Goal::Listen => "net.listen",
            Goal::Udp => "net.udp",
        }
    }
}

/// A socket that is being opened.
pub(crate) struct Opening {
    id: Id,
    goal: Goal,
    /// For messages: "localhost:80".
    what: String,
    /// The context it closes with.
    pub(super) owner: u64,
    options: Arc<Options>,
    finisher: Option<Finisher>,
    until: Option<Instant>,
    /// The addresses that are left, once they are known.
    targets: Option<VecDeque<Target>>,
    security: Option<Security>,
    /// The address that is tried.
    wire: Option<Wire>,
    /// It is connected, and greets.
    greets: bool,
    again: Option<Instant>,
    failed: Option<io::Error>,
    closed: bool,
}

impl Opening {
    pub(crate) fn new(
        id: Id,
        goal: Goal,
        what: String,
        owner: u64,
        options: Options,
        target: Option<Target>,
        finisher: Finisher,
    ) -> Opening {
        let until = super::after(options.connect_timeout);
        let targets = target.map(|target| VecDeque::from([target]));
        let (options, finisher) = (Arc::new(options), Some(finisher));
        Opening {
            id,
            goal,
            what,
            owner,
            options,
            finisher,
            until,
            targets,
            security: None,
            wire: None,
            greets: false,
            again: None,
            failed: None,
            closed: false,
        }
    }

    pub(super) fn command(&mut self, deed: Deed) {
        match deed {
            Deed::Resolved(Ok(prepared)) => {
                (self.targets, self.security) = (Some(prepared.targets), prepared.security);
            }
            Deed::Resolved(Err(error)) => {
                self.targets = Some(VecDeque::new());
                self.failed = Some(error);
            }
            Deed::Close => self.closed = true,
            Deed::Cancel(_) => self.finisher = None,
            // Nobody knows it yet, so there are no other commands.
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.until, self.again].into_iter().flatten().min()
    }

    pub(super) fn work(&mut self, shop: &mut Shop) -> Fate {
        if self.finisher.as_ref().is_none_or(|finisher| !finisher.is_awaited()) {
            return Fate::Gone;
        }
        if self.closed || !shop.line.is_open(self.owner) {
            return self.fail(Error::new(Code::Closed, format!("{}: {}: closed", self.goal.native(), self.what)));
        }
        if self.until.is_some_and(|until| until <= shop.now) {
            let ms = self.options.connect_timeout.unwrap_or_default().as_secs_f64() * 1e3;
            let message = format!("{}: {}: no answer within {ms} ms", self.goal.native(), self.what);
            return self.fail(Error::new(Code::Timeout, message));
        }
        if self.again.take_if(|again| *again <= shop.now).is_none() && self.again.is_some() {
            return Fate::Stays;
        }
        loop {
            match self.attempt(shop) {
                Ok(Some(fate)) => return fate,
                Ok(None) => return Fate::Stays,
                Err(error) => {
                    self.wire = None;
                    self.failed = Some(error);
                }
            }
        }
    }

    /// Tries the address at hand, or the next one. None while it is not known how that ends.
    fn attempt(&mut self, shop: &mut Shop) -> io::Result<Option<Fate>> {
        if let Some(wire) = &mut self.wire {
            if !self.greets {
                if !wire.is_connected()? {
                    return Ok(None);
                }
                wire.set(&self.options)?;
                if let Some(security) = &self.security {
                    wire.secure(security)?;
                }
                self.greets = true;
            }
            if !wire.greet()? {
                return Ok(None);
            }
            return Ok(self.wire.take().map(|wire| self.connected(shop, wire)));
        }
        self.greets = false;
        let Some(targets) = &mut self.targets else { return Ok(None) };
        let Some(target) = targets.pop_front() else { return Ok(Some(self.out_of_addresses())) };
        match self.goal {
            Goal::Connect => match Wire::connect(&target, &shop.registry, self.id) {
                Ok(wire) => {
                    self.wire = Some(wire);
                    self.attempt(shop)
                }
                // A Unix-domain listener with a full backlog says so at once, and is asked again.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    targets.push_front(target);
                    self.again = shop.now.checked_add(AGAIN);
                    Ok(None)
                }
                Err(error) => Err(error),
            },
            Goal::Listen => {
                let socket = listener::bind(&target, &self.options, &shop.registry, self.id)?;
                Ok(Some(self.listens(shop, socket)))
            }
            Goal::Udp => {
                let socket = Datagram::bind(&target, &self.options, &shop.registry, self.id)?;
                Ok(Some(self.receives(shop, socket)))
            }
        }
    }

    fn out_of_addresses(&mut self) -> Fate {
        let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let error = self.failed.take().unwrap_or_else(none);
        self.fail(super::system(self.goal.native(), &self.what, &error))
    }

    fn fail(&mut self, error: Error) -> Fate {
        if let Some(finisher) = self.finisher.take() {
            // Who was cancelled needs no answer.
            let _ = finisher.finish(Err(error));
        }
        Fate::Gone
    }

    fn connected(&mut self, shop: &mut Shop, wire: Wire) -> Fate {
        let made = connection(shop, self.id, wire, self.owner, &self.options);
        self.open(made.map(|(stream, object)| (Entry::Stream(Box::new(stream)), object)))
    }

    fn listens(&mut self, shop: &mut Shop, socket: listener::Socket) -> Fate {
        let made = socket.address().map(|(what, address)| {
            let link = Arc::new(Link::new(&shop.line, self.id, "listener", what, address));
            let listener = Listener::new(socket, &link, self.owner, &self.options, self.security.take());
            (Entry::Listener(Box::new(listener)), Handle::object(Acceptor::new(link)))
        });
        self.open(made)
    }

    fn receives(&mut self, shop: &mut Shop, socket: mio::net::UdpSocket) -> Fate {
        let made = Datagram::address(&socket).map(|(what, address)| {
            let mut link = Link::new(&shop.line, self.id, "udp", what, address);
            link.send_limit = self.options.send_limit;
            let link = Arc::new(link);
            let datagram = Datagram::new(socket, &link, self.owner, &self.options);
            (Entry::Datagram(Box::new(datagram)), Handle::object(Udp::new(link)))
        });
        self.open(made)
    }

    /// Gives the socket to who waits for it.
    fn open(&mut self, made: Result<(Entry, Value)>) -> Fate {
        let Some(finisher) = self.finisher.take() else { return Fate::Gone };
        match made {
            Ok((entry, object)) => match finisher.finish(Ok(object)) {
                Ok(()) => Fate::Becomes(entry),
                Err(_) => Fate::Gone,
            },
            Err(error) => {
                self.finisher = Some(finisher);
                self.fail(error.inside(&format!("{}: {}", self.goal.native(), self.what)))
            }
        }
    }
}

/// A connection over a wire, and its Object.
///
/// # Errors
/// The system's, when it has been reset already.
pub(super) fn connection(
    shop: &Shop,
    id: Id,
    wire: Wire,
    owner: u64,
    options: &Arc<Options>,
) -> Result<(Stream, Value)> {
    let (what, own, peer) = wire.ends()?;
    let mut link = Link::new(&shop.line, id, "connection", what, own);
    (link.peer, link.send_limit) = (peer, options.send_limit);
    let link = Arc::new(link);
    let stream = Stream::new(wire, &link, owner, options);
    Ok((stream, Handle::object(Connection::new(link, options))))
}
