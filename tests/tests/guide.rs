//! The examples of `docs/scripts.md`, and of the pages of languages and bundles, do what these say.
//!
//! In each section a line "`file`:" before a code block writes a file, and "`calog run file` prints"
//! (or "fails with") before one runs it, or checks it, and compares: all of standard output, or the
//! beginning of standard error.

use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

const GUIDE: &str = include_str!("../../docs/scripts.md");
const BASIC: &str = include_str!("../../docs/basic.md");
const SQUIRREL: &str = include_str!("../../docs/squirrel.md");
const TASK: &str = include_str!("../../docs/task.md");
const NET: &str = include_str!("../../docs/net.md");
const LIFECYCLE: &str = include_str!("../../docs/lifecycle.md");
const SYNC: &str = include_str!("../../docs/sync.md");
const TIMER: &str = include_str!("../../docs/timer.md");
const LIMITS: &str = include_str!("../../docs/limits.md");

#[test]
fn the_examples_of_the_guide_do_what_it_says() {
    let run = run_examples(GUIDE);
    assert!(run >= 10, "the guide has examples, not {run}");
}

#[test]
fn the_examples_of_squirrels_page_do_what_it_says() {
    let run = run_examples(SQUIRREL);
    assert_eq!(run, SQUIRREL.matches("\n## ").count() as u32 - 2, "each section but the last two has one");
}

#[test]
fn the_examples_of_the_bundle_sync_do_what_its_page_says() {
    // One for each kind in each language, and one in each other section.
    assert_eq!(run_examples(SYNC), 4 * 4 + 4);
}

#[test]
fn the_examples_of_the_page_of_sockets_do_what_it_says() {
    // Four sections in four languages, and one in each other.
    assert_eq!(run_prepared(NET, write_certificates), 4 * 4 + 8);
}

/// Most programs of this page stand alone, and the engine's own tests run them.
#[test]
fn the_examples_of_basics_page_do_what_it_says() {
    assert_eq!(run_examples(BASIC), 1);
}

#[test]
fn the_examples_of_the_page_of_tasks_do_what_it_says() {
    // Five sections in four languages, and two in one.
    assert_eq!(run_examples(TASK), 5 * 4 + 2);
}

#[test]
fn the_examples_of_the_page_of_timers_do_what_it_says() {
    // Three sections in four languages, two programs in another, and JavaScript's own.
    assert_eq!(run_examples(TIMER), 3 * 4 + 2 + 1);
}

#[test]
fn the_examples_of_the_page_of_limits_do_what_it_says() {
    assert_eq!(run_examples(LIMITS), 7);
}

/// The files that the section about TLS names.
fn write_certificates(folder: &Path) {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    for (name, text) in [("ca", authority.pem()), ("cert", certificate.pem()), ("key", key.serialize_pem())] {
        fs::write(folder.join(format!("{name}.pem")), text).expect("a file can be written");
    }
}

/// What it says of Rust, the host's own tests compile and run.
#[test]
fn the_examples_of_the_page_of_lifecycles_do_what_it_says() {
    assert_eq!(run_examples(LIFECYCLE), 3);
}

/// Writes and runs the examples of a page, section by section. How many were run.
fn run_examples(page: &str) -> u32 {
    run_prepared(page, |_| {})
}

/// The same in folders that hold something before.
fn run_prepared(page: &str, prepare: impl Fn(&Path)) -> u32 {
    let mut run = 0;
    for section in page.split("\n## ") {
        let folder = tempfile::tempdir().expect("a temporary folder");
        prepare(folder.path());
        let mut before = "";
        let mut lines = section.lines();
        while let Some(line) = lines.next() {
            if line.starts_with("```") {
                let block: String =
                    lines.by_ref().take_while(|line| *line != "```").map(|it| format!("{it}\n")).collect();
                run += u32::from(example(&folder, before, &block));
            } else if !line.is_empty() {
                before = line;
            }
        }
    }
    run
}

/// Writes or runs an example, as the line before it says. Whether it was run.
fn example(folder: &TempDir, before: &str, block: &str) -> bool {
    let Some((quoted, rest)) = before.strip_prefix('`').and_then(|it| it.split_once('`')) else { return false };
    match (quoted.strip_prefix("calog "), rest) {
        (None, ":") => fs::write(folder.path().join(quoted), block).expect("a script can be written"),
        (Some(command), " prints") => check(folder.path(), command, block, ""),
        (Some(command), " fails with") => check(folder.path(), command, "", block),
        _ => return false,
    }
    rest != ":"
}

/// Runs a command, `run FILE` or `check FILE`.
fn check(folder: &Path, command: &str, printed: &str, error: &str) {
    let output = Command::new(calog_tests::command()).current_dir(folder).args(command.split(' ')).output();
    let output = output.expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{command}: {errors}");
    assert!(errors.starts_with(error), "{command}: {errors}");
    assert_eq!(output.status.success(), error.is_empty(), "{command}: {errors}");
}
