//! What came of scenarios, and the table that says so.

use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// What came of one scenario with one combination of languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not, and why.
    Failed(String),
    /// The language does not have what it is about, and why.
    NotOffered(String),
}

/// A line of the table: one scenario, over all combinations.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub struct Line {
    /// The scenario.
    pub scenario: String,
    /// How many combinations passed.
    pub passed: usize,
    /// Each that failed: the combination, and why.
    pub failed: Vec<(String, String)>,
    /// Each that was not offered: the combination, and why.
    pub not_offered: Vec<(String, String)>,
}

impl Line {
    /// An empty one.
    pub fn of(scenario: &str) -> Line {
        Line { scenario: scenario.to_owned(), ..Line::default() }
    }

    /// Adds what came of one combination.
    pub fn add(&mut self, with: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(why) => self.failed.push((with.to_owned(), why)),
            Verdict::NotOffered(why) => self.not_offered.push((with.to_owned(), why)),
        }
    }

    /// In one word or two.
    pub fn result(&self) -> &'static str {
        match (self.failed.is_empty(), self.passed) {
            (false, _) => "FAILED",
            (true, 0) => "not offered",
            (true, _) => "passed",
        }
    }

    /// Why, or with how many combinations.
    pub fn reason(&self) -> String {
        match (self.failed.first(), self.passed, self.not_offered.first()) {
            (Some((with, why)), _, _) if self.failed.len() == 1 => format!("{with}: {why}"),
            (Some((with, why)), _, _) => format!("{with}: {why} (and {} more)", self.failed.len() - 1),
            (None, 0, Some((_, why))) => why.clone(),
            (None, passed, None) => format!("{passed} of {passed}"),
            (None, passed, Some((_, why))) => {
                format!("{passed} of {}; else: {why}", passed + self.not_offered.len())
            }
        }
    }
}

/// The table of all lines.
pub struct Table<'a>(pub &'a [Line]);

impl Table<'_> {
    /// How many lines have this result.
    pub fn count(&self, result: &str) -> usize {
        self.0.iter().filter(|line| line.result() == result).count()
    }
}

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|line| line.scenario.len()).max().unwrap_or(0).max("scenario".len());
        writeln!(f, "{:width$}  {:11}  reason", "scenario", "result")?;
        for line in self.0 {
            writeln!(f, "{:width$}  {:11}  {}", line.scenario, line.result(), line.reason())?;
        }
        let [passed, failed, not_offered] = ["passed", "FAILED", "not offered"].map(|result| self.count(result));
        writeln!(f, "\n{passed} passed, {failed} failed, {not_offered} not offered")
    }
}
