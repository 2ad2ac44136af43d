//! How cost grows with what there is: contexts, names, nodes, functions, calls that wait.
//!
//! Each series gives the time for one thing at sizes ten times apart. A cost for one that stays where
//! it is means that the whole is flat, or linear in its size; so that is what every series must do.
//! `cargo bench -p calog-tests --bench growth` measures, prints a table, and fails when one does not.
//! `CALOG_WRITE=1` also writes the table into `docs/performance.md` and the plot beside it. Words after
//! `--` select series; `CALOG_GROWTH=10000` leaves larger sizes out.

mod callables;
mod contexts;
mod names;
mod nodes;
mod plot;
mod queues;
mod series;
mod stage;

use std::env;
use std::process::ExitCode;

use calog_tests::{rewrite_part, root};
use series::Series;

/// Measures one series.
type Measure = fn() -> Series;

/// All of them; some give the same numbers for another side of the matter.
const ALL: [(&str, Measure); 9] = [
    ("contexts", contexts::on_one_thread),
    ("contexts", contexts::on_threads_of_their_own),
    ("names", names::found),
    ("names", names::imported),
    ("nodes", nodes::handed_over),
    ("functions", callables::called_among),
    ("functions", callables::made_and_dropped),
    ("queues", queues::items),
    ("queues", queues::waiting_calls),
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    // Cargo runs benches as tests, too; then there is nothing to measure.
    if !args.iter().any(|arg| arg == "--bench") {
        return ExitCode::SUCCESS;
    }
    let words: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut all = Vec::new();
    for (_, measure) in ALL.iter().filter(|(name, _)| wanted(name)) {
        let series = measure();
        println!("{}", series.line());
        all.push(series);
    }
    if env::var_os("CALOG_WRITE").is_some() {
        assert!(words.is_empty() && env::var_os("CALOG_GROWTH").is_none(), "the page shows all series");
        rewrite_part(&root().join("docs/performance.md"), "growth", &series::page(&all));
        plot::write(&all, &root().join("docs/growth.svg"));
        println!("written: docs/performance.md, docs/growth.svg");
    }
    let steep: Vec<String> = all.iter().filter_map(Series::complaint).collect();
    if !steep.is_empty() {
        eprintln!("error: cost grows faster than it should:\n{}", steep.join("\n"));
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
