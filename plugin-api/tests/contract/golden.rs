//! The bytes of blocks: pinned by golden files, and read back by a reader that knows `docs/abi.md` only.
//!
//! `CALOG_BLESS=1 cargo test -p calog-plugin-api --features host` writes the files anew. That is right
//! for a new sample; for an old one it means that `VALUE_FORMAT` must change.

use std::fmt::Write;
use std::path::PathBuf;

use calog_plugin_api::{Builder, Shape, VALUE_FORMAT, Value};

use crate::common::{Drops, callable, list, map, mixed, nested, object};

fn samples() -> Vec<(&'static str, Value)> {
    let drops = Drops::default();
    let scalars = list(&[
        Value::Nil,
        false.into(),
        true.into(),
        i64::MIN.into(),
        i64::MAX.into(),
        (-0.0).into(),
        f64::INFINITY.into(),
        "".into(),
        "text".into(),
        b"\0\xff"[..].into(),
        Value::bytes(b"raw bytes"),
    ]);
    let keys = [
        (Value::from("name"), Value::from("Ada")),
        (Value::Int(-1), Value::Nil),
        (Value::Real(2.0), "two".into()),
        (Value::Real(0.5), "half".into()),
    ];
    let record = |at: i64| map(&[("id", at.into()), ("tags", list(&["a".into(), at.into()]))]);
    let (function, cell) = (Value::from(callable(1, &drops)), Value::from(object(&drops)));
    vec![
        ("empty_list", list(&[])),
        ("empty_map", map(&[])),
        ("scalars", scalars),
        ("keys", Value::map(keys.clone()).expect("distinct keys")),
        ("mixed", mixed(&[10.into(), list(&[])], &keys)),
        ("records", list(&[record(1), record(2), record(3)])),
        ("references", map(&[("f", function.clone()), ("o", cell), ("g", list(&[function]))])),
        ("nested", list(&[nested(3).expect("three levels")])),
    ]
}

fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, line) in bytes.chunks(16).enumerate() {
        // Offsets count from the block's head, which takes 48 bytes.
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown: String = line.iter().map(|&b| if b.is_ascii_graphic() { b as char } else { '.' }).collect();
        writeln!(text, "{:04x}  {:<47}  {shown}", HEAD + at * 16, hex.join(" ")).expect("a String takes all");
    }
    text
}

#[test]
fn blocks_have_the_bytes_of_format_1() {
    assert_eq!(VALUE_FORMAT, 1, "a new format gets files of its own");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for (name, value) in samples() {
        let Value::Aggregate(aggregate) = &value else { panic!("{name} is no aggregate") };
        let text = format!("{value:?}\n{}", dump(aggregate.block_bytes()));
        let path = folder.join(format!("{name}.v{VALUE_FORMAT}.txt"));
        if std::env::var_os("CALOG_BLESS").is_some() {
            std::fs::write(&path, &text).expect("the golden folder can be written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(text, golden, "{name} differs from {}", path.display());
    }
}

#[test]
fn bytes_do_not_depend_on_how_a_value_was_built() {
    for (name, value) in samples() {
        let Value::Aggregate(one) = &value else { panic!("{name} is no aggregate") };
        let mut builder = Builder::new();
        builder.begin(Shape::List).and_then(|()| builder.key_str(b"left over")).expect("a good start");
        builder.reset();
        builder.value(&value).expect("it was built before");
        let Ok(Value::Aggregate(two)) = builder.finish() else { panic!("{name} was an aggregate") };
        assert_eq!(one.block_bytes(), two.block_bytes(), "{name}");
    }
}

/// Where `block_bytes` begins in its block.
const HEAD: usize = 48;
const NODE: usize = 24;
const SLOT: usize = 16;

/// Reads a block by the words of `docs/abi.md` and prints it as `Debug` does.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    keys: usize,
}

impl<'a> Reader<'a> {
    /// The value's whole text. The root is the last node before the keys.
    pub(crate) fn read(value: &'a Value) -> String {
        let Value::Aggregate(aggregate) = value else { return format!("{value:?}") };
        let view = aggregate.view();
        let bytes = aggregate.block_bytes();
        let keys = HEAD + bytes.len() - SLOT * view.key_ids();
        let (list, pairs) = (view.list_len(), view.pair_len());
        let root = keys - (NODE + SLOT * (list + pairs) + 4 * pairs).next_multiple_of(8);
        Reader { bytes, keys }.node(root)
    }

    fn number<const N: usize>(&self, at: usize) -> u64 {
        let mut word = [0; 8];
        word[..N].copy_from_slice(&self.bytes[at - HEAD..at - HEAD + N]);
        u64::from_le_bytes(word)
    }

    fn node(&self, at: usize) -> String {
        assert_eq!((at % 8, self.number::<4>(at) as usize), (0, at), "aligned, and `back` leads to the head");
        let [list, pairs] = [4, 8].map(|field| self.number::<4>(at + field) as usize);
        assert!(at + NODE + SLOT * (list + pairs) + 4 * pairs <= self.keys);
        assert_eq!(self.number::<4>(at + 20), 0, "reserved");
        let slots = at + NODE;
        let elements = (0..list).map(|index| self.slot(slots + SLOT * index));
        let ids = slots + SLOT * (list + pairs);
        let pairs = (0..pairs).map(|index| {
            let key = self.slot(self.keys + SLOT * self.number::<4>(ids + 4 * index) as usize);
            let bare = key.trim_matches('"');
            let word = bare.len() + 2 == key.len() && !bare.is_empty() && !bare.as_bytes()[0].is_ascii_digit();
            let word = word && bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let key = if word { bare } else { &key };
            format!("{key}: {}", self.slot(slots + SLOT * (list + index)))
        });
        let inside: Vec<String> = elements.chain(pairs).collect();
        match self.number::<2>(at + 18) {
            0 => format!("[{}]", inside.join(", ")),
            1 => format!("{{{}}}", inside.join(", ")),
            shape => panic!("shape {shape}"),
        }
    }

    fn slot(&self, at: usize) -> String {
        let (kind, flags, len) = (self.number::<1>(at), self.number::<1>(at + 1), self.number::<4>(at + 4) as usize);
        let payload = self.number::<8>(at + 8);
        assert_eq!(self.number::<2>(at + 2), 0, "reserved");
        assert!(kind == 4 || (flags, len) == (0, 0), "only strings have flags and a length");
        match kind {
            0 => "nil".into(),
            1 => (payload == 1).to_string(),
            2 => (payload as i64).to_string(),
            3 => format!("{:?}", f64::from_bits(payload)),
            4 => {
                let bytes = &self.bytes[payload as usize - HEAD..][..len];
                let mark = if flags == 1 { "b" } else { "" };
                match std::str::from_utf8(bytes) {
                    Ok(text) => format!("{mark}{text:?}"),
                    Err(_) => format!("{mark}\"{}\"", bytes.escape_ascii()),
                }
            }
            5 => self.node(payload as usize),
            6 | 7 => format!("<reference {payload}>"),
            kind => panic!("kind {kind}"),
        }
    }
}

#[test]
fn a_reader_that_knows_the_document_only_reads_every_sample() {
    for (name, value) in samples() {
        if name != "references" {
            assert_eq!(Reader::read(&value), format!("{value:?}"), "{name}");
        }
    }
    let (_, references) = samples().swap_remove(6);
    assert_eq!(Reader::read(&references), "{f: <reference 0>, o: <reference 1>, g: [<reference 2>]}");
}
