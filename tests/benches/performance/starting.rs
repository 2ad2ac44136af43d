//! P10: the `calog` command from its start to its end, for a script that prints one line, against the
//! `lua` command. Both in turns, each in a new process; the pages of their files are in memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use calog_tests::Folder;

use crate::load::Load;
use crate::probe;
use crate::row::{Amount, Goal, Reference, Row};
use crate::table::{ROUNDS, Table, median};

/// The row.
pub(crate) fn starting(table: &mut Table, calog: &Path) {
    let folder = Folder::with([("hello.lua", "print('hello')")]);
    let script = folder.join("hello.lua");
    let ours = || {
        let mut command = Command::new(calog);
        command.arg("run").arg(&script).current_dir(folder.path()).env_remove("CALOG_PLUGIN_PATH");
        command
    };
    let installed = Command::new("lua").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    let name = if installed { "the lua command" } else { "mlua in a Rust program" };
    let theirs = || match installed {
        true => {
            let mut command = Command::new("lua");
            command.arg(&script);
            command
        }
        false => probe::command("lua", [&script]),
    };
    // The first ones bring the files into memory.
    let _warm = (time(ours()), time(theirs()));
    let load = Load::start();
    let rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (ms(time(ours())), ms(time(theirs())))).collect();
    let (our, their): (Vec<f64>, Vec<f64>) = rounds.iter().copied().unzip();
    table.add(Row {
        id: "P10",
        what: "`calog run hello.lua`, all plugins present".into(),
        ours: Amount::ms(median(our)),
        reference: Some(Reference { name: name.into(), amount: Amount::ms(median(their)) }),
        decisive: median(rounds.iter().map(|(our, their)| our - their).collect()),
        goal: Goal::More(15.0),
        foreign_load: load.foreign(),
    });
}

fn time(mut command: Command) -> Duration {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().expect("a command that can be run");
    let time = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.starts_with("hello"), "{command:?} said {said}");
    time
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
