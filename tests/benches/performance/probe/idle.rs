//! P9: what an idle context with a thread of its own takes. Many are opened, after some that pay for
//! what all share: the engine's library, the allocator's first pages.

use std::path::Path;

use calog::{ContextRef, Open, Runtime};
use calog_tests::resident_kib;

use super::{ask, builder};
use crate::load::Load;
use crate::row::{Amount, Goal, Row};
use crate::table::Table;

/// How many are opened at once.
const CONTEXTS: usize = 500;

/// How many are open before.
const FIRST: usize = 20;

/// Opens them, and gives the KiB that one takes.
pub(super) fn probe(plugins: &Path, language: &str) -> Vec<f64> {
    let runtime = builder(plugins).build().expect("a runtime over the workspace's plugins");
    let first = open(&runtime, language, FIRST);
    let before = resident_kib();
    let contexts = open(&runtime, language, CONTEXTS);
    let each = resident_kib().saturating_sub(before) as f64 / CONTEXTS as f64;
    drop((first, contexts));
    vec![each]
}

fn open(runtime: &Runtime, language: &str, count: usize) -> Vec<ContextRef> {
    let open = |_| runtime.open(Open::source(language, "")).expect("a context");
    let contexts: Vec<ContextRef> = (0..count).map(open).collect();
    for context in &contexts {
        runtime.wait_for(context).unwrap_or_else(|error| panic!("{language}: {error:?}"));
    }
    contexts
}

/// The rows, one for each language.
pub(crate) fn idle_contexts(table: &mut Table, plugins: &Path) {
    for (name, language, goal) in [
        ("Lua", "lua", Goal::AtMost(48.0)),
        ("JavaScript", "javascript", Goal::AtMost(190.0)),
        ("Squirrel", "squirrel", Goal::Open),
        ("BASIC", "basic", Goal::Open),
    ] {
        let load = Load::start();
        let each = ask("idle", [plugins.as_os_str(), language.as_ref()])[0];
        let what = format!("an idle {name} context with its own thread");
        let (ours, foreign_load) = (Amount::kib(each), load.foreign());
        table.add(Row { id: "P9", what, ours, reference: None, decisive: each, goal, foreign_load });
    }
}
