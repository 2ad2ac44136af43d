//! How many instructions a call takes, beside a baseline that is kept in the repository.
//!
//! Times drift with the machine; counts hardly do. This program starts itself under
//! `valgrind --tool=callgrind` with two numbers of rounds for each row; the difference between both
//! counts, divided by that between the numbers, is what one round takes: starting, loading plugins and
//! opening contexts are in both and cancel out.
//!
//! `cargo bench -p calog-tests --bench instructions` compares and fails when a row takes more than 5 %
//! above its baseline. `CALOG_WRITE=1` writes the baseline anew. Words after `--` select rows.

mod baseline;
#[path = "../performance/loops.rs"]
mod loops;
#[path = "../performance/ours.rs"]
mod ours;
mod rows;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use baseline::Baseline;
use calog_tests::plugin_folder;
use rows::{ROWS, Row};

/// What the first argument of a process under valgrind is.
const COUNTED: &str = "--counted";

/// A count may be off by this share of its baseline.
const TOLERANCE: f64 = 0.05;

/// How often each is counted. Starting takes a percent more or less, and Lua draws its hashes' seed from the
/// clock, so where keys collide differs from run to run; the least is what is compared.
const RUNS: usize = 3;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let Some(at) = args.iter().position(|arg| arg == COUNTED) {
        return counted(&args[at + 1..]);
    }
    // Cargo runs benches as tests, too; then there is nothing to count.
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let there = Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("error: there is no valgrind; instructions are counted by its callgrind");
        return ExitCode::FAILURE;
    }
    compare(args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect())
}

/// Counts the rows whose names contain one of the words, or all, and compares.
fn compare(words: Vec<&str>) -> ExitCode {
    let (plugins, write) = (plugin_folder(), env::var_os("CALOG_WRITE").is_some());
    let wanted = |row: &&Row| words.is_empty() || words.iter().any(|word| row.name.contains(word));
    let mut baseline = Baseline::read();
    baseline.warn_of_differences();
    println!("{:<60} {:>12} {:>12} {:>8}", "instructions for one of", "now", "baseline", "");
    let mut dearer = Vec::new();
    for row in ROWS.iter().filter(wanted) {
        let now = count(row, plugins);
        let before = baseline.get(row.name);
        let change = before.map(|before| now / before - 1.0);
        let word = change.map_or("new".into(), |change| format!("{:+.1} %", change * 100.0));
        let before = before.map_or(String::new(), |before| format!("{before:.1}"));
        println!("{:<60} {now:>12.1} {before:>12} {word:>8}", row.name);
        match change {
            _ if write => baseline.set(row.name, now),
            None => dearer.push(format!("{}: it has no baseline", row.name)),
            Some(change) if change > TOLERANCE => dearer.push(format!("{}: {:+.1} %", row.name, change * 100.0)),
            Some(change) if change < -TOLERANCE => println!("    cheaper than its baseline: CALOG_WRITE=1 keeps that"),
            Some(_) => {}
        }
    }
    if write {
        baseline.write();
        return ExitCode::SUCCESS;
    }
    if !dearer.is_empty() {
        eprintln!("error: more than {} % above the baseline:\n{}", TOLERANCE * 100.0, dearer.join("\n"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What one round of a row takes.
fn count(row: &Row, plugins: &Path) -> f64 {
    let least = |rounds| (0..RUNS).map(|_| total(row, plugins, rounds)).min().unwrap_or_default();
    let (few, many) = (least(row.few), least(row.many));
    (many as f64 - few as f64) / (row.many - row.few) as f64
}

/// All instructions of a process that does so many rounds.
fn total(row: &Row, plugins: &Path, rounds: u64) -> u64 {
    let own = env::current_exe().expect("a program knows its own path");
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(own);
    command.arg(COUNTED).arg(row.name).arg(rounds.to_string()).arg(plugins);
    let output = command.stdin(Stdio::null()).output().expect("valgrind was there");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} under valgrind:\n{text}", row.name);
    let collected = text.lines().filter_map(|line| line.split_once("Collected :")).next_back();
    let (_, number) = collected.unwrap_or_else(|| panic!("valgrind gives no count:\n{text}"));
    number.trim().parse().expect("a count")
}

/// In a process under valgrind: does the rounds.
fn counted(args: &[String]) -> ExitCode {
    let [name, rounds, plugins] = args else { panic!("{COUNTED} NAME ROUNDS PLUGINS, not {args:?}") };
    let row = ROWS.iter().find(|row| row.name == name).expect("a row of this name");
    (row.run)(Path::new(plugins), rounds.parse().expect("a number of rounds"));
    ExitCode::SUCCESS
}
