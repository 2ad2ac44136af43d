//! A host of the smallest sort, for the tests of an engine: one thread, contexts in a list, waits that
//! are finished in turn, natives named `test.*`.
//!
//! ```
//! use calog_plugin_api::mock::{Opened, printed};
//! use calog_plugin_api::prelude::*;
//!
//! /// A language whose programs print themselves.
//! struct Quine;
//! struct Program(Host);
//!
//! impl Engine for Quine {
//!     const NAME: &'static str = "quine";
//!     const EXTENSIONS: &'static [&'static str] = &["quine"];
//!     type Context = Program;
//!     fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Quine> {
//!         Ok(Quine)
//!     }
//!     fn open(&self, host: Host, _options: &ContextOptions) -> Result<Program> {
//!         Ok(Program(host))
//!     }
//! }
//!
//! impl Context for Program {
//!     fn load(&self, source: Source<'_>) -> Step {
//!         self.0.print(source.text);
//!         Step::Done(Ok(Value::from(source.name)))
//!     }
//!     fn call(&self, _function: FunctionKey, _info: &CallInfo, _args: Args<'_>) -> Step {
//!         Step::Done(Ok(Value::Nil))
//!     }
//!     fn release(&self, _function: FunctionKey) {}
//! }
//!
//! let opened = Opened::<Quine>::new();
//! assert_eq!(opened.run("quine"), Ok(Value::from("main.quine")));
//! assert_eq!(printed(), "quine");
//! ```
//!
//! All of it belongs to the thread it is used on, so tests do not see each other. What a mistaken test
//! asks of it panics.

mod host;
mod natives;
mod runtime;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use crate::{
    Args, CallInfo, Code, Completion, Context, ContextOptions, Engine, Error, Facts, FunctionKey, Host, KeptInfo,
    Result, RuntimeHandle, Source, SourceMode, Step, Value, View, WaitKey,
};

thread_local! {
    static CONTEXTS: RefCell<HashMap<u64, Rc<dyn Context>>> = RefCell::default();
    static RELEASED: RefCell<Vec<(u64, u64)>> = RefCell::default();
    static LATER: RefCell<Vec<Box<dyn FnOnce()>>> = RefCell::default();
    static NEXT: Cell<u64> = const { Cell::new(1) };
    static PRINTED: RefCell<Vec<u8>> = RefCell::default();
    static LOGGED: RefCell<Vec<String>> = RefCell::default();
    static PUMPED: Cell<u32> = const { Cell::new(0) };
}

/// A number that nothing else has.
fn next() -> u64 {
    NEXT.with(|it| it.replace(it.get() + 1))
}

fn find(context: u64) -> Option<Rc<dyn Context>> {
    CONTEXTS.with_borrow(|all| all.get(&context).cloned())
}

/// What was printed since the last time.
pub fn printed() -> String {
    String::from_utf8_lossy(&PRINTED.take()).into_owned()
}

/// What contexts logged since the last time.
pub fn logged() -> Vec<String> {
    LOGGED.take()
}

/// How many waits pumped instead of suspending, since the last time.
pub fn pumped() -> u32 {
    PUMPED.take()
}

/// Delivers what was released, as the owner's thread does between calls.
pub fn deliver_releases() {
    for (context, key) in RELEASED.take() {
        if let Some(context) = find(context) {
            context.release(FunctionKey(key));
        }
    }
}

/// How many promises of `test.later` and `test.fail_later` are not finished yet.
pub fn later() -> usize {
    LATER.with_borrow(Vec::len)
}

/// Finishes one of them.
pub fn finish_one(index: usize) {
    let finish = LATER.with_borrow_mut(|all| all.remove(index));
    finish();
}

/// Finishes the oldest of them. Whether there was one.
pub fn finish_next() -> bool {
    let is_one = later() > 0;
    if is_one {
        finish_one(0);
    }
    is_one
}

/// Finishes promises until this one is there.
fn finish(mut on: Completion) -> Result<Value> {
    loop {
        match on.try_take() {
            Ok(result) => return result,
            Err(still) => on = still,
        }
        if !finish_next() {
            return Err(Error::new(Code::Dead, "nobody will finish this"));
        }
    }
}

/// Runs waits to their end.
fn settle(context: &dyn Context, mut step: Step) -> Result<Value> {
    loop {
        match step {
            Step::Done(result) => return result,
            Step::Waiting { task, on } => step = context.resume(WaitKey(task.0), finish(on)),
            Step::Yielded { .. } => unreachable!("no engine under test yields"),
        }
    }
}

/// A runtime without threads and time: what should take time is there at once, what is posted is lost.
pub fn runtime() -> RuntimeHandle {
    RuntimeHandle::new(Arc::new(runtime::Runtime))
}

/// Circumstances for code of this context; 0 is the program.
pub fn info(context: u64) -> KeptInfo {
    KeptInfo::new(runtime(), None, Facts { context, ..Facts::default() })
}

/// A context of an engine under test, closed when it is dropped.
pub struct Opened<E: Engine> {
    /// The context itself.
    pub context: Rc<E::Context>,
    /// Its number.
    pub id: u64,
    /// Its stop flag, which `test.stop()` raises.
    pub stop: Arc<AtomicU32>,
}

impl<E: Engine> Drop for Opened<E> {
    fn drop(&mut self) {
        CONTEXTS.with_borrow_mut(|all| all.remove(&self.id));
    }
}

impl<E: Engine> Default for Opened<E> {
    fn default() -> Opened<E> {
        Opened::new()
    }
}

impl<E: Engine> Opened<E> {
    /// One without options.
    pub fn new() -> Opened<E> {
        Opened::with(false, HashMap::new())
    }

    /// One that is lenient or not, with what `calog.import` finds.
    pub fn with(lenient: bool, modules: HashMap<String, Value>) -> Opened<E> {
        let id = next() << 32;
        let options = Value::map([("name", Value::from("main")), ("lenient", Value::Bool(lenient))]);
        let options = ContextOptions::new(options.expect("a small map"));
        let stop = Arc::new(AtomicU32::new(0));
        let host = host::MockHost::new(id, natives::all(modules, &stop), options.clone(), Arc::clone(&stop));
        // A host handle stays on its thread; the contract counts it in an Arc all the same.
        #[allow(clippy::arc_with_non_send_sync)]
        let host = Host::new(Arc::new(host));
        let engine = E::new(runtime(), View::NIL).expect("no configuration");
        let context = Rc::new(engine.open(host, &options).expect("a new context"));
        let known: Rc<dyn Context> = context.clone();
        CONTEXTS.with_borrow_mut(|all| all.insert(id, known));
        Opened { context, id, stop }
    }

    /// Runs code, and its waits, to the end.
    ///
    /// # Errors
    /// The code's own.
    pub fn load(&self, mode: SourceMode, name: &str, path: &str, code: &str) -> Result<Value> {
        let info = info(self.id);
        let source = Source { mode, name, path, text: code.as_bytes(), info: &info };
        settle(&*self.context, self.context.load(source))
    }

    /// Runs a script named `main`.
    ///
    /// # Errors
    /// The script's own.
    pub fn run(&self, code: &str) -> Result<Value> {
        let extension = E::EXTENSIONS.first().copied().unwrap_or_default();
        self.load(SourceMode::File, &format!("main.{extension}"), "", code)
    }

    /// Calls a function value, of whatever context.
    ///
    /// # Errors
    /// The function's own.
    pub fn call(&self, function: &Value, args: &[View<'_>]) -> Result<Value> {
        let view = function.view();
        let outcome = view.as_callable().expect("a function").call(&info(0), Args::new(args));
        outcome.settled().expect("the mock settles")
    }
}

/// Calls a function of a context, one level deeper than its caller.
fn enter(id: u64, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Result<Value> {
    let Some(context) = find(id) else { return Err(Error::new(Code::Dead, "closed")) };
    let mut facts = info.facts();
    facts.depth += 1;
    if facts.depth > host::DEEPEST {
        return Err(Error::new(Code::Depth, "too deep"));
    }
    facts.context = id;
    settle(&*context, context.call(function, &info.derive(facts), args))
}
