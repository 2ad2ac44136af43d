//! A runtime over the engines that were built beside the target, and one context of each language,
//! all on one thread.

use std::time::{Duration, Instant};

use calog::{ContextRef, Open, Runtime, SearchPath, Value};

/// Each language's engine and the script that plays its part.
const SCRIPTS: [(&str, &str); 4] = [
    ("lua", include_str!("../scripts/odd.lua")),
    ("javascript", include_str!("../scripts/odd.js")),
    ("squirrel", include_str!("../scripts/odd.nut")),
    ("basic", include_str!("../scripts/odd.bas")),
];

/// A call that takes longer than this will never end: nothing the scripts do takes long.
const SAFETY_NET: Duration = Duration::from_secs(10);

/// Set to see what an input does.
const SHOW: &str = "CALOG_FUZZ_SHOW";

/// A runtime over the plugins in the executable's folder. Output is dropped.
pub fn runtime() -> Runtime {
    let target = std::env::current_exe().expect("a target knows its own path");
    let plugins = target.parent().expect("it lies in a folder");
    let builder = Runtime::builder().plugins(SearchPath::of([plugins])).output(std::io::sink()).on_error(|_, _| ());
    builder.build().expect("a runtime over these plugins")
}

/// One context of each language. Each exports `same(value)`, which gives what it got, and
/// `odd(number, value, size)`, which makes something of the value that only this language has.
pub struct Languages {
    runtime: Runtime,
    contexts: Vec<ContextRef>,
    shown: bool,
}

impl Languages {
    /// Opens them all.
    #[expect(clippy::new_without_default, reason = "it starts threads")]
    pub fn new() -> Languages {
        let runtime = runtime();
        let open = |(language, text): (&str, &str)| {
            let context = runtime.open(Open::source(language, text).thread("fuzz")).expect("a context");
            runtime.wait_for(&context).unwrap_or_else(|error| panic!("{language}: {error:?}"));
            context
        };
        let contexts = SCRIPTS.map(open).into();
        Languages { runtime, contexts, shown: std::env::var_os(SHOW).is_some() }
    }

    /// All of them, by number.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.contexts.len()
    }

    /// A language's name.
    pub fn name(&self, language: usize) -> &str {
        SCRIPTS[language].0
    }

    /// Calls one of a language's two functions. Never ends the context, whatever it is given.
    pub fn call(&self, language: usize, function: &str, args: &[Value]) -> calog::Result<Value> {
        let context = &self.contexts[language];
        let Some(Value::Callable(callable)) = context.export(function) else {
            panic!("{} exports no {function}", self.name(language))
        };
        let started = Instant::now();
        let result = self.runtime.call_within(SAFETY_NET, &callable, args);
        if self.shown {
            println!("{}.{function}{args:?} = {result:?} in {:?}", self.name(language), started.elapsed());
        }
        assert!(!context.is_closed(), "{} died of {function}{args:?}: {result:?}", self.name(language));
        if let Err(error) = &result {
            use calog::Code;
            assert!(
                ![Code::Panic, Code::Timeout, Code::Dead].contains(&error.code()),
                "{}.{function}{args:?}: {error:?}",
                self.name(language)
            );
        }
        result
    }
}

impl Languages {
    /// Calls a function that a language made.
    ///
    /// # Errors
    /// The function's.
    pub fn call_value(&self, function: &Value, args: &[Value]) -> calog::Result<Value> {
        let Value::Callable(callable) = function else { return Ok(Value::Nil) };
        self.runtime.call_within(SAFETY_NET, callable, args)
    }
}
