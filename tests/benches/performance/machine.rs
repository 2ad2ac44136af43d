//! The machine and the moment of a run, for whoever reads its figures later.

use std::fs;
use std::process::Command;

use serde::Serialize;

/// Where and when.
#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) system: String,
    pub(crate) compiler: String,
    /// How many programs wanted to run, on average over the minute before.
    pub(crate) load_before: f64,
}

impl Machine {
    /// This one, now.
    pub(crate) fn here() -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| -> String {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').unwrap_or_default().1.trim().to_owned()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kib: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        Machine {
            date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: (kib / 1024.0 / 102.4).round() / 10.0,
            system: said("uname", &["-srm"]),
            compiler: said(&std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()), &["-V"]),
            load_before: read("/proc/loadavg").split(' ').next().unwrap_or_default().parse().unwrap_or_default(),
        }
    }

    /// In a sentence.
    pub(crate) fn text(&self) -> String {
        format!(
            "{}: {} cores of {}, {} GiB, {}, {}; load before: {}.",
            self.date, self.cores, self.processor, self.memory_gib, self.system, self.compiler, self.load_before
        )
    }
}

/// What a command says, or nothing where it is not there.
fn said(command: &str, args: &[&str]) -> String {
    let output = Command::new(command).args(args).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
