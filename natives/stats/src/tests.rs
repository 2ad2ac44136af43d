//! The natives' functions, on values as scripts send them.

use calog_plugin_api::{Result, Value};

use super::{histogram, percentiles, stats, summary};

fn mean(numbers: Vec<f64>) -> Result<Value> {
    super::mean(numbers).map(Value::from)
}

/// Ints as a script's list of them arrives.
fn ints(items: impl IntoIterator<Item = i32>) -> Vec<f64> {
    items.into_iter().map(f64::from).collect()
}

/// The value as text, or code and message.
fn check(result: Result<Value>, expected: &str) {
    let text = match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    };
    assert_eq!(text, expected);
}

#[test]
fn mean_of_numbers() {
    check(mean(ints([1, 2, 6])), "3.0");
    check(mean(vec![1.0, 0.5]), "0.75");
    check(mean(vec![1e100, 1.0, -1e100]), "0.3333333333333333");
    check(mean(vec![f64::INFINITY, 1.0]), "inf");
}

#[test]
fn percentiles_interpolate_linearly() {
    check(percentiles(ints([4, 1, 3, 2]), ints([0, 25, 50, 75, 100])), "[1.0, 1.75, 2.5, 3.25, 4.0]");
    check(percentiles(ints([7]), vec![0.0, 33.3, 100.0]), "[7.0, 7.0, 7.0]");
    check(percentiles(ints(1..=9), vec![12.5, 43.75]), "[2.0, 4.5]");
    check(percentiles(vec![-0.5, 10.0], ints([75])), "[7.375]");
    check(percentiles(vec![f64::INFINITY, f64::INFINITY], ints([50])), "[inf]");
    check(percentiles(ints([1]), vec![]), "[]");
}

#[test]
fn a_summary_has_all_fields() {
    let text = "{count: 5, min: -2.0, max: 8.0, mean: 3.0, stddev: 3.3466401061363023, p50: 4.0, p90: 6.4, p99: 7.84}";
    check(summary(ints([4, -2, 8, 1, 4])), text);
    let text = "{count: 1, min: 5.0, max: 5.0, mean: 5.0, stddev: 0.0, p50: 5.0, p90: 5.0, p99: 5.0}";
    check(summary(ints([5])), text);
}

#[test]
fn a_histogram_counts_each_number_once() {
    check(histogram(ints([0, 1, 9, 10, 11, 100]), ints([1, 10])), "[1, 2, 3]");
    check(histogram(vec![], ints([1, 10])), "[0, 0, 0]");
    check(histogram(ints([1, 2]), vec![]), "[2]");
    check(histogram(vec![f64::INFINITY, f64::NEG_INFINITY], ints([0])), "[1, 1]");
}

#[test]
fn what_cannot_be_counted_is_an_error_with_its_place() {
    check(mean(vec![]), "range: numbers: the list is empty");
    check(mean(vec![1.0, f64::NAN]), "range: numbers: element 1 is NaN");
    check(summary(vec![]), "range: numbers: the list is empty");
    let rank = |rank: f64| percentiles(vec![1.0], vec![50.0, rank]);
    check(rank(100.5), "range: ranks: element 1 is 100.5: a rank is from 0 to 100");
    check(rank(-1.0), "range: ranks: element 1 is -1: a rank is from 0 to 100");
    check(rank(f64::NAN), "range: ranks: element 1 is NaN");
    check(histogram(vec![f64::NAN], vec![]), "range: numbers: element 0 is NaN");
    let bounds = |bounds: [i32; 2]| histogram(vec![1.0], ints(bounds));
    check(bounds([5, 5]), "range: bounds: element 1 is 5, not greater than the 5 before it");
    check(bounds([5, 4]), "range: bounds: element 1 is 4, not greater than the 5 before it");
}

#[test]
fn each_native_describes_itself() {
    let bundle = stats().check().expect("names match parameters");
    let signatures: Vec<_> = bundle.natives().iter().map(|native| native.descriptor().signature()).collect();
    assert_eq!(
        signatures,
        [
            "stats.mean(numbers: list) -> real",
            "stats.percentiles(numbers: list, ranks: list) -> list of real",
            "stats.summary(numbers: list) -> map",
            "stats.histogram(numbers: list, bounds: list) -> list of int",
        ]
    );
    assert!(bundle.natives().iter().all(|native| native.descriptor().doc.ends_with('.')));
}
