//! Timers under a clock that the test moves.

mod mock;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog_plugin_api::{Args, Callable, Code, Error, Finisher, Object, Outcome, Result, RuntimeHandle, Value, View};

use crate::owners::{Owners, lock};
use crate::schedule::Schedule;
use crate::timer::Timer;
use mock::{MS, Mock, function};

/// The context that makes timers, and another.
const HERE: u64 = 10;
const THERE: u64 = 20;

#[derive(Default)]
struct Stage {
    mock: Arc<Mock>,
    owners: Arc<Owners>,
    /// When functions were called.
    calls: Arc<Mutex<Vec<u64>>>,
}

impl Stage {
    /// A function that notes when it is called, and takes these times one after the other, then none.
    fn takes(&self, context: u64, times_ms: &[u64]) -> Callable {
        let (mock, calls, times) = (Arc::clone(&self.mock), Arc::clone(&self.calls), times_ms.to_vec());
        function(context, move || {
            let begun = mock.now_ms();
            let number = {
                let mut calls = lock(&calls);
                calls.push(begun);
                calls.len() - 1
            };
            mock.pass_to(begun + times.get(number).copied().unwrap_or(0));
            Outcome::Ready(Value::Nil)
        })
    }

    fn start(&self, function: Callable, schedule: Schedule) -> Result<Object> {
        Timer::start(&self.owners, &self.mock.info(HERE), function, schedule)
    }

    fn after(&self, ms: u64, function: Callable) -> Object {
        self.start(function, Schedule::once(self.mock.now_ms() * MS, Duration::from_millis(ms))).expect("a timer")
    }

    fn every(&self, ms: u64, function: Callable) -> Object {
        let schedule = Schedule::every(self.mock.now_ms() * MS, Duration::from_millis(ms));
        self.start(function, schedule.expect("a period")).expect("a timer")
    }

    fn cancel(&self, timer: &Object) {
        assert!(matches!(timer.call(&self.mock.info(THERE), "cancel", Args::new(&[])), Outcome::Ready(Value::Nil)));
    }

    /// The clock moves on by milliseconds, and all threads are free.
    fn live_to(&self, ms: u64) {
        while self.mock.now_ms() < ms {
            self.mock.pass_to(self.mock.now_ms() + 1);
            self.mock.run();
        }
    }

    fn calls(&self) -> Vec<u64> {
        lock(&self.calls).clone()
    }
}

#[test]
fn calls_do_not_drift_however_long_they_take() {
    let stage = Stage::default();
    let timer = stage.every(10, stage.takes(HERE, &[0, 3, 12, 9, 10, 35]));
    stage.live_to(200);
    // 30 and 12 is beyond 40; 50 and 9 is not beyond 60; 60 and 10 is 70, which has passed then; 80 and
    // 35 is beyond 110.
    assert_eq!(stage.calls(), [10, 20, 30, 50, 60, 80, 120, 130, 140, 150, 160, 170, 180, 190, 200]);
    assert_eq!(stage.mock.alarms(), [210]);
    stage.cancel(&timer);
    assert_eq!(stage.mock.alarms(), [0; 0]);
}

#[test]
fn a_busy_thread_finds_one_call_and_the_next_keeps_to_its_time() {
    let stage = Stage::default();
    let _timer = stage.every(10, stage.takes(HERE, &[]));
    stage.mock.pass_to(57);
    assert_eq!(stage.mock.alarms(), [0; 0], "no alarm is set while a turn waits");
    assert_eq!(stage.mock.run().len(), 1);
    stage.live_to(81);
    assert_eq!(stage.calls(), [57, 60, 70, 80]);
}

#[test]
fn a_call_is_over_when_what_it_waits_for_is() {
    let stage = Stage::default();
    let waits: Arc<Mutex<Vec<Finisher>>> = Arc::default();
    let (handle, given) = (stage.mock.info(HERE).runtime().clone(), Arc::clone(&waits));
    let waiting = move |handle: &RuntimeHandle| {
        let (completion, finisher) = handle.internal_completion("the test");
        lock(&given).push(finisher);
        Outcome::Pending(completion)
    };
    let _timer = stage.every(10, function(HERE, move || waiting(&handle)));
    stage.mock.pass_to(10);
    let (_, outcome) = stage.mock.run().remove(0);
    let Outcome::Pending(answer) = outcome else { panic!("it waits") };
    stage.live_to(45);
    assert_eq!((lock(&waits).len(), stage.mock.alarms()), (1, vec![]), "it is not called again meanwhile");
    let finisher = lock(&waits).remove(0);
    finisher.finish(Err(Error::new(Code::Io, "it broke"))).expect("it is waited for");
    assert_eq!(answer.try_take().expect("it has ended").expect_err("it failed").code(), Code::Io);
    assert_eq!(stage.mock.alarms(), [50], "its failure stops nothing");
}

#[test]
fn a_full_mailbox_is_tried_again() {
    for repeats in [false, true] {
        let stage = Stage::default();
        let called = stage.takes(HERE, &[]);
        let _timer = if repeats { stage.every(100, called) } else { stage.after(100, called) };
        stage.mock.refuse(Some(Code::Limit));
        stage.live_to(125);
        assert_eq!(stage.calls(), [0; 0]);
        stage.mock.refuse(None);
        stage.live_to(135);
        assert_eq!(stage.calls(), [130]);
        assert_eq!(stage.mock.alarms(), if repeats { vec![200] } else { vec![] });
    }
}

#[test]
fn a_closed_mailbox_ends_it() {
    let stage = Stage::default();
    let timer = stage.every(10, stage.takes(HERE, &[]));
    stage.mock.refuse(Some(Code::Dead));
    stage.live_to(15);
    stage.mock.refuse(None);
    stage.live_to(50);
    assert_eq!((stage.calls(), stage.mock.alarms()), (vec![], vec![]));
    stage.cancel(&timer);
}

#[test]
fn a_turn_that_comes_too_late_calls_nothing() {
    for repeats in [false, true] {
        let stage = Stage::default();
        let called = stage.takes(HERE, &[]);
        let timer = if repeats { stage.every(10, called) } else { stage.after(10, called) };
        stage.mock.pass_to(10);
        stage.cancel(&timer);
        stage.cancel(&timer);
        assert_eq!(stage.mock.run().len(), 1);
        assert_eq!((stage.calls(), stage.mock.alarms()), (vec![], vec![]));
    }
}

#[test]
fn it_is_called_at_home_and_ends_with_its_owners() {
    for closes in [HERE, THERE] {
        let stage = Stage::default();
        let _timer = stage.every(10, stage.takes(THERE, &[]));
        let _others: Vec<Object> = (0..3).map(|_| stage.after(1000, stage.takes(THERE, &[]))).collect();
        stage.mock.pass_to(10);
        assert_eq!(stage.mock.run().iter().map(|(context, _)| *context).collect::<Vec<_>>(), [THERE]);
        assert_eq!(stage.mock.closers(), 2, "each context is asked once");
        stage.mock.pass_to(20);
        stage.mock.close(closes);
        stage.mock.run();
        assert_eq!((stage.calls(), stage.mock.alarms()), (vec![10], vec![]), "{closes} closes");
    }
}

#[test]
fn what_is_nobodys_is_called_where_it_was_given() {
    let stage = Stage::default();
    let _timer = stage.after(1, stage.takes(0, &[]));
    stage.mock.pass_to(1);
    assert_eq!(stage.mock.run().iter().map(|(context, _)| *context).collect::<Vec<_>>(), [HERE]);
    assert_eq!(stage.calls(), [1]);
}

#[test]
fn a_function_of_a_closed_context_is_refused() {
    let stage = Stage::default();
    stage.mock.close(THERE);
    let started = stage.start(stage.takes(THERE, &[]), Schedule::once(0, Duration::ZERO));
    assert_eq!(started.expect_err("nobody can call it").code(), Code::Dead);
    assert_eq!(stage.mock.alarms(), [0; 0]);
}

#[test]
fn at_the_end_all_are_over() {
    let stage = Stage::default();
    let _timers = [stage.every(10, stage.takes(HERE, &[])), stage.after(10, stage.takes(THERE, &[]))];
    stage.mock.pass_to(10);
    stage.owners.clear();
    stage.mock.run();
    assert_eq!((stage.calls(), stage.mock.alarms()), (vec![], vec![]));
}

#[test]
fn a_timer_that_is_over_holds_neither_its_function_nor_an_alarm() {
    let stage = Stage::default();
    let held = Arc::new(());
    let holds = || {
        let held = Arc::clone(&held);
        function(HERE, move || {
            let _held = &held;
            Outcome::Ready(Value::Nil)
        })
    };
    // Their handles are kept.
    let timers = [stage.after(5, holds()), stage.after(1000, holds()), stage.every(5, holds())];
    stage.live_to(7);
    timers[1..].iter().for_each(|timer| stage.cancel(timer));
    assert_eq!((Arc::strong_count(&held), stage.mock.alarms()), (1, vec![]));
}

#[test]
fn the_bundle_is_sound() {
    let names: Vec<String> =
        crate::timer().check().expect("a bundle").natives().iter().map(|it| it.descriptor().name).collect();
    assert_eq!(names, ["timer.after", "timer.every", "timer.now"]);
    let stage = Stage::default();
    let timer = stage.after(1, stage.takes(HERE, &[]));
    assert_eq!(timer.type_name(), "timer");
    assert_eq!(timer.members().into_iter().map(|it| it.name).collect::<Vec<_>>(), ["cancel"]);
    let wrong = |method: &str, args: &[View<'_>]| match timer.call(&stage.mock.info(HERE), method, Args::new(args)) {
        Outcome::Failed(error) => error.message().into_owned(),
        other => panic!("{method}: {other:?}"),
    };
    assert_eq!(wrong("cancel", &[View::int(1)]), "timer.cancel: takes no arguments, got 1");
    assert_eq!(wrong("stop", &[]), "a timer has no method 'stop'");
}
