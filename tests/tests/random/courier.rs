//! Threads that are no context's: they finish what waits, make calls, and drop what they are given.
//!
//! What has gathered is done last in, first out, so that answers do not come in the order of questions.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// None is the last.
type Job = Option<Box<dyn FnOnce() + Send>>;

/// Two threads, which take turns.
pub(crate) struct Couriers {
    all: Vec<(Sender<Job>, JoinHandle<()>)>,
}

/// The way to them, from any thread.
#[derive(Clone)]
pub(crate) struct Counter(Vec<Sender<Job>>);

impl Couriers {
    pub(crate) fn new() -> Couriers {
        let all = (0..2).map(|_| {
            let (sender, receiver) = channel();
            let thread = std::thread::Builder::new().name("courier".into()).spawn(move || work(&receiver));
            (sender, thread.expect("a thread"))
        });
        Couriers { all: all.collect() }
    }

    pub(crate) fn counter(&self) -> Counter {
        Counter(self.all.iter().map(|(sender, _)| sender.clone()).collect())
    }

    /// Waits until all that they have been given is done.
    pub(crate) fn flush(&self) {
        let (sender, done) = channel::<()>();
        for (courier, _) in &self.all {
            let sender = sender.clone();
            courier.send(Some(Box::new(move || drop(sender)))).expect("it works until it is dropped");
        }
        drop(sender);
        // Nothing is ever sent: it ends when the last of them has let go.
        let _ = done.recv();
    }
}

impl Drop for Couriers {
    fn drop(&mut self) {
        for (sender, thread) in std::mem::take(&mut self.all) {
            // Who has ended needs no telling; and others may hold the way to it for longer.
            let _ = sender.send(None);
            // A job that panicked has failed its program already, which lacks an answer.
            let _ = thread.join();
        }
    }
}

impl Counter {
    /// Has something done. `turn` decides by whom.
    pub(crate) fn give(&self, turn: i64, job: impl FnOnce() + Send + 'static) {
        let at = turn.rem_euclid(self.0.len() as i64) as usize;
        // When they have ended the job is dropped, which answers what it holds.
        let _ = self.0[at].send(Some(Box::new(job)));
    }
}

fn work(jobs: &Receiver<Job>) {
    while let Ok(Some(first)) = jobs.recv() {
        let mut gathered = vec![Some(first)];
        gathered.extend(jobs.try_iter());
        let is_last = gathered.iter().any(Option::is_none);
        gathered.into_iter().rev().flatten().for_each(|job| job());
        if is_last {
            return;
        }
    }
}
