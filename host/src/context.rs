//! A context as all threads see it: who it is, where it runs, what it exports, whether it lives.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use calog_plugin_api::host_side::{Callback, STOP_CONTEXT};
use calog_plugin_api::{
    Args, Builder, CallInfo, Code, ContextOptions, Error, Facts, Finisher, Frame, Outcome, Result, Shape, Str, Value,
};

use crate::core::Core;
use crate::envelope::{Callee, Envelope};
use crate::exports::Exports;
use crate::ids::ContextId;
use crate::limits::{Rights, Taken};
use crate::output::Printer;
use crate::restarting::{self, Supervised};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU8, Ordering};
use crate::thread::Thread;
use crate::waits::Waits;

/// The states of a context, and who may do what in each.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It is, or will be, on its thread: calls may be sent.
    Open = 0,
    /// Asked to close: no new calls, running ones end or are interrupted.
    Closing = 1,
    /// Gone, or its engine panicked: every call is a `dead` error.
    Closed = 2,
}

/// A context, shared.
pub(crate) struct ContextShared {
    pub(crate) core: Arc<Core>,
    pub(crate) id: ContextId,
    pub(crate) name: String,
    pub(crate) engine: String,
    pub(crate) language: String,
    /// The script as it was named, and its absolute path; empty without one.
    pub(crate) script: String,
    pub(crate) path: String,
    pub(crate) thread: Arc<Thread>,
    pub(crate) options: ContextOptions,
    /// What it may; none when it is trusted.
    pub(crate) rights: Option<Arc<Rights>>,
    /// It counts among what its opener has open.
    counted: Mutex<Option<Taken>>,
    /// What is so of all its calls.
    pub(crate) flags: u32,
    /// It was opened by an import, which is told how the main chunk ended, sooner or later.
    imported: bool,
    pub(crate) printer: Printer,
    /// What a call to it is waited for as.
    pub(crate) call_text: Str,
    state: AtomicU8,
    pub(crate) stop: AtomicU32,
    /// What it is to be resumed for: on its thread, but for the end of a lost one.
    pub(crate) waits: Waits,
    exports: Mutex<Exports>,
    main: Mutex<Main>,
    /// Who is told when it closes.
    closers: Mutex<Vec<Callback>>,
    /// How it is started again, if it is.
    pub(crate) supervised: Option<Supervised>,
}

fn flags(options: &ContextOptions, is_limited: bool) -> u32 {
    let lenient = if options.lenient() { Facts::LENIENT } else { 0 };
    let limited = if is_limited { Facts::LIMITED } else { 0 };
    lenient | limited
}

/// The main chunk's result, and who waits for it.
enum Main {
    Running(Vec<Finisher>),
    Ended(Result<Value>),
}

/// What a context is made with.
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) engine: String,
    pub(crate) language: String,
    pub(crate) script: String,
    pub(crate) path: String,
    pub(crate) options: ContextOptions,
    pub(crate) imported: bool,
    pub(crate) supervised: Option<Supervised>,
    pub(crate) rights: Option<Arc<Rights>>,
    pub(crate) counted: Option<Taken>,
}

impl ContextShared {
    pub(crate) fn new(core: &Arc<Core>, id: ContextId, thread: &Arc<Thread>, identity: Identity) -> ContextShared {
        let Identity { name, engine, language, script, path, options, imported, supervised, rights, counted } =
            identity;
        ContextShared {
            core: Arc::clone(core),
            id,
            call_text: Str::new(format!("a call to context '{name}'")),
            name,
            engine,
            language,
            script,
            path,
            thread: Arc::clone(thread),
            flags: flags(&options, rights.is_some()),
            rights,
            counted: Mutex::new(counted),
            imported,
            options,
            printer: Printer::new(&core.sink),
            state: AtomicU8::new(State::Open as u8),
            stop: AtomicU32::new(0),
            waits: Waits::default(),
            exports: Mutex::default(),
            main: Mutex::new(Main::Running(Vec::new())),
            closers: Mutex::default(),
            supervised,
        }
    }

    pub(crate) fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            0 => State::Open,
            1 => State::Closing,
            _ => State::Closed,
        }
    }

    /// Moves on to a later state. Whether it was in an earlier one.
    pub(crate) fn advance(&self, state: State) -> bool {
        let advanced = self.state.fetch_max(state as u8, Ordering::AcqRel) < state as u8;
        if advanced {
            self.tell_closers();
        }
        advanced
    }

    /// It is gone, and counts no more among what its opener has open.
    pub(crate) fn uncount(&self) {
        drop(self.counted.lock().take());
    }

    /// What it may of something is used up: so it is told, and so it ends, if that is its policy.
    #[cold]
    pub(crate) fn at_limit(&self, error: Error) -> Error {
        if error.code() == Code::Limit && self.rights.as_ref().is_some_and(|rights| rights.closes_at_limit()) {
            tracing::warn!("context '{}' is closed: {}", self.name, error.message());
            self.ask_to_close();
        }
        error
    }

    /// Runs the hook once it closes.
    pub(crate) fn when_closed(&self, hook: Callback) {
        self.closers.lock().push(hook);
        // It may have closed before the hook was there to be told.
        if self.state() != State::Open {
            self.tell_closers();
        }
    }

    fn tell_closers(&self) {
        let closers = std::mem::take(&mut *self.closers.lock());
        closers.into_iter().for_each(Callback::ring);
    }

    /// The error for a call to a context that takes none.
    pub(crate) fn dead(&self) -> Error {
        Error::new(Code::Dead, format!("context '{}' is closed", self.name))
    }

    /// Sends a call to its thread; the outcome is pending, or failed when it takes no calls.
    pub(crate) fn ask(&self, callee: Callee, info: &CallInfo, args: Args<'_>) -> Outcome {
        match self.check_open() {
            Ok(()) => self.core.ask(&self.thread, self.call_text.clone(), callee, info, args),
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Whether it takes calls.
    ///
    /// # Errors
    /// `dead` when it does not.
    #[inline]
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.state() == State::Open { Ok(()) } else { Err(self.dead()) }
    }

    /// Raises the stop flag, and has running code look at it.
    pub(crate) fn request_stop(&self) {
        self.stop.fetch_or(STOP_CONTEXT, Ordering::Release);
        self.thread.mailbox.wake();
        crate::interrupt::interrupt(&self.core, &self.thread);
    }

    /// Where its stop flag is, by which it is known to signal handlers.
    pub(crate) fn stop_address(&self) -> usize {
        std::ptr::from_ref(&self.stop).addr()
    }

    /// Its thread is lost: it takes no calls.
    pub(crate) fn close_at_once(&self) {
        self.advance(State::Closed);
    }

    /// Its thread is lost: who waits for it is told, and it is forgotten.
    pub(crate) fn lose(self: &Arc<ContextShared>, error: &Error) {
        let told = self.main_ended(&Err(error.clone()));
        let is_started_again = restarting::failed(self, error);
        if !is_started_again && !told {
            self.report_main(error);
        }
        // For its own thread, should that come back.
        self.stop.fetch_or(STOP_CONTEXT, Ordering::Release);
        self.waits.fail(error);
        self.forget_values();
        if !is_started_again {
            self.core.forget_context(self);
        }
    }

    /// Asks it to close: no new calls, running code is interrupted, and its thread ends it. May be repeated.
    pub(crate) fn ask_to_close(&self) {
        if self.advance(State::Closing) {
            self.request_stop();
        }
        self.core.send(&self.thread, Envelope::Close { context: self.id, reply: None });
    }

    /// Whether it is to stop, all of it.
    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire) & STOP_CONTEXT != 0
    }

    /// Publishes a value; a second one of the name replaces the first.
    pub(crate) fn export(&self, name: &str, value: Value) {
        let replaced = self.exports.lock().set(name, value);
        // After the lock: it may hold foreign references.
        drop(replaced);
    }

    /// Publishes what a main chunk returned: a map's pairs, or the value itself as `default`.
    pub(crate) fn export_result(&self, value: &Value) {
        let view = value.view();
        match view.as_aggregate() {
            Some(map) if map.shape() == Shape::Map => {
                for pair in map.pairs() {
                    if let Some(name) = pair.key.as_str() {
                        self.export(name, pair.value.to_value());
                    }
                }
            }
            _ if view.is_nil() => {}
            _ => self.export("default", value.clone()),
        }
    }

    /// An export by its name.
    pub(crate) fn exported(&self, name: &str) -> Option<Value> {
        self.exports.lock().get(name).cloned()
    }

    /// All that is exported so far, as a map.
    pub(crate) fn exports(&self) -> Result<Value> {
        let exports = self.exports.lock().all().to_vec();
        let mut builder = Builder::new();
        builder.begin(Shape::Map)?;
        for (name, value) in &exports {
            builder.key_str(name.as_bytes())?;
            builder.value(value)?;
        }
        builder.end_distinct()?;
        builder.finish()
    }

    /// Drops the exports and the main chunk's value, when the context ends: functions in them keep
    /// their owner alive, and so would keep it for ever. Values are dropped outside the locks.
    pub(crate) fn forget_values(&self) {
        let _exports = std::mem::take(&mut *self.exports.lock());
        let _value = match &mut *self.main.lock() {
            Main::Ended(result @ Ok(_)) => std::mem::replace(result, Err(self.dead())).ok(),
            _ => None,
        };
    }

    /// Finishes with the main chunk's result, once it is there.
    pub(crate) fn when_main_ends(&self, finisher: Finisher) {
        let result = match &mut *self.main.lock() {
            Main::Running(waiters) => {
                waiters.push(finisher);
                return;
            }
            Main::Ended(result) => result.clone(),
        };
        // A waiter that left misses nothing: the result stays.
        let _ = finisher.finish(result);
    }

    /// The main chunk has ended. Only the first result counts. Whether somebody is told of it: an import
    /// may come to wait only now.
    pub(crate) fn main_ended(&self, result: &Result<Value>) -> bool {
        let waiters = {
            let mut main = self.main.lock();
            match &mut *main {
                Main::Running(waiters) => {
                    let waiters = std::mem::take(waiters);
                    *main = Main::Ended(result.clone());
                    waiters
                }
                Main::Ended(_) => return true,
            }
        };
        let told = self.imported || !waiters.is_empty();
        for waiter in waiters {
            let _ = waiter.finish(result.clone());
        }
        told
    }

    /// The error the main chunk ended with, if it did.
    pub(crate) fn main_error(&self) -> Option<Error> {
        match &*self.main.lock() {
            Main::Ended(Err(error)) => Some(error.clone()),
            _ => None,
        }
    }

    pub(crate) fn main_is_running(&self) -> bool {
        matches!(*self.main.lock(), Main::Running(_))
    }

    /// Reports the main chunk's error, which nobody waits for; unless the program is ending anyway.
    pub(crate) fn report_main(&self, error: &Error) {
        if !self.stopping() && !self.core.closing.load(Ordering::Acquire) {
            self.core.report(self.id, error.clone());
        }
    }

    /// An error's frame for the context as a whole.
    pub(crate) fn frame(&self) -> Frame {
        Frame {
            language: self.language.clone(),
            context: self.name.clone(),
            file: self.script.clone(),
            ..Frame::default()
        }
    }
}
