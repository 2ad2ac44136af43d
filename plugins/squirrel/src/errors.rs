//! Errors both ways.
//!
//! In: a table with `code`, `message` and `trace`, whose text is the message; but a value that some
//! script threw comes back as that value. Out: a thrown string is the message; an error that only
//! passed through keeps its code, trace and thrown value.

use std::cell::RefCell;
use std::collections::VecDeque;

use calog_plugin_api::{Code, Error, Frame};

use crate::core::Core;
use crate::ffi::{Entry, Kept, Level, Misspelt, Ref, Reply, Stack, Type, Unwound};
use crate::{convert, task};

/// What code that is stopped ends with.
pub(crate) const STOPPED: &str = "the context was stopped";

/// Values thrown by scripts whose errors are remembered: they are thrown on soon or never.
const REMEMBERED: usize = 8;

/// The key of an error in its table's delegate. What is there is a userdata, which scripts cannot make.
const KEY: &str = "_error";

impl Kept for Error {
    const MARK: u64 = 0xca10_6ca1_5c1e_0004;
}

/// The errors that thrown values came in with, for when they are thrown on.
#[derive(Default)]
pub(crate) struct Origins(RefCell<VecDeque<(Ref, Error)>>);

/// Has the running native raise the error.
#[cold]
pub(crate) fn raise(core: &Core, stack: Stack, error: &Error) -> Reply {
    push(core, error);
    stack.copy_from(core.main, -1);
    core.main.pop(1);
    Reply::Raise
}

/// Raises a text, as Squirrel's own functions do.
#[cold]
pub(crate) fn raise_message(stack: Stack, message: &str) -> Reply {
    stack.str(message);
    Reply::Raise
}

/// Makes it the thread's last error that the context shall stop.
#[cold]
pub(crate) fn throw_stopped(stack: Stack) {
    stack.str(STOPPED);
    stack.set_error();
}

/// Makes it the thread's last error that calls nest too deeply.
#[cold]
pub(crate) fn throw_overflow(core: &Core, stack: Stack) {
    throw(core, stack, &too_deep());
}

/// Makes it the thread's last error that there is no more memory.
#[cold]
pub(crate) fn throw_over_limit(core: &Core, stack: Stack) {
    throw(core, stack, &over_limit(core));
}

/// The error of a context that has used up its memory.
pub(crate) fn over_limit(core: &Core) -> Error {
    match core.shared.limit() {
        u64::MAX => Error::new(Code::Limit, "there is no more memory"),
        _ => core.host.reached("memory"),
    }
}

/// The error of an entry that was unwound.
pub(crate) fn unwound(core: &Core, why: Unwound) -> Error {
    match why {
        Unwound::NoMemory => over_limit(core),
        Unwound::Stopped => Error::new(Code::Cancelled, STOPPED),
        Unwound::TooDeep => too_deep(),
    }
}

fn too_deep() -> Error {
    Error::new(Code::Depth, "calls nest too deeply")
}

pub(crate) fn throw(core: &Core, stack: Stack, error: &Error) {
    raise(core, stack, error);
    stack.set_error();
}

/// Pushes what a script's `catch` shall see, onto the main stack.
pub(crate) fn push(core: &Core, error: &Error) {
    let main = core.main;
    if let Some(thrown) = error.thrown().filter(|it| !it.is_nil())
        && convert::push_main(core, thrown).is_ok()
    {
        if matches!(main.kind(-1), Type::Table | Type::Array) {
            core.origins.remember(core, error);
        }
        return;
    }
    main.table(4);
    main.str(error.code().word());
    main.set_field(-2, "code");
    main.str(&error.message());
    main.set_field(-2, "message");
    if convert::push_main(core, error.trace().view()).is_err() {
        main.null();
    }
    main.set_field(-2, "trace");
    if let Some(help) = error.help() {
        main.str(&help);
        main.set_field(-2, "help");
    }
    main.table(2);
    main.function::<Text>(0, c"_tostring");
    main.set_field(-2, "_tostring");
    main.str(KEY);
    main.userdata(core, error.clone());
    main.raw_set(-3);
    main.set_delegate(-2);
}

/// `_tostring` of an error: its message.
struct Text;

impl Entry for Text {
    fn run(_core: &Core, stack: Stack) -> Reply {
        if stack.kind(1) == Type::Table && stack.raw_field(1, "message") == Type::String {
            return Reply::Value;
        }
        stack.str("error");
        Reply::Value
    }
}

/// The error that a table of ours on top of the main stack came from.
fn kept(main: Stack) -> Option<Error> {
    main.delegate(-1);
    let mut error = None;
    if main.kind(-1) == Type::Table {
        main.str(KEY);
        if main.raw_get(-2) {
            error = main.cell::<Error>(-1).cloned();
            main.pop(1);
        } else {
            main.reset_error();
        }
    }
    main.pop(1);
    error
}

impl Origins {
    /// Notes the error that the value on top of the main stack came in with.
    fn remember(&self, core: &Core, error: &Error) {
        core.main.weak(-1);
        let weak = core.main.keep(-1);
        core.main.pop(1);
        let mut all = self.0.borrow_mut();
        all.push_back((weak, error.clone()));
        if all.len() > REMEMBERED
            && let Some((oldest, error)) = all.pop_front()
        {
            drop(all);
            core.main.forget(oldest);
            drop(error);
        }
    }

    /// The error that the value on top of the main stack came in with.
    fn find(&self, core: &Core) -> Option<Error> {
        let (main, wanted) = (core.main, core.main.raw_at(-1));
        let all = self.0.borrow();
        let found = all.iter().rev().find(|(weak, _)| {
            main.kept(*weak);
            main.strong(-1);
            let same = main.raw_at(-1).same(wanted);
            main.pop(2);
            same
        });
        found.map(|(_, error)| error.clone())
    }
}

/// The error that a failed thread ended with.
pub(crate) fn take(core: &Core, thread: Stack) -> Error {
    let levels = core.trace.take(thread);
    let main = core.main;
    let top = main.top();
    if !main.reserve(20) {
        return Error::new(Code::Limit, "Squirrel's stack is full");
    }
    thread.last_error();
    main.copy_from(thread, -1);
    thread.pop(1);
    thread.reset_error();
    let error = describe(core).with_frames(frames(core, &levels));
    main.set_top(top);
    error
}

/// The error that the value on top of the main stack stands for.
fn describe(core: &Core) -> Error {
    let main = core.main;
    match main.kind(-1) {
        Type::String => {
            let message = main.lossy(-1);
            let stopped = message == STOPPED && core.host.stopping();
            Error::new(if stopped { Code::Cancelled } else { Code::Script }, message)
        }
        Type::Table => kept(main).or_else(|| core.origins.find(core)).unwrap_or_else(|| from_value(core, Type::Table)),
        Type::Array => core.origins.find(core).unwrap_or_else(|| from_value(core, Type::Array)),
        kind => from_value(core, kind),
    }
}

/// The error of a thrown value: the value itself, and what it says of itself.
fn from_value(core: &Core, kind: Type) -> Error {
    let main = core.main;
    let code = field(main, kind, "code").and_then(|it| Code::from_word(&it)).unwrap_or(Code::Script);
    let message = field(main, kind, "message")
        .or_else(|| own_text(core, kind))
        .unwrap_or_else(|| format!("{} was thrown", kind.with_article()));
    let error = Error::new(code, message);
    match convert::read(core, main, -1) {
        Ok(thrown) if kind != Type::Null => error.with_thrown(thrown),
        _ => error,
    }
}

/// A text in a thrown table or instance.
fn field(main: Stack, kind: Type, key: &str) -> Option<String> {
    if !matches!(kind, Type::Table | Type::Instance) {
        return None;
    }
    let text = (main.raw_field(-1, key) == Type::String).then(|| main.lossy(-1));
    main.pop(1);
    text
}

/// What a number, a boolean, or a value with `_tostring` says of itself.
fn own_text(core: &Core, kind: Type) -> Option<String> {
    let main = core.main;
    let has_text = match kind {
        Type::Integer | Type::Float | Type::Bool => true,
        Type::Instance => true,
        Type::Table => {
            main.delegate(-1);
            let has_delegate = main.kind(-1) == Type::Table;
            main.pop(1);
            has_delegate
        }
        _ => false,
    };
    if !has_text {
        return None;
    }
    // A metamethod may run, and fail.
    let text = task::aside(core, |stack| {
        stack.copy_from(main, -1);
        stack.text(-1).then(|| stack.lossy(-1))
    });
    // What has no text of its own is shown as its type and address.
    text.flatten().filter(|text| !text.starts_with('('))
}

/// The error of a source that cannot be compiled.
pub(crate) fn misspelt(core: &Core, why: &Misspelt, file: &str) -> Error {
    let level = Level { file: file.to_owned(), line: why.line, ..Level::default() };
    Error::new(Code::Script, &why.message).with_frame(Frame { column: why.column, ..frame(core, &level) })
}

/// Where the running code is.
pub(crate) fn site(core: &Core) -> Option<Frame> {
    site_on(core, core.current.running()?)
}

/// Where a thread's code is, running or suspended.
pub(crate) fn site_on(core: &Core, thread: Stack) -> Option<Frame> {
    let levels = thread.levels(2);
    frames(core, &levels).next()
}

fn frames<'a>(core: &'a Core, levels: &'a [Level]) -> impl Iterator<Item = Frame> + 'a {
    let last = levels.len().saturating_sub(1);
    levels.iter().enumerate().map(move |(at, level)| {
        let frame = frame(core, level);
        // Squirrel calls every chunk "main"; it is the outermost of its thread.
        if at == last && frame.function == "main" { Frame { function: "main chunk".into(), ..frame } } else { frame }
    })
}

fn frame(core: &Core, level: &Level) -> Frame {
    let Level { function, file, line } = level.clone();
    Frame { language: "squirrel".into(), context: core.name.clone(), function, file, line, column: 0 }
}
