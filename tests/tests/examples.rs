//! The programs in `examples/basic` print what lies beside them.

use std::fs::{self, File};
use std::path::PathBuf;

use calog_tests::{Calog, Folder, Ran, root};

fn lies(name: &str) -> PathBuf {
    root().join("examples/basic").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(lies(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs a program with these arguments, and this on its standard input.
fn run(program: &str, args: &[&str], input: &str) -> Ran {
    let folder = Folder::new();
    let input = folder.write("input.txt", input);
    let program = lies(program).to_string_lossy().into_owned();
    let args = ["run", &program].into_iter().chain(args.iter().copied());
    Calog::new(args).input(File::open(input).expect("it was written")).run()
}

#[test]
fn the_sieve_finds_the_primes() {
    run("sieve.bas", &[], "").printed(&text("expected/sieve.txt"));
    // Known from elsewhere: there are 78,498 primes below a million.
    let many = run("sieve.bas", &["--", "1000000"], "");
    assert!(many.out.contains("Up to 1000000 there are 78498 primes; the last is 999983."), "{many:?}");
    let wrong = run("sieve.bas", &["--", "many"], "").ended_with(2);
    assert!(wrong.out.starts_with("usage: ") && wrong.out.lines().count() == 1, "{wrong:?}");
}

#[test]
fn the_adventure_is_played_from_a_file() {
    let commands = text("expected/adventure-input.txt");
    run("adventure.bas", &[], &commands).printed(&text("expected/adventure.txt"));
    // Whose input ends leaves.
    let left = run("adventure.bas", &[], "north\nlook").ended_with(0);
    assert!(left.out.ends_with("You leave the lighthouse to the dark.\n"), "{left:?}");
}

#[test]
fn the_brainfuck_interpreter_runs_programs() {
    run("brainfuck.bas", &[], "").printed(&text("expected/brainfuck.txt"));
    let of = |code: &str, input: &str| run("brainfuck.bas", &["--", code], input);
    of(">,[>,]<[.<]", "olleh\n").printed("\nhello");
    of(",[.,]", "two\nlines").printed("two\nlines\n");
    of("++++++[>++++++++<-]>+.", "").printed("1");
    for (code, message) in
        [("+]", "a ] without its ["), ("[[-]", "a [ without its ]"), ("<+", "the head left the tape")]
    {
        of(code, "").ended_with(1).said(&[message]);
    }
}
