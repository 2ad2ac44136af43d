//! Errors both ways, with their places.

use calog_plugin_api::prelude::*;

use super::{Opened, check, fails};

fn places(error: &Error) -> Vec<(String, u32)> {
    error.frames().map(|it| (it.function, it.line)).collect()
}

#[test]
fn script_errors_carry_their_place() {
    let opened = Opened::new();
    let code = "local function inner() {\n  throw \"boom\"\n}\nlocal function outer() {\n  inner()\n}\nouter()";
    let error = fails(&opened, code);
    assert_eq!((error.code(), &*error.message()), (Code::Script, "boom"));
    let frames: Vec<_> = error.frames().collect();
    assert!(frames.iter().all(|it| it.file == "main.nut" && it.language == "squirrel" && it.context == "main"));
    assert_eq!(places(&error), [("inner".into(), 2), ("outer".into(), 5), ("main chunk".into(), 7)]);

    let error = fails(&opened, "\nlocal x = null\nreturn x.y");
    assert_eq!(&*error.message(), "the index 'y' does not exist");
    assert_eq!(places(&error), [("main chunk".into(), 3)]);

    // Through metamethods, natives of Squirrel's, and threads.
    let code = "local t = {}\nt.setdelegate({ function _get(k) {\n throw \"in get\"\n} })\n\nt.x";
    assert_eq!(places(&fails(&opened, code))[..], [("_get".into(), 3), ("main chunk".into(), 6)]);
    let code = "[2, 1].sort(function(a, b) {\n throw { code = \"limit\" }\n})";
    let error = fails(&opened, code);
    assert_eq!((error.code(), places(&error)[0].1), (Code::Limit, 2));
    assert_eq!(places(&error).last().map(|it| it.0.as_str()), Some("main chunk"));
    let code = "newthread(function() {\n throw \"in thread\"\n}).call()";
    assert_eq!(places(&fails(&opened, code)), [(String::new(), 2), ("main chunk".into(), 1)]);

    // What was caught and thrown again begins there; another error is another.
    let code = "try {\n throw \"one\"\n} catch (e) {\n throw e\n}";
    assert_eq!(places(&fails(&opened, code)), [("main chunk".into(), 4)]);
    assert!(opened.run("return 1").is_ok());
}

#[test]
fn syntax_errors_name_file_line_and_column() {
    let opened = Opened::new();
    for mode in [SourceMode::File, SourceMode::Check, SourceMode::Eval] {
        let error = opened.load(mode, "bad.nut", "", "local x = 1\nlocal y = = 2\n").expect_err("an error");
        assert_eq!(error.code(), Code::Script);
        assert_eq!(&*error.message(), "expression expected");
        let frame = error.frames().next().expect("a frame");
        assert_eq!((frame.file.as_str(), frame.line), ("bad.nut", 2));
        assert!(frame.column > 0);
    }
    assert_eq!(opened.load(SourceMode::Check, "x", "", "throw \"not run\""), Ok(Value::Nil));
    let error = fails(&opened, "local a = 1\nlocal b = \0 2");
    assert_eq!(error.frames().next().map(|it| it.line), Some(2), "{error}");
    let error = fails(&opened, "#!/usr/bin/sq\nlocal = 1");
    assert_eq!(error.frames().next().map(|it| it.line), Some(2));
    assert_eq!(opened.run("\u{feff}return \"\u{fc}\""), Ok(Value::from("\u{fc}")));
}

#[test]
fn thrown_values_come_home_as_themselves() {
    let opened = Opened::new();
    let error = fails(&opened, "throw { code = \"limit\", message = \"full\", size = 3 }");
    assert_eq!((error.code(), &*error.message()), (Code::Limit, "full"));
    assert_eq!(error.thrown().map(|it| it.field("size").as_int()), Some(Some(3)));
    let code = "throw {}.setdelegate({ _tostring = function() { return \"my text\" } })";
    assert_eq!(&*fails(&opened, code).message(), "my text");
    let error = fails(&opened, "class Oops { message = \"oops\" }; throw Oops()");
    assert_eq!((&*error.message(), error.thrown()), ("oops", None));
    let error = fails(&opened, "throw 42");
    assert_eq!(error.thrown().and_then(View::as_int), Some(42));
    assert_eq!(&*error.message(), "42");
    assert_eq!(&*fails(&opened, "throw null").message(), "a null was thrown");
    assert_eq!(&*fails(&opened, "throw [1]").message(), "an array was thrown");
    check(
        r##"
        local caught = null
        try { test.call(function() { throw { size = 3 } }) } catch (e) { caught = e }
        same(typeof caught, "table"); same(caught.size, 3)
        try { test.call(function() { throw 7 }) } catch (e) { caught = e }
        same(caught, 7)
        local e = refused("limit", "full", @() test.fail("limit", "full"))
        same("" + e, "full"); same(e.tostring(), "full")
        same(e.trace.len(), 1); same(e.trace[0].language, "rust")
        e = refused("script", "text", @() test.call(function() { throw "text" }))
        same(e.trace[0].line, 10)
        // As data, an error is a map.
        local map = test.id(e)
        same(map.message, "text"); same(map.code, "script"); same(map.trace[0].file, "main.nut")
        "##,
    );
}

#[test]
fn errors_that_pass_through_keep_what_they_had() {
    let opened = Opened::new();
    for code in [
        "test.fail(\"limit\", \"full\")",
        "try { test.fail(\"limit\", \"full\") } catch (e) { throw e }",
        "try { test.fail(\"limit\", \"full\", { size = 3 }) } catch (e) { if (e.size == 3) throw e }",
        "test.call(function() { test.fail(\"limit\", \"full\") })",
        "newthread(function() { test.fail(\"limit\", \"full\") }).call()",
        "[1].map(function(x) { test.fail(\"limit\", \"full\") })",
        "[1, 2].sort(function(a, b) { test.fail(\"limit\", \"full\") })",
    ] {
        let error = fails(&opened, code);
        assert_eq!((error.code(), &*error.message()), (Code::Limit, "full"), "{code}");
        let frames: Vec<_> = error.frames().collect();
        assert_eq!(frames[0].language, "rust", "{code}");
        assert!(frames.len() > 1 && frames[1].language == "squirrel", "{code}: {frames:?}");
    }
}
