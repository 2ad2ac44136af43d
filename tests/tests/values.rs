//! Values on their way: every kind, both directions, between the languages, with the edge cases.
//!
//! Each case is an expression in the sender's language and what the receiver must see, told by a
//! predicate in the receiver's language and by the value that comes back to Rust.

use calog::plugin_api::{Code, Shape, Value};
use calog_tests::World;

/// Two echoing contexts: each hands its argument through the other and back.
fn world(sender: &str, expression: &str, receiver: &str, check: &str) -> (World, calog::ContextRef, calog::ContextRef) {
    let world = World::new();
    let receiver = match receiver {
        "lua" => world.open(
            "receiver.lua",
            &format!("return {{ check = function(v) return {check} end, echo = function(v) return v end }}"),
        ),
        "basic" => world.open(
            "receiver.bas",
            &format!(
                "calog.export(\"check\", LAMBDA (v) (RETURN {check}))
                calog.export(\"echo\", LAMBDA (v) (RETURN v))"
            ),
        ),
        _ => world.open(
            "receiver.js",
            &format!("export function check(v) {{ return {check} }}\nexport function echo(v) {{ return v }}"),
        ),
    };
    let sender = match sender {
        "lua" => world.open(
            "sender.lua",
            &format!(
                "local receiver = calog.import('receiver')
                local function make() return {expression} end
                return {{
                    check = function() return receiver.check(make()) end,
                    echo = function() return receiver.echo(make()) end,
                }}"
            ),
        ),
        "basic" => world.open(
            "sender.bas",
            &format!(
                "receiver = calog.import(\"receiver\")
                make = LAMBDA () (RETURN {expression})
                calog.export(\"check\", LAMBDA () (RETURN receiver.check(make())))
                calog.export(\"echo\", LAMBDA () (RETURN receiver.echo(make())))"
            ),
        ),
        _ => world.open(
            "sender.js",
            &format!(
                "const receiver = calog.import('receiver')
                function make() {{ return {expression} }}
                export function check() {{ return receiver.check(make()) }}
                export function echo() {{ return receiver.echo(make()) }}"
            ),
        ),
    };
    (world, sender, receiver)
}

/// The receiver sees what it should, and what comes home is what it should be.
fn check(sender: &str, expression: &str, receiver: &str, predicate: &str, comes_back: &Value) {
    let (world, context, _) = world(sender, expression, receiver, predicate);
    let what = format!("{sender} sends {expression} to {receiver}");
    assert_eq!(world.call(&context, "check", &[]), Ok(Value::Bool(true)), "{what}: {predicate}");
    let back = world.call(&context, "echo", &[]).unwrap_or_else(|error| panic!("{what}: {error:?}"));
    assert!(same(&back, comes_back), "{what}: {back:?} came back instead of {comes_back:?}");
}

/// As equality, but NaN is itself and -0.0 is not 0.0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Real(one), Value::Real(other)) => one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()),
        _ => one == other,
    }
}

fn list(items: &[i64]) -> Value {
    Value::list(items.iter().copied()).expect("a short list")
}

#[test]
fn scalars_from_lua_to_javascript() {
    for (expression, predicate, back) in [
        ("nil", "v === null", Value::Nil),
        ("true", "v === true", Value::Bool(true)),
        ("false", "v === false", Value::Bool(false)),
        ("0", "Object.is(v, 0)", Value::Int(0)),
        ("-1", "v === -1", Value::Int(-1)),
        ("math.maxinteger", "v === 9223372036854775807n", Value::Int(i64::MAX)),
        ("math.mininteger", "v === -9223372036854775808n", Value::Int(i64::MIN)),
        ("(1 << 53) - 1", "v === Number.MAX_SAFE_INTEGER", Value::Int((1 << 53) - 1)),
        ("1 << 53", "v === 9007199254740992n", Value::Int(1 << 53)),
        ("(1 << 53) + 1", "v === 9007199254740993n", Value::Int((1 << 53) + 1)),
        ("-((1 << 53) - 1)", "v === Number.MIN_SAFE_INTEGER", Value::Int(1 - (1 << 53))),
        ("-(1 << 53)", "v === -9007199254740992n", Value::Int(-(1 << 53))),
        ("1.5", "v === 1.5", Value::Real(1.5)),
        // JavaScript has one type of number: an integral one goes out as an int.
        ("2.0", "v === 2", Value::Int(2)),
        ("-0.0", "Object.is(v, -0)", Value::Real(-0.0)),
        ("0/0", "Number.isNaN(v)", Value::Real(f64::NAN)),
        ("1/0", "v === Infinity", Value::Real(f64::INFINITY)),
        ("-1/0", "v === -Infinity", Value::Real(f64::NEG_INFINITY)),
        ("2^53", "v === 9007199254740992", Value::Real(9_007_199_254_740_992.0)),
        ("1e300", "v === 1e300", Value::Real(1e300)),
        ("''", "v === ''", Value::from("")),
        ("'grüße'", "v === 'grüße'", Value::from("grüße")),
        ("'a\\0b'", "v === 'a\\0b' && v.length === 3", Value::from("a\0b")),
        (
            "'\\xff\\xfe'",
            "v instanceof Uint8Array && v.length === 2 && v[0] === 255 && v[1] === 254",
            // Home in Lua it is a string without a mark again.
            Value::from(&[0xff_u8, 0xfe][..]),
        ),
    ] {
        check("lua", expression, "javascript", predicate, &back);
    }
}

#[test]
fn scalars_from_javascript_to_lua() {
    for (expression, predicate, back) in [
        ("null", "v == nil", Value::Nil),
        ("undefined", "v == nil", Value::Nil),
        ("true", "v == true", Value::Bool(true)),
        ("false", "v == false", Value::Bool(false)),
        ("0", "v == 0 and math.type(v) == 'integer'", Value::Int(0)),
        ("-0", "1 / v == -math.huge and math.type(v) == 'float'", Value::Real(-0.0)),
        ("3", "math.type(v) == 'integer'", Value::Int(3)),
        ("1.5", "v == 1.5 and math.type(v) == 'float'", Value::Real(1.5)),
        ("Number.MAX_SAFE_INTEGER", "v == (1 << 53) - 1 and math.type(v) == 'integer'", Value::Int((1 << 53) - 1)),
        ("2 ** 53", "v == 2^53 and math.type(v) == 'float'", Value::Real(9_007_199_254_740_992.0)),
        ("9007199254740993n", "v == (1 << 53) + 1 and math.type(v) == 'integer'", Value::Int((1 << 53) + 1)),
        ("2n ** 63n - 1n", "v == math.maxinteger", Value::Int(i64::MAX)),
        ("-(2n ** 63n)", "v == math.mininteger", Value::Int(i64::MIN)),
        ("NaN", "v ~= v", Value::Real(f64::NAN)),
        ("Infinity", "v == math.huge", Value::Real(f64::INFINITY)),
        ("-Infinity", "v == -math.huge", Value::Real(f64::NEG_INFINITY)),
        ("'a\\0b'", "v == 'a\\0b' and #v == 3", Value::from("a\0b")),
        ("'\\u{1F600}'", "v == '\\u{1F600}' and #v == 4", Value::from("\u{1F600}")),
        // A Lua string has no mark: what was bytes comes home as text where it is valid text.
        ("new Uint8Array([1, 0, 255])", "v == '\\1\\0\\255'", Value::bytes([1, 0, 255])),
        ("new Uint8Array([65])", "v == 'A'", Value::from("A")),
        ("new Uint8Array([65]).buffer", "v == 'A'", Value::from("A")),
    ] {
        check("javascript", expression, "lua", predicate, &back);
    }
}

#[test]
fn aggregates_from_lua_to_javascript() {
    let named = |pairs: &[(&str, i64)]| Value::map(pairs.iter().copied()).expect("a short map");
    for (expression, predicate, back) in [
        ("{}", "Array.isArray(v) && v.length === 0", list(&[])),
        ("{1, 2, 3}", "Array.isArray(v) && v.join() === '1,2,3'", list(&[1, 2, 3])),
        ("{a = 1}", "!Array.isArray(v) && Object.keys(v).join() === 'a' && v.a === 1", named(&[("a", 1)])),
        (
            "{[10] = 'x', [-1] = 'y'}",
            "v instanceof Map && v.get(10) === 'x' && v.get(-1) === 'y'",
            Value::map([(10, "x"), (-1, "y")]).expect("a short map"),
        ),
        ("{[1.5] = 'x'}", "v instanceof Map && v.get(1.5) === 'x'", Value::map([(1.5, "x")]).expect("a short map")),
        ("{{}, {{}}}", "v[1][0].length === 0", Value::list([list(&[]), Value::list([list(&[])]).unwrap()]).unwrap()),
    ] {
        check("lua", expression, "javascript", predicate, &back);
    }
    let mixed = "Array.isArray(v) && v.length === 2 && v[1] === 20 && v.n === 'x'";
    let (world, context, _) = world("lua", "{10, 20, n = 'x'}", "javascript", mixed);
    assert_eq!(world.call(&context, "check", &[]), Ok(Value::Bool(true)));
    let back = world.call(&context, "echo", &[]).unwrap();
    let view = back.view().as_aggregate().unwrap();
    assert_eq!((view.list_len(), view.pair_len(), view.shape()), (2, 1, Shape::Map), "{back:?}");
}

#[test]
fn aggregates_from_javascript_to_lua() {
    for (expression, predicate, back) in [
        ("[]", "next(v) == nil", list(&[])),
        ("[1, 2, 3]", "#v == 3 and v[3] == 3", list(&[1, 2, 3])),
        ("({a: 1})", "v.a == 1 and #v == 0", Value::map([("a", 1)]).unwrap()),
        ("new Map([[1, 'x'], ['k', 'y']])", "v[1] == 'x' and v.k == 'y'", {
            // A Lua table with the key 1 has a list part.
            let mut builder = calog::plugin_api::Builder::new();
            builder.begin(Shape::Map).unwrap();
            builder.string(b"x").unwrap();
            builder.key_str(b"k").unwrap();
            builder.string(b"y").unwrap();
            builder.end().unwrap();
            builder.finish().unwrap()
        }),
        (
            "[1, null, 3]",
            "#v == 3 and v[2] == calog.null",
            Value::list([Value::Int(1), Value::Nil, Value::Int(3)]).unwrap(),
        ),
        ("({a: null})", "v.a == calog.null", Value::map([("a", Value::Nil)]).unwrap()),
        ("Object.assign([1, 2], {n: 'x'})", "#v == 2 and v.n == 'x'", {
            let mut builder = calog::plugin_api::Builder::new();
            builder.begin(Shape::Map).unwrap();
            builder.int(1);
            builder.int(2);
            builder.key_str(b"n").unwrap();
            builder.string(b"x").unwrap();
            builder.end().unwrap();
            builder.finish().unwrap()
        }),
        ("JSON.parse('{\"__proto__\": 1}')", "v.__proto__ == 1", Value::map([("__proto__", 1)]).unwrap()),
    ] {
        check("javascript", expression, "lua", predicate, &back);
    }
    // A Lua table does not say whether it was an empty list or an empty map: it goes out as a list.
    check("javascript", "({})", "lua", "next(v) == nil", &list(&[]));
}

/// A map, with a list part before its pairs.
fn with_list_part(items: &[&str], pairs: &[(&str, &str)]) -> Value {
    let mut builder = calog::plugin_api::Builder::new();
    builder.begin(Shape::Map).expect("room");
    for item in items {
        builder.string(item.as_bytes()).expect("a short string");
    }
    for (key, value) in pairs {
        builder.key_str(key.as_bytes()).expect("a short key");
        builder.string(value.as_bytes()).expect("a short string");
    }
    builder.end().expect("it was begun");
    builder.finish().expect("a map")
}

#[test]
fn scalars_from_basic_to_the_others() {
    for (expression, lua, javascript, back) in [
        ("NIL", "v == nil", "v === null", Value::Nil),
        // Outside of BASIC a truth value is one.
        ("TRUE", "v == true", "v === true", Value::Bool(true)),
        ("2 < 1", "v == false", "v === false", Value::Bool(false)),
        ("TRUE + 0", "math.type(v) == 'integer' and v == 1", "v === 1", Value::Int(1)),
        // A variable that has no value reads as 0, wherever it goes.
        ("never_assigned", "v == 0", "v === 0", Value::Int(0)),
        ("9223372036854775807", "v == math.maxinteger", "v === 9223372036854775807n", Value::Int(i64::MAX)),
        ("-9223372036854775808", "v == math.mininteger", "v === -9223372036854775808n", Value::Int(i64::MIN)),
        ("0x10 + 017", "v == 31", "v === 31", Value::Int(31)),
        ("1.5", "v == 1.5", "v === 1.5", Value::Real(1.5)),
        ("4 / 2", "math.type(v) == 'integer'", "v === 2", Value::Int(2)),
        ("1 / 0", "v == math.huge", "v === Infinity", Value::Real(f64::INFINITY)),
        ("SQR(-1)", "v ~= v", "Number.isNaN(v)", Value::Real(f64::NAN)),
        ("\"\"", "v == ''", "v === ''", Value::from("")),
        ("\"gr\u{fc}\u{df}e\"", "v == 'gr\u{fc}\u{df}e'", "v === 'gr\u{fc}\u{df}e'", Value::from("gr\u{fc}\u{df}e")),
        // There are no escapes.
        ("\"a\\n\"", "v == 'a' .. string.char(92) .. 'n'", "v.length === 3", Value::from("a\\n")),
        ("\"a\" + CHR(0) + \"b\"", "v == 'a\\0b'", "v === 'a\\0b'", Value::from("a\0b")),
    ] {
        check("basic", expression, "lua", lua, &back);
        check("basic", expression, "javascript", javascript, &back);
    }
    // A real stays one, except through JavaScript, which has one type of number.
    check("basic", "1.0", "lua", "math.type(v) == 'float'", &Value::Real(1.0));
    check("basic", "1.0", "javascript", "v === 1", &Value::Int(1));
}

#[test]
fn scalars_from_the_others_to_basic() {
    for (lua, javascript, predicate, back) in [
        ("nil", "undefined", "v = NIL", Value::Nil),
        ("true", "true", "v = TRUE AND v + 1 = 2", Value::Bool(true)),
        ("math.maxinteger", "2n ** 63n - 1n", "v = 9223372036854775807", Value::Int(i64::MAX)),
        ("1.5", "1.5", "v = 1.5 AND (v IS TYPE(\"REAL\"))", Value::Real(1.5)),
        ("0/0", "NaN", "v <> v AND (v IS TYPE(\"REAL\"))", Value::Real(f64::NAN)),
        ("-1/0", "-Infinity", "v < -1e300", Value::Real(f64::NEG_INFINITY)),
        ("'a\\0b'", "'a\\0b'", "LEN(v) = 3 AND ASC(MID(v, 1, 1)) = 0", Value::from("a\0b")),
        ("'gr\u{fc}n'", "'gr\u{fc}n'", "LEN(v) = 4 AND MID(v, 2, 1) = CHR(252)", Value::from("gr\u{fc}n")),
    ] {
        check("lua", lua, "basic", predicate, &back);
        check("javascript", javascript, "basic", predicate, &back);
    }
    check("lua", "1.0", "basic", "(v IS TYPE(\"REAL\"))", &Value::Real(1.0));
    // BASIC's strings are any bytes and have no mark: what is valid text comes home as text.
    check("javascript", "new Uint8Array([1, 255])", "basic", "(v IS TYPE(\"STRING\"))", &Value::bytes([1, 255]));
    check("javascript", "new Uint8Array([65])", "basic", "v = \"A\"", &Value::from("A"));
}

#[test]
fn aggregates_from_basic_to_the_others() {
    let named = || Value::map([("a", 1)]).expect("a short map");
    for (expression, lua, javascript, back) in [
        ("LIST()", "next(v) == nil", "Array.isArray(v)", list(&[])),
        ("LIST(1, 2, 3)", "#v == 3 and v[1] == 1", "v.join() === '1,2,3'", list(&[1, 2, 3])),
        ("LIST(3 TO 1)", "#v == 3 and v[1] == 3", "v.join() === '3,2,1'", list(&[3, 2, 1])),
        ("TO_ARRAY(LIST(1, 2))", "#v == 2", "v.join() === '1,2'", list(&[1, 2])),
        ("DICT(\"a\", 1)", "v.a == 1", "v.a === 1", named()),
        (
            "DICT(10, \"x\", -1, \"y\")",
            "v[10] == 'x' and v[-1] == 'y'",
            "v instanceof Map && v.get(10) === 'x'",
            Value::map([(10, "x"), (-1, "y")]).expect("a short map"),
        ),
        (
            "LIST(1, NIL, 3)",
            "v[2] == calog.null",
            "v[1] === null",
            Value::list([Value::Int(1), Value::Nil, Value::Int(3)]).expect("a list"),
        ),
    ] {
        check("basic", expression, "lua", lua, &back);
        check("basic", expression, "javascript", javascript, &back);
    }
    // An array of two dimensions is a list of lists.
    let (world, context, _) = world("basic", "grid", "lua", "#v == 2 and #v[1] == 3 and v[2][3] == 7");
    world.runtime.evaluate(&context, "DIM grid(2, 3) : grid(1, 2) = 7").expect("an array");
    assert_eq!(world.call(&context, "check", &[]), Ok(Value::Bool(true)));
    // Its order is kept.
    check(
        "basic",
        "DICT(\"z\", 1, \"a\", 2)",
        "javascript",
        "Object.keys(v).join() === 'z,a'",
        &Value::map([("z", 1), ("a", 2)]).expect("a map"),
    );
}

#[test]
fn aggregates_from_the_others_to_basic() {
    for (lua, javascript, predicate, back) in [
        ("{}", "[]", "(v IS TYPE(\"LIST\")) AND LEN(v) = 0", list(&[])),
        ("{1, 2}", "[1, 2]", "LEN(v) = 2 AND v(1) = 2", list(&[1, 2])),
        ("{a = 1}", "({ a: 1 })", "(v IS TYPE(\"DICT\")) AND v.a = 1", Value::map([("a", 1)]).expect("a map")),
        ("{[2] = 'x'}", "new Map([[2, 'x']])", "v(2) = \"x\"", Value::map([(2, "x")]).expect("a map")),
        (
            "{calog.null, 2}",
            "[null, 2]",
            "v(0) = NIL AND LEN(v) = 2",
            Value::list([Value::Nil, Value::Int(2)]).expect("a list"),
        ),
    ] {
        check("lua", lua, "basic", predicate, &back);
        check("javascript", javascript, "basic", predicate, &back);
    }
    check("javascript", "({})", "basic", "(v IS TYPE(\"DICT\"))", &Value::map::<&str, i64>([]).expect("an empty map"));
    // The list part of a map comes under 0, 1, ...
    let mixed = "v(0) = \"x\" AND v(1) = \"y\" AND v.n = \"z\" AND LEN(v) = 3";
    for (sender, expression) in
        [("lua", "{'x', 'y', n = 'z'}"), ("javascript", "Object.assign(['x', 'y'], { n: 'z' })")]
    {
        let (world, context, _) = world(sender, expression, "basic", mixed);
        assert_eq!(world.call(&context, "check", &[]), Ok(Value::Bool(true)), "{sender}");
    }
    let (world, _, receiver) = world("lua", "0", "basic", mixed);
    let mixed = with_list_part(&["x", "y"], &[("n", "z")]);
    assert_eq!(world.call(&receiver, "check", &[mixed]), Ok(Value::Bool(true)));
}

/// What may not cross is an error of this code, and the next call works.
fn refused(sender: &str, expression: &str, receiver: &str, code: Code) {
    let (world, context, receiver) = world(sender, expression, receiver, "true");
    let what = format!("{sender} sends {expression}");
    for _ in 0..2 {
        let error = world.call(&context, "echo", &[]).expect_err(&what);
        assert_eq!(error.code(), code, "{what}: {error:?}");
    }
    assert_eq!(world.call(&receiver, "echo", &[7.into()]), Ok(Value::Int(7)), "{what}: the next call works");
}

#[test]
fn what_cannot_cross_is_a_clear_error_and_the_next_call_works() {
    let nested_lua =
        |depth: usize| format!("(function() local t = {{}} for i = 2, {depth} do t = {{t}} end return t end)()");
    let nested_js =
        |depth: usize| format!("(() => {{ let t = []; for (let i = 2; i <= {depth}; i++) t = [t]; return t }})()");
    for depth in [127, 128] {
        let back = (1..depth).fold(list(&[]), |inner, _| Value::list([inner]).unwrap());
        check("lua", &nested_lua(depth), "javascript", "true", &back);
        check("javascript", &nested_js(depth), "lua", "true", &back);
    }
    refused("lua", &nested_lua(129), "javascript", Code::Depth);
    refused("javascript", &nested_js(129), "lua", Code::Depth);
    refused("lua", "(function() local t = {} t.t = t return t end)()", "javascript", Code::Cycle);
    refused("javascript", "(() => { const o = {}; o.o = o; return o })()", "lua", Code::Cycle);
    refused("javascript", "(() => { const o = []; o.push([o]); return o })()", "lua", Code::Cycle);
    let nested_basic =
        |depth: usize| format!("(LAMBDA () (l = LIST() : FOR i = 2 TO {depth} : l = LIST(l) : NEXT : RETURN l))()");
    for (receiver, depth) in [("lua", 127), ("javascript", 128)] {
        let back = (1..depth).fold(list(&[]), |inner, _| Value::list([inner]).unwrap());
        check("basic", &nested_basic(depth), receiver, "true", &back);
        refused("basic", &nested_basic(129), receiver, Code::Depth);
        refused("basic", "(LAMBDA () (l = LIST() : PUSH(l, l) : RETURN l))()", receiver, Code::Cycle);
        refused("basic", "(LAMBDA () (d = DICT() : d.d = LIST(d) : RETURN d))()", receiver, Code::Cycle);
        for expression in
            ["TYPE(1)", "ITERATOR(LIST())", "LIST(TYPE(1))", "DICT(1, 2, 1.0, 3)", "DICT(LIST(), 1)", "DICT(NIL, 1)"]
        {
            refused("basic", expression, receiver, Code::Unsupported);
        }
    }
    for expression in ["coroutine.create(print)", "io.stdout", "{[true] = 1}", "{[{}] = 1}"] {
        refused("lua", expression, "javascript", Code::Unsupported);
    }
    for expression in
        ["Symbol('x')", "new Date()", "/x/", "new Set()", "new (class A {})()", "new Proxy({}, {})", "'\\ud800'"]
    {
        refused("javascript", expression, "lua", Code::Unsupported);
    }
}

#[test]
fn large_values_cross() {
    for (sender, expression, receiver, predicate) in [
        ("lua", "string.rep('x', 10 * 1024 * 1024)", "javascript", "v.length === 10 * 1024 * 1024"),
        ("javascript", "'x'.repeat(10 * 1024 * 1024)", "lua", "#v == 10 * 1024 * 1024"),
        (
            "lua",
            "(function() local t = {} for i = 1, 1000000 do t[i] = i end return t end)()",
            "javascript",
            "v.length === 1000000 && v[999999] === 1000000",
        ),
        ("javascript", "Array.from({ length: 1000000 }, (_, i) => i)", "lua", "#v == 1000000 and v[1000000] == 999999"),
    ] {
        let (world, context, _) = world(sender, expression, receiver, predicate);
        assert_eq!(world.call(&context, "check", &[]), Ok(Value::Bool(true)), "{sender}: {expression}");
        let back = world.call(&context, "echo", &[]).unwrap();
        assert!(back.size() == 1_000_001 || back.view().as_bytes().map(<[u8]>::len) == Some(10 * 1024 * 1024));
    }
}

#[test]
fn lenient_calls_coerce_or_drop() {
    let world = World::new();
    world.open(
        "receiver.lua",
        "return { count = function(v) local n = 0 for _ in pairs(v) do n = n + 1 end return n end }",
    );
    world.open("counts.js", "export function count(v) { return Object.keys(v).length }");
    let sender = world.open(
        "sender.js",
        "const { count } = calog.import('receiver')
        const odd = { a: 1, s: Symbol('x'), d: new Date(0) }
        export function strict() { return count(odd) }
        export function lenient() { return calog.lenient(count)(odd) }",
    );
    let from_lua = world.open(
        "from_lua.lua",
        "local count = calog.import('counts').count
        local odd = { a = 1, [true] = 2, t = coroutine.create(print) }
        return {
            strict = function() return count(odd) end,
            lenient = function() return calog.lenient(count)(odd) end,
        }",
    );
    let from_basic = world.open(
        "from_basic.bas",
        "count = calog.import(\"counts\").count
        CLASS point
            VAR x = 1, y = 2
        ENDCLASS
        odd = DICT(\"p\", NEW(point), \"t\", TYPE(1), LIST(), 1)
        calog.export(\"strict\", LAMBDA () (RETURN count(odd)))
        calog.export(\"lenient\", LAMBDA () (RETURN calog.lenient(count)(odd)))",
    );
    for sender in [sender, from_lua, from_basic] {
        let what = sender.name();
        assert_eq!(world.call(&sender, "strict", &[]).unwrap_err().code(), Code::Unsupported, "{what}");
        let kept = world.call(&sender, "lenient", &[]).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert!(matches!(kept, Value::Int(1..=3)), "{what}: {kept:?}");
    }
}
