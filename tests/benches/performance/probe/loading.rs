//! P8: from the name of a folder to an open plugin, all checks included: what lies in the folder, the
//! file's mode and header, the linker's work, the comparison of every type's layout. Nothing is taken off
//! for reading the file: its pages are in memory, and no more of them is read than is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use calog::{Catalog, SearchPath};
use calog_tests::Folder;

use super::ask;
use crate::load::Load;
use crate::row::{Amount, Goal, Row};
use crate::table::{Table, median};

/// How often each plugin is loaded, each time by a new process.
const ROUNDS: usize = 11;

/// The milliseconds that loading the one plugin in this folder takes.
pub(super) fn probe(folder: &Path) -> Vec<f64> {
    let start = Instant::now();
    let catalog = Catalog::scan(&SearchPath::of([folder]), Vec::new(), &[]);
    let (id, _) = catalog.files().next().expect("a plugin");
    catalog.load(id).expect("a sound plugin");
    vec![start.elapsed().as_secs_f64() * 1e3]
}

fn plugins_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder of plugins");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libcalog_") && name.ends_with(".so")
    });
    paths.sort();
    paths
}

/// The rows: the plugin that takes longest, and the one that takes least.
pub(crate) fn loading(table: &mut Table, plugins: &Path) {
    let load = Load::start();
    let mut all: Vec<(String, f64)> = plugins_in(plugins).iter().map(|file| load_often(file)).collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    let foreign_load = load.foreign();
    let (slowest, quickest) = (all.len() - 1, 0);
    for (which, at) in [("the slowest", slowest), ("the quickest", quickest)] {
        let (name, loading) = &all[at];
        table.add(Row {
            id: "P8",
            what: format!("loading a plugin, all checks: {which}, {name}"),
            ours: Amount::ms(*loading),
            reference: None,
            decisive: *loading,
            goal: Goal::AtMost(1.0),
            foreign_load,
        });
    }
}

/// The plugin's name, and the median of what it takes.
fn load_often(file: &Path) -> (String, f64) {
    let folder = Folder::new();
    let own = folder.copy(file);
    let rounds = (0..ROUNDS).map(|_| ask("loading", [folder.path()])[0]).collect();
    let name = own.file_stem().unwrap_or_default().to_string_lossy().replace("libcalog_", "");
    (name, median(rounds))
}
