//! Answers and requests of a context that make no sense: keys, numbers, counts, circumstances.

use calog::plugin_api::Value;
use calog_tests::Asked;

use crate::stage::{Row, Stage, check, row, said};

fn values<const N: usize>(words: [&str; N]) -> Vec<Value> {
    words.into_iter().map(Value::from).collect()
}

/// What a context that is asked this answers, what the program is told, and how the context is then.
fn asked(stage: &Stage, args: &[Value]) -> String {
    let victim = stage.ready_victim(&[]);
    let answer = stage.obey(&victim, args);
    let state = stage.state(&victim);
    let reports: Vec<String> =
        stage.world.errors().iter().map(|it| format!("{}: {}", it.code(), it.message())).collect();
    let reports = if reports.is_empty() { String::new() } else { format!("; reported {}", reports.join(", ")) };
    format!("{answer}{reports}; {state}")
}

fn asks(word: &'static str, says: &str) -> Row {
    row(word, move |stage| asked(stage, &values([word])), says)
}

fn yields(value: impl Into<Value> + Copy + Send + std::fmt::Debug + 'static, says: &str) -> Row {
    row(format!("gives way with {value:?}"), move |stage| asked(stage, &["yield".into(), value.into()]), says)
}

#[test]
fn times_that_are_none_are_errors_of_the_task() {
    let text = "type: a task gives way with nil or milliseconds to sleep, not string; alive";
    check(vec![
        yields("soon", text),
        yields(true, "type: a task gives way with nil or milliseconds to sleep, not bool; alive"),
        yields(0, "resumed; alive"),
        yields(-1, "range: a task cannot sleep -1 ms; alive"),
        yields(f64::NAN, "range: a task cannot sleep NaN ms; alive"),
        yields(f64::INFINITY, "range: a task cannot sleep inf ms; alive"),
        yields(1e30, "range: a task cannot sleep 1000000000000000000000000000000 ms; alive"),
    ]);
}

#[test]
fn a_time_beyond_all_clocks_is_a_long_sleep() {
    // The longest that a duration can be; no clock shows when it is over.
    let act = |stage: &Stage| {
        let victim = stage.ready_victim(&[]);
        let sleeping = stage.world.ask(&victim, "obey", &["yield".into(), 1.8e22.into()]);
        let state = stage.state(&victim);
        let closed = stage.world.runtime.close_context(&victim);
        format!("{state}, {closed}, {}", stage.answer(&sleeping))
    };
    check(vec![row("sleeps for ever", act, "alive, true, dead: context 'victim' is closed")]);
}

/// Two tasks that have one number, and what becomes of them.
fn same_task(stage: &Stage) -> String {
    let victim = stage.ready_victim(&[]);
    let ask = || stage.world.ask(&victim, "obey", &values(["same-task"]));
    let tasks = [ask(), ask()];
    stage.obey(&victim, &values(["finish-tasks"]));
    let answers: Vec<String> = tasks.iter().map(|task: &Asked| stage.answer(task)).collect();
    format!("{}; {}", answers.join(", "), stage.state(&victim))
}

/// Something is watched under a waiting task's number.
fn watch_as_task(stage: &Stage) -> String {
    let victim = stage.ready_victim(&[]);
    let task = stage.world.ask(&victim, "obey", &values(["same-task"]));
    stage.obey(&victim, &values(["watch-as-task"]));
    let answer = stage.answer(&task);
    stage.obey(&victim, &values(["finish-tasks"]));
    format!("{answer}; {}", stage.state(&victim))
}

#[test]
fn keys_that_were_never_given_or_are_given_twice_hurt_their_context_alone() {
    check(vec![
        row(
            "two tasks of one number",
            same_task,
            "dead: the engine has given the number of this task to another, 1; alive",
        ),
        row("a watch under a task's number", watch_as_task, "resumed; alive"),
        asks("same-watch", "nil; alive"),
        asks("watch-waits", "nil; reported unsupported: an engine suspended a task that nobody called; alive"),
        asks("watch-yields", "nil; reported unsupported: an engine suspended a task that nobody called; alive"),
        asks("known-function", "<function 2 of context 3>; alive"),
        asks("known-object", "<wicked.Odd>; alive"),
        asks("no-native", "not_found: there is no native number 18446744073709551615; alive"),
        asks("print", "nil; alive"),
        asks("report", "nil; reported script: ; alive"),
    ]);
}

/// Changes one number of the circumstances in which a neighbour's function is called.
fn facts(which: &'static str, number: i64, says: &str) -> Row {
    let act = move |stage: &Stage| {
        // A deadline needs something to end.
        let function = stage.function(if which == "deadline" && number > 0 { "forever" } else { "sum" });
        let said = asked(stage, &["facts".into(), which.into(), number.into(), function.into(), 1.into(), 2.into()]);
        said.replace(&format!("of runtime {} ", stage.world.runtime.handle().id()), "of runtime N ")
    };
    row(format!("{which} is {number}"), act, says)
}

#[test]
fn circumstances_that_are_not_so_are_at_worst_errors_of_the_call() {
    check(vec![
        facts("context", -1, "3; alive"),
        facts("context", 0, "3; alive"),
        facts("caller", -1, "3; alive"),
        facts("task", -1, "3; alive"),
        facts("parent", -1, "3; alive"),
        facts("deadline", 1, "timeout: the call's deadline has passed; alive"),
        facts("deadline", -1, "3; alive"),
        facts("depth", 200, "depth: 200 calls wait for each other: the recursion between scripts is too deep; alive"),
        facts("depth", -1, "depth: 200 calls wait for each other: the recursion between scripts is too deep; alive"),
        facts("flags", -1, "3; alive"),
        facts("runtime", 0, "unsupported: a function of runtime N cannot be called from runtime 0; alive"),
        facts(
            "runtime",
            -1,
            "unsupported: a function of runtime N cannot be called from runtime 18446744073709551615; alive",
        ),
    ]);
}

/// Calls natives of the host, which look at who calls, in the name of somebody else.
fn in_the_name_of(context: i64, call: &'static str, args: &'static [&'static str], says: &str) -> Row {
    let act = move |stage: &Stage| {
        let native = stage.world.runtime.evaluate(&stage.neighbour, &format!("return {call}")).expect("a native");
        let mut all: Vec<Value> = vec!["facts".into(), "context".into(), context.into(), native];
        all.extend(args.iter().map(|&arg| arg.into()));
        asked(stage, &all)
    };
    row(format!("{call} by context {context}"), act, says)
}

#[test]
fn natives_of_the_host_that_are_called_in_the_name_of_nobody_say_so() {
    let export = "unsupported: calog.export: only contexts export; the program registers natives; alive";
    let who = r#"{id: 0, name: "host", language: "rust"}; alive"#;
    check(vec![
        in_the_name_of(-1, "calog.export", &["name", "value"], export),
        in_the_name_of(0, "calog.export", &["name", "value"], export),
        in_the_name_of(-1, "calog.self", &[], who),
        in_the_name_of(-1, "calog.args", &[], "[]; alive"),
        in_the_name_of(-1, "calog.log", &["debug", "a word"], "nil; alive"),
    ]);
}

#[test]
fn a_plugin_may_speak_in_anothers_name() {
    let act = |stage: &Stage| {
        let neighbour = stage.neighbour.id().number() as i64;
        let export = stage.world.runtime.evaluate(&stage.neighbour, "return calog.export").expect("a native");
        let args = ["facts".into(), "context".into(), neighbour.into(), export, "late".into(), 7.into()];
        let said = asked(stage, &args);
        format!("{said}, {:?}", stage.neighbour.export("late"))
    };
    check(vec![row("an export of the neighbour's", act, "nil; alive, Some(7)")]);
}

/// Has a function called with so many arguments.
fn many(language: &'static str, count: i64, says: &str) -> Row {
    let act = move |stage: &Stage| {
        let (name, text) = match language {
            "lua" => ("counts.lua", "return { count = function(...) return select('#', ...) end }"),
            "squirrel" => ("counts.nut", "calog.export(\"count\", function(...) { return vargv.len() })"),
            "basic" => ("counts.bas", "DEF count(a)\n    RETURN a\nENDDEF\ncalog.export(\"count\", count)"),
            "javascript" => ("counts.js", "export function count() { return arguments.length }"),
            _ => ("counts.wkd", "fine"),
        };
        let counts = stage.world.open(name, text);
        let count_args = counts.export(if language == "wicked" { "obey" } else { "count" }).expect("a function");
        asked(stage, &["many".into(), count_args, count.into()])
    };
    row(format!("{count} arguments for {language}"), act, says)
}

#[test]
fn arguments_without_number_are_taken_or_refused() {
    check(vec![
        many("lua", 0, "0; alive"),
        many("lua", 1000, "1000; alive"),
        many("lua", 1_000_000, "limit: 1000000 arguments do not fit onto Lua's stack; alive"),
        many("javascript", 0, "0; alive"),
        many("javascript", 1000, "1000; alive"),
        many("javascript", 1_000_000, "1000000; alive"),
        many("squirrel", 0, "0; alive"),
        many("squirrel", 1000, "1000; alive"),
        many("squirrel", 1_000_000, "limit: 1000000 arguments do not fit onto Squirrel's stack; alive"),
        many("basic", 1, "1; alive"),
        many("basic", 0, "nil; alive"),
        many("basic", 1_000_000, "arity: COUNT takes 1 arguments, not 1000000; alive"),
        many("wicked", 0, "; alive"),
        many("wicked", 1_000_000, "; alive"),
    ]);
}

/// An Object whose members are these, as all languages see it.
fn members(members: Value, type_name: &'static str, says: &str) -> Row {
    let what: String = format!("type {type_name:?} with members {members:?}").chars().take(80).collect();
    let act = move |stage: &Stage| {
        let victim = stage.ready_victim(&[]);
        let args = ["members".into(), members.clone(), type_name.into()];
        let object = stage.world.try_call(&victim, "obey", &args).expect("an Object");
        let lua = stage.world.open("sees.lua", "return { see = function(o) tostring(o) return type(o) end }");
        let nut = stage
            .world
            .open("sees.nut", "calog.export(\"see\", function(o) { local text = o + \"\"; return typeof o })");
        let bas = stage.world.open("sees.bas", "DEF see(o)\n    RETURN \"seen\"\nENDDEF\ncalog.export(\"see\", see)");
        let js = stage.world.open("sees.js", "export const see = o => { String(o); Object.keys(o); return typeof o }");
        let seen =
            [&lua, &js, &nut, &bas].map(|it| said(&stage.world.try_call(it, "see", std::slice::from_ref(&object))));
        seen.join(", ")
    };
    row(what, act, says)
}

#[test]
fn an_object_may_say_anything_about_itself() {
    let descriptor = |name: &str| Value::map([("name", name)]).expect("a map");
    let list = |items: &[Value]| Value::list(items.iter().cloned()).expect("a list");
    let many: Vec<Value> = (0..3000).map(|number| descriptor(&format!("member{number}"))).collect();
    check(vec![
        members(Value::Nil, "", "userdata, object, object, seen"),
        members(Value::Int(-1), "x", "userdata, object, object, seen"),
        members("text".into(), "a\0b", "userdata, object, object, seen"),
        members(list(&[Value::Nil, Value::Int(1), "x".into(), list(&[])]), "x", "userdata, object, object, seen"),
        members(list(&[descriptor(""), descriptor("")]), "x", "userdata, object, object, seen"),
        members(
            list(&[descriptor("a\0b"), descriptor("constructor"), descriptor("__proto__")]),
            "x",
            "userdata, object, object, seen",
        ),
        members(list(&many), "many", "userdata, object, object, seen"),
        members(Value::map([("name", Value::Int(3))]).expect("a map"), "x", "userdata, object, object, seen"),
    ]);
}

#[test]
fn a_main_chunk_may_export_anything() {
    let act = |stage: &Stage| {
        let victim = stage.victim_from("exports", &[], None);
        let main = stage.world.runtime.wait_for(&victim).is_ok();
        let last = victim.export("export9999");
        let no_function = said(&stage.world.call(&victim, "obey", &[]));
        let lua = said(
            &stage
                .world
                .runtime
                .evaluate(&stage.neighbour, "local all = calog.import('victim') return all.export42 + all.export43"),
        );
        format!("{main}, {last:?}, {no_function}, {lua}, {}", stage.state(&victim))
    };
    let says = "true, Some(9999), type: 'obey' of context 'victim' is no function but Aggregate, 85, alive";
    check(vec![row("exports", act, says)]);
}
