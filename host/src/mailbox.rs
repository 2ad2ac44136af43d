//! One thread's mailbox: the only way in from another thread.
//!
//! The queue is crossbeam's; how a thread waits on it is ours (`docs/performance.md`): spin while
//! spinning has lately been worth it, then park behind an asleep flag. Senders pay for a wake-up
//! only when the flag is up.

use std::cell::Cell;
use std::sync::atomic::AtomicUsize as Counter;
use std::sync::{Arc, OnceLock};

use crate::envelope::Parcel;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use crate::sync::channel::{Receiver, Sender, TryRecvError, unbounded};
use crate::sync::thread::{self, Thread};
use crate::sync::time::Instant;

/// How many calls may wait in a mailbox before further ones are refused. Replies and releases never are.
pub(crate) const MAX_QUEUED_CALLS: usize = 1 << 20;

/// Spins (in `pause` instructions) that a wait may take before it parks.
const MAX_SPINS: u32 = 800;

/// A wait that spinning does not pay for tries a full spin once in so many misses.
const PROBE_EVERY: u32 = 64;

/// Threads that spin right now, over all runtimes of the process.
static SPINNING: Counter = Counter::new(0);

/// The sending side, shared by everyone.
pub(crate) struct Mailbox {
    queue: Sender<Parcel>,
    calls: AtomicUsize,
    asleep: AtomicBool,
    /// Who to unpark. Set by the waiting thread before it raises the flag.
    thread: Mutex<Option<Thread>>,
    /// Told that there is something: an embedding program that pumps, or who refuses all of it.
    on_mail: OnceLock<Box<dyn Fn() + Send + Sync>>,
    reader: Reader,
}

/// The way to read a mailbox for who refuses all of it. Gone with the inbox, so that what is sent later is
/// dropped.
type Reader = Arc<Mutex<Option<Receiver<Parcel>>>>;

/// The receiving side, which stays on its thread.
pub(crate) struct Inbox {
    queue: Receiver<Parcel>,
    reader: Reader,
    spin: Spin,
}

/// A new mailbox.
pub(crate) fn mailbox() -> (Mailbox, Inbox) {
    let (sender, receiver) = unbounded();
    let reader = Arc::new(Mutex::new(Some(receiver.clone())));
    let mailbox = Mailbox {
        queue: sender,
        calls: AtomicUsize::new(0),
        asleep: AtomicBool::new(false),
        thread: Mutex::new(None),
        on_mail: OnceLock::new(),
        reader: Arc::clone(&reader),
    };
    (mailbox, Inbox { queue: receiver, reader, spin: Spin::new() })
}

impl Mailbox {
    /// Puts a parcel in. When its thread has ended the parcel is dropped, which answers it.
    pub(crate) fn send(&self, parcel: Parcel) {
        if parcel.is_call() {
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        if self.queue.send(parcel).is_ok() {
            self.wake();
        }
    }

    /// Whether it has room for another call.
    pub(crate) fn has_room(&self) -> bool {
        self.calls.load(Ordering::Relaxed) < MAX_QUEUED_CALLS
    }

    /// Whether calls wait in it. Who holds the last reference to a function sees those of the function.
    pub(crate) fn has_calls(&self) -> bool {
        // ORDERING: relaxed suffices: a caller counts its call before it lets go of its reference, and the
        // last to let go has seen all others do so.
        self.calls.load(Ordering::Relaxed) > 0
    }

    /// Has the waiting thread look again.
    pub(crate) fn wake(&self) {
        // ORDERING: the fence orders the caller's write (a parcel, a result) before the look at the
        // flag; the waiter raises the flag before its last look. So one of the two sees the other.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed)
            && let Some(thread) = &*self.thread.lock()
        {
            thread.unpark();
        }
        if let Some(on_mail) = self.on_mail.get() {
            on_mail();
        }
    }

    /// Has everything refused that is in it and that comes, from now on: its thread is lost.
    pub(crate) fn refuse(&self, refuse: impl Fn(Parcel) + Send + Sync + 'static) {
        // Without one the thread has ended, and so has its mail.
        let Some(reader) = self.reader.lock().take() else { return };
        let refuse_all = move || {
            while let Ok(parcel) = reader.try_recv() {
                refuse(parcel);
            }
        };
        // A runtime's own thread has no other, and is lost once.
        let _ = self.on_mail.set(Box::new(refuse_all));
        // As a sender: either it sees the hook, or its parcel is seen here (the fence in `wake`).
        self.wake();
    }

    pub(crate) fn on_mail(&self, callback: Box<dyn Fn() + Send + Sync>) {
        // A second callback is ignored: the builder sets one.
        let _ = self.on_mail.set(callback);
    }
}

/// What a wait came to.
pub(crate) enum Mail {
    /// A parcel.
    Parcel(Parcel),
    /// The condition holds.
    Ready,
    /// The time is up.
    TimedOut,
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // After the lock: it may be the last but the inbox's own.
        let _reader = self.reader.lock().take();
    }
}

impl Inbox {
    /// A parcel if there is one.
    pub(crate) fn try_next(&self, mailbox: &Mailbox) -> Option<Parcel> {
        match self.queue.try_recv() {
            Ok(parcel) => {
                if parcel.is_call() {
                    mailbox.calls.fetch_sub(1, Ordering::Relaxed);
                }
                Some(parcel)
            }
            // The mailbox holds a sender, so it cannot be disconnected while it is borrowed here.
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// Waits for a parcel, or until `ready` holds, whichever is first; `ready` is looked at first.
    pub(crate) fn wait(&self, mailbox: &Mailbox, ready: &dyn Fn() -> bool, until: Option<Instant>) -> Mail {
        let look = || {
            if ready() {
                return Some(Mail::Ready);
            }
            self.try_next(mailbox).map(Mail::Parcel)
        };
        if let Some(mail) = look().or_else(|| self.spin.try_spin(&look)) {
            return mail;
        }
        *mailbox.thread.lock() = Some(thread::current());
        loop {
            mailbox.asleep.store(true, Ordering::Relaxed);
            // ORDERING: pairs with the fence in `wake`.
            fence(Ordering::SeqCst);
            if let Some(mail) = look() {
                mailbox.asleep.store(false, Ordering::Relaxed);
                return mail;
            }
            match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(left) if left.is_zero() => {
                    mailbox.asleep.store(false, Ordering::Relaxed);
                    return Mail::TimedOut;
                }
                Some(left) => thread::park_timeout(left),
            }
        }
    }
}

/// How long it is worth spinning on one mailbox: learned from the last waits.
struct Spin {
    budget: Cell<u32>,
    misses: Cell<u32>,
    /// How many threads may spin at once: never all cores.
    allowed: usize,
}

impl Spin {
    fn new() -> Spin {
        // Asked once: the system reads files to tell, and every thread has a mailbox.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = *CORES.get_or_init(|| thread::available_parallelism().map_or(1, usize::from));
        Spin { budget: Cell::new(MAX_SPINS), misses: Cell::new(0), allowed: cores - 1 }
    }

    /// Spins for something to come, within the budget.
    fn try_spin(&self, look: &dyn Fn() -> Option<Mail>) -> Option<Mail> {
        let misses = self.misses.get();
        let probing = self.budget.get() == 0 && misses.is_multiple_of(PROBE_EVERY);
        let budget = if probing { MAX_SPINS } else { self.budget.get() };
        if budget == 0 || SPINNING.fetch_add(1, Ordering::Relaxed) >= self.allowed {
            if budget != 0 {
                SPINNING.fetch_sub(1, Ordering::Relaxed);
            }
            self.misses.set(misses.wrapping_add(1));
            return None;
        }
        let mut found = None;
        let mut spun = 0;
        while spun < budget && found.is_none() {
            std::hint::spin_loop();
            spun += 1;
            found = look();
        }
        SPINNING.fetch_sub(1, Ordering::Relaxed);
        self.learn(found.is_some(), probing, spun);
        found
    }

    /// A hit moves the budget toward three times the observed wait; a miss halves it.
    fn learn(&self, hit: bool, probing: bool, spun: u32) {
        let budget = self.budget.get();
        if hit {
            let wanted = (spun * 3 + 32).min(MAX_SPINS);
            self.budget.set(if probing { wanted } else { (budget * 7 + wanted) / 8 });
            self.misses.set(0);
        } else {
            let half = budget / 2;
            self.budget.set(if half < 16 { 0 } else { half });
            self.misses.set(self.misses.get().wrapping_add(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spinning_is_given_up_when_it_does_not_pay_and_tried_again_now_and_then() {
        // Other tests, and a machine of one core, do not keep it from spinning.
        let spin = Spin { allowed: usize::MAX, ..Spin::new() };
        let misses = || (0..12).for_each(|_| assert!(spin.try_spin(&|| None).is_none()));
        misses();
        assert_eq!(spin.budget.get(), 0, "misses halve the budget down to nothing");
        spin.learn(true, true, 100);
        assert_eq!(spin.budget.get(), 332, "a probe that hits sets it to three times the wait");
    }

    #[test]
    fn a_wait_ends_at_its_time() {
        let (mailbox, inbox) = mailbox();
        let until = Some(Instant::now());
        assert!(matches!(inbox.wait(&mailbox, &|| false, until), Mail::TimedOut));
    }
}
