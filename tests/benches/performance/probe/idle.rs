//! P9: what an idle context with a thread of its own takes. Many are opened, after some that pay for
//! what all share: the engine's library, the allocator's first pages.

use std::path::Path;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use calog::{ContextRef, Open, Runtime};
use calog_tests::resident_kib;

use super::{ask, builder};
use crate::load::Load;
use crate::row::{Amount, Goal, Reference, Row};
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

/// The same of a bare thread with an interpreter of the crate's making, or of a bare thread.
pub(super) fn alone(what: &str) -> Vec<f64> {
    let first = threads(what, FIRST);
    let before = resident_kib();
    let many = threads(what, CONTEXTS);
    let each = resident_kib().saturating_sub(before) as f64 / CONTEXTS as f64;
    for (end, thread) in first.into_iter().chain(many) {
        drop(end);
        thread.join().expect("a thread that only waits");
    }
    vec![each]
}

/// Threads that have opened their interpreter and wait until they are told to end.
fn threads(what: &str, count: usize) -> Vec<(mpsc::Sender<()>, JoinHandle<()>)> {
    let start = |_| {
        let (opened, is_open) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let what = what.to_owned();
        let thread = thread::spawn(move || {
            let interpreter: Box<dyn std::any::Any> = match what.as_str() {
                "lua" => Box::new(mlua::Lua::new()),
                "javascript" => {
                    let runtime = rquickjs::Runtime::new().expect("a QuickJS runtime");
                    let context = rquickjs::Context::full(&runtime).expect("a QuickJS context");
                    Box::new((context, runtime))
                }
                _ => Box::new(()),
            };
            opened.send(()).expect("who waits for it");
            // The other end is dropped, which is the word to end.
            let _ = ended.recv();
            drop(interpreter);
        });
        is_open.recv().expect("a thread that opens its interpreter");
        (end, thread)
    };
    (0..count).map(start).collect()
}

/// The rows, one for each language.
pub(crate) fn idle_contexts(table: &mut Table, plugins: &Path) {
    for (name, language, alone, goal) in [
        ("Lua", "lua", "mlua in a bare thread", Goal::AtMost(48.0)),
        ("JavaScript", "javascript", "rquickjs in a bare thread", Goal::AtMost(190.0)),
        ("Squirrel", "squirrel", "a bare thread", Goal::Open),
        ("BASIC", "basic", "a bare thread", Goal::Open),
    ] {
        let load = Load::start();
        let each = ask("idle", [plugins.as_os_str(), language.as_ref()])[0];
        let what = format!("an idle {name} context with its own thread");
        let alone_kib = ask("alone", [language])[0];
        let decisive = if goal == Goal::Open { each / alone_kib } else { each };
        let reference = Reference { name: alone.into(), amount: Amount::kib(alone_kib) };
        let (ours, foreign_load) = (Amount::kib(each), load.foreign());
        table.add(Row { id: "P9", what, ours, reference: Some(reference), decisive, goal, foreign_load });
    }
}
