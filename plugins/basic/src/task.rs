//! Tasks between two entries: what waits is kept here under its number.

use std::cell::{Cell, RefCell};

use calog_plugin_api::{CallInfo, Code, Error, Frame, KeptInfo, KeyMap, Result, Step, TaskKey, Value, WaitKey};

use crate::core::Core;
use crate::run::{Progress, Task, Wait};

/// A task that waits.
struct Suspended {
    task: Task,
    wait: Wait,
    info: KeptInfo,
}

/// The waiting tasks of a context.
#[derive(Default)]
pub(crate) struct Tasks {
    suspended: RefCell<KeyMap<u64, Suspended>>,
    last: Cell<u64>,
}

impl Tasks {
    fn suspend(&self, task: Task, wait: Wait, info: &CallInfo) -> TaskKey {
        let key = self.last.get() + 1;
        self.last.set(key);
        self.suspended.borrow_mut().insert(key, Suspended { task, wait, info: info.keep() });
        TaskKey(key)
    }

    fn take(&self, key: u64) -> Option<Suspended> {
        self.suspended.borrow_mut().remove(&key)
    }

    /// Frees a task that will not be resumed.
    pub(crate) fn abandon(&self, key: TaskKey) {
        // Dropped after the borrow.
        let task = self.take(key.0);
        drop(task);
    }

    pub(crate) fn clear(&self) {
        let all = self.suspended.take();
        drop(all);
    }

    /// About how many bytes those that wait take.
    pub(crate) fn bytes(&self) -> usize {
        // One that is suspended just now is the running one.
        self.suspended.try_borrow().map_or(0, |all| all.values().map(|it| it.task.bytes()).sum())
    }

    /// How many tasks wait.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.suspended.borrow().len()
    }
}

impl Core {
    /// Runs a new task.
    pub(crate) fn start(&self, mut task: Task, info: &CallInfo) -> Step {
        let progress = self.advance(&mut task, info);
        self.step(task, progress, info)
    }

    /// Goes on with a task that waited.
    pub(crate) fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        let Some(Suspended { mut task, wait, info }) = self.tasks.take(key.0) else {
            return Step::Done(Err(Error::new(Code::NotFound, format!("no task of this context waits as {}", key.0))));
        };
        let progress = self.go_on(&mut task, wait, result, &info);
        self.step(task, progress, &info)
    }

    fn step(&self, task: Task, progress: Progress, info: &CallInfo) -> Step {
        if let Progress::Done(_) = progress {
            self.sweep_out(&task);
        }
        match progress {
            Progress::Done(Ok(value)) => Step::Done(self.give_out(&value, self.lenient() || info.lenient())),
            Progress::Done(Err(fault)) => Step::Done(Err(self.trace(&task, &fault))),
            Progress::Waits(wait, on) => Step::Waiting { task: self.tasks.suspend(task, wait, info), on },
        }
    }

    /// A main chunk that has ended leaves its variables behind, and nothing else.
    fn sweep_out(&self, task: &Task) {
        let Some(main) = task.frames.first().map(|frame| &frame.routine.proto).filter(|it| it.is_main) else { return };
        let left = self
            .globals
            .borrow_mut()
            .get_mut(main.temporaries..main.registers)
            .map(|temporaries| temporaries.iter_mut().map(std::mem::take).collect::<Vec<_>>());
        drop(left);
    }

    /// Where a waiting task is.
    pub(crate) fn wait_site(&self, key: WaitKey) -> Option<Frame> {
        let suspended = self.tasks.suspended.borrow();
        let site = suspended.get(&key.0)?.task.frames.last()?.site();
        Some(self.frame(site))
    }
}
