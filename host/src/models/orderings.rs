//! What relies on the order in which memory is seen: going to sleep against being woken, the count of
//! what is alive, tokens, threads that end, completions. Every schedule is tried, and every value
//! that an atomic may have.
//!
//! Data that the order is there for is a relaxed atomic: unless something else orders it, loom has
//! it read as it was before.

use std::sync::Arc;

use calog_plugin_api::host_side::{Callback, promise};
use calog_plugin_api::{Code, Error, FunctionKey, Value};
use loom::thread::spawn;

use crate::cancel::cancel_token;
use crate::envelope::{Envelope, Parcel};
use crate::ids::ContextId;
use crate::joining::Joinable;
use crate::liveness::{Counted, Liveness};
use crate::mailbox::{Mail, mailbox};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::thread::Thread;

fn parcel(liveness: &Arc<Liveness>) -> Parcel {
    let envelope = Envelope::Release { context: ContextId(0), function: FunctionKey(1) };
    Parcel { envelope, counted: Counted::new(liveness) }
}

/// Data that something else puts in order.
#[derive(Clone)]
struct Data(Arc<AtomicUsize>);

impl Data {
    fn new() -> Data {
        Data(Arc::new(AtomicUsize::new(0)))
    }

    fn write(&self) {
        self.0.store(1, Ordering::Relaxed);
    }

    #[track_caller]
    fn is_written(&self) {
        assert_eq!(self.0.load(Ordering::Relaxed), 1, "what was done before is not seen");
    }
}

#[test]
fn a_parcel_wakes_whoever_goes_to_sleep() {
    loom::model(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, liveness, data) = (Arc::new(mailbox), Arc::new(Liveness::default()), Data::new());
        let sender = spawn({
            let (mailbox, data) = (Arc::clone(&mailbox), data.clone());
            move || {
                data.write();
                mailbox.send(parcel(&liveness));
            }
        });
        assert!(matches!(inbox.wait(&mailbox, &|| false, None), Mail::Parcel(_)));
        data.is_written();
        sender.join().expect("the sender");
    });
}

#[test]
fn two_parcels_wake_whoever_goes_to_sleep_twice() {
    loom::model(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, liveness) = (Arc::new(mailbox), Arc::new(Liveness::default()));
        let sender = spawn({
            let mailbox = Arc::clone(&mailbox);
            move || {
                mailbox.send(parcel(&liveness));
                mailbox.send(parcel(&liveness));
            }
        });
        for _ in 0..2 {
            assert!(matches!(inbox.wait(&mailbox, &|| false, None), Mail::Parcel(_)));
        }
        sender.join().expect("the sender");
    });
}

#[test]
fn what_comes_true_wakes_whoever_goes_to_sleep() {
    loom::model(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, ready, data) = (Arc::new(mailbox), Arc::new(AtomicBool::new(false)), Data::new());
        let other = spawn({
            let (mailbox, ready, data) = (Arc::clone(&mailbox), Arc::clone(&ready), data.clone());
            move || {
                data.write();
                ready.store(true, Ordering::Release);
                mailbox.wake();
            }
        });
        assert!(matches!(inbox.wait(&mailbox, &|| ready.load(Ordering::Acquire), None), Mail::Ready));
        data.is_written();
        other.join().expect("the other thread");
    });
}

#[test]
fn who_sees_that_nothing_is_alive_is_woken_for_it_and_sees_all_that_was_done() {
    loom::model(|| {
        let liveness = Arc::new(Liveness::default());
        let (host, inbox) = Thread::new(String::new());
        liveness.watch(Arc::clone(&host));
        let done = [Data::new(), Data::new()];
        let threads = done.clone().map(|data| {
            let counted = Counted::new(&liveness);
            spawn(move || {
                data.write();
                drop(counted);
            })
        });
        assert!(matches!(inbox.wait(&host.mailbox, &|| liveness.is_zero(), None), Mail::Ready));
        done.iter().for_each(Data::is_written);
        threads.into_iter().for_each(|thread| thread.join().expect("a thread"));
    });
}

#[test]
fn who_sees_a_request_to_cancel_sees_what_led_to_it() {
    loom::model(|| {
        let (token, data) = (cancel_token(None), Data::new());
        let canceller = spawn({
            let (token, data) = (token.clone(), data.clone());
            move || {
                data.write();
                token.cancel();
            }
        });
        let ran = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ran);
        token.on_cancel(move || _ = count.fetch_add(1, Ordering::Relaxed));
        if token.is_cancelled() {
            data.is_written();
        }
        canceller.join().expect("the canceller");
        assert_eq!(ran.load(Ordering::Relaxed), 1, "runs of the hook");
    });
}

#[test]
fn who_waits_for_a_threads_end_is_woken_and_sees_what_it_did() {
    loom::model(|| {
        let (host, inbox) = Thread::new(String::new());
        let data = Data::new();
        let written = data.clone();
        let thread = Joinable::start("", None, &host, move || written.write()).expect("a thread");
        assert!(matches!(inbox.wait(&host.mailbox, &|| thread.has_ended(), None), Mail::Ready));
        data.is_written();
        thread.join();
    });
}

#[test]
fn of_finishing_cancelling_and_leaving_one_wins() {
    loom::model(|| {
        let settled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&settled);
        let (completion, finisher) =
            promise("", false, Some(Callback::new(move |_| _ = count.fetch_add(1, Ordering::Relaxed))));
        let canceller = completion.canceller();
        let finish = spawn(move || finisher.finish(Ok(1.into())));
        let cancel = spawn(move || canceller.cancel(&Error::new(Code::Cancelled, "")));
        drop(completion);
        let (finished, cancelled) = (finish.join().expect("the finisher"), cancel.join().expect("the canceller"));
        assert!(finished.is_err() || !cancelled, "both won");
        assert!(finished.is_ok() || finished == Err(Ok(Value::Int(1))), "a late result is handed back");
        assert_eq!(settled.load(Ordering::Relaxed), 1, "it is settled once");
    });
}

#[test]
fn a_result_that_meets_its_waiter_is_heard_once() {
    loom::model(|| {
        let (completion, finisher) = promise("", false, None);
        let data = Data::new();
        let finish = spawn({
            let data = data.clone();
            move || {
                data.write();
                finisher.finish(Ok(1.into())).is_ok()
            }
        });
        let heard = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&heard);
        completion.then(move |result| {
            // A panic in here would be caught; what is wrong is counted otherwise.
            let seen = data.0.load(Ordering::Relaxed) == 1 && result == Ok(Value::Int(1));
            count.fetch_add(if seen { 1 } else { 100 }, Ordering::Relaxed);
        });
        assert!(finish.join().expect("the finisher"), "somebody waits");
        assert_eq!(heard.load(Ordering::Relaxed), 1);
    });
}
