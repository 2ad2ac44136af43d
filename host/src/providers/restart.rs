//! How often something is started again, as Erlang's supervisors count it.

use std::collections::VecDeque;

use calog_plugin_api::{Restart, RestartWhen};

use crate::sync::time::Instant;

/// The new starts of one thing within the last while.
pub(crate) struct Intensity {
    policy: Restart,
    /// No more than the policy allows for.
    starts: VecDeque<Instant>,
}

/// What is to be done about an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// Start it again.
    Again,
    /// It is one that no new start follows.
    Leave,
    /// It was started again too often.
    TooOften,
}

impl Intensity {
    pub(crate) fn new(policy: Restart) -> Intensity {
        Intensity { policy, starts: VecDeque::new() }
    }

    pub(crate) fn policy(&self) -> Restart {
        self.policy
    }

    /// It has ended now, well or not.
    pub(crate) fn ended(&mut self, failed: bool, now: Instant) -> Verdict {
        match self.policy.when {
            RestartWhen::Never => return Verdict::Leave,
            RestartWhen::OnFailure if !failed => return Verdict::Leave,
            _ => {}
        }
        // Counted backwards: a window may be longer than any clock.
        self.starts.retain(|start| now.saturating_duration_since(*start) < self.policy.within);
        if self.starts.len() >= self.policy.at_most as usize {
            return Verdict::TooOften;
        }
        self.starts.push_back(now);
        Verdict::Again
    }
}

#[cfg(all(test, not(any(calog_model = "shuttle", calog_model = "loom"))))]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What is decided about ends at these seconds; a minus is a failure.
    fn check(policy: Restart, ends: &[(i64, Verdict)]) {
        let (mut intensity, start) = (Intensity::new(policy), Instant::now());
        for (number, (end, wanted)) in ends.iter().enumerate() {
            let now = start + Duration::from_secs(end.unsigned_abs());
            assert_eq!(intensity.ended(*end < 0, now), *wanted, "{policy:?}: end {number}");
        }
    }

    #[test]
    fn so_many_starts_in_such_a_time_and_no_more() {
        use Verdict::{Again, Leave, TooOften};
        let five = Duration::from_secs(5);
        check(Restart::NEVER, &[(-1, Leave), (2, Leave)]);
        check(Restart::on_failure().bounded(2, five), &[(1, Leave), (-1, Again), (-2, Again), (-3, TooOften)]);
        check(Restart::always().bounded(2, five), &[(1, Again), (-2, Again), (3, TooOften)]);
        // What lies further back does not count: a slow trickle goes on for ever.
        check(Restart::on_failure().bounded(1, five), &[(-1, Again), (-6, Again), (-11, Again), (-15, TooOften)]);
        check(Restart::always().bounded(0, five), &[(1, TooOften)]);
        check(Restart::always().bounded(1, Duration::MAX), &[(1, Again), (1 << 30, TooOften)]);
    }
}
