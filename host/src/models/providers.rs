//! Providers and contexts that are started again: their ends, from every side and at every moment.

use std::sync::{Arc, Mutex};

use calog_plugin_api::{CancelToken, Code, Error, Function, Restart, Value};

use super::check::{check, each};
use super::scene::{Count, LIMIT, THREADS, build, call, circumstances, export, joined, open, script, spawn, until};
use crate::providers::{Notice, Provider, Registry, Reloadable, Result, Runnable};
use crate::{ContextRef, Ended, Runtime};

/// A provider that notes what is done with it. No primitives of the checker's: nobody waits for it.
#[derive(Default)]
struct Witness {
    /// How often its run fails before it goes on until it is asked to end.
    failures: usize,
    runs: Count,
    ended: Count,
    reloads: Count,
    shutdowns: Count,
    /// Whether its code is at something that nothing else may come into.
    busy: Mutex<bool>,
}

impl Witness {
    /// At something alone, with room for others to come in between.
    fn alone(&self, act: impl FnOnce()) {
        assert!(!std::mem::replace(&mut *self.busy.lock().expect("no panic"), true), "two at once");
        shuttle::thread::yield_now();
        act();
        *self.busy.lock().expect("no panic") = false;
    }
}

impl Provider for Witness {
    fn name(&self) -> &str {
        "witness"
    }

    fn shutdown(&self, _state: &()) -> Result<()> {
        self.alone(|| self.shutdowns.up());
        Ok(())
    }

    fn as_runnable(&self) -> Option<&dyn Runnable> {
        Some(self)
    }

    fn as_reloadable(&self) -> Option<&dyn Reloadable> {
        Some(self)
    }
}

impl Runnable for Witness {
    fn restart(&self) -> Restart {
        Restart::on_failure().bounded(1, LIMIT * 1000)
    }

    fn run(&self, _state: &(), stop: &CancelToken) -> Result<()> {
        self.runs.up();
        assert_eq!(self.shutdowns.get(), 0, "nothing begins once it is shut down");
        let fails = self.runs.get() <= self.failures;
        if !fails {
            until(|| stop.is_cancelled());
        }
        self.ended.up();
        if fails { Err("as told".into()) } else { Ok(()) }
    }
}

impl Reloadable for Witness {
    fn reload(&self, _state: &()) -> Result<()> {
        assert_eq!(self.shutdowns.get(), 0, "nobody is reloaded once it is shut down");
        self.alone(|| self.reloads.up());
        Ok(())
    }
}

fn booted(failures: usize) -> (Arc<Registry>, Arc<Witness>) {
    let (registry, witness) = (Registry::new(()), Arc::new(Witness { failures, ..Witness::default() }));
    registry.insert(Arc::clone(&witness)).expect("the only one");
    registry.boot_all().expect("it boots");
    (Arc::new(registry), witness)
}

#[test]
fn what_runs_ends_once_whether_it_fails_is_started_again_or_asked_to_end() {
    each([0, 1, 2], |failures| {
        let (registry, witness) = booted(failures);
        let (fatal, tells) = (Count::default(), Count::default());
        let (seen, told) = (fatal.clone(), tells.clone());
        let hear = move |notice: Notice<'_>| match notice {
            Notice::Fatal(_) => seen.up(),
            _ => told.up(),
        };
        assert_eq!(registry.run_all(hear).expect("a thread"), 1);
        let other = Arc::clone(&registry);
        let asks = spawn(move || other.shutdown_all().is_clean());
        let clean = registry.shutdown_all().is_clean();
        assert!(joined(asks) && clean);
        // One of the two has ended it; the other did not wait for that.
        until(|| witness.shutdowns.get() == 1);
        assert_eq!(witness.runs.get(), witness.ended.get());
        assert!(tells.get() <= failures.min(1) && fatal.get() <= usize::from(failures == 2));
        assert!(registry.shutdown_all().is_clean());
        assert_eq!(witness.shutdowns.get(), 1);
    });
}

#[test]
fn reloads_and_the_end_take_turns() {
    check(|| {
        let (registry, witness) = booted(0);
        let reloading = [0, 1].map(|all| {
            let registry = Arc::clone(&registry);
            spawn(move || match all {
                0 => registry.reload_all().map(|outcome| outcome.reloaded.len()).unwrap_or_default(),
                _ => usize::from(registry.reload_one("witness").is_ok()),
            })
        });
        assert!(registry.shutdown_all().is_clean());
        let reloaded: usize = reloading.into_iter().map(joined).sum();
        assert_eq!((witness.reloads.get(), witness.shutdowns.get()), (reloaded, 1));
    });
}

/// A runtime whose native `fails` does so this often.
fn failing(times: usize) -> Runtime {
    let left = Mutex::new(times);
    let fails = move || {
        let mut left = left.lock().expect("no panic");
        let fails = *left > 0;
        *left = left.saturating_sub(1);
        if fails { Err(Error::new(Code::Io, "as told")) } else { Ok(()) }
    };
    build(|builder| builder.inline_native(Function::new("fails", fails)))
}

/// A context that is started again, whose main chunk may fail.
fn supervised(runtime: &Runtime, thread: Option<&str>, restart: Restart) -> ContextRef {
    let open = script("x", thread, "native fails\nanswer: give 42").restart(restart.bounded(1, LIMIT * 1000));
    runtime.open(open).expect("a context")
}

/// Pumps until another context than this is there in its place, and its main chunk has run.
fn wait_for_next(runtime: &Runtime, old: &ContextRef) {
    let new = || runtime.context("x").filter(|it| it.id() != old.id() && it.export("answer").is_some());
    until(|| new().is_some());
}

#[test]
fn a_context_that_is_started_again_answers_as_the_old_one_or_the_new_one() {
    each(THREADS, |thread| {
        let runtime = failing(1);
        let old = supervised(&runtime, thread, Restart::on_failure());
        // Only what is there by then can be asked for.
        let importer = open(&runtime, "importer", None, "ask: import x answer");
        let asked = call(&export(&importer, "ask"), &circumstances(&runtime));
        asked.wait();
        // The old one's failure, the old one that is closed by then, or the new one.
        let outcome = asked.outcome();
        assert!(matches!(outcome, Ok(Value::Int(42)) | Err(Code::Io | Code::Dead)), "{outcome:?}");
        wait_for_next(&runtime, &old);
        assert_eq!(runtime.call_export(&importer, "ask", &[]), Ok(Value::Int(42)));
        assert_eq!(runtime.run(), Ended::Idle);
    });
}

#[test]
fn a_runtime_closes_while_a_context_is_started_again() {
    each([Restart::on_failure(), Restart::always()], |restart| {
        let runtime = failing(1);
        let context = supervised(&runtime, None, restart);
        let closer = spawn(move || context.ask_to_close());
        assert!(runtime.close(LIMIT).lost.is_empty());
        joined(closer);
    });
}

#[test]
fn many_ends_of_a_context_are_one_new_start() {
    each(THREADS, |thread| {
        let runtime = failing(0);
        let old = supervised(&runtime, thread, Restart::always());
        let closers = [(), ()].map(|()| {
            let old = old.clone();
            spawn(move || old.ask_to_close())
        });
        closers.into_iter().for_each(joined);
        wait_for_next(&runtime, &old);
        // A second one would have been one too many, and the end of the program.
        assert_eq!(runtime.run(), Ended::Idle);
    });
}
