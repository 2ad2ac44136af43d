//! Tasks: every entry into Squirrel runs on a thread of the engine's own.
//!
//! A native that waits suspends its task alone: it leaves the completion here, the entry answers
//! `Step::Waiting`, and `resume` wakes the thread with the result or the error.

use std::cell::{Cell, RefCell};

use calog_plugin_api::{CallInfo, Code, Completion, Error, KeptInfo, KeyMap, Result, Step, TaskKey, Value, WaitKey};

use crate::core::Core;
use crate::ffi::{Progress, Ref, Stack, until_unwound};
use crate::{convert, errors};

/// Ended threads that are kept for the next tasks.
const IDLE_THREADS: usize = 8;

/// Slots of a new thread: what its first call would have it grow to.
const THREAD_SLOTS: i64 = 1100;

/// Slots that a task needs beyond its arguments.
const OWN_SLOTS: i64 = 20;

/// A thread of the interpreter that runs tasks, and what keeps it alive.
#[derive(Clone, Copy)]
struct Thread {
    stack: Stack,
    anchor: Ref,
    /// The settings it was made with.
    settings: u64,
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
    /// Which settings hold: how often they were changed.
    settings: Cell<u64>,
    suspended: RefCell<KeyMap<u64, Suspended>>,
    last: Cell<u64>,
    /// What the thread that is just suspended waits for.
    wait: Cell<Option<Completion>>,
}

impl Tasks {
    /// Leaves what the running thread, which is suspended next, waits for.
    pub(crate) fn suspend_on(&self, completion: Completion) {
        self.wait.set(Some(completion));
    }

    fn acquire(&self, core: &Core) -> Thread {
        if let Some(thread) = self.idle.borrow_mut().pop() {
            return thread;
        }
        let stack = core.main.thread(THREAD_SLOTS);
        let anchor = core.main.keep(-1);
        core.main.pop(1);
        Thread { stack, anchor, settings: self.settings.get() }
    }

    /// Frees a thread whose task failed or is given up.
    fn discard(core: &Core, thread: Thread) {
        core.main.forget(thread.anchor);
    }

    /// Takes back a thread whose task has ended.
    fn give_back(&self, core: &Core, thread: Thread) {
        thread.stack.set_top(0);
        let is_current = thread.settings == self.settings.get();
        if is_current && self.idle.borrow().len() < IDLE_THREADS {
            self.idle.borrow_mut().push(thread);
        } else {
            Tasks::discard(core, thread);
        }
    }

    /// The main thread's settings, with which threads are made, are other ones: root table, error
    /// handler, debug hook.
    pub(crate) fn renew(&self, core: &Core) {
        self.settings.set(self.settings.get() + 1);
        let idle = self.idle.take();
        idle.into_iter().for_each(|thread| Tasks::discard(core, thread));
    }

    /// Keeps a task that waits, under a new number.
    fn suspend(&self, thread: Thread, info: &CallInfo) -> TaskKey {
        let key = self.last.get() + 1;
        self.last.set(key);
        self.suspended.borrow_mut().insert(key, Suspended { thread, info: info.keep() });
        TaskKey(key)
    }

    /// The thread of a task that waits.
    pub(crate) fn suspended(&self, key: u64) -> Option<Stack> {
        self.suspended.borrow().get(&key).map(|task| task.thread.stack)
    }

    fn wake(&self, key: u64) -> Option<Suspended> {
        self.suspended.borrow_mut().remove(&key)
    }
}

/// Starts a task. `prepare` pushes a function, `this` and arguments, and gives the number of the latter
/// two. When it shall not be run, being prepared was all.
pub(crate) fn start(core: &Core, info: &CallInfo, runs: bool, prepare: impl FnOnce(Stack) -> Result<i64>) -> Step {
    let thread = core.tasks.acquire(core);
    core.current.enter(thread.stack, info, || {
        advance(core, thread, info, |stack| {
            let count = prepare(stack)?;
            if !runs {
                stack.null();
                return Ok(Progress::Done);
            }
            Ok(stack.call(count))
        })
    })
}

/// Goes on with a task that waited.
pub(crate) fn resume(core: &Core, key: WaitKey, result: Result<Value>) -> Step {
    let Some(Suspended { thread, info }) = core.tasks.wake(key.0) else {
        return Step::Done(Err(Error::new(Code::NotFound, format!("no task of this context waits as {}", key.0))));
    };
    core.current.enter(thread.stack, &info, || {
        advance(core, thread, &info, |stack| match result.and_then(|value| convert::push(core, stack, value.view())) {
            Ok(()) => Ok(stack.wake()),
            Err(error) => {
                errors::raise(core, stack, &error);
                stack.set_error();
                Ok(stack.wake_raising())
            }
        })
    })
}

/// Runs something short on a thread of its own, beside the task that runs; it may call a function of
/// Squirrel's, which must not be the end of that task.
pub(crate) fn aside<R>(core: &Core, body: impl FnOnce(Stack) -> R) -> Option<R> {
    let (thread, top) = (core.tasks.acquire(core), core.main.top());
    let ended = until_unwound(|| core.current.inside(thread.stack, || body(thread.stack)));
    if ended.is_err() {
        core.main.set_top(top);
    }
    // A call that failed may have left frames.
    Tasks::discard(core, thread);
    ended.ok()
}

/// Frees a task that will not be resumed.
pub(crate) fn abandon(core: &Core, key: TaskKey) {
    if let Some(Suspended { thread, .. }) = core.tasks.wake(key.0) {
        Tasks::discard(core, thread);
    }
}

/// Runs a task until it ends or waits.
fn advance(core: &Core, thread: Thread, info: &CallInfo, run: impl FnOnce(Stack) -> Result<Progress>) -> Step {
    let (stack, top) = (thread.stack, core.main.top());
    let ended = until_unwound(|| {
        let _running = core.shared.run();
        match run(stack)? {
            Progress::Done => convert::read(core, stack, -1).map(Some).map_err(|it| it.inside("the result")),
            Progress::Failed => Err(errors::take(core, stack)),
            Progress::Suspended => {
                stack.pop(1);
                Ok(None)
            }
        }
    });
    if ended.is_err() {
        core.main.set_top(top);
    }
    let wait = core.tasks.wait.take();
    match (ended, wait) {
        (Ok(Ok(None)), Some(on)) => Step::Waiting { task: core.tasks.suspend(thread, info), on },
        (Ok(Ok(Some(value))), _) => {
            core.tasks.give_back(core, thread);
            Step::Done(Ok(value))
        }
        (ended, _) => {
            Tasks::discard(core, thread);
            let nothing = || Err(Error::new(Code::Script, "the script was suspended, and nothing would wake it"));
            let result = ended.unwrap_or_else(|why| Err(errors::unwound(core, why)));
            Step::Done(result.map_or_else(Err, |_| nothing()))
        }
    }
}

/// Makes room on a task's stack for a function with so many arguments.
///
/// # Errors
/// `limit` when there are too many.
pub(crate) fn reserve(stack: Stack, args: usize) -> Result<()> {
    /// As many as fit beside what a function needs itself.
    const MOST: usize = 100_000;
    if args <= MOST && stack.reserve(args as i64 + OWN_SLOTS) {
        return Ok(());
    }
    Err(Error::new(Code::Limit, format!("{args} arguments do not fit onto Squirrel's stack")))
}
