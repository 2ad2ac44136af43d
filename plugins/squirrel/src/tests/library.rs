//! Squirrel's own library in the hands of whoever wants to break it: each of these wrote or read outside
//! of memory, followed a null or somebody else's pointer, or lost what it was told.

use calog_plugin_api::mock::printed;
use calog_plugin_api::prelude::*;

use super::{Opened, check, fails};

/// Code that shall fail with this text, and leave the context as it was.
#[track_caller]
fn refuses(cases: &[(&str, &str)]) {
    let opened = Opened::new();
    for (code, text) in cases {
        let error = fails(&opened, code);
        assert!(error.message().contains(text), "{code}: {error:?}");
        assert_eq!(opened.run("return regexp(\"a+\").match(\"aa\")"), Ok(Value::Bool(true)), "{code}");
    }
}

#[test]
fn a_format_is_as_long_as_it_needs_to_be() {
    check(
        r##"
        same(format("%f", 1e308).len(), 309 + 7)
        same(format("%99.99f", -1e308).len(), 1 + 309 + 1 + 99)
        same(format("%f%f%f%s", 1e308, 1e308, 1e308, "end").len(), 3 * 316 + 3)
        same(format("%-+ #0-+ #0-+ #0-+ d", 7).len() > 0, true)
        same(format("%99d|", 1).len(), 100)
        "##,
    );
    refuses(&[
        ("format(\"%---------------------d\", 1)", "format too long"),
        ("format(\"%\")", "not enough parameters"),
        ("format(\"%\", 1)", "invalid format"),
        ("format(\"%100d\", 1)", "too long"),
    ]);
}

#[test]
fn strings_of_any_bytes() {
    check(
        r##"
        local all = ""
        for (local i = 0; i < 256; i++) all += i.tochar()
        same(all.len(), 256)
        same(compilestring("return \"" + escape(all) + "\"")(), all)
        local high = "\xff"
        for (local i = 0; i < 10; i++) high += high
        same(escape(high).len(), 4096)
        same(all.find("\x80\x81"), 128)
        same(all.find("\x00\x01"), 0)
        same("a\x00b\x00c".find("c"), 4)
        same("a\x00b\x00c".find("\x00", 2), 3)
        same("abc".find("c", 3), null)
        same("abc".find("", 1), 1)
        same("abc".find("d"), null)
        same("a\x00b".toupper(), "A\x00B")
        same("a\x00b" <=> "a\x00c", -1)
        same("a\x00b" < "a\x00a", false)
        same("a" < "a\x00", true)
        same("\xff" > "a", true)
        local parts = split("a\x00b,c", ",")
        same(parts.len(), 2); same(parts[0], "a\x00b"); same(parts[1], "c")
        same(split("a,b,", ",").len(), 2)
        same(split(",a", ",").len(), 2)
        same(lstrip("  a\x00b "), "a\x00b ")
        same(strip(" \x00a "), "\x00a"); same(strip("   "), ""); same(strip(""), "")
        same(format("[%s]", "a\x00b"), "[a\x00b]")
        "##,
    );
}

#[test]
fn regular_expressions_keep_to_their_strings() {
    refuses(&[
        ("regexp.instance().match(\"a\")", "regexp"),
        ("regexp(\"a\").match.call(test.counter(), \"a\")", "regexp"),
        ("regexp(\"a\").subexpcount.call(blob(1))", "regexp"),
        ("regexp.constructor.call(test.counter(), \"a\")", "constructed"),
        ("regexp.constructor.call(regexp(\"a\"), \"b\")", "constructed"),
        ("regexp.constructor.call(7, \"b\")", "constructed"),
        ("local r = regexp(\"a\"); r.search(\"abc\", 4)", "range"),
        ("local r = regexp(\"a\"); r.search(\"abc\", -1)", "range"),
        ("local r = regexp(\"a\"); r.capture(\"abc\", 1 << 40)", "range"),
        ("(clone regexp(\"a\")).match(\"a\")", "regexp"),
    ]);
    check(
        r##"
        same(regexp("b").search("abc", 1).begin, 1)
        same(regexp("b").search("abc", 3), null)
        foreach (bad in ["[", "[a", "[a-", "(", "\\", "a{", "a{1", "a{1,", "[^", "\\m", "\\m(", "(?", "[]", "a**", "[\\"]) {
            local thrown = null
            try { regexp(bad) } catch (e) { thrown = e }
            if (thrown == null) regexp(bad).match("aaa")
        }
        foreach (r in ["", "|", "()", "\\b", "\\B", "a|", "^", "$", "^$"]) {
            local e = null
            try { e = regexp(r) } catch (thrown) {}
            if (e) { e.match(""); e.match("a"); e.search(""); e.search("ab"); e.capture("ab") }
        }
        "##,
    );
}

#[test]
fn blobs_and_files_keep_to_their_memory() {
    refuses(&[
        ("blob(8).readblob(-1)", "negative"),
        ("blob(8).resize(-1)", "resize failed"),
        ("blob.instance().len()", "invalid"),
        ("blob(4).writeblob(blob.instance())", "invalid"),
        ("clone blob.instance()", "invalid"),
        ("blob.constructor.call(test.counter(), 4)", "constructed"),
        ("local b = blob(4); b.constructor(8)", "constructed"),
        ("file.constructor.call(blob(4), \"/dev/null\", \"r\")", "constructed"),
        (
            "class Two extends blob { constructor() { ::regexp.constructor.call(this, \"a\") } }; Two().len()",
            "constructed",
        ),
        ("file(\"/dev/null\", \"r\").readblob(-5)", "negative"),
        ("local f = file(\"/dev/null\", \"r\"); f.close(); f.len()", "invalid"),
        ("local b = blob(4); b[4] = 1", "out of range"),
        ("local b = blob(4); b[-1]", "out of range"),
    ]);
    check(
        r##"
        local b = blob(3)
        b[0] = 1; b[1] = 2; b[2] = 3
        b.seek(0, 'e')
        for (local i = 0; i < 12; i++) b.writeblob(b)
        same(b.len(), 3 << 12)
        same(b[3 * 1000 + 1], 2)
        same(b.seek(1 << 62, 'c'), -1)
        same(b.seek(-1), -1)
        local n = 0
        foreach (x in blob(0)) n++
        foreach (x in blob(2)) n++
        same(n, 2)
        local copy = clone b
        same(copy.len(), b.len())
        // A pointer would be taken for an open file.
        try { test.fail("limit", "x") }
        catch (e) { foreach (k, v in e.getdelegate()) same(typeof k, "string") }
        "##,
    );
}

#[test]
fn functions_with_any_number_of_parameters_are_callbacks() {
    check(
        r##"
        local names = "a0"
        for (local i = 1; i < 200; i++) names += ",a" + i
        local many = compilestring("return function(" + names + ") {}")()
        local function thrown(f) { try { f() } catch (e) { return e } return null }
        same(thrown(@() [1].map(many)) != null, true)
        same(thrown(@() [1].apply(many)) != null, true)
        same([1].map(@(a, b = 2, c = 3, d = 4, e = 5) e)[0], 5)
        same(thrown(@() [1].map(@() 5)).find("wrong number of parameters"), 0)
        same([7].map(@(x) x)[0], 7); same([7].map(@(x, i) i)[0], 0); same([7].map(@(x, i, a) a.len())[0], 1)
        same([7].map(@(...) vargv.len())[0] > 0, true)
        "##,
    );
}

#[test]
fn natives_call_generators_and_natives_at_any_depth() {
    check(
        r##"
        local gen = function(...) { yield 5 }
        local deep; deep = function(n) {
            if (n > 0) return deep(n - 1) + 0
            local g = [1].map(gen)[0]
            return resume g
        }
        for (local i = 0; i < 70; i++) same(deep(i), 5)
        same(deep(3000), 5)
        // `call` is itself called by a native.
        local f = function(...) { return vargv.len() }
        same(f.call.acall([f, this, 1, 2]), 2)
        same(f.call.call(f, this, 1), 1)
        try { [f].map(f.call) } catch (it) {}
        same(f.call.call.call.call(f.call, f, this, 1, 2, 3), 3)
        class Caller {}
        Caller.constructor <- f.call
        local e = null
        try { Caller(1) } catch (it) { e = it }
        same(e != null, true)
        local t = {}.setdelegate({ _get = f.call })
        try { t.x } catch (it) { e = it }
        local g = function() { return f.call(this, 1, 2) }
        same(g(), 2)
        same(f.pcall(this, 1), 1)
        same(test.call.call(this, f, f), 1)
        same((function(a, b = 2) { return a + b }).call(this, 1), 3)
        local thrown = null
        try { (function(a) {}).call(this) } catch (it) { thrown = it }
        same(thrown.find("wrong number of parameters"), 0)
        same(resume gen.call(this), 5)
        try { (function() { throw "inside" }).call(this) } catch (it) { thrown = it }
        same(thrown, "inside")
        same([1, 2].map(function(x) { return f.call(this, x, x) })[1], 2)
        "##,
    );
}

#[test]
fn levels_of_the_stack_that_are_not_there() {
    check(
        r##"
        foreach (level in [-1, -100, -9223372036854775807, 100, 9223372036854775807]) {
            same(getstackinfos(level), null)
            local t = newthread(function() { ::suspend() })
            t.call()
            local thrown = null
            try { same(t.getstackinfos(level), null) } catch (e) { thrown = e }
            t.wakeup()
        }
        same(getstackinfos(1).func != null, true)
        "##,
    );
}

#[test]
fn natives_that_wait_answer_wherever_they_stand() {
    check(
        r##"
        // As a metamethod itself, and as a constructor: nothing there can be suspended.
        local t = {}.setdelegate({ _get = test.later })
        same(t.x, "x")
        same(test.later.call(this, 5), 5)
        class Waits {}
        Waits.constructor <- test.later
        same(typeof Waits(1), "instance")
        class Fails {}
        Fails.constructor <- test.fail_later
        refused("closed", "later", @() Fails("closed", "later"))
        refused("closed", "later", @() {}.setdelegate({ _call = @(self, code) ::test.fail_later(code, "later") })("closed"))
        "##,
    );
}

#[test]
fn printf_prints() {
    printed();
    check("printf(\"%d%% of %s\\n\", 5, \"a\\x00b %s %n\")");
    assert_eq!(printed(), "5% of a\0b %s %n\n");
}

#[test]
fn long_patterns_end_in_time() {
    super::on_usual_stack(|| {
        let opened = Opened::new();
        let code = "local p = \"ab\"; for (local i = 0; i < 20; i++) p += p; regexp(p)";
        assert_eq!(fails(&opened, code).code(), Code::Depth);
        assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
    });
}

#[test]
fn collecting_garbage_spares_what_natives_are_making() {
    check(
        r##"
        local function id(x) { collectgarbage(); return x }
        local list = [1, 2, 3].map(@(x) id([x]))
        same(list.len(), 3); same(list[0][0], 1); same(list[2][0], 3)
        same([1, 2, 3].filter(@(i, x) id(true)).len(), 3)
        same({ a = [1], b = [2] }.filter(@(k, x) id(true)).a[0], 1)
        same([[1], [2], [3]].reduce(@(a, b) id([a[0] + b[0]]))[0], 6)
        local sorted = [[3], [1], [2]]
        sorted.sort(@(a, b) id(a[0] <=> b[0]))
        same(sorted[0][0], 1); same(sorted[2][0], 3)
        local Number = null
        Number = class { n = 0; constructor(n) { this.n = n } function _add(o) { return Number(n + o) } }
        local t = {}.setdelegate({ _get = @(k) Number(5), _set = @(k, x) ::collectgarbage() })
        local before = t.x++
        same(before.n, 5)
        local made = newthread(function() { ::collectgarbage(); ::suspend([7]); ::collectgarbage(); return [8] })
        same(made.call()[0], 7); same(made.wakeup()[0], 8)
        foreach (x in (function() { for (local i = 0; i < 3; i++) { ::collectgarbage(); yield [i] } })()) same(x.len(), 1)
        "##,
    );
}
