//! Random values: built, read, built again, written and read by serde, always the same.

use calog_plugin_api::{AggregateView, Builder, Shape, Value, View, from_value, to_value};

use crate::golden::Reader;

/// Numbers that are the same in every run: a failure names its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 11) % end
    }

    fn text(&mut self) -> String {
        let alphabet = ['a', 'b', '_', '"', '\\', '\0', ' ', 'é', '\u{1f600}', '1'];
        (0..self.below(12)).map(|_| alphabet[self.below(10) as usize]).collect()
    }

    fn int(&mut self) -> i64 {
        match self.below(4) {
            0 => [i64::MIN, i64::MAX, 0, -1, (1 << 53) + 1][self.below(5) as usize],
            _ => self.next() as i64 >> self.below(64),
        }
    }

    /// Eighths of small ints, which every format keeps exactly.
    fn real(&mut self) -> f64 {
        (self.int() >> 20) as f64 / 8.0
    }
}

/// What the values may hold.
#[derive(Clone, Copy)]
struct Form {
    /// Only what JSON can say: string keys, text, finite numbers, no list with pairs.
    json: bool,
}

fn fill(builder: &mut Builder, random: &mut Random, form: Form, levels: u64) {
    let aggregate = levels > 0 && random.below(3) > 0;
    match (aggregate, random.below(7)) {
        (true, _) => fill_aggregate(builder, random, form, levels),
        (_, 0) => builder.nil(),
        (_, 1) => builder.bool(random.below(2) == 1),
        (_, 2) => builder.int(random.int()),
        (_, 3) => builder.real(random.real()),
        (_, 4) if !form.json => builder.real([f64::INFINITY, -0.0, f64::MIN_POSITIVE][random.below(3) as usize]),
        (_, 5) if !form.json => builder.bytes(&random.next().to_le_bytes()).unwrap(),
        _ => builder.string(random.text().as_bytes()).unwrap(),
    }
}

fn fill_aggregate(builder: &mut Builder, random: &mut Random, form: Form, levels: u64) {
    let map = random.below(2) == 1;
    builder.begin(if map { Shape::Map } else { Shape::List }).unwrap();
    let (list, pairs) = match (form.json, map) {
        (_, false) => (random.below(6), 0),
        (true, true) => (0, random.below(20)),
        (false, true) => (random.below(3), random.below(20)),
    };
    // Elements and pairs interleave; the list part still comes first when it is read.
    for at in 0..list.max(pairs) {
        if at < pairs {
            match random.below(if form.json { 1 } else { 3 }) {
                0 => builder.key_str(format!("{}#{at}", random.text()).as_bytes()).unwrap(),
                1 => builder.key_int((random.int() << 5) ^ at as i64).unwrap(),
                _ => builder.key_real(at as f64 + 0.5).unwrap(),
            }
            fill(builder, random, form, levels - 1);
        }
        if at < list {
            fill(builder, random, form, levels - 1);
        }
    }
    builder.end().unwrap();
}

fn random_value(seed: u64, form: Form) -> Value {
    let mut builder = Builder::new();
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    fill(&mut builder, &mut random, form, 4);
    builder.finish().unwrap()
}

/// Depth and size by walking, as against the numbers that the builder wrote.
fn measure(view: View<'_>) -> (usize, usize) {
    let Some(aggregate) = view.as_aggregate() else { return (0, 1) };
    let children = aggregate.elements().chain(aggregate.pairs().map(|pair| pair.value));
    let (depth, size) = children.map(measure).fold((0, 1), |(d, s), (depth, size)| (d.max(depth), s + size));
    check_numbers(aggregate, depth + 1, size);
    (depth + 1, size)
}

fn check_numbers(aggregate: AggregateView<'_>, depth: usize, size: usize) {
    assert_eq!((aggregate.depth(), aggregate.size()), (depth, size), "{aggregate:?}");
}

const ROUNDS: u64 = 400;

#[test]
fn built_viewed_and_built_again() {
    let mut largest = 0;
    let mut builder = Builder::new();
    for seed in 0..ROUNDS {
        let value = random_value(seed, Form { json: false });
        let (depth, size) = measure(value.view());
        assert_eq!((value.depth(), value.size()), (depth, size), "seed {seed}");
        assert_eq!(Reader::read(&value), format!("{value:?}"), "seed {seed}");
        builder.value(&value).unwrap();
        let again = builder.finish().unwrap();
        assert_eq!(again, value, "seed {seed}");
        assert_eq!(format!("{again:?}"), format!("{value:?}"), "seed {seed}");
        if let Value::Aggregate(aggregate) = &value {
            assert_eq!(&aggregate.compact().unwrap(), aggregate, "seed {seed}");
        }
        largest = largest.max(size);
    }
    assert!(largest > 1000, "the generator makes only small values: {largest}");
}

#[test]
fn every_nested_aggregate_outlives_the_rest() {
    for seed in 0..200 {
        let value = random_value(seed, Form { json: false });
        let Some(aggregate) = value.view().as_aggregate() else { continue };
        let text: Vec<String> = aggregate.elements().map(|it| format!("{it:?}")).collect();
        let owned: Vec<Value> = aggregate.elements().map(View::to_value).collect();
        drop(value);
        let after: Vec<String> = owned.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(after, text, "seed {seed}");
    }
}

#[test]
fn through_serde_and_through_json() {
    for seed in 0..ROUNDS {
        let value = random_value(seed, Form { json: true });
        assert_eq!(to_value(&value).unwrap(), value, "seed {seed}");
        assert_eq!(from_value::<Value>(value.view()).unwrap(), value, "seed {seed}");
        let text = serde_json::to_string(&value).unwrap();
        let again: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, value, "seed {seed}: {text}");
        assert_eq!(format!("{again:?}"), format!("{value:?}"), "order is kept, seed {seed}");
    }
}
