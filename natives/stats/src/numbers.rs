//! Lists of numbers as they come from scripts, and what can be computed of them.
//!
//! Invariant: a `Numbers` is not empty and holds no NaN, so each of its results exists.

use calog_plugin_api::{Code, Error, Result};

/// A list of numbers, checked.
pub(crate) struct Numbers(Vec<f64>);

impl Numbers {
    /// Checks an argument. `name` is the parameter's, for messages.
    pub(crate) fn of(name: &str, numbers: Vec<f64>) -> Result<Numbers> {
        no_nan(name, &numbers)?;
        if numbers.is_empty() {
            return Err(Error::new(Code::Range, format!("{name}: the list is empty")));
        }
        Ok(Numbers(numbers))
    }

    pub(crate) fn sorted(mut self) -> Sorted {
        self.0.sort_unstable_by(f64::total_cmp);
        Sorted(self)
    }

    /// The mean, by a sum that carries its rounding error along (Neumaier 1974): the order of the
    /// numbers then does not show.
    pub(crate) fn mean(&self) -> f64 {
        sum(self.0.iter().copied()) / self.0.len() as f64
    }
}

/// The same in ascending order.
pub(crate) struct Sorted(Numbers);

impl Sorted {
    pub(crate) fn len(&self) -> usize {
        self.0.0.len()
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// The number at a rank from 0 to 100. Between two numbers it is interpolated linearly: rank
    /// `r` of `n` numbers lies at place `r / 100 * (n - 1)` (type 7 of Hyndman and Fan 1996, what
    /// NumPy and R give).
    pub(crate) fn percentile(&self, rank: f64) -> f64 {
        let Numbers(numbers) = &self.0;
        let place = rank / 100.0 * (numbers.len() - 1) as f64;
        let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
        // Equal neighbours may be infinite, where the difference would be NaN.
        if below == above { below } else { below + (above - below) * place.fract() }
    }

    /// The standard deviation of the whole population.
    pub(crate) fn deviation(&self) -> f64 {
        let mean = self.mean();
        let squares = self.0.0.iter().map(|number| (number - mean).powi(2));
        (sum(squares) / self.len() as f64).sqrt()
    }
}

fn sum(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for number in numbers {
        let next = sum + number;
        lost += if sum.abs() >= number.abs() { (sum - next) + number } else { (number - next) + sum };
        sum = next;
    }
    // With an infinity among the numbers, what was lost is NaN and means nothing.
    if lost.is_finite() { sum + lost } else { sum }
}

/// NaN has no place among numbers in order.
pub(crate) fn no_nan(name: &str, numbers: &[f64]) -> Result<()> {
    match numbers.iter().position(|number| number.is_nan()) {
        None => Ok(()),
        Some(at) => Err(Error::new(Code::Range, format!("{name}: element {at} is NaN"))),
    }
}

/// Each number is greater than the one before.
pub(crate) fn ascending(name: &str, numbers: &[f64]) -> Result<()> {
    no_nan(name, numbers)?;
    match (1..numbers.len()).find(|&at| numbers[at - 1] >= numbers[at]) {
        None => Ok(()),
        Some(at) => Err(Error::new(
            Code::Range,
            format!("{name}: element {at} is {}, not greater than the {} before it", numbers[at], numbers[at - 1]),
        )),
    }
}
