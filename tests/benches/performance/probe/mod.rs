//! Measurements that need a process to themselves: memory that nobody has used before, libraries that
//! are not open yet. The benchmark starts itself anew for each of them, and reads numbers.

mod handing;
mod idle;
mod loading;
mod lua;
mod sleeping;

pub(crate) use handing::handing_on;
pub(crate) use idle::idle_contexts;
pub(crate) use loading::loading;
pub(crate) use sleeping::sleeping_tasks;

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use calog::{Runtime, RuntimeBuilder, SearchPath};

/// What the first argument of such a process is.
const PROBE: &str = "--probe";

/// Serves such a process, if this is one.
pub(crate) fn serve() -> bool {
    let mut args = env::args().skip(1).skip_while(|argument| argument != PROBE).skip(1);
    let Some(name) = args.next() else { return false };
    let args: Vec<String> = args.collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let numbers = match (name.as_str(), args.as_slice()) {
        ("alone", [what]) => idle::alone(what),
        ("handing", [plugins]) => handing::probe(plugins.as_ref()),
        ("idle", [plugins, language]) => idle::probe(plugins.as_ref(), language),
        ("loading", [folder]) => loading::probe(folder.as_ref()),
        ("lua", [script]) => lua::probe(script.as_ref()),
        ("sleeping", [plugins, begin]) => sleeping::probe(plugins.as_ref(), begin),
        other => panic!("there is no probe {other:?}"),
    };
    let words: Vec<String> = numbers.iter().map(f64::to_string).collect();
    println!("{}", words.join(" "));
    true
}

/// A process that will serve this.
pub(crate) fn command<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env::current_exe().expect("a program knows its own path"));
    command.arg(PROBE).arg(name).args(args).stdin(Stdio::null());
    command
}

/// Starts such a process and gives its numbers.
fn ask<A: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = A>) -> Vec<f64> {
    let output = command(name, args).stderr(Stdio::inherit()).output().expect("a program can start itself");
    assert!(output.status.success(), "the probe '{name}' failed");
    let text = String::from_utf8(output.stdout).expect("numbers");
    // Scripts print nothing here, so the last line is all there is.
    let line = text.lines().last().unwrap_or_default();
    line.split_whitespace().map(|word| word.parse().expect("a number")).collect()
}

fn builder(plugins: &Path) -> RuntimeBuilder {
    Runtime::builder().plugins(SearchPath::of([plugins]))
}
