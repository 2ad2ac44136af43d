//! One deterministic order: what `after` and `before` say, then the priority, then the name.

use calog::providers::priority::{EARLY, FIRST, LAST, LATE, NORMAL};

use crate::stub::{Stub, registry, stub, told};

/// Name, priority, after, before.
type Row = (&'static str, u8, &'static [&'static str], &'static [&'static str]);

fn of(rows: &[Row]) -> Vec<Stub> {
    let of = |&(name, priority, after, before): &Row| Stub {
        boot_priority: priority,
        run_priority: priority,
        reload_priority: priority,
        after,
        before,
        runs: vec![crate::stub::Deed::Fine],
        ..stub(name)
    };
    rows.iter().map(of).collect()
}

/// Names in the log, of those lines that begin with this.
fn names(log: &[String], step: &str) -> String {
    let names = log.iter().filter_map(|line| line.strip_prefix(step)?.strip_prefix(' '));
    names.collect::<Vec<_>>().join(" ")
}

/// The same order in each step, whoever is registered first; and backwards at the end.
#[track_caller]
fn check(rows: &[Row], wanted: &str) {
    let mut turned: Vec<Row> = rows.to_vec();
    for _ in 0..rows.len() {
        turned.rotate_left(1);
        for reversed in [false, true] {
            if reversed {
                turned.reverse();
            }
            let (registry, log) = registry(of(&turned));
            registry.validate_all().unwrap();
            registry.boot_all().unwrap();
            registry.run_all(told().0).unwrap();
            registry.reload_all().unwrap();
            assert!(registry.shutdown_all().is_clean());
            let log = log.take();
            for step in ["validate", "boot", "start"] {
                assert_eq!(names(&log, step), wanted, "{step} of {turned:?}");
            }
            assert_eq!(names(&log, "reload"), format!("state {wanted}"), "{turned:?}");
            let backwards: Vec<&str> = wanted.split(' ').rev().collect();
            assert_eq!(names(&log, "shutdown"), backwards.join(" "), "{turned:?}");
        }
    }
}

#[test]
fn priorities_have_the_numbers_that_are_documented() {
    assert_eq!([FIRST, EARLY, NORMAL, LATE, LAST], [0, 50, 100, 150, 255]);
}

#[test]
fn lower_priorities_come_first_then_names() {
    check(
        &[
            ("e", LAST, &[], &[]),
            ("d", LATE, &[], &[]),
            ("c", NORMAL, &[], &[]),
            ("b", EARLY, &[], &[]),
            ("a", FIRST, &[], &[]),
        ],
        "a b c d e",
    );
    check(&[("z", FIRST, &[], &[]), ("b", NORMAL, &[], &[]), ("a", NORMAL, &[], &[])], "z a b");
    check(&[("x", 101, &[], &[]), ("y", 99, &[], &[]), ("w", 100, &[], &[])], "y w x");
}

#[test]
fn dependencies_come_before_priorities() {
    check(&[("a", FIRST, &["z"], &[]), ("z", LAST, &[], &[])], "z a");
    check(&[("a", LAST, &[], &["z"]), ("z", FIRST, &[], &[])], "a z");
    // Both ways to say the same, at once.
    check(&[("a", NORMAL, &["b"], &[]), ("b", NORMAL, &[], &["a"])], "b a");
    // A chain against all names and priorities; the rest fills in by priority.
    check(&[("a", 1, &["b"], &[]), ("b", 2, &["c"], &[]), ("c", 200, &[], &[]), ("d", 3, &[], &[])], "d c b a");
    // A diamond.
    check(
        &[
            ("top", 100, &["l", "r"], &[]),
            ("l", 100, &["base"], &[]),
            ("r", 50, &["base"], &[]),
            ("base", 255, &[], &[]),
        ],
        "base r l top",
    );
    // Whoever is not there is not waited for.
    check(&[("b", NORMAL, &["nobody"], &["noone"]), ("a", NORMAL, &[], &[])], "a b");
}

#[test]
fn a_circle_is_an_error_that_lists_it() {
    for (rows, wanted) in [
        (&[("a", 100, &["b"][..], &[][..]), ("b", 100, &["a"], &[])][..], "'a' after 'b' after 'a'"),
        (&[("a", 100, &["a"], &[])], "'a' after 'a'"),
        (
            &[("a", 100, &[], &["b"]), ("b", 100, &[], &["c"]), ("c", 100, &[], &["a"]), ("d", 100, &[], &[])],
            "'a' after 'c' after 'b' after 'a'",
        ),
        // What only hangs on the circle is not in it.
        (&[("a", 100, &["b"], &[]), ("b", 100, &["c"], &[]), ("c", 100, &["b"], &[])], "'b' after 'c' after 'b'"),
    ] {
        let (registry, log) = registry(of(rows));
        let wanted = format!("providers wait for each other: {wanted}");
        assert_eq!(registry.boot_all().unwrap_err().to_string(), wanted);
        assert_eq!(registry.validate_all().unwrap_err().to_string(), wanted);
        assert_eq!(names(&log.take(), "boot"), "", "nothing boots");
        assert_eq!(registry.run_all(told().0).unwrap_err().to_string(), wanted);
        assert_eq!(registry.reload_all().unwrap_err().to_string(), wanted);
    }
}
