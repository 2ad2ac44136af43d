//! Queues: order, bounds, cancelling, closing.

use calog_plugin_api::{Code, Completion, Error, Object, Value};

use super::mock::counting;
use super::{bundle, call, call_in, came, make, said, waits};
use crate::locks::lock;

fn queue(most: i64) -> Object {
    make(&bundle(), "sync.Queue", &["q".into(), most.into()]).expect("a queue")
}

fn put(queue: &Object, item: impl Into<Value>) -> String {
    said(call(queue, "put", &[item.into()]))
}

fn get(queue: &Object) -> String {
    said(call(queue, "get", &[]))
}

fn putter(queue: &Object, item: i64) -> Option<Completion> {
    Some(waits(call(queue, "put", &[item.into()])))
}

fn getter(queue: &Object) -> Option<Completion> {
    Some(waits(call(queue, "get", &[])))
}

fn cancel(completion: &Option<Completion>) {
    let canceller = completion.as_ref().expect("a wait").canceller();
    assert!(canceller.cancel(&Error::new(Code::Cancelled, "by the test")));
}

#[test]
fn what_is_put_first_is_got_first_and_values_are_what_they_were() {
    let queue = queue(0);
    let values: [Value; 5] =
        [1.into(), "x".into(), Value::Nil, Value::list([1, 2]).expect("a list"), Value::Object(queue.clone())];
    for value in &values {
        assert_eq!(put(&queue, value.clone()), "nil");
    }
    assert_eq!(said(call(&queue, "size", &[])), "5");
    for value in &values {
        assert_eq!(get(&queue), format!("{value:?}"));
    }
    assert_eq!(get(&queue), "waits");
}

#[test]
fn getters_are_served_in_order() {
    let queue = queue(0);
    let mut getters = [getter(&queue), getter(&queue), getter(&queue)];
    for n in 0..2 {
        assert_eq!(put(&queue, n), "nil");
    }
    assert_eq!(getters.each_mut().map(came), ["0", "1", "waits"]);
    assert_eq!(said(call(&queue, "size", &[])), "0");
}

#[test]
fn putters_wait_for_room_and_are_let_in_in_order() {
    let queue = queue(2);
    assert_eq!([put(&queue, 0), put(&queue, 1)], ["nil", "nil"]);
    let mut putters = [putter(&queue, 2), putter(&queue, 3)];
    assert_eq!(said(call(&queue, "try_put", &[9.into()])), "false", "others are first");
    assert_eq!(said(call(&queue, "size", &[])), "2");
    assert_eq!(get(&queue), "0");
    assert_eq!(putters.each_mut().map(came), ["nil", "waits"]);
    assert_eq!([get(&queue), get(&queue)], ["1", "2"]);
    assert_eq!(came(&mut putters[1]), "nil");
    assert_eq!(said(call(&queue, "try_put", &[4.into()])), "true");
    assert_eq!(said(call(&queue, "try_put", &[5.into()])), "false");
    assert_eq!([get(&queue), get(&queue)], ["3", "4"]);
    assert_eq!(said(call(&queue, "try_get", &[])), "nil");
}

#[test]
fn who_is_cancelled_takes_and_gives_nothing() {
    let queue = queue(1);
    let mut getters = [getter(&queue), getter(&queue)];
    cancel(&getters[0]);
    assert_eq!(put(&queue, 0), "nil");
    assert_eq!(getters.each_mut().map(came), ["cancelled: by the test", "0"]);
    assert_eq!(put(&queue, 1), "nil");
    let mut putters = [putter(&queue, 2), putter(&queue, 3)];
    cancel(&putters[0]);
    assert_eq!([get(&queue), get(&queue)], ["1", "3"]);
    assert_eq!(putters.each_mut().map(came), ["cancelled: by the test", "nil"]);
    assert_eq!(get(&queue), "waits");
    // The wait that was just dropped is one of these.
    assert_eq!(put(&queue, 4), "nil");
    assert_eq!(get(&queue), "4");
}

#[test]
fn closing_wakes_all_and_leaves_what_is_in_it() {
    let queue_ = queue(0);
    let mut getters = [(); 4].map(|()| getter(&queue_));
    assert_eq!(said(call(&queue_, "close", &[])), "nil");
    let closed = |method: &str| format!("closed: queue.{method}: the queue 'q' is closed");
    assert_eq!(getters.each_mut().map(came), [(); 4].map(|()| closed("get")));

    let queue = queue(1);
    assert_eq!(put(&queue, 0), "nil");
    let mut putters = [putter(&queue, 1), putter(&queue, 2)];
    for _ in 0..2 {
        assert_eq!(said(call(&queue, "close", &[])), "nil");
    }
    assert_eq!(putters.each_mut().map(came), [closed("put"), closed("put")]);
    assert_eq!(put(&queue, 3), closed("put"));
    assert_eq!(said(call(&queue, "try_put", &[3.into()])), closed("try_put"));
    assert_eq!(get(&queue), "0");
    assert_eq!(get(&queue), closed("get"));
    assert_eq!(said(call(&queue, "try_get", &[])), closed("try_get"));
}

#[test]
fn whoever_is_served_may_use_the_queue_at_once() {
    let queue = queue(1);
    let again = queue.clone();
    // A panic in there would be caught, so what is seen is noted.
    let (note, noted) = std::sync::mpsc::channel();
    waits(call(&queue, "get", &[])).then(move |item| {
        let say = |what: String| note.send(what).expect("it is read");
        say(format!("{item:?}"));
        // On the thread that serves, in the middle of serving.
        say(said(call(&again, "try_get", &[])));
        say(said(call(&again, "size", &[])));
        let (note, then) = (note.clone(), again.clone());
        waits(call(&again, "put", &[2.into()])).then(move |_| {
            note.send(said(call(&then, "close", &[]))).expect("it is read");
        });
    });
    assert_eq!(put(&queue, 1), "nil");
    assert_eq!(noted.iter().collect::<Vec<_>>(), ["Ok(1)", "nil", "0", "nil"]);
    assert_eq!(get(&queue), "2");
    assert_eq!(get(&queue), "closed: queue.get: the queue 'q' is closed");
}

#[test]
fn the_end_answers_all_and_drops_what_refers_to_the_queue_itself() {
    let names = crate::names::Names::default();
    let queue = names.queue(b"q", None).expect("a queue");
    let other = names.queue(b"other", None).expect("a queue");
    assert_eq!(put(&queue, Value::Object(queue.clone())), "nil");
    let mut waiting = getter(&other);
    names.clear();
    assert!(came(&mut waiting).starts_with("closed"));
    assert_eq!(get(&queue), "closed: queue.get: the queue 'q' is closed");
}

/// An item is counted for who puts it: from the call until it is handed over, withdrawn or refused.
#[test]
fn items_are_counted_as_long_as_they_are_there() {
    let queue = queue(2);
    let (info, counts) = counting(3);
    let put = |item: i64| call_in(&info, &queue, "put", &[item.into()]);
    let counted = |wanted: u64| assert_eq!(*lock(&counts.used), wanted);
    assert_eq!((said(put(1)), said(put(2))), ("nil".into(), "nil".into()));
    let waiting = Some(waits(put(3)));
    counted(3);
    assert_eq!(said(put(4)), "limit: one too many");
    assert_eq!(said(call_in(&info, &queue, "try_put", &[4.into()])), "limit: one too many");
    cancel(&waiting);
    counted(2);
    let mut refused = Some(waits(put(5)));
    assert_eq!(get(&queue), "1");
    assert_eq!(came(&mut refused), "nil");
    counted(2);
    let mut refused = Some(waits(put(6)));
    call(&queue, "close", &[]);
    assert!(came(&mut refused).starts_with("closed: "));
    assert!(said(put(7)).starts_with("closed: "));
    counted(2);
    assert_eq!((get(&queue), get(&queue)), ("2".into(), "5".into()));
    counted(0);
    // Nobody asks for others.
    let queue = self::queue(0);
    (0..10).for_each(|item| assert_eq!(self::put(&queue, item), "nil"));
}
