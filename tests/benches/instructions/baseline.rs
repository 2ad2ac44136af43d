//! The counts that the repository expects, and what they were taken with.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use calog_tests::root;
use serde::{Deserialize, Serialize};

/// What stands above them.
const HEAD: &str = "# Instructions for one of each, as `cargo bench -p calog-tests --bench instructions` counts them.\n\
                    # CALOG_WRITE=1 writes this file. Another compiler or processor counts otherwise.\n\n";

/// The file.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Baseline {
    compiler: String,
    architecture: String,
    instructions: BTreeMap<String, f64>,
}

fn file() -> PathBuf {
    root().join("tests/benches/instructions/baseline.toml")
}

impl Baseline {
    /// As it is kept; empty when there is none.
    pub(crate) fn read() -> Baseline {
        let text = fs::read_to_string(file()).unwrap_or_default();
        if text.is_empty() {
            return Baseline::default();
        }
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file().display()))
    }

    /// Says when counts may differ for no fault of the code.
    pub(crate) fn warn_of_differences(&self) {
        if !self.compiler.is_empty() && self.compiler != compiler() {
            println!("note: the baseline is of {}, this is {}", self.compiler, compiler());
        }
        if !self.architecture.is_empty() && self.architecture != std::env::consts::ARCH {
            println!("note: the baseline is of {}, this is {}", self.architecture, std::env::consts::ARCH);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.instructions.get(name).copied()
    }

    pub(crate) fn set(&mut self, name: &str, count: f64) {
        self.instructions.insert(name.to_owned(), (count * 10.0).round() / 10.0);
    }

    /// Keeps it.
    pub(crate) fn write(mut self) {
        (self.compiler, self.architecture) = (compiler(), std::env::consts::ARCH.to_owned());
        let text = toml::to_string(&self).expect("plain data");
        fs::write(file(), format!("{HEAD}{text}")).unwrap_or_else(|error| panic!("{}: {error}", file().display()));
        println!("written: {}", file().display());
    }
}

fn compiler() -> String {
    let output = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into())).arg("-V").output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
