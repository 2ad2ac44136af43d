//! Stopping: endless code ends when the flag is up, whatever it catches.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use calog_plugin_api::prelude::*;

use super::fails;
use super::mock::open;

#[test]
fn a_stopped_context_ends_even_through_catch() {
    let opened = open();
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
    let opened = open();
    opened.context.interrupt();
    assert_eq!(opened.run("local n = 0; for (local i = 0; i < 10; i++) n += i; return n"), Ok(Value::Int(45)));
}
