//! The end: in the reverse of booting, best effort, once, and each within its limit.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog::plugin_api::CancelToken;
use calog::providers::{Exceeded, Provider, Reloadable, Result, Runnable};

use crate::stub::{Deed, LONG, Shared, Stub, booted, registry, stub, told};

#[test]
fn a_failure_holds_up_nobody_and_doing_it_again_does_nothing() {
    let (registry, log) = booted([
        stub("a"),
        Stub { shutdown: Deed::Panic, ..stub("b") },
        Stub { shutdown: Deed::Io, ..stub("c") },
        // A limit beyond all clocks is none.
        Stub { boot_priority: 255, limit: Duration::MAX, ..stub("0") },
    ]);
    let outcome = registry.shutdown_all();
    assert_eq!(log.take(), ["shutdown 0", "shutdown c", "shutdown b", "shutdown a"]);
    let failures: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    assert_eq!(failures, ["shutdown of 'c' failed: no such file", "shutdown of 'b' failed: panicked: as told"]);
    assert_eq!((outcome.exceeded.len(), outcome.is_clean()), (0, false));
    assert!(registry.shutdown_all().is_clean());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn what_did_not_boot_is_not_shut_down() {
    let (registry, log) = registry([stub("a")]);
    assert!(registry.shutdown_all().is_clean());
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn whoever_exceeds_its_limit_is_named_and_the_others_are_shut_down() {
    let never = |name| Stub { shutdown: Deed::Never, limit: Duration::from_millis(1), ..stub(name) };
    let (registry, log) = booted([stub("a"), never("b"), stub("c"), never("d"), stub("e")]);
    let outcome = registry.shutdown_all();
    let exceeded: Vec<String> = outcome.exceeded.iter().map(ToString::to_string).collect();
    assert_eq!(exceeded, ["the shutdown of provider 'd'", "the shutdown of provider 'b'"]);
    assert!(outcome.failures.is_empty());
    // Those that do not end may have had no time to begin either: on a busy machine they do so later.
    let mut begun = log.take();
    while !["shutdown b", "shutdown d"].iter().all(|it| begun.iter().any(|begun| begun == it)) {
        std::thread::yield_now();
        begun.extend(log.take());
    }
    begun.retain(|it| !["shutdown b", "shutdown d"].contains(&it.as_str()));
    assert_eq!(begun, ["shutdown e", "shutdown c", "shutdown a"]);
}

#[test]
fn what_runs_on_is_named_and_its_provider_shut_down_all_the_same() {
    let (registry, log) = booted([
        Stub { runs: vec![Deed::Never], limit: Duration::from_millis(1), ..stub("stays") },
        Stub { runs: vec![Deed::UntilStopped], ..stub("goes") },
    ]);
    registry.run_all(told().0).unwrap();
    let mut exceeded = registry.shutdown_all().exceeded;
    exceeded.retain(is_run);
    assert_eq!(exceeded, [Exceeded::Run("stays".into())]);
    let mut happened = log.take();
    while !happened.contains(&"shutdown stays".to_owned()) {
        std::thread::yield_now();
        happened.extend(log.take());
    }
    assert!(happened.contains(&"shutdown goes".to_owned()), "{happened:?}");
    assert!(happened.contains(&"stopped goes".to_owned()), "all that run are asked, whoever does not hear it");
}

/// A machine that is busy may not come to a short limit's shutdown in time either; that is not the question.
fn is_run(exceeded: &Exceeded) -> bool {
    matches!(exceeded, Exceeded::Run(_))
}

/// Does not return from being told to stop, if it is so made; and says when it runs.
struct Told {
    deaf: bool,
    running: Sender<()>,
}

impl Provider<Shared> for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn shutdown_limit(&self) -> Duration {
        if self.deaf { Duration::from_millis(1) } else { LONG }
    }

    fn as_runnable(&self) -> Option<&dyn Runnable<Shared>> {
        Some(self)
    }
}

impl Runnable<Shared> for Told {
    fn run(&self, _state: &Shared, stop: &CancelToken) -> Result<()> {
        let deaf = self.deaf;
        stop.on_cancel(move || {
            if deaf {
                drop(Deed::Never.perform())
            }
        });
        self.running.send(())?;
        stop.wait();
        Ok(())
    }
}

#[test]
fn what_is_told_to_stop_may_not_return_either() {
    for (deaf, wanted) in [(false, vec![]), (true, vec![Exceeded::Run("told".into())])] {
        let (registry, _log) = registry([]);
        let (running, runs) = channel();
        registry.insert(Arc::new(Told { deaf, running })).unwrap();
        registry.boot_all().unwrap();
        registry.run_all(told().0).unwrap();
        runs.recv().unwrap();
        let mut exceeded = registry.shutdown_all().exceeded;
        exceeded.retain(is_run);
        assert_eq!(exceeded, wanted);
    }
}

/// Is at its reload until it is let go.
struct Busy {
    begun: Sender<()>,
    go: Mutex<Receiver<()>>,
    limit: Duration,
}

impl Provider<Shared> for Busy {
    fn name(&self) -> &str {
        "busy"
    }

    fn shutdown(&self, state: &Shared) -> Result<()> {
        state.log.add("shutdown busy".into());
        Ok(())
    }

    fn shutdown_limit(&self) -> Duration {
        self.limit
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable<Shared>> {
        Some(self)
    }
}

impl Reloadable<Shared> for Busy {
    fn reload(&self, state: &Shared) -> Result<()> {
        self.begun.send(())?;
        // Until it is told, or nobody can tell it any more.
        let _ = self.go.lock().unwrap().recv();
        state.log.add("reloaded busy".into());
        Ok(())
    }
}

#[test]
fn a_provider_is_not_shut_down_in_the_midst_of_its_reload() {
    for patient in [true, false] {
        let (registry, log) = registry([]);
        let ((begun, begins), (let_go, go)) = (channel(), channel());
        let limit = if patient { LONG } else { Duration::from_millis(1) };
        registry.insert(Arc::new(Busy { begun, go: Mutex::new(go), limit })).unwrap();
        registry.boot_all().unwrap();
        let registry = Arc::new(registry);
        let reloads = Arc::clone(&registry);
        let reloading = std::thread::spawn(move || reloads.reload_one("busy").map_err(|error| error.to_string()));
        begins.recv().unwrap();
        if patient {
            let_go.send(()).unwrap();
            assert!(registry.shutdown_all().is_clean());
            assert_eq!(log.take(), ["reloaded busy", "shutdown busy"]);
        } else {
            assert_eq!(registry.shutdown_all().exceeded, [Exceeded::Shutdown("busy".into())]);
            assert_eq!(log.take(), [""; 0]);
            drop(let_go);
        }
        assert_eq!(reloading.join().unwrap(), Ok(()));
    }
}
