//! A run's table as a file for programs, and as a part of `docs/performance.md` for people.

use std::fs;
use std::path::Path;

use calog_tests::{rewrite_part, root};
use serde::Serialize;

use crate::machine::Machine;
use crate::row::{Row, Unit};
use crate::table::{Skipped, Table};

#[derive(Serialize)]
struct Record<'a> {
    machine: &'a Machine,
    rows: Vec<Judged<'a>>,
    skipped: &'a [Skipped],
}

#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    row: &'a Row,
    met: Option<bool>,
    doubtful: bool,
}

/// Writes all that is known of the run.
pub(crate) fn as_json(table: &Table, machine: &Machine, file: &Path) {
    let judged = |row| Judged { row, met: Row::met(row), doubtful: Row::is_doubtful(row) };
    let record = Record { machine, rows: table.rows.iter().map(judged).collect(), skipped: &table.skipped };
    let text = serde_json::to_string_pretty(&record).expect("plain data");
    fs::write(file, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    println!("written: {}", file.display());
}

/// Puts the table into the page.
pub(crate) fn into_page(table: &Table, machine: &Machine) {
    rewrite_part(&root().join("docs/performance.md"), "table", &page(table, machine));
    println!("written: docs/performance.md");
}

fn page(table: &Table, machine: &Machine) -> String {
    let mut text = machine.text();
    text.push_str(
        "\n\n| # | what | ours | reference | ratio | goal | |\n| --- | --- | --- | --- | --- | --- | --- |\n",
    );
    table.rows.iter().for_each(|row| text.push_str(&line(row)));
    for Skipped { id, what, why } in &table.skipped {
        text.push_str(&format!("| {id} | {what} | | | | | skipped: {why} |\n"));
    }
    text
}

fn line(row: &Row) -> String {
    let reference = row.reference.as_ref().map_or(String::new(), |it| format!("{} ({})", it.amount.text(), it.name));
    let mut verdict = match row.met() {
        Some(true) => "met".to_owned(),
        Some(false) => "not met".to_owned(),
        None => String::new(),
    };
    if row.is_doubtful() {
        verdict.push_str(&format!(" (other load: {:.0} %)", row.foreign_load * 100.0));
    }
    let ours = match row.ours.unit {
        Unit::Times => format!("{:.2}", row.ours.value),
        _ => row.ours.text(),
    };
    let cells = [row.id, &row.what, &ours, &reference, &row.decisive_text(), &row.goal_text(), &verdict];
    format!("| {} |\n", cells.join(" | "))
}
