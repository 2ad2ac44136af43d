//! Model checks: the primitives, with a checker deciding which thread goes on. See "Model checks" in
//! `docs/contributing.md` for how they are run and replayed.
//!
//! What waits for ever is a deadlock, which the checker reports; so each model also shows that nobody
//! is forgotten.

use std::env;
use std::sync::Arc;

use calog_plugin_api::host_side::promise;
use calog_plugin_api::{Canceller, Code, Completion, Counted, Error, Finisher, KeptInfo, Outcome, Result, Value};
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::sync::mpsc::{Receiver, TryRecvError, channel};
use shuttle::thread::{JoinHandle, spawn, yield_now};
use shuttle::{Config, MaxSteps, Runner};

use crate::chain::Chains;
use crate::line::Promises;
use crate::locks::lock;
use crate::queue::Queue;
use crate::shared::Shared;
use crate::tests::mock::{Posted, adds, counting, posting};
use crate::waitgroup::WaitGroup;

/// Schedules of each kind for a model, unless `CALOG_MODEL_ROUNDS` says otherwise.
const ROUNDS: usize = 100;

/// What random schedules begin with, unless `SHUTTLE_RANDOM_SEED` says otherwise.
const SEED: u64 = 0x0ca1_0900;

/// The kinds of schedules besides purely random ones: so many changes of mind.
const DEPTHS: [usize; 3] = [2, 3, 4];

/// A model that has not ended after so many steps never will.
const MAX_STEPS: usize = 100_000;

/// Runs a model along many schedules, or along the one that `CALOG_MODEL_REPLAY` gives.
fn check(model: impl Fn() + Copy + Send + Sync + 'static) {
    if let Ok(schedule) = env::var("CALOG_MODEL_REPLAY") {
        return run(ReplayScheduler::new_from_encoded(&schedule), model);
    }
    let rounds = env::var("CALOG_MODEL_ROUNDS").map_or(ROUNDS, |text| text.parse().expect("a number"));
    run(RandomScheduler::new_from_seed(SEED, rounds), model);
    for depth in DEPTHS {
        run(PctScheduler::new_from_seed(SEED, depth, rounds), model);
    }
}

fn run(scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model);
}

/// Promises without a runtime.
struct Plain;

impl Promises for Plain {
    fn promise(&self, text: &str) -> (Completion, Finisher) {
        promise(text, false, None)
    }

    fn count_item(&self) -> calog_plugin_api::Result<Counted> {
        Ok(Counted::NOTHING)
    }
}

/// A wait that somebody is in, and by which he can be cancelled.
struct Wait {
    canceller: Option<Canceller>,
    answer: Receiver<Result<Value>>,
}

impl Wait {
    fn of(outcome: Outcome) -> Wait {
        let canceller = if let Outcome::Pending(completion) = &outcome { Some(completion.canceller()) } else { None };
        let (send, answer) = channel();
        // Nobody listens any more when a model has failed.
        outcome.then(move |result| _ = send.send(result));
        Wait { canceller, answer }
    }

    /// Somebody who cancels it, at any moment.
    fn cancels(&self) -> JoinHandle<bool> {
        let canceller = self.canceller.clone().expect("it waits");
        spawn(move || canceller.cancel(&Error::new(Code::Cancelled, "by the model")))
    }

    fn result(self) -> Result<Value, Code> {
        self.answer.recv().expect("an answer").map_err(|error| error.code())
    }
}

fn joined<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("a thread that does not panic")
}

fn queue(most: usize) -> Arc<Queue> {
    Arc::new(Queue::new("q", (most > 0).then_some(most)))
}

fn get(queue: &Arc<Queue>) -> Wait {
    Wait::of(queue.get(&Plain))
}

fn put(queue: &Arc<Queue>, item: i64) -> Wait {
    Wait::of(queue.put(&Plain, item.into()))
}

/// What is left in a queue that nobody uses any more.
fn rest(queue: &Queue) -> Vec<i64> {
    queue.close();
    let item = || queue.try_get().ok().flatten().map(|item| item.view().as_int().expect("an int"));
    std::iter::from_fn(item).collect()
}

#[test]
fn an_item_whose_getter_is_cancelled_goes_to_the_next() {
    check(|| {
        let queue = queue(0);
        let (first, second) = (get(&queue), get(&queue));
        let canceller = first.cancels();
        let putter = spawn({
            let queue = Arc::clone(&queue);
            move || drop(put(&queue, 1).result())
        });
        let cancelled = joined(canceller);
        joined(putter);
        assert_eq!(first.result(), if cancelled { Err(Code::Cancelled) } else { Ok(1.into()) });
        queue.close();
        assert_eq!(second.result(), if cancelled { Ok(1.into()) } else { Err(Code::Closed) });
        assert_eq!(rest(&queue), [0; 0]);
    });
}

#[test]
fn what_a_cancelled_getter_was_handed_stays_first() {
    check(|| {
        let queue = queue(0);
        let getter = get(&queue);
        let canceller = getter.cancels();
        let putter = spawn({
            let queue = Arc::clone(&queue);
            move || [1, 2].map(|item| put(&queue, item).result())
        });
        // It takes what nobody waits for, as soon as it is there.
        let taken = [(); 2].map(|()| queue.try_get().expect("the queue is open"));
        joined(canceller);
        assert_eq!(joined(putter), [Ok(Value::Nil), Ok(Value::Nil)]);
        let taken = taken.into_iter().flatten().map(|item| item.view().as_int().expect("an int"));
        let taken: Vec<i64> = taken.chain(rest(&queue)).collect();
        match getter.result() {
            Err(Code::Cancelled) => assert_eq!(taken, [1, 2]),
            got => assert_eq!((got, taken), (Ok(1.into()), vec![2])),
        }
    });
}

#[test]
fn a_cancelled_putter_has_put_nothing_and_another_has_his_room() {
    check(|| {
        let queue = queue(1);
        assert_eq!(put(&queue, 0).result(), Ok(Value::Nil));
        let (first, second) = (put(&queue, 1), put(&queue, 2));
        let canceller = first.cancels();
        let getter = spawn({
            let queue = Arc::clone(&queue);
            move || [get(&queue).result(), get(&queue).result()]
        });
        let cancelled = joined(canceller);
        let got = joined(getter);
        let next = if cancelled { 2 } else { 1 };
        assert_eq!(first.result(), if cancelled { Err(Code::Cancelled) } else { Ok(Value::Nil) });
        assert_eq!(got, [Ok(0.into()), Ok(next.into())]);
        assert_eq!(second.result(), Ok(Value::Nil));
        assert_eq!(rest(&queue), if cancelled { vec![] } else { vec![2] });
    });
}

#[test]
fn producers_and_consumers_lose_and_double_nothing() {
    check(|| {
        let queue = queue(1);
        let producers = [10, 20].map(|first| {
            let queue = Arc::clone(&queue);
            spawn(move || (0..2).for_each(|n| assert_eq!(put(&queue, first + n).result(), Ok(Value::Nil))))
        });
        let consumers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            spawn(move || {
                let items = std::iter::from_fn(|| get(&queue).result().ok());
                items.map(|item| item.view().as_int().expect("an int")).collect::<Vec<_>>()
            })
        });
        let _ended = producers.map(joined);
        queue.close();
        let mut all = Vec::new();
        for items in consumers.map(joined) {
            for first in [10, 20] {
                assert!(items.iter().filter(|item| **item / 10 == first / 10).is_sorted(), "{items:?}");
            }
            all.extend(items);
        }
        all.sort_unstable();
        assert_eq!(all, [10, 11, 20, 21]);
    });
}

/// Puts for a context that may have so many items in queues.
struct Counting(KeptInfo);

impl Promises for Counting {
    fn promise(&self, text: &str) -> (Completion, Finisher) {
        Plain.promise(text)
    }

    fn count_item(&self) -> calog_plugin_api::Result<Counted> {
        self.0.count_item()
    }
}

/// Whatever becomes of it: handed over, taken, withdrawn, refused, dropped with the queue.
#[test]
fn every_item_is_counted_as_long_as_it_is_there() {
    check(|| {
        let queue = queue(1);
        let (info, counts) = counting(3);
        let getter = get(&queue);
        let canceller = getter.cancels();
        let putters = [10, 20].map(|first| {
            let (queue, info) = (Arc::clone(&queue), info.clone());
            spawn(move || {
                [first, first + 1].map(|item| {
                    let wait = Wait::of(queue.put(&Counting(info.clone()), item.into()));
                    if let Some(canceller) = &wait.canceller {
                        canceller.cancel(&Error::new(Code::Cancelled, "by the model"));
                    }
                    wait.result()
                })
            })
        });
        let mut got = Vec::new();
        for result in putters.map(joined).into_iter().flatten() {
            match result {
                Ok(_) => got.push(()),
                Err(code) => assert!(matches!(code, Code::Cancelled | Code::Limit), "{code:?}"),
            }
        }
        joined(canceller);
        let taken = usize::from(getter.result().is_ok());
        assert_eq!(*lock(&counts.used), (got.len() - taken) as u64, "those that lie there");
        assert_eq!(rest(&queue).len(), got.len() - taken);
        assert_eq!(*lock(&counts.used), 0);
    });
}

#[test]
fn closing_answers_everybody() {
    check(|| {
        let queue = queue(1);
        let users = [1, 2].map(|item| {
            let queue = Arc::clone(&queue);
            spawn(move || put(&queue, item).result().is_ok())
        });
        let getter = spawn({
            let queue = Arc::clone(&queue);
            move || get(&queue).result().is_ok()
        });
        let closers = [(); 2].map(|()| {
            let queue = Arc::clone(&queue);
            spawn(move || queue.close())
        });
        let was_put = users.map(joined).into_iter().filter(|put| *put).count();
        let got = usize::from(joined(getter));
        let _ended = closers.map(joined);
        assert_eq!(got + rest(&queue).len(), was_put);
    });
}

#[test]
fn order_is_kept_while_another_thread_serves() {
    check(|| {
        let queue = queue(0);
        let (first, second) = (get(&queue), get(&queue));
        let canceller = second.cancels();
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || drop(put(&queue, 0))
        });
        // Served by the other thread, these may return while their items are still being handed out.
        let producer = spawn({
            let queue = Arc::clone(&queue);
            move || _ = [1, 2].map(|item| drop(put(&queue, item)))
        });
        let mut taken: Vec<i64> = Vec::new();
        for _ in 0..3 {
            taken.extend(queue.try_get().expect("the queue is open").and_then(|item| item.view().as_int()));
        }
        let (cancelled, _put) = (joined(canceller), joined(producer));
        if cancelled && taken.is_empty() {
            // Two items are in for one who waits; the other may just be on its way back.
            taken.extend(queue.try_get().expect("the queue is open").and_then(|item| item.view().as_int()));
            assert_eq!(taken.len(), 1);
        }
        joined(other);
        taken.extend(rest(&queue));
        assert!(taken.iter().filter(|item| **item > 0).is_sorted(), "{taken:?}");
        taken.extend([first, second].into_iter().filter_map(|wait| wait.result().ok()?.view().as_int()));
        taken.sort_unstable();
        assert_eq!(taken, [0, 1, 2]);
    });
}

#[test]
fn who_comes_to_get_takes_nothing_from_behind_an_item_that_comes_back() {
    check(|| {
        let queue = queue(0);
        let (first, second) = (get(&queue), get(&queue));
        let canceller = second.cancels();
        let other = spawn({
            let queue = Arc::clone(&queue);
            move || drop(put(&queue, 0))
        });
        let producer = spawn({
            let queue = Arc::clone(&queue);
            move || _ = [1, 2].map(|item| drop(put(&queue, item)))
        });
        let got = get(&queue).result().expect("there are as many items as who wait");
        joined(producer);
        joined(other);
        let cancelled = joined(canceller);
        let taken: Vec<i64> = got.view().as_int().into_iter().chain(rest(&queue)).collect();
        assert_eq!(taken.len(), if cancelled { 2 } else { 1 });
        assert!(taken.iter().filter(|item| **item > 0).is_sorted(), "{taken:?}");
        assert!(first.result().is_ok());
    });
}

#[test]
fn nobody_takes_what_others_wait_for() {
    check(|| {
        let queue = queue(0);
        let getters = [(); 3].map(|()| get(&queue));
        let putters = [1, 2, 3].map(|item| {
            let queue = Arc::clone(&queue);
            spawn(move || drop(put(&queue, item)))
        });
        for _ in 0..3 {
            assert_eq!(queue.try_get(), Ok(None));
        }
        let _ended = putters.map(joined);
        assert!(getters.into_iter().all(|wait| wait.result().is_ok()));
    });
}

#[test]
fn nobody_takes_the_room_that_others_wait_for() {
    check(|| {
        let queue = queue(2);
        let first = [1, 2].map(|item| put(&queue, item).result());
        assert_eq!(first, [Ok(Value::Nil), Ok(Value::Nil)]);
        let putters = [3, 4, 5, 6].map(|item| put(&queue, item));
        let getters = [(); 3].map(|()| {
            let queue = Arc::clone(&queue);
            spawn(move || get(&queue).result().is_ok())
        });
        for _ in 0..3 {
            assert_eq!(queue.try_put(&Plain, 9.into()), Ok(false));
        }
        assert_eq!(getters.map(joined), [true; 3]);
        assert_eq!(rest(&queue), [4, 5]);
        let put = putters.map(|wait| wait.result().is_ok());
        assert_eq!(put, [true, true, true, false]);
    });
}

/// An update as a context makes it, which serves what is posted to it while it waits.
fn update(shared: &Arc<Shared>, (info, posted): &(KeptInfo, Arc<Posted>)) -> Result<Value, Code> {
    let wait = Wait::of(shared.update(info, &adds(1)));
    serve(&wait, posted, info)
}

fn serve(wait: &Wait, posted: &Posted, info: &KeptInfo) -> Result<Value, Code> {
    loop {
        match wait.answer.try_recv() {
            Ok(result) => return result.map_err(|error| error.code()),
            Err(TryRecvError::Disconnected) => panic!("it is not answered"),
            Err(TryRecvError::Empty) => {
                posted.run(info);
                yield_now();
            }
        }
    }
}

#[test]
fn no_update_is_lost() {
    check(|| {
        let shared = Arc::new(Shared::new("v", 0.into(), Arc::new(Chains::default())));
        let updaters = [(); 3].map(|()| {
            let shared = Arc::clone(&shared);
            spawn(move || update(&shared, &posting()).expect("an update"))
        });
        let mut values = updaters.map(|it| joined(it).view().as_int().expect("an int"));
        values.sort_unstable();
        assert_eq!((values, shared.get()), ([1, 2, 3], 3.into()));
    });
}

#[test]
fn who_leaves_or_closes_while_he_waits_for_a_turn_gives_it_up() {
    check(|| {
        let shared = Arc::new(Shared::new("v", 0.into(), Arc::new(Chains::default())));
        let updater = spawn({
            let shared = Arc::clone(&shared);
            move || update(&shared, &posting()).expect("an update")
        });
        let leaver = spawn({
            let shared = Arc::clone(&shared);
            move || {
                let (info, posted) = posting();
                let wait = Wait::of(shared.update(&info, &adds(10)));
                let cancelled = wait.canceller.as_ref().map(|_| wait.cancels());
                // As a context that closes.
                posted.discard();
                cancelled.map(joined);
                posted.discard();
            }
        });
        let last = update(&shared, &posting()).expect("an update");
        let other = joined(updater);
        joined(leaver);
        assert!([1, 2, 11, 12].contains(&last.view().as_int().expect("an int")), "{last:?}, {other:?}");
        let (info, _posted) = posting();
        assert_eq!(Wait::of(shared.set(&info, 0.into())).result(), Ok(Value::Nil), "the turn is free");
    });
}

#[test]
fn whoever_waits_for_a_group_is_woken_or_cancelled() {
    check(|| {
        let group = Arc::new(WaitGroup::new("g"));
        group.add("add", 2).expect("a count");
        let (one, other) = (Wait::of(group.wait(&Plain)), Wait::of(group.wait(&Plain)));
        let canceller = one.cancels();
        let workers = [(); 2].map(|()| {
            let group = Arc::clone(&group);
            spawn(move || group.add("done", -1).expect("a count"))
        });
        let late = spawn({
            let group = Arc::clone(&group);
            move || Wait::of(group.wait(&Plain)).result()
        });
        let cancelled = joined(canceller);
        assert_eq!(one.result(), if cancelled { Err(Code::Cancelled) } else { Ok(Value::Nil) });
        assert_eq!((other.result(), joined(late)), (Ok(Value::Nil), Ok(Value::Nil)));
        let _ended = workers.map(joined);
    });
}
