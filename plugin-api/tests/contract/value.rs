//! Values: kinds, equality, how they print, and aggregates that outlive what they came from.

use calog_plugin_api::{Aggregate, Builder, Index, Kind, MAX_DEPTH, Shape, Str, Value, View};

use crate::common::{Drops, callable, list, map, mixed, nested, object};

#[test]
fn a_value_is_24_bytes_and_a_view_16() {
    assert_eq!((size_of::<Value>(), size_of::<View<'_>>()), (24, 16));
    assert_eq!((size_of::<Str>(), size_of::<Aggregate>(), size_of::<Option<Str>>()), (8, 8, 8));
}

/// A value's kind, print, depth and size; and the same of its view and of what owning the view gives.
fn check(value: &Value, kind: Kind, text: &str, depth: usize, size: usize) {
    assert_eq!((value.kind(), value.depth(), value.size()), (kind, depth, size), "{text}");
    assert_eq!(format!("{value:?}"), text);
    assert_eq!(format!("{:?}", value.view()), text);
    assert_eq!(format!("{:?}", value.view().to_value()), text);
}

#[test]
fn each_kind_knows_itself_and_prints() {
    let drops = Drops::default();
    let (nil, one) = (Value::Nil, Value::Int(1));
    check(&nil, Kind::Nil, "nil", 0, 1);
    check(&true.into(), Kind::Bool, "true", 0, 1);
    check(&false.into(), Kind::Bool, "false", 0, 1);
    check(&i64::MIN.into(), Kind::Int, "-9223372036854775808", 0, 1);
    check(&i64::MAX.into(), Kind::Int, "9223372036854775807", 0, 1);
    check(&1.0.into(), Kind::Real, "1.0", 0, 1);
    check(&(-0.0).into(), Kind::Real, "-0.0", 0, 1);
    check(&f64::NAN.into(), Kind::Real, "NaN", 0, 1);
    check(&f64::NEG_INFINITY.into(), Kind::Real, "-inf", 0, 1);
    check(&"".into(), Kind::String, r#""""#, 0, 1);
    check(&"a\"b\n\u{e9}".into(), Kind::String, r#""a\"b\né""#, 0, 1);
    check(&b"a\0b"[..].into(), Kind::String, r#""a\0b""#, 0, 1);
    check(&b"\xff\0"[..].into(), Kind::String, r#""\xff\x00""#, 0, 1);
    check(&Value::bytes(b"ab"), Kind::String, r#"b"ab""#, 0, 1);
    check(&Value::bytes(b"\x80"), Kind::String, r#"b"\x80""#, 0, 1);
    check(&list(&[]), Kind::Aggregate, "[]", 1, 1);
    check(&map(&[]), Kind::Aggregate, "{}", 1, 1);
    check(&list(&[one.clone(), nil.clone()]), Kind::Aggregate, "[1, nil]", 1, 3);
    check(&map(&[("a", one.clone()), ("", nil.clone())]), Kind::Aggregate, r#"{a: 1, "": nil}"#, 1, 3);
    let inner = mixed(std::slice::from_ref(&one), &[("k".into(), list(std::slice::from_ref(&nil)))]);
    check(&inner, Kind::Aggregate, "{1, k: [nil]}", 2, 4);
    check(&list(&[inner.clone(), inner]), Kind::Aggregate, "[{1, k: [nil]}, {1, k: [nil]}]", 3, 9);
    check(&callable(4, &drops).into(), Kind::Callable, "<function 4 of context 3>", 0, 1);
    check(&object(&drops).into(), Kind::Object, "<test.Cell>", 0, 1);
    check(&list(&[callable(4, &drops).into()]), Kind::Aggregate, "[<function 4 of context 3>]", 1, 2);
}

#[test]
fn a_key_prints_so_that_its_kind_shows() {
    let keys = [Value::from("1"), Value::Int(1), Value::Real(1.5), "a_1".into(), "a b".into(), "_".into(), "é".into()];
    let pairs: Vec<_> = keys.into_iter().map(|key| (key, Value::Nil)).collect();
    let text = format!("{:?}", Value::map(pairs).unwrap());
    assert_eq!(text, r#"{"1": nil, 1: nil, 1.5: nil, a_1: nil, "a b": nil, _: nil, "é": nil}"#);
}

/// Whether two values are equal, asked from both sides, of values, views and lists around them.
fn check_equal(one: &Value, other: &Value, equal: bool) {
    assert_eq!(one == other, equal, "{one:?} == {other:?}");
    assert_eq!(other == one, equal, "{other:?} == {one:?}");
    assert_eq!(one.view() == other.view(), equal, "views of {one:?} and {other:?}");
    let (in_one, in_other) = (list(std::slice::from_ref(one)), list(std::slice::from_ref(other)));
    assert_eq!(in_one == in_other, equal, "{in_one:?} == {in_other:?}");
    let (in_one, in_other) = (map(&[("k", one.clone())]), map(&[("k", other.clone())]));
    assert_eq!(in_one == in_other, equal, "{in_one:?} == {in_other:?}");
}

#[test]
fn equality() {
    let drops = Drops::default();
    let one = Value::Int(1);
    let function = Value::from(callable(1, &drops));
    let twin = Value::from(callable(1, &drops));
    let cell = Value::from(object(&drops));
    let many = |keys: &mut dyn Iterator<Item = i64>| Value::map(keys.map(|key| (key, key * key))).unwrap();
    for (one, other, equal) in [
        (Value::Nil, Value::Nil, true),
        (Value::Nil, false.into(), false),
        (true.into(), true.into(), true),
        (one.clone(), 1.into(), true),
        (one.clone(), 1.0.into(), false),
        (one.clone(), true.into(), false),
        (0.0.into(), (-0.0).into(), true),
        (f64::NAN.into(), f64::NAN.into(), false),
        (f64::INFINITY.into(), f64::INFINITY.into(), true),
        ("a".into(), "a".into(), true),
        ("a".into(), "a\0".into(), false),
        ("a".into(), Value::bytes("a"), false),
        (list(&[]), list(&[]), true),
        (list(&[]), map(&[]), false),
        (list(std::slice::from_ref(&one)), list(&[one.clone(), Value::Nil]), false),
        (list(&[1.into(), 2.into()]), list(&[2.into(), 1.into()]), false),
        (map(&[("a", 1.into()), ("b", 2.into())]), map(&[("b", 2.into()), ("a", 1.into())]), true),
        (map(&[("a", 1.into()), ("b", 2.into())]), map(&[("b", 1.into()), ("a", 2.into())]), false),
        (map(&[("a", Value::Nil)]), map(&[]), false),
        (map(&[("1", Value::Nil)]), mixed(&[], &[(1.into(), Value::Nil)]), false),
        (mixed(&[], &[(1.into(), Value::Nil)]), mixed(&[], &[(1.0.into(), Value::Nil)]), true),
        (mixed(&[], &[(0.into(), Value::Nil)]), mixed(&[], &[((-0.0).into(), Value::Nil)]), true),
        (
            mixed(std::slice::from_ref(&one), &[("a".into(), Value::Nil)]),
            mixed(&[], &[("a".into(), Value::Nil)]),
            false,
        ),
        (many(&mut (0..100)), many(&mut (0..100).rev()), true),
        (many(&mut (0..100)), many(&mut (1..101).rev()), false),
        (function.clone(), function.clone(), true),
        (function.clone(), twin, false),
        (cell.clone(), cell.clone(), true),
        (cell, object(&drops).into(), false),
    ] {
        check_equal(&one, &other, equal);
    }
}

#[test]
fn unequal_deep_maps_are_compared_in_reasonable_time() {
    let deep = |leaf: i64| (0..MAX_DEPTH).fold(Value::Int(leaf), |inner, _| map(&[("k", inner), ("l", Value::Nil)]));
    check_equal_deep(&deep(1), &deep(2));
    let turned = (0..MAX_DEPTH).fold(Value::Int(2), |inner, _| map(&[("l", Value::Nil), ("k", inner)]));
    check_equal_deep(&deep(1), &turned);
}

/// Comparing each subtree twice on each of 128 levels would take for ever.
fn check_equal_deep(one: &Value, other: &Value) {
    assert_eq!((one.depth(), other.depth()), (MAX_DEPTH, MAX_DEPTH));
    assert_ne!(one, other);
    assert_eq!(one, &one.view().as_aggregate().map(|it| View::from(it).to_value()).unwrap());
}

#[test]
fn a_nested_aggregate_outlives_its_parent_and_keeps_the_block() {
    let drops = Drops::default();
    let text = "some text that lies in the parent's block".repeat(10);
    let parent = map(&[
        ("inner", list(&[text.as_str().into(), callable(1, &drops).into()])),
        ("other", callable(2, &drops).into()),
    ]);
    let inner = parent.view().field("inner").to_value();
    drop(parent);
    assert_eq!(drops.count(), 0, "the inner aggregate keeps the whole block");
    let Value::Aggregate(inner) = inner else { panic!("a list was put in") };
    assert_eq!(inner.view().element(0).and_then(View::as_str), Some(text.as_str()));

    let compact = inner.compact().unwrap();
    assert_eq!(compact, inner);
    assert!(!compact.same(&inner));
    drop(inner);
    assert_eq!(drops.count(), 1, "the compact copy does not keep what it does not hold");
    assert_eq!(compact.view().element(0).and_then(View::as_str), Some(text.as_str()));
    assert!(compact.block_bytes().len() < text.len() + 100);
    drop(compact);
    assert_eq!(drops.count(), 2);
}

#[test]
fn a_string_taken_from_a_block_is_its_own_and_shared_strings_are_not_copied() {
    let shared = Str::from_bytes(b"shared");
    let again = shared.view().to_owned_str().unwrap();
    assert_eq!(again.as_bytes().as_ptr(), shared.as_bytes().as_ptr());
    assert!(again.is_bytes());
    drop(shared);
    assert_eq!(again.as_bytes(), b"shared");

    let parent = list(&[Value::from(again), "text".into()]);
    let view = parent.view().as_aggregate().unwrap();
    let (first, second) = (view.element(0).unwrap().to_value(), view.element(1).unwrap().to_value());
    drop(parent);
    assert_eq!((first, second), (Value::bytes(b"shared"), "text".into()));
}

#[test]
fn borrowed_views_are_owned_by_copy() {
    let mut bytes = b"borrowed".to_vec();
    let owned = (View::string(&bytes).to_value(), View::bytes(&bytes).to_value());
    bytes.fill(0);
    assert_eq!(owned, ("borrowed".into(), Value::bytes("borrowed")));
}

#[test]
fn views_give_each_kind_and_no_other() {
    let drops = Drops::default();
    let values: Vec<Value> = vec![
        Value::Nil,
        true.into(),
        1.into(),
        1.5.into(),
        "s".into(),
        list(&[]),
        callable(1, &drops).into(),
        object(&drops).into(),
    ];
    for (at, value) in values.iter().enumerate() {
        let view = value.view();
        let answers = [
            view.is_nil(),
            view.as_bool().is_some(),
            view.as_int().is_some(),
            view.as_real().is_some(),
            view.as_bytes().is_some() && view.as_str().is_some(),
            view.as_aggregate().is_some(),
            view.as_callable().is_some(),
            view.as_object().is_some(),
        ];
        let wanted: Vec<bool> = (0..8).map(|kind| kind == at).collect();
        assert_eq!(answers.to_vec(), wanted, "{value:?}");
        assert_eq!(view.kind() as usize, at, "the numbers of kinds are part of the ABI");
    }
    assert_eq!((Value::Int(3).view().as_number(), Value::Real(0.5).view().as_number()), (Some(3.0), Some(0.5)));
    assert_eq!(Value::from(&b"\xff"[..]).view().as_str(), None);
}

#[test]
fn a_mixed_aggregate_reads_by_place_by_key_and_in_order() {
    let pairs: Vec<_> = (0..50).map(|at| (Value::from(format!("k{at}")), Value::Int(at))).collect();
    let keys = [(Value::Int(-7), "int".into()), (Value::Real(0.5), "real".into())];
    let value = mixed(&["a".into(), "b".into()], &[&pairs[..], &keys[..]].concat());
    let view = value.view().as_aggregate().unwrap();

    assert_eq!((view.shape(), view.list_len(), view.pair_len(), view.is_empty()), (Shape::Map, 2, 52, false));
    assert_eq!((view.element(1), view.element(2)), (Some(Value::from("b").view()), None));
    assert_eq!((view.elements().len(), view.pairs().len(), view.pairs().skip(50).count()), (2, 52, 2));
    assert!(view.pairs().take(50).map(|pair| pair.value.as_int()).eq((0..50).map(Some)), "insertion order");
    assert_eq!((view.get("k49"), view.get("k50")), (Some(View::int(49)), None));
    assert_eq!((view.get_int(-7).and_then(View::as_str), view.get_int(7)), (Some("int"), None));

    let index = Index::new(view);
    for pair in view.pairs() {
        assert_eq!(index.get(pair.key), Some(pair.value));
    }
    assert_eq!(index.get(View::real(-7.0)), None, "an index takes keys as they are stored: ints");
    for missing in [Value::from("k50"), Value::Int(0), Value::Real(0.25), Value::Nil, list(&[])] {
        assert_eq!(index.get(missing.view()), None, "{missing:?}");
    }
    assert_eq!(value.view().field("k1"), View::int(1));
    assert_eq!(value.view().field("none"), View::NIL);
    assert_eq!(Value::Int(1).view().field("none"), View::NIL);
}

#[test]
fn equal_keys_of_one_block_share_an_id() {
    let records: Vec<Value> = (0..100).map(|at| map(&[("id", at.into()), ("name", "x".into())])).collect();
    let list = list(&records);
    let view = list.view().as_aggregate().unwrap();
    assert_eq!(view.key_ids(), 2);
    for record in view.elements() {
        let ids: Vec<u32> = record.as_aggregate().unwrap().pairs().map(|pair| pair.key_id).collect();
        assert_eq!(ids, [0, 1]);
    }
}

#[test]
fn dropping_deep_and_wide_values_needs_no_stack() {
    let deep = nested(MAX_DEPTH - 1).unwrap();
    let mut builder = Builder::new();
    builder.begin(Shape::List).unwrap();
    (0..1000).for_each(|_| builder.value(&deep).unwrap());
    builder.end().unwrap();
    let wide = builder.finish().unwrap();
    assert_eq!((wide.depth(), wide.size()), (MAX_DEPTH, 1 + 1000 * (MAX_DEPTH - 1)));
    let small = std::thread::Builder::new().stack_size(16 * 1024);
    small.spawn(move || drop((wide, deep))).unwrap().join().unwrap();
}
