//! Contexts that are started again when they have ended: under their name, with a new interpreter.
//!
//! The new context takes the old one's place among the modules in the same moment in which the old one
//! takes no more calls: whoever imports it gets the old exports before that, and the new ones after. The
//! old one's functions are dead.
//!
//! Invariant: of each context at most one new start follows.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use calog_plugin_api::host_side::Callback;
use calog_plugin_api::{Error, Restart, RestartWhen};

use crate::context::{ContextShared, State};
use crate::core::Core;
use crate::liveness::Counted;
use crate::opening::Open;
use crate::providers::{Intensity, Verdict};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::time::Instant;

/// How the contexts of one name, which follow each other, were opened, and how often.
pub(crate) struct Supervision {
    open: Open,
    folder: Option<PathBuf>,
    intensity: Mutex<Intensity>,
}

/// A context that is started again.
pub(crate) struct Supervised {
    by: Arc<Supervision>,
    /// Whether its end has been seen to.
    seen_to: AtomicBool,
}

impl Supervised {
    /// A context that was opened so, if it is to be started again at all.
    pub(crate) fn new(policy: Restart, open: &Open, folder: Option<PathBuf>) -> Option<Supervised> {
        if policy.when == RestartWhen::Never {
            return None;
        }
        let by = Supervision { open: open.clone(), folder, intensity: Mutex::new(Intensity::new(policy)) };
        Some(Supervised::again(Arc::new(by)))
    }

    fn again(by: Arc<Supervision>) -> Supervised {
        Supervised { by, seen_to: AtomicBool::new(false) }
    }
}

/// Has a new context see to its own end, however it comes.
pub(crate) fn watch(context: &Arc<ContextShared>) {
    let always = |it: &Supervised| it.by.intensity.lock().policy().when == RestartWhen::Always;
    if context.supervised.as_ref().is_some_and(always) {
        let ended: Weak<ContextShared> = Arc::downgrade(context);
        context.when_closed(Callback::new(move |_outcome| {
            if let Some(context) = ended.upgrade() {
                see_to(&context, None);
            }
        }));
    }
}

/// The main chunk of a context has failed, or its engine has panicked. Whether that is seen to: it is
/// started again, or is the program's end.
pub(crate) fn failed(context: &Arc<ContextShared>, error: &Error) -> bool {
    see_to(context, Some(error))
}

/// A main chunk that fails because its context was asked to close has not failed of its own.
pub(crate) fn main_failed(context: &Arc<ContextShared>, error: &Error) -> bool {
    context.state() == State::Open && see_to(context, Some(error))
}

fn see_to(context: &Arc<ContextShared>, error: Option<&Error>) -> bool {
    let Some(supervised) = &context.supervised else { return false };
    let core = &context.core;
    if core.closing.load(Ordering::Acquire) || core.exit_code().is_some() {
        return false;
    }
    if supervised.seen_to.swap(true, Ordering::AcqRel) {
        return true;
    }
    if verdict(&supervised.by, error.is_some()) == Verdict::TooOften {
        give_up(context, error);
        return true;
    }
    let why = error.map_or_else(|| "it was closed".into(), |error| format!("{error:?}"));
    tracing::warn!("context '{}' is started again: {why}", context.name);
    // Not here: this is its own thread, and to find and open it takes files and foreign code.
    let (old, counted) = (Arc::clone(context), Counted::new(&core.liveness));
    core.pool.run(Callback::new(move |_outcome| {
        start_again(&old);
        drop(counted);
    }));
    true
}

fn verdict(by: &Supervision, failed: bool) -> Verdict {
    by.intensity.lock().ended(failed, Instant::now())
}

/// It has ended too often: so does the program.
fn give_up(context: &ContextShared, error: Option<&Error>) {
    let policy = context.supervised.as_ref().map(|it| it.by.intensity.lock().policy()).unwrap_or_default();
    let bound = format!("{} restarts within {} s", policy.at_most, policy.within.as_secs_f64());
    let place = format!("context '{}' is given up after {bound}", context.name);
    let ended = || Error::new(calog_plugin_api::Code::Dead, "it was closed again");
    context.core.report(context.id, error.cloned().unwrap_or_else(ended).inside(&place));
    context.core.end(1);
}

/// Opens the context anew. A failure to do so counts as one of its own.
fn start_again(old: &Arc<ContextShared>) {
    let (core, Some(supervised)) = (&old.core, &old.supervised) else { return };
    let _replaced = Replaced(old);
    loop {
        let by = &supervised.by;
        let opened = {
            // Nobody looks for modules meanwhile.
            let _none_looks = core.modules.opening.lock();
            old.ask_to_close();
            let again = Supervised::again(Arc::clone(by));
            core.open_instead(by.open.clone(), by.folder.as_deref(), Some(again), Some(old.id))
        };
        let error = match opened {
            Ok((_context, main)) => {
                // How it ends is seen to by the context itself.
                return main.into_iter().for_each(|main| main.then(drop));
            }
            Err(error) => error,
        };
        if core.closing.load(Ordering::Acquire) || core.exit_code().is_some() {
            return;
        }
        if verdict(by, true) == Verdict::TooOften {
            return give_up(old, Some(&error));
        }
        tracing::warn!("context '{}' could not be started again: {error}", old.name);
    }
}

/// One whose thread is lost cannot be forgotten there, and is, once another has its place or none will.
struct Replaced<'a>(&'a Arc<ContextShared>);

impl Drop for Replaced<'_> {
    fn drop(&mut self) {
        if self.0.thread.pulse.is_lost() {
            self.0.core.forget_context(self.0);
        }
    }
}

impl Core {
    /// Ends the program in order, with this code. The first to ask decides.
    pub(crate) fn end(&self, code: i32) {
        self.exit(code);
        for context in self.all_contexts() {
            context.request_stop();
        }
    }
}
