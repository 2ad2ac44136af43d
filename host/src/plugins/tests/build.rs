//! Plugins for the tests, made by rustc alone: cargo would wait for the lock that `cargo test` holds.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

/// An engine and a bundle that pass all checks.
pub(super) fn tally() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("tally", include_str!("tally.rs"), &[]))
}

/// The same with panics that abort.
pub(super) fn aborting() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("aborting", include_str!("tally.rs"), &["-Cpanic=abort"]))
}

/// A root module of another layout.
pub(super) fn other_root() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("other_root", include_str!("other_root.rs"), &[]))
}

fn build(name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let folder = folder();
    let (input, output) = (folder.join(format!("{name}.rs")), folder.join(format!("lib{name}.so")));
    std::fs::write(&input, source).unwrap();
    let deps = env::current_exe().unwrap().parent().unwrap().to_path_buf();
    let mut failures = String::new();
    // Stale libraries of earlier builds may lie there too, so each pair is tried, newest first.
    for api in libraries(&deps, "libcalog_plugin_api-") {
        for abi_stable in libraries(&deps, "libabi_stable-") {
            let result = rustc()
                .args(["--edition=2024", "--crate-type=cdylib", "-Cstrip=symbols", "-o"])
                .args([&output, &input])
                .arg(format!("-Ldependency={}", deps.display()))
                .arg(format!("--extern=calog_plugin_api={}", api.display()))
                .arg(format!("--extern=abi_stable={}", abi_stable.display()))
                .args(flags)
                .env("CARGO_PKG_NAME", "calog-tally")
                .env("CARGO_PKG_VERSION", "1.2.3")
                .output()
                .expect("rustc can be run");
            if result.status.success() {
                return output;
            }
            failures.push_str(&String::from_utf8_lossy(&result.stderr));
        }
    }
    panic!("the test plugin {name} cannot be built with the libraries in {}:\n{failures}", deps.display());
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// The libraries whose names begin so, newest first.
fn libraries(deps: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deps).unwrap().flatten();
    let matching = entries.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(prefix) && name.ends_with(".rlib")
    });
    let mut found: Vec<_> =
        matching.map(|entry| (entry.metadata().unwrap().modified().unwrap(), entry.path())).collect();
    found.sort();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Stays until the test process ends: opened libraries lie in it.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path()
}
