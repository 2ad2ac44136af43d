//! A program as data: contexts with functions, and phases of calls into them. It names no language.
//!
//! Every number that points at something (a context, a function, a form of call) is taken modulo what
//! there is, so that any program means something and a smaller one can be tried without repair.
//!
//! All functions have one signature, `(id, session, fuel, x, argument)`: `id` numbers the call, `x` is
//! the number it works on, `argument` is nothing, a function or data with functions inside. State is kept
//! by session, and tasks that run at the same time have different ones, so their order cannot matter.
//! `fuel` bounds calls of calls, and it alone decides which steps are taken.

/// All numbers that are computed stay below it.
pub(crate) const MODULUS: i64 = 1_000_003;

/// Sessions below it may meet contexts that are closed meanwhile. Forks and detached calls have sessions of
/// their own, which stay far above it.
pub(crate) const RACING: i64 = -1_000_000_000;

/// The codes that programs throw, in the order scripts number them by.
pub(crate) const CODES: [&str; 9] =
    ["script", "type", "range", "io", "limit", "permission", "not_found", "closed", "timeout"];

/// What scripts make of an error that says that a context is closed or was stopped.
pub(crate) const GONE: i64 = 666_000;

/// How many callables a session can hold in a context.
pub(crate) const SLOTS: u8 = 3;

/// The item that an index points at.
pub(crate) fn pick<T>(all: &[T], index: u8) -> &T {
    &all[index as usize % all.len()]
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) contexts: Vec<Context>,
    pub(crate) phases: Vec<Phase>,
    /// Runs in a runtime of its own, which is then closed with everything open.
    pub(crate) fresh: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) language: u8,
    /// The shared thread that it is on; none is a thread of its own.
    pub(crate) thread: Option<u8>,
    /// Opened by the first context with `calog.open`, so that natives can close it; else by the program.
    pub(crate) by_script: bool,
    /// At least one.
    pub(crate) exports: Vec<Body>,
    /// Functions that are made when they are named, over `x` and the callable in the register.
    pub(crate) closures: Vec<Body>,
}

/// What a function does.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    /// Which of the language's ways of writing a function it is.
    pub(crate) form: u8,
    pub(crate) steps: Vec<Step>,
}

/// Where a callable is taken from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    None,
    /// What came with the call; in a closure that got nothing, what it captured.
    Received,
    /// What the last call that kept its result gave.
    Register,
    /// What this session holds in this context.
    Held(u8),
    /// A function of this context.
    Own(u8),
    /// An imported function.
    Export(u8, u8),
    /// A new function of this context.
    Closure(u8),
    Native(Kind),
}

/// The natives that take part in the calls. All mix `x`; all but two then call what they were given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Runs in place.
    Pass,
    /// Runs on the program's thread.
    Host,
    /// Runs on the pool for blocking work.
    Pool,
    /// Is finished by another thread, and is declared as waiting.
    Wait,
    /// Is finished by another thread, undeclared.
    Later,
    /// Fails.
    Fail,
    /// Holds what it was given for the session, and gives what it held before.
    Keep,
}

impl Kind {
    pub(crate) const ALL: [Kind; 7] =
        [Kind::Pass, Kind::Host, Kind::Pool, Kind::Wait, Kind::Later, Kind::Fail, Kind::Keep];

    /// Those that work the same as a function value that nobody routes to another thread.
    pub(crate) const ANYWHERE: [Kind; 4] = [Kind::Pass, Kind::Later, Kind::Fail, Kind::Keep];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Pass => "pass",
            Kind::Host => "host",
            Kind::Pool => "pool",
            Kind::Wait => "wait",
            Kind::Later => "later",
            Kind::Fail => "fail",
            Kind::Keep => "keep",
        }
    }
}

/// An argument: a callable, bare or inside data of one of `SHAPES` shapes.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) source: Source,
    pub(crate) shape: u8,
}

/// Bare, list, map, nested with the callable twice, map with an int key and noise.
pub(crate) const SHAPES: u8 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) target: Source,
    pub(crate) argument: Argument,
    /// Which of the language's ways of making a call it is.
    pub(crate) form: u8,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum OnError {
    Pass,
    Catch,
    Rethrow,
}

/// Whether a step is taken: when the fuel divided by the first leaves the second.
pub(crate) type When = (u8, u8);

pub(crate) fn is_due(when: When, fuel: i64) -> bool {
    let by = i64::from(when.0 % 3) + 1;
    fuel.rem_euclid(by) == i64::from(when.1) % by
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// `x = x * times + plus`.
    Mix {
        times: u16,
        plus: u16,
    },
    /// Calls and mixes the result in; may keep the callable in it in the register.
    Call {
        call: Call,
        on_error: OnError,
        keep: bool,
    },
    /// Makes two calls, at once where the language can, and mixes both results in.
    Fork {
        calls: Box<[Call; 2]>,
    },
    /// Makes a call and does not wait for it; its result is recorded.
    Detach {
        form: u8,
        call: Call,
    },
    /// Holds a callable for the session.
    Hold {
        source: Source,
        slot: u8,
    },
    /// Lets what is held go.
    Drop {
        slot: u8,
    },
    /// Lets the register go.
    Forget,
    /// Has the language collect its garbage, if it can be asked to.
    Collect,
    /// Mixes in whether two callables are the same.
    Compare {
        left: Source,
        right: Source,
    },
    Throw {
        when: When,
        form: u8,
        code: u8,
        message: u8,
    },
    /// Returns `x`, with a callable if there is one.
    Return {
        when: When,
        source: Source,
        shape: u8,
    },
    /// Asks a context to close, in sessions that race with closing.
    Close {
        when: When,
        context: u8,
    },
}

/// Tasks that run at the same time, and what happens once all have answered.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) tasks: Vec<Task>,
    /// Contexts that are closed while the tasks run.
    pub(crate) racing: Vec<Closing>,
    /// Served by `Runtime::run`, else by waiting for one answer after the other.
    pub(crate) by_run: bool,
    pub(crate) after: Vec<After>,
}

#[derive(Clone, Debug)]
pub(crate) struct Closing {
    pub(crate) context: u8,
    /// From another thread, where that can be.
    pub(crate) elsewhere: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum After {
    /// Closes a context, and waits until that is done.
    Close(u8),
    /// Drops what the program holds for a session, on another thread.
    Drop(u8),
    /// Opens a context that nobody calls, which takes the place of one that was closed.
    Newcomer(Context),
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) session: u8,
    pub(crate) entry: (u8, u8),
    pub(crate) x: u16,
    pub(crate) fuel: u8,
    pub(crate) given: Given,
    pub(crate) shape: u8,
    pub(crate) how: How,
}

/// What a task gets as its argument.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    Nothing,
    /// A function that a context exports.
    Export(u8, u8),
    /// A function value made of a native for this call.
    Token(u8),
    /// What the session's last task gave.
    Last,
}

/// Who makes a task's call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// The program, by `Runtime::call_export`, when all others have begun.
    CallExport,
    /// The program's thread, without waiting.
    Begin,
    /// Another thread, without waiting.
    Elsewhere,
}
