//! One thread that makes runtimes, one after another and sometimes one within another, and accounts
//! for each.

use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use calog_tests::Folder;

use crate::dice::Dice;
use crate::foreign::Foreign;
use crate::languages::{LANGUAGES, Language};
use crate::natives::Round;
use crate::show::Show;

/// How long anything may take before the stress fails; sanitizers are slow.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What a lane does with one runtime.
const ACTS: usize = 60;

/// The scripts, which all lanes share.
pub(crate) struct Scripts(Folder);

impl Scripts {
    pub(crate) fn new() -> Scripts {
        let folder = Folder::new();
        for language in LANGUAGES {
            folder.write(&format!("actor.{}", language.extension), language.actor);
            // The same, but never opened otherwise: whoever opens a context may close it.
            folder.write(&format!("module.{}", language.extension), language.actor);
        }
        Scripts(folder)
    }

    pub(crate) fn actor(&self, language: &Language) -> PathBuf {
        self.0.join(&format!("actor.{}", language.extension))
    }

    pub(crate) fn module(&self, language: &Language) -> PathBuf {
        self.0.join(&format!("module.{}", language.extension))
    }
}

/// What a lane has come to.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) runtimes: usize,
    pub(crate) contexts: usize,
    pub(crate) calls: usize,
    pub(crate) too_deep: usize,
}

impl Tally {
    pub(crate) fn plus(self, other: Tally) -> Tally {
        Tally {
            runtimes: self.runtimes + other.runtimes,
            contexts: self.contexts + other.contexts,
            calls: self.calls + other.calls,
            too_deep: self.too_deep + other.too_deep,
        }
    }
}

/// A thread's part of the stress.
pub(crate) struct Lane<'a> {
    pub(crate) scripts: &'a Scripts,
    pub(crate) foreign: Foreign,
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
}

impl Lane<'_> {
    /// One runtime, from its making to its end.
    pub(crate) fn round(&mut self, within_another: bool) {
        let round = Round::new(&self.foreign, &mut self.dice);
        let mut show = Show::new(self, &round);
        for _ in 0..ACTS {
            show.act(self);
            if !within_another && self.dice.one_in(16 * ACTS) {
                self.round(true);
            }
        }
        self.tally.contexts += show.opened;
        show.end(self);
        self.tally.runtimes += 1;
        self.tally.calls += round.ledger.count();
        self.tally.too_deep += round.ledger.too_deep.load(SeqCst);
        round.ledger.close("a round");
    }
}
