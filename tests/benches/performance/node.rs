//! What node offers for the same ends, for orientation: a message to a worker thread and back, and a
//! structured clone of the records. Node measures itself; ours is measured by us.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::load::Load;
use crate::loops::JS_LOOPS;
use crate::ours::Ours;
use crate::row::{Amount, Goal, Reference, Row};
use crate::table::{Table, best};
use crate::two_threads::{Cores, TwoThreads};

/// Each prints the nanoseconds of one, the best of its rounds.
const ROUND_TRIPS: &str = "
    const { Worker, MessageChannel } = require('worker_threads')
    const { port1, port2 } = new MessageChannel()
    const echo = `require('worker_threads').workerData.on('message', function (n) { this.postMessage(n + 1) })`
    const worker = new Worker(echo, { eval: true, workerData: port2, transferList: [port2] })
    const trip = () => new Promise((resolve) => { port1.once('message', resolve); port1.postMessage(1) })
    ;(async () => {
        let best = Infinity
        for (let round = 0; round < 20; round++) {
            const start = process.hrtime.bigint()
            for (let i = 0; i < 500; i++) await trip()
            best = Math.min(best, Number(process.hrtime.bigint() - start) / 500)
        }
        console.log(best)
        worker.terminate()
        port1.close()
    })()
";

const CLONES: &str = "
    const records = build()
    let best = Infinity
    for (let round = 0; round < 20; round++) {
        const start = process.hrtime.bigint()
        sum(structuredClone(records))
        best = Math.min(best, Number(process.hrtime.bigint() - start))
    }
    console.log(best)
";

/// The rows, or a word why there are none.
pub(crate) fn beside_node(table: &mut Table, plugins: &Path) {
    let trips = "Lua calls JavaScript on another thread, two cores";
    let records = "10,000 maps of 5 fields, Lua to JavaScript, read there";
    let installed = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !installed {
        for (id, what) in [("P5", trips), ("P6", records)] {
            if table.wants(id) {
                table.skip(id, what, "there is no node to compare with");
            }
        }
        return;
    }
    if table.wants("P5") {
        let threads = TwoThreads::new(Cores::All);
        let row = against("P5", trips, |n| threads.lua_to_javascript(n), "node's MessageChannel", ROUND_TRIPS);
        table.add(row);
    }
    if table.wants("P6") {
        let ours = Ours::over(plugins);
        let script = format!("{JS_LOOPS}{CLONES}");
        table.add(against("P6", records, |n| ours.records(n), "node's structuredClone", &script));
    }
}

fn against(id: &'static str, what: &str, ours: impl Fn(u64) -> Duration, name: &str, script: &str) -> Row {
    let load = Load::start();
    let (ours, theirs) = (best(ours), node(script));
    Row {
        id,
        what: what.into(),
        ours: Amount::ns(ours),
        reference: Some(Reference { name: name.into(), amount: Amount::ns(theirs) }),
        decisive: ours / theirs,
        goal: Goal::Open,
        foreign_load: load.foreign(),
    }
}

/// The number that a script prints.
fn node(script: &str) -> f64 {
    let output = Command::new("node").args(["-e", script]).stderr(Stdio::inherit()).output().expect("it was there");
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    text.parse().unwrap_or_else(|_| panic!("node printed '{text}'"))
}
