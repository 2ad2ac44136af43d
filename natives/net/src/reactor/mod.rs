//! The one I/O thread of a runtime, and the line by which all others reach it.
//!
//! The thread owns every socket; others hold an id that is never given twice, and send commands. The
//! queue is strictly first in, first out, so the commands of one socket are done in the order of the
//! calls. The thread starts with the first socket and enters no interpreter: it finishes promises and
//! starts callbacks, which run on their home threads.

mod callback;
mod datagram;
mod greeting;
mod incoming;
mod link;
mod listener;
mod opening;
mod outgoing;
mod stream;
mod turn;
mod wire;

use std::collections::{HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use calog_plugin_api::{CallInfo, Code, Counted, Error, Finisher, Level, Result, RuntimeHandle, Str};
use crossbeam_channel::Sender;
use mio::Waker;

pub(crate) use callback::Callback;
pub(crate) use link::Link;
pub(crate) use opening::{Goal, Opening};
pub(crate) use outgoing::Sending;
pub(crate) use stream::{CHUNK, Receiver, Want};

use crate::config::Config;
use crate::place::Target;
use crate::tls::Security;
use turn::Reactor;

/// A socket's number, never given twice.
pub(crate) type Id = u64;

/// The number of a wait, by which it is cancelled; of the same row as ids.
pub(crate) type Ticket = u64;

/// What an opening waits for.
pub(crate) struct Prepared {
    /// The addresses, in the order in which they are tried.
    pub(crate) targets: VecDeque<Target>,
    pub(crate) security: Option<Security>,
}

/// Who waits for a connection.
pub(crate) struct Taker {
    pub(crate) ticket: Ticket,
    pub(crate) context: u64,
    pub(crate) finisher: Finisher,
    /// The connection, among the context's sockets.
    pub(crate) counted: Counted,
}

/// What is to be done with a socket.
pub(crate) enum Deed {
    /// It begins to be opened.
    Open(Box<Opening>, Counted),
    /// Its name is looked up, and its certificates are read.
    Resolved(io::Result<Prepared>),
    Send(Sending),
    SendTo {
        bytes: Str,
        /// None while the name is looked up.
        to: Option<Target>,
        ticket: Ticket,
        finisher: Finisher,
    },
    /// The name of a `SendTo` is looked up.
    ResolvedFor(Ticket, io::Result<VecDeque<Target>>),
    Receive(Receiver),
    /// A context wants the next connection.
    Accept(Taker),
    /// The next datagram.
    Next(Ticket, Finisher),
    OnData(Callback),
    OnClose(Callback, Arc<Link>),
    OnConnection(Callback),
    /// A callback has ended.
    CalledBack,
    /// No more sending.
    Shutdown,
    Cancel(Ticket),
    Close,
    /// No script holds it any more.
    Dropped,
}

/// What the thread is told.
pub(crate) enum Command {
    Do(Id, Deed),
    ContextClosed(u64),
    /// Ends, once everything is closed and what was sent has gone, but no later than this.
    End(Instant),
}

/// The way to the thread.
pub(crate) struct Line {
    sender: Sender<Command>,
    waker: Waker,
    /// Whether the thread sleeps, or is about to.
    asleep: AtomicBool,
    last: AtomicU64,
    pub(crate) runtime: RuntimeHandle,
    config: Mutex<Config>,
    /// The contexts that have sockets and have not closed.
    owners: Mutex<HashSet<u64>>,
}

/// Nothing panics under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    /// How long a closed socket's bytes may take to go out.
    fn flush(&self) -> Duration {
        lock(&self.config).flush
    }

    /// A number for a socket or a wait.
    pub(crate) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Tells the thread. After its end nobody listens: promises in the command are answered by being
    /// dropped.
    pub(crate) fn send(&self, id: Id, deed: Deed) {
        self.tell(Command::Do(id, deed));
    }

    fn tell(&self, command: Command) {
        let _ = self.sender.send(command);
        // ORDERING: sequentially consistent on both sides: either this sees that the thread is about to
        // sleep, or the thread sees the command before it does.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) && self.asleep.swap(false, Ordering::SeqCst) {
            // The waker's descriptor is open as long as this is.
            let _ = self.waker.wake();
        }
    }

    /// A promise whose wait can be cancelled: the command `Cancel` with its ticket then comes to the
    /// socket.
    pub(crate) fn promise(
        self: &Arc<Line>,
        info: &CallInfo,
        id: Id,
        text: &str,
    ) -> (calog_plugin_api::Completion, Ticket, Finisher) {
        let (completion, finisher) = info.runtime().completion(text);
        let (line, ticket) = (Arc::clone(self), self.number());
        finisher.on_cancel(move || line.send(id, Deed::Cancel(ticket)));
        (completion, ticket, finisher)
    }

    /// From now on the thread is told when this context closes.
    pub(crate) fn own(self: &Arc<Line>, context: u64) {
        if context == 0 || !lock(&self.owners).insert(context) {
            return;
        }
        let line = Arc::downgrade(self);
        self.runtime.when_closed(context, move || {
            let Some(line) = line.upgrade() else { return };
            // The thread looks here after it has made a socket; so it misses none.
            lock(&line.owners).remove(&context);
            line.tell(Command::ContextClosed(context));
        });
    }

    /// Whether a context may have sockets. The program's own ends with the runtime.
    fn is_open(&self, context: u64) -> bool {
        context == 0 || lock(&self.owners).contains(&context)
    }
}

/// The thread, once there is one.
pub(crate) struct Thread {
    runtime: RuntimeHandle,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    config: Config,
    running: Option<(Arc<Line>, JoinHandle<()>)>,
    ended: bool,
}

impl Thread {
    pub(crate) fn new(runtime: RuntimeHandle) -> Thread {
        Thread { runtime, state: Mutex::default() }
    }

    pub(crate) fn configure(&self, config: Config) {
        let mut state = lock(&self.state);
        state.config = config;
        if let Some((line, _)) = &state.running {
            *lock(&line.config) = config;
        }
    }

    /// The way to the thread, which is started if there is none.
    ///
    /// # Errors
    /// `io` when the system gives no thread or descriptors, `closed` after the end.
    pub(crate) fn line(&self) -> Result<Arc<Line>> {
        let mut state = lock(&self.state);
        if let Some((line, _)) = &state.running {
            return Ok(Arc::clone(line));
        }
        if state.ended {
            return Err(Error::new(Code::Closed, "the program ends: no socket can be opened any more"));
        }
        let failed = |error: io::Error| Error::from(error).inside("net: the I/O thread cannot be started");
        let poll = mio::Poll::new().map_err(failed)?;
        let waker = Waker::new(poll.registry(), turn::WAKER).map_err(failed)?;
        let (sender, receiver) = crossbeam_channel::unbounded();
        let line = Arc::new(Line {
            sender,
            waker,
            asleep: AtomicBool::new(false),
            last: AtomicU64::new(0),
            runtime: self.runtime.clone(),
            config: Mutex::new(state.config),
            owners: Mutex::default(),
        });
        let reactor = Reactor::new(poll, receiver, Arc::clone(&line)).map_err(failed)?;
        let thread = std::thread::Builder::new().name("net".into()).spawn(move || reactor.run()).map_err(failed)?;
        state.running = Some((Arc::clone(&line), thread));
        Ok(line)
    }

    /// Ends the thread, once what was sent has gone, or the limit has passed.
    pub(crate) fn end(&self) {
        let running = {
            let mut state = lock(&self.state);
            state.ended = true;
            state.running.take()
        };
        let Some((line, thread)) = running else { return };
        line.tell(Command::End(Instant::now() + line.flush()));
        if thread.join().is_err() {
            line.runtime.log(Level::Error, 0, "net: the I/O thread panicked");
        }
    }
}

impl Drop for Thread {
    /// A bundle that was never shut down flushes nothing.
    fn drop(&mut self) {
        if let Some((line, _thread)) = lock(&self.state).running.take() {
            line.tell(Command::End(Instant::now()));
        }
    }
}

/// Answers what was wanted of a socket that is gone.
fn refuse(deed: Deed) {
    let finisher = match deed {
        Deed::Send(Sending { waiter: Some((_, finisher)), .. })
        | Deed::SendTo { finisher, .. }
        | Deed::Receive(Receiver { finisher, .. })
        | Deed::Accept(Taker { finisher, .. })
        | Deed::Next(_, finisher) => finisher,
        // It was closed before it was asked to tell: it tells now.
        Deed::OnClose(callback, link) => {
            if callback.call(&link.reason(), || {}) == callback::Called::Full {
                link.line.runtime.log(Level::Error, callback.context(), "net: nobody could be told of an end");
            }
            return;
        }
        _ => return,
    };
    // Who was cancelled needs no answer.
    let _ = finisher.finish(Err(Error::new(Code::Closed, "net: the socket is closed")));
}

/// The moment so much later, if there is a limit and there is such a moment.
pub(crate) fn after(limit: Option<Duration>) -> Option<Instant> {
    limit.and_then(|limit| Instant::now().checked_add(limit))
}

/// The error that the system had a reason for.
fn system(doing: &str, what: &str, error: &io::Error) -> Error {
    Error::new(Code::Io, format!("{doing}: {what}: {error}"))
}
