//! The example runs beside freshly built plugins and prints what it is said to print.

use std::process::Command;

#[test]
fn the_example_prints_what_it_is_said_to_print() {
    // Builds the plugins into the folder that the example's executable is in.
    calog_tests::plugin_folder();
    let output = Command::new(env!("CARGO_BIN_EXE_calog-example-embed")).output().expect("the example runs");
    assert!(output.status.success(), "{output:?}");
    let expected = include_str!("../expected-output.txt");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
