//! Values made of bytes that somebody else chose. Any bytes are a value, and every kind of value is
//! made of some bytes: lists with pairs, keys of all types, strings that are no UTF-8.

use calog_plugin_api::{Builder, Shape, Value};

/// Bytes that are used up from the front; behind their end there are zeros.
pub struct Dough<'a>(&'a [u8]);

/// Numbers at which conversions change their mind.
const EDGES: [i64; 12] =
    [0, 1, -1, 2, 1 << 31, 1 << 32, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, i64::MIN];
const REALS: [f64; 10] =
    [0.0, -0.0, 0.5, 2.0, 1e300, f64::MIN_POSITIVE, 9007199254740993.0, 9.3e18, f64::INFINITY, f64::NEG_INFINITY];
/// Names that mean something to one language or another.
const NAMES: [&str; 12] =
    ["a", "b", "0", "1", "-0", "__proto__", "constructor", "length", "then", "toString", "n", "valueOf"];

/// How deep a value gets by itself; towers are deeper.
const LEVELS: u32 = 6;
/// How many elements and pairs one aggregate has at most.
const MEMBERS: u64 = 12;

impl<'a> Dough<'a> {
    /// All of these.
    pub fn new(bytes: &'a [u8]) -> Dough<'a> {
        Dough(bytes)
    }

    /// Whether all are used up.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below this one, of one byte.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::from(self.byte()) % end
    }

    /// Any number.
    pub fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// A number as scripts use them, often at an edge.
    pub fn int(&mut self) -> i64 {
        match self.byte() {
            small @ 0..128 => i64::from(small) - 16,
            edge @ 128..224 => EDGES[usize::from(edge) % EDGES.len()],
            _ => self.word() as i64,
        }
    }

    fn real(&mut self) -> f64 {
        match self.byte() {
            edge @ 0..128 => REALS[usize::from(edge) % REALS.len()],
            _ => Some(f64::from_bits(self.word())).filter(|real| !real.is_nan()).unwrap_or(1.5),
        }
    }

    /// Some bytes, often a name.
    pub fn text(&mut self) -> Vec<u8> {
        match self.byte() {
            name @ 0..160 => NAMES[usize::from(name) % NAMES.len()].into(),
            length => {
                let (text, rest) = self.0.split_at(self.0.len().min(usize::from(length % 32)));
                self.0 = rest;
                text.to_vec()
            }
        }
    }

    /// A value without functions and Objects, and without NaN, which equals nothing.
    pub fn value(&mut self) -> Value {
        let mut builder = Builder::new();
        self.fill(&mut builder, LEVELS);
        // It is complete and shallow.
        builder.finish().expect("a complete value")
    }

    fn fill(&mut self, builder: &mut Builder, levels: u32) {
        match self.below(if levels == 0 { 6 } else { 12 }) {
            0 => builder.nil(),
            1 => {
                let bit = self.byte() & 1 == 1;
                builder.bool(bit);
            }
            2 => {
                let int = self.int();
                builder.int(int);
            }
            3 => {
                let real = self.real();
                builder.real(real);
            }
            4 => builder.string(&self.text()).expect("a short string"),
            5 => builder.bytes(&self.text()).expect("a short string"),
            6 => self.tower(builder),
            _ => self.aggregate(builder, levels - 1),
        }
    }

    /// Lists in lists, up to a depth that engines with small stacks notice.
    fn tower(&mut self, builder: &mut Builder) {
        let height = 1 + self.below(100);
        (0..height).for_each(|_| builder.begin(Shape::List).expect("it is not too deep"));
        (0..height).for_each(|_| builder.end().expect("it has begun"));
    }

    fn aggregate(&mut self, builder: &mut Builder, levels: u32) {
        let shape = if self.byte() & 1 == 1 { Shape::Map } else { Shape::List };
        builder.begin(shape).expect("it is not too deep");
        let mut keys = Vec::new();
        for _ in 0..self.below(MEMBERS) {
            if self.byte() & 1 == 1 {
                let key = self.key();
                // A key that comes twice is an error.
                let text =
                    key.view().as_number().map_or_else(|| format!("{key:?}"), |number| (number + 0.0).to_string());
                if !keys.contains(&text) {
                    keys.push(text);
                    builder.key(&key).expect("keys are ints, reals and strings");
                }
            }
            self.fill(builder, levels);
        }
        builder.end().expect("it has begun");
    }

    fn key(&mut self) -> Value {
        match self.below(4) {
            0 => self.int().into(),
            1 => self.real().into(),
            _ => self.text()[..].into(),
        }
    }
}
