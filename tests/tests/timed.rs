//! Timed waits: any number of timers, one thread.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use calog::Runtime;
use calog_tests::SAFETY_NET;

/// Timers at once.
const MANY: usize = 10_000;

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("the process's threads");
    // One that ends meanwhile has no name any more.
    let name = |task: std::io::Result<fs::DirEntry>| fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).map(|name| name.trim().to_owned()).collect()
}

// One test in this file, so that no other one starts threads meanwhile.
#[test]
fn ten_thousand_timers_use_one_thread_and_ring_in_time() {
    let runtime = Runtime::builder().build().expect("a runtime");
    let before = threads().len();
    let handle = runtime.handle();
    let (rang, early) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for n in 0..MANY {
        // Not in the order in which they were made.
        let wait = Duration::from_millis((n * 7919 % 200) as u64);
        let due = Instant::now() + wait;
        let (rang, early) = (Arc::clone(&rang), Arc::clone(&early));
        handle.after(wait).then(move |_| {
            early.fetch_add(usize::from(Instant::now() < due), Ordering::SeqCst);
            rang.fetch_add(1, Ordering::SeqCst);
        });
    }
    // One that is taken back never rings.
    drop(handle.after(Duration::from_secs(3600)));
    assert_eq!(threads().len(), before + 1, "{:?}", threads());
    let until = Instant::now() + SAFETY_NET;
    while rang.load(Ordering::SeqCst) < MANY && Instant::now() < until {
        runtime.pump_for(Duration::from_millis(1));
    }
    assert_eq!((rang.load(Ordering::SeqCst), early.load(Ordering::SeqCst)), (MANY, 0));
    assert_eq!(threads().len(), before + 1, "{:?}", threads());
    drop(runtime);
    assert_eq!(threads().len(), before, "closing joins it: {:?}", threads());
}
