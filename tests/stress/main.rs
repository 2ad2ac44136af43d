//! The stress: for a time, or for a number of rounds, several threads make runtimes with contexts of
//! all engines and do everything at once that the core can do: calls in all directions, waits that end
//! in all ways, functions on threads that know nothing of contexts, and ends in every state.
//!
//! Every call must be answered exactly once, and rightly; every promise must end exactly once; and at
//! the end threads, descriptors and memory must be back to where they were.
//!
//! `CALOG_STRESS_SECONDS` says for how long, `CALOG_STRESS_SEED` with which dice.

mod dice;
mod ends;
mod foreign;
mod lane;
mod languages;
mod ledger;
mod natives;
mod plays;
mod show;

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use calog_tests::{Footprint, plugin_folder, resident_kib, run_alone};
use dice::Dice;
use foreign::Foreign;
use lane::{LIMIT, Lane, Scripts, Tally};

/// Threads that make runtimes, and threads that know nothing of contexts.
const LANES: usize = 3;
const FOREIGN: usize = 3;

/// The rounds of each lane when no time is given.
const ROUNDS: usize = 30;

/// What memory may grow by between the second quarter of the time and the last, in KiB: the
/// allocator's doing, which serves every thread from one of several arenas.
const NOISE_KIB: u64 = 8 * 1024;

fn main() {
    run_alone(&[("everything_at_once", everything_at_once)]);
}

fn setting(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not '{text}'")))
}

fn everything_at_once() {
    plugin_folder();
    let seconds = setting("CALOG_STRESS_SECONDS");
    let seed = setting("CALOG_STRESS_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("CALOG_STRESS_SEED={seed}");
    let mut dice = Dice::new(seed);
    let before = Footprint::now();
    let tally = match seconds {
        Some(seconds) => for_a_time(&mut dice, Duration::from_secs(seconds)),
        None => lanes(&mut dice, &|done| done < ROUNDS),
    };
    before.assert_restored();
    let Tally { runtimes, contexts, calls, too_deep } = tally;
    println!("{runtimes} runtimes, {contexts} contexts, {calls} calls, of which {too_deep} were too deep");
}

/// In quarters, so that memory can be compared.
fn for_a_time(dice: &mut Dice, time: Duration) -> Tally {
    let start = Instant::now();
    let mut tally = Tally::default();
    let mut resident = Vec::new();
    for quarter in 1..=4 {
        let until = start + time * quarter / 4;
        tally = tally.plus(lanes(dice, &|_| Instant::now() < until));
        resident.push(resident_kib());
    }
    println!("memory after each quarter, in KiB: {resident:?}");
    // A sanitizer keeps for a while what was freed, to find who uses it.
    if env::var("CALOG_STRESS_SANITIZED").is_err() {
        assert!(resident[3] <= resident[1] + NOISE_KIB, "memory grows: {resident:?} KiB");
    }
    tally
}

/// Runs all lanes; each begins another round as long as `goes_on` says so, of the rounds it has done.
fn lanes(dice: &mut Dice, goes_on: &(impl Fn(usize) -> bool + Sync)) -> Tally {
    let (foreign, threads) = foreign::start(FOREIGN, dice);
    let scripts = Scripts::new();
    let (rounds, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let run = |foreign: Foreign, dice: Dice| {
        let _failure = Failure(&failed);
        let mut lane = Lane { scripts: &scripts, foreign, dice, tally: Tally::default() };
        let mut done = 0;
        while goes_on(done) && !failed.load(Ordering::Relaxed) {
            lane.round(false);
            done += 1;
            rounds.fetch_add(1, Ordering::Relaxed);
        }
        lane.tally
    };
    let tally = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .map(|_| {
                let (run, foreign, dice) = (&run, foreign.clone(), dice.split());
                scope.spawn(move || run(foreign, dice))
            })
            .collect();
        watch(&rounds, || lanes.iter().all(thread::ScopedJoinHandle::is_finished));
        let tallies = lanes.into_iter().map(|lane| lane.join().expect("a lane fails with a message of its own"));
        tallies.fold(Tally::default(), Tally::plus)
    });
    drop(foreign);
    threads.join();
    tally
}

/// Ends all lanes when one has failed.
struct Failure<'a>(&'a AtomicBool);

impl Drop for Failure<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Ends the process when no round ends any more.
fn watch(rounds: &AtomicU64, is_over: impl Fn() -> bool) {
    let (mut seen, mut since) = (0, Instant::now());
    while !is_over() {
        let now = rounds.load(Ordering::Relaxed);
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        if since.elapsed() > 2 * LIMIT {
            eprintln!("no round has ended for {:?}", since.elapsed());
            std::process::abort();
        }
        thread::park_timeout(Duration::from_millis(20));
    }
}
