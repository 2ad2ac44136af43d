//! A connection: bytes in, bytes out, and who waits for either.
//!
//! Whatever happens to a connection - a command, an event, the time - only notes what is so; then
//! `work` does all that can be done, until nothing can. Who asked first is served first. What has
//! come is taken out of the buffer once a waiter surely has it.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use calog_plugin_api::{Code, Error, Finisher, Str, Value};
use mio::event::Event;

use super::callback::{Callback, Called};
use super::incoming::{Incoming, Line as Found};
use super::outgoing::{Outgoing, Sending};
use super::turn::{Fate, Shop};
use super::wire::Wire;
use super::{Deed, Link, Ticket};
use crate::options::Options;

/// How often in a row one connection may read or write before others have their turn.
const IN_A_ROW: usize = 16;

/// How much a callback is given at once.
pub(crate) const CHUNK: usize = 64 * 1024;

/// When a callback whose thread is too busy is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// What somebody wants to receive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Want {
    /// What there is, at most so much.
    Some(usize),
    Line,
    Exact(usize),
}

impl Want {
    fn method(self) -> &'static str {
        match self {
            Want::Some(_) => "recv",
            Want::Line => "recv_line",
            Want::Exact(_) => "recv_exact",
        }
    }
}

/// Who wants to receive.
pub(crate) struct Receiver {
    pub(crate) want: Want,
    pub(crate) ticket: Ticket,
    pub(crate) finisher: Finisher,
    /// When it is too late.
    pub(crate) until: Option<Instant>,
}

/// How the peer's stream ended.
#[derive(Debug)]
enum End {
    Orderly,
    Broken(io::Error),
}

/// A connection.
pub(crate) struct Stream {
    wire: Wire,
    link: Arc<Link>,
    /// The context it closes with.
    pub(super) owner: u64,
    options: Arc<Options>,
    incoming: Incoming,
    receivers: VecDeque<Receiver>,
    outgoing: Outgoing,
    /// Whether the system may have bytes, or room, for all that is known.
    readable: bool,
    writable: bool,
    /// Nothing but the system's word that there is nothing tells so: the end may lie behind what came.
    read_on: bool,
    end: Option<End>,
    /// The system has all that was written.
    flushed: bool,
    shut_wanted: bool,
    shut: bool,
    /// Until when what was sent may take to go; set once it closes.
    closing: Option<Instant>,
    /// All that was sent has gone, or it is too late for that.
    gone: bool,
    on_data: Option<Callback>,
    on_close: Option<Callback>,
    /// A callback runs.
    calling: bool,
    /// When a callback is tried again.
    again: Option<Instant>,
    /// Scripts hold it no more.
    dropped: bool,
    /// The context whose function was to get what comes has closed.
    abandoned: bool,
}

impl Stream {
    pub(super) fn new(wire: Wire, link: &Arc<Link>, owner: u64, options: &Arc<Options>) -> Stream {
        Stream {
            wire,
            link: Arc::clone(link),
            owner,
            options: Arc::clone(options),
            incoming: Incoming::default(),
            receivers: VecDeque::new(),
            outgoing: Outgoing::default(),
            // Events may have come before anybody noted them.
            readable: true,
            writable: true,
            read_on: true,
            end: None,
            flushed: false,
            shut_wanted: false,
            shut: false,
            closing: None,
            gone: false,
            on_data: None,
            on_close: None,
            calling: false,
            again: None,
            dropped: false,
            abandoned: false,
        }
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.readable |= event.is_readable() || event.is_read_closed() || event.is_error();
        self.writable |= event.is_writable() || event.is_write_closed() || event.is_error();
        self.read_on |= event.is_read_closed() || event.is_error();
    }

    pub(super) fn command(&mut self, deed: Deed, flush: Duration) {
        match deed {
            Deed::Send(sending) => self.send(sending),
            Deed::Receive(receiver) => self.receive(receiver),
            Deed::Cancel(ticket) => self.cancel(ticket),
            Deed::Shutdown => self.shut_wanted = true,
            Deed::Close => self.close(flush),
            Deed::Dropped => self.dropped = true,
            Deed::OnData(callback) => self.on_data = Some(callback),
            Deed::OnClose(callback, _) => self.on_close = Some(callback),
            Deed::CalledBack => self.calling = false,
            // No other command is made for a connection; promises in it are answered by being dropped.
            _ => {}
        }
    }

    fn send(&mut self, sending: Sending) {
        if self.closing.is_none() && !self.shut_wanted && !self.link.is_broken() {
            return self.outgoing.push(sending);
        }
        let error = self.link.check_sendable().err().unwrap_or_else(|| self.link.is_closed("send"));
        self.refuse(sending, error);
    }

    fn refuse(&self, sending: Sending, error: Error) {
        self.unqueue(sending.bytes.as_bytes().len());
        if let Some((_, finisher)) = sending.waiter {
            // Who was cancelled needs no answer.
            let _ = finisher.finish(Err(error));
        }
    }

    fn unqueue(&self, count: usize) {
        self.link.queued.fetch_sub(count, Ordering::Relaxed);
    }

    fn receive(&mut self, receiver: Receiver) {
        if self.closing.is_some() {
            let error = self.link.is_closed(receiver.want.method());
            // As above.
            let _ = receiver.finisher.finish(Err(error));
        } else {
            self.receivers.push_back(receiver);
        }
    }

    fn cancel(&mut self, ticket: Ticket) {
        if let Some(at) = self.receivers.iter().position(|it| it.ticket == ticket) {
            self.receivers.remove(at);
        } else {
            let taken_back = self.outgoing.cancel(ticket);
            self.unqueue(taken_back);
        }
    }

    /// Closes it: whoever waits is told; what was sent may still go.
    pub(super) fn close(&mut self, flush: Duration) {
        self.link.close();
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(Instant::now() + flush);
        for receiver in std::mem::take(&mut self.receivers) {
            let error = self.link.is_closed(receiver.want.method());
            // Who was cancelled needs no answer.
            let _ = receiver.finisher.finish(Err(error));
        }
        let link = &self.link;
        self.outgoing.fail(|| link.is_closed("send"));
        self.on_data = None;
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let first = self.receivers.front().and_then(|receiver| receiver.until);
        let closing = self.closing.filter(|_| !self.gone);
        [first, closing, self.again].into_iter().flatten().min()
    }

    /// Does what can be done.
    pub(super) fn work(&mut self, shop: &mut Shop) -> Fate {
        for _ in 0..IN_A_ROW {
            let mut more = self.read(shop);
            more |= self.serve();
            more |= self.write();
            more |= self.expire(shop.now);
            self.end_callbacks(shop.flush());
            if self.has_gone(shop.now) {
                return self.say_goodbye();
            }
            if !more {
                return Fate::Stays;
            }
        }
        Fate::Again
    }

    /// How much may be taken from the system before somebody asks for it, or for who asks.
    fn room(&self) -> usize {
        let limit = self.options.receive_limit;
        let room = match self.receivers.front().map(|receiver| receiver.want) {
            Some(Want::Exact(count)) => limit.max(count),
            // With its end, and a CR that may belong to it.
            Some(Want::Line) => limit.max(self.options.line_limit + 2),
            Some(Want::Some(_)) | None => limit,
        };
        room.saturating_sub(self.incoming.len())
    }

    fn read(&mut self, shop: &mut Shop) -> bool {
        if !self.readable || self.end.is_some() || self.closing.is_some() {
            return false;
        }
        let room = self.room().min(shop.scratch.len());
        if room == 0 {
            return false;
        }
        match self.wire.read(&mut shop.scratch[..room]) {
            Ok(0) => self.end = Some(End::Orderly),
            Ok(count) => {
                self.incoming.push(&shop.scratch[..count]);
                // The system gave less than there was room for, so there is no more for now.
                self.readable = count == room || self.read_on || self.wire.gives_in_pieces();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (self.readable, self.read_on) = (false, false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.link.break_down(error.to_string());
                self.end = Some(End::Broken(error));
            }
        }
        self.readable
    }

    /// Gives who waits what he waits for. Whether there is room again for more.
    fn serve(&mut self) -> bool {
        let mut served = false;
        while let Some(first) = self.receivers.front() {
            let Some((result, consumed)) = self.answer(first.want) else { break };
            let Some(first) = self.receivers.pop_front() else { break };
            if first.finisher.finish(result).is_ok() {
                self.incoming.consume(consumed);
            }
            served = true;
        }
        served |= self.receivers.is_empty() && self.call_back();
        served && self.readable && self.end.is_none()
    }

    /// What somebody who wants this gets, if there is an answer, and how many bytes that takes.
    fn answer(&mut self, want: Want) -> Option<(calog_plugin_api::Result<Value>, usize)> {
        let given = |bytes: &[u8], consumed: usize| Some((Ok(Value::String(Str::from_bytes(bytes))), consumed));
        let all = self.incoming.len();
        match want {
            Want::Some(most) if all > 0 => return given(&self.incoming.bytes()[..all.min(most)], all.min(most)),
            Want::Exact(count) if all >= count => return given(&self.incoming.bytes()[..count], count),
            Want::Line => match self.incoming.line(self.options.line_limit) {
                Found::Found { content, whole } => return given(&self.incoming.bytes()[..content], whole),
                Found::TooLong => return Some((Err(self.too_long()), 0)),
                Found::NotYet => {}
            },
            _ => {}
        }
        match self.end.as_ref()? {
            End::Broken(error) => Some((Err(self.system(want.method(), error)), 0)),
            End::Orderly => match want {
                Want::Line if all > 0 => given(self.incoming.bytes(), all),
                Want::Line | Want::Some(_) => Some((Ok(Value::Nil), 0)),
                Want::Exact(count) => Some((Err(self.cut_short(count, all)), 0)),
            },
        }
    }

    fn system(&self, method: &str, error: &io::Error) -> Error {
        super::system(&format!("{}.{method}", self.link.kind), &self.link.what, error)
    }

    fn too_long(&self) -> Error {
        let (what, limit) = (&self.link.what, self.options.line_limit);
        Error::new(Code::Limit, format!("connection.recv_line: {what}: the line is longer than {limit} bytes"))
            .with_help("the option 'line_limit' of net.connect and net.listen says how long a line may be")
    }

    fn cut_short(&self, wanted: usize, got: usize) -> Error {
        let what = &self.link.what;
        let message = format!("connection.recv_exact: {what}: the stream ended after {got} of {wanted} bytes");
        Error::new(Code::Closed, message)
    }

    /// Gives the callback what has come, once the one before has ended.
    fn call_back(&mut self) -> bool {
        if self.calling || self.again.is_some() || self.incoming.is_empty() {
            return false;
        }
        let Some(callback) = &self.on_data else { return false };
        let count = self.incoming.len().min(CHUNK);
        let chunk = Value::String(Str::from_bytes(&self.incoming.bytes()[..count]));
        let link = Arc::clone(&self.link);
        match callback.call(&chunk, move || link.send(Deed::CalledBack)) {
            Called::Begun => {
                self.incoming.consume(count);
                self.calling = true;
                return true;
            }
            Called::Full => self.again = Instant::now().checked_add(AGAIN),
            Called::Gone => self.abandoned = true,
        }
        false
    }

    fn write(&mut self) -> bool {
        let mut wrote = false;
        while self.writable && !self.outgoing.is_empty() {
            match self.outgoing.write(|slices| self.wire.write(slices)) {
                Ok(count) => {
                    self.flushed = false;
                    self.unqueue(count);
                    wrote = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.cannot_send(&error),
            }
        }
        if self.outgoing.has_waiters() {
            self.outgoing.release(self.link.send_limit);
        }
        if self.writable && self.outgoing.is_empty() {
            match self.wire.flush() {
                Ok(flushed) => (self.flushed, self.writable) = (flushed, flushed),
                Err(error) => self.cannot_send(&error),
            }
        }
        if self.outgoing.is_empty() && self.flushed && self.shut_wanted && !self.shut {
            self.shut = true;
            // A connection that is broken has ended for the peer as well.
            let _ = self.wire.shut();
        }
        wrote && self.writable && !self.outgoing.is_empty()
    }

    fn cannot_send(&mut self, error: &io::Error) {
        self.link.break_down(error.to_string());
        let failed = self.system("send", error);
        self.outgoing.fail(|| failed.clone());
        let lost = self.outgoing.clear();
        self.unqueue(lost);
        // Nothing is left to be flushed.
        self.flushed = true;
    }

    /// Tells those whose time is up. Whether others can be served now.
    fn expire(&mut self, now: Instant) -> bool {
        let mut more = self.again.take_if(|again| *again <= now).is_some();
        while self.receivers.front().and_then(|it| it.until).is_some_and(|until| until <= now) {
            let Some(late) = self.receivers.pop_front() else { break };
            more = true;
            let (method, what) = (late.want.method(), &self.link.what);
            let ms = self.options.read_timeout.unwrap_or_default().as_secs_f64() * 1e3;
            let message = format!("connection.{method}: {what}: nothing came within {ms} ms");
            // Who was cancelled needs no answer.
            let _ = late.finisher.finish(Err(Error::new(Code::Timeout, message)));
        }
        more
    }

    /// One that lives by callbacks ends with its stream; one that nobody holds ends when nobody waits.
    fn end_callbacks(&mut self, flush: Duration) {
        let read_out = self.end.is_some() && self.incoming.is_empty() && !self.calling;
        let broken = matches!(self.end, Some(End::Broken(_)));
        let watched = self.on_data.is_some() || self.on_close.is_some() && broken && self.receivers.is_empty();
        let forgotten = self.dropped
            && self.receivers.is_empty()
            && !self.outgoing.has_waiters()
            && !self.calling
            && self.on_data.is_none()
            && (self.on_close.is_none() || self.end.is_some());
        if read_out && watched || forgotten || self.abandoned {
            self.close(flush);
        }
    }

    /// Whether it is closed and all that was sent has gone, or it is too late for that.
    fn has_gone(&mut self, now: Instant) -> bool {
        if !self.gone && self.closing.is_some_and(|until| self.outgoing.is_empty() && self.flushed || until <= now) {
            self.gone = true;
            self.leave();
        }
        self.gone
    }

    /// The peer's stream ends. What has come and nobody wanted would make the system reset the
    /// connection, and with it what the peer has not read yet: so it is read.
    fn leave(&mut self) {
        // A connection that is broken has ended for the peer as well.
        let _ = self.wire.shut();
        let mut rest = [0; 4096];
        for _ in 0..IN_A_ROW {
            if !matches!(self.wire.read(&mut rest), Ok(count) if count > 0) {
                return;
            }
        }
    }

    /// The last that is said, once no callback runs.
    fn say_goodbye(&mut self) -> Fate {
        if self.calling || self.again.is_some() {
            return Fate::Stays;
        }
        let reason = self.link.reason();
        match self.on_close.as_ref().map(|callback| callback.call(&reason, || {})) {
            Some(Called::Full) => {
                self.again = Instant::now().checked_add(AGAIN);
                Fate::Stays
            }
            Some(Called::Begun | Called::Gone) | None => Fate::Gone,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Whatever ends it, the handle knows.
        self.link.close();
    }
}
