//! One runtime from its start to the exit code: errors are shown as they come, signals end it, and
//! how it ended decides the code.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use calog::manifest::Manifest;
use calog::providers::{self, Failures};
use calog::{CLOSE_LIMIT, Configuration, Ended, Lost, Runtime, report};

use super::control::Control;
use super::exit::{self, Exit, FAILED, FINE, STUCK, USAGE};
use super::reload::Rereading;
use super::{Common, signals, trust};

/// How long what is under way may go on after SIGTERM. What is left of [`CLOSE_LIMIT`] is for the rest.
const DRAIN_LIMIT: Duration = Duration::from_secs(4);

/// A runtime and whether any script has failed in it.
pub(super) struct Session {
    pub runtime: Runtime,
    failed: Rc<Cell<bool>>,
    /// Whether SIGTERM has come.
    draining: Arc<AtomicBool>,
    /// Goes with the session.
    control: Option<Control>,
}

impl Session {
    /// Builds the runtime that the command line and the manifests describe, for programs in `folders`.
    pub(super) fn start(
        common: &Common,
        manifests: &[&Manifest],
        folders: &[&Path],
        args: Vec<String>,
    ) -> Result<Session, Exit> {
        let failed = Rc::new(Cell::new(false));
        let seen = Rc::clone(&failed);
        let builder = Runtime::builder()
            .plugins(trust::search(common, manifests, folders)?)
            .engine_order(manifests.iter().flat_map(|it| it.engines.order.iter().cloned()))
            .configuration(Configuration::of(manifests.iter().copied()))
            .args(args)
            .on_error(move |_, error| {
                seen.set(true);
                show(error);
            });
        let runtime = builder.start().map_err(|failures| refused(&failures))?;
        let draining = Arc::new(AtomicBool::new(false));
        signals::listen(runtime.stopper(), Arc::clone(&draining)).map_err(no_signals)?;
        Ok(Session { runtime, failed, draining, control: None })
    }

    /// From now on SIGHUP and `calog reload` have these programs read again.
    pub(super) fn reload_by(&mut self, paths: &[PathBuf], manifests: &[&Manifest]) -> Result<(), Exit> {
        let rereading = Arc::new(Rereading::new(paths, manifests, self.runtime.reloader()));
        let again = Arc::clone(&rereading);
        signals::on_hangup(move || drop(again.reload())).map_err(no_signals)?;
        match Control::open(Arc::new(move || rereading.reload())) {
            Ok(control) => self.control = Some(control),
            // It can still be told by a signal.
            Err(error) => tracing::info!("there is no control socket: {error}"),
        }
        Ok(())
    }

    /// Shows an error that did not come through the handler.
    pub(super) fn fail(&self, error: &calog::Error) {
        self.failed.set(true);
        show(error);
    }

    /// Runs until the program ends, closes everything, and gives the exit code.
    pub(super) fn finish(self) -> u8 {
        let ended = self.runtime.run();
        let until = Instant::now() + CLOSE_LIMIT;
        if self.draining.load(Ordering::Acquire) {
            self.runtime.drain(DRAIN_LIMIT);
        }
        let closed = self.runtime.close(until.saturating_duration_since(Instant::now()));
        for lost in closed.lost {
            match lost {
                // Code that hears nothing is given up sooner.
                Lost::Context { .. } => tracing::warn!("{lost} did not end and is left"),
                _ => tracing::warn!("{lost} did not end within {} s and is left", CLOSE_LIMIT.as_secs()),
            }
        }
        let own = if self.failed.get() { FAILED } else { FINE };
        match ended {
            Ended::Idle => own,
            // Who asks to end does not make good what failed elsewhere.
            Ended::Exit(0) => own,
            Ended::Exit(code) => exit::of_script(code),
            Ended::Stuck(waiting) => {
                exit::say("error: the program is stuck: nothing can happen any more, and these still wait:\n");
                waiting.iter().for_each(|it| exit::say(&format!("  {it}\n")));
                STUCK
            }
        }
    }
}

/// A program that did not start. A configuration that is wrong is one's own mistake.
fn refused(failures: &Failures) -> Exit {
    let is_configuration = |it: &providers::Error| matches!(it, providers::Error::Validate { .. });
    if failures.iter().all(is_configuration) {
        let lines: Vec<String> = failures.iter().map(|failure| format!("error: {failure}")).collect();
        return Exit::new(USAGE, lines.join("\n"));
    }
    Exit::of_error(FAILED, &failures.to_calog())
}

fn no_signals(error: std::io::Error) -> Exit {
    Exit::new(FAILED, format!("error: signals cannot be caught: {error}"))
}

fn show(error: &calog::Error) {
    exit::say(&report::render(error, report::colour_wanted()));
}
