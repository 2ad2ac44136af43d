//! Tests that measure their process: a target without the usual harness, which would run several at
//! once, on threads of its own.

use std::env;
use std::time::Instant;

/// Options of the usual harness that are followed by a value.
const WITH_VALUE: [&str; 4] = ["--test-threads", "--color", "--format", "--logfile"];

/// Runs tests one after another, on this thread. Takes names to run from the command line, as the
/// usual harness does; a test fails by a panic, which ends the process.
pub fn run_alone(tests: &[(&str, fn())]) {
    let mut wanted = Vec::new();
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--list" => return tests.iter().for_each(|(name, _)| println!("{name}: test")),
            option if WITH_VALUE.contains(&option) => _ = args.next(),
            option if option.starts_with('-') => {}
            _ => wanted.push(arg),
        }
    }
    for (name, test) in tests {
        if wanted.is_empty() || wanted.iter().any(|part| name.contains(part)) {
            let start = Instant::now();
            test();
            println!("test {name} ... ok, in {:.1} s", start.elapsed().as_secs_f64());
        }
    }
}
