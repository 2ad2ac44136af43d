//! Scripts as a whole: printing, expressions, completeness, the library.

use calog_plugin_api::mock::printed;
use calog_plugin_api::prelude::*;

use super::{Opened, check, fails};

#[test]
fn printing_goes_through_the_host() {
    printed();
    check(
        r##"
        print("a"); print(1); print(null); print(2.5); print("nul\x00.\n")
        error("e\n")
        print({}.setdelegate({ _tostring = @() "own" }))
        local thrown = null
        try { print({}.setdelegate({ _tostring = function() { throw "failed" } })) } catch (e) { thrown = e }
        same(thrown, "failed")
        "##,
    );
    assert_eq!(printed(), "a1null2.5nul\0.\ne\nown");
}

#[test]
fn eval_gives_the_value_of_an_expression() {
    let opened = Opened::new();
    let eval = |code| opened.load(SourceMode::Eval, "eval", "", code);
    assert_eq!(eval("1 + 1"), Ok(Value::Int(2)));
    assert_eq!(eval("x <- 5"), Ok(Value::Int(5)));
    assert_eq!(eval("x"), Ok(Value::Int(5)));
    assert_eq!(eval("x = 6; x + 1"), Ok(Value::Nil));
    assert_eq!(eval("return x"), Ok(Value::Int(6)));
    assert_eq!(eval("x += 1\nx += 1"), Ok(Value::Nil));
    assert_eq!(eval("x // a comment"), Ok(Value::Int(8)));
    assert_eq!(eval("{ a = 1 }").map(|it| format!("{it:?}")), Ok("{a: 1}".into()));
}

#[test]
fn completeness() {
    let opened = Opened::new();
    for code in ["1 + 1", "x = = 1", "local x = 1;", "print(1)", "f)", "\"abc", "", "// x", "x = )"] {
        assert!(opened.context.is_complete(code), "{code}");
    }
    for code in
        ["for (local i = 0; i < 2; i++) {", "f(", "local x =", "function f() {\n", "/* x", "@\"abc", "[1,", "1 +"]
    {
        assert!(!opened.context.is_complete(code), "{code}");
    }
    assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
}

#[test]
fn a_chunk_gives_its_table() {
    let opened = Opened::new();
    let exports = opened.run("local n = 1; return { n = n, double = @(x) x * 2 }").expect("a table");
    let double = exports.view().field("double").to_value();
    assert_eq!(opened.call(&double, &[View::int(4)]), Ok(Value::Int(8)));
    assert_eq!(opened.run("local x = 1"), Ok(Value::Nil));
}

#[test]
fn the_library_is_there() {
    check(
        r##"
        same(format("%s %d %.1f", "a", 1, 2.5), "a 1 2.5")
        same(split("a,b", ",").len(), 2)
        same(sqrt(16.0), 4.0)
        local b = blob(4)
        b.writen(1, 'i')
        same(b.len(), 4)
        same(regexp("a+").match("aaa"), true)
        same(compilestring("return 1 + 1")(), 2)
        same(typeof clock(), "float")
        same(typeof time(), "integer")
        "##,
    );
}

#[test]
fn bytecode_is_not_read() {
    let folder = std::env::temp_dir().join(format!("calog-squirrel-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("code.cnut");
    let opened = Opened::new();
    let code = format!("writeclosuretofile({0:?}, @() 1); return dofile({0:?})", path.to_str().expect("plain text"));
    let error = fails(&opened, &code);
    let plain = folder.join("plain.nut");
    std::fs::write(&plain, "return 5").expect("a file");
    let result = opened.run(&format!("return dofile({:?})", plain.to_str().expect("plain text")));
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
    assert_eq!(error.code(), Code::Script);
    assert_eq!(result, Ok(Value::Int(5)));
}

#[test]
fn the_site_is_where_the_code_is() {
    let opened = Opened::new();
    let code = "local function here() {\n  return test.site()\n}\nreturn here()";
    assert_eq!(opened.run(code), Ok(Value::from("main.nut:2 in here (squirrel)")));
    assert_eq!(opened.context.site(), None);
}

#[test]
fn what_is_set_for_a_thread_holds_for_all_tasks() {
    let opened = Opened::new();
    let waits = opened.run("return function() { test.later(1); return typeof own }").expect("a function");
    opened.run("own <- 1; setroottable({ own = \"text\" }.setdelegate(getroottable()))").expect("no error");
    for _ in 0..3 {
        assert_eq!(opened.run("return own"), Ok(Value::from("text")));
        assert_eq!(opened.call(&waits, &[]), Ok(Value::from("string")), "it is called on the root table");
    }
    assert_eq!(opened.run("return compilestring(\"return own\")()"), Ok(Value::from("text")));
    opened.run("seen <- []; seterrorhandler(function(e) { ::seen.append(e) })").expect("no error");
    for _ in 0..3 {
        fails(&opened, "throw \"nobody catches\"");
    }
    assert_eq!(opened.run("try { throw 1 } catch (e) {} return seen.len()"), Ok(Value::Int(3)));
    opened.run("seterrorhandler(function(e) { throw e })").expect("no error");
    assert_eq!(&*fails(&opened, "throw \"first\"").message(), "first");
    opened
        .run("seterrorhandler(null); lines <- 0; setdebughook(function(kind, file, line, name) { ::lines++ })")
        .expect("no error");
    opened.run("local function f() {}\nf()\nf()").expect("no error");
    assert_eq!(opened.run("setdebughook(null); return lines > 4"), Ok(Value::Bool(true)));
    check(
        "foreach (f in [setroottable, seterrorhandler, setdebughook]) { local n = 0; foreach (x in [1, \"a\", []]) try { f(x) } catch (e) { n++ } same(n, 3) }",
    );
}
