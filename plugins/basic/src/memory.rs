//! How much memory a program takes, and may take.
//!
//! Nothing is counted as it is freed. A program has a budget, which whatever allocates spends; once it is
//! spent everything is weighed, and what is left below the limit is the next budget. So what a program
//! takes is known within an eighth of its limit, and what is large is known before it is allocated.
//!
//! A string that several have counts as a part of it for each of them: all together have it once.

use std::cell::Cell;
use std::rc::Rc;

use crate::builtin::Builtin;
use crate::core::Core;
use crate::fault::{Fault, Outcome};
use crate::run::Task;
use crate::value::{Class, Items, Val};

/// What each value takes besides what it holds: its counts, and its place among all that are known.
pub(crate) const EACH: usize = 64;

/// A pair of a dictionary: key and value, the key again, and its place.
pub(crate) const PAIR: usize = 96;

/// About so many bytes are kept of a byte of program text.
const KEPT_OF_TEXT: usize = 8;

/// The least that a program may spend between two weighings, as a part of its limit.
const LEAST_PART: usize = 8;

/// What a program may spend.
pub(crate) struct Budget {
    limit: Cell<Option<usize>>,
    /// How much may be allocated until everything is weighed again.
    left: Cell<usize>,
    /// What is kept of programs' texts.
    programs: Cell<usize>,
    /// What tasks have that are below the running one on the thread's stack.
    outer: Cell<usize>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { limit: Cell::new(None), left: Cell::new(usize::MAX), programs: Cell::new(0), outer: Cell::new(0) }
    }
}

impl Budget {
    pub(crate) fn set_limit(&self, bytes: u64) {
        self.limit.set(Some(usize::try_from(bytes).unwrap_or(usize::MAX)));
        self.left.set(0);
    }

    fn is_limited(&self) -> bool {
        self.limit.get().is_some()
    }

    /// Whether everything is to be weighed.
    #[inline(always)]
    pub(crate) fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// So much was allocated.
    #[inline]
    pub(crate) fn spend(&self, bytes: usize) {
        self.left.set(self.left.get().saturating_sub(bytes));
    }

    /// So much will be allocated.
    ///
    /// # Errors
    /// `Fault::Weigh` when that may not be without weighing; then nothing may have been done yet.
    #[inline]
    pub(crate) fn afford(&self, bytes: usize) -> Outcome<()> {
        let left = self.left.get();
        if bytes < left {
            self.left.set(left - bytes);
            return Ok(());
        }
        Err(Fault::Weigh(bytes))
    }
}

/// Weighs what a task has as long as it is not the running one.
pub(crate) struct Outer<'c>(&'c Budget, usize);

impl Drop for Outer<'_> {
    fn drop(&mut self) {
        self.0.outer.set(self.0.outer.get() - self.1);
    }
}

impl Core {
    /// A program of this size was compiled.
    pub(crate) fn keep_program(&self, text: &[u8]) {
        let bytes = text.len().saturating_mul(KEPT_OF_TEXT);
        self.budget.programs.set(self.budget.programs.get().saturating_add(bytes));
        self.budget.spend(bytes);
    }

    /// While the task waits on the stack for what it has called. Only where memory is limited.
    pub(crate) fn outer(&self, task: &Task) -> Option<Outer<'_>> {
        self.budget.is_limited().then(|| {
            let bytes = task.bytes();
            self.budget.outer.set(self.budget.outer.get() + bytes);
            Outer(&self.budget, bytes)
        })
    }

    /// Weighs everything, for a task that wants so much more.
    ///
    /// # Errors
    /// `limit` when there may not be so much.
    #[cold]
    pub(crate) fn weigh(&self, task: &Task, more: usize) -> Outcome<()> {
        let Some(limit) = self.budget.limit.get() else {
            self.budget.left.set(usize::MAX);
            return Ok(());
        };
        let known = self.memory() as usize + self.tasks.bytes() + self.budget.outer.get();
        let left = limit.checked_sub(known.saturating_add(task.bytes())).and_then(|left| left.checked_sub(more));
        let left = left.ok_or_else(|| self.host.reached("memory"))?;
        self.budget.left.set(left.max(limit / LEAST_PART).max(1).saturating_add(more));
        Ok(())
    }

    /// About how many bytes the context's programs and values take, without those of tasks.
    pub(crate) fn memory(&self) -> u64 {
        // A program that runs has the globals borrowed.
        let globals = self.globals.try_borrow().map_or(0, |globals| bytes_of(&globals));
        (self.heap.bytes() + size_of::<Core>() + globals + self.budget.programs.get()) as u64
    }

    /// About how much a function of the language allocates at most for these arguments.
    pub(crate) fn cost(which: Builtin, arguments: &[Val]) -> usize {
        use Builtin as B;
        let of_first = match (which, arguments.first()) {
            (B::Left | B::Mid | B::Right, Some(Val::Text(text))) => text.len(),
            (B::Clone | B::ToArray | B::New | B::Reflect | B::Iterator | B::Sort, Some(value)) => weight(value),
            (B::Push | B::Insert | B::Set | B::Pop | B::Remove, Some(list @ Val::List(_))) => expansion(list),
            _ => 0,
        };
        (EACH + arguments.len() * PAIR).saturating_add(of_first)
    }
}

/// What a list takes once it is written to, if it is only a range now.
pub(crate) fn expansion(value: &Val) -> usize {
    match value {
        Val::List(list) => match &*list.0.borrow() {
            range @ Items::Range { .. } => range.len().saturating_mul(size_of::<Val>()),
            Items::Listed(_) => 0,
        },
        _ => 0,
    }
}

/// What a copy of a collection takes.
pub(crate) fn weight(value: &Val) -> usize {
    let own = |class: &Class| class.variables.borrow().iter().map(|(_, value)| EACH + flat(value)).sum();
    match value {
        Val::Class(class) => own(class),
        value => flat(value),
    }
}

fn flat(value: &Val) -> usize {
    let (count, each) = match value {
        Val::List(list) => (list.0.borrow().len(), size_of::<Val>()),
        Val::Array(array) => (array.cells.borrow().len(), size_of::<Val>()),
        Val::Dict(dict) => (dict.len(), PAIR),
        _ => (0, 0),
    };
    count.saturating_mul(each).saturating_add(EACH)
}

/// What these values take, with their part of what they share with others. Collections are known to the heap.
pub(crate) fn bytes_of(values: &[Val]) -> usize {
    size_of_val(values) + values.iter().map(share).sum::<usize>()
}

/// A value's part of what it refers to.
pub(crate) fn share(value: &Val) -> usize {
    match value {
        Val::Text(text) => (EACH + text.capacity()) / Rc::strong_count(text),
        Val::DictIter(iter) => (EACH + bytes_of(&iter.keys)) / Rc::strong_count(iter),
        Val::ListIter(iter) => EACH / Rc::strong_count(iter),
        Val::Routine(routine) => (EACH + size_of_val(routine.shared.as_slice())) / Rc::strong_count(routine),
        Val::Method(method) => EACH / Rc::strong_count(method),
        _ => 0,
    }
}

impl Task {
    /// About how many bytes its open calls and their values take.
    pub(crate) fn bytes(&self) -> usize {
        let spare = (self.stack.capacity() - self.stack.len()) * size_of::<Val>();
        let more = self.frames.iter().flat_map(|frame| &frame.rare).flat_map(|rare| &rare.more);
        let more = more.map(|value| size_of::<Val>() + share(value)).sum::<usize>();
        bytes_of(&self.stack) + spare + more + self.frames.capacity() * size_of::<crate::run::Frame>()
    }
}
