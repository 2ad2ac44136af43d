//! Tally: a language whose every program adds up.
//!
//! A program has one statement a line; `#` begins a comment:
//!
//! ```text
//! 40                      adds an integer
//! import NAME             opens the module NAME, of any language
//! call NAME FUNCTION      calls an export of an imported module with the sum so far, and adds its answer
//! ```
//!
//! It exports `total`: `total()` gives the sum, `total(watcher)` calls a function of any language with
//! the sum and gives the watcher's answer, `total(watcher, more)` adds `more` first.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use calog_plugin_api::prelude::*;

export_plugin! { engine: Tally }

/// One per runtime. It opens contexts and holds nothing else.
pub struct Tally;

impl Engine for Tally {
    const NAME: &'static str = "tally";
    const EXTENSIONS: &'static [&'static str] = &["tly"];
    type Context = Sum;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Tally> {
        Ok(Tally)
    }

    fn open(&self, host: Host, _options: &ContextOptions) -> Result<Sum> {
        Ok(Sum { host, sum: Cell::new(0), modules: RefCell::default(), total: Cell::new(None) })
    }
}

/// One per script. It never leaves its thread, and holds no borrow while it calls out: who is called
/// may call `total` before it returns.
pub struct Sum {
    host: Host,
    sum: Cell<i64>,
    /// What was imported, by name: maps of exports.
    modules: RefCell<HashMap<String, Value>>,
    /// The key of `total` while somebody holds it.
    total: Cell<Option<FunctionKey>>,
}

impl Sum {
    fn run(&self, source: &Source<'_>) -> Result<Value> {
        for (line, text) in source.lines()? {
            let statement = text.split('#').next().unwrap_or_default();
            self.statement(statement, source.info).map_err(|error| place(error, source, line))?;
        }
        let (total, key) = self.host.function(self.total.get())?;
        self.total.set(Some(key));
        Value::map([("total", total)])
    }

    fn statement(&self, text: &str, info: &CallInfo) -> Result<()> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            [] => Ok(()),
            ["import", module] => self.import(module, info),
            ["call", module, function] => self.call_export(module, function, info),
            [number] => {
                let term = number.parse::<i64>().map_err(|error| script(format!("'{number}': {error}")))?;
                self.add(term)
            }
            _ => Err(script(format!("'{}' is no statement", text.trim()))),
        }
    }

    fn add(&self, term: i64) -> Result<()> {
        let sum = self.sum.get().checked_add(term);
        self.sum.set(sum.ok_or_else(|| Error::new(Code::Range, "the sum leaves 64 bits"))?);
        Ok(())
    }

    fn import(&self, module: &str, info: &CallInfo) -> Result<()> {
        let exports = self.native("calog.import", info, &[Value::from(module)])?;
        self.modules.borrow_mut().insert(module.to_owned(), exports);
        Ok(())
    }

    fn call_export(&self, module: &str, function: &str, info: &CallInfo) -> Result<()> {
        let exports = self.modules.borrow().get(module).cloned();
        let exports = exports.ok_or_else(|| script(format!("'{module}' was not imported")))?;
        let Some(function) = exports.view().field(function).as_callable() else {
            return Err(Error::new(Code::NotFound, format!("{module} exports no function '{function}'")));
        };
        let sum = Value::Int(self.sum.get());
        let answer = self.settle(function.call(info, Args::new(&[sum.view()])), info)?;
        match answer.view().as_int() {
            Some(term) => self.add(term),
            None => Err(Error::new(Code::Type, format!("wanted an int to add, got {answer:?}"))),
        }
    }

    /// Calls a native by its name.
    fn native(&self, name: &str, info: &CallInfo, args: &[Value]) -> Result<Value> {
        let names = self.host.native_names();
        let mut names = names.view().as_aggregate().into_iter().flat_map(|list| list.elements());
        let index = names.position(|it| it.as_str() == Some(name));
        let native = self.host.native(index.ok_or_else(|| Error::new(Code::NotFound, format!("no native {name}")))?)?;
        let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
        self.settle(native.call(info, Args::new(&views)), info)
    }

    /// Tally cannot suspend: what takes time is waited for in place.
    fn settle(&self, outcome: Outcome, info: &CallInfo) -> Result<Value> {
        match outcome {
            Outcome::Ready(value) => Ok(value),
            Outcome::Failed(error) => Err(error),
            Outcome::Pending(completion) => self.host.wait(completion, info),
        }
    }

    fn total(&self, info: &CallInfo, args: Args<'_>) -> Result<Value> {
        if !args.get(1).is_nil() {
            let more = args.get(1).as_int();
            self.add(more.ok_or_else(|| Error::new(Code::Type, format!("wanted an int, got {:?}", args.get(1))))?)?;
        }
        let total = Value::Int(self.sum.get());
        match args.get(0).as_callable() {
            None => Ok(total),
            Some(watcher) => self.settle(watcher.call(info, Args::new(&[total.view()])), info),
        }
    }
}

impl Context for Sum {
    fn load(&self, source: Source<'_>) -> Step {
        Step::Done(self.run(&source))
    }

    fn call(&self, _function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        Step::Done(self.total(info, args))
    }

    fn release(&self, function: FunctionKey) {
        if self.total.get() == Some(function) {
            self.total.set(None);
        }
    }
}

fn script(message: String) -> Error {
    Error::new(Code::Script, message)
}

/// The error with the statement's place as its next frame.
fn place(error: Error, source: &Source<'_>, line: u32) -> Error {
    let frame = Frame { language: "tally".into(), file: source.name.into(), line, ..Frame::default() };
    error.with_frame(frame)
}
