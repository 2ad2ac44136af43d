//! Plays a scenario, step by step, and says what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use calog::{Ended, SearchPath};
use calog_plugin_api::Value;

use super::language::Missing;
use super::notation::{brief, mismatch, value, values};
use super::scenario::{Answers, Call, Fails, FrameLike, Loads, Opens, Outcome, Runs, Scenario, Start, Step};
use super::stage::{Combination, Stage};
use super::verdict::Verdict;

/// Plays a scenario with these languages on these threads.
pub(super) fn play(search: &SearchPath, scenario: &Scenario, with: Combination<'_>) -> Verdict {
    for language in [with.a, with.b] {
        if let Some(why) = language.why_not(&scenario.name) {
            return Verdict::NotOffered(why.to_owned());
        }
    }
    let played = catch_unwind(AssertUnwindSafe(|| {
        let stage = Stage::new(search, scenario, with)?;
        Ok(play_on(stage, scenario))
    }));
    match played {
        Ok(Ok(Ok(()))) => Verdict::Passed,
        Ok(Ok(Err(reason))) => Verdict::Failed(reason),
        Ok(Err(Missing::NotOffered(why))) => Verdict::NotOffered(why),
        Ok(Err(Missing::Lacks(what))) => Verdict::Failed(what),
        Err(panic) => Verdict::Failed(format!("it panicked: {}", panic_text(&*panic))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

fn play_on(mut stage: Stage, scenario: &Scenario) -> Result<(), String> {
    // The first that is opened may be imported by those after it.
    for name in stage.names().into_iter().rev() {
        if !scenario.later.iter().any(|it| it == name) {
            stage.load(name)?.map_err(|error| format!("the script of '{name}': {error:?}"))?;
        }
    }
    for (at, step) in scenario.steps.iter().enumerate() {
        take(&mut stage, step).map_err(|reason| format!("step {}: {reason}", at + 1))?;
    }
    stage.close()
}

fn take(stage: &mut Stage, step: &Step) -> Result<(), String> {
    match step {
        Step::Call(call) => make_call(stage, call),
        Step::Start(start) => start_call(stage, start),
        Step::Answers(answers) => answer(stage, answers),
        Step::Pending(name) => match stage.asked(name)?.answers().first() {
            Some(answer) => Err(format!("'{name}' was answered: {answer:?}")),
            None => Ok(()),
        },
        Step::WaitsAt(gate) => stage.until(&format!("somebody at gate '{gate}'"), || stage.gates.is_closed(gate)),
        Step::Opens(opens) => open_gate(stage, opens),
        Step::Cancels(gate) => {
            let error = calog::Error::new(calog::Code::Cancelled, "the kit cancelled it");
            stage.gates.cancel(gate, &error).then_some(()).ok_or_else(|| format!("nobody waits at gate '{gate}'"))
        }
        Step::Loads(loads) => load(stage, loads),
        Step::Begins(name) => stage.begin(name),
        Step::Closes(name) => close(stage, name),
        Step::Alive(name) => alive(stage, name),
        Step::Exports(exports) => {
            let found = stage.exported(&exports.exports)?;
            wrong(mismatch(&exports.gives, &found, stage))?;
            exports.name.iter().for_each(|name| stage.save(name, found.clone()));
            Ok(())
        }
        Step::Prints(text) => equal("printed", text, &stage.world.output.text()),
        Step::Noted(notes) => equal("noted", notes, &stage.gates.notes()),
        Step::UntilNoted(note) => stage.until(&format!("the note '{note}'"), || stage.gates.notes().contains(note)),
        Step::Reports(reports) => check_reports(stage, reports),
        Step::Holds(name) => {
            stage.save(name, Value::Object(stage.props.object(name)));
            Ok(())
        }
        Step::Forgets(name) => stage.forget(name),
        Step::Dropped(count) => {
            let dropped = stage.until(&format!("{count} dropped Objects"), || stage.props.dropped() >= *count);
            dropped.and_then(|()| equal("Objects that are gone", count, &stage.props.dropped()))
        }
        Step::Runs(runs) => run(stage, runs),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &T, found: &T) -> Result<(), String> {
    if wanted == found { Ok(()) } else { Err(format!("{what}: wanted {wanted:?}, got {found:?}")) }
}

fn wrong(reason: Option<String>) -> Result<(), String> {
    reason.map_or(Ok(()), Err)
}

fn make_call(stage: &Stage, call: &Call) -> Result<(), String> {
    let args = values(&call.args, stage)?;
    let deadline = call.within.map_or(0, |ms| stage.world.runtime.handle().now_ns() + ms * 1_000_000);
    let asked = stage.ask(&call.call, &stage.world.info_with(None, deadline), &args)?;
    let result = stage.answer(&asked).map_err(|reason| format!("{}: {reason}", call.call))?;
    let wanted = Outcome { gives: call.gives.clone(), fails: call.fails.clone() };
    check(stage, &result, &wanted).map_err(|reason| format!("{}: {reason}", call.call))?;
    if let (Some(name), Ok(value)) = (&call.name, result) {
        stage.save(name, value);
    }
    Ok(())
}

fn start_call(stage: &Stage, start: &Start) -> Result<(), String> {
    let args = values(&start.args, stage)?;
    let asked = stage.ask(&start.start, &stage.world.info(), &args)?;
    stage.keep_asked(&start.name, asked);
    Ok(())
}

fn answer(stage: &Stage, answers: &Answers) -> Result<(), String> {
    let result = stage.answer(&stage.asked(&answers.answers)?)?;
    let wanted = Outcome { gives: answers.gives.clone(), fails: answers.fails.clone() };
    check(stage, &result, &wanted).map_err(|reason| format!("'{}': {reason}", answers.answers))
}

fn open_gate(stage: &Stage, opens: &Opens) -> Result<(), String> {
    let with = opens.with.as_ref().map_or(Ok(Value::Nil), |with| value(with, stage))?;
    stage.until(&format!("somebody at gate '{}'", opens.opens), || stage.gates.is_closed(&opens.opens))?;
    stage.gates.open(&opens.opens, with).map_err(|_| format!("nobody waits at gate '{}' any more", opens.opens))
}

fn load(stage: &mut Stage, loads: &Loads) -> Result<(), String> {
    let result = stage.load(&loads.loads)?;
    // Who waited has seen it, and no one else needs to.
    let wanted = Outcome { gives: loads.gives.clone(), fails: loads.fails.clone() };
    check(stage, &result, &wanted).map_err(|reason| format!("the script of '{}': {reason}", loads.loads))
}

fn close(stage: &Stage, name: &str) -> Result<(), String> {
    let context = stage.context(name)?;
    let gone = stage.world.runtime.close_context(&context) && context.is_closed();
    gone.then_some(()).ok_or_else(|| format!("'{name}' did not close"))
}

fn alive(stage: &Stage, name: &str) -> Result<(), String> {
    let asked = stage.ask(&format!("{name}.answer"), &stage.world.info(), &[])?;
    match stage.answer(&asked)? {
        Ok(Value::Int(42)) => Ok(()),
        other => Err(format!("'{name}' is asked for its answer, which is 42: {other:?}")),
    }
}

fn check_reports(stage: &Stage, reports: &[super::scenario::Report]) -> Result<(), String> {
    let before = *stage.spoken.borrow();
    stage.until(&format!("{} errors", reports.len()), || stage.reports().len() >= before + reports.len())?;
    let all = stage.reports();
    for ((context, error), wanted) in all[before..].iter().zip(reports) {
        equal("the error's context", &stage.context(&wanted.context)?.id(), context)?;
        equal("the error's code", &wanted.code.as_str(), &error.code().word())?;
    }
    *stage.spoken.borrow_mut() += reports.len();
    Ok(())
}

fn run(stage: &Stage, wanted: &Runs) -> Result<(), String> {
    let ended = match stage.world.runtime.run() {
        Ended::Idle => Runs::Idle,
        Ended::Exit(code) => Runs::Exit(code),
        Ended::Stuck(waiting) => Runs::Stuck(waiting.len()),
    };
    equal("the program's end", wanted, &ended)
}

/// Compares what came of something with what was wanted.
fn check(stage: &Stage, result: &calog::Result<Value>, wanted: &Outcome) -> Result<(), String> {
    match (result, &wanted.gives, &wanted.fails) {
        (Ok(found), _, Some(fails)) => {
            Err(format!("wanted an error {:?}, got {}", fails.code, brief(&format!("{found:?}"))))
        }
        (Ok(found), Some(gives), None) => wrong(mismatch(gives, found, stage)),
        (Ok(_), None, None) => Ok(()),
        (Err(error), _, Some(fails)) => check_error(stage, error, fails),
        (Err(error), _, None) => Err(format!("it failed: {}", brief(&format!("{error:?}")))),
    }
}

fn check_error(stage: &Stage, error: &calog::Error, wanted: &Fails) -> Result<(), String> {
    if !wanted.code.have(error.code().word()) {
        return Err(format!("wanted the code {:?}, got {}", wanted.code, brief(&format!("{error:?}"))));
    }
    if let Some(part) = wanted.says.iter().find(|part| !error.message().contains(part.as_str())) {
        return Err(format!("wanted '{part}' in the message, which is: {}", error.message()));
    }
    if let Some(thrown) = &wanted.thrown {
        let found = error.thrown().ok_or("no value was thrown")?;
        wrong(mismatch(thrown, &found.to_value(), stage))?;
    }
    check_trace(stage, error, &wanted.trace)
}

/// The wanted frames are in the trace, in this order.
fn check_trace(stage: &Stage, error: &calog::Error, wanted: &[FrameLike]) -> Result<(), String> {
    let mut frames = error.frames();
    for wanted in wanted {
        let actor = stage.actor(&wanted.context)?;
        let line = wanted.at.as_ref().map(|at| line_of(&actor.text, at)).transpose()?;
        let file = format!("{}.{}", wanted.context, actor.language.extension);
        let is_it = |frame: &calog::Frame| {
            frame.language == actor.language.language
                && (frame.context.is_empty() || frame.context == wanted.context)
                && frame.file.ends_with(&file)
                && line.is_none_or(|line| frame.line == line)
        };
        if !frames.any(|frame| is_it(&frame)) {
            let all: Vec<_> = error.frames().collect();
            return Err(format!("no frame of '{}', line {line:?}, in its place in {all:?}", wanted.context));
        }
    }
    Ok(())
}

/// The line with a text, counted from 1.
fn line_of(script: &str, part: &str) -> Result<u32, String> {
    let found = (1..).zip(script.lines()).find(|(_, line)| line.contains(part));
    found.map(|(line, _)| line).ok_or_else(|| format!("no line has '{part}' in it"))
}
