//! The conformance kit: what "an engine works" means, as scenarios that every engine must pass.
//!
//! The scenarios are data, in `tests/conformance/scenarios`; so are the languages, in
//! `tests/conformance/languages`: for each a file of small pieces of script that do the same thing in
//! all of them. What each piece does is said in `tests/conformance/README.md`. Where two sides matter
//! a scenario is run for every ordered pair of languages, on threads of their own and on one thread.

pub mod fidelity;
pub mod language;
pub mod notation;
mod play;
mod props;
pub mod rows;
pub mod scenario;
mod stage;
pub mod verdict;

use calog::SearchPath;

pub use language::Language;
pub use rows::run_values;
pub use scenario::Scenario;
pub use stage::Combination;
pub use verdict::{Line, Table, Verdict};

/// In which orders a language is paired with its peers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Orders {
    /// It is `a` in one and `b` in the other.
    Both,
    /// It is always `a`: where each of the peers is the subject in its turn.
    SubjectFirst,
}

/// Plays one scenario with a language by itself, or with each of its peers and itself.
pub fn run(search: &SearchPath, scenario: &Scenario, subject: &Language, peers: &[Language], orders: Orders) -> Line {
    let mut line = Line::of(&scenario.name);
    for with in combinations(scenario, subject, peers, orders) {
        line.add(&with.to_string(), play::play(search, scenario, with));
    }
    line
}

/// The combinations of a scenario: each is there once.
fn combinations<'a>(
    scenario: &Scenario,
    subject: &'a Language,
    peers: &'a [Language],
    orders: Orders,
) -> Vec<Combination<'a>> {
    let pair = scenario.is_of_two();
    let pairs = if pair { pairs(subject, peers, orders) } else { vec![(subject, subject)] };
    let threads = scenario.threads.choices();
    let threads = if pair || !scenario.c.is_empty() { threads } else { &threads[..1] };
    let all =
        pairs.into_iter().flat_map(|(a, b)| threads.iter().map(move |&shared| Combination { a, b, shared, pair }));
    all.collect()
}

/// A language with itself and with each of its peers.
fn pairs<'a>(subject: &'a Language, peers: &'a [Language], orders: Orders) -> Vec<(&'a Language, &'a Language)> {
    let others = || peers.iter().filter(|peer| peer.language != subject.language);
    let mut pairs = vec![(subject, subject)];
    pairs.extend(others().map(|peer| (subject, peer)));
    if orders == Orders::Both {
        pairs.extend(others().map(|peer| (peer, subject)));
    }
    pairs
}
