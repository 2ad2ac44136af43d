//! The goals of `docs/performance.md`, measured in one run as ratios.
//!
//! Ours and the reference take turns, many short rounds each, so that a machine that slows down for a
//! while slows both; the ratio is the median over the rounds, the times are the best of them.

mod basic;
mod by_hand;
mod echo;
mod load;
mod loops;
mod machine;
mod node;
mod ours;
mod probe;
mod record;
mod row;
mod starting;
mod table;
mod two_threads;

use std::path::{Path, PathBuf};

use basic::{Contest, Work};
use calog_tests::plugin_folder;
use machine::Machine;
use table::{Question, Table};
use two_threads::{Cores, TwoThreads};

fn main() {
    // Cargo runs benches as tests too; then there is nothing to measure.
    if std::env::args().any(|argument| argument == "--test") || probe::serve() {
        return;
    }
    // `cargo bench -p calog-tests -- P4` measures those rows alone.
    let only = std::env::args().skip(1).find(|argument| argument.starts_with(['P', 'B']));
    let (machine, plugins) = (Machine::here(), plugin_folder());
    println!("{}", machine.text());
    let mut table = Table::start(only);
    calls(&mut table, plugins);
    across_threads(&mut table);
    records(&mut table, plugins);
    node::beside_node(&mut table, plugins);
    in_processes_of_their_own(&mut table, plugins);
    echo_server(&mut table);
    basic_against_lua(&mut table);
    table.print();
    record::as_json(&table, &machine, &json_file(plugins));
    if std::env::var_os("CALOG_WRITE").is_some() {
        assert!(table.is_whole(), "the page shows all rows of one run");
        record::into_page(&table, &machine);
    }
}

/// `CALOG_JSON`, or a file in the target folder.
fn json_file(plugins: &Path) -> PathBuf {
    let target = plugins.parent().expect("cargo builds into a folder of the target folder");
    std::env::var_os("CALOG_JSON").map_or_else(|| target.join("performance.json"), PathBuf::from)
}

/// P1 to P4: on one thread.
fn calls(table: &mut Table, plugins: &Path) {
    let ours = ours::Ours::over(plugins);
    let lua = by_hand::lua();
    let javascript = by_hand::JavaScript::new();
    for (kind, what, goal) in [
        ("add", "Lua calls a native: add(int, int)", 1.0),
        ("text", "Lua calls a native: a string of 32 bytes", 0.75),
        ("list", "Lua calls a native: a list of 100 ints", 1.05),
        ("map", "Lua calls a native: a map of 20 entries", 0.5),
    ] {
        let id = if kind == "add" { "P1" } else { "P2" };
        let question = Question { id, what, reference: "mlua, typed", goal };
        table.measure(question, |n| ours.lua(kind, n), |n| lua.run(kind, n));
    }
    for (kind, what) in [
        ("add", "JavaScript calls a native: add(int, int)"),
        ("text", "JavaScript calls a native: a string of 32 bytes"),
        ("list", "JavaScript calls a native: a list of 100 ints"),
        ("map", "JavaScript calls a native: a map of 20 entries"),
    ] {
        let question = Question { id: "P3", what, reference: "rquickjs, typed", goal: 0.75 };
        table.measure(question, |n| ours.javascript(kind, n), |n| javascript.run(kind, n));
    }
    let glue = by_hand::Glue::new();
    let across = |what| Question { id: "P4", what, reference: "mlua + rquickjs by hand", goal: 0.6 };
    let there = across("Lua calls JavaScript on the same thread");
    table.measure(there, |n| ours.lua_to_javascript(n), |n| glue.lua_to_javascript(n));
    let back = across("JavaScript calls Lua on the same thread");
    table.measure(back, |n| ours.javascript_to_lua(n), |n| glue.javascript_to_lua(n));
}

/// P6: data.
fn records(table: &mut Table, plugins: &Path) {
    if !table.wants("P6") {
        return;
    }
    let (ours, glue) = (ours::Ours::over(plugins), by_hand::Glue::new());
    let what = "10,000 maps of 5 fields, Lua to JavaScript, read there";
    let records = |reference, goal| Question { id: "P6", what, reference, goal };
    let walked = records("walking in Lua + building in JavaScript", 1.15);
    table.measure(walked, |n| ours.records(n), |n| glue.walk_and_build(n));
    let written = records("the way through JSON text", 0.35);
    table.measure(written, |n| ours.records(n), |n| glue.through_json(n));
}

/// P7 to P11.
fn in_processes_of_their_own(table: &mut Table, plugins: &Path) {
    if table.wants("P7") {
        probe::handing_on(table, plugins);
    }
    if table.wants("P8") {
        probe::loading(table, plugins);
    }
    if table.wants("P9") {
        probe::idle_contexts(table, plugins);
    }
    if table.wants("P10") {
        starting::starting(table, &calog_tests::command());
    }
    if table.wants("P11") {
        probe::sleeping_tasks(table, plugins);
    }
}

/// B1 and B2: an interpreter of our own beside one that many have made fast.
fn basic_against_lua(table: &mut Table) {
    if !table.wants("B1") && !table.wants("B2") {
        return;
    }
    let contest = Contest::new();
    for (id, what, work) in [
        ("B1", "BASIC against Lua: a loop of 10 million additions", Work::Loop),
        ("B2", "BASIC against Lua: fib(27), recursively", Work::Recursion),
    ] {
        let question = Question { id, what, reference: "Lua alone", goal: 3.0 };
        table.measure(question, |n| contest.basic(work, n), |n| contest.lua(work, n));
    }
}

/// P12: an echo server, 1,000 connections, 64 bytes a message; an item is a message on each of them.
fn echo_server(table: &mut Table) {
    let question = Question {
        id: "P12",
        what: "Lua echoes on 1,000 connections: a message on each",
        reference: "the same server on mio",
        goal: 2.5,
    };
    if !table.wants(question.id) {
        return;
    }
    let (ours, theirs) = (echo::Script::new(), echo::ByHand::new());
    let (to_ours, to_theirs) = (echo::Crowd::new(ours.port), echo::Crowd::new(theirs.port));
    table.measure(question, |n| to_ours.talk(n), |n| to_theirs.talk(n));
}

/// P5: the waiting side and the called side on different threads.
fn across_threads(table: &mut Table) {
    let question = |what, reference, goal| Question { id: "P5", what, reference, goal };
    if !table.wants("P5") {
        return;
    }
    let spinning = "two threads spinning on two atomics";
    let free = TwoThreads::new(Cores::All);
    let there = question("Lua calls JavaScript on another thread, two cores", spinning, 5.0);
    table.measure(there, |n| free.lua_to_javascript(n), two_threads::spinning);
    let back = question("JavaScript calls Lua on another thread, two cores", spinning, 5.0);
    table.measure(back, |n| free.javascript_to_lua(n), two_threads::spinning);
    drop(free);
    let sleeping = "two threads sleeping on futexes";
    let pinned = TwoThreads::new(Cores::One);
    let there = question("Lua calls JavaScript on another thread, one core", sleeping, 1.2);
    table.measure(there, |n| pinned.lua_to_javascript(n), two_threads::sleeping);
    let back = question("JavaScript calls Lua on another thread, one core", sleeping, 1.2);
    table.measure(back, |n| pinned.javascript_to_lua(n), two_threads::sleeping);
}
