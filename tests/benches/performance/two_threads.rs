//! Calls between contexts on two threads, against the barest things two threads can do: spin on
//! atomics on two cores, or sleep on futexes on one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use calog::{ContextRef, Open, Runtime, SearchPath, Value};
use calog_tests::plugin_folder;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The calling thread.
const SELF: Pid = Pid::from_raw(0);

/// Where the threads may run.
#[derive(Clone, Copy)]
pub(crate) enum Cores {
    /// Wherever the system puts them.
    All,
    /// All on one.
    One,
}

impl Cores {
    /// Runs this with the calling thread, and those it starts, on these cores.
    fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let Cores::One = self else { return work() };
        let before = sched_getaffinity(SELF).expect("the system tells where it runs");
        let mut one = CpuSet::new();
        one.set(0).expect("there is a first core");
        sched_setaffinity(SELF, &one).expect("a thread may be pinned");
        let result = work();
        sched_setaffinity(SELF, &before).expect("and freed again");
        result
    }
}

/// A Lua and a JavaScript context on threads of their own.
pub(crate) struct TwoThreads {
    runtime: Runtime,
    lua: ContextRef,
    javascript: ContextRef,
}

impl TwoThreads {
    pub(crate) fn new(cores: Cores) -> TwoThreads {
        cores.run(|| {
            let runtime = Runtime::builder()
                .plugins(SearchPath::of([plugin_folder()]))
                .build()
                .expect("a runtime over the workspace's plugins");
            let open = |engine: &str, text: &str| {
                let context = runtime.open(Open::source(engine, text).name(engine)).expect("a context");
                runtime.wait_for(&context).unwrap_or_else(|error| panic!("{engine}: {error:?}"));
                context
            };
            let lua = "return {
                add = function(a, b) return a + b end,
                call = function(f, n) local r = 0 for i = 1, n do r = f(r, i) end return r end,
            }";
            let javascript = "export function add(a, b) { return a + b }
                export function call(f, n) { let r = 0; for (let i = 0; i < n; i++) r = f(r, 1); return r }";
            let (lua, javascript) = (open("lua", lua), open("javascript", javascript));
            TwoThreads { runtime, lua, javascript }
        })
    }

    fn timed(&self, caller: &ContextRef, callee: &ContextRef, n: u64) -> Duration {
        let add = callee.export("add").expect("an export");
        let start = Instant::now();
        let count = Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
        self.runtime.call_export(caller, "call", &[add, count]).unwrap_or_else(|error| panic!("{error:?}"));
        start.elapsed()
    }

    pub(crate) fn lua_to_javascript(&self, n: u64) -> Duration {
        self.timed(&self.lua, &self.javascript, n)
    }

    pub(crate) fn javascript_to_lua(&self, n: u64) -> Duration {
        self.timed(&self.javascript, &self.lua, n)
    }
}

/// So many round trips between two threads that spin on two atomics.
pub(crate) fn spinning(n: u64) -> Duration {
    let pair = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let echo = Arc::clone(&pair);
    let other = thread::spawn(move || {
        for turn in 1..=n {
            while echo.0.load(Ordering::Acquire) != turn {
                std::hint::spin_loop();
            }
            echo.1.store(turn, Ordering::Release);
        }
    });
    let start = Instant::now();
    for turn in 1..=n {
        pair.0.store(turn, Ordering::Release);
        while pair.1.load(Ordering::Acquire) != turn {
            std::hint::spin_loop();
        }
    }
    let time = start.elapsed();
    other.join().expect("it only counts");
    time
}

/// So many round trips between two threads on one core that sleep on a futex each.
pub(crate) fn sleeping(n: u64) -> Duration {
    Cores::One.run(|| {
        let pair = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
        let echo = Arc::clone(&pair);
        let other = thread::spawn(move || {
            (0..n).for_each(|_| {
                take(&echo.0);
                give(&echo.1);
            })
        });
        let start = Instant::now();
        for _ in 0..n {
            give(&pair.0);
            take(&pair.1);
        }
        let time = start.elapsed();
        other.join().expect("it only counts");
        time
    })
}

fn give(flag: &AtomicU32) {
    flag.store(1, Ordering::Release);
    atomic_wait::wake_one(flag);
}

fn take(flag: &AtomicU32) {
    while flag.swap(0, Ordering::Acquire) == 0 {
        atomic_wait::wait(flag, 0);
    }
}
