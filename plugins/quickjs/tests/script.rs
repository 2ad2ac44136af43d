//! What scripts see, through the engine's contract, with a mock of the host.

mod world;

use std::sync::Arc;
use std::sync::Mutex;

use calog_plugin_api::ObjectType;
use calog_plugin_api::prelude::*;
use world::{World, foreign, native, slow_native};

fn identity() -> Vec<(&'static str, calog_plugin_api::Native)> {
    vec![("test.id", native(0, |_info, args| Outcome::Ready(args.get(0).to_value())))]
}

fn list<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::list(items).unwrap()
}

fn text(value: &Value) -> String {
    value.view().as_str().unwrap_or_else(|| panic!("no text: {value:?}")).to_owned()
}

/// Evaluates; on failure the error in words.
fn shown(world: &World, code: &str) -> String {
    match world.eval(code) {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

fn check(world: &World, cases: &[(&str, &str)]) {
    for (code, wanted) in cases {
        assert_eq!(shown(world, code), *wanted, "{code}");
    }
}

#[test]
fn values_go_out() {
    let world = World::new(vec![]);
    check(
        &world,
        &[
            ("1 + 1", "2"),
            ("3.0", "3"),
            ("3.5", "3.5"),
            ("2**53 - 1", "9007199254740991"),
            ("2**53", "9007199254740992.0"),
            ("-(2**53 - 1)", "-9007199254740991"),
            ("Object.is(-0, 0)", "false"),
            ("-0", "-0.0"),
            ("NaN", "NaN"),
            ("Infinity", "inf"),
            ("9223372036854775807n", "9223372036854775807"),
            ("-9223372036854775808n", "-9223372036854775808"),
            ("9223372036854775808n", "range: a BigInt that does not fit into 64 bits cannot cross"),
            ("5n", "5"),
            ("'h\u{e9}llo'", "\"h\u{e9}llo\""),
            ("'a' + 'b'.repeat(300) === 'x'", "false"),
            ("undefined", "nil"),
            ("null", "nil"),
            ("[]", "[]"),
            ("({})", "{}"),
            ("[1, [2, 'x'], {a: null}]", "[1, [2, \"x\"], {a: nil}]"),
            ("({b: 1, a: [true]})", "{b: 1, a: [true]}"),
            ("Object.create(null)", "{}"),
            ("Object.assign([1, 2], {n: 2})", "{1, 2, n: 2}"),
            ("[1,,3]", "[1, nil, 3]"),
            ("({__proto__: null, ['__proto__']: 1})", "{__proto__: 1}"),
            ("'\\ud800'", "unsupported: a string with a lone surrogate is no text and cannot cross"),
            ("Symbol('x')", "unsupported: a Symbol cannot leave JavaScript: wanted data, a function or an object"),
            (
                "new Date(0)",
                "unsupported: an instance of Date cannot leave JavaScript: wanted data, a function or an object",
            ),
            ("/x/", "unsupported: an instance of RegExp cannot leave JavaScript: wanted data, a function or an object"),
            (
                "new Set([1])",
                "unsupported: an instance of Set cannot leave JavaScript: wanted data, a function or an object",
            ),
            (
                "new (class Point { x = 1 })",
                "unsupported: an instance of Point cannot leave JavaScript: wanted data, a function or an object",
            ),
            ("new Proxy({}, {})", "unsupported: a Proxy cannot leave JavaScript: wanted data, a function or an object"),
            ("({get a() { return 7 }})", "{a: 7}"),
            ("({get a() { throw new TypeError('no') }})", "script: TypeError: no"),
            ("let c = []; c.push(c); c", "cycle: a value that contains itself cannot cross"),
            ("let d = {}; [d, d]", "[{}, {}]"),
            ("new Map([[NaN, 1]])", "unsupported: a Map with a key that is neither a string nor a number cannot cross"),
            ("new Array(4e9)", "limit: an array of length 4000000000 is too large"),
        ],
    );
    let bytes = world.eval("new Uint8Array([1, 0, 255])").unwrap();
    assert_eq!(bytes, Value::bytes([1, 0, 255]));
    assert_eq!(world.eval("new Uint8Array([1, 2, 3]).buffer").unwrap(), Value::bytes([1, 2, 3]));
    assert_eq!(world.eval("new Uint8Array(0)").unwrap(), Value::bytes([]));
    let map = world.eval("new Map([[1, 'a'], ['k', 2], [1.5, null]])").unwrap();
    let map = map.view().as_aggregate().unwrap();
    assert_eq!(map.get_int(1).unwrap().as_str(), Some("a"));
    assert_eq!(map.get("k").unwrap().as_int(), Some(2));
    assert_eq!(map.pair_len(), 3);
}

#[test]
fn values_round_trip() {
    let world = World::new(identity());
    let id = world.eval("x => x").unwrap();
    let mut big = Vec::new();
    for shift in [0i64, 1, 30, 31, 32, 52, 53, 54, 62] {
        for delta in [-1, 0, 1] {
            big.push(Value::Int((1i64 << shift).wrapping_add(delta)));
            big.push(Value::Int(-(1i64 << shift) + delta));
        }
    }
    big.extend([i64::MIN, i64::MAX].map(Value::Int));
    big.extend([-0.0, f64::INFINITY, f64::NEG_INFINITY, 0.1, 1e300, 2f64.powi(53)].map(Value::Real));
    big.extend([
        Value::Nil,
        Value::Bool(true),
        Value::from("nul \0 inside"),
        Value::from("\u{1F600}"),
        Value::bytes(b"raw"),
        list(Vec::<Value>::new()),
        Value::map(Vec::<(Value, Value)>::new()).unwrap(),
        list([1, 2, 3]),
        Value::map([("a", Value::Int(1)), ("\u{e9}", list(["x"]))]).unwrap(),
        Value::map([(Value::Int(5), Value::Int(1)), (Value::from("k"), Value::Nil)]).unwrap(),
        Value::map([("__proto__", 1), ("constructor", 2), ("toString", 3)]).unwrap(),
    ]);
    for value in big {
        let back = world.call(&id, std::slice::from_ref(&value)).unwrap();
        let zero = matches!((&value, &back), (Value::Real(a), Value::Real(b)) if a.to_bits() == b.to_bits());
        assert!(back == value || zero, "{value:?} came back as {back:?}");
    }
    let nan = world.call(&id, &[Value::Real(f64::NAN)]).unwrap();
    assert!(matches!(nan, Value::Real(it) if it.is_nan()));
    // What is not UTF-8 comes back marked as bytes.
    let invalid = Value::from(&[b'a', 0xFF][..]);
    assert_eq!(world.call(&id, &[invalid]).unwrap(), Value::bytes([b'a', 0xFF]));
    // Integral reals are ints in a language with one number type.
    assert_eq!(world.call(&id, &[Value::Real(3.0)]).unwrap(), Value::Int(3));
}

#[test]
fn mixed_aggregates() {
    let world = World::new(vec![]);
    let mixed = |pairs: &[(Value, Value)]| {
        let mut builder = Builder::new();
        builder.begin(Shape::Map).unwrap();
        builder.int(10);
        builder.int(20);
        for (key, value) in pairs {
            builder.key(key).unwrap();
            builder.value(value).unwrap();
        }
        builder.end().unwrap();
        builder.finish().unwrap()
    };
    let show = world.eval("x => x instanceof Map ? 'map ' + JSON.stringify([...x]) : Array.isArray(x) ? 'array ' + x.length + x.n : 'object'").unwrap();
    let shown = |value: Value| world.call(&show, &[value]).map_or_else(|e| e.code().word().to_owned(), |v| text(&v));
    assert_eq!(shown(mixed(&[(Value::from("n"), Value::Int(7))])), "array 27");
    assert_eq!(shown(mixed(&[(Value::Int(5), Value::Int(7))])), "map [[0,10],[1,20],[5,7]]");
    assert_eq!(shown(mixed(&[(Value::Int(1), Value::Int(7))])), "unsupported");
    assert_eq!(shown(mixed(&[(Value::from("length"), Value::Int(7))])), "unsupported");
    assert_eq!(shown(mixed(&[(Value::from("1"), Value::Int(7))])), "unsupported");
    let id = world.eval("x => x").unwrap();
    let array = mixed(&[(Value::from("n"), Value::Int(7))]);
    assert_eq!(world.call(&id, std::slice::from_ref(&array)).unwrap(), array);
    let lenient = World::with_options(vec![], Value::map([("lenient", true)]).unwrap());
    let show = lenient.eval("x => JSON.stringify([...x])").unwrap();
    let value = lenient.call(&show, &[mixed(&[(Value::Int(1), Value::Int(7))])]).unwrap();
    assert_eq!(text(&value), "[[0,10],[1,7]]");
}

#[test]
fn lenient_values() {
    let count = native(0, |_info, args| {
        let rest = args.from(1).iter().filter_map(|list| list.as_aggregate()?.element(0)?.as_int());
        Outcome::Ready(Value::from(format!("{} {}", args.get(0).as_str().unwrap(), rest.sum::<i64>())))
    });
    let world = World::with_options(vec![("test.count", count)], Value::map([("lenient", true)]).unwrap());
    check(
        &world,
        &[
            ("'a\\ud800b'", "\"a\u{FFFD}b\""),
            ("new (class Point { x = 1 })", "{x: 1}"),
            ("new Date(0)", "{}"),
            ("[Symbol('x')]", "[nil]"),
            ("let c = []; c.push(c); c", "cycle: a value that contains itself cannot cross"),
            ("test.count('\\ud800', ...Array.from({length: 20}, (_, i) => [i]))", "\"\u{FFFD} 190\""),
        ],
    );
}

#[test]
fn depth_and_size() {
    let world = World::new(identity());
    let nested = "let nest = n => { let v = []; for (let i = 1; i < n; i++) v = i % 2 ? [v] : {v}; return v }; nest";
    let nest = world.eval(nested).unwrap();
    for depth in [1, 127, 128] {
        let value = world.call(&nest, &[Value::Int(depth)]).unwrap();
        assert_eq!(value.depth() as i64, depth);
        let id = world.eval("x => x").unwrap();
        assert_eq!(world.call(&id, std::slice::from_ref(&value)).unwrap(), value);
    }
    let error = world.call(&nest, &[Value::Int(129)]).unwrap_err();
    assert_eq!(error.code(), Code::Depth);
    assert_eq!(shown(&world, "try { test.id(nest(129)) } catch (e) { e.code }"), "\"depth\"");
    assert_eq!(shown(&world, "try { let c = {}; c.c = c; test.id(c) } catch (e) { e.code }"), "\"cycle\"");
    assert_eq!(shown(&world, "test.id([1, 2])"), "[1, 2]");
    let long = world.eval("test.id('x'.repeat(10 << 20))").unwrap();
    assert_eq!(long.view().as_bytes().unwrap().len(), 10 << 20);
    let million = world.eval("test.id(Array.from({length: 1000000}, (_, i) => i))").unwrap();
    assert_eq!(million.view().as_aggregate().unwrap().list_len(), 1_000_000);
}

#[test]
fn functions_keep_their_identity() {
    let world = World::new(identity());
    check(
        &world,
        &[
            ("let f = () => 1; test.id(f) === f", "true"),
            ("test.id(test.id) === test.id", "true"),
            ("let g = test.id([f, f]); g[0] === f && g[1] === f", "true"),
            ("typeof test.id", "\"function\""),
            ("test.id.name", "\"test.id\""),
        ],
    );
    let adder = foreign(|_info, args| Outcome::Ready(Value::Int(args.get(0).as_int().unwrap() + 1)));
    let same =
        world.eval("(a, b) => a === b && typeof a === 'function' && a(1) === 2 && a instanceof Function").unwrap();
    let args = [Value::Callable(adder.clone()), Value::Callable(adder.clone())];
    assert_eq!(world.call(&same, &args).unwrap(), Value::Bool(true));
    let back = world.eval("f => f").unwrap();
    assert_eq!(world.call(&back, &[Value::Callable(adder.clone())]).unwrap(), Value::Callable(adder.clone()));
    let wrapped = world.eval("globalThis.kept = undefined; (f) => { kept ??= f; return kept === f }").unwrap();
    for _ in 0..3 {
        assert_eq!(world.call(&wrapped, &[Value::Callable(adder.clone())]).unwrap(), Value::Bool(true));
    }
}

#[test]
fn callbacks_do_not_grow() {
    let world = World::new(vec![(
        "test.each",
        native(0, |info, args| match args.get(0).as_callable() {
            Some(callback) => callback.call(info, Args::new(&[View::int(1)])),
            None => Outcome::Ready(Value::Nil),
        }),
    )]);
    let run =
        world.eval("n => { let s = 0; for (let i = 0; i < n; i++) s += test.each(x => x + i); return s }").unwrap();
    let round = || {
        for _ in 0..100 {
            world.call(&run, &[Value::Int(100)]).unwrap();
            world.pump();
        }
        world.handle().memory_used()
    };
    let early = round();
    for _ in 0..10 {
        round();
    }
    let late = round();
    assert!(late < early + 100_000, "{early} bytes became {late}");
    // The other way: a foreign function as argument, 100,000 times.
    let callback = foreign(|_info, _args| Outcome::Ready(Value::Nil));
    let take = world.eval("f => f()").unwrap();
    for _ in 0..100_000 {
        world.call(&take, &[Value::Callable(callback.clone())]).unwrap();
    }
    let last = world.handle().memory_used();
    assert!(last < late + 100_000, "{late} bytes became {last}");
}

#[test]
fn errors_go_out() {
    let world = World::new(vec![]);
    let error = world.load("function inner() {\n  null.x;\n}\nfunction outer() { inner() }\nouter();").unwrap_err();
    assert_eq!(error.code(), Code::Script);
    assert_eq!(error.message(), "TypeError: cannot read property 'x' of null");
    let frames: Vec<String> = error.frames().map(|frame| frame.to_string()).collect();
    assert_eq!(frames[0], "main.js:2:3 in inner (javascript)", "{frames:?}");
    assert_eq!(frames[1], "main.js:4:20 in outer (javascript)");
    assert_eq!(error.frames().next().unwrap().context, "test");
    let error = world.load("let x = ;\n").unwrap_err();
    assert_eq!(error.code(), Code::Script);
    let frame = error.frames().next().unwrap();
    assert_eq!((frame.file.as_str(), frame.line), ("main.js", 1), "{error:?}");
    let error = world.load("\n\nfoo bar").unwrap_err();
    assert_eq!(error.frames().next().unwrap().line, 3, "{error:?}");
    let error = world.eval("throw {kind: 'odd', n: 1}").unwrap_err();
    assert_eq!(format!("{:?}", error.thrown().unwrap()), "{kind: \"odd\", n: 1}");
    let error = world.eval("throw 'words'").unwrap_err();
    assert_eq!(error.message(), "words");
    let error = world.eval("function f() { f() } f()").unwrap_err();
    assert_eq!(error.code(), Code::Depth, "{error:?}");
    assert_eq!(shown(&world, "1 + 1"), "2");
    let error = world.eval("throw Object.assign(new Error('late'), {code: 'timeout'})").unwrap_err();
    assert_eq!((error.code(), error.message().as_ref()), (Code::Timeout, "Error: late"));
}

#[test]
fn errors_come_in() {
    let place = Frame {
        language: "lua".into(),
        file: "users.lua".into(),
        line: 7,
        function: "find".into(),
        ..Frame::default()
    };
    let failing = move |thrown: bool| {
        let place = place.clone();
        native(0, move |_info, _args| {
            let error = Error::new(Code::NotFound, "no such user").with_frame(place.clone());
            Outcome::Failed(if thrown { error.with_thrown(Value::map([("id", 3)]).unwrap()) } else { error })
        })
    };
    let world = World::new(vec![
        ("test.fail", failing(false)),
        ("test.throw", failing(true)),
        ("test.each", native(0, |info, args| args.get(0).as_callable().unwrap().call(info, Args::new(&[])))),
    ]);
    check(
        &world,
        &[
            (
                "try { test.fail() } catch (e) { e instanceof Error && e.code + ' ' + e.message }",
                "\"not_found no such user\"",
            ),
            ("try { test.fail() } catch (e) { e.trace[0].file + ':' + e.trace[0].line }", "\"users.lua:7\""),
            ("try { test.fail() } catch (e) { /users.lua:7/.test(e.stack) && /eval:1/.test(e.stack) }", "true"),
            ("try { test.throw() } catch (e) { e.thrown.id }", "3"),
            (
                "let o = {}; try { test.each(() => { throw o }) } catch (e) { typeof e + JSON.stringify(e) }",
                "\"object{}\"",
            ),
            (
                "try { test.each(() => { throw new RangeError('r') }) } catch (e) { e instanceof RangeError && e.message }",
                "\"r\"",
            ),
        ],
    );
    let error = world.eval("function local() { test.fail() }\nlocal()").unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let frames: Vec<String> = error.frames().map(|frame| frame.to_string()).collect();
    assert_eq!(frames[0], "users.lua:7 in find (lua)");
    assert_eq!(frames[1], "eval:1:24 in local (javascript)", "{frames:?}");
    // Frames of the entries below are not told twice.
    let error = world.eval("function up() { test.each(function down() { null.x }) }\nup()").unwrap_err();
    let names: Vec<String> = error.frames().map(|frame| frame.function).collect();
    assert_eq!(names, ["down", "up", ""], "{error:?}");
}

#[test]
fn promises_and_async_functions() {
    let (waits, place) = slow_native(Descriptor::WAITS);
    let (plain, other) = slow_native(0);
    let world = World::new(vec![("slow.get", waits), ("slow.plain", plain)]);
    *place.lock().unwrap() = Some(world.shared.clone());
    *other.lock().unwrap() = Some(world.shared.clone());
    let value = world.load("export const a = await slow.get(1);\nexport const b = slow.get.sync(2);\nexport default slow.plain(3) + await slow.plain.async(4);").unwrap();
    assert_eq!(value, Value::map([("a", 1), ("b", 2), ("default", 7)]).unwrap());
    check(
        &world,
        &[
            ("slow.get(1) instanceof Promise", "true"),
            ("await slow.get('x')", "\"x\""),
            ("slow.get('fail').catch(e => e.code)", "\"io\""),
            ("try { slow.get.sync('fail') } catch (e) { e.message }", "\"it failed\""),
            ("(async () => { await null; throw new Error('later') })()", "script: Error: later"),
            ("slow.get.sync === slow.get.sync", "true"),
            ("Promise.all([slow.get(1), slow.get(2)])", "[1, 2]"),
        ],
    );
    let both = world.eval("async (n) => { const a = await slow.get(n); return a + await slow.get(1) }").unwrap();
    assert_eq!(world.call(&both, &[Value::Int(41)]).unwrap(), Value::Int(42));
    assert_eq!(world.reports(), Vec::<String>::new());
    world.eval("Promise.reject(new Error('nobody')); 1").unwrap();
    let reports = world.reports();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].starts_with("script: Error: nobody"), "{reports:?}");
    world.eval("let p = Promise.reject(1); queueMicrotask(() => p.catch(() => {})); 1").unwrap();
    assert_eq!(world.reports(), Vec::<String>::new());
}

#[test]
fn a_call_comes_in_while_another_waits() {
    let place: Arc<Mutex<Option<Value>>> = Arc::default();
    let seen = place.clone();
    let (slow, shared) = slow_native(0);
    let slow_inner = slow.clone();
    let world = World::new(vec![
        (
            "test.keep",
            native(0, move |_info, args| {
                *seen.lock().unwrap() = Some(args.get(0).to_value());
                Outcome::Ready(Value::Nil)
            }),
        ),
        ("test.slow", slow),
        (
            "test.nested",
            native(0, move |info, args| {
                let callback = args.get(0).as_callable().unwrap();
                match callback.call(info, Args::new(&[])) {
                    Outcome::Ready(_) => slow_inner.call(info, Args::new(&[View::int(5)])),
                    other => other,
                }
            }),
        ),
    ]);
    *shared.lock().unwrap() = Some(world.shared.clone());
    assert_eq!(shown(&world, "let seen = []; test.nested(() => { seen.push(test.slow(1)); }); seen"), "[1]");
    drop(place);
}

#[test]
fn objects_have_methods_and_properties() {
    struct Queue(Mutex<Vec<Value>>);
    impl ObjectType for Queue {
        fn type_name(&self) -> &str {
            "Queue"
        }
        fn members(&self) -> Value {
            Value::list([
                Descriptor::method("put").to_value().unwrap(),
                Descriptor::method("get").with_flags(Descriptor::WAITS).to_value().unwrap(),
                Descriptor::property("size").to_value().unwrap(),
            ])
            .unwrap()
        }
        fn get(&self, _info: &CallInfo, _property: &str) -> Result<Value> {
            Ok(Value::Int(self.0.lock().unwrap().len() as i64))
        }
        fn call(&self, _info: &CallInfo, method: &str, args: Args<'_>) -> Outcome {
            let mut items = self.0.lock().unwrap();
            match method {
                "put" => items.push(args.get(0).to_value()),
                _ => return Outcome::Ready(items.remove(0)),
            }
            Outcome::Ready(Value::Nil)
        }
    }
    let queue = Object::new(Arc::new(Queue(Mutex::default())));
    let given = queue.clone();
    let world = World::new(vec![
        ("sync.Queue", native(0, move |_info, _args| Outcome::Ready(Value::Object(given.clone())))),
        ("test.id", native(0, |_info, args| Outcome::Ready(args.get(0).to_value()))),
    ]);
    check(
        &world,
        &[
            ("let q = sync.Queue(); q.put(1); q.put('two'); q.size", "2"),
            ("q.get() instanceof Promise", "true"),
            ("q.get.sync()", "\"two\""),
            ("q === sync.Queue() && q === test.id(q)", "true"),
            ("String(q)", "\"<Queue>\""),
            ("q.put === q.put", "true"),
            ("try { q.size = 3 } catch (e) { e.code }", "\"unsupported\""),
            ("q.nothing", "nil"),
        ],
    );
    assert_eq!(world.eval("q").unwrap(), Value::Object(queue));
}

#[test]
fn printing() {
    let world = World::new(vec![]);
    world.eval("console.log('a', 1, -0, null, [1, 'x', {a: 1}], {b: [2]}, new Map([[1, 2]]), x => x, 5n)").unwrap();
    assert_eq!(
        world.printed(),
        "a 1 -0 null [ 1, \"x\", { a: 1 } ] { b: [ 2 ] } Map(1) { 1 => 2 } [Function (anonymous)] 5n\n"
    );
    world.eval("let o = {}; o.self = o; print(o); console.log('%s is %d', 'x', 3); console.log()").unwrap();
    assert_eq!(world.printed(), "{ self: [Circular] }\nx is 3\n\n");
    world.eval("console.warn('careful'); console.error(new Error('bad').message)").unwrap();
    assert_eq!(*world.shared.logged.lock().unwrap(), ["warn: careful", "error: bad"]);
    check(
        &world,
        &[
            ("[...new TextEncoder().encode('h\u{e9}')].join()", "\"104,195,169\""),
            ("new TextDecoder().decode(new Uint8Array([104, 195, 169]))", "\"h\u{e9}\""),
            ("new TextDecoder().decode(new Uint8Array([0xff]))", "\"\u{FFFD}\""),
            (
                "try { new TextDecoder('utf-8', {fatal: true}).decode(new Uint8Array([0xff])) } catch (e) { e instanceof TypeError }",
                "true",
            ),
            (
                "let t = new TextDecoder(); t.decode(new Uint8Array([0xc3]), {stream: true}) + t.decode(new Uint8Array([0xa9]))",
                "\"\u{e9}\"",
            ),
        ],
    );
}

#[test]
fn modules() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "lib.js",
        "import { deep } from './more/deep.mjs'; export const twice = x => deep(x) * 2; export default 'lib'",
    );
    std::fs::create_dir(folder.path().join("more")).unwrap();
    write("more/deep.mjs", "import users from '../users.lua'; export const deep = x => x + users.base");
    write(
        "main.js",
        "import lib, { twice } from './lib.js'; import { find } from './users.lua'; import all from 'tools';\nexport const result = [lib, twice(2), find(4), all.n, import.meta.url.slice(0, 7)];\nexport const later = (await import('./late.js')).default",
    );
    write("late.js", "import { find } from './users.lua'; import other from 'other'; export default find(1) + other.n");
    let (slow, place) = slow_native(0);
    let opened: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = opened.clone();
    let import = native(Descriptor::IN_PLACE, move |info, args| {
        let name = args.get(0).as_str().unwrap().to_owned();
        let short = name.rsplit('/').next().unwrap().to_owned();
        log.lock().unwrap().push(short.clone());
        let find = foreign(|_info, args| Outcome::Ready(Value::Int(args.get(0).as_int().unwrap() * 10)));
        let exports = match short.as_str() {
            "users.lua" => Value::map([("find", Value::Callable(find)), ("base", Value::Int(100))]).unwrap(),
            "tools" | "other" => Value::map([("n", Value::Int(7))]).unwrap(),
            _ => return Outcome::Failed(Error::new(Code::NotFound, format!("no module {name}"))),
        };
        slow.call(info, Args::new(&[exports.view()]))
    });
    let world = World::new(vec![("calog.import", import)]);
    *place.lock().unwrap() = Some(world.shared.clone());
    let value = world.load_file(&folder.path().join("main.js")).unwrap();
    assert_eq!(format!("{value:?}"), "{later: 17, result: [\"lib\", 204, 40, 7, \"file://\"]}");
    assert_eq!(*opened.lock().unwrap(), ["users.lua", "tools", "other"]);
    let failing = |name: &str, text: &str| {
        write(name, text);
        let error = world.load_file(&folder.path().join(name)).unwrap_err();
        format!("{}: {error}", error.code())
    };
    assert_eq!(
        failing("bad1.js", "import { nothing } from './users.lua'").split(" in module").next().unwrap(),
        "script: SyntaxError: Could not find export 'nothing'"
    );
    assert!(failing("bad2.js", "import './missing.js'").starts_with("not_found: there is no module './missing.js'"));
    assert!(failing("bad3.js", "import 'nowhere'").starts_with("not_found: no module nowhere"));
    write("broken.js", "export const = 1");
    assert!(failing("bad4.js", "import './broken.js'").starts_with("script: SyntaxError"));
    assert_eq!(
        failing("bad5.js", "await import('./missing.js')").split(" (").next().unwrap(),
        "not_found: there is no module './missing.js'"
    );
    // A cycle of files, one of which fails, leaves nothing behind that hurts.
    write("one.js", "import './two.js'; import './missing.js'");
    write("two.js", "import './one.js'; export const two = 2");
    failing("bad6.js", "import './one.js'");
    write("good.js", "import { two } from './fine.js'; export { two }");
    write("fine.js", "export const two = 2");
    let value = world.load_file(&folder.path().join("good.js")).unwrap();
    assert_eq!(value, Value::map([("two", 2)]).unwrap());
}

#[test]
fn stopping_and_limits() {
    let world = World::new(vec![]);
    assert!(world.handle().set_memory_limit(8 << 20));
    let error = world.eval("(() => { let a = []; for (;;) a.push('x'.repeat(1000) + a.length) })()").unwrap_err();
    assert_eq!(error.code(), Code::Limit, "{error:?}");
    assert_eq!(shown(&world, "1 + 1"), "2");
    world.stop();
    let error = world.eval("try { for (;;); } catch (e) { 'caught' }").unwrap_err();
    assert_eq!(error.code(), Code::Cancelled, "{error:?}");
}

#[test]
fn modes() {
    let world = World::new(vec![]);
    assert!(world.mode(SourceMode::Check, "let x = 1; import.meta").is_ok());
    assert!(world.mode(SourceMode::Check, "let x = ").is_err());
    // A module of another language is not opened for it.
    assert!(world.mode(SourceMode::Check, "import { x } from './other.lua'; x()").is_ok());
    world.mode(SourceMode::Repl, "let kept = 5; const f = () => kept").unwrap();
    assert_eq!(world.mode(SourceMode::Repl, "f() + 1").unwrap(), Value::Int(6));
    assert_eq!(world.load("const nothing = 1").unwrap(), Value::Nil);
    assert_eq!(world.mode(SourceMode::Repl, "await 3").unwrap(), Value::Int(3));
}

/// Where memory is limited, what compiles code is ours; but for what `eval` sees it is as it was.
#[test]
fn code_is_compiled_where_memory_is_limited() {
    let world = World::new(vec![]);
    assert!(world.handle().set_memory_limit(64 << 20));
    check(
        &world,
        &[
            ("new Function('a', 'b', 'return a + b')(1, 2)", "3"),
            ("Function('return this === globalThis')()", "true"),
            ("new Function({ toString: () => 'x' }, 'return x')(5)", "5"),
            ("(() => {}).constructor === Function && Function instanceof Function && Function.length", "1"),
            (
                "(class extends Function { get two() { return 2 } }, new (class Two extends Function { get two() { return this() } })('return 2').two)",
                "2",
            ),
            ("[...new (Object.getPrototypeOf(function* () {}).constructor)('yield 1; yield 2')()]", "[1, 2]"),
            ("new (Object.getPrototypeOf(async function () {}).constructor)('return await 7')()", "7"),
            ("Object.getPrototypeOf(Object.getPrototypeOf(function* () {}).constructor) === Function", "true"),
            (
                "`${Function.name} ${(function () {}) instanceof Function} ${Object.keys(Function)}`",
                "\"Function true \"",
            ),
            ("eval('1 + 1') + (0, eval)('2 + 2')", "6"),
            ("eval(7)", "7"),
            ("eval('globalThis.made = 1; made')", "1"),
            (
                "(() => { const own = 1; try { return eval('own') } catch (e) { return e.name } })()",
                "\"ReferenceError\"",
            ),
            ("try { Function('(') } catch (e) { e instanceof SyntaxError }", "true"),
            ("try { eval('(') } catch (e) { e instanceof SyntaxError }", "true"),
            ("try { Function(Symbol()) } catch (e) { e instanceof TypeError }", "true"),
        ],
    );
    let error = world.eval("const all = []; for (;;) all.push(new Array(1000).fill(1))").unwrap_err();
    assert_eq!(error.code(), Code::Limit);
}
