//! What runs: on named threads, until it is asked to stop; and what becomes of it when it ends.

use std::sync::Arc;
use std::time::Duration;

use calog::plugin_api::CancelToken;
use calog::providers::{Error, Provider, Restart, Result, Runnable};

use crate::stub::{Deed, LONG, Shared, Stub, any, booted, registry, stub, told};

#[test]
fn each_runs_on_a_thread_of_its_name_until_it_is_asked_to_stop() {
    let running = |name| Stub { runs: vec![Deed::UntilStopped], ..stub(name) };
    let (registry, log) = booted([running("one"), stub("idle"), running("two")]);
    let (hear, told) = told();
    assert_eq!(registry.run_all(hear).unwrap(), 2, "so many were started");
    assert!(registry.shutdown_all().is_clean());
    let mut log = log.take();
    log.retain(|line| line.contains("run ") || line.contains("stopped"));
    log.sort();
    assert_eq!(log, ["run one on 'calog one'", "run two on 'calog two'", "stopped one", "stopped two"]);
    drop(registry);
    assert_eq!(told.all(), [""; 0], "to be asked to end is no failure");
}

#[test]
fn one_that_is_disabled_can_be_resolved_and_does_not_run() {
    let (registry, log) = registry([]);
    let disabled = Arc::new(Stub { enabled: false, runs: vec![Deed::Fine], ..stub("off") });
    registry.insert(Arc::clone(&disabled)).unwrap();
    registry.boot_all().unwrap();
    assert_eq!(registry.run_all(told().0).unwrap(), 0);
    assert!(Arc::ptr_eq(&registry.resolve::<Stub>().unwrap(), &disabled));
    assert!(registry.shutdown_all().is_clean());
    assert_eq!(log.take(), ["boot off", "start off", "shutdown off"]);
}

fn recoverable() -> Error {
    Error::recoverable("for now")
}

fn theirs() -> Error {
    Error::Boot { name: "other".into(), source: any("typed") }
}

/// What is told of these runs, one after another.
#[track_caller]
fn check(provider: Stub, wanted: &[&str]) {
    let what = format!("{:?} {:?}", provider.runs, provider.restart);
    let (registry, _log) = booted([provider]);
    let (hear, told) = told();
    registry.run_all(hear).unwrap();
    let seen: Vec<String> = wanted.iter().map(|_| told.next()).collect();
    assert_eq!(seen, wanted, "{what}");
    assert!(registry.shutdown_all().is_clean(), "{what}");
    drop(registry);
    assert_eq!(told.all(), [""; 0], "{what}: and nothing more");
}

#[test]
fn a_failure_is_fatal_unless_it_is_recoverable() {
    let runs = |deed| Stub { runs: vec![deed], ..stub("x") };
    check(runs(Deed::Fine), &[]);
    check(runs(Deed::Fail("m")), &["fatal: runnable 'x' failed: m"]);
    check(runs(Deed::Panic), &["fatal: runnable 'x' failed: panicked: as told"]);
    check(runs(Deed::Typed(recoverable)), &["recoverable: runnable 'x' failed (recoverable): for now"]);
    check(runs(Deed::Typed(theirs)), &["fatal: provider 'other' failed during boot: typed"]);
    let marked = |deed| Stub { recoverable: true, ..runs(deed) };
    check(marked(Deed::Fail("m")), &["recoverable: runnable 'x' failed (recoverable): m"]);
    check(marked(Deed::Panic), &["recoverable: runnable 'x' failed (recoverable): panicked: as told"]);
}

#[test]
fn others_go_on_when_one_has_failed() {
    let (registry, log) = booted([
        Stub { runs: vec![Deed::Fail("m")], recoverable: true, ..stub("bad") },
        Stub { runs: vec![Deed::UntilStopped], ..stub("good") },
    ]);
    let (hear, told) = told();
    registry.run_all(hear).unwrap();
    told.next();
    log.take();
    assert!(registry.shutdown_all().is_clean());
    assert!(log.take().contains(&"stopped good".to_owned()), "it ran until it was asked to end");
}

#[test]
fn restarts_are_bounded_and_then_it_is_fatal() {
    let runs = |restart: Restart, runs: &[Deed]| Stub { runs: runs.to_vec(), restart, ..stub("x") };
    let (fail, fine) = (Deed::Fail("m"), Deed::Fine);
    let (again, ended, fatal) = ("again x: runnable 'x' failed: m", "again x", "fatal: runnable 'x' failed: m");
    check(runs(Restart::NEVER, &[fail]), &[fatal]);
    check(runs(Restart::on_failure(), &[fine]), &[]);
    check(runs(Restart::on_failure(), &[fail, fine]), &[again]);
    check(runs(Restart::on_failure().bounded(2, LONG), &[fail, fail, fail]), &[again, again, fatal]);
    check(runs(Restart::on_failure().bounded(0, LONG), &[fail]), &[fatal]);
    check(runs(Restart::always().bounded(3, LONG), &[fine, fail, fine]), &[ended, again, ended]);
    check(
        runs(Restart::always().bounded(1, Duration::from_secs(600)), &[fine, fine]),
        &[ended, "fatal: runnable 'x' failed: it ended again and again: more than 1 restarts within 600 s"],
    );
    check(
        runs(Restart::on_failure().bounded(1, LONG), &[Deed::Panic, Deed::Panic]),
        &["again x: runnable 'x' failed: panicked: as told", "fatal: runnable 'x' failed: panicked: as told"],
    );
    // Once there is a bound, it is what counts.
    check(
        runs(Restart::on_failure().bounded(1, LONG), &[Deed::Typed(recoverable), Deed::Typed(recoverable)]),
        &["again x: runnable 'x' failed (recoverable): for now", "fatal: runnable 'x' failed: for now"],
    );
    check(Stub { recoverable: true, ..runs(Restart::on_failure().bounded(1, LONG), &[fail, fail]) }, &[again, fatal]);
}

/// Fails when it is asked to end.
struct Sulks;

impl Provider<Shared> for Sulks {
    fn name(&self) -> &str {
        "sulks"
    }

    fn as_runnable(&self) -> Option<&dyn Runnable<Shared>> {
        Some(self)
    }
}

impl Runnable<Shared> for Sulks {
    fn restart(&self) -> Restart {
        Restart::always()
    }

    fn run(&self, _state: &Shared, stop: &CancelToken) -> Result<()> {
        stop.wait();
        Err("it was asked to end".into())
    }
}

#[test]
fn what_was_asked_to_end_is_neither_a_failure_nor_started_again() {
    let (registry, _log) = registry([]);
    registry.insert(Arc::new(Sulks)).unwrap();
    registry.boot_all().unwrap();
    let (hear, told) = told();
    assert_eq!(registry.run_all(hear).unwrap(), 1);
    assert!(registry.shutdown_all().is_clean());
    drop(registry);
    assert_eq!(told.all(), [""; 0]);
}
