//! What other processes use of the machine while we measure.

use std::fs;
use std::time::Instant;

/// A span of time, from `start` on.
pub(crate) struct Load {
    busy: f64,
    own: f64,
    since: Instant,
}

impl Load {
    pub(crate) fn start() -> Load {
        Load { busy: busy_seconds(), own: own_seconds(), since: Instant::now() }
    }

    /// The share of all cores that others had.
    pub(crate) fn foreign(&self) -> f64 {
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

/// Of this process, and of those that it started and that have ended.
fn own_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(4).filter_map(|it| it.parse::<f64>().ok());
    ticks.sum::<f64>() * TICK
}
