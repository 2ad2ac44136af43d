//! The builder: what it refuses, and that it serves again after it refused.

use calog_plugin_api::{Builder, Code, MAX_DEPTH, Result, Shape, Value};

use crate::common::{Drops, callable, list, map, nested, object, show};

/// Builds and compares the outcome; then the same builder must build something else.
fn check(expected: &str, fill: impl FnOnce(&mut Builder) -> Result<()>) {
    let mut builder = Builder::new();
    let result = match fill(&mut builder) {
        Ok(()) => builder.finish(),
        Err(error) => {
            builder.reset();
            Err(error)
        }
    };
    assert_eq!(show(&result), expected);
    builder.begin(Shape::Map).unwrap();
    builder.key_str(b"again").unwrap();
    builder.int(1);
    builder.end().unwrap();
    assert_eq!(show(&builder.finish()), "{again: 1}", "after {expected}");
}

#[test]
fn misuse_is_an_error_and_the_builder_serves_again() {
    check("type: a builder must hold one value when it finishes: 0 here, 0 still open", |_| Ok(()));
    check("type: a builder must hold one value when it finishes: 2 here, 0 still open", |b| {
        b.nil();
        b.string(b"left")
    });
    check("type: a builder must hold one value when it finishes: 1 here, 2 still open", |b| {
        b.begin(Shape::List)?;
        b.int(1);
        b.begin(Shape::Map)
    });
    check("type: no aggregate is open in this builder", Builder::end);
    check("type: no aggregate is open in this builder", Builder::end_distinct);
    check("type: no aggregate is open in this builder", |b| b.key_str(b"k"));
    check("type: a map's key has no value", |b| {
        b.begin(Shape::Map)?;
        b.key_str(b"k")?;
        b.key_str(b"l")
    });
    check("type: a map's key has no value", |b| {
        b.begin(Shape::Map)?;
        b.key_int(1)?;
        b.end()
    });
    check("type: a bool is no key: keys are strings, ints and reals", |b| {
        b.begin(Shape::Map)?;
        b.key(&Value::Bool(true))
    });
    check("type: NaN is no key: it does not even equal itself", |b| {
        b.begin(Shape::Map)?;
        b.key_real(f64::NAN)
    });
}

#[test]
fn a_key_that_comes_twice_is_an_error() {
    let drops = Drops::default();
    let twice = |keys: Vec<Value>| {
        move |b: &mut Builder| {
            b.begin(Shape::Map)?;
            for key in &keys {
                b.key(key)?;
                b.nil();
            }
            b.end()
        }
    };
    check(r#"unsupported: the key "a" comes twice in one map"#, twice(vec!["a".into(), "b".into(), "a".into()]));
    check("unsupported: the key 1 comes twice in one map", twice(vec![1.into(), 1.0.into()]));
    check("unsupported: the key 0 comes twice in one map", twice(vec![0.into(), (-0.0).into()]));
    check("unsupported: the key 0.5 comes twice in one map", twice(vec![0.5.into(), 0.5.into()]));
    check(r#"unsupported: the key "a" comes twice in one map"#, twice(vec!["a".into(), Value::bytes("a")]));
    check(r#"{"1": nil, 1: nil}"#, twice(vec!["1".into(), 1.into()]));
    let many = (0..100).map(Value::Int).chain([Value::Int(42)]);
    check("unsupported: the key 42 comes twice in one map", twice(many.collect()));
    check(r#"unsupported: the key "k" comes twice in one map"#, |b| {
        b.begin(Shape::Map)?;
        b.key_interned(0x1000, b"k")?;
        b.callable(callable(1, &drops));
        b.key_str(b"k")?;
        b.nil();
        b.end()
    });
    assert_eq!(drops.count(), 1, "what was pushed before the error is dropped");
}

#[test]
fn nesting_of_128_levels_is_allowed_and_129_is_not() {
    let refused = "depth: the value nests deeper than 128 levels";
    let deepest = nested(MAX_DEPTH).unwrap();
    assert_eq!((deepest.depth(), deepest.size()), (128, 128));
    assert_eq!(show(&nested(MAX_DEPTH + 1)), refused);
    assert_eq!(show(&Value::list([deepest.clone()])), refused);
    assert_eq!(show(&Value::map([("k", deepest.clone())])), refused);
    assert_eq!(Value::list([nested(127).unwrap()]).unwrap(), deepest);
    check(refused, |b| {
        (0..MAX_DEPTH).try_for_each(|_| b.begin(Shape::Map).and_then(|()| b.key_int(1)))?;
        b.value(&list(&[]))
    });
}

#[test]
fn list_elements_may_come_after_pairs() {
    check("{1, [2, {x: 3}], {}, 4, a: 10, b: [20], 7: 70}", |b| {
        b.begin(Shape::List)?;
        b.int(1);
        b.key_str(b"a")?;
        b.int(10);
        b.begin(Shape::List)?;
        b.int(2);
        b.begin(Shape::List)?;
        b.key_str(b"x")?;
        b.int(3);
        b.end()?;
        b.end()?;
        b.key_str(b"b")?;
        b.begin(Shape::List)?;
        b.int(20);
        b.end()?;
        b.begin(Shape::Map)?;
        b.end()?;
        b.key_real(7.0)?;
        b.int(70);
        b.int(4);
        b.end()
    });
}

#[test]
fn what_is_no_aggregate_finishes_as_itself() {
    let drops = Drops::default();
    let values: [Value; 8] = [
        Value::Nil,
        true.into(),
        i64::MIN.into(),
        (-0.5).into(),
        "text".into(),
        Value::bytes(b"\0\xff"),
        callable(5, &drops).into(),
        object(&drops).into(),
    ];
    let mut builder = Builder::new();
    for value in &values {
        builder.value(value).unwrap();
        assert_eq!(&builder.finish().unwrap(), value);
    }
    assert_eq!(drops.count(), 0);
}

#[test]
fn a_refused_finish_drops_what_was_pushed() {
    let drops = Drops::default();
    let mut builder = Builder::new();
    builder.callable(callable(1, &drops));
    builder.object(object(&drops));
    assert_eq!(builder.finish().map_err(|error| error.code()), Err(Code::Type));
    assert_eq!(drops.count(), 2);
}

#[test]
fn interned_keys_are_told_by_address_within_one_value_only() {
    let mut builder = Builder::new();
    // 2,000 addresses in a cache that grows to 512 entries, each seen thrice, in turn.
    let record = |builder: &mut Builder, round: usize| {
        builder.begin(Shape::Map).unwrap();
        for key in 0..2000_usize {
            builder.key_interned(0x10_000 + key * 16, format!("key{key}").as_bytes()).unwrap();
            builder.int((key * round) as i64);
        }
        builder.end().unwrap();
    };
    builder.begin(Shape::List).unwrap();
    (0..3).for_each(|round| record(&mut builder, round));
    builder.end().unwrap();
    let value = builder.finish().unwrap();
    let records = value.view().as_aggregate().unwrap();
    for (round, record) in records.elements().enumerate() {
        for (key, pair) in record.as_aggregate().unwrap().pairs().enumerate() {
            assert_eq!(pair.key.as_str(), Some(format!("key{key}").as_str()));
            assert_eq!(pair.value.as_int(), Some((key * round) as i64));
        }
    }
    // The same address stands for another text in the next value.
    for text in ["first", "second"] {
        builder.begin(Shape::Map).unwrap();
        builder.key_interned(0x1000, text.as_bytes()).unwrap();
        builder.nil();
        builder.end().unwrap();
        assert_eq!(builder.finish().unwrap(), map(&[(text, Value::Nil)]));
    }
}

#[test]
fn a_million_ints_and_ten_megabytes() {
    let ints = Value::list(0..1_000_000_i64).unwrap();
    let view = ints.view().as_aggregate().unwrap();
    assert_eq!((view.list_len(), ints.size(), ints.depth()), (1_000_000, 1_000_001, 1));
    assert!(view.elements().map(|it| it.as_int()).eq((0..1_000_000).map(Some)));
    assert_eq!(view.element(999_999).and_then(|it| it.as_int()), Some(999_999));

    let text: Vec<u8> = (0..10 << 20).map(|at| (at * 7) as u8).collect();
    let long = Value::from(&text[..]);
    let inside = map(&[("a", long.clone()), ("b", long.clone()), ("c", ints.clone())]);
    assert_eq!(inside.view().field("b").as_bytes(), Some(&text[..]));
    assert_eq!(inside.view().field("c"), ints.view());
    assert_eq!(inside.view().field("a").to_value(), long);
}

#[test]
fn maps_with_many_keys_keep_order_and_stay_fast() {
    let keys: Vec<String> = (0..50_000).map(|at| format!("key {at}")).collect();
    let value = Value::map(keys.iter().map(|key| (key.as_str(), 1))).unwrap();
    let view = value.view().as_aggregate().unwrap();
    assert!(view.pairs().map(|pair| pair.key.as_str()).eq(keys.iter().map(|key| Some(key.as_str()))));
    let turned = Value::map(keys.iter().rev().map(|key| (key.as_str(), 1))).unwrap();
    assert_eq!(value, turned);
}
