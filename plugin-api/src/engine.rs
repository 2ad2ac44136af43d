//! What the author of an engine writes: a language, and one interpreter of it.

use std::path::Path;

use crate::abi::{Args, CallInfo, Host, RuntimeHandle};
use crate::completion::Completion;
use crate::error::{Code, Error, Frame, Result};
use crate::value::{Value, View};

/// How many interpreters of an engine there may be, and where.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threading {
    /// Each context on a thread of its own or a shared one: the usual case.
    PerContext = 0,
    /// The interpreter has process-wide state: all its contexts share one thread.
    OneThread = 1,
    /// It runs on the program's main thread only.
    MainThread = 2,
}

/// A language: one instance per runtime, which opens contexts on any thread.
pub trait Engine: Send + Sync + Sized + 'static {
    /// The engine's name, unique among engines: "quickjs".
    const NAME: &'static str;
    /// The language it speaks: "javascript".
    const LANGUAGE: &'static str = Self::NAME;
    /// The extensions of its scripts, without dots.
    const EXTENSIONS: &'static [&'static str];
    /// Where its contexts may run.
    const THREADING: Threading = Threading::PerContext;

    /// One interpreter.
    type Context: Context;

    /// Made once for each runtime, when a script first needs the language. `config` is its section of
    /// `calog.toml`, a map, or nil.
    ///
    /// # Errors
    /// When the configuration is wrong: name the key, what was found and what was wanted.
    fn new(runtime: RuntimeHandle, config: View<'_>) -> Result<Self>;

    /// Looks at a section of `calog.toml` for it, before anything boots or is reloaded; there may be no
    /// engine yet. It is asked only when there is a section.
    ///
    /// # Errors
    /// As [`new`](Engine::new): name the key, as [`Section`](crate::Section) does.
    fn validate(config: View<'_>) -> Result<()> {
        let _ = config;
        Ok(())
    }

    /// Takes a changed section over, from any thread. Whether it can: otherwise the section is what the
    /// engine was made with, until the program starts again.
    ///
    /// # Errors
    /// When it cannot be taken over though it is valid; then the old one stays.
    fn reload(&self, config: View<'_>) -> Result<bool> {
        let _ = config;
        Ok(false)
    }

    /// Opens an interpreter, on the thread that will own it.
    ///
    /// # Errors
    /// When it cannot be made.
    fn open(&self, host: Host, options: &ContextOptions) -> Result<Self::Context>;
}

/// One interpreter. It never leaves its thread; its methods take `&self`, because a call that waits
/// may be entered again before it returns: hold no borrow while calling out.
///
/// A panic in a method that runs or releases something leaves the context dead; its callers get errors,
/// everything else goes on. A panic in one that only tells something is an answer of "cannot tell". Those
/// are `memory_used` and what follows it.
pub trait Context: 'static {
    /// Runs a main chunk. What it returns or exports in the language's own way is the step's value;
    /// when that is a map, its pairs are exported.
    fn load(&self, source: Source<'_>) -> Step;

    /// Runs a function that left this context as a callable.
    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step;

    /// The last reference to a function's callable is gone: unpin what the key stands for.
    fn release(&self, function: FunctionKey);

    /// Calls a method of an Object this context made.
    fn method(&self, object: ObjectKey, member: &str, info: &CallInfo, args: Args<'_>) -> Step {
        let _ = (object, info, args);
        Step::Done(Err(Error::new(Code::NotFound, format!("this context makes no objects with '{member}'"))))
    }

    /// The last reference to an Object is gone.
    fn release_object(&self, object: ObjectKey) {
        let _ = object;
    }

    /// What was waited for under this key is there: the key of a `Step::Waiting` (its task's number)
    /// or of a [`Host::watch`].
    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        let _ = (key, result);
        Step::Done(Err(Error::new(Code::Unsupported, "this engine suspends nothing")))
    }

    /// A task was cancelled for good and will not be resumed: free it.
    fn abandon(&self, task: TaskKey) {
        let _ = task;
    }

    /// The stop flag was raised while this context's code runs. Called on its thread, perhaps from a
    /// signal handler: it may do only what is safe there, and must not panic. An engine whose
    /// interpreter asks [`Host::stopping`] by itself needs nothing here.
    fn interrupt(&self) {}

    /// The context is about to be dropped, and nothing is called after this. What its language runs at the
    /// end (finalisers) is run here and not in the drop, so that [`interrupt`](Context::interrupt) reaches
    /// it: that is called when it takes long.
    fn end(&self) {}

    /// Bytes the interpreter has allocated; 0 when it cannot tell.
    fn memory_used(&self) -> u64 {
        0
    }

    /// Bounds what the interpreter may allocate. Whether it can.
    fn set_memory_limit(&self, bytes: u64) -> bool {
        let _ = bytes;
        false
    }

    /// What a function takes, where the language knows.
    fn signature(&self, function: FunctionKey) -> Option<crate::Descriptor> {
        let _ = function;
        None
    }

    /// Whether a REPL's input so far is a whole piece of code.
    fn is_complete(&self, input: &str) -> bool {
        let _ = input;
        true
    }

    /// Where the running code is in its script.
    fn site(&self) -> Option<Frame> {
        None
    }

    /// Where in its script something waits under this key: a suspended task, or what was watched. Asked
    /// when a program is stuck. `None` where the engine cannot tell, and for waits of its own making
    /// that another wait decides.
    fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        let _ = key;
        None
    }
}

/// What an entry into an interpreter came to.
#[derive(Debug)]
pub enum Step {
    /// The task ended.
    Done(Result<Value>),
    /// The task waits, and the thread is free for others. [`Context::resume`] gets its number as key.
    Waiting {
        /// The engine's number for the task.
        task: TaskKey,
        /// What it waits for.
        on: Completion,
    },
    /// The task gave way of its own accord; it is resumed in its turn.
    Yielded {
        /// The engine's number for the task.
        task: TaskKey,
        /// What it gave way with: nil, or milliseconds to sleep.
        value: Value,
    },
}

impl From<Result<Value>> for Step {
    fn from(result: Result<Value>) -> Step {
        Step::Done(result)
    }
}

/// The host's number for a function that left its context. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FunctionKey(pub u64);

/// The host's number for an Object that a context made. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ObjectKey(pub u64);

/// An engine's number for one of its tasks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskKey(pub u64);

/// An engine's number for one of its waits; that of a waiting task is the task's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct WaitKey(pub u64);

/// What a piece of source code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SourceMode {
    /// A script file: the context's main chunk.
    File = 0,
    /// Code given on a command line or by an embedding program.
    Eval = 1,
    /// A line of a REPL: its value is shown, its names stay.
    Repl = 2,
    /// Only look whether it can be compiled.
    Check = 3,
}

impl SourceMode {
    pub(crate) fn from_number(number: u32) -> SourceMode {
        match number {
            0 => SourceMode::File,
            2 => SourceMode::Repl,
            3 => SourceMode::Check,
            _ => SourceMode::Eval,
        }
    }
}

/// A piece of source code to run.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// What it is.
    pub mode: SourceMode,
    /// Its name in messages and traces: the path as the user gave it.
    pub name: &'a str,
    /// The file it was read from, absolute; empty when it came from none.
    pub path: &'a str,
    /// The code.
    pub text: &'a [u8],
    /// The circumstances of its task.
    pub info: &'a CallInfo,
}

impl<'a> Source<'a> {
    /// The code as text.
    ///
    /// # Errors
    /// `script`, with the line of the first byte that is not UTF-8.
    pub fn as_str(&self) -> Result<&'a str> {
        std::str::from_utf8(self.text).map_err(|error| {
            let good = &self.text[..error.valid_up_to()];
            let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count() as u32;
            self.error_at(line, "the source is not valid UTF-8 from here on")
        })
    }

    /// Its lines, numbered from 1.
    ///
    /// # Errors
    /// As [`as_str`](Source::as_str).
    pub fn lines(&self) -> Result<impl Iterator<Item = (u32, &'a str)> + use<'a>> {
        Ok((1..).zip(self.as_str()?.lines()))
    }

    /// A `script` error at a line of it.
    pub fn error_at(&self, line: u32, message: impl std::fmt::Display) -> Error {
        let frame = Frame { file: self.name.to_owned(), line, ..Frame::default() };
        Error::new(Code::Script, message.to_string()).with_frame(frame)
    }

    /// The folder of its file.
    pub fn folder(&self) -> Option<&'a Path> {
        if self.path.is_empty() { None } else { Path::new(self.path).parent() }
    }
}

/// A context's options: the keys of its `[[context]]` in `calog.toml`, as a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextOptions(Value);

impl ContextOptions {
    /// Options from a map; nil is none.
    pub fn new(map: Value) -> ContextOptions {
        ContextOptions(map)
    }

    /// The map.
    pub fn into_value(self) -> Value {
        self.0
    }

    /// An option by its key, or nil.
    pub fn get(&self, key: &str) -> View<'_> {
        self.0.view().field(key)
    }

    /// The context's name.
    pub fn name(&self) -> &str {
        self.get("name").as_str().unwrap_or_default()
    }

    /// The script, as it was named; empty when there is none.
    pub fn script(&self) -> &str {
        self.get("script").as_str().unwrap_or_default()
    }

    /// Whether values that cannot be represented are coerced instead of refused.
    pub fn lenient(&self) -> bool {
        self.get("lenient").as_bool() == Some(true)
    }
}
