//! The goals P1 to P4 and P6 of `docs/performance.md`, measured in one run as ratios.
//!
//! Ours and the reference take turns, many short rounds each, so that a machine that slows down for a
//! while slows both; the ratio is the median over the rounds, the times are the best of them.

mod by_hand;
mod ours;
mod table;

use table::{Goal, Table};

fn main() {
    // Cargo runs benches as tests too; then there is nothing to measure.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    // `cargo bench -p calog-tests -- P4` measures those rows alone.
    let only = std::env::args().skip(1).find(|argument| argument.starts_with('P'));
    let mut table = Table::start(only);
    let ours = ours::Ours::new();
    let lua = by_hand::lua();
    let javascript = by_hand::JavaScript::new();

    for (kind, what, goal) in [
        ("add", "Lua calls a native: add(int, int)", 1.0),
        ("text", "Lua calls a native: a string of 32 bytes", 0.75),
        ("list", "Lua calls a native: a list of 100 ints", 1.05),
        ("map", "Lua calls a native: a map of 20 entries", 0.5),
    ] {
        let id = if kind == "add" { "P1" } else { "P2" };
        let run = |n| ours.lua(kind, n);
        table.measure(id, what, "mlua, typed", Goal::AtMost(goal), run, |n| lua.run(kind, n));
    }
    for (kind, what) in [
        ("add", "JavaScript calls a native: add(int, int)"),
        ("text", "JavaScript calls a native: a string of 32 bytes"),
        ("list", "JavaScript calls a native: a list of 100 ints"),
        ("map", "JavaScript calls a native: a map of 20 entries"),
    ] {
        let run = |n| ours.javascript(kind, n);
        let reference = |n| javascript.run(kind, n);
        table.measure("P3", what, "rquickjs, typed", Goal::AtMost(0.75), run, reference);
    }
    let glue = by_hand::Glue::new();
    table.measure(
        "P4",
        "Lua calls JavaScript on the same thread",
        "mlua + rquickjs by hand",
        Goal::AtMost(0.6),
        |n| ours.lua_to_javascript(n),
        |n| glue.lua_to_javascript(n),
    );
    table.measure(
        "P4",
        "JavaScript calls Lua on the same thread",
        "mlua + rquickjs by hand",
        Goal::AtMost(0.6),
        |n| ours.javascript_to_lua(n),
        |n| glue.javascript_to_lua(n),
    );
    table.measure(
        "P6",
        "10,000 maps of 5 fields, Lua to JavaScript, read there",
        "walking in Lua + building in JavaScript",
        Goal::AtMost(1.15),
        |n| ours.records(n),
        |n| glue.walk_and_build(n),
    );
    table.measure(
        "P6",
        "10,000 maps of 5 fields, Lua to JavaScript, read there",
        "the way through JSON text",
        Goal::AtMost(0.35),
        |n| ours.records(n),
        |n| glue.through_json(n),
    );
    table.print();
}
