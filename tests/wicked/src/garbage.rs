//! Answers and requests of a context that make no sense: keys that were never given or are given
//! twice, times and counts that are none, circumstances that are not so.
//!
//! | word | what happens |
//! | --- | --- |
//! | `same-task` | the task waits under a number that others have, too |
//! | `finish-tasks` | finishes what those wait for |
//! | `same-watch` | two results are watched under one key |
//! | `watch-as-task` | a result is watched under a waiting task's number |
//! | `watch-waits`, `watch-yields` | something is watched; resumed with it, the context waits, or gives way |
//! | `known-function`, `known-object` | gives one by a key that was never given |
//! | `members` | gives an Object with the next argument as its members, and the one after as its type's name |
//! | `no-native` | asks for a native beyond the last |
//! | `facts` | calls a function in circumstances of which one number was changed |
//! | `many` | calls a function with so many arguments |
//! | `print` | prints bytes that are no text |
//! | `report` | reports an error that names places which are not there |
//! | `keep-host` | keeps its host on its thread, under the name that is the next argument |
//! | `use-host` | asks one that was kept there for all it can do |
//! | `foreign-host` | asks its own host on another thread |
//! | `wait-own` | waits in place for what only code below it could bring |

use calog_plugin_api::Facts;
use calog_plugin_api::prelude::*;

use crate::engine::{Spell, WATCHED};
use crate::{foreign, kept};

/// The number that some tasks have in common.
const SAME: TaskKey = TaskKey(77);

/// Keys of watches whose resumption gives no answer that it may give.
const WAITS: WaitKey = WaitKey(WATCHED + 1);
const YIELDS: WaitKey = WaitKey(WATCHED + 2);

pub(crate) fn act(spell: &Spell, word: &str, info: &CallInfo, args: Args<'_>) -> Option<Result<Step>> {
    let result = match word {
        "same-task" => return Some(same_task(spell)),
        "finish-tasks" => fine(|| finish_tasks(spell)),
        "same-watch" => watch(spell, info, WaitKey(WATCHED)).and_then(|()| watch(spell, info, WaitKey(WATCHED))),
        "watch-as-task" => watch(spell, info, WaitKey(SAME.0)),
        "watch-waits" => watch(spell, info, WAITS),
        "watch-yields" => watch(spell, info, YIELDS),
        "known-function" => return Some(known_function(spell)),
        "known-object" => return Some(known_object(spell)),
        "members" => return Some(members(spell, args)),
        "no-native" => spell.host.native(usize::MAX).map(drop),
        "facts" => return Some(Ok(Step::Done(with_facts(spell, info, args)))),
        "many" => return Some(Ok(Step::Done(many(spell, info, args)))),
        "print" => fine(|| spell.host.print(b"\xff\0\xfe no text\n")),
        "report" => fine(|| spell.host.report(&odd_error())),
        "keep-host" => fine(|| kept::keep_host(args.get(0).as_str().unwrap_or_default(), &spell.host)),
        "use-host" => return Some(kept::use_host(args.get(0).as_str().unwrap_or_default(), info).map(done)),
        "foreign-host" => return Some(foreign::ask_elsewhere(&spell.host, info).map(done)),
        "wait-own" => return Some(Ok(Step::Done(wait_own(spell, info)))),
        _ => return None,
    };
    Some(result.map(|()| Step::Done(Ok(Value::Nil))))
}

fn fine(act: impl FnOnce()) -> Result<()> {
    act();
    Ok(())
}

fn done(value: Value) -> Step {
    Step::Done(Ok(value))
}

fn same_task(spell: &Spell) -> Result<Step> {
    let (on, finisher) = spell.host.runtime()?.completion("what comes later");
    spell.own_tasks.borrow_mut().push(finisher);
    Ok(Step::Waiting { task: SAME, on })
}

fn finish_tasks(spell: &Spell) {
    let all = spell.own_tasks.take();
    for (number, finisher) in (1..).zip(all) {
        // Whoever is gone misses nothing.
        let _ = finisher.finish(Ok(Value::Int(number)));
    }
}

fn watch(spell: &Spell, info: &CallInfo, key: WaitKey) -> Result<()> {
    spell.host.watch(spell.there()?, key, info);
    Ok(())
}

/// What the context answers when it is resumed with something watched, if that is odd.
pub(crate) fn watched(spell: &Spell, key: WaitKey) -> Option<Step> {
    match key {
        WAITS => spell.there().ok().map(|on| spell.wait(on)),
        YIELDS => Some(Step::Yielded { task: SAME, value: Value::Nil }),
        _ => None,
    }
}

fn known_function(spell: &Spell) -> Result<Step> {
    let (one, first) = spell.host.function(Some(FunctionKey(123_456)))?;
    let (_other, second) = spell.host.function(Some(FunctionKey(u64::MAX)))?;
    if first == second || first == FunctionKey(123_456) {
        return Err(Error::new(Code::Range, "a key was taken for granted"));
    }
    Ok(Step::Done(Ok(one.into())))
}

fn known_object(spell: &Spell) -> Result<Step> {
    let (one, first) = spell.host.object(Some(ObjectKey(123_456)), "wicked.Odd", &Value::Nil)?;
    let (_other, second) = spell.host.object(Some(ObjectKey(u64::MAX)), "wicked.Odd", &Value::Nil)?;
    if first == second || first == ObjectKey(123_456) {
        return Err(Error::new(Code::Range, "a key was taken for granted"));
    }
    Ok(Step::Done(Ok(one.into())))
}

fn members(spell: &Spell, args: Args<'_>) -> Result<Step> {
    let type_name = args.get(1).as_str().unwrap_or_default();
    let (object, _key) = spell.host.object(None, type_name, &args.get(0).to_value())?;
    Ok(Step::Done(Ok(object.into())))
}

/// The arguments: which number, its value, the function, the function's arguments.
fn with_facts(spell: &Spell, info: &CallInfo, args: Args<'_>) -> Result<Value> {
    let Some(function) = args.get(2).as_callable() else {
        return Err(Error::new(Code::Type, "wicked: that is no function"));
    };
    let number = args.get(1).as_int().unwrap_or_default() as u64;
    let info = info.derive(change(info.facts(), args.get(0).as_str().unwrap_or_default(), number));
    spell.settle(function.call(&info, args.from(3)), &info)
}

fn change(mut facts: Facts, which: &str, number: u64) -> Facts {
    match which {
        "context" => facts.context = number,
        "caller" => facts.caller = number,
        "task" => facts.task = number,
        "parent" => facts.parent = number,
        "deadline" => facts.deadline_ns = number,
        "depth" => facts.depth = number as u32,
        "flags" => facts.flags = number as u32,
        _ => facts.runtime = number,
    }
    facts
}

/// The arguments: the function, and with how many arguments it is called.
fn many(spell: &Spell, info: &CallInfo, args: Args<'_>) -> Result<Value> {
    let Some(function) = args.get(0).as_callable() else {
        return Err(Error::new(Code::Type, "wicked: that is no function"));
    };
    let count = args.get(1).as_int().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
    let views = vec![View::int(1); count];
    spell.settle(function.call(info, Args::new(&views)), info)
}

fn odd_error() -> Error {
    let frame = Frame {
        language: "\u{0}".into(),
        context: String::new(),
        function: "\n\n".into(),
        file: "/nowhere/\u{1b}[31m".into(),
        line: u32::MAX,
        column: u32::MAX,
    };
    Error::new(Code::Script, "").with_frames((0..1000).map(|_| frame.clone())).with_thrown(Value::Real(f64::NAN))
}

/// Ends when the context is asked to stop.
fn wait_own(spell: &Spell, info: &CallInfo) -> Result<Value> {
    let (on, finisher) = spell.host.runtime()?.internal_completion("itself");
    let result = spell.host.wait(on, info);
    // Too late, for whomever.
    let _ = finisher.finish(Ok(Value::Nil));
    result
}

/// What a main chunk's value can be, at its oddest.
pub(crate) fn exports() -> Result<Value> {
    let mut builder = Builder::new();
    builder.begin(Shape::Map)?;
    for name in [&b""[..], b"\xff\0", b"obey", b"a.b"] {
        builder.key_str(name)?;
        builder.value(&crate::natives::nested(100)?)?;
    }
    builder.key_int(7)?;
    builder.nil();
    builder.key_real(f64::INFINITY)?;
    builder.int(1);
    for number in 0..10_000 {
        builder.key_str(format!("export{number}").as_bytes())?;
        builder.int(number);
    }
    builder.end()?;
    builder.finish()
}
