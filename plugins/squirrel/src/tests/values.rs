//! Values both ways.

use std::collections::HashMap;

use calog_plugin_api::prelude::*;

use super::{Opened, check, check_in};

#[track_caller]
fn shows(code: &str, wanted: &str) {
    let value = check(&format!("return test.show({code})"));
    assert_eq!(value.view().as_str(), Some(wanted), "{code}");
}

#[test]
fn plain_values_round_trip() {
    check(
        r##"
        local id = test.id
        foreach (v in [0, 1, -1, 9223372036854775807, -9223372036854775807 - 1, 0.5, -0.25, 1e300, true, false,
                       "", "text", "with\x00nul", "\xff\xfe", "€"]) {
            local back = id(v)
            if (back != v || typeof back != typeof v) throw "" + v
        }
        same(1.0 / id(-0.0), -1.0 / 0.0)
        local nan = id(0.0 / 0.0)
        if (nan == nan) throw "nan"
        same(id(null), null)
        same(id(), null)
        same(id("with\x00nul").len(), 8)
        "##,
    );
}

#[test]
fn containers_become_lists_and_maps() {
    shows("[]", "[]");
    shows("{}", "{}");
    shows("[1, 2.5, \"x\", true, null]", "[1, 2.5, \"x\", true, nil]");
    shows("{a = 1}", "{a: 1}");
    shows("{a = null}", "{a: nil}");
    shows("{[10] = 1}", "{10: 1}");
    shows("{[1.5] = 1}", "{1.5: 1}");
    shows("{[2.0] = 1}", "{2: 1}");
    shows("{[0] = \"a\"}", "{0: \"a\"}");
    shows("[[1], {b = [2]}]", "[[1], {b: [2]}]");
}

#[test]
fn what_comes_in_has_squirrels_types() {
    let opened = Opened::new();
    let code = "return function(v) { kept <- v; return typeof v + \" \" + (typeof v == \"table\" || typeof v == \"array\" ? v.len() : v) }";
    let tell = opened.run(code).expect("a function");
    let mut builder = Builder::new();
    builder.begin(Shape::Map).expect("room");
    builder.int(7);
    builder.int(8);
    builder.key_str(b"x").expect("a key");
    builder.nil();
    builder.key_real(0.5).expect("a key");
    builder.int(9);
    builder.end().expect("sound");
    let both = builder.finish().expect("a value");
    let empty_map = Value::map::<&str, i64>([]).expect("a map");
    let empty_list = Value::list::<i64>([]).expect("a list");
    for (value, wanted) in [
        (Value::Int(3), "integer 3"),
        (Value::Real(0.5), "float 0.5"),
        (Value::Bool(true), "bool true"),
        (Value::Nil, "null null"),
        (Value::bytes(b"x"), "string x"),
        (empty_list, "array 0"),
        (empty_map, "table 0"),
        (both.clone(), "table 4"),
    ] {
        let told = opened.call(&tell, &[value.view()]).expect("no error");
        assert_eq!(told.view().as_str(), Some(wanted), "{value:?}");
    }
    check_in(&opened, "same(kept[0], 7); same(kept[1], 8); same(kept.x, null); same(kept[0.5], 9)");

    // A pair under a place of the list part.
    let mut builder = Builder::new();
    builder.begin(Shape::Map).expect("room");
    builder.int(7);
    builder.key_int(0).expect("a key");
    builder.int(8);
    builder.end().expect("sound");
    let doubled = builder.finish().expect("a value");
    let error = opened.call(&tell, &[doubled.view()]).expect_err("two keys that are one");
    assert_eq!(error.code(), Code::Unsupported);
    let lenient = Opened::with(true, HashMap::new());
    let get = lenient.run("return function(v) { return v[0] }").expect("a function");
    assert_eq!(lenient.call(&get, &[doubled.view()]), Ok(Value::Int(8)));
}

#[test]
fn conversion_errors_leave_the_context_usable() {
    check(
        r##"
        local function refuses(code, place, v) {
            refused(code, place, function() { test.id(v) })
            same(test.add(1, 2), 3)
        }
        local loop = [1, [2, null]]
        loop[1][1] = loop
        refuses("cycle", "argument 1 'arg1': at [1][1]", loop)
        local me = {}
        me.me <- me
        refuses("cycle", "at me", me)
        class Point { x = 1 }
        refuses("unsupported", "a class instance cannot leave", Point())
        refuses("unsupported", "a class cannot leave", Point)
        refuses("unsupported", "a generator", (function() { yield 1 })())
        refuses("unsupported", "a thread", newthread(function() {}))
        refuses("unsupported", "a weakref", [1].weakref())
        refuses("unsupported", "at a.b[2]", { a = { b = [1, 2, Point()] } })
        refuses("unsupported", "bool as a table's key", { [true] = 1 })
        refuses("unsupported", "array as a table's key", { [[1]] = 1 })
        refuses("unsupported", "twice", { [1] = 1, [1.0] = 2 })
        local function nest(levels) { local t = []; for (local i = 1; i < levels; i++) t = [t]; return t }
        foreach (n in [127, 128]) {
            local back = test.id(nest(n)), depth = 0
            while (back != null) { back = back.len() ? back[0] : null; depth++ }
            same(depth, n)
        }
        refuses("depth", "128 levels", nest(129))
        local shared = [1]
        local twice = test.id([shared, shared])
        same(twice[0][0] + twice[1][0], 2)
        "##,
    );
}

#[test]
fn a_result_that_cannot_leave_is_called_the_result() {
    let error = super::fails(&Opened::new(), "class Point {}; return [1, Point()]");
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.message().starts_with("the result: at [1]: a class instance cannot leave"), "{error}");
}

#[test]
fn metamethods_do_not_run_while_values_are_read() {
    check(
        r##"
        local t = { a = 1 }
        t.setdelegate({ _get = function(k) { throw "ran" }, _nexti = function(p) { throw "ran" },
                        _typeof = function() { throw "ran" }, hidden = 2 })
        same(test.show(t), "{a: 1}")
        "##,
    );
}

#[test]
fn lenient_drops_and_coerces() {
    let opened = Opened::with(true, HashMap::new());
    check_in(
        &opened,
        r##"
        class Point { x = 1; y = 2; function sum() { return x + y } }
        class Point3 extends Point { z = 3 }
        local p = Point()
        p.x = 5
        local back = test.id(p)
        same(typeof back, "table"); same(back.x, 5); same(back.y, 2); same(back.len(), 2)
        same(test.id(Point3()).z, 3)
        same(test.id(Point), null)
        same(test.show([1, Point, 3]), "[1, nil, 3]")
        same(test.show({ a = newthread(function() {}), b = 1, [true] = 2 }), "{b: 1}")
        same(test.id({ [1] = "int", [1.0] = "real" }).len(), 1)
        same(test.id({ [1] = "int", [1.0] = "real" })[1], "int")
        same(test.id({ [0.0 / 0.0] = 1 }).len(), 0)
        local loop = []
        loop.append(loop)
        refused("cycle", "itself", @() test.id(loop))
        p.x = p
        refused("cycle", "itself", @() test.id(p))
        "##,
    );
}

#[test]
fn large_values_cross() {
    check(
        r##"
        local big = "0123456789"
        for (local i = 0; i < 17; i++) big += big
        same(test.id(big), big)
        local list = array(300000)
        for (local i = 0; i < 300000; i++) list[i] = i
        local back = test.id(list)
        same(back.len(), 300000); same(back[0], 0); same(back[299999], 299999)
        local map = {}
        for (local i = 0; i < 50000; i++) map["key" + i] <- i
        back = test.id(map)
        same(back.len(), 50000)
        for (local i = 0; i < 50000; i++) same(back["key" + i], i)
        "##,
    );
}

/// A number generator of the smallest sort: tests have to repeat.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A random value that comes back the same: lists, and maps without list parts.
fn random(dice: &mut Dice, levels: u64) -> Value {
    match dice.roll(if levels == 0 { 6 } else { 8 }) {
        0 => Value::Nil,
        1 => Value::Bool(dice.roll(2) == 1),
        2 => Value::Int(dice.roll(1 << 31) as i64 - (1 << 30)),
        3 => Value::Int(i64::MIN + dice.roll(3) as i64),
        4 => Value::Real(dice.roll(1000) as f64 / 8.0 + 0.0625),
        5 => Value::from(&(0..dice.roll(20)).map(|_| dice.roll(256) as u8).collect::<Vec<_>>()[..]),
        6 => Value::list((0..dice.roll(6)).map(|_| random(dice, levels - 1)).collect::<Vec<_>>()).expect("a list"),
        _ => {
            let key = |at: u64, dice: &mut Dice| match dice.roll(3) {
                0 => Value::Int(at as i64 * 3 - 4),
                1 => Value::Real(at as f64 + 0.5),
                _ => Value::from(format!("key {at}")),
            };
            let pairs: Vec<_> = (0..dice.roll(6)).map(|at| (key(at, dice), random(dice, levels - 1))).collect();
            Value::map(pairs).expect("a map of distinct keys")
        }
    }
}

/// Equal but for the order of pairs, which Squirrel's tables do not keep.
fn alike(one: View<'_>, other: View<'_>) -> bool {
    match (one.as_aggregate(), other.as_aggregate()) {
        (Some(one), Some(other)) => {
            one.shape() == other.shape()
                && one.list_len() == other.list_len()
                && one.pair_len() == other.pair_len()
                && one.elements().zip(other.elements()).all(|(one, other)| alike(one, other))
                && one.pairs().all(|pair| {
                    let mut found = other.pairs().filter(|it| it.key.to_value() == pair.key.to_value());
                    found.next().is_some_and(|it| alike(pair.value, it.value))
                })
        }
        _ => one.to_value() == other.to_value(),
    }
}

#[test]
fn any_value_round_trips() {
    let opened = Opened::new();
    let id = opened.run("return function(v) { return test.id(v) }").expect("a function");
    let mut dice = Dice(20_260_101);
    for round in 0..2000 {
        let value = random(&mut dice, 5);
        let back = opened.call(&id, &[value.view()]).expect("no error");
        assert!(alike(value.view(), back.view()), "round {round}: {value:?} became {back:?}");
    }
    assert_eq!(opened.context.core().main.top(), 0, "the workbench is empty");
}
