//! `calog check`: all that can be found wrong with programs before any of it runs. Manifests are read,
//! plugins opened, configurations validated, scripts compiled; nothing boots and nothing runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use calog::manifest::{Manifest, Program};
use calog::plugins::{FileState, Origin};
use calog::{Checked, Configuration, ContextRef, Open, Runtime, report};

use super::exit::{self, Exit, FAILED, FINE, NO_ENGINE, USAGE};
use super::{Common, trust};

/// What was found, and what the command ends with because of it: the first of its reasons that applies.
#[derive(Default)]
struct Found {
    problems: usize,
    wrong: bool,
    missing: bool,
}

impl Found {
    /// Something is wrong with a manifest, a plugin or a configuration.
    fn wrong(&mut self, message: impl std::fmt::Display) {
        self.wrong = true;
        self.problem(format!("error: {message}\n"));
    }

    /// An engine is missing.
    fn missing(&mut self, error: &calog::Error) {
        self.missing = true;
        self.problem(format!("error: {}\n", error.message()));
    }

    fn problem(&mut self, text: String) {
        self.problems += 1;
        exit::say(&text);
    }

    fn code(&self) -> u8 {
        match self {
            Found { wrong: true, .. } => USAGE,
            Found { missing: true, .. } => NO_ENGINE,
            Found { problems: 0, .. } => FINE,
            Found { .. } => FAILED,
        }
    }
}

/// Checks programs, shows all that is wrong with them, and gives the exit code.
pub(super) fn check(common: &Common, paths: &[PathBuf]) -> Result<u8, Exit> {
    let mut found = Found::default();
    let mut programs = Vec::new();
    for path in paths {
        match Program::find_all(path) {
            Ok(program) => programs.push(program),
            Err(problems) => problems.iter().for_each(|problem| found.wrong(problem)),
        }
    }
    let manifests: Vec<&Manifest> = programs.iter().map(Program::manifest).collect();
    let folders: Vec<_> = programs.iter().map(Program::folder).collect();
    let checked = Runtime::builder()
        .plugins(trust::search(common, &manifests, &folders)?)
        .engine_order(manifests.iter().flat_map(|it| it.engines.order.iter().cloned()))
        .configuration(Configuration::of(manifests))
        .output(std::io::sink())
        .check();
    match checked {
        Err(failures) => failures.iter().for_each(|failure| found.wrong(failure)),
        Ok(checked) => {
            check_plugins(&checked, &mut found);
            let scripts = check_scripts(&checked.runtime, &programs, &mut found);
            if found.problems == 0 {
                println!("{scripts} {} fine", if scripts == 1 { "script is" } else { "scripts are" });
            }
        }
    }
    Ok(found.code())
}

/// The plugins that the program brings along, the bundles, and what they think of their configuration.
fn check_plugins(checked: &Checked, found: &mut Found) {
    let catalog = checked.runtime.catalog();
    for (at, folder) in catalog.folders().iter().enumerate() {
        // What lies elsewhere is not of this program.
        if !matches!(folder.origin, Origin::CommandLine | Origin::Manifest) {
            continue;
        }
        for (id, file) in catalog.files_in(at) {
            if let FileState::Refused(refusal) = catalog.state(id) {
                found.wrong(format_args!("{}: {refusal}", file.path().display()));
            }
        }
    }
    for left_out in &checked.left_out {
        found.wrong(format_args!("the bundle '{}' cannot be had: {}", left_out.bundle, left_out.reason));
    }
    checked.unread.iter().for_each(|section| found.wrong(section));
    checked.failures.iter().flat_map(|it| it.iter()).for_each(|failure| found.wrong(failure));
}

/// The scripts that contexts run, and all others of the programs. How many there are.
fn check_scripts(runtime: &Runtime, programs: &[Program], found: &mut Found) -> usize {
    let is_script = |extension: &str| runtime.catalog().engine_for_extension(extension).is_some();
    let mut scripts: Vec<PathBuf> = Vec::new();
    for program in programs {
        match program.contexts(is_script) {
            Ok(contexts) => scripts.extend(contexts.into_iter().map(|context| context.script)),
            Err(problem) => found.wrong(problem),
        }
        match program.scripts(is_script) {
            Ok(more) => scripts.extend(more),
            Err(problem) => found.wrong(problem),
        }
    }
    scripts.sort();
    scripts.dedup();
    let mut contexts = HashMap::new();
    for script in &scripts {
        check_script(runtime, script, &mut contexts, found);
    }
    scripts.len()
}

/// Compiles a script in a context of its engine: one for all scripts of that engine.
fn check_script(
    runtime: &Runtime,
    script: &Path,
    contexts: &mut HashMap<String, Option<ContextRef>>,
    found: &mut Found,
) {
    if !script.is_file() {
        return found.wrong(format_args!("{}: there is no such script", script.display()));
    }
    let engine = match runtime.engine_for(script) {
        Ok(engine) => engine.description.name,
        Err(error) => return found.missing(&error),
    };
    let context = contexts.entry(engine).or_insert_with_key(|engine| {
        let opened = runtime.open(Open::empty(engine).name("check"));
        opened.map_err(|error| found.missing(&error)).ok()
    });
    // Why there is none was said when it was looked for.
    let Some(context) = context else { return };
    if let Err(error) = runtime.check_script(context, script) {
        found.problem(report::render(&error, report::colour_wanted()));
    }
}
