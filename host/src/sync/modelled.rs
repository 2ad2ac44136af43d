//! What the runtime synchronises with under a checker: the checker's primitives in the shape of
//! those that are used otherwise, a queue, and a clock.
//!
//! Time is a count that moves by a tick whenever somebody waits for a limited time, and such a wait
//! ends at once (a wake-up for no reason, which its callers expect anyway). So what is due soon
//! happens after a few turns, and a limit of seconds is reached only when nothing else happens any
//! more. Waits without a limit end only when they are woken: a lost wake-up is a deadlock, which
//! both checkers report.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

#[cfg(calog_model = "loom")]
pub(crate) use loom as checker;
#[cfg(calog_model = "shuttle")]
pub(crate) use shuttle as checker;

pub(crate) use checker::sync::atomic;

/// A thread local with a constant start, as the runtime's all are; loom's own macro knows no `const`.
macro_rules! local {
    ($($(#[$attr:meta])* static $name:ident: $kind:ty = const { $start:expr };)*) => {
        $crate::sync::checker::thread_local! { $($(#[$attr])* static $name: $kind = $start;)* }
    };
}
pub(crate) use local as thread_local;

/// A mutex that knows no poison: what panics fails the model anyway.
pub(crate) struct Mutex<T>(checker::sync::Mutex<T>);

/// Its guard.
pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// Gone only within the waits of `Condvar`, which have the guard borrowed.
    held: Option<checker::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(checker::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)) }
    }

    /// The lock if nobody holds it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|held| MutexGuard { mutex: self, held: Some(held) })
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Mutex::new(value)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("a guard holds its lock but within a wait")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("a guard holds its lock but within a wait")
    }
}

/// A condition variable.
pub(crate) struct Condvar(checker::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(checker::sync::Condvar::new())
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("a guard holds its lock but within a wait");
        guard.held = Some(self.0.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits for a limited time: for a moment, in which the lock is free.
    pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _until: time::Instant) {
        guard.held = None;
        thread::park_timeout(Duration::ZERO);
        guard.held = guard.mutex.lock().held.take();
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A lock for many readers.
pub(crate) struct RwLock<T>(checker::sync::RwLock<T>);

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> RwLock<T> {
        RwLock(checker::sync::RwLock::new(value))
    }

    pub(crate) fn read(&self) -> checker::sync::RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> checker::sync::RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

/// Threads.
pub(crate) mod thread {
    use std::io;
    use std::num::NonZero;
    use std::time::Duration;

    pub(crate) use super::checker::thread::JoinHandle;
    use super::checker::thread::{self, yield_now};
    #[cfg(calog_model = "shuttle")]
    pub(crate) use super::checker::thread::{Thread, current, park};
    #[cfg(calog_model = "loom")]
    pub(crate) use super::parking::{Thread, current, park};
    use super::time;

    /// One core: nobody spins, which a checker would take for ever to see the end of.
    pub(crate) fn available_parallelism() -> io::Result<NonZero<usize>> {
        Ok(NonZero::<usize>::MIN)
    }

    pub(crate) fn park_timeout(_limit: Duration) {
        time::tick();
        yield_now();
    }

    /// Starts threads. Stacks have the checker's size, names are for whoever reads a trace.
    pub(crate) struct Builder(thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Builder {
            Builder(thread::Builder::new())
        }

        pub(crate) fn name(self, name: String) -> Builder {
            Builder(self.0.name(name))
        }

        pub(crate) fn stack_size(self, _bytes: usize) -> Builder {
            self
        }

        pub(crate) fn spawn(self, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
            self.0.spawn(run)
        }
    }
}

/// Parking for loom, whose own `unpark` also ends waits for locks and for threads' ends.
#[cfg(calog_model = "loom")]
mod parking {
    use std::sync::Arc;

    use super::{Condvar, Mutex};

    /// A thread that can be woken: a token, and who waits for it.
    #[derive(Clone)]
    pub(crate) struct Thread(Arc<(Mutex<bool>, Condvar)>);

    loom::thread_local! {
        static CURRENT: Thread = Thread(Arc::new((Mutex::new(false), Condvar::new())));
    }

    pub(crate) fn current() -> Thread {
        CURRENT.with(Thread::clone)
    }

    pub(crate) fn park() {
        let Thread(parked) = current();
        let (token, given) = &*parked;
        let mut token = token.lock();
        while !std::mem::take(&mut *token) {
            given.wait(&mut token);
        }
    }

    impl Thread {
        pub(crate) fn unpark(&self) {
            let (token, given) = &*self.0;
            *token.lock() = true;
            given.notify_one();
        }
    }
}

/// A queue without a bound, for many senders and receivers, in crossbeam's shape.
///
/// Whether it is empty is seen without its lock, so that looking orders nothing but what the queue
/// promises: who receives a message sees what was done before it was sent. A queue that only locks
/// would hide a missing fence from loom.
pub(crate) mod channel {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::time::Duration;

    use super::atomic::{AtomicUsize, Ordering};
    use super::{Condvar, Mutex, thread, time};

    struct Queue<T> {
        state: Mutex<State<T>>,
        sent: Condvar,
        length: AtomicUsize,
    }

    struct State<T> {
        messages: VecDeque<T>,
        senders: usize,
        receivers: usize,
    }

    pub(crate) struct Sender<T>(Arc<Queue<T>>);

    pub(crate) struct Receiver<T>(Arc<Queue<T>>);

    /// The message that could not be sent.
    pub(crate) struct SendError<T>(#[allow(dead_code)] pub(crate) T);

    pub(crate) enum TryRecvError {
        Empty,
        Disconnected,
    }

    /// There is no message, and never will be.
    pub(crate) struct RecvError;

    /// There is no message yet, or never will be.
    pub(crate) struct RecvTimeoutError;

    pub(crate) fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let state = State { messages: VecDeque::new(), senders: 1, receivers: 1 };
        let queue = Arc::new(Queue { state: Mutex::new(state), sent: Condvar::new(), length: AtomicUsize::new(0) });
        (Sender(Arc::clone(&queue)), Receiver(queue))
    }

    impl<T> Sender<T> {
        pub(crate) fn send(&self, message: T) -> Result<(), SendError<T>> {
            let mut state = self.0.state.lock();
            if state.receivers == 0 {
                return Err(SendError(message));
            }
            state.messages.push_back(message);
            self.0.length.fetch_add(1, Ordering::Release);
            drop(state);
            self.0.sent.notify_one();
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
            if self.0.length.load(Ordering::Acquire) == 0 {
                return Err(TryRecvError::Empty);
            }
            let mut state = self.0.state.lock();
            let message = self.take(&mut state);
            message.ok_or(if state.senders == 0 { TryRecvError::Disconnected } else { TryRecvError::Empty })
        }

        pub(crate) fn recv(&self) -> Result<T, RecvError> {
            let mut state = self.0.state.lock();
            loop {
                match self.take(&mut state) {
                    Some(message) => return Ok(message),
                    None if state.senders == 0 => return Err(RecvError),
                    None => self.0.sent.wait(&mut state),
                }
            }
        }

        pub(crate) fn recv_timeout(&self, limit: Duration) -> Result<T, RecvTimeoutError> {
            let until = time::Instant::now() + limit;
            loop {
                let mut state = self.0.state.lock();
                match self.take(&mut state) {
                    Some(message) => return Ok(message),
                    None if state.senders == 0 || time::Instant::now() >= until => return Err(RecvTimeoutError),
                    None => {
                        drop(state);
                        thread::park_timeout(limit);
                    }
                }
            }
        }

        fn take(&self, state: &mut State<T>) -> Option<T> {
            let message = state.messages.pop_front()?;
            self.0.length.fetch_sub(1, Ordering::Relaxed);
            Some(message)
        }
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Self {
            self.0.state.lock().senders += 1;
            Sender(Arc::clone(&self.0))
        }
    }

    impl<T> Drop for Sender<T> {
        fn drop(&mut self) {
            self.0.state.lock().senders -= 1;
            self.0.sent.notify_all();
        }
    }

    impl<T> Clone for Receiver<T> {
        fn clone(&self) -> Self {
            self.0.state.lock().receivers += 1;
            Receiver(Arc::clone(&self.0))
        }
    }

    impl<T> Drop for Receiver<T> {
        fn drop(&mut self) {
            // With the last receiver go the messages, after the lock.
            let _unheard = {
                let mut state = self.0.state.lock();
                state.receivers -= 1;
                if state.receivers == 0 { std::mem::take(&mut state.messages) } else { VecDeque::new() }
            };
        }
    }
}

/// Time.
pub(crate) mod time {
    use std::ops::Add;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// What passes at each wait for a limited time.
    const TICK: Duration = Duration::from_millis(1);

    super::checker::lazy_static! {
        /// Nanoseconds since the model began. No primitive of the checker's: it is no place to meet.
        static ref NOW_NS: AtomicU64 = AtomicU64::new(0);
    }

    pub(super) fn tick() {
        NOW_NS.fetch_add(TICK.as_nanos() as u64, Ordering::Relaxed);
    }

    /// A moment, counted from the model's beginning.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    pub(crate) struct Instant(Duration);

    impl Instant {
        pub(crate) fn now() -> Instant {
            Instant(Duration::from_nanos(NOW_NS.load(Ordering::Relaxed)))
        }

        pub(crate) fn elapsed(&self) -> Duration {
            Instant::now().saturating_duration_since(*self)
        }

        pub(crate) fn saturating_duration_since(&self, earlier: Instant) -> Duration {
            self.0.saturating_sub(earlier.0)
        }
    }

    impl Add<Duration> for Instant {
        type Output = Instant;

        fn add(self, time: Duration) -> Instant {
            Instant(self.0 + time)
        }
    }
}
