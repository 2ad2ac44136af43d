//! Function values: a script's function, a native as a value, and the lenient wrapper.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calog_plugin_api::{
    Args, CallInfo, Callable, CallableType, Code, Error, Facts, FunctionKey, Identity, Native, Outcome,
};

use crate::context::{ContextShared, State};
use crate::envelope::{Callee, Envelope};
use crate::limits;
use crate::worker;

/// How deep calls may be, counting those that wait suspended.
pub(crate) const MAX_LOGICAL_DEPTH: u32 = 200;

/// The same where the callee is a native that became a value: whoever is as deep as scripts may be can
/// still call natives.
const MAX_NATIVE_DEPTH: u32 = 2 * MAX_LOGICAL_DEPTH;

/// A function of a context. Its last drop releases it on the owner's thread.
pub(crate) struct ScriptFunction {
    owner: Arc<ContextShared>,
    key: u64,
}

impl ScriptFunction {
    pub(crate) fn new(owner: Arc<ContextShared>, key: u64) -> ScriptFunction {
        ScriptFunction { owner, key }
    }

    fn call_remote(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        self.owner.ask(Callee::Function(self.owner.id, FunctionKey(self.key)), info, args)
    }
}

impl CallableType for ScriptFunction {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        if let Err(error) = check_runtime(&self.owner, info, "a function", "called") {
            return Outcome::Failed(error);
        }
        match worker::current_on(&self.owner.thread) {
            // Its thread has forgotten it, and with it its name.
            Some(_) if self.owner.state() == State::Closed => Outcome::Failed(self.owner.dead()),
            Some(worker) => worker.call(self.owner.id, FunctionKey(self.key), info, args),
            None => self.call_remote(info, args),
        }
    }

    fn identity(&self) -> Identity {
        Identity { runtime: self.owner.core.id, context: self.owner.id.number(), key: self.key }
    }
}

impl Drop for ScriptFunction {
    fn drop(&mut self) {
        let (context, function) = (self.owner.id, FunctionKey(self.key));
        // A call that another thread has sent comes before the release: behind it, in the mailbox.
        match worker::current_on(&self.owner.thread).filter(|_| !self.owner.thread.mailbox.has_calls()) {
            Some(worker) => worker.release_later(context, function),
            None => self.owner.core.send(&self.owner.thread, Envelope::Release { context, function }),
        }
    }
}

/// Function values and Objects do not pass between runtimes: `what` cannot be `used` there.
#[inline]
pub(crate) fn check_runtime(
    owner: &ContextShared,
    info: &CallInfo,
    what: &str,
    used: &str,
) -> calog_plugin_api::Result<()> {
    let here = info.facts().runtime;
    if here == owner.core.id {
        return Ok(());
    }
    Err(foreign_runtime(owner, here, what, used))
}

#[cold]
fn foreign_runtime(owner: &ContextShared, here: u64, what: &str, used: &str) -> Error {
    let unsupported = Error::new(
        Code::Unsupported,
        format!("{what} of runtime {} cannot be {used} from runtime {here}", owner.core.id),
    );
    // What is gone can be called from nowhere.
    owner.check_open().err().unwrap_or(unsupported)
}

/// The same numbers one level deeper.
///
/// # Errors
/// `depth` when as many calls wait for each other as may.
#[inline]
fn deeper(mut facts: Facts, limit: u32) -> calog_plugin_api::Result<Facts> {
    if facts.depth >= limit {
        return Err(too_deep(limit));
    }
    facts.depth += 1;
    Ok(facts)
}

#[cold]
fn too_deep(limit: u32) -> Error {
    Error::new(Code::Depth, format!("{limit} calls wait for each other: the recursion between scripts is too deep"))
}

/// The numbers of a call into `context` by the code that `caller` describes.
///
/// # Errors
/// `depth` when too many calls wait for each other.
pub(crate) fn callee_facts(caller: Facts, context: &ContextShared, task: u64) -> calog_plugin_api::Result<Facts> {
    let mut facts = deeper(caller, MAX_LOGICAL_DEPTH)?;
    facts.caller = caller.context;
    facts.parent = caller.task;
    facts.context = context.id.number();
    facts.task = task;
    facts.flags = facts.flags & !Facts::LIMITED | context.flags;
    Ok(facts)
}

/// A function that was dead before anybody could call it: its context is gone, or not on this thread.
pub(crate) struct DeadFunction {
    pub(crate) runtime: u64,
    pub(crate) error: Error,
}

impl CallableType for DeadFunction {
    fn call(&self, _info: &CallInfo, _args: Args<'_>) -> Outcome {
        Outcome::Failed(self.error.clone())
    }

    fn identity(&self) -> Identity {
        Identity { runtime: self.runtime, context: 0, key: u64::MAX }
    }
}

/// Numbers natives that became values.
static NEXT_NATIVE: AtomicU64 = AtomicU64::new(1);

/// A native as a function value. It runs on whatever thread calls it.
pub(crate) struct NativeFunction {
    runtime: u64,
    number: u64,
    native: Native,
}

impl NativeFunction {
    pub(crate) fn callable(runtime: u64, native: Native) -> Callable {
        let number = NEXT_NATIVE.fetch_add(1, Ordering::Relaxed);
        Callable::new(Arc::new(NativeFunction { runtime, number, native }))
    }
}

impl CallableType for NativeFunction {
    /// Who calls it must be allowed to, wherever it comes from.
    ///
    /// A level as well, as natives that call what they are given may be given each other.
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        if limits::are_in_use()
            && let Err(error) = info.runtime().permission(info, &self.native.descriptor().name)
        {
            return Outcome::Failed(error);
        }
        match deeper(info.facts(), MAX_NATIVE_DEPTH) {
            Ok(facts) => self.native.call(&info.derive(facts), args),
            Err(error) => Outcome::Failed(error),
        }
    }

    fn identity(&self) -> Identity {
        Identity { runtime: self.runtime, context: 0, key: self.number }
    }
}

/// A function that is called leniently: what cannot be represented is coerced or dropped.
pub(crate) struct LenientFunction {
    inner: Callable,
}

impl LenientFunction {
    /// One that is lenient already stays what it is: around each other, they would end in a recursion.
    pub(crate) fn callable(inner: Callable) -> Callable {
        if inner.is_lenient() {
            return inner;
        }
        Callable::new(Arc::new(LenientFunction { inner }))
    }
}

impl CallableType for LenientFunction {
    fn call(&self, info: &CallInfo, args: Args<'_>) -> Outcome {
        let mut facts = info.facts();
        facts.flags |= Facts::LENIENT;
        self.inner.call(&info.derive(facts), args)
    }

    fn identity(&self) -> Identity {
        // It is a value of its own, so its key is made from its own address by whoever compares.
        Identity { context: 0, ..self.inner.identity() }
    }

    fn flags(&self) -> u32 {
        Callable::LENIENT
    }
}
