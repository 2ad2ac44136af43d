//! Random programs over all engines, checked against a plain reference model.
//!
//! `program` is a program as data, `generate` makes them at random, `render` and `languages` write them
//! as scripts, `model` says what they must come to, `plan` makes them fit a runtime, `run` runs them in
//! one and compares, `ledger` sees that every call is answered once. `docs/contributing.md` says how to
//! run many of them, or one again.

mod courier;
mod generate;
mod languages;
mod ledger;
mod model;
mod natives;
mod plan;
mod program;
mod render;
mod run;
mod search;
mod stage;
mod watchdog;

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use languages::LANGUAGES;
use run::Counts;
use search::Runner;

/// How many programs run when nothing else is said.
const PROGRAMS: u64 = 2000;

/// The first seed when nothing else is said; each further program has the next one.
const SEED: u64 = 1;

/// With as many programs, each language and form of call must have occurred.
const MANY: u64 = 1000;

fn setting<T: FromStr>(name: &str, usual: T) -> T {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => usual,
    }
}

#[test]
fn programs_do_what_the_model_says() {
    calog_tests::plugin_folder();
    let (seed, programs) = (setting("CALOG_SEED", SEED), setting("CALOG_PROGRAMS", PROGRAMS));
    let times = setting("CALOG_REPEAT", 1);
    let runners = std::thread::available_parallelism().map_or(1, usize::from).min(programs as usize).max(1);
    let (next, totals, failure) = (AtomicU64::new(0), Mutex::new(Counts::default()), Mutex::new(None));
    let (begun, threads) = (Instant::now(), threads());
    std::thread::scope(|scope| {
        for _ in 0..runners {
            scope.spawn(|| {
                let mut runner = Runner::new(watchdog::Watched::new());
                while failure.lock().is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= programs * times {
                        return;
                    }
                    match runner.run_seed(seed.wrapping_add(number / times)) {
                        Ok(counts) => totals.lock().add(&counts),
                        Err(report) => drop(failure.lock().get_or_insert(report)),
                    }
                }
            });
        }
    });
    let totals = totals.into_inner();
    let left = threads_beyond(threads);
    eprintln!("{:.1} s: {totals}", begun.elapsed().as_secs_f64());
    if let Some(report) = failure.into_inner() {
        panic!("{report}");
    }
    assert_eq!(left, 0, "threads are left");
    if programs >= MANY {
        assert_eq!(missing(&totals), Vec::<String>::new(), "all that programs can do occurred");
    }
}

/// The threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("the system lists them").count()
}

/// How many threads there are beyond so many. The system's list is a moment behind.
fn threads_beyond(before: usize) -> usize {
    let until = Instant::now() + Duration::from_secs(10);
    while threads() > before && Instant::now() < until {
        std::thread::yield_now();
    }
    threads().saturating_sub(before)
}

/// What many programs should have done and did not.
fn missing(totals: &Counts) -> Vec<String> {
    let mut missing = Vec::new();
    let occurred = [
        ("errors", totals.errors),
        ("detached calls", totals.detached),
        ("closing during calls", totals.races),
        ("calls that met a closed context", totals.gone),
    ];
    missing.extend(occurred.iter().filter(|(_, count)| *count == 0).map(|(what, _)| (*what).to_owned()));
    for language in LANGUAGES {
        for (number, function) in language.functions.iter().enumerate() {
            let calls = (0..function.calls.len()).map(|call| render::call_number(number, call));
            for form in calls.chain([render::FORK + number]) {
                if !totals.forms.contains_key(&(language.engine, form)) {
                    missing.push(format!("form {form} of {}", language.engine));
                }
            }
        }
    }
    missing
}
