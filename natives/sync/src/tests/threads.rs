//! Many threads at once: nothing is lost, nothing comes twice, and order is kept.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use calog_plugin_api::{Code, Error, Object, Outcome, Value};

use super::mock::{adds, info};
use super::{bundle, call, call_in, make};

const THREADS: i64 = 4;
const EACH: i64 = 3_000;

/// Waits on this thread.
fn result(outcome: Outcome) -> calog_plugin_api::Result<Value> {
    let (send, receive) = mpsc::channel();
    outcome.then(move |result| send.send(result).expect("it is waited for"));
    receive.recv().expect("an answer")
}

fn int(value: &Value) -> i64 {
    value.view().as_int().expect("an int")
}

/// Producers and consumers, each of which now and then gives a wait up. Every item that was put comes
/// out once, in its producer's order.
fn exchange(most: i64) {
    let queue = make(&bundle(), "sync.Queue", &["q".into(), most.into()]).expect("a queue");
    let producers: Vec<_> = (0..THREADS)
        .map(|producer| {
            let queue = queue.clone();
            thread::spawn(move || (0..EACH).filter(|n| produce(&queue, producer * EACH + n, *n)).count() as i64)
        })
        .collect();
    let consumers: Vec<_> = (0..THREADS)
        .map(|_| {
            let queue = queue.clone();
            thread::spawn(move || consume(&queue))
        })
        .collect();
    let put: i64 = producers.into_iter().map(|it| it.join().expect("a producer")).sum();
    call(&queue, "close", &[]);
    let mut got: Vec<i64> = Vec::new();
    for consumer in consumers {
        let items = consumer.join().expect("a consumer");
        for producer in 0..THREADS {
            let own: Vec<_> = items.iter().filter(|item| **item / EACH == producer).collect();
            assert!(own.is_sorted(), "the order of producer {producer}");
        }
        got.extend(items);
    }
    assert_eq!(got.len() as i64, put, "as many came out as went in");
    got.sort_unstable();
    got.dedup();
    assert_eq!(got.len() as i64, put, "each once");
}

/// Puts an item, or gives up. Whether it was put.
fn produce(queue: &Object, item: i64, n: i64) -> bool {
    if n % 7 == 0 {
        let put = call(queue, "try_put", &[item.into()]).settled().expect("at once");
        return put == Ok(Value::Bool(true));
    }
    let outcome = call(queue, "put", &[item.into()]);
    give_up_sometimes(&outcome, n);
    result(outcome).is_ok()
}

fn consume(queue: &Object) -> Vec<i64> {
    let mut items = Vec::new();
    for n in 0.. {
        let outcome = call(queue, if n % 5 == 0 { "try_get" } else { "get" }, &[]);
        give_up_sometimes(&outcome, n);
        match result(outcome) {
            Ok(Value::Nil) => {}
            Ok(item) => items.push(int(&item)),
            Err(error) if error.code() == Code::Closed => break,
            Err(error) => assert_eq!(error.code(), Code::Cancelled),
        }
    }
    items
}

fn give_up_sometimes(outcome: &Outcome, n: i64) {
    if let Outcome::Pending(completion) = outcome
        && n % 3 == 0
    {
        completion.canceller().cancel(&Error::new(Code::Cancelled, "given up"));
    }
}

#[test]
fn bounded_queues_lose_and_double_nothing() {
    for most in [1, 2, 16] {
        exchange(most);
    }
}

#[test]
fn unbounded_queues_lose_and_double_nothing() {
    exchange(0);
}

#[test]
fn additions_to_an_atomic_give_different_values() {
    let atomic = make(&bundle(), "sync.Atomic", &["a".into()]).expect("an atomic");
    let threads = [(); THREADS as usize].map(|()| {
        let atomic = atomic.clone();
        thread::spawn(move || {
            (0..EACH).map(|_| int(&result(call(&atomic, "add", &[])).expect("a value"))).collect::<Vec<_>>()
        })
    });
    let mut all: Vec<i64> = threads.into_iter().flat_map(|it| it.join().expect("a thread")).collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(1..=THREADS * EACH));
}

#[test]
fn updates_of_a_shared_variable_lose_nothing() {
    let shared = make(&bundle(), "sync.Shared", &["v".into(), 0.into()]).expect("a variable");
    let threads = [(); THREADS as usize].map(|()| {
        let shared = shared.clone();
        thread::spawn(move || {
            let (info, posted) = super::mock::posting();
            for _ in 0..EACH {
                let outcome = call_in(&info, &shared, "update", &[Value::Callable(adds(1))]);
                let (send, receive) = mpsc::channel();
                outcome.then(move |result| send.send(result).expect("it is waited for"));
                // As a context does that waits: it serves what is posted to it.
                while let Err(mpsc::TryRecvError::Empty) = receive.try_recv().map(|it| it.expect("an update")) {
                    posted.run(&info);
                    thread::yield_now();
                }
            }
        })
    });
    threads.into_iter().for_each(|it| it.join().expect("a thread"));
    assert_eq!(result(call(&shared, "get", &[])), Ok(Value::Int(THREADS * EACH)));
}

#[test]
fn a_wait_group_wakes_all_who_wait() {
    for _ in 0..200 {
        let group = make(&bundle(), "sync.WaitGroup", &["g".into()]).expect("a wait group");
        assert_eq!(result(call(&group, "add", &[THREADS.into()])), Ok(Value::Nil));
        let threads: Vec<_> = (0..2 * THREADS)
            .map(|n| {
                let group = Arc::new(group.clone());
                thread::spawn(move || {
                    let method = if n < THREADS { "done" } else { "wait" };
                    assert_eq!(result(call_in(&info(), &group, method, &[])), Ok(Value::Nil));
                })
            })
            .collect();
        threads.into_iter().for_each(|it| it.join().expect("a thread"));
    }
}
