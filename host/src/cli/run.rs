//! `calog run`: finds what the paths mean, makes sure that every engine is there, and opens the
//! contexts in order.

use std::path::{Path, PathBuf};

use calog::manifest::{ContextEntry, Program};
use calog::{Open, Runtime, Value};

use super::Common;
use super::exit::{Exit, NO_ENGINE, USAGE};
use super::session::Session;

/// Runs programs and gives the exit code.
pub(super) fn run(common: &Common, paths: &[PathBuf], args: Vec<String>) -> Result<u8, Exit> {
    let programs: Vec<Program> = paths.iter().map(|path| Program::find(path)).collect::<Result<_, _>>()?;
    let manifests: Vec<_> = programs.iter().map(Program::manifest).collect();
    let folders: Vec<_> = programs.iter().map(Program::folder).collect();
    let mut session = Session::start(common, &manifests, &folders, args)?;
    session.reload_by(paths, &manifests)?;
    let contexts = contexts(&session.runtime, &programs)?;
    open(&session, &contexts)?;
    Ok(session.finish())
}

/// The contexts of all programs, each with a script that exists and an engine for it.
fn contexts(runtime: &Runtime, programs: &[Program]) -> Result<Vec<ContextEntry>, Exit> {
    let is_script = |extension: &str| runtime.catalog().engine_for_extension(extension).is_some();
    let mut contexts = Vec::new();
    for program in programs {
        contexts.extend(program.contexts(is_script)?);
    }
    for context in &contexts {
        if !context.script.is_file() {
            let script = context.script.display();
            return Err(Exit::new(USAGE, format!("error: {script}: there is no such script")));
        }
        check_engine(runtime, &context.script)?;
    }
    Ok(contexts)
}

fn check_engine(runtime: &Runtime, script: &Path) -> Result<(), Exit> {
    let missing = |error: calog::Error| Exit::new(NO_ENGINE, format!("error: {}", error.message()));
    runtime.engine_for(script).map(drop).map_err(missing)
}

/// Opens the contexts. When that fails because a plugin turned out to be unusable, the engine is
/// missing; any other failure is that context's, and the others go on.
fn open(session: &Session, entries: &[ContextEntry]) -> Result<(), Exit> {
    let all: Vec<Open> = entries.iter().map(options).collect::<calog::Result<_>>().map_err(|error| {
        // A manifest's values are shallow and small; this is for the day when they are not.
        Exit::of_error(USAGE, &error)
    })?;
    for (opened, entry) in session.runtime.open_all(all).into_iter().zip(entries) {
        if let Err(error) = opened {
            session.fail(&error);
            check_engine(&session.runtime, &entry.script)?;
        }
    }
    Ok(())
}

/// What the runtime is told of a context: its script, name and thread, and all other keys as they are.
fn options(entry: &ContextEntry) -> calog::Result<Open> {
    let mut open = Open::file(&entry.script).name(entry.shown_name()).restart(entry.restart);
    if let Some(thread) = &entry.thread {
        open = open.thread(thread);
    }
    if let Some(place) = entry.standing.as_str() {
        open = open.declared_at(place);
    }
    let options: Value = entry.to_value()?;
    for pair in options.view().as_aggregate().into_iter().flat_map(|it| it.pairs()) {
        let key = pair.key.as_str().unwrap_or_default();
        if !["name", "script", "thread"].contains(&key) {
            open = open.option(key, pair.value.to_value());
        }
    }
    Ok(open)
}
