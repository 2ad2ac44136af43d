//! Builds what is tested with the cargo that runs the tests, once for each test process.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The packages that the tests load at run time, so that cargo does not build them by itself.
const PACKAGES: [&str; 10] = [
    "calog",
    "calog-engine-basic",
    "calog-engine-lua",
    "calog-engine-quickjs",
    "calog-engine-squirrel",
    "calog-natives-net",
    "calog-natives-stats",
    "calog-natives-sync",
    "calog-natives-task",
    "calog-natives-timer",
];

/// The folder with the workspace's plugins and the `calog` command, built like the tests themselves.
pub fn plugin_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let mut build = Command::new(cargo());
        build.current_dir(root()).arg("build").args(PACKAGES.map(|package| format!("-p={package}")));
        if !cfg!(debug_assertions) {
            build.arg("--release");
        }
        if let Some(triple) = triple() {
            build.arg("--target").arg(triple);
        }
        run(&mut build);
        target_folder().join(triple().unwrap_or_default()).join(profile())
    })
}

/// The `calog` command.
pub fn command() -> PathBuf {
    plugin_folder().join("calog")
}

/// Builds a crate of `tests/plugins`, or `tests/wicked`, as a third party would: by itself, in a target
/// folder apart from the workspace's. Gives the library's path.
pub fn build_standalone(name: &str) -> PathBuf {
    // One at a time: they share that folder, where the dependencies are then built once.
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // A build that failed has failed its own test; the next may try.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = built.get(name) {
        return library.clone();
    }
    let beside = root().join("tests").join(name);
    let folder = if beside.is_dir() { beside } else { root().join("tests/plugins").join(name) };
    take_locked_versions(&folder);
    let target = target_folder().join("standalone");
    run(Command::new(cargo()).current_dir(&folder).arg("build").arg("--target-dir").arg(&target));
    let library = target.join("debug").join(library(&folder));
    built.insert(name.to_owned(), library.clone());
    library
}

/// The repository's root.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the tests lie in the repository").to_path_buf()
}

/// Begins with the workspace's versions of dependencies, so that nothing newer needs to be fetched.
fn take_locked_versions(folder: &Path) {
    let own = folder.join("Cargo.lock");
    if !own.exists() {
        fs::copy(root().join("Cargo.lock"), own).expect("the workspace's lock file can be copied");
    }
}

/// The file name of a crate's library, after its package.
fn library(folder: &Path) -> String {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).expect("a package's name");
    format!("lib{}.so", name.trim_matches('"').replace('-', "_"))
}

fn cargo() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".into())
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "debug" } else { "release" }
}

/// The target folder this test was built into: `<target>/<profile>/deps/<test>`, or with `--target`
/// `<target>/<triple>/<profile>/deps/<test>`.
fn target_folder() -> PathBuf {
    let levels = if triple().is_some() { 4 } else { 3 };
    let test = env::current_exe().expect("a test knows its own path");
    test.ancestors().nth(levels).expect("cargo puts tests that deep in the target folder").to_path_buf()
}

/// What was given as `--target`, which keeps flags for tests (a sanitizer's, say) from build scripts.
/// A folder so named is known by the processor that it begins with.
fn triple() -> Option<String> {
    let test = env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(3)?.file_name()?.to_string_lossy().into_owned();
    folder.strip_prefix(env::consts::ARCH)?.starts_with('-').then_some(folder)
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
