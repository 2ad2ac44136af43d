//! Stopping: endless code ends when the flag is up, whatever it catches.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use calog_plugin_api::prelude::*;

use super::{Opened, fails};

#[test]
fn a_stopped_context_ends_even_through_catch() {
    let opened = Opened::new();
    for code in [
        "test.stop(); while (true) {}",
        "test.stop(); while(true){ try { while(true){} } catch (e) {} }",
        "test.stop(); do {} while (true)",
        "test.stop(); for (;;) {}",
        "test.stop(); foreach (x in (function() { while (true) yield 1 })()) {}",
        "test.stop(); local f; f = function() { try { while (true) {} } catch (e) { f() } }; f()",
        "test.stop(); local f; f = function(n) { return n < 2 ? n : f(n - 1) + f(n - 2) }; f(90)",
        "test.stop(); newthread(function() { while (true) try { while (true) {} } catch (e) {} }).call()",
        "test.stop(); while (true) try { [2, 1].sort(function(a, b) { while (true) {} }) } catch (e) {}",
        "test.stop(); local t = {}.setdelegate({ _get = function(k) { while (true) {} } }); while (true) try { t.x } catch (e) {}",
        "try { test.call(function() { test.stop(); while (true) {} }) } catch (e) {} while (true) {}",
        "test.stop(); while (true) try { throw 1 } catch (e) {}",
        "test.stop(); local f; f = function() { return f() }; f()",
        "test.stop(); local text = \"\"; while (true) text += \"x\"",
        "test.stop(); local list = array(50, 1); while (true) list.sort(@(a, b) rand() % 3 - 1)",
        "test.stop(); local list = array(50, 1); while (true) try { list.sort(@(a, b) a) } catch (e) {}",
        "local list = array(3000000); foreach (i, x in list) list[i] = i ^ 0x55555; test.stop(); list.sort(); while (true) {}",
        "test.stop(); resume (function() { while (true) {} yield 1 })()",
        "test.stop(); while (true) { local g = (function() { yield 1 })(); resume g }",
        "test.stop(); while (true) foreach (x in (function() { for (local i = 0; i < 9; i++) yield i })()) {}",
        "test.stop(); while (true) regexp(\"a|b\").search(\"cb\")",
        "test.stop(); class Endless { constructor() { while (true) {} } }; Endless()",
        "test.stop(); foreach (x in (class { function _nexti(i) { return 1 } function _get(i) { return 1 } })()) {}",
        "test.stop(); while (true) compilestring(\"return 1\")()",
        "test.stop(); local co = newthread(function() { while (true) ::suspend() }); co.call(); while (true) co.wakeup()",
        "test.stop(); seterrorhandler(function(e) { while (true) {} }); throw 1",
        "test.stop(); local big = array(1000); while (true) big.map(abs.bindenv({}))",
        "test.stop(); while (true) test.call(@() 1)",
        "test.stop(); while (true) [1, 2, 3].map(@(x) [x]).filter(@(i, x) true).reduce(@(a, b) a)",
        "test.stop(); local b = blob(10); while (true) { b.seek(0); b.readblob(5) }",
        "test.stop(); local t = \"a\"; for (local i = 0; i < 6; i++) t += t; regexp(\"(a+)+$\").match(t + \"b\")",
    ] {
        let began = Instant::now();
        let error = fails(&opened, code);
        assert_eq!(error.code(), Code::Cancelled, "{code}: {error:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{code}");
        opened.stop.store(0, Ordering::Relaxed);
        let code = "local n = 0; for (local i = 0; i < 1000; i++) try { throw 1 } catch (e) { n += e } return n";
        assert_eq!(opened.run(code), Ok(Value::Int(1000)));
    }
}

#[test]
fn an_interrupt_for_nothing_changes_nothing() {
    let opened = Opened::new();
    opened.context.interrupt();
    assert_eq!(opened.run("local n = 0; for (local i = 0; i < 10; i++) n += i; return n"), Ok(Value::Int(45)));
}
