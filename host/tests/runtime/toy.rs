//! A toy engine that is compiled in: enough of a language to exercise the host without plugins.
//!
//! A script is a list of lines `name: act`, each of which exports a function; a line without a name
//! is done at once. Acts: `give VALUE`, `sum` (of its arguments), `apply` (calls its first argument
//! with the others), `import MODULE NAME` (calls an export of a module with its arguments),
//! `native NAME`, `waits NAME` (the same between the natives `begin.NAME` and `end.NAME`), `panic`,
//! `spin` (until it is told to stop), `suspend NATIVE` (waits for a native without blocking its
//! thread), `then NATIVE ACT` (the same, and does something when it is resumed), `yield VALUE` (gives way with a number, or nil for a word), `apply-listen` (applies, then
//! runs until it hears an interrupt), `fresh ACT` (gives a new function), `me` (gives the function
//! itself), `deaf NATIVE` (calls a native until it gives true, whatever it is told), `count` (how many functions are kept for others), `object` (gives a new object).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use calog_plugin_api::prelude::*;

/// The engine.
pub(crate) struct Toy;

impl Engine for Toy {
    const NAME: &'static str = "toy";
    const EXTENSIONS: &'static [&'static str] = &["toy"];
    type Context = Script;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Toy> {
        Ok(Toy)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Script> {
        if options.name() == "refused" {
            return Err(Error::new(Code::Unsupported, "this name is refused"));
        }
        Ok(Script::new(host))
    }
}

/// The same, for interpreters that bear no other thread than the program's.
pub(crate) struct MainToy;

impl Engine for MainToy {
    const NAME: &'static str = "maintoy";
    const EXTENSIONS: &'static [&'static str] = &["mtoy"];
    const THREADING: calog_plugin_api::Threading = calog_plugin_api::Threading::MainThread;
    type Context = Script;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<MainToy> {
        Ok(MainToy)
    }

    fn open(&self, host: Host, _options: &ContextOptions) -> Result<Script> {
        Ok(Script::new(host))
    }
}

/// One toy script.
pub(crate) struct Script {
    host: Host,
    acts: RefCell<HashMap<u64, String>>,
    next_task: Cell<u64>,
    /// What suspended tasks do when they are resumed, by their numbers.
    thens: RefCell<HashMap<u64, String>>,
    interrupted: AtomicBool,
}

impl Context for Script {
    fn load(&self, source: Source<'_>) -> Step {
        let mut exports = Vec::new();
        let lines = match source.lines() {
            Ok(lines) => lines,
            Err(error) => return Step::Done(Err(error)),
        };
        for (line, text) in lines {
            match text.split_once(": ") {
                Some((name, act)) => match self.host.function(None) {
                    Ok((callable, key)) => {
                        self.acts.borrow_mut().insert(key.0, act.trim().to_owned());
                        exports.push((name.trim().to_owned(), Value::from(callable)));
                    }
                    Err(error) => return Step::Done(Err(error)),
                },
                None if text.trim().is_empty() => {}
                None => match self.act(text.trim(), source.info, Args::new(&[])) {
                    Step::Done(Ok(_)) => {}
                    Step::Done(Err(error)) => {
                        let frame = Frame { file: source.name.into(), line, ..Frame::default() };
                        return Step::Done(Err(error.with_frame(frame)));
                    }
                    other => return other,
                },
            }
        }
        Step::Done(Value::map(exports))
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        let act = self.acts.borrow().get(&function.0).cloned().unwrap_or_default();
        match act.as_str() {
            "me" => Step::Done(self.function(Some(function), &act)),
            _ => self.act(&act, info, args),
        }
    }

    fn release(&self, function: FunctionKey) {
        self.acts.borrow_mut().remove(&function.0);
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        let then = self.thens.borrow_mut().remove(&key.0);
        match (then, self.host.info()) {
            (Some(then), Ok(info)) => self.act(&then, &info, Args::new(&[])),
            _ => Step::Done(result),
        }
    }

    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }
}

impl Script {
    fn new(host: Host) -> Script {
        Script {
            host,
            acts: RefCell::default(),
            next_task: Cell::new(1),
            thens: RefCell::default(),
            interrupted: AtomicBool::new(false),
        }
    }

    fn take_task(&self) -> TaskKey {
        TaskKey(self.next_task.replace(self.next_task.get() + 1))
    }

    fn act(&self, act: &str, info: &CallInfo, args: Args<'_>) -> Step {
        let (verb, rest) = act.split_once(' ').unwrap_or((act, ""));
        match verb {
            "fresh" => Step::Done(self.function(None, rest)),
            "object" => Step::Done(self.host.object(None, "thing", &Value::Nil).map(|(object, _)| object.into())),
            "count" => Step::Done(Ok(Value::Int(self.acts.borrow().len() as i64))),
            "give" => Step::Done(Ok(rest.parse().map_or_else(|_| Value::from(rest), Value::Int))),
            "sum" => Step::Done(Ok(Value::Int(args.iter().filter_map(View::as_int).sum()))),
            "apply" => match args.get(0).as_callable() {
                Some(callable) => self.settle(callable.call(info, args.from(1)), info),
                None => Step::Done(Err(Error::new(Code::Type, "apply wants a function"))),
            },
            "ping" => match args.get(0).as_callable() {
                // Calls its argument with itself, which calls it with ...: never ends by itself.
                Some(callable) => {
                    let me = self.host.function(Some(FunctionKey(1))).map(|(me, _)| me);
                    match me {
                        Ok(me) => self.settle(callable.call(info, Args::new(&[View::callable(&me)])), info),
                        Err(error) => Step::Done(Err(error)),
                    }
                }
                None => Step::Done(Err(Error::new(Code::Type, "ping wants a function"))),
            },
            "import" => self.import(rest, info, args),
            "native" => Step::Done(self.native(rest, info, args)),
            "waits" => Step::Done(self.native(&format!("begin.{rest}"), info, Args::new(&[])).and_then(|_| {
                let result = self.native(rest, info, args)?;
                self.native(&format!("end.{rest}"), info, Args::new(&[]))?;
                Ok(result)
            })),
            "suspend" => match self.find(rest) {
                Ok(native) => match native.call(info, args) {
                    Outcome::Pending(on) => Step::Waiting { task: self.take_task(), on },
                    settled => self.settle(settled, info),
                },
                Err(error) => Step::Done(Err(error)),
            },
            "then" => {
                let (native, then) = rest.split_once(' ').unwrap_or((rest, "give nothing"));
                let step = self.act(&format!("suspend {native}"), info, args);
                if let Step::Waiting { task, .. } = &step {
                    self.thens.borrow_mut().insert(task.0, then.to_owned());
                }
                step
            }
            "yield" => {
                let value = rest.parse().map_or(Value::Nil, Value::Int);
                Step::Yielded { task: self.take_task(), value }
            }
            "apply-listen" => {
                let applied = self.act("apply", info, args);
                while !self.interrupted.load(Ordering::Relaxed) {
                    pause();
                }
                applied
            }
            "deaf" => loop {
                match self.native(rest, info, Args::new(&[])) {
                    Ok(Value::Bool(false)) => pause(),
                    ended => break Step::Done(ended),
                }
            },
            "panic" => panic!("the toy was told to"),
            "spin" => {
                while !self.host.stopping() {
                    pause();
                }
                Step::Done(Err(Error::new(Code::Cancelled, "stopped")))
            }
            _ => Step::Done(Err(Error::new(Code::Script, format!("no act '{act}'")))),
        }
    }

    /// A function that does this: that of the known key if it is still held, or a new one.
    fn function(&self, known: Option<FunctionKey>, act: &str) -> Result<Value> {
        let (callable, key) = self.host.function(known)?;
        self.acts.borrow_mut().insert(key.0, act.to_owned());
        Ok(callable.into())
    }

    fn settle(&self, outcome: Outcome, info: &CallInfo) -> Step {
        Step::Done(outcome.settled().unwrap_or_else(|completion| self.host.wait(completion, info)))
    }

    fn find(&self, name: &str) -> Result<calog_plugin_api::Native> {
        let names = self.host.native_names();
        let names = names.view();
        let at = names.as_aggregate().and_then(|list| list.elements().position(|it| it.as_str() == Some(name)));
        self.host.native(at.ok_or_else(|| Error::new(Code::NotFound, format!("no native '{name}'")))?)
    }

    fn native(&self, name: &str, info: &CallInfo, args: Args<'_>) -> Result<Value> {
        let (name, argument) = name.split_once(' ').map_or((name, None), |(name, argument)| (name, Some(argument)));
        let native = self.find(name)?;
        let given = argument.map(Value::from);
        let views: Vec<View<'_>> = given.iter().map(Value::view).chain(args.iter()).collect();
        let outcome = native.call(info, Args::new(&views));
        outcome.settled().unwrap_or_else(|completion| self.host.wait(completion, info))
    }

    fn import(&self, rest: &str, info: &CallInfo, args: Args<'_>) -> Step {
        let (module, name) = rest.split_once(' ').unwrap_or((rest, ""));
        let exports = match self.native(&format!("calog.import {module}"), info, Args::new(&[])) {
            Ok(exports) => exports,
            Err(error) => return Step::Done(Err(error)),
        };
        match exports.view().field(name).as_callable() {
            Some(callable) => self.settle(callable.call(info, args), info),
            None => Step::Done(Ok(exports.view().field(name).to_value())),
        }
    }
}

/// A moment for the others.
fn pause() {
    #[cfg(calog_model = "shuttle")]
    shuttle::thread::yield_now();
    #[cfg(not(calog_model = "shuttle"))]
    std::hint::spin_loop();
}
