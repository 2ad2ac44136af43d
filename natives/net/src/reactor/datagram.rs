//! A UDP socket: datagrams in the order of the calls.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calog_plugin_api::{Code, Error, Finisher, Result, Str, Value};
use mio::Registry;
use mio::event::Event;
use mio::net::UdpSocket;
use socket2::{Domain, SockAddr, Socket, Type};

use super::turn::{Fate, Shop};
use super::wire::{BOTH, token};
use super::{Deed, Id, Link, Ticket};
use crate::options::Options;
use crate::place::{Target, inet_value};

/// How often in a row one socket may send or receive before others have their turn.
const IN_A_ROW: usize = 64;

/// A datagram to send.
struct Sending {
    bytes: Str,
    /// What the name gave, once it is looked up.
    to: Option<io::Result<SocketAddr>>,
    ticket: Ticket,
    finisher: Finisher,
}

/// Who waits for a datagram.
struct Receiving {
    ticket: Ticket,
    finisher: Finisher,
    until: Option<Instant>,
}

/// A UDP socket.
pub(super) struct Datagram {
    socket: UdpSocket,
    link: Arc<Link>,
    /// The context it closes with.
    pub(super) owner: u64,
    read_timeout: Option<Duration>,
    is_ipv6: bool,
    sending: VecDeque<Sending>,
    receiving: VecDeque<Receiving>,
    /// A datagram that nobody took.
    came: Option<(Str, SocketAddr)>,
    readable: bool,
    writable: bool,
    /// Until when what was sent may take to go; set once it closes.
    closing: Option<Instant>,
    dropped: bool,
}

impl Datagram {
    /// # Errors
    /// The system's.
    pub(super) fn bind(target: &Target, options: &Options, registry: &Registry, id: Id) -> io::Result<UdpSocket> {
        let Target::Inet(address) = target else {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "datagrams have a host and a port"));
        };
        let socket = Socket::new(Domain::for_address(*address), Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(options.reuse_address.unwrap_or(false))?;
        socket.bind(&SockAddr::from(*address))?;
        let mut socket = UdpSocket::from_std(socket.into());
        registry.register(&mut socket, token(id), BOTH)?;
        Ok(socket)
    }

    /// Where it is, in words and as scripts see it.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn address(socket: &UdpSocket) -> Result<(String, Value)> {
        let address = socket.local_addr()?;
        Ok((address.to_string(), inet_value(address)?))
    }

    pub(super) fn new(socket: UdpSocket, link: &Arc<Link>, owner: u64, options: &Options) -> Datagram {
        let is_ipv6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
        Datagram {
            socket,
            link: Arc::clone(link),
            owner,
            read_timeout: options.read_timeout,
            is_ipv6,
            sending: VecDeque::new(),
            receiving: VecDeque::new(),
            came: None,
            readable: true,
            writable: true,
            closing: None,
            dropped: false,
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_error();
        self.writable |= event.is_writable() || event.is_error();
    }

    pub(super) fn command(&mut self, deed: Deed, flush: Duration) {
        match deed {
            Deed::SendTo { bytes, to, ticket, finisher } => {
                let to = to.map(|target| self.suitable(Ok(VecDeque::from([target]))));
                self.sending.push_back(Sending { bytes, to, ticket, finisher });
            }
            Deed::ResolvedFor(ticket, targets) => {
                let to = self.suitable(targets);
                if let Some(sending) = self.sending.iter_mut().find(|it| it.ticket == ticket) {
                    sending.to = Some(to);
                }
            }
            Deed::Next(ticket, finisher) => {
                self.receiving.push_back(Receiving { ticket, finisher, until: super::after(self.read_timeout) });
            }
            Deed::Cancel(ticket) => {
                self.receiving.retain(|it| it.ticket != ticket);
                self.sending.retain(|it| it.ticket != ticket);
            }
            Deed::Close => self.closing = self.closing.or_else(|| Instant::now().checked_add(flush)),
            Deed::Dropped => self.dropped = true,
            // No other command is made for it.
            _ => {}
        }
    }

    /// The first address that a socket of this family can send to.
    fn suitable(&self, targets: io::Result<VecDeque<Target>>) -> io::Result<SocketAddr> {
        let mut addresses = targets?.into_iter().filter_map(|target| match target {
            Target::Inet(address) => Some(address),
            Target::Unix(_) => None,
        });
        let none = || {
            let family = if self.is_ipv6 { "IPv6" } else { "IPv4" };
            io::Error::new(io::ErrorKind::AddrNotAvailable, format!("it has no {family} address"))
        };
        addresses.find(|address| address.is_ipv6() == self.is_ipv6).ok_or_else(none)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let first = self.receiving.front().and_then(|it| it.until);
        [first, self.closing].into_iter().flatten().min()
    }

    pub(super) fn work(&mut self, shop: &mut Shop) -> Fate {
        if self.closing.is_some() || self.dropped && self.receiving.is_empty() && self.sending.is_empty() {
            self.link.close();
            for it in self.receiving.drain(..) {
                // Here and below: who was cancelled needs no answer.
                let _ = it.finisher.finish(Err(self.link.is_closed("recv_from")));
            }
        }
        for _ in 0..IN_A_ROW {
            let more = self.send() | self.receive(&mut shop.scratch);
            self.expire(shop.now);
            if self.link.check_open("work").is_err() && self.receiving.is_empty() {
                let late = self.closing.is_none_or(|until| until <= shop.now);
                if self.sending.is_empty() || late {
                    return self.end();
                }
            }
            if !more {
                return Fate::Stays;
            }
        }
        Fate::Again
    }

    fn end(&mut self) -> Fate {
        for it in self.sending.drain(..) {
            let _ = it.finisher.finish(Err(self.link.is_closed("send_to")));
        }
        Fate::Gone
    }

    /// Sends the first datagram. Whether it has gone, or failed.
    fn send(&mut self) -> bool {
        let Some(Sending { bytes, to: Some(to), .. }) = self.sending.front() else { return false };
        let sent = match to {
            Ok(_) if !self.writable => return false,
            Ok(to) => self.socket.send_to(bytes.as_bytes(), *to).map(drop),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.writable = false;
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            _ => {}
        }
        let failed = |error| super::system("udp.send_to", &self.link.what, &error);
        if let Some(first) = self.sending.pop_front() {
            let _ = first.finisher.finish(sent.map(|()| Value::Nil).map_err(failed));
        }
        true
    }

    /// Gives the next datagram to who is first. Whether there was one.
    fn receive(&mut self, scratch: &mut [u8]) -> bool {
        if self.receiving.is_empty() {
            return false;
        }
        let result = match self.came.take() {
            Some((bytes, from)) => Ok((bytes, from)),
            None if !self.readable => return false,
            None => match self.socket.recv_from(scratch) {
                Ok((count, from)) => Ok((Str::from_bytes(&scratch[..count]), from)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
                Err(error) => Err(error),
            },
        };
        let Some(first) = self.receiving.pop_front() else { return false };
        match result {
            Ok((bytes, from)) => {
                if first.finisher.finish(datagram(&bytes, from)).is_err() {
                    self.came = Some((bytes, from));
                }
            }
            Err(error) => {
                let _ = first.finisher.finish(Err(super::system("udp.recv_from", &self.link.what, &error)));
            }
        }
        true
    }

    fn expire(&mut self, now: Instant) {
        while self.receiving.front().and_then(|it| it.until).is_some_and(|until| until <= now) {
            let Some(late) = self.receiving.pop_front() else { return };
            let ms = self.read_timeout.unwrap_or_default().as_secs_f64() * 1e3;
            let message = format!("udp.recv_from: {}: nothing came within {ms} ms", self.link.what);
            let _ = late.finisher.finish(Err(Error::new(Code::Timeout, message)));
        }
    }
}

/// A datagram as scripts see it: a map of data, host and port.
fn datagram(bytes: &Str, from: SocketAddr) -> Result<Value> {
    let host = Value::from(from.ip().to_string());
    Value::map([("data", Value::String(bytes.clone())), ("host", host), ("port", from.port().into())])
}

impl Drop for Datagram {
    fn drop(&mut self) {
        // Whatever ends it, the handle knows.
        self.link.close();
    }
}
