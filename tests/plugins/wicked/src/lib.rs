//! A plugin that misbehaves on order, to show that the host stands it: an engine that panics in the
//! entry its script names, and natives that panic, never answer or forget to. (To answer twice does
//! not compile: `finish` consumes the finisher.)
//!
//! A script of the engine `wicked` is one word, and so is the first argument of a call:
//!
//! | word | what happens |
//! | --- | --- |
//! | `panic` | this entry panics |
//! | `payload` | this entry panics with a payload whose own drop panics |
//! | `waiting` | the step waits for a completion that nobody finishes |
//! | `forgotten` | the step waits for a completion whose finisher is dropped |
//! | `yield` | the step yields; resumed, it gives "resumed" |
//! | `resume-panic` | the step waits for a finished completion; `resume` panics |
//! | `release-panic` | done; `release` of a function or an Object will panic |
//! | `drop-panic` | done; the context's drop will panic |
//! | `deep` | the value given nests 128 levels |
//! | `object` | gives an Object of this context, whose method `obey(word)` does what the word says |
//! | anything else | done: the word comes back |
//!
//! Loaded, it exports `obey(word)`. The options `open = "panic"`, `open = "fail"` and the engine's
//! configuration `new = "panic"`, `new = "fail"` reach the entries before a script exists; `drop = "panic"`
//! there has the engine's own drop panic. The bundle's configuration orders its hooks: see `natives`.
#![forbid(unsafe_code)]

mod natives;

use std::cell::Cell;

use calog_plugin_api::prelude::*;

use natives::wicked;

export_plugin! { engine: Wicked, bundle: wicked }

/// The engine.
pub struct Wicked {
    drop_panics: bool,
}

impl Engine for Wicked {
    const NAME: &'static str = "wicked";
    const EXTENSIONS: &'static [&'static str] = &["wkd"];
    type Context = Spell;

    fn new(_runtime: RuntimeHandle, config: View<'_>) -> Result<Wicked> {
        order(config.field("new"))?;
        Ok(Wicked { drop_panics: config.field("drop").as_str() == Some("panic") })
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Spell> {
        order(options.get("open"))?;
        Ok(Spell { host, release_panics: Cell::default(), drop_panics: Cell::default(), tasks: Cell::default() })
    }
}

impl Drop for Wicked {
    fn drop(&mut self) {
        assert!(!self.drop_panics, "wicked: dropping the engine");
    }
}

/// `panic` or `fail`, where there is no script yet to say so.
pub(crate) fn order(word: View<'_>) -> Result<()> {
    match word.as_str() {
        Some("panic") => panic!("wicked: as ordered"),
        Some("fail") => Err(Error::new(Code::Io, "wicked: as ordered")),
        _ => Ok(()),
    }
}

/// One context.
pub struct Spell {
    host: Host,
    release_panics: Cell<bool>,
    drop_panics: Cell<bool>,
    tasks: Cell<u64>,
}

/// A panic's payload that panics again when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("wicked: dropping the payload");
    }
}

impl Spell {
    fn obey(&self, word: &str) -> Result<Step> {
        match word {
            "panic" => panic!("wicked: as ordered"),
            "payload" => std::panic::panic_any(Payload),
            "release-panic" => self.release_panics.set(true),
            "drop-panic" => self.drop_panics.set(true),
            "waiting" => {
                let (on, finisher) = self.host.runtime()?.completion("something that never comes");
                std::mem::forget(finisher);
                return Ok(self.wait(on));
            }
            "forgotten" => return Ok(self.wait(self.host.runtime()?.completion("somebody who forgets").0)),
            "resume-panic" => {
                let (on, finisher) = self.host.runtime()?.completion("something that is there");
                // The completion was just made, so it takes the result.
                let _ = finisher.finish(Ok("panic".into()));
                return Ok(self.wait(on));
            }
            "yield" => return Ok(Step::Yielded { task: self.task(), value: Value::Nil }),
            "deep" => return Ok(Step::Done(natives::nested(128))),
            "object" => return Ok(Step::Done(self.object())),
            _ => {}
        }
        Ok(Step::Done(Ok(word.into())))
    }

    fn object(&self) -> Result<Value> {
        let members = Value::list([Descriptor::method("obey").to_value()?])?;
        let (object, _key) = self.host.object(None, "wicked.Familiar", &members)?;
        Ok(Value::Object(object))
    }

    fn wait(&self, on: Completion) -> Step {
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
}

fn step(result: Result<Step>) -> Step {
    result.unwrap_or_else(|error| Step::Done(Err(error)))
}

impl Context for Spell {
    fn load(&self, source: Source<'_>) -> Step {
        let word = match source.as_str() {
            Ok(text) => text.trim(),
            Err(error) => return Step::Done(Err(error)),
        };
        match step(self.obey(word)) {
            Step::Done(Ok(_)) => Step::Done(self.exports()),
            other => other,
        }
    }

    fn call(&self, _function: FunctionKey, _info: &CallInfo, args: Args<'_>) -> Step {
        step(self.obey(args.get(0).as_str().unwrap_or_default()))
    }

    fn release(&self, _function: FunctionKey) {
        assert!(!self.release_panics.get(), "wicked: releasing");
    }

    fn method(&self, _object: ObjectKey, _member: &str, _info: &CallInfo, args: Args<'_>) -> Step {
        step(self.obey(args.get(0).as_str().unwrap_or_default()))
    }

    fn release_object(&self, _object: ObjectKey) {
        assert!(!self.release_panics.get(), "wicked: releasing an object");
    }

    fn resume(&self, _key: WaitKey, result: Result<Value>) -> Step {
        match result {
            Ok(value) if value.view().as_str() == Some("panic") => panic!("wicked: resumed"),
            Ok(_) => Step::Done(Ok("resumed".into())),
            Err(error) => Step::Done(Err(error)),
        }
    }

    fn abandon(&self, _task: TaskKey) {
        assert!(!self.release_panics.get(), "wicked: abandoned");
    }
}

impl Drop for Spell {
    fn drop(&mut self) {
        assert!(!self.drop_panics.get(), "wicked: dropping the context");
    }
}
