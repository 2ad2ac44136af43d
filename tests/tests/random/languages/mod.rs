//! The languages that programs are written in. A further one is one more file and one more line here.
//!
//! A language is a table of snippets. In a snippet `$word` stands for what the renderer puts there; the
//! table's fields say which words they know. What all snippets of a language share is its prologue.

mod basic;
mod javascript;
mod lua;
mod squirrel;

/// All of them.
pub(crate) const LANGUAGES: [&Language; 4] = [&lua::LUA, &javascript::JAVASCRIPT, &squirrel::SQUIRREL, &basic::BASIC];

pub(crate) struct Language {
    /// The engine's name.
    pub(crate) engine: &'static str,
    /// A script's extension.
    pub(crate) extension: &'static str,
    /// `$me` is the context's number, `$contexts` how many there are.
    ///
    /// It publishes `connect()`, which imports all others; `open(path, name, thread)`, which opens a
    /// context; `tidy()`, which lets go of all that is held and gives the number of living closures.
    pub(crate) prologue: &'static str,
    /// After all functions. `$exports` are they, by `export`, with `separator` between them.
    pub(crate) epilogue: &'static str,
    pub(crate) export: &'static str,
    pub(crate) separator: &'static str,
    pub(crate) functions: &'static [FunctionForm],
    pub(crate) sources: Sources,
    /// Data around the callable `$source`; knows `$shape`.
    pub(crate) argument: &'static str,
    /// Knows `$times`, `$plus`.
    pub(crate) mix: &'static str,
    /// Around a call: `$target`, `$call` (which uses what they name), `$keep`.
    pub(crate) call_passing: &'static str,
    pub(crate) call_catching: &'static str,
    pub(crate) call_rethrowing: &'static str,
    /// Knows `$source`, `$slot`.
    pub(crate) hold: &'static str,
    pub(crate) drop: &'static str,
    pub(crate) forget: &'static str,
    pub(crate) collect: &'static str,
    /// Knows `$left`, `$right`.
    pub(crate) compare: &'static str,
    /// Knows `$code`, `$number`, `$message`.
    pub(crate) throws: &'static [ThrowForm],
    /// Knows `$source`, `$shape`.
    pub(crate) give_back: &'static str,
    /// Knows `$context`, and `$racing`, below which sessions do it.
    pub(crate) close: &'static str,
    /// Around a step that is not always taken: `$by`, `$rest`, `$step`.
    pub(crate) when: &'static str,
    /// Knows `$target`, `$argument`, `$form`.
    pub(crate) detaches: &'static [&'static str],
}

/// One way of writing a function, and of making calls inside it.
pub(crate) struct FunctionForm {
    /// Around an exported function: `$name`, `$steps`.
    pub(crate) export: &'static str,
    /// Around a closure's maker: `$name`, `$steps`.
    pub(crate) closure: &'static str,
    /// Calls of `f`; they know `$argument` and `$form`.
    pub(crate) calls: &'static [&'static str],
    /// Knows `$first`, `$second`, `$first_argument`, `$second_argument`, `$form`.
    pub(crate) fork: &'static str,
}

/// Expressions that give a callable or the language's nothing.
pub(crate) struct Sources {
    pub(crate) none: &'static str,
    pub(crate) received: &'static str,
    pub(crate) register: &'static str,
    /// Knows `$slot`.
    pub(crate) held: &'static str,
    /// Knows `$name`.
    pub(crate) own: &'static str,
    /// Knows `$context`, `$name`.
    pub(crate) export: &'static str,
    /// Knows `$name`; none in a language without closures.
    pub(crate) closure: Option<&'static str>,
    /// Knows `$name`.
    pub(crate) native: &'static str,
}

/// One way of throwing.
pub(crate) struct ThrowForm {
    /// Whether it can say a code; else the code is `script`.
    pub(crate) coded: bool,
    pub(crate) text: &'static str,
}
