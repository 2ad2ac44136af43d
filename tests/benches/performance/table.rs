//! Rows of measurements, and how one is taken.

use std::fs;
use std::time::{Duration, Instant};

/// How long one round of one side should take.
const ROUND: Duration = Duration::from_millis(20);

/// How many rounds each side gets.
const ROUNDS: usize = 21;

/// From this share of foreign load on, a row is doubtful.
const MUCH_FOREIGN_LOAD: f64 = 0.10;

/// What a ratio should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Not above this.
    AtMost(f64),
}

/// What a row is about.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    /// The goal's number in `docs/performance.md`.
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) reference: &'static str,
    pub(crate) goal: Goal,
}

/// One measurement.
struct Row {
    question: Question,
    ours_ns: f64,
    reference_ns: f64,
    ratio: f64,
    foreign_load: f64,
}

impl Row {
    /// Measures both sides. Each closure does its thing so many times and gives the time it took.
    fn measure(question: Question, ours: impl Fn(u64) -> Duration, theirs: impl Fn(u64) -> Duration) -> Row {
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
        ratios.sort_by(f64::total_cmp);
        let foreign_load = load.foreign();
        Row { question, ours_ns, reference_ns, ratio: ratios[ROUNDS / 2], foreign_load }
    }

    fn met(&self) -> bool {
        let Goal::AtMost(goal) = self.question.goal;
        self.ratio <= goal
    }

    fn line(&self) -> String {
        let Goal::AtMost(goal) = self.question.goal;
        let met = if self.met() { "met" } else { "NOT MET" };
        let doubt = if self.foreign_load > MUCH_FOREIGN_LOAD {
            format!(" (other load: {:.0} %)", self.foreign_load * 100.0)
        } else {
            String::new()
        };
        format!(
            "{:<3} {:<55} {:>11} {:>11}  {:>6.3} {:>6} {met}{doubt}  [{}]",
            self.question.id,
            self.question.what,
            nanoseconds(self.ours_ns),
            nanoseconds(self.reference_ns),
            self.ratio,
            format!("<={goal}"),
            self.question.reference
        )
    }
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

fn nanoseconds(ns: f64) -> String {
    match ns {
        ns if ns >= 1e6 => format!("{:.2} ms", ns / 1e6),
        ns if ns >= 1e4 => format!("{:.1} us", ns / 1e3),
        ns => format!("{ns:.1} ns"),
    }
}

/// What other processes used of the machine while we measured.
struct Load {
    busy: f64,
    own: f64,
    since: Instant,
}

impl Load {
    fn start() -> Load {
        Load { busy: busy_seconds(), own: own_seconds(), since: Instant::now() }
    }

    fn foreign(&self) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let others = (busy_seconds() - self.busy) - (own_seconds() - self.own);
        (others / (self.since.elapsed().as_secs_f64() * cores)).max(0.0)
    }
}

/// Ticks of `/proc` files in seconds; the kernel's USER_HZ is 100 wherever this runs.
const TICK: f64 = 0.01;

fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks: Vec<f64> =
        stat.lines().next().unwrap_or_default().split_whitespace().skip(1).filter_map(|it| it.parse().ok()).collect();
    // All but idle and waiting for input or output.
    ticks.iter().enumerate().filter(|(at, _)| ![3, 4].contains(at)).map(|(_, ticks)| ticks).sum::<f64>() * TICK
}

fn own_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK
}

/// All rows, or those of one id.
pub(crate) struct Table {
    rows: Vec<Row>,
    only: Option<String>,
}

impl Table {
    /// An empty one, with its head printed.
    pub(crate) fn start(only: Option<String>) -> Table {
        println!("{:<3} {:<55} {:>11} {:>11}  {:>6} {:>6}", "", "what", "ours", "reference", "ratio", "goal");
        Table { rows: Vec::new(), only }
    }

    /// Whether rows of this id are measured.
    pub(crate) fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == id)
    }

    /// Measures a row, and shows it at once.
    pub(crate) fn measure(
        &mut self,
        question: Question,
        ours: impl Fn(u64) -> Duration,
        theirs: impl Fn(u64) -> Duration,
    ) {
        if self.wants(question.id) {
            let row = Row::measure(question, ours, theirs);
            println!("{}", row.line());
            self.rows.push(row);
        }
    }

    /// The last word.
    pub(crate) fn print(&self) {
        let met = self.rows.iter().filter(|row| row.met()).count();
        println!("{met} of {} goals met", self.rows.len());
    }
}
