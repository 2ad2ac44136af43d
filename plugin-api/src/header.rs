//! The header that a plugin carries in its section `.calog_plugin`: what it is and offers, readable
//! from the file before any of its code runs.
//!
//! It has no pointers, so it reads the same from the file and from memory, and a fixed layout, so
//! that any version of the host can say what it found. Texts are padded with zeros.

use crate::abi::ABI_VERSION;
use crate::engine::{Engine, Threading};
use crate::value::VALUE_FORMAT;

/// The section's name.
pub const SECTION: &str = ".calog_plugin";

/// What the header begins with.
pub const MAGIC: [u8; 16] = *b"calog plugin 01\n";

/// The version of this crate, which plugin and host compare by semver.
pub const API_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the plugin was built for.
pub const TARGET: &str = env!("CALOG_TARGET");

/// How many engines and bundles one plugin may hold.
pub const MAX_ENTRIES: usize = 16;

/// One engine or bundle.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    /// `Entry::ENGINE` or `Entry::BUNDLE`.
    pub kind: u8,
    /// `Threading` as a number.
    pub threading: u8,
    /// Zero.
    pub reserved: [u8; 6],
    /// Its name.
    pub name: [u8; 48],
    /// An engine's language.
    pub language: [u8; 48],
    /// An engine's extensions, separated by spaces.
    pub extensions: [u8; 88],
}

impl Entry {
    /// The kind of an engine.
    pub const ENGINE: u8 = 1;
    /// The kind of a bundle.
    pub const BUNDLE: u8 = 2;

    const NONE: Entry =
        Entry { kind: 0, threading: 0, reserved: [0; 6], name: [0; 48], language: [0; 48], extensions: [0; 88] };

    /// The entry of this engine.
    pub const fn engine<E: Engine>() -> Entry {
        Entry {
            kind: Entry::ENGINE,
            threading: E::THREADING as u8,
            name: padded(E::NAME),
            language: padded(E::LANGUAGE),
            extensions: joined(E::EXTENSIONS),
            ..Entry::NONE
        }
    }

    /// The entry of a bundle.
    pub const fn bundle(name: &str) -> Entry {
        Entry { kind: Entry::BUNDLE, threading: Threading::PerContext as u8, name: padded(name), ..Entry::NONE }
    }
}

/// The header.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Header {
    /// `MAGIC`.
    pub magic: [u8; 16],
    /// Bytes of the header as its maker knows it.
    pub size: u32,
    /// The ABI version's major number.
    pub abi_major: u32,
    /// And its minor number.
    pub abi_minor: u32,
    /// The format of values.
    pub value_format: u32,
    /// The version of calog-plugin-api.
    pub api_version: [u8; 32],
    /// The plugin's name.
    pub name: [u8; 64],
    /// The plugin's version.
    pub version: [u8; 32],
    /// What it was built for.
    pub target: [u8; 64],
    /// 1 when panics unwind, 2 when they abort.
    pub panic: u8,
    /// How many entries there are.
    pub entry_count: u8,
    /// Zero.
    pub reserved: [u8; 6],
    /// The entries.
    pub entries: [Entry; MAX_ENTRIES],
}

/// `Header::panic` of a plugin whose panics unwind.
pub const PANIC_UNWINDS: u8 = 1;
/// `Header::panic` of a plugin whose panics abort.
pub const PANIC_ABORTS: u8 = 2;

impl Header {
    /// The header of a plugin with this name, version and entries. `unwinds` says what its panics do.
    pub const fn new(name: &str, version: &str, unwinds: bool, entries: &[Entry]) -> Header {
        assert!(entries.len() <= MAX_ENTRIES, "a plugin may hold 16 engines and bundles");
        let mut all = [Entry::NONE; MAX_ENTRIES];
        let mut at = 0;
        while at < entries.len() {
            all[at] = entries[at];
            at += 1;
        }
        Header {
            magic: MAGIC,
            size: size_of::<Header>() as u32,
            abi_major: ABI_VERSION.major,
            abi_minor: ABI_VERSION.minor,
            value_format: VALUE_FORMAT,
            api_version: padded(API_VERSION),
            name: padded(name),
            version: padded(version),
            target: padded(TARGET),
            panic: if unwinds { PANIC_UNWINDS } else { PANIC_ABORTS },
            entry_count: entries.len() as u8,
            reserved: [0; 6],
            entries: all,
        }
    }
}

/// A text padded with zeros. At least one zero stays, so that its end can be seen.
const fn padded<const N: usize>(text: &str) -> [u8; N] {
    append([0; N], 0, text.as_bytes())
}

/// Texts separated by spaces, padded with zeros.
const fn joined<const N: usize>(texts: &[&str]) -> [u8; N] {
    let mut all = [0; N];
    let (mut at, mut end) = (0, 0);
    while at < texts.len() {
        if at > 0 {
            all = append(all, end, b" ");
            end += 1;
        }
        all = append(all, end, texts[at].as_bytes());
        end += texts[at].len();
        at += 1;
    }
    all
}

const fn append<const N: usize>(mut all: [u8; N], from: usize, bytes: &[u8]) -> [u8; N] {
    assert!(from + bytes.len() < N, "a name in the plugin's header is too long");
    let mut at = 0;
    while at < bytes.len() {
        all[from + at] = bytes[at];
        at += 1;
    }
    all
}
