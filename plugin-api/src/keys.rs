//! Maps by numbers that nobody outside chooses: keys, addresses, ids. They need no hash that resists
//! attacks, and are on every call's way.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

/// A map by a number that is given out, not chosen: a [`FunctionKey`](crate::FunctionKey), an address.
pub type KeyMap<K, V> = HashMap<K, V, ByKey>;

/// Hashes a number by multiplying.
#[derive(Clone, Copy, Default, Debug)]
pub struct ByKey(u64);

impl BuildHasher for ByKey {
    type Hasher = ByKey;
    #[inline]
    fn build_hasher(&self) -> ByKey {
        ByKey(0)
    }
}

impl Hasher for ByKey {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // Multiplying spreads the low bits over the high ones, and turning brings those to where a
        // table looks for its bucket.
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}
