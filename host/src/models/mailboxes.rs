//! Mailboxes: no parcel is lost, no wake-up is lost, and what cannot be delivered is answered.

use std::sync::Arc;

use calog_plugin_api::{Code, FunctionKey};

use super::check::check;
use super::scene::{Heard, join, joined, promised, spawn};
use crate::envelope::{Envelope, Parcel};
use crate::ids::ContextId;
use crate::liveness::{Counted, Liveness};
use crate::mailbox::{Inbox, Mail, Mailbox, mailbox};
use crate::sync::atomic::{AtomicBool, Ordering};

/// A parcel that can be told from others.
fn numbered(number: u64, liveness: &Arc<Liveness>) -> Parcel {
    let envelope = Envelope::Release { context: ContextId(0), function: FunctionKey(number) };
    Parcel { envelope, counted: Counted::new(liveness) }
}

fn number(mail: Mail) -> u64 {
    match mail {
        Mail::Parcel(Parcel { envelope: Envelope::Release { function, .. }, .. }) => function.0,
        _ => panic!("a numbered parcel"),
    }
}

fn next(mailbox: &Mailbox, inbox: &Inbox) -> u64 {
    number(inbox.wait(mailbox, &|| false, None))
}

#[test]
fn two_senders_and_a_receiver_that_sleeps_lose_no_parcel() {
    check(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, liveness) = (Arc::new(mailbox), Arc::new(Liveness::default()));
        let senders = [10, 20].map(|first| {
            let (mailbox, liveness) = (Arc::clone(&mailbox), Arc::clone(&liveness));
            spawn(move || (first..first + 2).for_each(|it| mailbox.send(numbered(it, &liveness))))
        });
        let got: Vec<u64> = (0..4).map(|_| next(&mailbox, &inbox)).collect();
        join(senders);
        let of = |first| got.iter().copied().filter(|it| (first..first + 2).contains(it)).collect::<Vec<u64>>();
        assert_eq!((of(10), of(20)), (vec![10, 11], vec![20, 21]), "each sender's parcels, in their order");
        assert!(inbox.try_next(&mailbox).is_none() && liveness.is_zero());
    });
}

#[test]
fn what_another_thread_makes_true_ends_a_wait() {
    check(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, liveness) = (Arc::new(mailbox), Arc::new(Liveness::default()));
        let ready = Arc::new(AtomicBool::new(false));
        let other = spawn({
            let (mailbox, ready) = (Arc::clone(&mailbox), Arc::clone(&ready));
            move || {
                mailbox.send(numbered(1, &liveness));
                ready.store(true, Ordering::Release);
                mailbox.wake();
            }
        });
        let mut parcels = 0;
        let is_ready = || ready.load(Ordering::Acquire);
        while let Mail::Parcel(_) = inbox.wait(&mailbox, &is_ready, None) {
            parcels += 1;
        }
        joined(other);
        // It comes before the parcels, so that one may still lie there.
        assert_eq!(parcels + usize::from(inbox.try_next(&mailbox).is_some()), 1);
    });
}

#[test]
fn parcels_for_a_receiver_that_leaves_are_answered() {
    check(|| {
        let (mailbox, inbox) = mailbox();
        let (mailbox, liveness) = (Arc::new(mailbox), Arc::new(Liveness::default()));
        let sender = spawn({
            let (mailbox, liveness) = (Arc::clone(&mailbox), Arc::clone(&liveness));
            move || {
                [1, 2].map(|_| {
                    let (completion, reply) = promised();
                    let heard = Heard::default();
                    completion.then(heard.hear());
                    let envelope = Envelope::Close { context: ContextId(0), reply: Some(reply) };
                    mailbox.send(Parcel { envelope, counted: Counted::new(&liveness) });
                    heard
                })
            }
        });
        drop(inbox.try_next(&mailbox));
        drop(inbox);
        let heard = joined(sender);
        assert_eq!(heard.map(|heard| heard.outcome()), [Err(Code::Dead), Err(Code::Dead)]);
        assert!(liveness.is_zero(), "what was dropped counts no more");
    });
}
