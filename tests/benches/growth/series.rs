//! One series: the cost of one thing at several sizes, and whether it stays flat.

/// From one size to the next, ten times as large, one thing may become so many times as dear. Memory
/// that no longer fits into caches costs that much; what searches or copies all there is costs ten.
const STEP: f64 = 3.0;

/// From the cheapest size to any larger one: what several steps may add up to.
const SPAN: f64 = 6.0;

/// The cost of one thing, in nanoseconds, by size.
pub(crate) struct Series {
    /// What is at these sizes, and what one thing is.
    pub(crate) what: &'static str,
    pub(crate) points: Vec<(u64, f64)>,
}

impl Series {
    /// Measures at each size.
    pub(crate) fn measure(what: &'static str, sizes: &[u64], mut at: impl FnMut(u64) -> f64) -> Series {
        let most = most();
        let points = sizes.iter().filter(|size| **size <= most).map(|&size| (size, at(size))).collect();
        Series { what, points }
    }

    /// Why it is not flat; nothing when it is.
    pub(crate) fn complaint(&self) -> Option<String> {
        let mut least = f64::MAX;
        for pair in self.points.windows(2) {
            let [(_, before), (size, now)] = pair else { continue };
            least = least.min(*before);
            if *now > before * STEP || *now > least * SPAN {
                return Some(format!(
                    "{}: {now:.0} ns at {size}, {before:.0} ns before, {least:.0} ns at best",
                    self.what
                ));
            }
        }
        None
    }

    /// For the terminal.
    pub(crate) fn line(&self) -> String {
        let points: Vec<String> = self.points.iter().map(|(size, ns)| format!("{size}: {ns:.0}")).collect();
        let word = if self.complaint().is_none() { "flat" } else { "NOT FLAT" };
        format!("{} (ns)\n    {}  {word}", self.what, points.join(", "))
    }
}

/// `CALOG_GROWTH` is the largest size of a short run.
fn most() -> u64 {
    let given = std::env::var("CALOG_GROWTH").ok();
    given.map_or(u64::MAX, |text| text.parse().unwrap_or_else(|_| panic!("CALOG_GROWTH is no size: '{text}'")))
}

/// The sizes that any series has.
fn sizes(all: &[Series]) -> Vec<u64> {
    let mut sizes: Vec<u64> = all.iter().flat_map(|series| series.points.iter().map(|point| point.0)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// All series as a table.
pub(crate) fn page(all: &[Series]) -> String {
    let sizes = sizes(all);
    let head: Vec<String> = sizes.iter().map(u64::to_string).collect();
    let mut text = format!("| nanoseconds for one | {} | |\n|{}", head.join(" | "), " --- |".repeat(sizes.len() + 2));
    for series in all {
        let cell = |size: &u64| match series.points.iter().find(|point| point.0 == *size) {
            Some((_, ns)) => format!("{ns:.0}"),
            None => String::new(),
        };
        let cells: Vec<String> = sizes.iter().map(cell).collect();
        let word = if series.complaint().is_none() { "flat" } else { "not flat" };
        text.push_str(&format!("\n| {} | {} | {word} |", series.what, cells.join(" | ")));
    }
    text + "\n"
}
