//! A million items through one bounded queue, from four languages to four languages: each comes once,
//! in its producer's order, and the process does not grow meanwhile.

mod workers;

use std::cell::Cell;

use calog_tests::{LANGUAGES, resident_kib, run_alone};
use workers::{Tally, flood};

/// All producers' items together.
const ITEMS: usize = 1_000_000;

/// What the queue holds at most.
const SIZE: i64 = 100;

/// What may come on top of what the process had when a tenth of the items were through, which is less
/// than five bytes for each of the others. Interpreters collect their garbage when they like.
const GROWTH_KIB: u64 = 4096;

fn main() {
    run_alone(&[("many_items_go_through_without_growth", many_items_go_through_without_growth)]);
}

fn many_items_go_through_without_growth() {
    let (before, most) = (Cell::new(None), Cell::new(0));
    flood(ITEMS as i64 / LANGUAGES.len() as i64, SIZE, |tally: &Tally| {
        if before.get().is_none() && tally.count() >= ITEMS / 10 {
            before.set(Some(resident_kib()));
        }
        most.set(most.get().max(resident_kib()));
    });
    let before = before.get().expect("the producers took longer than a tenth of the items");
    println!("{ITEMS} items: {before} KiB when a tenth was through, at most {} KiB", most.get());
    assert!(most.get() <= before + GROWTH_KIB, "from {before} to {} KiB", most.get());
}
