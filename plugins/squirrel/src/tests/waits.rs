//! Waits: tasks that are suspended, and places where the thread pumps instead.

use calog_plugin_api::mock::{finish_next, pumped};
use calog_plugin_api::prelude::*;

use super::{Opened, check};

#[test]
fn waits_suspend_the_task() {
    pumped();
    check(
        r##"
        same(test.later(1), 1)
        local deep; deep = function(n) { return n == 0 ? test.later("deep") : deep(n - 1) }
        same(deep(50), "deep")
        try { same(test.later(2), 2) } catch (e) { throw e }
        local sum = 0
        foreach (x in [1, 2, 3]) sum += test.later(x)
        same(sum, 6)
        for (local i = 0; i < 20; i++) same(test.later(i), i)
        // The same object's methods, and a callback.
        refused("closed", "later", @() test.fail_later("closed", "later"))
        same(test.later([1, { a = 2 }])[1].a, 2)
        local gen = (function() { yield test.later(5); yield test.later(6) })()
        same(resume gen, 5); same(resume gen, 6)
        local again = function(x) { return [test.later(x), test.later(x + 1)] }
        same(again.call(this, 7)[1], 8)
        local through = function(...) { local value = again.call(this, vargv[0]); return value[0] }
        same(through.call({ test = test }, 9), 9)
        "##,
    );
    assert_eq!(pumped(), 0, "all of these suspend");
}

#[test]
fn waits_pump_where_squirrel_cannot_suspend() {
    pumped();
    check(
        r##"
        local t = [3, 1, 2]
        t.sort(@(a, b) test.later(a) <=> b)
        same(t[0], 1); same(t[2], 3)
        same([1, 2].map(@(x) test.later(x * 2))[1], 4)
        local d = {}
        d.setdelegate({ _get = function(k) { return ::test.later(k + "!") } })
        same(d.x, "x!")
        class Sum { v = 0; constructor(x) { v = test.later(x) } function _add(o) { return test.later(v + o.v) } }
        same(Sum(1) + Sum(2), 3)
        refused("closed", "later", @() [1].map(@(x) test.fail_later("closed", "later")))
        same(test.later.call(this, 8), 8)
        same(test.later.acall([this, 9]), 9)
        "##,
    );
    let pumped = pumped();
    assert!(pumped >= 8, "{pumped}");
}

#[test]
fn threads_of_the_script_keep_working() {
    check(
        r##"
        local co = newthread(function(a) {
            local b = ::suspend(test.later(a))
            local c = ::suspend(test.later(b))
            return test.later(c)
        })
        same(co.call(1), 1)
        same(co.getstatus(), "suspended")
        same(co.wakeup(2), 2)
        same(co.wakeup(3), 3)
        same(co.getstatus(), "idle")
        local thrown = null
        try { suspend(1) } catch (e) { thrown = e }
        same(thrown.find("cannot suspend outside"), 0)
        try { newthread(print) } catch (e) { thrown = e }
        same(thrown.find("newthread wants"), 0)
        local many = newthread(function(...) { return vargv.len() })
        same(many.call.acall([many].extend(array(1000, 1))), 1000)
        // One thread runs another.
        local outer = newthread(function() {
            local inner = newthread(function() { ::suspend(1); return 2 })
            inner.call()
            ::suspend("between")
            return inner.wakeup()
        })
        same(outer.call(), "between")
        same(outer.wakeup(), 2)
        // Waking with an error.
        local catcher = newthread(function() { try { ::suspend() } catch (e) { return "caught " + e } })
        catcher.call()
        same(catcher.wakeupthrow("x"), "caught x")
        "##,
    );
}

/// Starts a function that waits, and gives its task.
fn start(opened: &super::Opened, function: &Value) -> (TaskKey, Completion) {
    let info = opened.context.core().host.info().expect("the mock answers");
    let key = function.view().as_callable().expect("a function").identity().key;
    match opened.context.call(FunctionKey(key), &info, Args::new(&[])) {
        Step::Waiting { task, on } => (task, on),
        other => panic!("{other:?}"),
    }
}

#[test]
fn waits_end_in_any_order() {
    let opened = Opened::new();
    let function =
        opened.run("n <- 0\nreturn function() {\n local me = n++\n return [me, test.later(me), test.later(me)]\n}");
    let function = function.expect("a function");
    let tasks: Vec<_> = (0..10).map(|_| start(&opened, &function).0).collect();
    let site = opened.context.wait_site(WaitKey(tasks[3].0)).expect("a place");
    assert_eq!((site.file.as_str(), site.line), ("main.nut", 4));
    assert_eq!(opened.context.wait_site(WaitKey(99)), None);
    for (at, &task) in tasks.iter().enumerate().rev() {
        let step = opened.context.resume(WaitKey(task.0), Ok(Value::from("first")));
        let Step::Waiting { task, .. } = step else { panic!("{step:?}") };
        if at == 5 {
            opened.context.abandon(task);
            continue;
        }
        if at == 6 {
            let step = opened.context.resume(WaitKey(task.0), Err(Error::new(Code::Timeout, "late")));
            assert!(
                matches!(step, Step::Done(Err(error)) if error.code() == Code::Timeout && error.frames().count() == 1)
            );
            continue;
        }
        let step = opened.context.resume(WaitKey(task.0), Ok(Value::from("second")));
        let Step::Done(Ok(value)) = step else { panic!("{step:?}") };
        assert_eq!(format!("{value:?}"), format!("[{at}, \"first\", \"second\"]"));
    }
    let step = opened.context.resume(WaitKey(tasks[0].0), Ok(Value::Nil));
    assert!(matches!(step, Step::Done(Err(error)) if error.code() == Code::NotFound));
    assert_eq!(opened.context.core().main.top(), 0, "the workbench is empty");
}

#[test]
fn a_context_closes_with_tasks_waiting() {
    let opened = Opened::new();
    let function =
        opened.run("return function() { local keep = [test.add, test.counter()]; test.later(1); return keep }");
    let function = function.expect("a function");
    for _ in 0..20 {
        start(&opened, &function);
    }
    drop(opened);
    while finish_next() {}
}

#[test]
fn a_waiting_context_stays_callable() {
    let opened = Opened::new();
    let slow = opened.run("return function() { test.later(1); return \"slow\" }").expect("a function");
    let fast = opened.run("return function() { return \"fast\" }").expect("a function");
    let (task, _on) = start(&opened, &slow);
    assert_eq!(opened.call(&fast, &[]), Ok(Value::from("fast")));
    let step = opened.context.resume(WaitKey(task.0), Ok(Value::Nil));
    assert!(matches!(step, Step::Done(Ok(value)) if value == Value::from("slow")));
}
