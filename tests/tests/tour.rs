//! The tour through calog prints what its README promises.

use std::fs;

use calog_tests::{Calog, root};

#[test]
fn the_tour_prints_what_is_expected() {
    let wanted = fs::read_to_string(root().join("examples/tour/expected-output.txt")).expect("the expected output");
    assert!(wanted.lines().count() > 10, "there is something to compare with");
    Calog::new(["run", "examples/tour"]).within(&root()).run().printed(&wanted);
}
