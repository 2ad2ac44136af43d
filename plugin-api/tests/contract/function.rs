//! Typed natives: arguments convert themselves, and errors name the function, the place and the name.

use calog_plugin_api::{
    AggregateView, Args, Bundle, CallInfo, Callable, Code, Completion, Descriptor, Function, Object, Outcome, Rest,
    Result, Str, Value, View,
};

use crate::common::{Drops, callable, info, list, map, object, show};

/// Calls and compares.
fn check(function: Function, args: &[Value], expected: &str) {
    let native = function.build().unwrap();
    let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
    let outcome = native.call(&info(), Args::new(&views));
    let result = outcome.settled().expect("these natives are ready at once");
    assert_eq!(show(&result), expected, "{:?}", native.descriptor().signature());
}

/// Gives what it took as text, so that the type as well as the value shows.
macro_rules! took {
    ($type:ty) => {
        Function::new("f", |it: $type| format!("{it:?}")).params(["it"])
    };
}

#[test]
fn each_type_of_argument_takes_what_fits_and_refuses_the_rest() {
    let drops = Drops::default();
    let (function, cell) = (Value::from(callable(5, &drops)), Value::from(object(&drops)));
    let refused = |wanted: &str, got: &str| format!("type: f: argument 1 'it': wanted {wanted}, got {got}");

    check(took!(bool), &[true.into()], r#""true""#);
    check(took!(bool), &[1.into()], &refused("bool", "int 1"));
    check(took!(i64), &[i64::MIN.into()], r#""-9223372036854775808""#);
    check(took!(i64), &[3.0.into()], r#""3""#);
    check(took!(i64), &[(-9223372036854775808.0).into()], r#""-9223372036854775808""#);
    check(took!(i64), &[3.5.into()], "range: f: argument 1 'it': wanted int, got real 3.5");
    check(
        took!(i64),
        &[9223372036854775808.0.into()],
        "range: f: argument 1 'it': wanted int, got real 9.223372036854776e18",
    );
    check(took!(i64), &[f64::NAN.into()], "range: f: argument 1 'it': wanted int, got real NaN");
    check(took!(i64), &["3".into()], &refused("int", r#"string "3""#));
    check(took!(i64), &[Value::Nil], &refused("int", "nil"));
    check(took!(u8), &[255.into()], r#""255""#);
    check(took!(u8), &[256.into()], "range: f: argument 1 'it': wanted int from 0 to 255, got 256");
    check(took!(i8), &[(-129).into()], "range: f: argument 1 'it': wanted int from -128 to 127, got -129");
    check(took!(usize), &[(-1).into()], "range: f: argument 1 'it': wanted int from 0 to 18446744073709551615, got -1");
    check(took!(f64), &[2.into()], r#""2.0""#);
    check(took!(f64), &[true.into()], &refused("number", "bool true"));
    check(took!(&str), &["a\0é".into()], r#""\"a\\0é\"""#);
    check(took!(&str), &[b"\xff"[..].into()], &refused("string of valid UTF-8", "string \"\u{fffd}\""));
    check(took!(String), &[list(&[])], &refused("string of valid UTF-8", "a list of 0"));
    check(took!(&[u8]), &[b"\xff"[..].into()], r#""[255]""#);
    check(took!(Str), &[Value::bytes("x")], r#""b\"x\"""#);
    check(took!(Str), &[1.into()], &refused("string", "int 1"));
    check(took!(Vec<i64>), &[list(&[1.into(), 2.0.into()])], r#""[1, 2]""#);
    check(took!(Vec<i64>), &[map(&[])], r#""[]""#);
    check(
        took!(Vec<i64>),
        &[list(&[1.into(), "x".into()])],
        &refused("int", "string \"x\"").replace("'it':", "'it': element 1:"),
    );
    check(took!(Vec<i64>), &[map(&[("a", 1.into())])], &refused("list", "a map of 1"));
    check(took!(Vec<Option<bool>>), &[list(&[Value::Nil, true.into()])], r#""[None, Some(true)]""#);
    check(took!(AggregateView<'_>), &[map(&[("a", 1.into())])], r#""{a: 1}""#);
    check(took!(AggregateView<'_>), &[1.into()], &refused("list or map", "int 1"));
    check(took!(Callable), std::slice::from_ref(&function), r#""<function 5 of context 3>""#);
    check(took!(&Callable), std::slice::from_ref(&function), r#""<function 5 of context 3>""#);
    check(took!(&Callable), std::slice::from_ref(&cell), &refused("function", "object"));
    check(took!(Object), std::slice::from_ref(&cell), r#""<test.Cell>""#);
    check(took!(&Object), &[function], &refused("object", "function"));
    check(took!(View<'_>), &[Value::Nil], r#""nil""#);
    check(took!(Value), &[1.5.into()], r#""1.5""#);
    check(took!(Value), &[], r#""nil""#);
    check(took!(Option<i64>), &[], r#""None""#);
    check(took!(Option<i64>), &[Value::Nil], r#""None""#);
    check(took!(Option<i64>), &[4.into()], r#""Some(4)""#);
    check(took!(Option<i64>), &["x".into()], &refused("int", "string \"x\""));
    let long = "x".repeat(100);
    check(took!(i64), &[long.as_str().into()], &refused("int", &format!("string {:?}...", "x".repeat(24))));
}

#[test]
fn missing_optional_default_and_variadic() {
    let two = || Function::new("m.two", |a: i64, b: &str| format!("{a}{b}")).params(["a", "b"]);
    check(two(), &[1.into(), "x".into()], r#""1x""#);
    check(two(), &[1.into()], "arity: m.two: argument 2 'b' is missing");
    check(two(), &[], "arity: m.two: argument 1 'a' is missing");
    check(two(), &[1.into(), Value::Nil], "type: m.two: argument 2 'b': wanted string of valid UTF-8, got nil");
    check(two(), &[1.into(), "x".into(), Value::Nil], "arity: m.two: takes at most 2 arguments, got 3");
    check(Function::new("m.one", |a: i64| a), &[1.into(), 2.into()], "arity: m.one: takes at most 1 argument, got 2");
    check(Function::new("m.none", || ()), &[1.into()], "arity: m.none: takes at most 0 arguments, got 1");
    check(Function::new("m.none", || ()), &[], "nil");

    let defaults = || {
        Function::new("d", |a: i64, b: i64, c: &str, d: f64, e: bool| format!("{a} {b} {c} {d} {e}")).params([
            "a",
            "b = -2",
            r#"c = "see""#,
            "d=1e3",
            "e = true",
        ])
    };
    check(defaults(), &[1.into()], r#""1 -2 see 1000 true""#);
    check(defaults(), &[1.into(), Value::Nil, "x".into()], r#""1 -2 x 1000 true""#);
    check(defaults(), &[1.into(), 5.into(), Value::Nil, 0.5.into(), false.into()], r#""1 5 see 0.5 false""#);
    check(defaults(), &[], "arity: d: argument 1 'a' is missing");
    check(defaults(), &[1.into(), "x".into()], "type: d: argument 2 'b': wanted int, got string \"x\"");
    let optional = || Function::new("o", |a: Option<i64>| format!("{a:?}")).params(["a = 5"]);
    check(optional(), &[], r#""Some(5)""#);
    check(optional(), &[6.into()], r#""Some(6)""#);

    let variadic = || Function::new("v", |a: i64, rest: Rest<'_>| format!("{a} {:?}", rest.0.to_values()));
    check(variadic(), &[1.into()], r#""1 []""#);
    check(variadic(), &[1.into(), Value::Nil, "x".into()], r#""1 [nil, \"x\"]""#);
    check(variadic(), &[], "arity: v: argument 1 'arg1' is missing");
    let counted = |_: &CallInfo, first: Value, rest: Rest<'_>| format!("{first:?} {}", rest.0.len());
    check(Function::new("v", counted), &[], r#""nil 0""#);
}

#[test]
fn the_circumstances_take_no_argument() {
    let native = Function::new("c", |a: i64, info: &CallInfo, b: i64| a + b + info.context() as i64).params(["a", "b"]);
    check(native, &[1.into(), 2.into()], "3");
}

#[test]
fn each_type_of_answer() {
    check(Function::new("a", || ()), &[], "nil");
    check(Function::new("a", || Some("x")), &[], r#""x""#);
    check(Function::new("a", || None::<i64>), &[], "nil");
    check(Function::new("a", || Value::list([1, 2])), &[], "[1, 2]");
    check(Function::new("a", || -> Result<()> { Err(calog_plugin_api::Error::new(Code::Io, "no")) }), &[], "io: no");
    check(Function::new("a", || Outcome::Ready(1.into())), &[], "1");
    let pending = Function::new("a", |info: &CallInfo| -> Completion { info.runtime().completion("it").0 });
    let outcome = pending.build().unwrap().call(&info(), Args::new(&[]));
    let Outcome::Pending(completion) = outcome else { panic!("{outcome:?}") };
    assert_eq!(show(&completion.try_take().unwrap()), "dead: whoever would have answered is gone");
}

#[test]
fn a_panic_becomes_an_error_of_that_call() {
    fn panics(kind: i64) -> i64 {
        match kind {
            0 => panic!("plain"),
            1 => panic!("with {}", "words"),
            2 => std::panic::panic_any(5),
            _ => kind,
        }
    }
    for (kind, text) in [(0, "plain"), (1, "with words"), (2, "without a message")] {
        check(Function::new("p", panics), &[kind.into()], &format!("panic: panicked: {text}"));
    }
    check(Function::new("p", panics), &[3.into()], "3");
}

#[test]
fn errors_help_with_the_signature() {
    let native = Function::new("s.rep", |t: &str, n: usize, _more: Option<bool>, _rest: Rest<'_>| t.repeat(n))
        .params(["text", "times = 2", "really", "rest"])
        .returns("string")
        .doc("Repeats.")
        .flags(Descriptor::WAITS)
        .build()
        .unwrap();
    let signature = "s.rep(text: string of valid UTF-8, times: int = 2, really?: bool, ...rest?: any) -> string";
    let descriptor = native.descriptor();
    assert_eq!(descriptor.signature(), signature);
    assert_eq!((descriptor.doc.as_str(), native.flags(), descriptor.flags), ("Repeats.", 1, 1));
    assert_eq!(Descriptor::from_view(descriptor.to_value().unwrap().view()), descriptor);
    let Outcome::Failed(error) = native.call(&info(), Args::new(&[View::int(1)])) else { panic!("1 is no text") };
    assert_eq!(error.help().as_deref(), Some(format!("it is {signature}").as_str()));
    assert_eq!(error.code(), Code::Type);
}

/// A function that cannot be built.
fn refused(function: Function, expected: &str) {
    let error = function.build().map(drop).expect_err(expected);
    assert_eq!(format!("{}: {}", error.code(), error.message()), expected);
}

#[test]
fn names_and_defaults_that_do_not_match_are_refused_when_built() {
    let two = || Function::new("f", |a: i64, b: i64| a + b);
    refused(two().params(["a"]), r#"arity: f: 1 names for 2 parameters: ["a"]"#);
    refused(two().params(["a", "b", "c"]), r#"arity: f: 3 names for 2 parameters: ["a", "b", "c"]"#);
    refused(two().params(["a", "b = x"]), "type: f: the default of 'b' cannot be read");
    refused(two().params(["a", "b = [1]"]), "type: f: the default of 'b' cannot be read");
    let text = || Function::new("f", |a: &str| a.len() as i64);
    refused(text().params([r#"a = "\n""#]), "type: f: the default of 'a' cannot be read");
    refused(text().params([r#"a = ""#]), "type: f: the default of 'a' cannot be read");
    check(text().params([r#"a = """#]), &[], "0");
}

#[test]
fn a_bundle_checks_its_natives() {
    let twice = Bundle::new("b").function("f", || 1).function("f", || 2).check();
    assert_eq!(twice.map(drop).unwrap_err().message(), "the bundle has two natives 'b.f'");
    let wrong = Bundle::new("b").function("f", |a: i64| a).params(["a", "b"]).check();
    assert_eq!(wrong.map(drop).unwrap_err().code(), Code::Arity);
    let good = Bundle::new("b").function("f", |a: i64| a).params(["x"]).doc("F.").function("g", || 1).check().unwrap();
    let signatures: Vec<_> = good.natives().iter().map(|native| native.descriptor().signature()).collect();
    assert_eq!(signatures, ["b.f(x: int)", "b.g()"]);
    assert_eq!(good.natives()[0].descriptor().doc, "F.", "words follow the function they were said of");
}
