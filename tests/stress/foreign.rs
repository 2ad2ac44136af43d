//! Threads that know nothing of contexts: they call functions, hold and drop values, finish and cancel
//! waits and close contexts, also long after the runtime has ended that these are of.

use std::any::Any;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use calog::Stopper;
use calog::plugin_api::{
    Args, CallInfo, Callable, CancelToken, Canceller, Code, Error, Finisher, KeptInfo, Object, Value,
};
use parking_lot::Mutex;

use crate::dice::Dice;
use crate::ledger::{Expect, Ledger, Pending, Promise};

/// How many values a thread holds at most.
const HELD: usize = 24;

/// What a thread is asked to do.
pub(crate) enum Job {
    /// Call a function that adds `n`, some times.
    Use { info: KeptInfo, function: Callable, n: i64, ledger: Arc<Ledger>, pending: Pending },
    /// Finish a promise, or drop its finisher.
    Finish { finisher: Finisher, promise: Arc<Promise>, result: Option<Value>, pending: Pending },
    /// Cancel a wait.
    Cancel { canceller: Canceller, promise: Arc<Promise>, pending: Pending },
    /// Raise a token.
    Raise(CancelToken),
    /// Close a context.
    Close { info: KeptInfo, object: Object, ledger: Arc<Ledger>, pending: Pending },
    /// End a program.
    Exit(Stopper),
    /// Hold a value for a while.
    Hold(Value),
    /// Drop whatever it is.
    Drop(Box<dyn Any + Send>),
}

/// The threads, each with a queue of its own.
#[derive(Clone)]
pub(crate) struct Foreign(Arc<Vec<Sender<Job>>>);

/// To be joined, once nobody has a `Foreign` any more.
pub(crate) struct Threads(Vec<JoinHandle<()>>);

/// Starts so many threads.
pub(crate) fn start(count: usize, dice: &mut Dice) -> (Foreign, Threads) {
    let start = |_| {
        let (sender, jobs) = channel();
        let mut worker = Worker { dice: dice.split(), held: Vec::new() };
        (sender, thread::spawn(move || worker.run(&jobs)))
    };
    let (senders, threads) = (0..count).map(start).unzip();
    (Foreign(Arc::new(senders)), Threads(threads))
}

impl Threads {
    pub(crate) fn join(self) {
        self.0.into_iter().for_each(|thread| thread.join().expect("a foreign thread fails by a complaint only"));
    }
}

impl Foreign {
    /// Has one of the threads do it.
    pub(crate) fn send(&self, dice: &mut Dice, job: Job) {
        dice.pick(&self.0).send(job).expect("the threads run as long as somebody can ask them");
    }
}

struct Worker {
    dice: Dice,
    held: Vec<Value>,
}

impl Worker {
    fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            // So that what is asked of several threads meets in all orders.
            if self.dice.one_in(8) {
                thread::sleep(Duration::from_micros(self.dice.below(200) as u64));
            }
            self.work(job);
        }
    }

    fn work(&mut self, job: Job) {
        match job {
            Job::Use { info, function, n, ledger, pending } => {
                for _ in 0..=self.dice.below(3) {
                    self.call(&info, &function, n, &ledger);
                }
                self.hold(function.into());
                drop(pending);
            }
            Job::Finish { finisher, promise, result: Some(value), pending } => {
                promise.finished(finisher.finish(Ok(value)).is_ok());
                drop(pending);
            }
            Job::Finish { finisher, promise, result: None, pending } => {
                promise.dropped();
                drop(finisher);
                drop(pending);
            }
            Job::Cancel { canceller, promise, pending } => {
                promise.cancelled(canceller.cancel(&Error::new(Code::Cancelled, "as the stress wanted it")));
                drop(pending);
            }
            Job::Raise(token) => token.cancel(),
            Job::Close { info, object, ledger, pending } => {
                let object_is_of = object.clone();
                object.call(&info, "close", Args::new(&[])).then(move |result| {
                    if let Err(error) = result.as_ref()
                        && !ledger.permits(error)
                    {
                        ledger.complain(format!("closing {object_is_of:?}: {error:?}"));
                    }
                    drop(pending);
                });
            }
            Job::Exit(stopper) => stopper.exit(0),
            Job::Hold(value) => self.hold(value),
            Job::Drop(value) => drop(value),
        }
    }

    fn call(&mut self, info: &CallInfo, function: &Callable, n: i64, ledger: &Arc<Ledger>) {
        let x = self.dice.below(1000) as i64;
        let ticket = ledger.silent_call(format!("a foreign call of x + {n}"), Expect::Value(Value::Int(x + n)));
        let args = [Value::Int(x)];
        let views = args.each_ref().map(Value::view);
        function.call(info, Args::new(&views)).then(move |result| ticket.answer(&result));
    }

    fn hold(&mut self, value: Value) {
        if self.held.len() >= HELD {
            let at = self.dice.below(HELD);
            drop(self.held.swap_remove(at));
        }
        self.held.push(value);
    }
}

/// Jobs that wait for the round's end.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<Vec<Job>>);

impl Shelf {
    pub(crate) fn put(&self, job: Job) {
        self.0.lock().push(job);
    }

    /// Gives all to the threads.
    pub(crate) fn clear(&self, foreign: &Foreign, dice: &mut Dice) {
        let jobs = std::mem::take(&mut *self.0.lock());
        jobs.into_iter().for_each(|job| foreign.send(dice, job));
    }
}
