//! The thread: commands, then work, then events, again and again.
//!
//! Invariant: a socket that something happened to stands in the line of those to be worked on, once;
//! the thread sleeps only while that line is empty, no command waits, and nothing is due.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use calog_plugin_api::{Counted, KeyMap, Level};
use crossbeam_channel::Receiver;
use mio::event::Event;
use mio::{Events, Poll, Registry, Token};

use super::datagram::Datagram;
use super::greeting::Greeting;
use super::listener::Listener;
use super::opening::Opening;
use super::stream::Stream;
use super::wire::Wire;
use super::{Command, Deed, Id, Line};

/// The token of whoever wakes the thread: no socket's.
pub(super) const WAKER: Token = Token(0);

/// How many events are taken at once.
const EVENTS: usize = 1024;

/// How much is read at once.
const SCRATCH: usize = 128 * 1024;

/// What a socket is at the moment.
pub(super) enum Entry {
    Opening(Box<Opening>),
    Greeting(Box<Greeting>),
    Stream(Box<Stream>),
    Listener(Box<Listener>),
    Datagram(Box<Datagram>),
}

/// What becomes of a socket that was worked on.
pub(super) enum Fate {
    Stays,
    /// There is more to do; others come first.
    Again,
    Becomes(Entry),
    Gone,
}

/// A socket, with what the thread notes of it.
struct Slot {
    entry: Entry,
    /// It stands in the line of those to be worked on.
    queued: bool,
    /// When the thread looks at it again.
    alarm: Option<Instant>,
    /// Among the sockets of whoever has it.
    _counted: Counted,
}

/// A socket that others have made.
pub(super) struct Born {
    pub(super) id: Id,
    pub(super) entry: Entry,
    pub(super) counted: Counted,
}

/// What sockets work with.
pub(super) struct Shop {
    pub(super) line: Arc<Line>,
    pub(super) registry: Registry,
    pub(super) scratch: Box<[u8]>,
    /// When this turn began.
    pub(super) now: Instant,
    pub(super) born: Vec<Born>,
    /// What listeners' connections have come to that greeted.
    pub(super) greeted: Vec<(Id, Option<(Id, Wire)>)>,
    /// A listener has run out of descriptors.
    pub(super) short: bool,
    /// A descriptor was given back.
    pub(super) freed: bool,
}

impl Shop {
    /// How long a closed socket's bytes may take to go out.
    pub(super) fn flush(&self) -> Duration {
        self.line.flush()
    }

    pub(super) fn warn(&self, message: &str) {
        self.line.runtime.log(Level::Warn, 0, message);
    }
}

/// The thread's own.
pub(super) struct Reactor {
    poll: Poll,
    commands: Receiver<Command>,
    shop: Shop,
    sockets: KeyMap<Id, Slot>,
    /// Those to be worked on.
    queue: Vec<Id>,
    alarms: BinaryHeap<Reverse<(Instant, Id)>>,
    /// When it ends at the latest, once it was told to.
    ending: Option<Instant>,
}

impl Reactor {
    /// # Errors
    /// The system's, when it has no descriptor left.
    pub(super) fn new(poll: Poll, commands: Receiver<Command>, line: Arc<Line>) -> io::Result<Reactor> {
        let shop = Shop {
            line,
            registry: poll.registry().try_clone()?,
            scratch: vec![0; SCRATCH].into(),
            now: Instant::now(),
            born: Vec::new(),
            greeted: Vec::new(),
            short: false,
            freed: false,
        };
        let sockets = KeyMap::default();
        Ok(Reactor { poll, commands, shop, sockets, queue: Vec::new(), alarms: BinaryHeap::new(), ending: None })
    }

    pub(super) fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            self.take_commands();
            self.ring();
            self.work();
            if self.has_ended() {
                return;
            }
            if let Err(error) = self.wait(&mut events)
                && error.kind() != io::ErrorKind::Interrupted
            {
                // Without events nothing can go on; whoever waits is answered by the end.
                return self.shop.line.runtime.log(Level::Error, 0, &format!("net: the I/O thread ends: {error}"));
            }
            self.shop.now = Instant::now();
            for event in &events {
                self.happened(event);
            }
        }
    }

    fn take_commands(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Do(id, Deed::Open(opening, counted)) => {
                    self.insert(Born { id, entry: Entry::Opening(opening), counted });
                }
                Command::Do(id, deed) => self.command(id, deed),
                Command::ContextClosed(context) => self.close_those_of(Some(context)),
                Command::End(until) => {
                    self.ending = Some(until);
                    self.close_those_of(None);
                }
            }
        }
    }

    fn insert(&mut self, born: Born) {
        let Born { id, entry, counted } = born;
        self.sockets.insert(id, Slot { entry, queued: true, alarm: None, _counted: counted });
        self.queue.push(id);
    }

    fn command(&mut self, id: Id, deed: Deed) {
        let flush = self.shop.flush();
        // What is gone needs no command; a promise in it is answered by being dropped.
        let Some(slot) = self.sockets.get_mut(&id) else { return super::refuse(deed) };
        match &mut slot.entry {
            Entry::Opening(opening) => opening.command(deed),
            // Nobody knows it yet.
            Entry::Greeting(_) => {}
            Entry::Stream(stream) => stream.command(deed, flush),
            Entry::Listener(listener) => listener.command(deed),
            Entry::Datagram(datagram) => datagram.command(deed, flush),
        }
        if !slot.queued {
            slot.queued = true;
            self.queue.push(id);
        }
    }

    /// Closes the sockets of a context, or all.
    fn close_those_of(&mut self, context: Option<u64>) {
        let flush = self.shop.flush();
        for (id, slot) in &mut self.sockets {
            let owner = match &slot.entry {
                Entry::Opening(opening) => opening.owner,
                Entry::Greeting(greeting) => greeting.owner,
                Entry::Stream(stream) => stream.owner,
                Entry::Listener(listener) => listener.owner,
                Entry::Datagram(datagram) => datagram.owner,
            };
            if context.is_some_and(|context| context != owner) {
                continue;
            }
            match &mut slot.entry {
                Entry::Opening(opening) => opening.command(Deed::Close),
                Entry::Greeting(greeting) => greeting.close(),
                Entry::Stream(stream) => stream.close(flush),
                Entry::Listener(listener) => listener.command(Deed::Close),
                Entry::Datagram(datagram) => datagram.command(Deed::Close, flush),
            }
            if !slot.queued {
                slot.queued = true;
                self.queue.push(*id);
            }
        }
    }

    fn happened(&mut self, event: &Event) {
        let Some(slot) = self.sockets.get_mut(&(event.token().0 as Id)) else { return };
        match &mut slot.entry {
            // They try whatever they wait for.
            Entry::Opening(_) | Entry::Greeting(_) => {}
            Entry::Stream(stream) => stream.event(event),
            Entry::Listener(listener) => listener.event(),
            Entry::Datagram(datagram) => datagram.event(event),
        }
        if !slot.queued {
            slot.queued = true;
            self.queue.push(event.token().0 as Id);
        }
    }

    /// Those whose time has come.
    fn ring(&mut self) {
        while let Some(Reverse((when, id))) = self.alarms.peek().copied() {
            if when > self.shop.now {
                return;
            }
            self.alarms.pop();
            if let Some(slot) = self.sockets.get_mut(&id) {
                if slot.alarm == Some(when) {
                    slot.alarm = None;
                }
                if !slot.queued {
                    slot.queued = true;
                    self.queue.push(id);
                }
            }
        }
    }

    fn work(&mut self) {
        for id in std::mem::take(&mut self.queue) {
            let Some(slot) = self.sockets.get_mut(&id) else { continue };
            slot.queued = false;
            let fate = match &mut slot.entry {
                Entry::Opening(opening) => opening.work(&mut self.shop),
                Entry::Greeting(greeting) => greeting.work(&mut self.shop),
                Entry::Stream(stream) => stream.work(&mut self.shop),
                Entry::Listener(listener) => listener.work(&mut self.shop),
                Entry::Datagram(datagram) => datagram.work(&mut self.shop),
            };
            match fate {
                Fate::Stays => self.set_alarm(id),
                Fate::Again => self.queue_up(id),
                Fate::Becomes(entry) => {
                    slot.entry = entry;
                    self.queue_up(id);
                }
                Fate::Gone => {
                    self.sockets.remove(&id);
                    self.shop.freed = true;
                }
            }
            for born in std::mem::take(&mut self.shop.born) {
                self.insert(born);
            }
        }
        for (listener, wire) in std::mem::take(&mut self.shop.greeted) {
            if let Some(Slot { entry: Entry::Listener(it), .. }) = self.sockets.get_mut(&listener) {
                it.has_greeted(wire);
            }
            self.queue_up(listener);
        }
        if std::mem::take(&mut self.shop.freed) && std::mem::take(&mut self.shop.short) {
            self.resume_listeners();
        }
    }

    fn queue_up(&mut self, id: Id) {
        if let Some(slot) = self.sockets.get_mut(&id)
            && !slot.queued
        {
            slot.queued = true;
            self.queue.push(id);
        }
    }

    fn set_alarm(&mut self, id: Id) {
        let Some(slot) = self.sockets.get_mut(&id) else { return };
        let due = match &slot.entry {
            Entry::Opening(opening) => opening.deadline(),
            Entry::Greeting(greeting) => greeting.deadline(),
            Entry::Stream(stream) => stream.deadline(),
            Entry::Listener(listener) => listener.deadline(),
            Entry::Datagram(datagram) => datagram.deadline(),
        };
        if let Some(due) = due
            && slot.alarm.is_none_or(|alarm| due < alarm)
        {
            slot.alarm = Some(due);
            self.alarms.push(Reverse((due, id)));
        }
    }

    /// Descriptors are there again, for listeners that ran out of them.
    fn resume_listeners(&mut self) {
        for (id, slot) in &mut self.sockets {
            if let Entry::Listener(listener) = &mut slot.entry
                && listener.resume()
                && !slot.queued
            {
                slot.queued = true;
                self.queue.push(*id);
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.ending.is_some_and(|until| self.sockets.is_empty() || self.shop.now >= until)
    }

    /// Sleeps until something happens.
    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let asleep = &self.shop.line.asleep;
        // ORDERING: see `Line::tell`.
        asleep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let busy = !self.queue.is_empty() || !self.commands.is_empty();
        let due = self.alarms.peek().map(|Reverse((when, _))| *when).into_iter().chain(self.ending).min();
        let timeout = match due {
            _ if busy => Some(Duration::ZERO),
            Some(due) => Some(due.saturating_duration_since(Instant::now())),
            None => None,
        };
        let waited = self.poll.poll(events, timeout);
        asleep.store(false, Ordering::SeqCst);
        waited
    }
}
