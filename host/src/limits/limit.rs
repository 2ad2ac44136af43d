//! What may be limited: one line each, with its key and its unit.

use std::fmt::{self, Display, Formatter};

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $unit:ident, $words:literal;)*) => {
        /// Something of which a context may have so much at most.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Limit { $($(#[$doc])* $name,)* }

        impl Limit {
            /// All of them, in the order of their numbers.
            pub(crate) const ALL: &'static [Limit] = &[$(Limit::$name),*];
            /// Their keys, in the same order.
            pub(crate) const KEYS: &'static [&'static str] = &[$($key),*];
            pub(crate) const COUNT: usize = Limit::ALL.len();

            /// Its key in `[context.limits]`.
            pub(crate) fn key(self) -> &'static str {
                match self { $(Limit::$name => $key,)* }
            }

            pub(crate) fn unit(self) -> Unit {
                match self { $(Limit::$name => Unit::$unit,)* }
            }

            /// So much of it, in words.
            pub(crate) fn shown(self, most: u64) -> String {
                let amount = match self.unit() {
                    Unit::Bytes => Bytes(most).to_string(),
                    Unit::Count => most.to_string(),
                };
                match self { $(Limit::$name => format!("{amount} {}", $words),)* }
            }
        }
    };
}

limits! {
    /// What it prints, all in all.
    Output = "output", Bytes, "of output";
    /// Contexts that it, and those that it opened, have open at a time.
    Contexts = "contexts", Count, "contexts that it opened";
    /// Functions of it that others hold at a time.
    Callables = "callables", Count, "functions that others hold";
    /// How long its code may run at a time, without waits.
    TimePerCall = "time_per_call_ms", Count, "ms of time for a call";
    /// How long its code may run, all in all.
    Cpu = "cpu_ms", Count, "ms of time for all calls";
    /// Entries into it that lie upon each other on its thread's stack.
    Nesting = "nesting", Count, "calls within each other";
    /// Tasks of it that are suspended at a time.
    Tasks = "tasks", Count, "tasks that wait";
    /// What its interpreter allocates.
    Memory = "memory", Bytes, "of memory";
    /// What it has put into queues, and nobody has taken out.
    QueueItems = "queue_items", Count, "items in queues";
    /// Sockets of it that are open or being opened.
    Sockets = "sockets", Count, "sockets";
}

/// What is counted: what the host knows, or what a bundle has of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum What {
    Known(Limit),
    /// `db.connections`, which is the key `limits.db.connections`.
    OfBundle(Box<str>),
}

impl What {
    /// What natives call so.
    pub(crate) fn named(key: &str) -> What {
        let known = Limit::ALL.iter().find(|limit| limit.key() == key);
        known.map_or_else(|| What::OfBundle(key.into()), |limit| What::Known(*limit))
    }

    /// Its key in `[context.limits]`.
    pub(crate) fn key(&self) -> &str {
        match self {
            What::Known(limit) => limit.key(),
            What::OfBundle(key) => key,
        }
    }

    /// So much of it, in words.
    pub(crate) fn shown(&self, most: u64) -> String {
        match self {
            What::Known(limit) => limit.shown(most),
            What::OfBundle(key) => format!("{most} {key}"),
        }
    }
}

impl From<Limit> for What {
    fn from(limit: Limit) -> What {
        What::Known(limit)
    }
}

/// How an amount is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Bytes,
    Count,
}

impl Unit {
    /// What its amounts look like, in words.
    pub(crate) fn wanted(self) -> &'static str {
        match self {
            Unit::Bytes => Bytes::WANTED,
            Unit::Count => Count::WANTED,
        }
    }
}

/// So many of something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Count(pub(crate) u64);

impl Count {
    pub(crate) const WANTED: &'static str = "a number from 0";
}

/// An amount of bytes: a number, or one with a unit, as "64 MiB".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bytes(pub u64);

/// Units of bytes, the largest first.
const UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Bytes {
    pub(crate) const WANTED: &'static str =
        r#"a number of bytes from 0, or one with a unit, as "64 MiB" (KiB, MiB, GiB)"#;

    /// The amount that is written so.
    pub fn parse(text: &str) -> Option<Bytes> {
        let text = text.trim();
        let (number, unit) = UNITS.iter().find_map(|(word, unit)| Some((text.strip_suffix(word)?, *unit)))?;
        number.trim_end().parse::<u64>().ok()?.checked_mul(unit).map(Bytes)
    }
}

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(word, unit)| *word != "B" && self.0 > 0 && self.0.is_multiple_of(*unit)) {
            Some((word, unit)) => write!(f, "{} {word}", self.0 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

/// How much there may be of what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Caps {
    known: [Option<u64>; Limit::COUNT],
    /// Keys as `db.connections`.
    of_bundles: Vec<(Box<str>, u64)>,
}

impl Caps {
    pub(crate) fn get(&self, limit: Limit) -> Option<u64> {
        self.known[limit as usize]
    }

    pub(crate) fn of_bundles(&self) -> &[(Box<str>, u64)] {
        &self.of_bundles
    }

    pub(crate) fn set(&mut self, what: impl Into<What>, most: u64) {
        match what.into() {
            What::Known(limit) => self.known[limit as usize] = Some(most),
            What::OfBundle(key) => {
                self.of_bundles.retain(|(known, _)| *known != key);
                self.of_bundles.push((key, most));
            }
        }
    }

    /// Whether they say anything of it.
    pub(crate) fn name(&self, what: &What) -> bool {
        match what {
            What::Known(limit) => self.get(*limit).is_some(),
            What::OfBundle(key) => self.of_bundles.iter().any(|(known, _)| known == key),
        }
    }

    /// These, and those of the others where these say nothing.
    pub(crate) fn or(&self, others: Caps) -> Caps {
        let mut all = others;
        Limit::ALL.iter().for_each(|limit| self.get(*limit).into_iter().for_each(|most| all.set(*limit, most)));
        self.of_bundles.iter().for_each(|(key, most)| all.set(What::OfBundle(key.clone()), *most));
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.iter().all(Option::is_none) && self.of_bundles.is_empty()
    }
}
