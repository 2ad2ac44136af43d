//! Functions both ways.

use calog_plugin_api::mock::deliver_releases;
use calog_plugin_api::prelude::*;

use super::{Opened, check, check_in};

fn pinned(opened: &Opened) -> usize {
    opened.context.core().own.count()
}

#[test]
fn many_arguments_and_missing_ones() {
    check(
        r##"
        same(test.count(), 0)
        same(test.count(1, 2, 3, 4, 5, 6, 7, 8), 8)
        same(test.count(1, 2, 3, 4, 5, 6, 7, 8, 9, {}), 10)
        same(test.count.acall([this].extend(array(200, 1))), 200)
        same(test.count.acall([this].extend(array(20000, 1))), 20000)
        refused("arity", "", @() test.add(1))
        local e = refused("type", "argument 2", @() test.add(1, "x"))
        same(("failed: " + e).find("failed: test.add"), 0)
        "##,
    );
}

#[test]
fn functions_keep_their_identity() {
    check(
        r##"
        local function f() {}
        same(test.id(f), f)
        same(test.id([f])[0], f)
        same(test.id(print), print)
        local native = test.add
        same(test.id(native), native)
        same(native, test.add)
        same(typeof native, "function")
        same(test.call(native, 2, 3), 5)
        same(test.call(function(...) { return vargv.len() }, 1, null, 3), 3)
        local bound = native.bindenv({})
        same(test.id(bound)(2, 3), 5)
        "##,
    );
    let (one, other) = (Opened::new(), Opened::new());
    let foreign = one.run("return function(x) { return x * 2 }").expect("a function");
    let code = "return function(f, g) { if (f != g || typeof f != \"function\") throw typeof f; return f(21) }";
    let receiver = other.run(code).expect("a function");
    let answer = other.call(&receiver, &[foreign.view(), foreign.view()]).expect("no error");
    assert_eq!(answer, Value::Int(42));
    let keeper = other.run("kept <- null; return function(f) { if (!kept) kept = f; return kept == f }");
    let keeper = keeper.expect("a function");
    for _ in 0..3 {
        assert_eq!(other.call(&keeper, &[foreign.view()]), Ok(Value::Bool(true)));
    }
    // A copy with another `this` outlives the wrapper it was made of.
    let binder = other.run("return function(f) { kept = f.bindenv(this) }").expect("a function");
    let user = other.run("return function(f) { return kept(1) + f(2) }").expect("a function");
    for _ in 0..3 {
        other.call(&binder, &[foreign.view()]).expect("no error");
        assert_eq!(other.call(&user, &[foreign.view()]), Ok(Value::Int(6)));
    }
}

#[test]
fn callbacks_leave_nothing_behind() {
    let opened = Opened::new();
    let code = "return function() { for (local i = 0; i < 1000; i++) test.call(@() i) }";
    let function = opened.run(code).expect("a function");
    for _ in 0..100 {
        opened.call(&function, &[]).expect("no error");
        deliver_releases();
    }
    assert_eq!(pinned(&opened), 1, "only the function itself is out");
    drop(function);
    deliver_releases();
    assert_eq!(pinned(&opened), 0);
    assert!(opened.context.memory_used() < 1_000_000, "{} bytes", opened.context.memory_used());
}

#[test]
fn released_functions_are_gone_and_revived_ones_are_not() {
    let opened = Opened::new();
    opened.run("f <- function() { return 7 }; test.keep(f)").expect("no error");
    deliver_releases();
    assert_eq!(pinned(&opened), 1);
    let again = check_in(&opened, "same(test.id(f), f); test.kept(); return f");
    deliver_releases();
    assert_eq!(opened.call(&again, &[]), Ok(Value::Int(7)));
    drop(again);
    // Goes out under a new key before the old one's release arrives.
    let new = opened.run("return f").expect("a function");
    deliver_releases();
    assert_eq!(opened.call(&new, &[]), Ok(Value::Int(7)));
    assert_eq!(pinned(&opened), 1);
}

#[test]
fn foreign_functions_are_dropped_with_their_wrappers() {
    let (one, other) = (Opened::new(), Opened::new());
    let make = one.run("return function() { local n = 0; return @() ++n }").expect("a function");
    let keep = other.run("kept <- []; return function(f) { kept.append(f) }").expect("a function");
    for _ in 0..10 {
        let foreign = one.call(&make, &[]).expect("a function");
        other.call(&keep, &[foreign.view()]).expect("no error");
    }
    deliver_releases();
    assert_eq!(pinned(&one), 11, "ten, and the one that makes them");
    other.run("kept.clear()").expect("no error");
    deliver_releases();
    assert_eq!(pinned(&one), 1);
    drop(keep);
    drop(other);
    deliver_releases();
    assert_eq!(one.call(&make, &[]).map(|it| it.kind()), Ok(Kind::Callable));
}

#[test]
fn functions_in_cycles_are_collected() {
    let (one, other) = (Opened::new(), Opened::new());
    let foreign = one.run("return @() 1").expect("a function");
    let keep = other.run("return function(f) { local t = { f = f }; t.t <- t }").expect("a function");
    other.call(&keep, &[foreign.view()]).expect("no error");
    drop(foreign);
    deliver_releases();
    assert_eq!(pinned(&one), 1, "held by the cycle");
    other.run("collectgarbage()").expect("no error");
    deliver_releases();
    assert_eq!(pinned(&one), 0);
}

#[test]
fn a_function_that_is_gone_says_so() {
    let opened = Opened::new();
    let info = opened.context.core().host.info().expect("the mock answers");
    let step = opened.context.call(FunctionKey(u64::MAX), &info, Args::new(&[]));
    assert!(matches!(step, Step::Done(Err(error)) if error.code() == Code::Dead));
}

#[test]
fn signatures_name_parameters() {
    let opened = Opened::new();
    let names = |code: &str| {
        let function = opened.run(code).expect("a function");
        let key = function.view().as_callable().expect("a function").identity().key;
        let signature = opened.context.signature(FunctionKey(key)).expect("known");
        let all = signature.params.iter();
        let shown = all.map(|it| {
            format!("{}{}{}", it.name, if it.optional { "?" } else { "" }, if it.variadic { "*" } else { "" })
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("return function(first, second = 2, third = 3) {}"), "first second? third?");
    assert_eq!(names("return function() {}"), "");
    assert_eq!(names("return function(a, ...) {}"), "a ...?*");
}
