//! The example programs print what their READMEs promise.

use std::fs;

use calog_tests::{Calog, root};

fn prints_what_is_expected(example: &str) {
    let expected = root().join("examples").join(example).join("expected-output.txt");
    let wanted = fs::read_to_string(expected).expect("the expected output");
    assert!(wanted.lines().count() > 10, "there is something to compare with");
    Calog::new(["run", &format!("examples/{example}")]).within(&root()).run().printed(&wanted);
}

#[test]
fn the_tour_prints_what_is_expected() {
    prints_what_is_expected("tour");
}

#[test]
fn the_quartet_prints_what_is_expected() {
    prints_what_is_expected("quartet");
}
