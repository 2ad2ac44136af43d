//! What differs from Lua's own library: printing goes through the host, and coroutines know of waits.
//!
//! A task is itself a coroutine, which scripts must not notice: at its own level `coroutine.yield` is
//! an error, `running` says "main", and a wait inside a script's coroutine passes through the
//! `resume` around it, invisibly, up to the task.

use calog_plugin_api::Value;

use crate::core::Core;
use crate::errors::{self, raise_message};
use crate::ffi::{Entry, Progress, Reply, STOPPED, Stack, Type, arm, upvalue};
use crate::{calls, convert};

/// Puts our functions in the place of Lua's.
pub(crate) fn install(stack: Stack) {
    stack.globals();
    stack.function::<Print>(0);
    stack.set_raw_field(-2, "print");
    install_coroutines(stack);
    install_write(stack);
    stack.pop(1);
}

/// With the globals on top.
fn install_coroutines(stack: Stack) {
    stack.raw_field(-1, "coroutine");
    macro_rules! replace {
        ($($name:literal: $entry:ty,)*) => {
            $(stack.function::<$entry>(0);
            stack.set_raw_field(-2, $name);)*
        };
    }
    replace! {
        "yield": Yield, "running": Running, "isyieldable": IsYieldable, "resume": Resume, "wrap": Wrap,
        "status": Status, "close": Close,
    }
    stack.pop(1);
}

/// Wraps `io.write` and files' `write`. With the globals on top.
fn install_write(stack: Stack) {
    stack.raw_field(-1, "io");
    let io = stack.top();
    if stack.raw_field(io, "stdout") == Type::Userdata && stack.metatable(-1) {
        let (stdout, metatable) = (io + 1, io + 2);
        stack.raw_field(io, "stderr");
        let stderr = stack.top();
        let with_files = |name| {
            stack.raw_field(-1, name);
            stack.copy(stdout);
            stack.copy(stderr);
        };
        stack.copy(io);
        with_files("write");
        stack.function::<Write>(3);
        stack.set_raw_field(io, "write");
        stack.raw_field(metatable, "__index");
        with_files("write");
        stack.function::<WriteTo>(3);
        stack.set_raw_field(-2, "write");
    }
    stack.set_top(io - 1);
}

/// `print`. What raises here owns nothing.
struct Print;

impl Entry for Print {
    const OWNS_NOTHING: bool = true;

    fn run(core: &Core, stack: Stack) -> Reply {
        let count = stack.top();
        for index in 1..=count {
            if !stack.reserve(4) {
                return raise_message(stack, "too many values to print");
            }
            if index > 1 {
                stack.str("\t");
            }
            stack.text(index);
        }
        stack.str("\n");
        stack.concat(stack.top() - count);
        match core.host.try_print(stack.bytes(-1)) {
            Ok(()) => Reply::Values(0),
            Err(error) => errors::raise(core, stack, &error),
        }
    }
}

/// `io.write` over Lua's own in the first upvalue: standard output, the second, goes through the host, and
/// what goes to standard error, the third, counts.
struct Write;

impl Entry for Write {
    const OWNS_NOTHING: bool = true;

    fn run(core: &Core, stack: Stack) -> Reply {
        // Where Lua keeps the file that `io.output` has set.
        stack.raw_field(crate::ffi::REGISTRY, "_IO_output");
        let file = File::at(stack, -1);
        stack.pop(1);
        write(core, stack, 1, file)
    }
}

/// `file:write` over Lua's own in the first upvalue; the others are those of `Write`.
struct WriteTo;

impl Entry for WriteTo {
    const OWNS_NOTHING: bool = true;

    fn run(core: &Core, stack: Stack) -> Reply {
        let file = if stack.top() > 0 { File::at(stack, 1) } else { File::Other };
        write(core, stack, 2, file)
    }
}

/// Writes the arguments from `first` on. What raises here owns nothing.
fn write(core: &Core, stack: Stack, first: i32, file: File) -> Reply {
    let count = stack.top();
    let printable = |index| matches!(stack.kind(index), Type::String | Type::Number);
    if file == File::Error
        && let Err(error) = count_output(core, stack, first)
    {
        return errors::raise(core, stack, &error);
    }
    if file != File::Output || !(first..=count).all(printable) || !stack.reserve(count + 4) {
        // Not for us, or wrong: Lua's own function writes or complains.
        stack.copy(upvalue(1));
        stack.insert(1);
        stack.call(count);
        return Reply::Values(stack.top());
    }
    stack.str("");
    for index in first..=count {
        stack.text(index);
    }
    stack.concat(stack.top() - count);
    if let Err(error) = core.host.try_print(stack.bytes(-1)) {
        return errors::raise(core, stack, &error);
    }
    stack.copy(upvalue(2));
    Reply::Values(1)
}

/// Which file is written to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum File {
    Output,
    Error,
    Other,
}

impl File {
    /// The file at this index, among those that the running function knows.
    fn at(stack: Stack, index: i32) -> File {
        match (stack.same(index, upvalue(2)), stack.same(index, upvalue(3))) {
            (true, _) => File::Output,
            (_, true) => File::Error,
            (false, false) => File::Other,
        }
    }
}

/// Counts the arguments from `first` on as output.
fn count_output(core: &Core, stack: Stack, first: i32) -> calog_plugin_api::Result<()> {
    let length = |index| match stack.kind(index) {
        Type::String => stack.bytes(index).len(),
        Type::Number => {
            stack.text(index);
            let length = stack.bytes(-1).len();
            stack.pop(1);
            length
        }
        // Lua's own function complains.
        _ => 0,
    };
    let bytes: usize = (first..=stack.top()).map(length).sum();
    core.current.info().count("output", bytes as u64)?.for_ever();
    Ok(())
}

/// `coroutine.yield`.
struct Yield;

impl Entry for Yield {
    fn run(core: &Core, stack: Stack) -> Reply {
        if core.current.is_task(stack) && stack.is_yieldable() && core.current.info().gives_way() {
            return give_way(core, stack);
        }
        if core.current.is_task(stack) || !stack.is_yieldable() {
            let boundary =
                if core.current.is_task(stack) { "from outside a coroutine" } else { "across a C-call boundary" };
            return raise_message(stack, &format!("attempt to yield {boundary}"));
        }
        Reply::Yield(stack.top())
    }

    /// After its task gave way.
    fn resumed(core: &Core, stack: Stack) -> Reply {
        calls::resumed(core, stack)
    }
}

/// Has the running task give way with the first argument.
fn give_way(core: &Core, stack: Stack) -> Reply {
    let value = if stack.top() == 0 { Ok(Value::Nil) } else { convert::read(core, &stack, 1) };
    match value {
        Ok(value) => {
            core.tasks.give_way(value);
            Reply::Wait
        }
        Err(error) => errors::raise(core, stack, &error),
    }
}

/// `coroutine.running`: a task's own level is as Lua's main thread.
struct Running;

impl Entry for Running {
    fn run(core: &Core, stack: Stack) -> Reply {
        let is_main = stack.thread();
        stack.bool(is_main || core.current.is_task(stack));
        Reply::Values(2)
    }
}

/// `coroutine.isyieldable`.
struct IsYieldable;

impl Entry for IsYieldable {
    fn run(core: &Core, stack: Stack) -> Reply {
        let thread = stack.thread_at(1).unwrap_or(stack);
        stack.bool(thread.is_yieldable() && !core.current.is_task(thread) && !core.tasks.is_busy(thread));
        Reply::Values(1)
    }
}

/// A coroutine's state in Lua's words.
fn status(core: &Core, stack: Stack, thread: Stack) -> &'static str {
    if thread == stack {
        "running"
    } else if core.tasks.is_busy(thread) {
        "normal"
    } else if thread.is_suspended() {
        "suspended"
    } else if thread.is_dead() {
        "dead"
    } else if thread.has_frames() {
        "normal"
    } else if thread.top() == 0 {
        "dead"
    } else {
        "suspended"
    }
}

/// `coroutine.status`.
struct Status;

impl Entry for Status {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(1) else { return no_coroutine(stack, "status") };
        stack.str(status(core, stack, thread));
        Reply::Values(1)
    }
}

/// `coroutine.close`.
struct Close;

impl Entry for Close {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(1) else { return no_coroutine(stack, "close") };
        let status = status(core, stack, thread);
        if !matches!(status, "suspended" | "dead") {
            return raise_message(stack, &format!("cannot close a {status} coroutine"));
        }
        if thread.close_thread(stack) {
            stack.bool(true);
            return Reply::Values(1);
        }
        stack.bool(false);
        thread.move_to(stack, 1);
        Reply::Values(2)
    }
}

fn no_coroutine(stack: Stack, function: &str) -> Reply {
    let found = stack.kind(1).name();
    raise_message(stack, &format!("bad argument #1 to '{function}' (coroutine expected, got {found})"))
}

/// What became of resuming a coroutine of the script.
enum Resumed {
    /// It yielded or ended, with so many values, which are now on the caller's stack.
    Fine(i32),
    /// It failed; the error is now on the caller's stack.
    Failed,
    /// Something inside it waits, and the caller shall, too.
    Waits,
}

/// Resumes a coroutine with the topmost arguments.
fn resume(core: &Core, stack: Stack, thread: Stack, args: i32) -> Resumed {
    if core.tasks.is_busy(thread) {
        stack.str("cannot resume non-suspended coroutine");
        return Resumed::Failed;
    }
    if !thread.reserve(args) {
        stack.str("too many arguments to resume");
        return Resumed::Failed;
    }
    if core.host.stopping() {
        arm(thread);
    }
    stack.move_to(thread, args);
    run(core, stack, thread, args)
}

/// Runs a coroutine on; waits inside it either suspend the caller or, where that cannot be, pump here.
fn run(core: &Core, stack: Stack, thread: Stack, args: i32) -> Resumed {
    let on = |args| core.current.inside(thread, || core.memory.jumpable(true, || thread.resume(Some(stack), args)));
    let mut progress = on(args);
    while let Progress::Yielded(0) = progress
        && core.tasks.is_wait_pending()
    {
        core.tasks.begin_busy(thread);
        if stack.is_yieldable() {
            return Resumed::Waits;
        }
        core.tasks.wait_in_place(core, stack);
        core.tasks.end_busy(thread);
        progress = on(0);
    }
    if core.current.take_stopped() {
        // Nobody resumes it again. What its closing comes to is of no interest.
        if !thread.close_thread(stack) {
            thread.pop(1);
        }
        arm(stack);
        stack.str(STOPPED);
        return Resumed::Failed;
    }
    if core.host.stopping() {
        // The interrupt came while the coroutine ran, and has reached nobody else.
        arm(stack);
    }
    match progress {
        Progress::Done(count) | Progress::Yielded(count) if stack.reserve(count + 1) => {
            thread.move_to(stack, count);
            Resumed::Fine(count)
        }
        Progress::Done(count) | Progress::Yielded(count) => {
            thread.pop(count);
            stack.str("too many results to resume");
            Resumed::Failed
        }
        Progress::Failed => {
            thread.move_to(stack, 1);
            Resumed::Failed
        }
    }
}

/// Goes on with a coroutine in which something waited.
fn run_on(core: &Core, stack: Stack, thread: Stack) -> Resumed {
    core.tasks.end_busy(thread);
    run(core, stack, thread, 0)
}

/// `coroutine.resume`.
struct Resume;

impl Resume {
    fn reply(core: &Core, stack: Stack, resumed: Resumed) -> Reply {
        match resumed {
            Resumed::Fine(count) => {
                stack.bool(true);
                stack.insert(-count - 1);
                Reply::Values(count + 1)
            }
            Resumed::Failed => {
                errors::name_refusal(core, stack);
                stack.bool(false);
                stack.insert(-2);
                Reply::Values(2)
            }
            Resumed::Waits => Reply::Wait,
        }
    }
}

impl Entry for Resume {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(1) else { return no_coroutine(stack, "resume") };
        Resume::reply(core, stack, resume(core, stack, thread, stack.top() - 1))
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(1) else { return calls::tampered(stack) };
        Resume::reply(core, stack, run_on(core, stack, thread))
    }
}

/// `coroutine.wrap`.
struct Wrap;

impl Entry for Wrap {
    fn run(_core: &Core, stack: Stack) -> Reply {
        if stack.kind(1) != Type::Function {
            let found = stack.kind(1).name();
            return raise_message(stack, &format!("bad argument #1 to 'wrap' (function expected, got {found})"));
        }
        let thread = stack.new_thread();
        stack.copy(1);
        stack.move_to(thread, 1);
        stack.function::<CallWrapped>(1);
        Reply::Values(1)
    }
}

/// Resumes the coroutine in the first upvalue; its errors are the caller's.
struct CallWrapped;

impl CallWrapped {
    fn reply(core: &Core, stack: Stack, thread: Stack, resumed: Resumed) -> Reply {
        match resumed {
            Resumed::Fine(count) => Reply::Values(count),
            Resumed::Waits => Reply::Wait,
            Resumed::Failed => {
                if thread.is_dead() && !thread.close_thread(stack) {
                    // Closing its variables may have put another error in the place of the first.
                    thread.move_to(stack, 1);
                }
                errors::name_refusal(core, stack);
                if stack.kind(-1) == Type::String {
                    stack.place(1);
                    stack.insert(-2);
                    stack.concat(2);
                }
                Reply::Raise
            }
        }
    }
}

impl Entry for CallWrapped {
    fn run(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(upvalue(1)) else { return calls::tampered(stack) };
        CallWrapped::reply(core, stack, thread, resume(core, stack, thread, stack.top()))
    }

    fn resumed(core: &Core, stack: Stack) -> Reply {
        let Some(thread) = stack.thread_at(upvalue(1)) else { return calls::tampered(stack) };
        CallWrapped::reply(core, stack, thread, run_on(core, stack, thread))
    }
}
