//! What is bounded: depth, memory, stacks; and what would end the process without our patches.

use calog_plugin_api::prelude::*;

use super::{Opened, check, check_in, fails, on_usual_stack};

#[test]
fn runaway_recursion_is_a_depth_error() {
    on_usual_stack(|| {
        let opened = Opened::new();
        for code in [
            // Calls, tail calls between natives, metamethods, comparators, threads, generators.
            "local f; f = function(n) { return f(n + 1) + 1 }; f(0)",
            "local f; f = function(...) { return [1].map(f) }; f()",
            "local t = {}; t.setdelegate({ _get = function(k) { return this[k + \"x\"] } }); t.a",
            "class A { function _add(o) { return this + o } }; A() + A()",
            "class A { function _cmp(o) { return this < o ? 1 : -1 } }; A() < A()",
            "class A { function _tostring() { return \"\" + this } }; \"\" + A()",
            "class A { constructor() { A() } }; A()",
            "local f; f = function(a, b) { return [1, 2].sort(f) }; f(1, 2)",
            "local f; f = function() { return newthread(f).call() }; f()",
            "local f; f = function() { return f.call(this) }; f()",
            "local f; f = function() { return f.acall([this]) }; f()",
            "local f; f = function() { return test.call(f) }; f()",
            "local g; g = function() { foreach (x in g()) {} yield 1 }; resume g()",
            "local g; g = function(...) { foreach (x in g(1)) {} yield 1 }; (function() { return resume g() })()",
            "local f; f = function() { try { f() } catch (e) { throw e } }; f()",
        ] {
            let error = fails(&opened, code);
            assert_eq!(error.code(), Code::Depth, "{code}: {error:?}");
            assert!(error.frames().count() < 100, "{code}");
            let caught = format!("try {{ {code} }} catch (e) {{ return e.code }} return \"nothing\"");
            assert_eq!(opened.run(&caught), Ok(Value::from("depth")), "{code}");
            assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
        }
    });
}

#[test]
fn deep_but_bounded_recursion_works() {
    on_usual_stack(|| {
        check("local f; f = function(n) { return n == 0 ? 0 : f(n - 1) + 1 }; same(f(50000), 50000)");
        check("local f; f = function(n) { return n == 0 ? 0 : [n - 1].map(f)[0] + 1 }; same(f(40), 40)");
        check(
            "local outer = 1; local f; f = function(n) { local own = n; local g = @() own + outer; return n == 0 ? 0 : f(n - 1) + g() - own }; same(f(20000), 20000)",
        );
    });
}

#[test]
fn deep_values_and_sources_do_not_end_the_process() {
    on_usual_stack(|| {
        check(
            r##"
            local head = null
            for (local i = 0; i < 300000; i++) head = { next = head }
            same(head.next.next.len(), 1)
            collectgarbage()
            head = null
            for (local i = 0; i < 300000; i++) head = [head]
            head = null
            for (local i = 0; i < 100000; i++) { local before = head; head = @() before }
            collectgarbage()
            head = null
            local ring = {}
            head = ring
            for (local i = 0; i < 300000; i++) head = { next = head }
            ring.next <- head
            head = null; ring = null
            same(collectgarbage() > 0, true)
            "##,
        );
        let opened = Opened::new();
        for (open_, inner, close) in [
            ("(", "1", ")"),
            ("[", "", "]"),
            ("-", "1", ""),
            ("!", "1", ""),
            ("a = ", "1", ""),
            ("1 || ", "1", ""),
            ("1 && ", "1", ""),
            ("1 ? 1 : ", "1", ""),
            ("if (1) ", "1", ""),
            ("typeof ", "1", ""),
            ("function() { return ", "1", "}"),
            ("{ a = ", "1", "}"),
            ("@() ", "1", ""),
        ] {
            for levels in [100_000, 1_000_000] {
                let code = format!("return {}{inner}{}", open_.repeat(levels), close.repeat(levels));
                let result = opened.run(if open_.starts_with("if") { &code[7..] } else { &code });
                assert!(result.is_err_and(|it| it.code() == Code::Script), "{open_}");
            }
        }
        let nested = "local o = \"(\", c = \")\"; for (local i = 0; i < 18; i++) { o += o; c += c }; regexp(o + c)";
        assert_eq!(fails(&opened, nested).code(), Code::Depth);
        assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
    });
}

#[test]
fn arithmetic_and_arrays_do_not_end_the_process() {
    check(
        r##"
        local least = -9223372036854775807 - 1
        same(least / -1, least)
        same(least % -1, 0)
        local thrown = 0
        try { 1 / 0 } catch (e) { thrown++ }
        try { 1 % 0 } catch (e) { thrown++ }
        same(thrown, 2)
        "##,
    );
    let opened = Opened::new();
    for code in ["array(1 << 60)", "array(-1)", "[1].resize(1 << 60)", "blob(1 << 60)"] {
        let error = fails(&opened, code);
        assert!(matches!(error.code(), Code::Limit | Code::Script), "{code}: {error:?}");
        assert_eq!(opened.run("return array(3).len()"), Ok(Value::Int(3)));
    }
    check(
        r##"
        local list = [5, 3, 4, 1, 2, 9, 8]
        local thrown = null
        try { list.sort(function(a, b) { list.clear(); return a <=> b }) } catch (e) { thrown = e }
        same(thrown, "the array changed while it was sorted")
        local t = {}
        t.setdelegate({ _call = function(self, ...) { return vargv.len() } })
        same(t(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25), 25)
        function many(a=1, b=1, c=1, d=1, e=1, f=1, g=1, h=1, i=1, j=1, k=1, l=1, m=1, n=1, o=1, p=1, q=1, r=1, s=1, t=1)
            { return a + t }
        local f; f = function(x) { return x == 0 ? many() : f(x - 1) }
        for (local i = 0; i < 200; i++) same(f(i), 2)
        // The stack grows while a native of Squirrel's is in the middle of it.
        local deep; deep = function(n) { return n == 0 ? 1 : deep(n - 1) }
        same([1, 2, 3].filter(@(i, v) deep(v * 500) == 1).len(), 3)
        same([1, 2, 3].reduce(@(a, b) a + deep(b * 700)), 3)
        "##,
    );
}

#[test]
fn memory_is_counted_and_limited() {
    on_usual_stack(|| {
        let opened = Opened::new();
        let before = opened.context.memory_used();
        opened.run("big <- array(100000, 0)").expect("no limit yet");
        assert!(opened.context.memory_used() > before + 1_600_000);
        opened.run("big <- null").expect("no error");
        assert!(opened.context.memory_used() < before + 100_000);

        assert!(opened.context.set_memory_limit(8 << 20));
        for code in [
            "local all = []; while (true) all.append({})",
            "local text = \"x\"; while (true) text += text",
            "array(10000000)",
            "local all = {}; for (local i = 0; ; i++) all[i] <- i.tostring()",
            "blob(100000000)",
            "local all = []; local f; f = function() { all.append([1]); f(); f() }; f()",
            "return array(500000, \"x\").map(@(x) x + x).map(@(x) [x])",
        ] {
            let error = fails(&opened, code);
            assert_eq!(error.code(), Code::Limit, "{code}: {error:?}");
            assert!(error.message().contains("8388608"), "{error}");
            assert_eq!(opened.run("collectgarbage(); return 1"), Ok(Value::Int(1)), "{code}");
            assert!(opened.context.memory_used() < 4 << 20, "{code}: {}", opened.context.memory_used());
        }
        // Many small ones can be caught.
        check_in(
            &opened,
            "refused(\"limit\", \"limited\", function() { local all = []; while (true) all.append({}) })",
        );
        opened.context.set_memory_limit(u64::MAX);
        opened.run("array(1000000)").expect("no limit");
    });
}

#[test]
fn a_generator_that_nobody_takes_is_freed_at_once() {
    let opened = Opened::new();
    let code = "local g = function(x) { yield x }
        class Made { constructor() { yield 1 } }
        return function() { for (local i = 0; i < 1000; i++) { g([i]); Made(); try { g(i, i, i) } catch (e) {} } }";
    let make = opened.run(code).expect("a function");
    opened.call(&make, &[]).expect("no error");
    let before = opened.context.memory_used();
    opened.call(&make, &[]).expect("no error");
    assert_eq!(opened.context.memory_used(), before);
}

#[test]
fn garbage_is_not_lost_with_the_function_of_a_generator_that_has_ended() {
    let opened = Opened::new();
    check_in(
        &opened,
        r##"
        local g = (function() { yield 1 })()
        resume g; resume g
        collectgarbage()
        local circle = {}
        circle.circle <- circle
        circle = null
        g = null
        same(collectgarbage(), 1)
        "##,
    );
    let shared = opened.context.core().shared.clone();
    drop(opened);
    assert_eq!(shared.used(), 0);
}

#[test]
fn garbage_is_not_lost_when_there_is_no_room_to_list_it() {
    let opened = Opened::new();
    let before = opened.context.memory_used();
    opened.run("for (local i = 0; i < 50000; i++) { local t = {}; t.t <- t }").expect("no limit yet");
    opened.context.set_memory_limit(opened.context.memory_used() + 70_000);
    // More than the limit allows: told at the next call, or not at all.
    let _ = opened.run("local n = resurrectunreachable().len(); for (local i = 0; i < 10; i++) n++; return n");
    opened.context.set_memory_limit(u64::MAX);
    opened.run("collectgarbage()").expect("no limit");
    assert!(opened.context.memory_used() < before + 500_000, "{} and {before}", opened.context.memory_used());
}

#[test]
fn one_contexts_memory_is_not_anothers() {
    let (one, other) = (Opened::new(), Opened::new());
    let make = other.run("kept <- []; return function() { kept.append(array(1000, 0)) }").expect("a function");
    let code = "return function(f) { for (local i = 0; i < 100; i++) f() }";
    let caller = one.run(code).expect("a function");
    let (before, theirs) = (one.context.memory_used(), other.context.memory_used());
    one.call(&caller, &[make.view()]).expect("no error");
    assert!(one.context.memory_used() < before + 100_000);
    assert!(other.context.memory_used() > theirs + 1_000_000);
}

#[test]
fn what_does_not_fit_into_a_metamethods_stack_is_a_depth_error() {
    let opened = Opened::new();
    let locals: String = (0..200).map(|at| format!("local v{at} = [{at}];")).collect();
    let code = format!(
        "local wide; wide = function(n) {{ {locals} return n == 0 ? 0 : wide(n - 1) + v199[0] - v199[0] }}
         local t = {{}}.setdelegate({{ _get = function(key) {{ return wide(key) }}, _tostring = @() \"\" + wide(30) }})
         local codes = []
         for (local i = 0; i < 20; i++) try {{ codes.append(t[i]) }} catch (e) {{ codes.append(e.code) }}
         try {{ codes.append(\"\" + t) }} catch (e) {{ codes.append(e.code) }}
         return codes"
    );
    let codes = opened.run(&code).expect("every error is caught");
    let codes: Vec<_> = codes.view().as_aggregate().expect("a list").elements().map(View::to_value).collect();
    assert_eq!(codes.first(), Some(&Value::Int(0)));
    assert_eq!(codes.last(), Some(&Value::from("depth")));
    assert!(codes.iter().all(|it| *it == Value::Int(0) || *it == Value::from("depth")), "{codes:?}");
    assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
}

#[test]
fn metamethods_nest() {
    check(
        r##"
        local make = null
        make = @(n) {}.setdelegate({ _get = function(key) {
            local a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10, k = 11, l = 12, m = 13
            return n == 0 ? a + m : make(n - 1)[key]
        } })
        same(make(20).x, 14)
        same(newthread(@() make(20).x).call(), 14)
        local deep; deep = function(n) { return n == 0 ? make(20).x : deep(n - 1) }
        foreach (n in [1, 10, 100, 1000, 5000]) same(deep(n), 14)
        "##,
    );
}

#[test]
fn base_cannot_be_changed() {
    let opened = Opened::new();
    for code in [
        "base++",
        "++base",
        "--base",
        "delete base",
        "class base {}",
        "base = 1",
        "base <- 1",
        "base += 1",
        "x = base--",
    ] {
        for code in [
            code.to_owned(),
            format!("class A {{ function f() {{ return [1, {code}, 2] }} }}"),
            format!("{code}; 1 + 1"),
        ] {
            let error = fails(&opened, &code);
            assert_eq!(error.frames().count(), 1, "{code}: {error:?}");
        }
    }
}

#[test]
fn a_function_has_as_many_locals_as_registers() {
    let opened = Opened::new();
    for count in [100, 126, 127, 128, 129, 200, 240, 250, 251, 252, 253, 254, 255, 256, 300] {
        let locals: String = (1..count).map(|at| format!("local v{at} = id({at});")).collect();
        let sum: Vec<_> = (1..count).map(|at| format!("v{at}")).collect();
        let code = format!(
            "function id(x) {{ return x }}
             local made = function() {{ {locals} id(0); local kind = class {{ n = 1 }}(); return kind.n + {} }}
             return made()",
            sum.join("+")
        );
        match opened.run(&code) {
            Ok(value) => assert_eq!(value, Value::Int(1 + count * (count - 1) / 2), "{count}"),
            Err(error) => assert!(count > 240 && error.message().contains("too many locals"), "{count}: {error}"),
        }
    }
}
