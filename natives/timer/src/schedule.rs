//! When a timer's calls are due, in nanoseconds of the runtime's clock.
//!
//! Invariant: the k-th call of a repeated timer is due at its start and k periods, whatever the calls
//! before it took. Times that have passed when the next one is asked for are left out.

use std::time::Duration;

/// The times of one timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    start_ns: u64,
    /// From the start to the first call.
    first_ns: u64,
    /// Whether more follow, with the same distance.
    repeats: bool,
}

impl Schedule {
    /// One time.
    pub(crate) fn once(now_ns: u64, wait: Duration) -> Schedule {
        Schedule { start_ns: now_ns, first_ns: nanoseconds(wait), repeats: false }
    }

    /// Time after time; none for a period of nothing.
    pub(crate) fn every(now_ns: u64, period: Duration) -> Option<Schedule> {
        let period_ns = nanoseconds(period);
        (period_ns > 0).then_some(Schedule { start_ns: now_ns, first_ns: period_ns, repeats: true })
    }

    pub(crate) fn repeats(&self) -> bool {
        self.repeats
    }

    /// The first time.
    pub(crate) fn first(&self) -> u64 {
        self.start_ns.saturating_add(self.first_ns)
    }

    /// The first time that is still ahead.
    pub(crate) fn next(&self, now_ns: u64) -> u64 {
        // What does not repeat has no next time, and no one asks for it; a period is never zero.
        let passed = now_ns.saturating_sub(self.start_ns) / self.first_ns.max(1);
        self.start_ns.saturating_add(passed.saturating_add(1).saturating_mul(self.first_ns))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000;

    fn every(period_ns: u64) -> Schedule {
        Schedule::every(START, Duration::from_nanos(period_ns)).expect("a period")
    }

    #[test]
    fn times_do_not_drift_and_those_that_have_passed_are_left_out() {
        let schedule = every(10);
        assert_eq!(schedule.first(), 1_010);
        for (now, next) in [(1_010, 1_020), (1_011, 1_020), (1_019, 1_020), (1_020, 1_030), (1_057, 1_060)] {
            assert_eq!(schedule.next(now), next, "at {now}");
        }
        // A clock that was read too early.
        assert_eq!(schedule.next(0), 1_010);
    }

    #[test]
    fn times_beyond_the_clock_are_its_end() {
        assert_eq!(Schedule::once(START, Duration::MAX).first(), u64::MAX);
        assert_eq!(every(u64::MAX).first(), u64::MAX);
        assert_eq!(every(u64::MAX / 2).next(u64::MAX - 1), u64::MAX);
        assert_eq!(every(1).next(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_period_of_nothing_is_none() {
        assert!(Schedule::every(START, Duration::ZERO).is_none());
        assert!(!Schedule::once(START, Duration::ZERO).repeats() && every(1).repeats());
        assert_eq!(Schedule::once(START, Duration::ZERO).first(), START);
    }
}
