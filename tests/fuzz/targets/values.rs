//! The block format: any sequence of a builder's steps gives an error or a block, and every way to read
//! a block tells the same.

#![no_main]

use calog_fuzz::dough::Dough;
use calog_plugin_api::{AggregateView, Builder, Index, Shape, Value, View};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut dough = Dough::new(bytes);
    let known = dough.value();
    check(&known);
    let mut builder = Builder::new();
    while !dough.is_empty() {
        if let Some(built) = step(&mut builder, &mut dough, &known) {
            check(&built);
        }
    }
});

/// One call of the builder, at whatever time. An error leaves it to be reset, as documented.
fn step(builder: &mut Builder, dough: &mut Dough<'_>, known: &Value) -> Option<Value> {
    let done = match dough.below(16) {
        0 => Ok(builder.nil()),
        1 => Ok(builder.bool(dough.byte() & 1 == 1)),
        2 => Ok(builder.int(dough.int())),
        3 => Ok(builder.real(dough.int() as f64 / 2.0)),
        4 => builder.string(&dough.text()),
        5 => builder.bytes(&dough.text()),
        6 | 7 => builder.begin(if dough.byte() & 1 == 1 { Shape::Map } else { Shape::List }),
        8 | 9 => builder.end(),
        10 => builder.key_str(&dough.text()),
        11 => builder.key_int(dough.int()),
        12 => builder.key_real(dough.int() as f64 / 2.0),
        13 => builder.key(&dough.value()),
        14 => builder.value(known),
        _ => match builder.finish() {
            Ok(value) => return Some(value),
            Err(error) => Err(error),
        },
    };
    if done.is_err() {
        builder.reset();
    }
    None
}

fn check(value: &Value) {
    let (depth, size) = measure(value.view());
    assert_eq!((value.depth(), value.size()), (depth, size), "{value:?}");
    let mut builder = Builder::new();
    builder.value(value).expect("it was built before");
    let again = builder.finish().expect("it was built before");
    assert_eq!(&again, value);
    assert_eq!(format!("{again:?}"), format!("{value:?}"));
    if let Value::Aggregate(aggregate) = value {
        assert_eq!(&aggregate.compact().expect("it was built before"), aggregate);
        let kept: Vec<Value> = aggregate.view().elements().map(View::to_value).collect();
        let shown = format!("{kept:?}");
        drop(again);
        assert_eq!(format!("{kept:?}"), shown);
    }
    // Structures know no unit in keys and no list with pairs; what is refused is refused in words.
    if let Ok(data) = calog_plugin_api::to_value(value) {
        assert!(data.size() <= value.size(), "{value:?} became {data:?}");
    }
}

/// Depth and size by walking, and each pair by its key.
fn measure(view: View<'_>) -> (usize, usize) {
    let Some(aggregate) = view.as_aggregate() else { return (0, 1) };
    find_pairs(aggregate);
    let children = aggregate.elements().chain(aggregate.pairs().map(|pair| pair.value));
    let (depth, size) = children.map(measure).fold((0, 1), |(d, s), (depth, size)| (d.max(depth), s + size));
    assert_eq!((aggregate.depth(), aggregate.size()), (depth + 1, size), "{aggregate:?}");
    (depth + 1, size)
}

fn find_pairs(aggregate: AggregateView<'_>) {
    let index = Index::new(aggregate);
    for pair in aggregate.pairs() {
        let by_key = match (pair.key.as_bytes(), pair.key.as_int()) {
            (Some(text), _) => aggregate.get(text),
            (_, Some(int)) => aggregate.get_int(int),
            _ => index.get(pair.key),
        };
        let shown = |view: Option<View<'_>>| format!("{view:?}");
        assert_eq!(shown(by_key), shown(index.get(pair.key)), "{:?} in {aggregate:?}", pair.key);
        assert!(by_key.is_some(), "{:?} in {aggregate:?}", pair.key);
    }
}
