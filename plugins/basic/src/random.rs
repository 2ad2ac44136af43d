//! Random numbers: splitmix64, whose whole state is one number that SRND sets.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of random numbers.
pub(crate) struct Random(Cell<u64>);

impl Random {
    /// One that is different each time.
    pub(crate) fn seeded() -> Random {
        Random(Cell::new(RandomState::new().build_hasher().finish()))
    }

    /// Begins the sequence of this seed.
    pub(crate) fn seed(&self, seed: u64) {
        self.0.set(seed);
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A real from 0 to 1.
    pub(crate) fn real(&self) -> f64 {
        (self.next() >> 11) as f64 / ((1_u64 << 53) - 1) as f64
    }

    /// An integer from `low` to `high`, both included.
    pub(crate) fn int(&self, low: i64, high: i64) -> i64 {
        let span = high.wrapping_sub(low) as u64;
        if span == u64::MAX {
            return self.next() as i64;
        }
        // What lies beyond the last whole span would favour small numbers.
        let count = span + 1;
        let limit = u64::MAX - u64::MAX % count;
        loop {
            let number = self.next();
            if number < limit {
                return low.wrapping_add((number % count) as i64);
            }
        }
    }
}
