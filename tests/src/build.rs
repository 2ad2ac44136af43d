//! Builds what is tested with the cargo that runs the tests, once for each test process.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The packages that the tests load at run time, so that cargo does not build them by itself.
const PACKAGES: [&str; 4] = ["calog", "calog-engine-lua", "calog-engine-quickjs", "calog-natives-stats"];

/// The folder with the workspace's plugins and the `calog` command, built like the tests themselves.
pub fn plugin_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(cargo());
        build.current_dir(root()).arg("build").args(PACKAGES.map(|package| format!("-p={package}")));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        run(&mut build);
        target_folder().join(profile())
    })
}

/// The `calog` command.
pub fn command() -> PathBuf {
    plugin_folder().join("calog")
}

/// Builds a crate of `tests/plugins` as a third party would: by itself, in a target folder of its own.
/// Gives the library's path.
pub fn build_standalone(name: &str) -> PathBuf {
    let folder = root().join("tests/plugins").join(name);
    let target = target_folder().join("standalone").join(name);
    run(Command::new(cargo()).current_dir(&folder).arg("build").arg("--target-dir").arg(&target));
    target.join("debug").join(format!("libcalog_test_{}.so", name.replace('-', "_")))
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The target folder this test was built into: `<target>/<profile>/deps/<test>`.
fn target_folder() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(3).expect("cargo puts tests three levels below the target folder").to_path_buf()
}

fn run(command: &mut Command) {
    // What cargo sets for a test run is not meant for a build of its own.
    for (key, _) in env::vars().filter(|(key, _)| key.starts_with("CARGO_PKG_") || key == "CARGO_MANIFEST_DIR") {
        command.env_remove(key);
    }
    command.env("CARGO_TARGET_DIR", target_folder());
    let status = command.status().expect("cargo can be run");
    assert!(status.success(), "{command:?} failed");
}
