//! Errors both ways.
//!
//! In: an error object whose text is the message, with `.code`, `.trace`, `.help`; but a value that
//! some script threw comes back as that value. Out: the message without Lua's own "file:line:", which
//! goes into the trace with the rest of the thread's frames; an error that only passed through keeps
//! its code, trace and thrown value.

use calog_plugin_api::{Builder, Code, Error, Frame, Result, Shape};

use crate::calls;
use crate::convert;
use crate::core::Core;
use crate::ffi::{Entry, Kept, Level, Loaded, REFUSED, Ref, Reply, STOPPED, Stack, Type};

/// Frames of one thread that a trace shows; a runaway recursion has thousands, all alike.
const SHOWN_FRAMES: usize = 40;

impl Kept for Error {
    const MARK: u64 = 0xca10_6ca1_1ab1_e004;
}

/// Pushes the error and has it raised.
#[cold]
pub(crate) fn raise(core: &Core, stack: Stack, error: &Error) -> Reply {
    push(core, stack, error);
    Reply::Raise
}

/// Raises a message as Lua's own functions do, with the place of their caller.
#[cold]
pub(crate) fn raise_message(stack: Stack, message: &str) -> Reply {
    stack.place(1);
    stack.str(message);
    stack.concat(2);
    Reply::Raise
}

/// Pushes what a script's `pcall` shall see.
pub(crate) fn push(core: &Core, stack: Stack, error: &Error) {
    if core.is_closing() {
        // Userdata that are made while Lua closes are never finalised.
        stack.str(&error.message());
        return;
    }
    if let Some(thrown) = error.thrown().filter(|it| !it.is_nil())
        && convert::push(core, stack, thrown).is_ok()
    {
        if stack.kind(-1) == Type::Table {
            remember_origin(core, stack, error);
        }
        return;
    }
    push_object(core, stack, error);
}

/// Pushes the error of a context that uses more memory than it may.
pub(crate) fn push_over_limit(core: &Core, stack: Stack) {
    push_object(core, stack, &core.host.reached("memory"));
}

/// Puts the error of a context that was refused memory in the place of what Lua says then, on top.
pub(crate) fn name_refusal(core: &Core, stack: Stack) {
    if stack.kind(-1) == Type::String && stack.bytes(-1).ends_with(REFUSED) && core.memory.take_refused() {
        stack.pop(1);
        push_over_limit(core, stack);
    }
}

/// `pcall` and `xpcall` for contexts whose memory is limited, over Lua's own and a function that names
/// what was refused.
const CATCHERS: &str = "local pcall, xpcall, named = ...
local function outcome(fine, ...)
    if fine then return fine, ... end
    return fine, named(...)
end
return function(...) return outcome(pcall(...)) end, function(...) return outcome(xpcall(...)) end";

/// Has scripts see why memory was refused.
pub(crate) fn install_catchers(stack: Stack) {
    let top = stack.top();
    stack.globals();
    if stack.compile(CATCHERS.as_bytes(), "=pcall") == Loaded::Function {
        stack.raw_field(top + 1, "pcall");
        stack.raw_field(top + 1, "xpcall");
        stack.function::<Named>(0);
        if stack.protected_call(3, 2) {
            stack.set_raw_field(top + 1, "xpcall");
            stack.set_raw_field(top + 1, "pcall");
        }
    }
    stack.set_top(top);
}

/// Names the error that is its argument, if it is that memory was refused.
struct Named;

impl Entry for Named {
    fn run(core: &Core, stack: Stack) -> Reply {
        stack.set_top(1);
        name_refusal(core, stack);
        Reply::Values(1)
    }
}

fn push_object(core: &Core, stack: Stack, error: &Error) {
    stack.userdata(error.clone(), core.refs.error, 0);
}

/// Notes the error that the table on top came in with, for when it is thrown on.
fn remember_origin(core: &Core, stack: Stack, error: &Error) {
    stack.kept(core.refs.origins);
    stack.copy(-2);
    push_object(core, stack, error);
    stack.raw_set(-3);
    stack.pop(1);
}

/// The error that a failed thread ended with. Takes it off the thread's stack; its frames must still
/// be there.
pub(crate) fn take(core: &Core, thread: Stack) -> Error {
    let levels = thread.levels(SHOWN_FRAMES);
    // The thread's own stack may be full; the main thread's has room.
    let stack = core.main;
    let top = stack.top();
    if !stack.reserve(20) {
        return Error::new(Code::Limit, "Lua's stack is full");
    }
    thread.move_to(stack, 1);
    let error = describe(core, stack, &levels);
    stack.set_top(top);
    error
}

/// The error of a thread that was stopped.
pub(crate) fn stopped(core: &Core, thread: Stack) -> Error {
    Error::new(Code::Cancelled, STOPPED).with_frames(frames(core, &thread.levels(SHOWN_FRAMES)))
}

/// The error that the value on top stands for, with frames.
fn describe(core: &Core, stack: Stack, levels: &[Level]) -> Error {
    match stack.kind(-1) {
        Type::String => from_message(core, &stack.lossy(-1), levels),
        Type::Table => from_table(core, stack).with_frames(frames(core, levels)),
        Type::Userdata if stack.cell::<Error>(-1).is_some() => {
            let error = stack.cell::<Error>(-1).cloned();
            error.unwrap_or_else(|| Error::new(Code::Script, "")).with_frames(frames(core, levels))
        }
        kind => from_value(core, stack, kind).with_frames(frames(core, levels)),
    }
}

fn from_message(core: &Core, message: &str, levels: &[Level]) -> Error {
    if core.host.stopping() && message.ends_with(STOPPED) {
        return Error::new(Code::Cancelled, STOPPED).with_frames(frames(core, levels));
    }
    if message.as_bytes().ends_with(REFUSED) && core.memory.take_refused() {
        return core.host.reached("memory").with_frames(frames(core, levels));
    }
    if levels.is_empty() && message == "C stack overflow" {
        return Error::new(Code::Depth, "too many calls are nested: C stack overflow");
    }
    match place_in(message, levels) {
        Some((from, place, rest)) => {
            let error = Error::new(Code::Script, rest);
            let error = match place {
                Some(place) => error.with_frame(frame(core, &place)),
                None => error,
            };
            error.with_frames(frames(core, &levels[from..]))
        }
        None => Error::new(Code::Script, message).with_frames(frames(core, levels)),
    }
}

/// Finds Lua's "file:line: " at the beginning of a message: the frames from which on the trace counts
/// (those further in are what `error`'s level skips), a place that has no frame of its own, and the
/// rest of the message.
fn place_in<'m>(message: &'m str, levels: &[Level]) -> Option<(usize, Option<Level>, &'m str)> {
    let found = levels.iter().find_map(|level| {
        let (line, rest) = split_line(message.strip_prefix(level.short.as_str())?)?;
        Some((level, line, rest))
    });
    let (level, line, rest) = found?;
    match levels.iter().position(|it| it.line == line && it.short == level.short) {
        Some(from) => Some((from, None, rest)),
        None => {
            Some((0, Some(Level { line, function: String::new(), is_main: false, defined: 0, ..level.clone() }), rest))
        }
    }
}

/// Splits ":12: message".
fn split_line(text: &str) -> Option<(u32, &str)> {
    let (line, rest) = text.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// The error of a thrown table: one that came in keeps what it came with.
fn from_table(core: &Core, stack: Stack) -> Error {
    stack.kept(core.refs.origins);
    stack.copy(-2);
    stack.raw_get(-2);
    let origin = stack.cell::<Error>(-1).cloned();
    stack.pop(2);
    origin.unwrap_or_else(|| from_value(core, stack, Type::Table))
}

/// The error of a thrown value: the value itself, and what it says of itself.
fn from_value(core: &Core, stack: Stack, kind: Type) -> Error {
    let code = field(stack, kind, "code").and_then(|it| Code::from_word(&it)).unwrap_or(Code::Script);
    let message = field(stack, kind, "message")
        .or_else(|| own_text(core, stack, kind))
        .unwrap_or_else(|| format!("a {} was thrown", kind.name()));
    let error = Error::new(code, message);
    match convert::read(core, &stack, -1) {
        Ok(thrown) if kind != Type::Nil => error.with_thrown(thrown),
        _ => error,
    }
}

/// A text in a thrown table.
fn field(stack: Stack, kind: Type, key: &str) -> Option<String> {
    if kind != Type::Table {
        return None;
    }
    let text = (stack.raw_field(-1, key) == Type::String).then(|| stack.lossy(-1));
    stack.pop(1);
    text
}

/// What a number, a boolean, or a value with `__tostring` says of itself.
fn own_text(core: &Core, stack: Stack, kind: Type) -> Option<String> {
    match kind {
        Type::Number if stack.is_integer(-1) => Some(stack.integer(-1).to_string()),
        Type::Number => Some(format!("{:?}", stack.real(-1))),
        Type::Boolean => Some(stack.boolean(-1).to_string()),
        Type::Table | Type::Userdata if stack.metatable(-1) => {
            let has_text = stack.raw_field(-1, "__tostring") == Type::Function;
            stack.remove(-2);
            if !has_text {
                stack.pop(1);
                return None;
            }
            stack.copy(-2);
            let done = core.current.inside(stack, || core.memory.jumpable(true, || stack.protected_call(1, 1)));
            let text = (done && stack.kind(-1) == Type::String).then(|| stack.lossy(-1));
            stack.pop(1);
            text
        }
        _ => None,
    }
}

/// The error of a chunk that cannot be compiled, whose message is on top. Takes it off.
pub(crate) fn take_syntax(core: &Core, stack: Stack, file: &str) -> Error {
    let message = stack.lossy(-1);
    stack.pop(1);
    // Lua shortens the file's name; what follows it is ":line: ".
    let colons = message.match_indices(':').map(|(at, _)| at);
    let found = colons.filter_map(|at| split_line(&message[at..])).next();
    let (line, text) = found.unwrap_or((0, &message));
    let level = Level { file: file.to_owned(), line, is_main: true, ..Level::default() };
    Error::new(Code::Script, text).with_frame(Frame { function: String::new(), ..frame(core, &level) })
}

/// Where the running code is.
pub(crate) fn site(core: &Core) -> Option<Frame> {
    site_on(core, core.current.running()?)
}

/// Where a thread's code is, running or suspended.
pub(crate) fn site_on(core: &Core, thread: Stack) -> Option<Frame> {
    let level = thread.levels(1).pop()?;
    Some(frame(core, &level))
}

fn frames<'a>(core: &'a Core, levels: &'a [Level]) -> impl Iterator<Item = Frame> + 'a {
    levels.iter().map(|level| frame(core, level))
}

fn frame(core: &Core, level: &Level) -> Frame {
    let function = match level {
        Level { is_main: true, .. } => "main chunk".to_owned(),
        Level { function, .. } if !function.is_empty() => function.clone(),
        Level { defined: 0, .. } => String::new(),
        Level { defined, .. } => format!("function at line {defined}"),
    };
    let (language, context) = ("lua".to_owned(), core.name.clone());
    Frame { language, context, function, file: level.file.clone(), line: level.line, column: 0 }
}

/// An error object as data: what scripts of any language see of it.
pub(crate) fn write(error: &Error, builder: &mut Builder) -> Result<()> {
    builder.begin(Shape::Map)?;
    builder.key_str(b"code")?;
    builder.string(error.code().word().as_bytes())?;
    builder.key_str(b"message")?;
    builder.string(error.message().as_bytes())?;
    builder.key_str(b"trace")?;
    builder.value(&error.trace())?;
    builder.end_distinct()
}

/// The metatable of error objects.
pub(crate) fn metatable(stack: Stack) -> Ref {
    stack.table(0, 6);
    stack.finaliser::<Error>();
    stack.set_raw_field(-2, "__gc");
    stack.function::<Field>(0);
    stack.set_raw_field(-2, "__index");
    stack.function::<Text>(0);
    stack.set_raw_field(-2, "__tostring");
    stack.function::<Join>(0);
    stack.set_raw_field(-2, "__concat");
    for key in ["__name", "__metatable"] {
        stack.str("error");
        stack.set_raw_field(-2, key);
    }
    stack.keep()
}

/// `__index`: what an error object has.
struct Field;

impl Entry for Field {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(error) = stack.cell::<Error>(1) else { return calls::tampered(stack) };
        match stack.lossy(2).as_str() {
            "code" => stack.str(error.code().word()),
            "message" => stack.str(&error.message()),
            "help" => match error.help() {
                Some(help) => stack.str(&help),
                None => stack.nil(),
            },
            "trace" => {
                if let Err(error) = convert::push(core, stack, error.trace().view()) {
                    return raise(core, stack, &error);
                }
            }
            _ => stack.nil(),
        }
        Reply::Values(1)
    }
}

/// `__tostring`: the message.
struct Text;

impl Entry for Text {
    fn run(_core: &Core, stack: Stack) -> Reply {
        let Some(error) = stack.cell::<Error>(1) else { return calls::tampered(stack) };
        stack.str(&error.message());
        Reply::Values(1)
    }
}

/// `__concat`: so that `"failed: " .. err` works. What raises here owns nothing.
struct Join;

impl Entry for Join {
    fn run(_core: &Core, stack: Stack) -> Reply {
        stack.set_top(2);
        stack.text(1);
        stack.text(2);
        stack.concat(2);
        Reply::Values(1)
    }
}
