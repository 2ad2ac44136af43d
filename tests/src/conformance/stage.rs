//! A runtime with the contexts of one scenario, on which its steps are played.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::Path;
use std::time::Instant;

use calog::{CLOSE_LIMIT, Callable, Closed, ContextId, ContextRef, Error, Frame, Open, SearchPath};
use calog_plugin_api::{CallInfo, Value};

use super::language::{Language, Missing};
use super::notation::Names;
use super::props::Props;
use super::scenario::{Scenario, Threads};
use crate::{Asked, Gates, SAFETY_NET, World};

/// What `calog.args()` gives on every stage.
const ARGUMENTS: [&str; 2] = ["one", "two"];

/// The languages and threads that a scenario is run with.
#[derive(Clone, Copy)]
pub struct Combination<'a> {
    /// The language of `a`, and of `c`.
    pub a: &'a Language,
    /// The language of `b`.
    pub b: &'a Language,
    /// Whether all contexts are on one thread.
    pub shared: bool,
    /// Whether `b` takes part.
    pub pair: bool,
}

impl Display for Combination<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.a.language)?;
        if self.pair {
            write!(f, " and {}", self.b.language)?;
            f.write_str(if self.shared { " on one thread" } else { " on two threads" })?;
        }
        Ok(())
    }
}

impl Threads {
    /// What it means: whether they share one.
    pub(super) fn choices(self) -> &'static [bool] {
        match self {
            Threads::Both => &[false, true],
            Threads::Own => &[false],
            Threads::Shared => &[true],
        }
    }
}

/// A context, opened or not.
pub(super) struct Actor {
    /// Its language.
    pub(super) language: Language,
    /// Its script.
    pub(super) text: String,
    open: Option<Open>,
    context: Option<ContextRef>,
}

/// A stage; one scenario is played on it.
pub(super) struct Stage {
    /// The runtime.
    pub(super) world: World,
    /// What scripts wait at.
    pub(super) gates: Gates,
    /// The Objects.
    pub(super) props: Props,
    actors: BTreeMap<&'static str, Actor>,
    saved: RefCell<BTreeMap<String, Value>>,
    asked: RefCell<BTreeMap<String, Asked>>,
    /// How many errors a step has spoken of.
    pub(super) spoken: RefCell<usize>,
    /// Contexts whose main chunk somebody waits for. When it ends before that, its error is reported
    /// as well.
    waited_for: RefCell<Vec<ContextId>>,
    /// Contexts whose errors may be reported, whether or not somebody asks for them.
    may_report: Vec<String>,
}

impl Stage {
    /// One without contexts.
    pub(super) fn empty(search: &SearchPath) -> Stage {
        let (gates, props) = (Gates::default(), Props::default());
        let world = World::over(search.clone(), |builder| props.add_to(gates.add_to(builder)).args(ARGUMENTS));
        Stage {
            world,
            gates,
            props,
            actors: BTreeMap::new(),
            saved: RefCell::default(),
            asked: RefCell::default(),
            spoken: RefCell::new(0),
            waited_for: RefCell::default(),
            may_report: Vec::new(),
        }
    }

    /// One with these contexts written and not yet opened.
    ///
    /// # Errors
    /// What the languages lack.
    pub(super) fn new(search: &SearchPath, scenario: &Scenario, with: Combination<'_>) -> Result<Stage, Missing> {
        let mut stage = Stage::empty(search);
        stage.may_report.clone_from(&scenario.may_report);
        for (name, language, snippets) in
            [("a", with.a, &scenario.a), ("b", with.b, &scenario.b), ("c", with.a, &scenario.c)]
        {
            if !snippets.is_empty() {
                let text = language.script(snippets, with.b)?;
                stage.add(name, language, text, with.shared, scenario.lenient);
            }
        }
        Ok(stage)
    }

    /// Adds a context that is written and not yet opened.
    pub(super) fn add(&mut self, name: &'static str, language: &Language, text: String, shared: bool, lenient: bool) {
        let path = self.world.write(&format!("{name}.{}", language.extension), &text);
        let open = Open::file(path).name(name).lenient(lenient);
        let open = if shared { open.thread("shared") } else { open };
        self.actors.insert(name, Actor { language: language.clone(), text, open: Some(open), context: None });
    }

    /// The names of its contexts.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.actors.keys().copied().collect()
    }

    /// A context, opened or not.
    pub(super) fn actor(&self, name: &str) -> Result<&Actor, String> {
        self.actors.get(name).ok_or_else(|| format!("the scenario has no context '{name}'"))
    }

    /// Opens a context, without waiting.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), String> {
        let actor = self.actors.get_mut(name).ok_or_else(|| format!("the scenario has no context '{name}'"))?;
        let open = actor.open.take().ok_or_else(|| format!("'{name}' is open"))?;
        let context = self.world.runtime.open(open).map_err(|error| format!("{name}: {error:?}"))?;
        actor.context = Some(context);
        Ok(())
    }

    /// Opens a context, and gives what its main chunk came to.
    pub(super) fn load(&mut self, name: &str) -> Result<calog::Result<Value>, String> {
        self.begin(name)?;
        let context = self.context(name)?;
        self.waited_for.borrow_mut().push(context.id());
        Ok(self.world.runtime.wait_for(&context))
    }

    /// A context that was opened, or that scripts have opened by importing it.
    pub(super) fn context(&self, name: &str) -> Result<ContextRef, String> {
        self.actor(name)?.context.clone().ok_or_else(|| format!("'{name}' is not open"))
    }

    /// Splits `b.add`.
    pub(super) fn split(path: &str) -> Result<(&str, &str), String> {
        path.split_once('.').ok_or_else(|| format!("'{path}' is not of the form context.export"))
    }

    /// What a context exports.
    pub(super) fn exported(&self, path: &str) -> Result<Value, String> {
        let (name, export) = Stage::split(path)?;
        let (actor, context) = (self.actor(name)?, self.context(name)?);
        context.export(actor.language.export(export)).ok_or_else(|| format!("'{name}' exports no '{export}'"))
    }

    /// A function that a context exports, or that was saved.
    pub(super) fn function(&self, path: &str) -> Result<Callable, String> {
        let value = if path.contains('.') { self.exported(path)? } else { self.saved(path)? };
        match value {
            Value::Callable(function) => Ok(function),
            other => Err(format!("'{path}' is no function but {other:?}")),
        }
    }

    /// Starts a call.
    pub(super) fn ask(&self, path: &str, info: &CallInfo, args: &[Value]) -> Result<Asked, String> {
        Ok(Asked::of(&self.function(path)?, info, args))
    }

    /// Keeps a call that was started.
    pub(super) fn keep_asked(&self, name: &str, asked: Asked) {
        self.asked.borrow_mut().insert(name.to_owned(), asked);
    }

    /// A call that was started.
    pub(super) fn asked(&self, name: &str) -> Result<Asked, String> {
        self.asked.borrow().get(name).cloned().ok_or_else(|| format!("no call '{name}' was started"))
    }

    /// The answer to a call, of which there must be one.
    pub(super) fn answer(&self, asked: &Asked) -> Result<calog::Result<Value>, String> {
        self.until("an answer", || asked.is_answered())?;
        let mut answers = asked.answers();
        match answers.len() {
            1 => Ok(answers.remove(0)),
            many => Err(format!("{many} answers to one call")),
        }
    }

    /// Serves this thread until something is so.
    pub(super) fn until(&self, what: &str, condition: impl Fn() -> bool) -> Result<(), String> {
        let until = Instant::now() + SAFETY_NET;
        while !self.world.runtime.pump_until(&condition, std::time::Duration::from_millis(1)) {
            if Instant::now() >= until {
                return Err(format!("waited {} s in vain for {what}", SAFETY_NET.as_secs()));
            }
        }
        Ok(())
    }

    /// Saves an answer.
    pub(super) fn save(&self, name: &str, value: Value) {
        self.saved.borrow_mut().insert(name.to_owned(), value);
    }

    /// Forgets an answer.
    pub(super) fn forget(&self, name: &str) -> Result<(), String> {
        // Dropped after the borrow: it may release what lets go of others.
        let value = self.saved.borrow_mut().remove(name);
        value.map(drop).ok_or_else(|| format!("'{name}' is not saved"))
    }

    /// The errors that reached nobody, with their contexts.
    pub(super) fn reports(&self) -> Vec<(ContextId, Error)> {
        let mut all = self.world.reports();
        // By the file: a frame need not name its context.
        let stem = |frame: &Frame| Path::new(&frame.file).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let is_one = |frame: Frame| stem(&frame).is_some_and(|stem| self.may_report.contains(&stem));
        let may = |error: &Error| error.frames().any(is_one);
        all.retain(|(context, error)| !self.waited_for.borrow().contains(context) && !may(error));
        all
    }

    /// Closes everything; what was left over is a fault.
    pub(super) fn close(self) -> Result<(), String> {
        let unspoken = self.reports().split_off(*self.spoken.borrow());
        let closed = self.world.runtime.close(CLOSE_LIMIT);
        match (unspoken.first(), closed == Closed::default()) {
            (Some((_, error)), _) => Err(format!("an error reached nobody: {error:?}")),
            (None, false) => Err(format!("the runtime did not close in order: {closed:?}")),
            (None, true) => Ok(()),
        }
    }
}

impl Names for Stage {
    fn export(&self, path: &str) -> Result<Value, String> {
        self.exported(path)
    }

    fn saved(&self, name: &str) -> Result<Value, String> {
        self.saved.borrow().get(name).cloned().ok_or_else(|| format!("'{name}' is not saved"))
    }

    fn object(&self, name: &str) -> Value {
        Value::Object(self.props.object(name))
    }

    fn file(&self, name: &str) -> Result<Value, String> {
        Ok(Value::from(format!("{name}.{}", self.actor(name)?.language.extension).as_str()))
    }

    fn language(&self, name: &str) -> Result<Value, String> {
        Ok(Value::from(self.actor(name)?.language.language.as_str()))
    }
}
