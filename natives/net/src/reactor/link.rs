//! What a script's handle and the thread both know of a socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use calog_plugin_api::{Code, Error, Result, Value};

use super::{Deed, Id, Line};

/// A socket as its Object knows it. The flags are set where the script's call is made, so that the
/// next call knows at once.
pub(crate) struct Link {
    pub(crate) id: Id,
    pub(crate) line: Arc<Line>,
    /// "connection", "listener", "udp".
    pub(crate) kind: &'static str,
    /// For messages: "127.0.0.1:80".
    pub(crate) what: String,
    /// Its addresses as scripts see them.
    pub(crate) address: Value,
    pub(crate) peer: Value,
    /// How many bytes wait to go out, and how many may without anybody waiting for them.
    pub(crate) queued: AtomicUsize,
    pub(crate) send_limit: usize,
    closed: AtomicBool,
    shut: AtomicBool,
    /// What comes goes to a callback.
    called_back: AtomicBool,
    on_close: AtomicBool,
    /// Why nothing can be sent any more.
    broken: OnceLock<String>,
}

impl Link {
    pub(crate) fn new(line: &Arc<Line>, id: Id, kind: &'static str, what: String, address: Value) -> Link {
        Link {
            id,
            line: Arc::clone(line),
            kind,
            what,
            address,
            peer: Value::Nil,
            queued: AtomicUsize::new(0),
            send_limit: usize::MAX,
            closed: AtomicBool::new(false),
            shut: AtomicBool::new(false),
            called_back: AtomicBool::new(false),
            on_close: AtomicBool::new(false),
            broken: OnceLock::new(),
        }
    }

    pub(crate) fn send(&self, deed: Deed) {
        self.line.send(self.id, deed);
    }

    /// Closed: by a script, or because it is over.
    ///
    /// # Errors
    /// `closed`.
    pub(crate) fn check_open(&self, method: &str) -> Result<()> {
        // ORDERING: relaxed here and below: each flag stands for itself, and the thread hears of what
        // it means through the queue.
        if self.closed.load(Ordering::Relaxed) { Err(self.is_closed(method)) } else { Ok(()) }
    }

    pub(crate) fn is_closed(&self, method: &str) -> Error {
        let (kind, what) = (self.kind, &self.what);
        Error::new(Code::Closed, format!("{kind}.{method}: {what}: the {kind} is closed"))
    }

    /// Marks it as closed. Whether it was open.
    pub(crate) fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::Relaxed)
    }

    /// Whether bytes can be sent.
    ///
    /// # Errors
    /// `closed`, or `io` with the reason for which the connection broke.
    pub(crate) fn check_sendable(&self) -> Result<()> {
        self.check_open("send")?;
        if let Some(reason) = self.broken.get() {
            return Err(Error::new(Code::Io, format!("{}.send: {}: {reason}", self.kind, self.what)));
        }
        if self.shut.load(Ordering::Relaxed) {
            let message = format!("{}.send: {}: there is no more sending after shutdown", self.kind, self.what);
            return Err(Error::new(Code::Closed, message));
        }
        Ok(())
    }

    /// No more sending. Whether there was.
    pub(crate) fn shut(&self) -> bool {
        !self.shut.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    pub(crate) fn break_down(&self, reason: String) {
        // The first reason is the one that counts.
        let _ = self.broken.set(reason);
    }

    /// Why it closed: nil, or a map of code and message.
    pub(crate) fn reason(&self) -> Value {
        let Some(reason) = self.broken.get() else { return Value::Nil };
        let message = format!("{}: {reason}", self.what);
        let reason = [("code", Value::from(Code::Io.word())), ("message", message.into())];
        // Two short texts are neither too deep nor too large.
        Value::map(reason).unwrap_or_default()
    }

    /// Whether what comes may be asked for.
    ///
    /// # Errors
    /// `closed`; `unsupported` when it goes to a callback.
    pub(crate) fn check_receivable(&self, method: &str, callback: &str) -> Result<()> {
        self.check_open(method)?;
        if self.called_back.load(Ordering::Relaxed) {
            return Err(self.taken(method, callback));
        }
        Ok(())
    }

    fn taken(&self, method: &str, callback: &str) -> Error {
        let (kind, what) = (self.kind, &self.what);
        let message = format!("{kind}.{method}: {what}: what comes goes to the function given to {callback}");
        Error::new(Code::Unsupported, message)
    }

    /// From now on what comes goes to a callback.
    ///
    /// # Errors
    /// `closed`; `unsupported` when there is a callback.
    pub(crate) fn give_to_callback(&self, method: &str) -> Result<()> {
        self.check_open(method)?;
        if self.called_back.swap(true, Ordering::Relaxed) { Err(self.taken(method, method)) } else { Ok(()) }
    }

    /// There is a callback for the end.
    ///
    /// # Errors
    /// `unsupported` when there was one.
    pub(crate) fn tell_at_close(&self) -> Result<()> {
        if !self.on_close.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let (kind, what) = (self.kind, &self.what);
        Err(Error::new(Code::Unsupported, format!("{kind}.on_close: {what}: it has a function for its end already")))
    }
}
