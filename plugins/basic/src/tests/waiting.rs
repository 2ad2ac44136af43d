//! Waiting: a task that waits is put aside, others run meanwhile, and it goes on where it was.

use calog_plugin_api::mock::{deliver_releases, finish_one, info, later, printed};
use calog_plugin_api::prelude::*;

use super::Opened;

/// A task that waits: its number and what for.
struct Waiting {
    task: TaskKey,
    on: Option<Completion>,
}

impl Waiting {
    fn of(step: Step) -> Waiting {
        match step {
            Step::Waiting { task, on } => Waiting { task, on: Some(on) },
            step => panic!("it does not wait: {step:?}"),
        }
    }

    /// Goes on, now that the result is there.
    fn resume(&mut self, opened: &Opened) -> Step {
        let on = self.on.take().expect("it waits once");
        let result = on.try_take().expect("the result is there");
        opened.context.resume(WaitKey(self.task.0), result)
    }
}

fn load(opened: &Opened, code: &str) -> Step {
    let info = info(opened.id);
    opened.context.load(Source {
        mode: SourceMode::File,
        name: "main.bas",
        path: "",
        text: code.as_bytes(),
        info: &info,
    })
}

fn call(opened: &Opened, name: &str, args: &[View<'_>]) -> Step {
    let value = opened.load(SourceMode::Eval, "eval.bas", "", name).expect("a routine");
    let key = value.view().as_callable().expect("a routine").identity().key;
    let info = info(opened.id);
    opened.context.call(FunctionKey(key), &info, Args::new(args))
}

#[track_caller]
fn done(step: Step) -> Result<Value> {
    match step {
        Step::Done(result) => result,
        step => panic!("it is not done: {step:?}"),
    }
}

#[test]
fn a_main_chunk_waits_and_goes_on() {
    let opened = Opened::new();
    printed();
    let mut waiting = Waiting::of(load(&opened, "PRINT 1\nx = test.later(5)\nPRINT x\nPRINT test.later(6) + 1"));
    assert_eq!((printed().as_str(), later()), ("1", 1));
    let site = opened.context.wait_site(WaitKey(waiting.task.0)).expect("a place");
    assert_eq!(site.to_string(), "main.bas:2:5 (basic)");
    finish_one(0);
    let mut waiting = Waiting::of(waiting.resume(&opened));
    assert_eq!(printed(), "5");
    finish_one(0);
    assert_eq!(done(waiting.resume(&opened)), Ok(Value::Nil));
    assert_eq!(printed(), "7");
    assert_eq!(opened.context.core().tasks.count(), 0);
}

const SLOW: &str = "n = 0\nDEF slow(x)\nVAR mine = x\nn = n + 1\ny = test.later(x)\nRETURN LIST(mine, y, n)\nENDDEF\nDEF quick(x)\nn = n + 10\nRETURN x\nENDDEF";

#[test]
fn many_tasks_wait_at_once_and_end_in_any_order() {
    let opened = Opened::new();
    opened.run(SLOW).expect("a program");
    let mut waiting: Vec<Waiting> =
        (0..50).map(|number| Waiting::of(call(&opened, "slow", &[View::int(number)]))).collect();
    assert_eq!(opened.context.core().tasks.count(), 50);
    assert_eq!(done(call(&opened, "quick", &[View::int(7)])), Ok(Value::Int(7)), "others run meanwhile");
    // From the last to the first.
    while let Some(mut last) = waiting.pop() {
        finish_one(waiting.len());
        let number = waiting.len() as i64;
        let wanted = Value::list([number, number, 60]).expect("a list");
        assert_eq!(done(last.resume(&opened)), Ok(wanted));
    }
    assert_eq!(opened.context.core().tasks.count(), 0);
}

#[test]
fn waits_deep_inside_calls_keep_all_frames() {
    let opened = Opened::new();
    printed();
    let code = "DEF f(n)\nIF n = 0 THEN RETURN test.later(100)\nRETURN 1 + f(n - 1)\nENDDEF\nl = LAMBDA (g) (RETURN g(500))\nPRINT l(f)";
    let mut waiting = Waiting::of(load(&opened, code));
    finish_one(0);
    assert_eq!(done(waiting.resume(&opened)), Ok(Value::Nil));
    assert_eq!(printed(), "600");
}

#[test]
fn every_place_can_wait() {
    for (code, wanted) in [
        ("l = LIST(0, 0)\nl(1) = test.later(5)\nPRINT l(1)", "5"),
        ("FOR i = 1 TO 3\nPRINT test.later(i)\nNEXT", "123"),
        ("FOR x IN test.later(LIST(1, 2))\nPRINT x\nNEXT", "12"),
        ("WHILE test.later(0)\nWEND\nPRINT 1", "1"),
        ("IF test.later(1) = 1 THEN PRINT 1", "1"),
        ("CLASS c\nDEF to_string()\nRETURN test.later(\"text\")\nENDDEF\nENDCLASS\nPRINT NEW(c)", "text"),
        ("CLASS c\nVAR n = test.later(4)\nENDCLASS\nPRINT c.n", "4"),
        ("GOSUB s\nEND\ns:\nPRINT test.later(2)\nRETURN", "2"),
        ("TRY\nx = test.later(1) + \"a\"\nCATCH e\nPRINT test.later(e.code)\nENDTRY", "18"),
        ("PRINT test.add(test.later(1), test.later(2))", "3"),
        ("o = DICT(\"f\", test.later)\nPRINT o.f(3)", "3"),
    ] {
        let opened = Opened::new();
        printed();
        let mut step = load(&opened, code);
        while let Step::Waiting { task, on } = step {
            finish_one(0);
            step = opened.context.resume(WaitKey(task.0), on.try_take().expect("the result is there"));
        }
        assert_eq!(done(step), Ok(Value::Nil), "{code}");
        assert_eq!(printed(), wanted, "{code}");
    }
}

#[test]
fn a_wait_that_fails_can_be_caught() {
    let opened = Opened::new();
    printed();
    let waiting = Waiting::of(load(&opened, "TRY\ntest.later(1)\nCATCH e\nPRINT e.code, e.row\nENDTRY"));
    let step = opened.context.resume(WaitKey(waiting.task.0), Err(Error::new(Code::Timeout, "too late")));
    assert_eq!(done(step), Ok(Value::Nil));
    assert_eq!(printed(), "timeout2");
    let waiting = Waiting::of(load(&opened, "test.later(1)"));
    let step = opened.context.resume(WaitKey(waiting.task.0), Err(Error::new(Code::Timeout, "too late")));
    let error = done(step).expect_err("nobody catches it");
    assert_eq!(error.code(), Code::Timeout);
    assert_eq!(error.frames().map(|it| it.to_string()).collect::<Vec<_>>(), ["main.bas:1:1 (basic)"]);
}

#[test]
fn an_abandoned_task_lets_go_of_what_it_held() {
    let opened = Opened::new();
    opened.run("DEF f(g)\ntest.later(1)\nRETURN g\nENDDEF").expect("a program");
    let other = Opened::new();
    let held = other.load(SourceMode::Eval, "e", "", "LAMBDA () ()").expect("a lambda");
    let waiting = Waiting::of(call(&opened, "f", &[held.view()]));
    drop(held);
    deliver_releases();
    assert_eq!(other.context.core().pins.count(), 1, "the waiting task holds it");
    opened.context.abandon(waiting.task);
    deliver_releases();
    assert_eq!(other.context.core().pins.count(), 0);
    let step = opened.context.resume(WaitKey(waiting.task.0), Ok(Value::Nil));
    assert_eq!(done(step).map_err(|it| it.code()), Err(Code::NotFound));
}

#[test]
fn methods_called_by_functions_wait_in_place() {
    let opened = Opened::new();
    printed();
    let code = "CLASS p\nVAR n = 0\nDEF hash()\nRETURN n\nENDDEF\nDEF compare(o)\nRETURN test.later(n - o.n)\nENDDEF\nENDCLASS\na = NEW(p)\na.n = 2\nb = NEW(p)\nb.n = 1\nl = SORT(LIST(a, b))\nPRINT l(0).n, l(1).n";
    assert_eq!(done(load(&opened, code)), Ok(Value::Nil));
    assert_eq!(printed(), "12");
}

#[test]
fn releases_and_calls_come_while_tasks_wait() {
    let opened = Opened::new();
    opened.run(SLOW).expect("a program");
    let mut waiting = Waiting::of(call(&opened, "slow", &[View::int(1)]));
    deliver_releases();
    opened.run("DEF slower(x)\nRETURN slow(x)\nENDDEF").expect("another program");
    finish_one(0);
    assert_eq!(done(waiting.resume(&opened)), Ok(Value::list([1, 1, 1]).expect("a list")));
}
