//! Completions: one result, one winner, hooks that run once, nothing lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use calog_plugin_api::host_side::{Callback, promise};
use calog_plugin_api::{Code, Completion, Error, Finisher, Outcome, Result, Value};

use crate::common::{Drops, callable, show};

/// A promise and the counts of what must happen at most once.
struct Watched {
    hooks: Arc<AtomicUsize>,
    settled: Arc<AtomicUsize>,
}

fn add(to: &AtomicUsize, amount: usize) {
    to.fetch_add(amount, Ordering::SeqCst);
}

impl Watched {
    fn new() -> (Completion, Finisher, Watched) {
        let watched = Watched { hooks: Arc::default(), settled: Arc::default() };
        let settled = watched.settled.clone();
        let count = move || add(&settled, 1);
        let (completion, finisher) = promise("a test", true, Some(Callback::new(move |_| count())));
        let hooks = watched.hooks.clone();
        finisher.on_cancel(move || add(&hooks, 1));
        (completion, finisher, watched)
    }

    fn check(&self, hooks: usize, settled: usize) {
        let counts = (self.hooks.load(Ordering::SeqCst), self.settled.load(Ordering::SeqCst));
        assert_eq!(counts, (hooks, settled), "runs of the cancel hook, of the settled hook");
    }
}

fn listen(completion: Completion) -> Receiver<Result<Value>> {
    let (sender, receiver): (Sender<_>, _) = channel();
    completion.then(move |result| sender.send(result).expect("the test listens"));
    receiver
}

fn stopped() -> Error {
    Error::new(Code::Cancelled, "stopped")
}

#[test]
fn finished_before_and_after_the_waiter_comes() {
    let (completion, finisher, watched) = Watched::new();
    watched.check(0, 0);
    finisher.finish(Ok(1.into())).unwrap();
    watched.check(0, 1);
    assert_eq!(show(&listen(completion).try_recv().unwrap()), "1");

    let (completion, finisher, watched) = Watched::new();
    let result = listen(completion);
    assert!(result.try_recv().is_err());
    finisher.finish(Err(stopped())).unwrap();
    assert_eq!(show(&result.try_recv().unwrap()), "cancelled: stopped");
    assert!(result.recv().is_err(), "the closure ran once and is gone");
    watched.check(0, 1);
}

#[test]
fn try_take_gives_the_result_or_the_completion_back() {
    let (completion, finisher, watched) = Watched::new();
    let completion = completion.try_take().expect_err("nothing is there yet");
    watched.check(0, 0);
    finisher.finish(Ok("x".into())).unwrap();
    assert_eq!(show(&completion.try_take().unwrap()), r#""x""#);
    watched.check(0, 1);
}

#[test]
fn a_dropped_finisher_is_a_dead_error() {
    let (completion, finisher, watched) = Watched::new();
    drop(finisher);
    watched.check(0, 1);
    assert_eq!(show(&completion.try_take().unwrap()), "dead: whoever would have answered is gone");
}

#[test]
fn cancelling_hands_a_later_result_back() {
    for waiting in [false, true] {
        let (completion, finisher, watched) = Watched::new();
        let canceller = completion.canceller();
        let (result, unheard) = if waiting { (Some(listen(completion)), None) } else { (None, Some(completion)) };
        assert!(canceller.cancel(&stopped()));
        assert!(!canceller.cancel(&Error::new(Code::Timeout, "later")), "only the first cancel counts");
        watched.check(1, 1);
        let item = Value::list(["not", "lost"]).unwrap();
        assert_eq!(finisher.finish(Ok(item.clone())), Err(Ok(item)), "waiting: {waiting}");
        let result = result.unwrap_or_else(|| listen(unheard.expect("one of the two")));
        assert_eq!(show(&result.try_recv().unwrap()), "cancelled: stopped");
        watched.check(1, 1);
    }
}

#[test]
fn a_patient_wait_is_asked_and_ends_in_its_own_time() {
    let (completion, finisher) = promise("a scope", false, None);
    let (asked, sees) = channel();
    finisher.be_patient();
    finisher.on_cancel(move || asked.send(()).unwrap());
    let canceller = completion.canceller();
    let (send, result) = channel();
    completion.then(move |it| send.send(it).unwrap());
    assert!(!canceller.ask(&stopped()) && !canceller.ask(&stopped()), "it does not end by being asked");
    assert_eq!(sees.try_iter().count(), 1, "its finisher hears of it, once");
    assert!(result.try_recv().is_err() && finisher.is_awaited());
    finisher.finish(Ok(Value::Int(1))).expect("somebody waits");
    assert_eq!(result.try_recv(), Ok(Ok(Value::Int(1))));
}

#[test]
fn a_patient_wait_is_ended_by_who_does_not_ask() {
    let (completion, finisher) = promise("a scope", false, None);
    finisher.be_patient();
    let canceller = completion.canceller();
    assert!(canceller.cancel(&stopped()) && !finisher.is_awaited());
    // Others end when they are asked.
    let (completion, _finisher) = promise("a queue", false, None);
    assert!(completion.canceller().ask(&stopped()));
}

#[test]
fn dropping_the_completion_cancels_it() {
    let (completion, finisher, watched) = Watched::new();
    drop(completion);
    watched.check(1, 1);
    assert_eq!(finisher.finish(Ok(5.into())), Err(Ok(5.into())));
    watched.check(1, 1);

    let (completion, finisher, watched) = Watched::new();
    drop(completion);
    drop(finisher);
    watched.check(1, 1);
}

#[test]
fn cancelling_after_the_end_changes_nothing() {
    let (completion, finisher, watched) = Watched::new();
    let canceller = completion.canceller();
    finisher.finish(Ok(1.into())).unwrap();
    assert!(!canceller.cancel(&stopped()));
    assert_eq!(show(&completion.try_take().unwrap()), "1");
    assert!(!canceller.cancel(&stopped()));
    watched.check(0, 1);
}

#[test]
fn a_hook_set_late_runs_at_once_and_a_second_replaces_the_first() {
    let ran = Arc::new(AtomicUsize::new(0));
    let adds = |amount: usize| {
        let ran = ran.clone();
        move || add(&ran, amount)
    };
    let (completion, finisher) = promise("a test", true, None);
    finisher.on_cancel(adds(1));
    finisher.on_cancel(adds(10));
    completion.canceller().cancel(&stopped());
    assert_eq!(ran.load(Ordering::SeqCst), 10);
    finisher.on_cancel(adds(100));
    assert_eq!(ran.load(Ordering::SeqCst), 110);
    drop(completion);
    finisher.on_cancel(adds(1000));
    assert_eq!(ran.load(Ordering::SeqCst), 1110);
}

#[test]
fn hooks_may_use_the_completion_they_belong_to() {
    let (done, finished) = channel();
    std::thread::spawn(move || {
        // A hook that is set late runs at once.
        let (completion, finisher) = promise("a test", true, None);
        let canceller = completion.canceller();
        canceller.cancel(&stopped());
        finisher.on_cancel(move || assert!(!canceller.cancel(&stopped())));
        // A hook that runs on cancelling.
        let (completion, finisher) = promise("a test", true, None);
        let canceller = completion.canceller();
        let again = canceller.clone();
        finisher.on_cancel(move || assert!(!again.cancel(&stopped())));
        assert!(canceller.cancel(&stopped()));
        done.send(()).expect("the test listens");
    });
    let answer = finished.recv_timeout(Duration::from_secs(10));
    assert_eq!(answer, Ok(()), "a hook ran while the completion was locked");
}

#[test]
fn a_panic_in_a_hook_or_a_waiter_stays_inside() {
    let (completion, finisher, watched) = Watched::new();
    finisher.on_cancel(|| panic!("in the hook"));
    let result = listen(completion);
    drop(finisher);
    assert_eq!(result.try_recv().unwrap().map_err(|error| error.code()), Err(Code::Dead));
    watched.check(0, 1);

    let (completion, finisher, watched) = Watched::new();
    completion.then(|_| panic!("in the waiter"));
    finisher.finish(Ok(Value::Nil)).unwrap();
    watched.check(0, 1);
}

#[test]
fn it_says_what_is_waited_for() {
    for external in [false, true] {
        let (completion, _finisher) = promise("net.recv on 127.0.0.1:80", external, None);
        assert_eq!((completion.text().as_str(), completion.is_external()), ("net.recv on 127.0.0.1:80", external));
        assert_eq!(format!("{completion:?}"), "<waiting for net.recv on 127.0.0.1:80>");
    }
}

#[test]
fn an_outcome_settles_now_or_later() {
    let hear = |outcome: Outcome| {
        let (sender, receiver) = channel();
        outcome.then(move |result| sender.send(show(&result)).expect("the test listens"));
        receiver
    };
    assert_eq!(hear(Outcome::Ready(1.into())).try_recv().unwrap(), "1");
    assert_eq!(hear(stopped().into()).try_recv().unwrap(), "cancelled: stopped");
    let (completion, finisher) = promise("a test", true, None);
    let answer = hear(completion.into());
    assert!(answer.try_recv().is_err());
    finisher.finish(Ok(2.into())).unwrap();
    assert_eq!(answer.try_recv().unwrap(), "2");
}

#[test]
fn values_in_completions_are_dropped_once() {
    let drops = Drops::default();
    let value = || Value::list([Value::from(callable(1, &drops))]);
    let (completion, finisher) = promise("taken", true, None);
    finisher.finish(value()).unwrap();
    drop(completion.try_take());
    assert_eq!(drops.count(), 1);
    let (completion, finisher) = promise("never taken", true, None);
    finisher.finish(value()).unwrap();
    drop(completion);
    assert_eq!(drops.count(), 2);
    let (completion, finisher) = promise("handed back", true, None);
    drop(completion);
    drop(finisher.finish(value()));
    assert_eq!(drops.count(), 3);
    let (completion, finisher) = promise("heard", true, None);
    completion.then(drop);
    finisher.finish(value()).unwrap();
    assert_eq!(drops.count(), 4);
}

const RACES: usize = 3000;

/// Runs two closures at the same moment on two threads.
fn race<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B + Send) -> (A, B) {
    let start = Barrier::new(2);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            start.wait();
            one()
        });
        start.wait();
        let other = other();
        (thread.join().expect("the racer does not panic"), other)
    })
}

#[test]
fn finish_against_cancel_has_one_winner() {
    let mut finished_first = 0;
    for round in 0..RACES {
        let (completion, finisher, watched) = Watched::new();
        let canceller = completion.canceller();
        let waiting = round % 2 == 0;
        let (heard, unheard) = if waiting { (Some(listen(completion)), None) } else { (None, Some(completion)) };
        let (finish, cancelled) = race(move || finisher.finish(Ok(1.into())), || canceller.cancel(&stopped()));
        let result = match heard {
            Some(heard) => heard.try_recv().unwrap(),
            None => unheard.unwrap().try_take().unwrap(),
        };
        match finish {
            Ok(()) => assert_eq!((show(&result).as_str(), cancelled), ("1", false)),
            Err(back) => {
                assert_eq!(
                    (show(&result).as_str(), show(&back).as_str(), cancelled),
                    ("cancelled: stopped", "1", true)
                );
            }
        }
        watched.check(cancelled.into(), 1);
        finished_first += usize::from(!cancelled);
    }
    assert!(finished_first > 0, "the cancel always won: this was no race");
}

#[test]
fn finish_against_a_leaving_waiter_loses_nothing() {
    let drops = Drops::default();
    for _ in 0..RACES {
        let (completion, finisher, watched) = Watched::new();
        let value = Value::from(callable(1, &drops));
        let (finish, ()) = race(move || finisher.finish(Ok(value)), move || drop(completion));
        watched.check(finish.is_err().into(), 1);
    }
    assert_eq!(drops.count(), RACES);
}

#[test]
fn finish_against_a_coming_waiter_is_heard() {
    for _ in 0..RACES {
        let (completion, finisher, watched) = Watched::new();
        let (finish, heard) = race(move || finisher.finish(Ok(1.into())), move || listen(completion));
        assert_eq!((finish, show(&heard.recv().unwrap()).as_str()), (Ok(()), "1"));
        watched.check(0, 1);
    }
}

#[test]
fn setting_a_hook_against_cancelling_runs_it_once() {
    for _ in 0..RACES {
        let (completion, finisher, watched) = Watched::new();
        let canceller = completion.canceller();
        let late = Arc::new(AtomicUsize::new(0));
        let count = late.clone();
        let set = || finisher.on_cancel(move || add(&count, 1));
        let ((), cancelled) = race(set, move || canceller.cancel(&stopped()));
        assert!(cancelled);
        assert_eq!(late.load(Ordering::SeqCst), 1, "the new hook runs, replacing or late");
        assert!(watched.hooks.load(Ordering::SeqCst) <= 1);
        drop(completion);
    }
}

#[test]
fn a_finisher_knows_whether_anybody_waits() {
    let (completion, finisher) = promise("a test", false, None);
    assert!(finisher.is_awaited());
    let canceller = completion.canceller();
    let _results = listen(completion);
    assert!(finisher.is_awaited());
    assert!(canceller.cancel(&stopped()));
    assert!(!finisher.is_awaited());
    let (completion, finisher) = promise("a test", false, None);
    drop(completion);
    assert!(!finisher.is_awaited());
}
