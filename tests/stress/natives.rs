//! What the program offers its scripts: waits that other threads end in all ways, timers, blocking
//! work, work on the program's own thread, panics, and a way to hand functions to other threads.

use std::sync::Arc;
use std::time::Duration;

use calog::RuntimeBuilder;
use calog::plugin_api::{
    Args, CallInfo, Callable, Completion, Descriptor, Finisher, Function, Result, RuntimeHandle, Value,
};
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::foreign::{Foreign, Job, Shelf};
use crate::ledger::{Ledger, Promise};

/// What a round's natives share with its lane.
pub(crate) struct Round {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) foreign: Foreign,
    pub(crate) shelf: Shelf,
    dice: Mutex<Dice>,
}

impl Round {
    pub(crate) fn new(foreign: &Foreign, dice: &mut Dice) -> Arc<Round> {
        Arc::new(Round {
            ledger: Arc::default(),
            foreign: foreign.clone(),
            shelf: Shelf::default(),
            dice: Mutex::new(dice.split()),
        })
    }

    fn send(&self, job: Job) {
        self.foreign.send(&mut self.dice.lock(), job);
    }

    /// A promise whose every end is counted.
    fn promise(&self, runtime: &RuntimeHandle, text: &str) -> (Completion, Finisher, Arc<Promise>) {
        let (completion, finisher) = runtime.internal_completion(text);
        let promise = self.ledger.promise();
        let hooked = Arc::clone(&promise);
        finisher.on_cancel(move || hooked.hook());
        (completion, finisher, promise)
    }

    /// A wait that is finished, cancelled or forgotten by others, by two of them at once, or was over
    /// before it began.
    fn wait(&self, info: &CallInfo, n: i64) -> Completion {
        let (completion, finisher, promise) = self.promise(info.runtime(), "what other threads do");
        let canceller = completion.canceller();
        let fate = self.dice.lock().below(8);
        if fate == 0 {
            promise.finished(finisher.finish(Ok(Value::Int(n))).is_ok());
            return completion;
        }
        let result = (fate != 1).then_some(Value::Int(n));
        let finish = Job::Finish { finisher, promise: Arc::clone(&promise), result, pending: self.ledger.pending() };
        let cancel = || Job::Cancel { canceller, promise, pending: self.ledger.pending() };
        match fate {
            2 => [finish, cancel()].into_iter().for_each(|job| self.send(job)),
            3 => [cancel(), finish].into_iter().for_each(|job| self.send(job)),
            _ => self.send(finish),
        }
        completion
    }

    /// A wait that nobody ends before the round does.
    fn never(&self, info: &CallInfo) -> Completion {
        let (completion, finisher, promise) = self.promise(info.runtime(), "the end of the round");
        let result = self.dice.lock().one_in(2).then_some(Value::Nil);
        self.shelf.put(Job::Finish { finisher, promise, result, pending: self.ledger.pending() });
        completion
    }

    fn give(&self, info: &CallInfo, function: Callable, n: i64) {
        if self.dice.lock().one_in(4) {
            return self.send(Job::Hold(function.into()));
        }
        let (ledger, pending) = (Arc::clone(&self.ledger), self.ledger.pending());
        self.send(Job::Use { info: info.keep(), function, n, ledger, pending });
    }
}

/// Adds the natives of a round.
pub(crate) fn add(builder: RuntimeBuilder, round: &Arc<Round>) -> RuntimeBuilder {
    let of = || Arc::clone(round);
    let (ran, wait, never, give) = (of(), of(), of(), of());
    let waits = |function: Function| function.flags(Descriptor::WAITS);
    builder
        .inline_native(Function::new("stress.ran", move |number: i64| ran.ledger.ran(number)))
        .inline_native(waits(Function::new("stress.wait", move |info: &CallInfo, n: i64| wait.wait(info, n))))
        .inline_native(waits(Function::new("stress.never", move |info: &CallInfo| never.never(info))))
        .inline_native(waits(Function::new("stress.after", |info: &CallInfo, microseconds: u64| {
            info.runtime().after(Duration::from_micros(microseconds))
        })))
        .inline_native(Function::new("stress.block", |info: &CallInfo, n: i64| {
            info.runtime().blocking("blocking work", move || Ok(Value::Int(n)))
        }))
        .inline_native(Function::new("stress.blocking", |n: i64| n).flags(Descriptor::BLOCKING))
        .native(Function::new("stress.host", |n: i64| n))
        .inline_native(Function::new("stress.panic", || -> Value {
            // Without the hook, which would print.
            std::panic::resume_unwind(Box::new("as ordered"))
        }))
        .inline_native(Function::new("stress.give", move |info: &CallInfo, function: Callable, n: i64| {
            give.give(info, function, n)
        }))
        .inline_native(Function::new("stress.post", |info: &CallInfo, function: &Callable| -> Result<()> {
            info.runtime().post(info.context(), function, info, Args::new(&[]))
        }))
}
