//! All rows of one run, and how a row is taken.

use std::time::Duration;

use crate::load::Load;
use crate::row::{Amount, Goal, Reference, Row};

/// How long one round of one side should take.
const ROUND: Duration = Duration::from_millis(20);

/// How many rounds each side gets.
pub(crate) const ROUNDS: usize = 21;

/// What a row that compares times is about.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    /// The goal's number in `docs/performance.md`.
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) reference: &'static str,
    /// What ours divided by the reference should not exceed.
    pub(crate) goal: f64,
}

/// A row that was left out.
#[derive(serde::Serialize)]
pub(crate) struct Skipped {
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) why: String,
}

/// All rows, or those of one id.
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) skipped: Vec<Skipped>,
    only: Option<String>,
}

impl Table {
    /// An empty one, with its head printed.
    pub(crate) fn start(only: Option<String>) -> Table {
        println!("{:<3} {:<55} {:>11} {:>11} {:>7} {:>8}", "", "what", "ours", "reference", "ratio", "goal");
        Table { rows: Vec::new(), skipped: Vec::new(), only }
    }

    /// Whether rows of this id are measured.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == id)
    }

    /// Whether no row was left out by wish.
    pub(crate) fn is_whole(&self) -> bool {
        self.only.is_none()
    }

    /// Measures a row that compares times, and shows it at once. Each closure does its thing so many
    /// times and gives the time it took.
    pub(crate) fn measure(
        &mut self,
        question: Question,
        ours: impl Fn(u64) -> Duration,
        theirs: impl Fn(u64) -> Duration,
    ) {
        if self.wants(question.id) {
            self.add(compare(question, ours, theirs));
        }
    }

    /// Shows a row, and keeps it.
    pub(crate) fn add(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    /// Says that a row is left out.
    pub(crate) fn skip(&mut self, id: &'static str, what: &str, why: &str) {
        println!("{id:<3} {what:<55} skipped: {why}");
        self.skipped.push(Skipped { id, what: what.into(), why: why.into() });
    }

    /// The last word.
    pub(crate) fn print(&self) {
        let judged = self.rows.iter().filter_map(Row::met);
        let met = judged.clone().filter(|met| *met).count();
        println!("{met} of {} goals met", judged.count());
    }
}

/// Ours and theirs in turns.
fn compare(question: Question, ours: impl Fn(u64) -> Duration, theirs: impl Fn(u64) -> Duration) -> Row {
    let (our_count, their_count) = (calibrate(&ours), calibrate(&theirs));
    let load = Load::start();
    let mut ratios = Vec::with_capacity(ROUNDS);
    let (mut ours_ns, mut reference_ns) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        let our = per_item(ours(our_count), our_count);
        let their = per_item(theirs(their_count), their_count);
        ratios.push(our / their);
        ours_ns = ours_ns.min(our);
        reference_ns = reference_ns.min(their);
    }
    let Question { id, what, reference, goal } = question;
    Row {
        id,
        what: what.into(),
        ours: Amount::ns(ours_ns),
        reference: Some(Reference { name: reference.into(), amount: Amount::ns(reference_ns) }),
        decisive: median(ratios),
        goal: Goal::Ratio(goal),
        foreign_load: load.foreign(),
    }
}

/// The nanoseconds of one, the best of the rounds.
pub(crate) fn best(run: impl Fn(u64) -> Duration) -> f64 {
    let count = calibrate(&run);
    (0..ROUNDS).map(|_| per_item(run(count), count)).fold(f64::MAX, f64::min)
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How many items make a round.
fn calibrate(run: &impl Fn(u64) -> Duration) -> u64 {
    let mut count = 1;
    loop {
        // The best of some, as a busy machine makes a single run look long.
        let time = (0..4).map(|_| run(count)).min().unwrap_or(ROUND);
        if time >= ROUND / 4 {
            let wanted = count as f64 * ROUND.as_secs_f64() / time.as_secs_f64();
            return (wanted as u64).max(1);
        }
        count *= 4;
    }
}

fn per_item(time: Duration, count: u64) -> f64 {
    time.as_nanos() as f64 / count as f64
}
