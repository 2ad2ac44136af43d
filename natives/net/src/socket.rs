//! Sockets as scripts hold them: each method checks what it was given, and tells the I/O thread.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use calog_plugin_api::{CallInfo, Callable, Outcome, Result, Str, Value, View};

use crate::arguments::{Arguments, Signature};
use crate::handle::{Kind, Method};
use crate::options::{MOST_BYTES, Options};
use crate::place::{Place, Whereabouts, look_up};
use crate::reactor::{CHUNK, Callback, Deed, Link, Receiver, Sending, Taker, Want};

const fn method(
    name: &'static str,
    params: &'static [(&'static str, &'static str)],
    returns: &'static str,
    doc: &'static str,
) -> Signature {
    Signature { name, params, returns, doc, waits: false }
}

const fn waiting(
    name: &'static str,
    params: &'static [(&'static str, &'static str)],
    returns: &'static str,
    doc: &'static str,
) -> Signature {
    Signature { name, params, returns, doc, waits: true }
}

/// Closes a socket, if it is open.
fn close(link: &Link) -> Result<Outcome> {
    if link.close() {
        link.send(Deed::Close);
    }
    Ok(Outcome::Ready(Value::Nil))
}

fn ready(value: &Value) -> Result<Outcome> {
    Ok(Outcome::Ready(value.clone()))
}

/// A stream of bytes in both directions.
pub(crate) struct Connection {
    link: Arc<Link>,
    options: Arc<Options>,
    /// What those who wait for it wait for.
    receives: String,
    sends: String,
}

impl Connection {
    pub(crate) fn new(link: Arc<Link>, options: &Arc<Options>) -> Connection {
        let (receives, sends) = (format!("data on {}", link.what), format!("room to send on {}", link.what));
        Connection { link, options: Arc::clone(options), receives, sends }
    }

    fn send(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let bytes: Str = args.take()?;
        let (link, count) = (&self.link, bytes.as_bytes().len());
        link.check_sendable()?;
        if count == 0 {
            return Ok(Outcome::Ready(Value::Nil));
        }
        let before = link.queued.fetch_add(count, Ordering::Relaxed);
        if before.saturating_add(count) <= link.send_limit {
            link.send(Deed::Send(Sending { bytes, waiter: None }));
            return Ok(Outcome::Ready(Value::Nil));
        }
        let (completion, ticket, finisher) = link.line.promise(info, link.id, &self.sends);
        link.send(Deed::Send(Sending { bytes, waiter: Some((ticket, finisher)) }));
        Ok(Outcome::Pending(completion))
    }

    fn receive(&self, info: &CallInfo, want: Want) -> Outcome {
        let link = &self.link;
        let (completion, ticket, finisher) = link.line.promise(info, link.id, &self.receives);
        link.send(Deed::Receive(Receiver { want, ticket, finisher, until: self.options.read_until() }));
        Outcome::Pending(completion)
    }

    fn recv(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let most = args.optional::<i64>()?.unwrap_or(CHUNK as i64);
        if !(1..=MOST_BYTES).contains(&most) {
            return Err(args.out_of_range(&format!("int from 1 to {MOST_BYTES}"), most));
        }
        self.link.check_receivable("recv", "on_data")?;
        Ok(self.receive(info, Want::Some(most as usize)))
    }

    fn recv_line(&self, info: &CallInfo, _args: Arguments<'_>) -> Result<Outcome> {
        self.link.check_receivable("recv_line", "on_data")?;
        Ok(self.receive(info, Want::Line))
    }

    fn recv_exact(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let count: i64 = args.take()?;
        if !(0..=MOST_BYTES).contains(&count) {
            return Err(args.out_of_range(&format!("int from 0 to {MOST_BYTES}"), count));
        }
        self.link.check_receivable("recv_exact", "on_data")?;
        Ok(self.receive(info, Want::Exact(count as usize)))
    }

    fn shutdown(&self) -> Result<Outcome> {
        self.link.check_open("shutdown")?;
        if self.link.shut() {
            self.link.send(Deed::Shutdown);
        }
        Ok(Outcome::Ready(Value::Nil))
    }

    fn on_data(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let function: Callable = args.take()?;
        self.link.give_to_callback("on_data")?;
        self.link.send(Deed::OnData(Callback::new("connection.on_data", info, function)));
        Ok(Outcome::Ready(Value::Nil))
    }

    fn on_close(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let function: Callable = args.take()?;
        self.link.tell_at_close()?;
        let callback = Callback::new("connection.on_close", info, function);
        self.link.send(Deed::OnClose(callback, Arc::clone(&self.link)));
        Ok(Outcome::Ready(Value::Nil))
    }
}

impl Kind for Connection {
    const NAME: &str = "connection";
    const METHODS: &'static [Method<Connection>] = &[
        Method {
            signature: waiting(
                "connection.send",
                &[("bytes", "string")],
                "nil",
                "Sends bytes; waits while too many wait to go out.",
            ),
            run: Connection::send,
        },
        Method {
            signature: waiting(
                "connection.recv",
                &[("max", "int?")],
                "string or nil",
                "Waits for bytes: what has come, at most `max`; nil at the end of the stream.",
            ),
            run: Connection::recv,
        },
        Method {
            signature: waiting(
                "connection.recv_line",
                &[],
                "string or nil",
                "Waits for a line, and gives it without its end; nil at the end of the stream.",
            ),
            run: Connection::recv_line,
        },
        Method {
            signature: waiting("connection.recv_exact", &[("count", "int")], "string", "Waits for so many bytes."),
            run: Connection::recv_exact,
        },
        Method {
            signature: method("connection.close", &[], "nil", "Closes it, once what was sent has gone."),
            run: |it, _, _| close(&it.link),
        },
        Method {
            signature: method("connection.shutdown", &[], "nil", "No more sending: the peer's stream ends."),
            run: |it, _, _| it.shutdown(),
        },
        Method {
            signature: method("connection.peer", &[], "map", "The other end's address."),
            run: |it, _, _| ready(&it.link.peer),
        },
        Method {
            signature: method("connection.address", &[], "map", "Its own address."),
            run: |it, _, _| ready(&it.link.address),
        },
        Method {
            signature: method(
                "connection.on_data",
                &[("fn", "function")],
                "nil",
                "Calls a function with whatever comes, one call after the other.",
            ),
            run: Connection::on_data,
        },
        Method {
            signature: method(
                "connection.on_close",
                &[("fn", "function")],
                "nil",
                "Calls a function once it is closed: with nil, or with what broke it.",
            ),
            run: Connection::on_close,
        },
    ];

    fn text(&self) -> String {
        format!("<connection {}>", self.link.what)
    }
}

/// A listener.
pub(crate) struct Acceptor {
    link: Arc<Link>,
    accepts: String,
}

impl Acceptor {
    pub(crate) fn new(link: Arc<Link>) -> Acceptor {
        let accepts = format!("a connection to {}", link.what);
        Acceptor { link, accepts }
    }

    fn accept(&self, info: &CallInfo) -> Result<Outcome> {
        let link = &self.link;
        link.check_receivable("accept", "on_connection")?;
        let counted = info.count("sockets", 1)?;
        let (completion, ticket, finisher) = link.line.promise(info, link.id, &self.accepts);
        link.send(Deed::Accept(Taker { ticket, context: info.context(), finisher, counted }));
        Ok(Outcome::Pending(completion))
    }

    fn on_connection(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let function: Callable = args.take()?;
        self.link.give_to_callback("on_connection")?;
        self.link.send(Deed::OnConnection(Callback::new("listener.on_connection", info, function)));
        Ok(Outcome::Ready(Value::Nil))
    }
}

impl Kind for Acceptor {
    const NAME: &str = "listener";
    const METHODS: &'static [Method<Acceptor>] = &[
        Method {
            signature: waiting("listener.accept", &[], "connection", "Waits for a connection."),
            run: |it, info, _| it.accept(info),
        },
        Method {
            signature: method("listener.close", &[], "nil", "Closes it; its connections stay."),
            run: |it, _, _| close(&it.link),
        },
        Method {
            signature: method("listener.address", &[], "map", "Where it listens."),
            run: |it, _, _| ready(&it.link.address),
        },
        Method {
            signature: method(
                "listener.on_connection",
                &[("fn", "function")],
                "nil",
                "Calls a function with each connection.",
            ),
            run: Acceptor::on_connection,
        },
    ];

    fn text(&self) -> String {
        format!("<listener {}>", self.link.what)
    }
}

/// A UDP socket.
pub(crate) struct Udp {
    link: Arc<Link>,
    receives: String,
}

impl Udp {
    pub(crate) fn new(link: Arc<Link>) -> Udp {
        let receives = format!("a datagram on {}", link.what);
        Udp { link, receives }
    }

    fn send_to(&self, info: &CallInfo, mut args: Arguments<'_>) -> Result<Outcome> {
        let bytes: Str = args.take()?;
        let host: &str = args.take()?;
        let at = args.place();
        let port: View<'_> = args.take()?;
        let place = Place::inet(host, port, 1, &at, &args.place())?;
        let link = &self.link;
        link.check_open("send_to")?;
        let (completion, ticket, finisher) =
            link.line.promise(info, link.id, &format!("sending to {} from {}", place.text, link.what));
        match place.whereabouts {
            Whereabouts::Known(target) => link.send(Deed::SendTo { bytes, to: Some(target), ticket, finisher }),
            Whereabouts::Named(name, port) => {
                link.send(Deed::SendTo { bytes, to: None, ticket, finisher });
                let link = Arc::clone(link);
                info.runtime().look_up(move || link.send(Deed::ResolvedFor(ticket, look_up(&name, port))));
            }
        }
        Ok(Outcome::Pending(completion))
    }

    fn recv_from(&self, info: &CallInfo) -> Result<Outcome> {
        let link = &self.link;
        link.check_open("recv_from")?;
        let (completion, ticket, finisher) = link.line.promise(info, link.id, &self.receives);
        link.send(Deed::Next(ticket, finisher));
        Ok(Outcome::Pending(completion))
    }
}

impl Kind for Udp {
    const NAME: &str = "udp";
    const METHODS: &'static [Method<Udp>] = &[
        Method {
            signature: waiting(
                "udp.send_to",
                &[("bytes", "string"), ("host", "string"), ("port", "int")],
                "nil",
                "Sends a datagram.",
            ),
            run: Udp::send_to,
        },
        Method {
            signature: waiting("udp.recv_from", &[], "map", "Waits for a datagram: a map of data, host and port."),
            run: |it, info, _| it.recv_from(info),
        },
        Method {
            signature: method("udp.close", &[], "nil", "Closes it, once what was sent has gone."),
            run: |it, _, _| close(&it.link),
        },
        Method {
            signature: method("udp.address", &[], "map", "Its own address."),
            run: |it, _, _| ready(&it.link.address),
        },
    ];

    fn text(&self) -> String {
        format!("<udp {}>", self.link.what)
    }
}

/// What no script holds closes, once nobody waits for it and it has no callbacks.
macro_rules! dropped {
    ($($kind:ty)*) => {
        $(impl Drop for $kind {
            fn drop(&mut self) {
                self.link.send(Deed::Dropped);
            }
        })*
    };
}

dropped! { Connection Acceptor Udp }

/// Looking names up, which blocks.
pub(crate) trait LookUp {
    /// Runs it on the pool for blocking work. Dropped undone when the runtime closes before.
    fn look_up(&self, work: impl FnOnce() + Send + 'static);
}

impl LookUp for calog_plugin_api::RuntimeHandle {
    fn look_up(&self, work: impl FnOnce() + Send + 'static) {
        let done = move || {
            work();
            Ok(Value::Nil)
        };
        // Who waits for it waits for the socket.
        drop(self.blocking("a name", done));
    }
}
