//! Tasks: every entry into Lua runs as a coroutine of the engine's own.
//!
//! A native that waits suspends its task alone: the trampoline leaves the completion here and yields,
//! the entry answers `Step::Waiting`, and `resume` leaves the answer here before the thread goes on.
//! So it is with a task that gives way. The cells are empty whenever Lua runs script code.

use std::cell::{Cell, OnceCell, RefCell};

use calog_plugin_api::{CallInfo, Code, Completion, Error, KeptInfo, KeyMap, Result, Step, TaskKey, Value, WaitKey};

use crate::core::Core;
use crate::ffi::{Layout, Progress, Ref, Stack};
use crate::{calls, convert, errors};

/// Ended threads that are kept for the next tasks.
const IDLE_THREADS: usize = 16;

/// Slots of a task's stack beyond its arguments.
const OWN_SLOTS: i32 = 8;

/// A thread of the interpreter that runs tasks, and what keeps it from being collected.
#[derive(Clone, Copy)]
struct Thread {
    stack: Stack,
    anchor: Ref,
}

/// A task that waits.
struct Suspended {
    thread: Thread,
    info: KeptInfo,
}

/// The tasks of a context.
#[derive(Default)]
pub(crate) struct Tasks {
    idle: RefCell<Vec<Thread>>,
    suspended: RefCell<KeyMap<u64, Suspended>>,
    last: Cell<u64>,
    /// What the thread that is just yielding waits for.
    wait: Cell<Option<Completion>>,
    /// What the thread that is just yielding gives way with.
    way: Cell<Option<Value>>,
    /// The result of the wait, for the thread that is just resumed.
    answer: Cell<Option<Result<Value>>>,
    /// Threads in which something waits: scripts must not resume them.
    busy: RefCell<KeyMap<usize, ()>>,
    /// How threads look in memory, once there is one.
    layout: OnceCell<Layout>,
}

impl Tasks {
    /// Leaves what the running thread, which yields next, waits for.
    pub(crate) fn suspend_on(&self, completion: Completion) {
        self.wait.set(Some(completion));
    }

    /// Leaves what the running thread, which yields next, gives way with.
    pub(crate) fn give_way(&self, value: Value) {
        self.way.set(Some(value));
    }

    /// Whether the thread that has just yielded waits.
    pub(crate) fn is_wait_pending(&self) -> bool {
        let wait = self.wait.take();
        let is_pending = wait.is_some();
        self.wait.set(wait);
        is_pending
    }

    /// Waits, pumping, for what a thread waits for that cannot suspend its caller.
    pub(crate) fn wait_in_place(&self, core: &Core, stack: Stack) {
        if let Some(completion) = self.wait.take() {
            let result = calls::wait_in_place(core, stack, completion);
            self.answer.set(Some(result));
        }
    }

    /// The result of the wait that ended.
    pub(crate) fn take_answer(&self) -> Result<Value> {
        self.answer.take().unwrap_or_else(|| Err(Error::new(Code::Dead, "the wait was ended without a result")))
    }

    pub(crate) fn is_busy(&self, thread: Stack) -> bool {
        self.busy.borrow().contains_key(&thread.id())
    }

    pub(crate) fn begin_busy(&self, thread: Stack) {
        self.busy.borrow_mut().insert(thread.id(), ());
    }

    pub(crate) fn end_busy(&self, thread: Stack) {
        self.busy.borrow_mut().remove(&thread.id());
    }

    fn acquire(&self, core: &Core) -> Thread {
        if let Some(thread) = self.idle.borrow_mut().pop() {
            return thread;
        }
        let stack = core.main.new_thread();
        self.layout.get_or_init(|| Layout::of(stack));
        Thread { stack, anchor: core.main.keep() }
    }

    /// Closes a thread whose task failed or is given up. It is not used again: an error raised by a
    /// hook leaves Lua's hooks disabled on it for ever.
    fn discard(&self, core: &Core, thread: Thread, from: Option<Stack>) {
        thread.stack.close_thread(from.unwrap_or(core.main));
        core.main.forget(thread.anchor);
    }

    /// Takes back a thread whose task has ended.
    fn give_back(&self, core: &Core, thread: Thread) {
        thread.stack.set_top(0);
        let mut idle = self.idle.borrow_mut();
        if idle.len() < IDLE_THREADS {
            idle.push(thread);
        } else {
            core.main.forget(thread.anchor);
        }
    }

    /// Keeps a task that waits, under a new number.
    fn suspend(&self, thread: Thread, info: &CallInfo) -> TaskKey {
        let key = self.last.get() + 1;
        self.last.set(key);
        self.begin_busy(thread.stack);
        if let Some(layout) = self.layout.get() {
            layout.shrink(thread.stack);
        }
        self.suspended.borrow_mut().insert(key, Suspended { thread, info: info.keep() });
        TaskKey(key)
    }

    /// The thread of a task that waits.
    pub(crate) fn suspended(&self, key: u64) -> Option<Stack> {
        self.suspended.borrow().get(&key).map(|task| task.thread.stack)
    }

    fn wake(&self, key: u64) -> Option<Suspended> {
        let task = self.suspended.borrow_mut().remove(&key);
        if let Some(task) = &task {
            self.end_busy(task.thread.stack);
        }
        task
    }
}

/// Starts a task. `prepare` pushes a function and its arguments onto the new stack, and gives their number.
pub(crate) fn start(core: &Core, info: &CallInfo, prepare: impl FnOnce(Stack) -> Result<i32>) -> Step {
    // In parts, so that the closure takes them one by one: a move as a whole would stall on them.
    let Thread { stack, anchor } = core.tasks.acquire(core);
    let from = core.current.running();
    core.current.enter(stack, info, || match prepare(stack) {
        Ok(args) => advance(core, Thread { stack, anchor }, from, info, args),
        Err(error) => {
            core.tasks.give_back(core, Thread { stack, anchor });
            Step::Done(Err(error))
        }
    })
}

/// Goes on with a task that waited.
pub(crate) fn resume(core: &Core, key: WaitKey, result: Result<Value>) -> Step {
    let Some(Suspended { thread, info }) = core.tasks.wake(key.0) else {
        return Step::Done(Err(Error::new(Code::NotFound, format!("no task of this context waits as {}", key.0))));
    };
    let from = core.current.running();
    core.tasks.answer.set(Some(result));
    core.current.enter(thread.stack, &info, || advance(core, thread, from, &info, 0))
}

/// Frees a task that will not be resumed. Nothing of it runs any more, so its pending variables are not
/// closed: their handlers are its code.
pub(crate) fn abandon(core: &Core, key: TaskKey) {
    if let Some(Suspended { thread, .. }) = core.tasks.wake(key.0) {
        core.main.forget(thread.anchor);
    }
}

/// Runs a task until it ends or waits.
fn advance(core: &Core, thread: Thread, from: Option<Stack>, info: &CallInfo, args: i32) -> Step {
    let stack = thread.stack;
    let result = match core.memory.jumpable(true, || stack.resume(from, args)) {
        Progress::Done(0) => Ok(Value::Nil),
        // Only the first of several results crosses.
        Progress::Done(count) => convert::read(core, &stack, stack.top() + 1 - count),
        Progress::Failed => {
            let error = errors::take(core, stack);
            core.tasks.discard(core, thread, from);
            return Step::Done(Err(error));
        }
        Progress::Yielded(_) if core.current.take_stopped() => {
            let error = errors::stopped(core, stack);
            core.tasks.discard(core, thread, from);
            return Step::Done(Err(error));
        }
        Progress::Yielded(_) => match (core.tasks.wait.take(), core.tasks.way.take()) {
            (Some(on), _) => return Step::Waiting { task: core.tasks.suspend(thread, info), on },
            (None, Some(value)) => return Step::Yielded { task: core.tasks.suspend(thread, info), value },
            (None, None) => {
                core.tasks.discard(core, thread, from);
                let error = Error::new(Code::Script, "attempt to yield from outside a coroutine");
                return Step::Done(Err(error));
            }
        },
    };
    core.tasks.give_back(core, thread);
    Step::Done(result)
}

/// Makes room on a task's stack for a function with so many arguments.
///
/// # Errors
/// `limit` when there are too many.
pub(crate) fn reserve(stack: Stack, args: usize) -> Result<()> {
    let args = i32::try_from(args).unwrap_or(i32::MAX - OWN_SLOTS);
    if stack.reserve(args.saturating_add(OWN_SLOTS)) {
        return Ok(());
    }
    Err(Error::new(Code::Limit, format!("{args} arguments do not fit onto Lua's stack")))
}
