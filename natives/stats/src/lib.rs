//! Statistics over lists of numbers: the bundle `stats`.
//!
//! | native | gives |
//! | --- | --- |
//! | `stats.mean(numbers)` | the mean |
//! | `stats.percentiles(numbers, ranks)` | a list, one number for each rank |
//! | `stats.summary(numbers)` | a map: `count`, `min`, `max`, `mean`, `stddev`, `p50`, `p90`, `p99` |
//! | `stats.histogram(numbers, bounds)` | a list of counts, one longer than `bounds` |
//!
//! All take ints and reals. An empty list of numbers and NaN are `range` errors, what is no number is
//! a `type` error; both say at which element.
#![forbid(unsafe_code)]

mod numbers;

use calog_plugin_api::prelude::*;

use numbers::{Numbers, ascending, no_nan};

#[cfg(feature = "plugin")]
export_plugin! { bundle: stats }

/// The bundle. It keeps nothing.
pub fn stats() -> Bundle {
    Bundle::new("stats")
        .function("mean", mean)
        .params(["numbers"])
        .returns("real")
        .doc("The arithmetic mean of a list of numbers.")
        .function("percentiles", percentiles)
        .params(["numbers", "ranks"])
        .returns("list of real")
        .doc("For each rank from 0 to 100 the number below which so many percent of the numbers lie.")
        .function("summary", summary)
        .params(["numbers"])
        .returns("map")
        .doc("count, min, max, mean, stddev (of the whole population), p50, p90 and p99 of a list of numbers.")
        .function("histogram", histogram)
        .params(["numbers", "bounds"])
        .returns("list of int")
        .doc("How many numbers are below the first bound, from each bound up to the next, and from the last on.")
}

fn mean(numbers: Vec<f64>) -> Result<f64> {
    Ok(Numbers::of("numbers", numbers)?.mean())
}

fn percentiles(numbers: Vec<f64>, ranks: Vec<f64>) -> Result<Value> {
    let sorted = Numbers::of("numbers", numbers)?.sorted();
    no_nan("ranks", &ranks)?;
    if let Some((at, rank)) = ranks.iter().enumerate().find(|(_, rank)| !(0.0..=100.0).contains(*rank)) {
        return Err(Error::new(Code::Range, format!("ranks: element {at} is {rank}: a rank is from 0 to 100")));
    }
    Value::list(ranks.into_iter().map(|rank| sorted.percentile(rank)))
}

fn summary(numbers: Vec<f64>) -> Result<Value> {
    let sorted = Numbers::of("numbers", numbers)?.sorted();
    Value::map([
        ("count", Value::from(sorted.len() as i64)),
        ("min", sorted.percentile(0.0).into()),
        ("max", sorted.percentile(100.0).into()),
        ("mean", sorted.mean().into()),
        ("stddev", sorted.deviation().into()),
        ("p50", sorted.percentile(50.0).into()),
        ("p90", sorted.percentile(90.0).into()),
        ("p99", sorted.percentile(99.0).into()),
    ])
}

fn histogram(numbers: Vec<f64>, bounds: Vec<f64>) -> Result<Value> {
    no_nan("numbers", &numbers)?;
    ascending("bounds", &bounds)?;
    let mut counts = vec![0_i64; bounds.len() + 1];
    for number in numbers {
        counts[bounds.partition_point(|&bound| bound <= number)] += 1;
    }
    Value::list(counts)
}

#[cfg(test)]
mod tests;
