//! The engine. A script of it is one word, and so is the first argument of a call:
//!
//! | word | what happens |
//! | --- | --- |
//! | `panic`, `payload`, `fail`, `never` | as a deed |
//! | `forever` | the task waits for what never comes, and somebody outside may bring |
//! | `stuck` | the task waits for what never comes, and only scripts may bring |
//! | `forgotten` | the task waits for a promise whose finisher is dropped |
//! | `suspend` | the task waits for what is there; resumed, it gives "resumed" |
//! | `watch` | what is there is watched; it comes with a key of its own |
//! | `yield` | the task gives way, with the next argument; resumed, it gives "resumed" |
//! | `object`, `function` | gives one of this context, which obeys as a call does |
//! | `apply` | calls the function that is the next argument, with the others |
//! | `native` | calls the native that the next argument names, with the others |
//! | what `garbage` names | something that makes no sense |
//! | anything else | comes back |
//!
//! Loaded, it exports `obey`. The option `orders` says what each entry does: `open`, `load`, `eval`,
//! `call`, `method`, `get`, `resume`, `watched`, `release`, `release_object`, `drop`, `interrupt`, `site`,
//! `wait_site`; the engine's configuration orders `new` and `end`. Nobody asks `abandon`, `memory`,
//! `limit`, `signature` and `complete` yet; they obey as well.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicI64, Ordering};

use calog_plugin_api::prelude::*;

use crate::deed::{Orders, never, note, obey, perform};
use crate::garbage;

/// Keys from here on are of watches.
pub(crate) const WATCHED: u64 = 1 << 32;

/// How many interrupts did not return. In a signal handler nothing else can be noted.
pub(crate) static INTERRUPTED: AtomicI64 = AtomicI64::new(0);

/// The engine.
pub(crate) struct Wicked {
    orders: Orders,
    runtime: u64,
}

impl Engine for Wicked {
    const NAME: &'static str = "wicked";
    const EXTENSIONS: &'static [&'static str] = &["wkd"];
    type Context = Spell;

    fn new(runtime: RuntimeHandle, config: View<'_>) -> Result<Wicked> {
        let engine = Wicked { orders: Orders::of(config), runtime: runtime.id() };
        engine.obey("new")?;
        Ok(engine)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Spell> {
        let orders = Orders::of(options.get("orders"));
        obey(&host, &orders, "open")?;
        Ok(Spell { host, orders, tasks: Cell::default(), own_tasks: RefCell::default() })
    }
}

impl Wicked {
    fn obey(&self, entry: &str) -> Result<()> {
        let deed = self.orders.deed(entry);
        if !deed.is_empty() {
            note(self.runtime, entry);
        }
        perform(deed)
    }
}

impl Drop for Wicked {
    fn drop(&mut self) {
        // A drop cannot fail.
        let _ = self.obey("end");
    }
}

/// One context.
pub(crate) struct Spell {
    pub(crate) host: Host,
    orders: Orders,
    tasks: Cell<u64>,
    /// Finishers of what `garbage` waits for.
    pub(crate) own_tasks: RefCell<Vec<Finisher>>,
}

impl Spell {
    pub(crate) fn obey(&self, entry: &str) -> Result<()> {
        obey(&self.host, &self.orders, entry)
    }

    /// For entries that cannot fail.
    fn obey_or_not(&self, entry: &str) {
        let _ = self.obey(entry);
    }

    fn act(&self, word: &str, info: &CallInfo, args: Args<'_>) -> Result<Step> {
        match word {
            "forever" => {
                let (on, finisher) = self.host.runtime()?.completion("something that never comes");
                std::mem::forget(finisher);
                Ok(self.wait(on))
            }
            "stuck" => {
                let (on, finisher) = self.host.runtime()?.internal_completion("something that never comes");
                std::mem::forget(finisher);
                Ok(self.wait(on))
            }
            "forgotten" => Ok(self.wait(self.host.runtime()?.completion("somebody who forgets").0)),
            "suspend" => Ok(self.wait(self.there()?)),
            "watch" => {
                self.host.watch(self.there()?, WaitKey(WATCHED), info);
                Ok(Step::Done(Ok(Value::Nil)))
            }
            "yield" => Ok(Step::Yielded { task: self.task(), value: args.get(0).to_value() }),
            "object" => Ok(Step::Done(self.object())),
            "function" => Ok(Step::Done(self.host.function(None).map(|(function, _key)| function.into()))),
            "apply" => Ok(Step::Done(self.apply(info, args))),
            "native" => Ok(Step::Done(self.native(info, args))),
            word => match garbage::act(self, word, info, args) {
                Some(result) => result,
                None => perform(word).map(|()| Step::Done(Ok(word.into()))),
            },
        }
    }

    /// A promise that is kept already.
    pub(crate) fn there(&self) -> Result<Completion> {
        let (on, finisher) = self.host.runtime()?.completion("something that is there");
        // The completion was just made, so it takes the result.
        let _ = finisher.finish(Ok("resumed".into()));
        Ok(on)
    }

    fn object(&self) -> Result<Value> {
        let members = Value::list([Descriptor::method("obey").to_value()?, Descriptor::property("it").to_value()?])?;
        let (object, _key) = self.host.object(None, "wicked.Familiar", &members)?;
        Ok(Value::Object(object))
    }

    fn apply(&self, info: &CallInfo, args: Args<'_>) -> Result<Value> {
        let Some(function) = args.get(0).as_callable() else {
            return Err(Error::new(Code::Type, "wicked: that is no function"));
        };
        self.settle(function.call(info, args.from(1)), info)
    }

    fn native(&self, info: &CallInfo, args: Args<'_>) -> Result<Value> {
        let names = self.host.native_names();
        let wanted = args.get(0).as_str();
        let at =
            names.view().as_aggregate().and_then(|names| names.elements().position(|name| name.as_str() == wanted));
        self.settle(self.host.native(at.unwrap_or(usize::MAX))?.call(info, args.from(1)), info)
    }

    /// Waits in place if need be.
    pub(crate) fn settle(&self, outcome: Outcome, info: &CallInfo) -> Result<Value> {
        match outcome.settled() {
            Ok(result) => result,
            Err(completion) => self.host.wait(completion, info),
        }
    }

    pub(crate) fn wait(&self, on: Completion) -> Step {
        Step::Waiting { task: self.task(), on }
    }

    fn task(&self) -> TaskKey {
        self.tasks.set(self.tasks.get() + 1);
        TaskKey(self.tasks.get())
    }

    fn exports(&self) -> Result<Value> {
        let (obey, _key) = self.host.function(None)?;
        Value::map([("obey", obey)])
    }

    fn run(&self, source: &Source<'_>) -> Result<Step> {
        self.obey(if source.mode == SourceMode::Eval { "eval" } else { "load" })?;
        let word = source.as_str()?.trim();
        if word == "exports" {
            return garbage::exports().map(|value| Step::Done(Ok(value)));
        }
        match self.act(word, source.info, Args::new(&[]))? {
            Step::Done(Ok(_)) => Ok(Step::Done(self.exports())),
            other => Ok(other),
        }
    }
}

fn step(result: Result<Step>) -> Step {
    result.unwrap_or_else(|error| Step::Done(Err(error)))
}

impl Context for Spell {
    fn load(&self, source: Source<'_>) -> Step {
        step(self.run(&source))
    }

    fn call(&self, _function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        let word = args.get(0).as_str().unwrap_or_default();
        step(self.obey("call").and_then(|()| self.act(word, info, args.from(1))))
    }

    fn release(&self, _function: FunctionKey) {
        self.obey_or_not("release");
    }

    fn method(&self, _object: ObjectKey, member: &str, info: &CallInfo, args: Args<'_>) -> Step {
        if member == "it" {
            return Step::Done(self.obey("get").map(|()| "it".into()));
        }
        let word = args.get(0).as_str().unwrap_or_default();
        step(self.obey("method").and_then(|()| self.act(word, info, args.from(1))))
    }

    fn release_object(&self, _object: ObjectKey) {
        self.obey_or_not("release_object");
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        if key.0 < WATCHED {
            return Step::Done(self.obey("resume").and(result).map(|value| match value {
                Value::Nil => "resumed".into(),
                value => value,
            }));
        }
        let watched = self.obey("watched").and(result);
        garbage::watched(self, key).unwrap_or(Step::Done(watched))
    }

    fn abandon(&self, _task: TaskKey) {
        self.obey_or_not("abandon");
    }

    fn interrupt(&self) {
        // Perhaps in a signal handler, where there is nobody to tell.
        match self.orders.deed("interrupt") {
            "panic" => panic!("wicked: as ordered"),
            "never" => {
                INTERRUPTED.fetch_add(1, Ordering::Relaxed);
                never()
            }
            _ => {}
        }
    }

    fn memory_used(&self) -> u64 {
        self.obey_or_not("memory");
        u64::MAX
    }

    fn set_memory_limit(&self, _bytes: u64) -> bool {
        self.obey_or_not("limit");
        true
    }

    fn signature(&self, _function: FunctionKey) -> Option<Descriptor> {
        self.obey_or_not("signature");
        None
    }

    fn is_complete(&self, _input: &str) -> bool {
        self.obey_or_not("complete");
        false
    }

    fn site(&self) -> Option<Frame> {
        self.obey_or_not("site");
        Some(Frame { line: 7, ..Frame::default() })
    }

    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        self.obey_or_not("wait_site");
        Some(Frame { file: "wicked".into(), line: key.0 as u32, ..Frame::default() })
    }
}

impl Drop for Spell {
    fn drop(&mut self) {
        self.obey_or_not("drop");
    }
}
