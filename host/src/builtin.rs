//! The `calog` module: what every script can ask of the broker itself.

use std::sync::{Arc, Weak};

use calog_plugin_api::host_side::BundleHandle;
use calog_plugin_api::{
    Args, Bundle, CallInfo, Callable, Code, Descriptor, Error, Level, Object, ObjectType, Outcome, Rest, Result, Value,
    View,
};

use crate::context::ContextShared;
use crate::core::Core;
use crate::function::LenientFunction;
use crate::ids::ContextId;
use crate::limits;
use crate::opening::{Open, id_of};

/// The bundle of a runtime.
pub(crate) fn bundle(core: &Arc<Core>) -> Result<BundleHandle> {
    let core = Broker(Arc::downgrade(core));
    let with = |act: fn(&Broker, &CallInfo) -> Result<Value>| {
        let core = core.clone();
        move |info: &CallInfo| act(&core, info)
    };
    let (export, import, open, exit) = (core.clone(), core.clone(), core.clone(), core.clone());
    let log = core.clone();
    let bundle = Bundle::new("calog")
        .function("export", move |info: &CallInfo, name: &str, value: Value| export.export(info, name, value))
        .params(["name", "value"])
        .doc("Publishes a function or any data under this context's name; a second export of the name replaces the first.")
        .function("import", move |info: &CallInfo, module: &str| import.import(info, module))
        .params(["module"])
        .returns("map")
        .flags(Descriptor::IN_PLACE)
        .doc("Opens a module if it is not open, waits until its main chunk has run, and gives its exports.")
        .function("call", |info: &CallInfo, function: &Callable, args: Rest<'_>| function.call(info, args.0))
        .params(["function", "arguments"])
        .returns("any")
        .flags(Descriptor::IN_PLACE)
        .doc("Calls any function value.")
        .function("open", move |info: &CallInfo, path: &str, options: Option<View<'_>>| open.open(info, path, options))
        .params(["path", "options"])
        .returns("context")
        .flags(Descriptor::IN_PLACE)
        .doc("Opens a script in a new context of its own.")
        .function("self", with(Broker::who))
        .returns("map")
        .doc("Says who the calling context is: id, name, language, engine, script, thread.")
        .function("log", move |info: &CallInfo, level: &str, words: Rest<'_>| log.log(info, level, words.0))
        .params(["level", "words"])
        .doc("Writes a structured log line; levels are error, warn, info, debug, trace.")
        .function("args", with(Broker::args))
        .returns("list of string")
        .doc("Gives the program's arguments.")
        .function("exit", move |code: Option<i32>| exit.exit(code))
        .params(["code"])
        .doc("Ends the program, running all shutdown work.")
        .function("lenient", |function: Callable| LenientFunction::callable(function))
        .params(["function"])
        .returns("function")
        .doc("Gives a function that coerces or drops what cannot be represented, instead of failing.");
    bundle.check().map(BundleHandle::new)
}

/// The natives' way to the runtime, which they do not keep alive.
#[derive(Clone)]
struct Broker(Weak<Core>);

impl Broker {
    fn core(&self) -> Result<Arc<Core>> {
        self.0.upgrade().ok_or_else(|| Error::new(Code::Dead, "the runtime is closed"))
    }

    /// The calling context; none is the embedding program.
    fn caller(core: &Core, info: &CallInfo) -> Option<Arc<ContextShared>> {
        core.context(ContextId(info.context()))
    }

    fn export(&self, info: &CallInfo, name: &str, value: Value) -> Result<()> {
        let core = self.core()?;
        let caller = Broker::caller(&core, info).ok_or_else(|| {
            Error::new(Code::Unsupported, "calog.export: only contexts export; the program registers natives")
        })?;
        caller.export(name, value);
        Ok(())
    }

    fn import(&self, info: &CallInfo, module: &str) -> Result<Outcome> {
        let core = self.core()?;
        let caller = Broker::caller(&core, info);
        let context = core.find_module(caller.as_deref(), module)?;
        let (importer, imported) = (id_of(caller.as_deref()), context.id);
        if !context.main_is_running() {
            return Ok(finished_exports(&context).into());
        }
        if !core.modules.wait(importer, imported) {
            // They import each other: what has been exported so far has to do, as in Node.
            return Ok(context.exports().into());
        }
        let (completion, finisher) = core.promise(format!("the import of '{module}'"), false);
        let (ended, end) = core.promise("", false);
        context.when_main_ends(end);
        ended.then(move |_result| {
            core.modules.end_wait(importer, imported);
            // An importer that left is no loss.
            let _ = finisher.finish(finished_exports(&context));
        });
        Ok(Outcome::Pending(completion))
    }

    fn open(&self, info: &CallInfo, path: &str, options: Option<View<'_>>) -> Result<Value> {
        let core = self.core()?;
        let caller = Broker::caller(&core, info);
        let folder = caller.as_ref().and_then(|context| std::path::Path::new(&context.path).parent());
        let mut open = Open::file(path).by(caller.as_ref().and_then(|context| context.rights.as_ref()));
        if let Some(options) = options {
            open = read_options(open, options)?;
        }
        let opened = core.open(open, folder);
        let (context, main) = opened.map_err(|error| match &caller {
            Some(caller) => caller.at_limit(error),
            None => error,
        })?;
        if let Some(main) = main {
            main.then(drop);
        }
        Ok(Value::Object(Object::new(Arc::new(ContextObject { context }))))
    }

    fn who(&self, info: &CallInfo) -> Result<Value> {
        let core = self.core()?;
        let Some(context) = Broker::caller(&core, info) else {
            return Value::map([("id", Value::Int(0)), ("name", "host".into()), ("language", "rust".into())]);
        };
        Value::map([
            ("id", Value::Int(context.id.number() as i64)),
            ("name", Value::from(context.name.as_str())),
            ("language", Value::from(context.language.as_str())),
            ("engine", Value::from(context.engine.as_str())),
            ("script", Value::from(context.script.as_str())),
            ("thread", Value::from(context.thread.name.as_str())),
        ])
    }

    fn log(&self, info: &CallInfo, level: &str, words: Args<'_>) -> Result<()> {
        let known = Level::from_word(level).ok_or_else(|| {
            Error::new(
                Code::Range,
                format!("calog.log: argument 1 'level': '{level}' is none of error, warn, info, debug, trace"),
            )
        })?;
        let words: Vec<String> = words.iter().map(word).collect();
        let core = self.core()?;
        let context = core.context(ContextId(info.context()));
        let name = context.as_ref().map_or("calog", |context| &context.name);
        crate::runtime_handle::log(known, name, core.task_name(info).as_deref(), &words.join(" "));
        Ok(())
    }

    /// The context's own arguments, if its options give some, else the program's.
    fn args(&self, info: &CallInfo) -> Result<Value> {
        let core = self.core()?;
        let own = Broker::caller(&core, info).map(|context| context.options.get("args").to_value());
        match own {
            Some(own @ Value::Aggregate(_)) => Ok(own),
            _ => Value::list(core.args.iter().map(String::as_str)),
        }
    }

    fn exit(&self, code: Option<i32>) -> Result<()> {
        let core = self.core()?;
        // Nothing of the caller runs on: its stop flag is up, and this error unwinds it.
        core.end(code.unwrap_or(0));
        Err(Error::new(Code::Cancelled, "the program ends"))
    }
}

/// A log word: strings bare, other values as they show.
fn word(view: View<'_>) -> String {
    view.as_bytes().map_or_else(|| format!("{view:?}"), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// The exports of a context whose main chunk has ended, or the error it ended with.
fn finished_exports(context: &ContextShared) -> Result<Value> {
    match context.main_error() {
        Some(error) => Err(error),
        None => context.exports(),
    }
}

/// Reads the options of `calog.open`: the keys of a context in `calog.toml`.
fn read_options(open: Open, options: View<'_>) -> Result<Open> {
    let wrong = |what: String| Error::new(Code::Type, format!("calog.open: argument 2 'options': {what}"));
    let map = options.as_aggregate().ok_or_else(|| wrong(format!("wanted a map, got {}", options.kind().name())))?;
    if map.list_len() > 0 {
        return Err(wrong("wanted a map, got a list".into()));
    }
    map.pairs().try_fold(open, |open, pair| {
        let key = pair.key.as_str().unwrap_or_default();
        match (key, pair.value.as_str(), pair.value.as_bool()) {
            ("name", Some(name), _) => Ok(open.name(name)),
            ("thread", Some(thread), _) => Ok(open.thread(thread)),
            ("lenient", _, Some(lenient)) => Ok(open.lenient(lenient)),
            ("args", ..) => Ok(open.option("args", pair.value.to_value())),
            _ if limits::KEYS.contains(&key) => Ok(open.option(key, pair.value.to_value())),
            ("name" | "thread", None, _) => {
                Err(wrong(format!("'{key}': wanted string, got {}", pair.value.kind().name())))
            }
            ("lenient", ..) => Err(wrong(format!("'lenient': wanted bool, got {}", pair.value.kind().name()))),
            _ => {
                let known = ["name", "thread", "lenient", "args"].into_iter().chain(limits::KEYS);
                let known = known.collect::<Vec<_>>().join(", ");
                Err(wrong(format!("unknown key {:?}; known are {known}", pair.key)))
            }
        }
    })
}

/// What `calog.open` gives.
struct ContextObject {
    context: Arc<ContextShared>,
}

impl ContextObject {
    fn wait(&self) -> Outcome {
        let text = format!("the end of context '{}'", self.context.name);
        let (completion, finisher) = self.context.core.promise(text, false);
        self.context.when_main_ends(finisher);
        Outcome::Pending(completion)
    }
}

impl ObjectType for ContextObject {
    fn type_name(&self) -> &str {
        "context"
    }

    fn members(&self) -> Value {
        let members = [
            Descriptor::property("id"),
            Descriptor::property("name"),
            Descriptor::method("close"),
            Descriptor::method("wait").with_flags(Descriptor::WAITS),
            Descriptor::method("exports"),
        ];
        let members: Result<Vec<Value>> = members.iter().map(Descriptor::to_value).collect();
        members.and_then(Value::list).unwrap_or_default()
    }

    fn get(&self, _info: &CallInfo, property: &str) -> Result<Value> {
        match property {
            "id" => Ok(Value::Int(self.context.id.number() as i64)),
            "name" => Ok(Value::from(self.context.name.as_str())),
            _ => Err(Error::new(Code::NotFound, format!("a context has no property '{property}'"))),
        }
    }

    fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
        if !args.is_empty() {
            let message = format!("context.{method}: takes no arguments, got {}", args.len());
            return Outcome::Failed(Error::new(Code::Arity, message));
        }
        match method {
            "close" => {
                self.context.ask_to_close();
                Outcome::Ready(Value::Nil)
            }
            "wait" => self.wait(),
            "exports" => self.context.exports().into(),
            _ => Outcome::Failed(Error::new(Code::NotFound, format!("a context has no method '{method}'"))),
        }
    }

    fn text(&self) -> String {
        format!("<context '{}'>", self.context.name)
    }
}
