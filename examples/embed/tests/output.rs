//! The example runs beside freshly built plugins and prints what it is said to print, and the guide
//! quotes it as it is.

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

#[test]
fn the_guide_quotes_the_example() {
    let guide = include_str!("../../../docs/embedding.md");
    let program = include_str!("../src/main.rs");
    let quotes: Vec<&str> = guide.split("\n```rust\n").skip(1).filter_map(|rest| rest.split("```\n").next()).collect();
    assert!(quotes.len() > 5, "the guide has quotes");
    for quote in quotes {
        assert!(program.contains(quote), "docs/embedding.md quotes what examples/embed does not say:\n{quote}");
    }
}
