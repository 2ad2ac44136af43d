//! Exports: finding one name among many, and importing all of them.

use std::time::Instant;

use calog::{ContextRef, Open, Runtime};

use crate::series::Series;
use crate::stage::{best, builder, int, open, runtime, timed};

const SIZES: [u64; 5] = [10, 100, 1_000, 10_000, 100_000];

/// Names looked up in a round.
const LOOKUPS: u64 = 20_000;

const EXPORTER: &str = "
    local next = 0
    local function answer() return 7 end
    return { more = function(n) for i = next + 1, n do calog.export('name' .. i, answer) end next = n end }
";

const IMPORTER: &str = "
    return { import = function() local all = calog.import('exporter') return all.name1 ~= nil end }
";

fn world() -> (Runtime, ContextRef) {
    let runtime = runtime(builder());
    let exporter = open(&runtime, Open::source("lua", EXPORTER).name("exporter").thread("shared"));
    (runtime, exporter)
}

/// A program that looks for one name after another.
pub(crate) fn found() -> Series {
    let (runtime, exporter) = world();
    Series::measure("an export found among so many names", &SIZES, |size| {
        timed(&runtime, &exporter, "more", &[int(size)]);
        let names: Vec<String> = (0..LOOKUPS).map(|i| format!("name{}", i % size + 1)).collect();
        best(LOOKUPS, || {
            let start = Instant::now();
            assert!(names.iter().all(|name| exporter.export(name).is_some()));
            start.elapsed()
        })
    })
}

/// A script that imports them all, for each name.
pub(crate) fn imported() -> Series {
    let (runtime, exporter) = world();
    let importer = open(&runtime, Open::source("lua", IMPORTER).name("importer").thread("shared"));
    Series::measure("a name of so many that are imported", &SIZES, |size| {
        timed(&runtime, &exporter, "more", &[int(size)]);
        best(size, || timed(&runtime, &importer, "import", &[]))
    })
}
