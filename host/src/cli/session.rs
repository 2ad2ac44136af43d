//! One runtime from its start to the exit code: errors are shown as they come, signals end it, and
//! how it ended decides the code.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use calog::manifest::Manifest;
use calog::{CLOSE_LIMIT, Ended, Runtime, report};

use super::exit::{self, Exit, FAILED, FINE, STUCK};
use super::{Common, signals, trust};

/// A runtime and whether any script has failed in it.
pub(super) struct Session {
    pub runtime: Runtime,
    failed: Rc<Cell<bool>>,
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
        let mut builder = Runtime::builder()
            .plugins(trust::search(common, manifests, folders)?)
            .engine_order(manifests.iter().flat_map(|it| it.engines.order.iter().cloned()))
            .args(args)
            .on_error(move |_, error| {
                seen.set(true);
                show(error);
            });
        for manifest in manifests {
            for (name, section) in manifest.engines.sections.iter() {
                builder = builder.engine_config(name, section.clone());
            }
            for (name, section) in manifest.natives.iter() {
                builder = builder.bundle_config(name, section.clone());
            }
        }
        let runtime = builder.build().map_err(|error| Exit::of_error(FAILED, &error))?;
        let no_signals = |error| Exit::new(FAILED, format!("error: signals cannot be caught: {error}"));
        signals::listen(runtime.stopper()).map_err(no_signals)?;
        Ok(Session { runtime, failed })
    }

    /// Shows an error that did not come through the handler.
    pub(super) fn fail(&self, error: &calog::Error) {
        self.failed.set(true);
        show(error);
    }

    /// Runs until the program ends, closes everything, and gives the exit code.
    pub(super) fn finish(self) -> u8 {
        let ended = self.runtime.run();
        let closed = self.runtime.close(CLOSE_LIMIT);
        for lost in closed.lost {
            tracing::warn!("{lost} did not end within {} s and is left", CLOSE_LIMIT.as_secs());
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

fn show(error: &calog::Error) {
    exit::say(&report::render(error, report::colour_wanted()));
}
