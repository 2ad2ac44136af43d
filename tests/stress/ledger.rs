//! What is promised of every call and of every promise, counted: each ends exactly once.
//!
//! A call is entered with what it must come to, answered or left by who made it, and noted by the
//! script that runs it. A promise is finished, cancelled or left. What is wrong is noted as a
//! complaint, as it may be found on any thread, and fails the round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::SeqCst};

use calog::plugin_api::{Code, Error, Result, Value};
use parking_lot::Mutex;

/// What a call must come to.
#[derive(Clone, Debug)]
pub(crate) enum Expect {
    /// This value.
    Value(Value),
    /// An error of this code with this at its message's end.
    Failure(Code, String),
    /// A value with `code` and `message` like that.
    Caught(String, String),
    /// This value, or what becomes of a wait that is cancelled or whose other side left.
    Settled(Value),
    /// An end of the context, sooner or later.
    End,
    /// Any value.
    Any,
}

/// The accounts of one round.
#[derive(Default)]
pub(crate) struct Ledger {
    calls: Mutex<Vec<Arc<Call>>>,
    promises: Mutex<Vec<Arc<Promise>>>,
    /// Calls that are not answered, and work of other threads that is not done.
    open: AtomicUsize,
    complaints: Mutex<Vec<String>>,
    /// Set before the first context is asked to close: from then on calls may be answered `dead`.
    pub(crate) closing: AtomicBool,
    /// Calls that ended at the bound of nesting.
    pub(crate) too_deep: AtomicUsize,
}

/// One call.
struct Call {
    what: String,
    runs: AtomicU32,
    answers: AtomicU32,
    ran_well: AtomicBool,
    /// Whether the script says when it runs.
    is_noted: bool,
}

/// One promise made by a native.
#[derive(Default)]
pub(crate) struct Promise {
    /// The finisher's result was taken.
    finished: AtomicU32,
    /// The wait was cancelled.
    cancelled: AtomicU32,
    /// The hook for a wait that ended otherwise has run.
    hooks: AtomicU32,
    /// The finisher was dropped, so that nobody knows whose end came first.
    dropped: AtomicU32,
}

impl Promise {
    pub(crate) fn hook(&self) {
        self.hooks.fetch_add(1, SeqCst);
    }

    pub(crate) fn finished(&self, taken: bool) {
        self.finished.fetch_add(taken.into(), SeqCst);
    }

    pub(crate) fn cancelled(&self, done: bool) {
        self.cancelled.fetch_add(done.into(), SeqCst);
    }

    pub(crate) fn dropped(&self) {
        self.dropped.fetch_add(1, SeqCst);
    }

    /// Whether it ended once.
    fn is_sound(&self) -> bool {
        let [finished, cancelled, hooks, dropped] =
            [&self.finished, &self.cancelled, &self.hooks, &self.dropped].map(|it| it.load(SeqCst));
        let ends = finished + hooks;
        cancelled <= hooks && if dropped == 1 { ends <= 1 } else { ends == 1 }
    }
}

/// A call on its way. Dropped without an answer it complains.
pub(crate) struct Ticket {
    ledger: Arc<Ledger>,
    call: Arc<Call>,
    pub(crate) number: i64,
    expect: Expect,
    /// Its deadline may end it, or its token.
    pub(crate) may_be_ended: bool,
    over: bool,
}

/// Work of another thread that is not done.
pub(crate) struct Pending(Arc<Ledger>);

impl Ledger {
    /// Enters a call whose script says when it runs.
    pub(crate) fn call(self: &Arc<Ledger>, what: String, expect: Expect) -> Ticket {
        self.enter(what, expect, true)
    }

    /// Enters a call whose script says nothing.
    pub(crate) fn silent_call(self: &Arc<Ledger>, what: String, expect: Expect) -> Ticket {
        self.enter(what, expect, false)
    }

    fn enter(self: &Arc<Ledger>, what: String, expect: Expect, is_noted: bool) -> Ticket {
        let mut calls = self.calls.lock();
        let (runs, answers, ran_well) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
        calls.push(Arc::new(Call { what, runs, answers, ran_well, is_noted }));
        let (call, number) = (Arc::clone(&calls[calls.len() - 1]), calls.len() as i64);
        self.open.fetch_add(1, SeqCst);
        Ticket { ledger: Arc::clone(self), call, number, expect, may_be_ended: false, over: false }
    }

    /// The call of this number runs; 0 is one that nobody counts.
    pub(crate) fn ran(&self, number: i64) {
        if let Some(call) = number.checked_sub(1).and_then(|at| self.calls.lock().get(at as usize).cloned()) {
            call.runs.fetch_add(1, SeqCst);
        }
    }

    /// Enters a promise.
    pub(crate) fn promise(&self) -> Arc<Promise> {
        let promise = Arc::new(Promise::default());
        self.promises.lock().push(Arc::clone(&promise));
        promise
    }

    /// Enters work of another thread.
    pub(crate) fn pending(self: &Arc<Ledger>) -> Pending {
        self.open.fetch_add(1, SeqCst);
        Pending(Arc::clone(self))
    }

    /// How much is not settled.
    pub(crate) fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    /// Notes that something is wrong.
    pub(crate) fn complain(&self, text: String) {
        self.complaints.lock().push(text);
    }

    /// Whether an error may come to whoever calls now.
    pub(crate) fn permits(&self, error: &Error) -> bool {
        match error.code() {
            Code::Depth => {
                self.too_deep.fetch_add(1, SeqCst);
                true
            }
            Code::Dead | Code::Closed | Code::Cancelled => self.closing.load(SeqCst),
            _ => false,
        }
    }

    /// Calls that are not answered, in words.
    pub(crate) fn unanswered(&self) -> Vec<String> {
        let calls = self.calls.lock();
        calls.iter().filter(|call| call.answers.load(SeqCst) == 0).map(|call| call.what.clone()).collect()
    }

    /// Fails when something was wrong. Everything must be settled.
    pub(crate) fn close(&self, words: &str) {
        let mut wrong = std::mem::take(&mut *self.complaints.lock());
        for call in &*self.calls.lock() {
            let (runs, answers) = (call.runs.load(SeqCst), call.answers.load(SeqCst));
            let must_have_run = call.is_noted && call.ran_well.load(SeqCst);
            if answers != 1 || runs > 1 || (must_have_run && runs != 1) {
                wrong.push(format!("{}: ran {runs} times, answered {answers} times", call.what));
            }
        }
        let promises = self.promises.lock();
        let unsound: Vec<_> = promises.iter().enumerate().filter(|(_, promise)| !promise.is_sound()).collect();
        wrong
            .extend(unsound.iter().map(|(at, promise)| format!("promise {at} ended otherwise than once: {promise:?}")));
        assert!(wrong.is_empty(), "{words}:\n{}", wrong.join("\n"));
    }

    /// The calls made.
    pub(crate) fn count(&self) -> usize {
        self.calls.lock().len()
    }
}

impl std::fmt::Debug for Promise {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [finished, cancelled, hooks, dropped] =
            [&self.finished, &self.cancelled, &self.hooks, &self.dropped].map(|it| it.load(SeqCst));
        write!(f, "finished {finished}, cancelled {cancelled}, hooks {hooks}, dropped {dropped}")
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

impl Ticket {
    /// The answer has come.
    pub(crate) fn answer(mut self, result: &Result<Value>) {
        if let Err(wrong) = self.check(result) {
            self.ledger.complain(format!("{}: {wrong}", self.call.what));
        }
        self.call.ran_well.store(result.is_ok(), SeqCst);
        self.end();
    }

    /// Whoever called left without waiting, which is an end, too.
    pub(crate) fn leave(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.over = true;
        self.call.answers.fetch_add(1, SeqCst);
        self.ledger.open.fetch_sub(1, SeqCst);
    }

    fn check(&self, result: &Result<Value>) -> Result<(), String> {
        let is_end = |code| matches!(code, Code::Dead | Code::Cancelled | Code::Closed);
        let right = match (&self.expect, result) {
            (Expect::Value(wanted) | Expect::Settled(wanted), Ok(value)) => value == wanted,
            (Expect::Any, Ok(_)) => true,
            (Expect::Caught(code, end), Ok(value)) => self.is_caught(value, code, end),
            (Expect::Failure(code, end), Err(error)) => error.code() == *code && error.message().ends_with(end),
            (Expect::Settled(_) | Expect::End, Err(error)) => is_end(error.code()),
            (Expect::End | Expect::Failure(..), Ok(_)) => false,
            (Expect::Value(_) | Expect::Any | Expect::Caught(..), Err(_)) => false,
        };
        let ended = |error: &Error| self.may_be_ended && matches!(error.code(), Code::Timeout | Code::Cancelled);
        let permitted = |error: &Error| ended(error) || self.ledger.permits(error);
        if right || result.as_ref().err().is_some_and(permitted) {
            return Ok(());
        }
        Err(format!("wanted {:?}, got {result:?}", self.expect))
    }

    /// Whether a script caught what it should, or what it may at such a time.
    fn is_caught(&self, value: &Value, code: &str, end: &str) -> bool {
        let field = |key| value.view().field(key).as_str().unwrap_or_default();
        if field("code") == code && field("message").ends_with(end) {
            return true;
        }
        let caught = Code::from_word(field("code")).map(|code| Error::new(code, field("message")));
        let ended = |error: &Error| self.may_be_ended && matches!(error.code(), Code::Timeout | Code::Cancelled);
        caught.is_some_and(|error| ended(&error) || self.ledger.permits(&error))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.over {
            self.ledger.complain(format!("{}: dropped without an answer", self.call.what));
            self.ledger.open.fetch_sub(1, SeqCst);
        }
    }
}
