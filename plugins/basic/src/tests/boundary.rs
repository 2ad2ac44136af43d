//! What crosses: values, functions, natives, Objects, errors.

use std::collections::HashMap;

use calog_plugin_api::mock::{deliver_releases, printed};
use calog_plugin_api::prelude::*;

use super::Opened;

/// Runs a program that shall not fail; gives what it printed.
#[track_caller]
fn prints(code: &str) -> String {
    let opened = Opened::new();
    printed();
    if let Err(error) = opened.run(code) {
        panic!("{error:?}\nin: {code}");
    }
    printed()
}

/// The value of an expression, as it leaves.
#[track_caller]
fn gives(opened: &Opened, code: &str) -> Result<Value> {
    opened.load(SourceMode::Eval, "eval.bas", "", code)
}

#[track_caller]
fn shows(cases: &[(&str, &str)]) {
    for (code, wanted) in cases {
        assert_eq!(prints(&format!("PRINT test.show({code})")), *wanted, "{code}");
    }
}

#[test]
fn values_leave_as_what_they_are() {
    shows(&[
        ("1", "1"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.0", "1.0"),
        ("1.5", "1.5"),
        ("-0.0", "-0.0"),
        ("TRUE", "true"),
        ("FALSE", "false"),
        ("1 = 1", "true"),
        ("NOT 1", "false"),
        ("1 AND 2", "true"),
        ("TRUE + 0", "1"),
        ("NIL", "nil"),
        ("INDEX_OF(LIST(), 1)", "nil"),
        ("\"text\"", "\"text\""),
        ("nothing", "0"),
        ("LIST(1, 2.5, \"x\", TRUE, NIL)", "[1, 2.5, \"x\", true, nil]"),
        ("LIST()", "[]"),
        ("LIST(3 TO 1)", "[3, 2, 1]"),
        ("DICT()", "{}"),
        ("DICT(\"b\", 1, \"a\", 2)", "{b: 1, a: 2}"),
        ("DICT(1, \"x\", 2.5, \"y\")", "{1: \"x\", 2.5: \"y\"}"),
        ("DICT(1.0, \"x\")", "{1: \"x\"}"),
        ("LIST(LIST(1), DICT(\"a\", LIST()))", "[[1], {a: []}]"),
        ("TO_ARRAY(LIST(1, 2))", "[1, 2]"),
    ]);
    assert_eq!(prints("DIM a(2, 2)\na(1, 0) = 5\nPRINT test.show(a)"), "[[0, 0], [5, 0]]");
    assert_eq!(prints("d = DICT()\nd(2) = 1\nd(1) = 2\nPRINT test.show(d)"), "{2: 1, 1: 2}");
}

#[test]
fn values_come_back_as_they_left() {
    for value in ["9007199254740993", "1.0", "1.5", "TRUE", "\"a\"", "NIL", "-7"] {
        let code = format!("x = test.id({value})\nPRINT x = {value}, TYPE(x) = TYPE({value})");
        assert_eq!(prints(&code), "11", "{value}");
    }
    assert_eq!(prints("PRINT test.show(test.id(TRUE))"), "true");
    let opened = Opened::new();
    let bytes = Value::from(&b"a\0\xff"[..]);
    let function = gives(&opened, "LAMBDA (s) (RETURN s + s)").expect("a lambda");
    assert_eq!(opened.call(&function, &[bytes.view()]), Ok(Value::from(&b"a\0\xffa\0\xff"[..])));
    let length = gives(&opened, "LAMBDA (s) (RETURN LEN(s))").expect("a lambda");
    assert_eq!(opened.call(&length, &[bytes.view()]), Ok(Value::Int(3)));
}

#[test]
fn what_cannot_leave_says_where() {
    let cases = [
        ("LIST(1, ITERATOR(LIST()))", "unsupported", "argument 1 'arg1': at (1): a LIST_IT cannot leave"),
        ("DICT(\"k\", TYPE(1))", "unsupported", "argument 1 'arg1': at (\"k\"): a TYPE cannot leave"),
        ("DICT(1, 1, 1.0, 2)", "unsupported", "one key"),
        ("DICT(NIL, 1)", "unsupported", "a NIL as a key"),
        ("DICT(SQR(-1), 1)", "unsupported", "a REAL as a key"),
        ("NEW(c)", "unsupported", "a CLASS cannot leave"),
    ];
    for (value, code, message) in cases {
        let program = format!(
            "CLASS c\nVAR n = 1\nENDCLASS\nTRY\ntest.id({value})\nCATCH e\nPRINT e.code, \" \", e.message\nENDTRY"
        );
        let got = prints(&program);
        assert!(got.starts_with(code) && got.contains(message), "{value}: {got}");
    }
    let program = "l = LIST()\nPUSH(l, LIST(l))\nTRY\ntest.id(l)\nCATCH e\nPRINT e.code\nENDTRY";
    assert_eq!(prints(program), "cycle");
    let nested = |levels: u32| {
        format!(
            "l = LIST()\nFOR i = 2 TO {levels}\nl = LIST(l)\nNEXT\nTRY\ntest.id(l)\nPRINT 1\nCATCH e\nPRINT e.code\nENDTRY"
        )
    };
    assert_eq!(prints(&nested(128)), "1");
    assert_eq!(prints(&nested(129)), "depth");
}

#[test]
fn lenient_contexts_coerce() {
    let opened = Opened::with(true, HashMap::new());
    let shown = |code: &str| {
        gives(&opened, &format!("test.show({code})")).map(|it| it.view().as_str().unwrap_or_default().to_owned())
    };
    opened.run("CLASS c\nVAR n = 1\nDEF f()\nENDDEF\nENDCLASS").expect("a class");
    assert_eq!(shown("NEW(c)"), Ok("{N: 1}".into()));
    assert_eq!(shown("LIST(ITERATOR(LIST()), TYPE(1))"), Ok("[nil, nil]".into()));
    assert_eq!(shown("DICT(1, \"a\", 1.0, \"b\")"), Ok("{1: \"b\"}".into()));
    assert_eq!(shown("DICT(NIL, 1, 2, 3)"), Ok("{2: 3}".into()));
}

#[test]
fn lists_with_pairs_are_dictionaries() {
    let mut builder = Builder::new();
    let mut build = |key: i64| -> Result<Value> {
        builder.begin(Shape::Map)?;
        builder.int(10);
        builder.int(20);
        builder.key_str(b"name")?;
        builder.int(30);
        builder.key_int(key)?;
        builder.int(40);
        builder.end()?;
        builder.finish()
    };
    let (fine, twice) = (build(7).expect("a map"), build(1).expect("a map"));
    let opened = Opened::new();
    let function = gives(&opened, "LAMBDA (d) (RETURN LIST(d(0), d(1), d.name, d(7), LEN(d)))").expect("a lambda");
    let wanted = Value::list([10, 20, 30, 40, 4]).expect("a list");
    assert_eq!(opened.call(&function, &[fine.view()]), Ok(wanted));
    let error = opened.call(&function, &[twice.view()]).expect_err("two keys become one");
    assert_eq!(error.code(), Code::Unsupported);
    let lenient = Opened::with(true, HashMap::new());
    let function = gives(&lenient, "LAMBDA (d) (RETURN d(1))").expect("a lambda");
    assert_eq!(lenient.call(&function, &[twice.view()]), Ok(Value::Int(40)), "the pair wins");
}

#[test]
fn natives_are_found_by_their_dotted_names() {
    for (code, wanted) in [
        ("PRINT test.add(1, 2)", "3"),
        ("PRINT TEST.ADD(1, 2)", "3"),
        ("PRINT Test.Inner.Deep()", "deep"),
        ("f = test.add\nPRINT f(2, 3), f = test.add", "51"),
        ("IMPORT \"@test\"\nPRINT add(1, 2)", "3"),
        ("IMPORT \"@TEST\"\nPRINT inner.deep()", "deep"),
        ("test = DICT(\"add\", 5)\nPRINT test.add", "5"),
        ("DEF f()\nRETURN test.add(1, 1)\nENDDEF\nPRINT f()", "2"),
        ("PRINT test.call(LAMBDA (x) (RETURN x + 1), 4)", "5"),
        ("PRINT test.call(test.add, 4, 5)", "9"),
        ("test.id(1)", ""),
        ("CALL test.id(1)", ""),
        ("PRINT test.count(1, 2, 3, 4, 5, 6)", "6"),
    ] {
        assert_eq!(prints(code), wanted, "{code}");
    }
    let opened = Opened::new();
    let error = opened.run("IMPORT \"@nowhere\"").expect_err("no such module");
    assert!(error.message().contains("Invalid module"), "{error:?}");
    let error = opened.run("test.nonsense(1)").expect_err("no such native");
    assert!(error.message().contains("there is no member nonsense"), "{error:?}");
}

#[test]
fn functions_travel_and_come_home() {
    let opened = Opened::new();
    opened.run("DEF f(x)\nRETURN x + 1\nENDDEF\ng = LAMBDA (x) (RETURN x * 2)\ntest.keep(f)").expect("a program");
    assert_eq!(opened.context.core().pins.count(), 1);
    // It comes home as itself.
    assert_eq!(gives(&opened, "(test.kept() = f)"), Ok(Value::Bool(true)));
    assert_eq!(gives(&opened, "(test.id(g) = g)"), Ok(Value::Bool(true)));
    assert_eq!(gives(&opened, "(test.id(g) = f)"), Ok(Value::Bool(false)));
    let function = gives(&opened, "f").expect("a routine");
    assert_eq!(opened.call(&function, &[View::int(41)]), Ok(Value::Int(42)));
    let again = gives(&opened, "f").expect("a routine");
    assert_eq!(function, again, "the same function has the same callable");
    drop((function, again));
    deliver_releases();
    assert_eq!(opened.context.core().pins.count(), 0, "what nobody holds is unpinned");
    // A method keeps its instance.
    opened.run("CLASS c\nVAR n = 0\nDEF inc()\nn = n + 1\nRETURN n\nENDDEF\nENDCLASS\no = NEW(c)").expect("a class");
    let method = gives(&opened, "GET(o, \"inc\")").expect("a method");
    assert_eq!(opened.call(&method, &[]), Ok(Value::Int(1)));
    assert_eq!(opened.call(&method, &[]), Ok(Value::Int(2)));
    assert_eq!(gives(&opened, "GET(o, \"inc\")"), Ok(method.clone()), "the same method of the same instance");
    assert_eq!(gives(&opened, "(test.id(GET(o, \"inc\")) = GET(o, \"inc\"))"), Ok(Value::Bool(true)));
    let error = opened.call(&method, &[View::int(1)]).expect_err("one argument too many");
    assert_eq!(error.code(), Code::Arity);
}

#[test]
fn functions_of_other_contexts_are_called_as_values() {
    let (one, two) = (Opened::new(), Opened::new());
    let add = gives(&one, "LAMBDA (a, b) (RETURN a + b)").expect("a lambda");
    let apply = gives(&two, "LAMBDA (f, a, b) (RETURN f(a, b))").expect("a lambda");
    let args = [add.view(), View::int(1), View::int(2)];
    assert_eq!(two.call(&apply, &args), Ok(Value::Int(3)));
    let same = gives(&two, "LAMBDA (f, g) (RETURN f = g)").expect("a lambda");
    assert_eq!(two.call(&same, &[add.view(), add.view()]), Ok(Value::Bool(true)));
    assert_eq!(two.call(&same, &[add.view(), apply.view()]), Ok(Value::Bool(false)));
    let back = gives(&two, "LAMBDA (f) (RETURN f)").expect("a lambda");
    assert_eq!(two.call(&back, &[add.view()]), Ok(add.clone()), "a foreign function goes home unchanged");
}

#[test]
fn signatures_name_the_parameters() {
    let opened = Opened::new();
    opened.run("DEF f(first, second, ...)\nENDDEF").expect("a routine");
    let function = gives(&opened, "f").expect("a routine");
    let view = function.view();
    let key = FunctionKey(view.as_callable().expect("a function").identity().key);
    let signature = opened.context.signature(key).expect("a signature");
    assert_eq!(signature.signature(), "F(FIRST?: any, SECOND?: any, ......?: any)");
}

#[test]
fn objects_have_methods_and_properties() {
    for (code, wanted) in [
        ("c = test.counter()\nPRINT c.add(2), c.add(), c.count", "233"),
        ("c = test.counter()\nPRINT c.ADD(2), c.Count", "22"),
        ("c = test.counter()\nc.count = 7\nPRINT c.count", "7"),
        ("c = test.counter()\nd = test.id(c)\nPRINT c = d, c = test.counter()", "10"),
        ("c = test.counter()\nc.add(4)\nl = LIST(c)\nPRINT l(0).count", "4"),
        ("c = test.counter()\nTRY\nx = c.add\nCATCH e\nPRINT e.code\nENDTRY", "24"),
        ("c = test.counter()\nTRY\nc.wrong = 1\nCATCH e\nPRINT e.code\nENDTRY", "not_found"),
    ] {
        assert_eq!(prints(code), wanted, "{code}");
    }
}

#[test]
fn broker_errors_are_caught_with_their_code() {
    let caught = "TRY\ntest.fail(\"range\", \"too far\")\nCATCH e\nPRINT e.code, \"|\", e.message, \"|\", e.file, \"|\", e.row, \"|\", e.col\nENDTRY";
    assert_eq!(prints(caught), "range|too far|main.bas|2|1");
    let opened = Opened::new();
    let error = opened.run("DEF f()\nx = 1 +\u{20}test.fail(\"io\", \"no\")\nENDDEF\nf()").expect_err("it fails");
    assert_eq!((error.code(), &*error.message()), (Code::Io, "no"));
    let frames: Vec<String> = error.frames().map(|it| it.to_string()).collect();
    assert_eq!(frames, ["? in fail (rust)", "main.bas:2:9 in F (basic)", "main.bas:4:1 (basic)"]);
    // Raised again, it is what it was.
    let code = "TRY\ntest.fail(\"io\", \"no\", DICT(\"answer\", 42))\nCATCH e\nRAISE(e)\nENDTRY";
    let error = opened.run(code).expect_err("it fails");
    assert_eq!(error.code(), Code::Io);
    assert_eq!(error.thrown().map(|it| it.field("answer").to_value()), Some(Value::Int(42)));
    // An own error leaves as a script's, with its number.
    let error = opened.run("x = SQR(\"\")").expect_err("it fails");
    assert_eq!((error.code(), &*error.message()), (Code::Script, "Number expected (error 17)"));
    let frame = error.frames().next().expect("a frame");
    assert_eq!((frame.file.as_str(), frame.line, frame.column, frame.context.as_str()), ("main.bas", 1, 5, "main"));
}

#[test]
fn errors_of_functions_reach_their_callers_with_both_traces() {
    let (one, two) = (Opened::new(), Opened::new());
    one.run("DEF fail(x)\nRETURN SQR(x)\nENDDEF").expect("a routine");
    let fail = gives(&one, "fail").expect("a routine");
    let call = gives(&two, "LAMBDA (f) (RETURN f(\"\"))").expect("a lambda");
    let error = two.call(&call, &[fail.view()]).expect_err("it fails");
    let frames: Vec<String> = error.frames().map(|it| it.to_string()).collect();
    assert_eq!(frames, ["main.bas:2:8 in FAIL (basic)", "eval.bas:1:20 (basic)"]);
    let catch = gives(&two, "LAMBDA (f) (TRY : f(\"\") : CATCH e : RETURN e : ENDTRY)").expect("a lambda");
    let caught = two.call(&catch, &[fail.view()]).expect("it is caught");
    assert_eq!(caught.view().field("code").as_str(), Some("script"));
    assert_eq!(caught.view().field("message").as_str(), Some("Number expected (error 17)"));
}

#[test]
fn modules_are_imported() {
    let exports = Value::map([("answer", Value::Int(42))]).expect("a map");
    let opened = Opened::with(false, HashMap::from([("users".to_owned(), exports)]));
    printed();
    opened.run("m = calog.import(\"users\")\nPRINT m.answer, m(\"answer\")").expect("a program");
    assert_eq!(printed(), "4242");
    let error = opened.run("calog.import(\"none\")").expect_err("no such module");
    assert_eq!(error.code(), Code::NotFound);
}

#[test]
fn files_are_imported_as_text() {
    let folder = std::env::temp_dir().join(format!("calog-basic-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("lib")).expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).expect("a file");
    write(
        "lib/util.bas",
        "IMPORT \"../main.bas\"\nDEF twice(x)\nRETURN x * 2\nENDDEF\nshared = 5\nDEF bad()\nRETURN SQR(\"\")\nENDDEF",
    );
    let path = folder.join("main.bas");
    let main = "IMPORT \"lib/util.bas\"\nIMPORT \"lib/util.bas\"\nPRINT twice(shared)\nTRY\nbad()\nCATCH e\nPRINT e.file, e.row\nENDTRY";
    write("main.bas", main);
    let opened = Opened::new();
    printed();
    let path = path.to_str().expect("a plain path");
    opened.load(SourceMode::File, "main.bas", path, main).expect("a program");
    assert_eq!(printed(), "10lib/util.bas7");
    let error = opened.load(SourceMode::File, "m.bas", path, "IMPORT \"gone.bas\"").expect_err("no such file");
    assert!(error.message().starts_with("Failed to open file: gone.bas"), "{error:?}");
    write("broken.bas", "x = = 1");
    let error =
        opened.load(SourceMode::File, "m.bas", path, "y = 1\nIMPORT \"broken.bas\"").expect_err("a syntax error");
    assert_eq!(error.frames().next().map(|it| it.to_string()), Some("broken.bas:1:5 (basic)".into()));
    std::fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
fn sources_of_all_modes() {
    let opened = Opened::new();
    assert_eq!(gives(&opened, "1 + 1"), Ok(Value::Int(2)));
    assert_eq!(gives(&opened, "x = 5"), Ok(Value::Nil));
    assert_eq!(gives(&opened, "x"), Ok(Value::Int(5)), "names stay");
    assert_eq!(gives(&opened, "test.add(1, 2)"), Ok(Value::Int(3)));
    let repl = |code: &str| opened.load(SourceMode::Repl, "repl", "", code);
    assert_eq!(repl("DEF f()\nk = 5\nRETURN k\nENDDEF"), Ok(Value::Nil));
    assert_eq!(repl("f()"), Ok(Value::Int(5)));
    assert_eq!(repl("k"), Ok(Value::Int(0)));
    assert_eq!(repl("k = 1"), Ok(Value::Nil));
    assert_eq!(repl("f()"), Ok(Value::Int(5)));
    assert_eq!(repl("k"), Ok(Value::Int(5)), "it became a global meanwhile");
    assert_eq!(opened.load(SourceMode::Check, "c", "", "PRINT 1"), Ok(Value::Nil));
    assert!(opened.load(SourceMode::Check, "c", "", "PRINT (").is_err());
    for (code, is_complete) in [
        ("x = 1", true),
        ("1 +", false),
        ("FOR i = 1 TO 3", false),
        ("FOR i = 1 TO 3\nNEXT", true),
        ("IF 1 THEN", false),
        ("DEF f()", false),
        ("f = LAMBDA () (", false),
        ("PRINT \"open", false),
        ("x = )", true),
        ("f", true),
        ("NEXT", true),
    ] {
        assert_eq!(opened.context.is_complete(code), is_complete, "{code}");
    }
}

#[test]
fn circles_are_freed_when_the_context_closes() {
    let opened = Opened::new();
    opened
        .run("l = LIST()\nPUSH(l, l, test.counter())\nDEF f()\ng = LAMBDA () (RETURN g)\nRETURN g\nENDDEF\nx = f()\nd = DICT()\nd(1) = d")
        .expect("a program");
    let list = match opened.context.core().globals.borrow().iter().find(|it| matches!(it, crate::value::Val::List(_))) {
        Some(crate::value::Val::List(list)) => std::rc::Rc::downgrade(list),
        _ => panic!("a list"),
    };
    assert!(opened.context.memory_used() > 0);
    drop(opened);
    assert_eq!(list.strong_count(), 0);
}
