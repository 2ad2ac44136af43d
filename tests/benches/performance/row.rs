//! One measured row: what was measured, against what, and whether its goal is met.

use serde::Serialize;

/// From this share of foreign load on, a row is doubtful.
const MUCH_FOREIGN_LOAD: f64 = 0.10;

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    #[serde(rename = "ns")]
    Nanoseconds,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "KiB")]
    Kibibytes,
    /// A share of something, without a unit.
    Times,
}

/// A number with its unit.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Amount {
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

impl Amount {
    pub(crate) fn ns(value: f64) -> Amount {
        Amount { value, unit: Unit::Nanoseconds }
    }

    pub(crate) fn ms(value: f64) -> Amount {
        Amount { value, unit: Unit::Milliseconds }
    }

    pub(crate) fn kib(value: f64) -> Amount {
        Amount { value, unit: Unit::Kibibytes }
    }

    /// For a person.
    pub(crate) fn text(self) -> String {
        match (self.unit, self.value) {
            (Unit::Nanoseconds, ns) if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
            (Unit::Nanoseconds, ns) if ns >= 1e4 => format!("{:.1} us", ns / 1e3),
            (Unit::Nanoseconds, ns) => format!("{ns:.1} ns"),
            (Unit::Milliseconds, ms) => format!("{ms:.2} ms"),
            (Unit::Kibibytes, kib) => format!("{kib:.2} KiB"),
            (Unit::Times, times) => format!("{times:.3}"),
        }
    }
}

/// What must hold of a row's decisive number.
#[derive(Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Goal {
    /// Ours divided by the reference is not above this.
    Ratio(f64),
    /// Ours, in its unit, is not above this.
    AtMost(f64),
    /// Ours exceeds the reference by no more than this, in their unit.
    More(f64),
    /// It is shown for orientation.
    Open,
}

/// One measurement.
#[derive(Serialize)]
pub(crate) struct Row {
    /// The goal's number in `docs/performance.md`.
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) ours: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Reference>,
    /// The number that the goal is about: a ratio, an amount, or a difference. Taken over the rounds, so
    /// it is not what the two best times would give.
    pub(crate) decisive: f64,
    pub(crate) goal: Goal,
    /// Which share of the machine others had meanwhile.
    pub(crate) foreign_load: f64,
}

/// What a row is compared with.
#[derive(Serialize)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) amount: Amount,
}

impl Row {
    /// Whether the goal is met; rows without one say nothing.
    pub(crate) fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::Ratio(most) | Goal::AtMost(most) | Goal::More(most) => Some(self.decisive <= most),
            Goal::Open => None,
        }
    }

    /// Whether other programs had much of the machine.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.foreign_load > MUCH_FOREIGN_LOAD
    }

    /// The number that the goal is about, where it is not `ours` itself.
    pub(crate) fn decisive_text(&self) -> String {
        match (self.goal, &self.reference) {
            (Goal::More(_), _) => format!("{:+.2}", self.decisive),
            // The goal is about ours; the reference stands beside it for orientation.
            (Goal::AtMost(_), Some(reference)) => format!("{:.3}", self.ours.value / reference.amount.value),
            (_, Some(_)) => format!("{:.3}", self.decisive),
            _ => String::new(),
        }
    }

    pub(crate) fn goal_text(&self) -> String {
        let with_unit = |value: f64| match self.ours.unit {
            Unit::Milliseconds => format!("{value} ms"),
            Unit::Kibibytes => format!("{value} KiB"),
            Unit::Nanoseconds => format!("{value} ns"),
            Unit::Times => format!("{value}"),
        };
        match self.goal {
            Goal::Ratio(most) => format!("{most}"),
            Goal::AtMost(most) => with_unit(most),
            Goal::More(most) => format!("+{}", with_unit(most)),
            Goal::Open => String::new(),
        }
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "-",
        }
    }

    /// For the terminal.
    pub(crate) fn line(&self) -> String {
        let (name, amount) = match &self.reference {
            Some(it) => (format!("  [{}]", it.name), it.amount.text()),
            None => (String::new(), String::new()),
        };
        let doubt = match self.is_doubtful() {
            true => format!(" (other load: {:.0} %)", self.foreign_load * 100.0),
            false => String::new(),
        };
        let (decisive, goal, verdict) = (self.decisive_text(), self.goal_text(), self.verdict());
        format!(
            "{:<3} {:<55} {:>11} {amount:>11} {decisive:>7} {goal:>8} {verdict}{doubt}{name}",
            self.id,
            self.what,
            self.ours.text(),
        )
    }
}
