//! Runs a planned program in a real runtime and says where it differs from the plan.
//!
//! After each phase the runtime must find by itself that nothing can happen any more; only then are
//! answers compared and calls counted. At the end nothing that was passed around may be left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use calog::plugin_api::{Args, Callable, Completion, Object, Result, View};
use calog::{CLOSE_LIMIT, Code, ContextRef, Ended, Open, Value};

use crate::ledger::Caller;
use crate::model::{Answer, Data, Fault, Function, shared_thread};
use crate::natives::{find, token, words_of};
use crate::plan::{Allowed, PhasePlan, Plan, TaskPlan, session_of};
use crate::program::{After, CODES, Context, Given, How, Kind, Program, SHAPES, pick};
use crate::render::{export_name, language, render};
use crate::stage::Stage;

/// How often everything is asked to let go before what is left counts as lost: a chain of functions over
/// contexts takes one round for each link.
const ROUNDS: usize = 20;

/// Where a fault is found that shows only after all phases.
const END: &str = "the end";

/// What happened, for the statistics.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) programs: usize,
    pub(crate) contexts: usize,
    pub(crate) tasks: usize,
    pub(crate) calls: usize,
    pub(crate) errors: usize,
    pub(crate) detached: usize,
    pub(crate) races: usize,
    pub(crate) gone: usize,
    pub(crate) undecided: usize,
    /// By language and form of call.
    pub(crate) forms: BTreeMap<(&'static str, usize), u64>,
}

/// Runs it. What is wrong, if anything is, in words.
pub(crate) fn run(stage: &mut Stage, plan: &Plan<'_>) -> Result<Counts, Vec<String>> {
    stage.shared.ledger.turn_page();
    let mut run = Run {
        stage,
        plan,
        contexts: Vec::new(),
        newcomers: Vec::new(),
        open: BTreeSet::new(),
        raced: BTreeSet::new(),
        last: HashMap::new(),
        faults: Vec::new(),
        counts: Counts { programs: 1, contexts: plan.program.contexts.len(), ..Counts::default() },
    };
    run.open_all();
    for (number, phase) in plan.phases.iter().enumerate() {
        run.phase(&format!("phase {number}"), phase);
        if !run.faults.is_empty() {
            // What comes after is of no use any more.
            return Err(run.faults);
        }
    }
    run.end();
    let Run { faults, counts, .. } = run;
    if faults.is_empty() { Ok(counts) } else { Err(faults) }
}

struct Run<'r> {
    stage: &'r mut Stage,
    plan: &'r Plan<'r>,
    contexts: Vec<Opened>,
    newcomers: Vec<ContextRef>,
    /// Those that nobody has closed.
    open: BTreeSet<usize>,
    /// Those that were closed while calls were in them, which may be without answer since.
    raced: BTreeSet<usize>,
    /// What the program holds, by session.
    last: HashMap<i64, Callable>,
    faults: Vec<String>,
    counts: Counts,
}

/// A context: one of the program's, or one that a script opened.
struct Opened {
    reference: Option<ContextRef>,
    object: Option<Object>,
    functions: HashMap<String, Callable>,
}

impl Opened {
    fn function(&self, name: &str) -> Option<&Callable> {
        self.functions.get(name)
    }
}

impl Run<'_> {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    // ---- opening

    fn open_all(&mut self) {
        for number in 0..self.plan.program.contexts.len() {
            match self.open(number) {
                Ok(opened) => self.contexts.push(opened),
                Err(error) => panic!("context {number} cannot be opened: {error:?}"),
            }
            self.open.insert(number);
        }
        for number in 0..self.contexts.len() {
            if let Err(error) = self.call(number, "connect", &[]) {
                panic!("context {number} cannot import the others: {error:?}");
            }
        }
    }

    fn open(&mut self, number: usize) -> Result<Opened> {
        let context = &self.plan.program.contexts[number];
        let extension = language(context).extension;
        let path = self.stage.world.write(&format!("c{number}.{extension}"), &render(self.plan.program, number));
        let name = format!("c{number}");
        if !context.by_script {
            let open = on_thread(Open::file(path).name(name), context);
            let reference = self.stage.world.runtime.open(open)?;
            self.stage.world.runtime.wait_for(&reference)?;
            let names = self.names(number);
            let functions = names.filter_map(|name| Some((name.clone(), callable(reference.export(&name)?)?)));
            return Ok(Opened { functions: functions.collect(), reference: Some(reference), object: None });
        }
        let thread = thread_name(context).map_or(Value::Nil, Value::from);
        let args = [path.to_string_lossy().as_ref().into(), name.into(), thread];
        let Value::Object(object) = self.call(0, "open", &args)? else { panic!("calog.open gives no object") };
        let info = &self.stage.info;
        self.stage.settle(object.call(info, "wait", Args::new(&[])))?;
        let exports = self.stage.settle(object.call(info, "exports", Args::new(&[])))?;
        let names = self.names(number);
        let functions =
            names.filter_map(|name| Some((name.clone(), callable(exports.view().field(&name).to_value())?)));
        let functions = functions.collect();
        self.stage.shared.closable.lock().insert(number, object.clone());
        Ok(Opened { functions, reference: None, object: Some(object) })
    }

    /// The names of what a context exports.
    fn names(&self, number: usize) -> impl Iterator<Item = String> + use<> {
        let context = &self.plan.program.contexts[number];
        let own: Vec<String> = (0..context.exports.len()).map(|at| export_name(context, at as u8)).collect();
        own.into_iter().chain(["connect", "open", "tidy"].map(String::from))
    }

    fn call(&self, context: usize, name: &str, args: &[Value]) -> Result<Value> {
        let function = self.contexts[context].function(name).expect("every context exports it");
        self.stage.world.runtime.call(function, args)
    }

    // ---- phases

    fn phase(&mut self, place: &str, phase: &PhasePlan<'_>) {
        let mut begun = Vec::new();
        let (waiting, at_once): (Vec<_>, Vec<_>) =
            phase.tasks.iter().partition(|task| task.task.how == How::CallExport);
        for task in at_once {
            begun.push((task, self.begin(task)));
        }
        if phase.is_racing() {
            self.counts.races += 1;
            phase.closings.iter().for_each(|(context, closing)| self.race(*context, closing.elsewhere));
        }
        let mut answers: Vec<_> = waiting.into_iter().map(|task| (task, self.call_export(task))).collect();
        if phase.phase.by_run {
            self.rest(place);
        }
        answers.extend(begun.into_iter().map(|(task, completion)| (task, self.stage.wait(completion))));
        self.rest(place);
        for context in &phase.exposed {
            self.close(*context);
            self.raced.insert(*context);
        }
        if phase.is_racing() {
            self.rest(place);
        }
        self.count_calls(place);
        for (task, answer) in answers {
            self.check(place, phase, task, answer);
        }
        self.check_recorded(place, phase);
        for after in &phase.phase.after {
            self.after(place, after);
        }
    }

    /// Serves the runtime until nothing can happen any more.
    fn rest(&mut self, place: &str) {
        let ended = self.stage.world.runtime.run();
        if ended != Ended::Idle {
            self.fault(format!("{place}: the runtime is not idle but {ended:?}"));
        }
    }

    /// The arguments of a task's call, and the call's number.
    fn arguments(&mut self, task: &TaskPlan<'_>) -> (i64, Vec<Value>) {
        let x = i64::from(task.task.x);
        let argument = boxed(task.task.shape, self.given(task), x).expect("an argument is small");
        let id = self.stage.shared.ledger.begin(Caller::Program, 0);
        self.counts.tasks += 1;
        (id, vec![id.into(), task.session.into(), task.fuel.into(), x.into(), argument])
    }

    /// The callable that a task is given; the plan says the same.
    fn given(&mut self, task: &TaskPlan<'_>) -> Option<Callable> {
        match (&task.task.given, task.argument.callable.as_deref()) {
            (Given::Token(kind), _) => {
                let runtime = self.stage.world.runtime.handle();
                Some(token(&runtime, &self.stage.shared, *pick(&Kind::ANYWHERE, *kind)).expect("a function value"))
            }
            (Given::Export(..), Some(Function::Export { context, at })) => {
                self.contexts[*context].function(&format!("f{at}")).cloned()
            }
            (Given::Last, Some(_)) => self.last.get(&task.session).cloned(),
            _ => None,
        }
    }

    fn entry(&self, task: &TaskPlan<'_>) -> Callable {
        let name = format!("f{}", task.entry.1);
        self.contexts[task.entry.0].function(&name).expect("every context exports its functions").clone()
    }

    /// Begins a task without waiting for it.
    fn begin(&mut self, task: &TaskPlan<'_>) -> Completion {
        let (id, args) = self.arguments(task);
        let (function, info, shared) = (self.entry(task), self.stage.info.clone(), Arc::clone(&self.stage.shared));
        let (completion, finisher) = info.runtime().internal_completion("a task");
        let keep_alive = info.runtime().keep_alive();
        let call = move || {
            let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
            function.call(&info, Args::new(&views)).then(move |result| {
                shared.ledger.answer(id);
                // The program waits for it, so it takes it.
                let _ = finisher.finish(result);
            });
            drop(keep_alive);
        };
        match task.task.how {
            How::Elsewhere => self.stage.shared.counter.give(task.session, call),
            How::Begin | How::CallExport => call(),
        }
        completion
    }

    /// Makes a task's call and waits for it.
    fn call_export(&mut self, task: &TaskPlan<'_>) -> Result<Value> {
        let (id, args) = self.arguments(task);
        let name = format!("f{}", task.entry.1);
        let runtime = &self.stage.world.runtime;
        let answer = match &self.contexts[task.entry.0].reference {
            Some(context) if self.open.contains(&task.entry.0) => runtime.call_export(context, &name, &args),
            _ => runtime.call(&self.entry(task), &args),
        };
        self.stage.shared.ledger.answer(id);
        answer
    }

    // ---- closing

    /// Closes a context in which calls may be.
    fn race(&mut self, context: usize, elsewhere: bool) {
        if !self.open.contains(&context) {
            return;
        }
        let Some(object) = self.contexts[context].object.clone().filter(|_| elsewhere) else {
            return self.close(context);
        };
        let info = self.stage.info.clone();
        let close = move || {
            // It gives nothing, and a repeated close does nothing.
            let _ = object.call(&info, "close", Args::new(&[]));
        };
        self.stage.shared.counter.give(0, close);
    }

    /// Closes a context and, where it can be asked, sees that it is closed.
    fn close(&mut self, number: usize) {
        if !self.open.contains(&number) {
            return;
        }
        let opened = &self.contexts[number];
        if let Some(context) = &opened.reference {
            if !self.stage.world.runtime.close_context(context) || !context.is_closed() {
                self.fault(format!("context {number} did not close"));
            }
        } else if let Some(object) = &opened.object {
            let closed = self.stage.settle(object.call(&self.stage.info, "close", Args::new(&[])));
            if let Err(error) = closed {
                self.fault(format!("context {number} cannot be closed: {error:?}"));
            }
        }
        self.open.remove(&number);
    }

    fn after(&mut self, place: &str, after: &After) {
        match after {
            After::Close(context) => {
                self.close(*context as usize % self.contexts.len());
                self.rest(place);
            }
            After::Drop(session) => {
                let last = self.last.remove(&session_of(*session));
                self.stage.shared.counter.give(i64::from(*session), move || drop(last));
            }
            After::Newcomer(context) => {
                let alone = Program { contexts: vec![context.clone()], phases: Vec::new(), fresh: false };
                let number = self.newcomers.len();
                let file = format!("newcomer{number}.{}", language(context).extension);
                let path = self.stage.world.write(&file, &render(&alone, 0));
                let opened = self.stage.world.runtime.open(on_thread(Open::file(path), context));
                let opened = opened.and_then(|it| self.stage.world.runtime.wait_for(&it).map(|_| it));
                match opened {
                    Ok(opened) => self.newcomers.push(opened),
                    Err(error) => self.fault(format!("{place}: a newcomer cannot be opened: {error:?}")),
                }
            }
        }
    }

    // ---- checks

    fn count_calls(&mut self, place: &str) {
        let raced = &self.raced;
        let may_be = |caller| matches!(caller, Caller::Context(context) if raced.contains(&context));
        let mut faults = self.stage.shared.ledger.unanswered(may_be);
        faults.extend(self.stage.shared.ledger.take_faults());
        self.faults.extend(faults.into_iter().map(|fault| format!("{place}: {fault}")));
    }

    fn check(&mut self, place: &str, phase: &PhasePlan<'_>, task: &TaskPlan<'_>, answer: Result<Value>) {
        self.counts.errors += usize::from(answer.is_err());
        let is_it = |expected: &Answer| agrees(expected, &answer, phase.is_racing());
        let wrong = if !phase.is_racing() {
            !is_it(&task.answer)
        } else {
            self.counts.gone += usize::from(answer.as_ref().is_err_and(|error| is_gone(error.code())));
            let allowed = phase.allows(self.plan.program, task, is_it);
            self.counts.undecided += usize::from(allowed == Allowed::Undecided);
            allowed == Allowed::No
        };
        if wrong {
            let expected = Shown(&task.answer);
            let races = if phase.is_racing() { ", or what closing makes of it" } else { "" };
            let (context, function) = task.entry;
            let session = task.session;
            self.fault(format!(
                "{place}, session {session}, c{context}.f{function}: expected {expected:?}{races}, got {answer:?}"
            ));
        }
        let result = answer.ok().and_then(|value| find(value.view()).0);
        match result {
            Some(callable) if !phase.is_racing() => drop(self.last.insert(task.session, callable)),
            other => self.stage.shared.counter.give(task.session, move || drop(other)),
        }
    }

    fn check_recorded(&mut self, place: &str, phase: &PhasePlan<'_>) {
        let recorded = self.stage.shared.ledger.take_recorded();
        self.counts.detached += recorded.len();
        if !phase.is_racing() && recorded != phase.recorded {
            self.fault(format!("{place}: detached calls came to {recorded:?} instead of {:?}", phase.recorded));
        }
    }

    // ---- the end

    fn end(&mut self) {
        self.let_go();
        self.rest(END);
        self.count_calls(END);
        self.check_reports();
        self.counts.calls = self.stage.shared.ledger.calls();
        for ((context, form), count) in self.stage.shared.ledger.forms() {
            let engine = self.plan.program.contexts.get(context).map_or("?", |context| language(context).engine);
            *self.counts.forms.entry((engine, form)).or_default() += count;
        }
        if self.plan.program.fresh {
            let lost = self.stage.world.runtime.close(CLOSE_LIMIT).lost;
            if !lost.is_empty() {
                self.fault(format!("closing lost {lost:?}"));
            }
        } else {
            (0..self.contexts.len()).for_each(|number| self.close(number));
        }
        self.contexts.clear();
        self.stage.couriers.flush();
        if !self.plan.program.fresh {
            self.rest(END);
            self.newcomers();
        }
        let tokens = self.stage.shared.ledger.tokens();
        if tokens != 0 {
            self.fault(format!("{tokens} function values are alive after all contexts were closed"));
        }
    }

    /// What was called and released of those whose place they took has not reached them.
    fn newcomers(&mut self) {
        for context in std::mem::take(&mut self.newcomers) {
            let id = self.stage.shared.ledger.begin(Caller::Program, 0);
            let args = [id.into(), 1.into(), 0.into(), 5.into(), Value::Nil];
            let answer = self.stage.world.runtime.call_export(&context, "f0", &args);
            if answer != Ok(Value::Int(5)) {
                self.fault(format!("a newcomer should give 5, and gives {answer:?}"));
            }
            if !self.stage.world.runtime.close_context(&context) {
                self.fault("a newcomer did not close");
            }
        }
        self.rest(END);
        self.faults.extend(self.stage.shared.ledger.take_faults());
    }

    /// Lets go of all that is held, and sees that the closures are gone then.
    fn let_go(&mut self) {
        self.last.drain().for_each(|(session, last)| self.stage.shared.counter.give(session, move || drop(last)));
        self.stage.shared.forget_kept();
        self.stage.shared.closable.lock().clear();
        let mut left = BTreeMap::new();
        for _ in 0..ROUNDS {
            self.stage.couriers.flush();
            left.clear();
            for number in self.open.clone() {
                match self.call(number, "tidy", &[]) {
                    Ok(Value::Int(0)) => {}
                    Ok(Value::Int(count)) => drop(left.insert(number, count)),
                    other => return self.fault(format!("context {number} cannot tidy up: {other:?}")),
                }
            }
            if left.is_empty() {
                return;
            }
        }
        self.fault(format!("closures that nobody holds are alive, by context: {left:?}"));
    }

    fn check_reports(&mut self) {
        let reports = self.stage.world.errors();
        for error in &reports[self.stage.reports_seen..] {
            if self.raced.is_empty() || !is_gone(error.code()) {
                self.faults.push(format!("an error was reported that somebody should have seen: {error:?}"));
            }
        }
        self.stage.reports_seen = reports.len();
    }
}

/// The name of the thread that a context shares.
fn thread_name(context: &Context) -> Option<String> {
    shared_thread(context).map(|thread| format!("t{thread}"))
}

fn on_thread(open: Open, context: &Context) -> Open {
    match thread_name(context) {
        Some(thread) => open.thread(thread),
        None => open,
    }
}

fn callable(value: Value) -> Option<Callable> {
    if let Value::Callable(callable) = value { Some(callable) } else { None }
}

/// The data that `box` makes in every language.
fn boxed(shape: u8, callable: Option<Callable>, x: i64) -> Result<Value> {
    let Some(callable) = callable else {
        return Ok(if shape.is_multiple_of(SHAPES) { Value::Nil } else { Value::Int(x) });
    };
    let (f, n) = (Value::Callable(callable), Value::Int(x));
    match shape % SHAPES {
        0 => Ok(f),
        1 => Value::list([f, n]),
        2 => Value::map([("f", f), ("n", n)]),
        3 => {
            let inner = Value::map([("n", n.clone()), ("inner", Value::list([f.clone(), f])?)])?;
            Value::list([inner, Value::from("text"), n])
        }
        _ => Value::map([
            (Value::from("f"), f),
            (Value::from("n"), n),
            (Value::from("text"), Value::bytes([255, 0])),
            (Value::from("real"), Value::Real(0.5)),
            (Value::from("nothing"), Value::Nil),
            (Value::Int(7), Value::Int(3)),
        ]),
    }
}

/// The codes by which a caller hears that a context is gone. `not_found` is what `call_export` says.
fn is_gone(code: Code) -> bool {
    matches!(code, Code::Dead | Code::Cancelled)
}

/// Whether an answer is the expected one. When contexts close meanwhile, their ways of saying so are alike.
fn agrees(expected: &Answer, answer: &Result<Value>, racing: bool) -> bool {
    match (expected, answer) {
        (Ok(data), Ok(value)) => {
            let (callable, sum) = find(value.view());
            sum == data.sum && callable.is_some() == data.callable.is_some()
        }
        (Err(Fault::Gone(_)), Err(error)) if racing => is_gone(error.code()) || error.code() == Code::NotFound,
        (Err(Fault::Gone(context)), Err(error)) => {
            error.code() == Code::Dead && error.message() == format!("context 'c{context}' is closed")
        }
        (Err(Fault::Thrown { code, message }), Err(error)) => {
            words_of(error) == (CODES[*code].to_owned(), format!("m{message}"))
        }
        _ => false,
    }
}

/// An expected answer as it is shown.
pub(crate) struct Shown<'a>(pub(crate) &'a Answer);

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Ok(Data { sum, callable: None }) => write!(f, "{sum}"),
            Ok(Data { sum, callable: Some(_) }) => write!(f, "{sum} and a function"),
            Err(Fault::Thrown { code, message }) => write!(f, "the error {}: m{message}", CODES[*code]),
            Err(Fault::Gone(context)) => write!(f, "that context {context} is closed"),
        }
    }
}

impl Counts {
    pub(crate) fn add(&mut self, more: &Counts) {
        self.programs += more.programs;
        self.contexts += more.contexts;
        self.tasks += more.tasks;
        self.calls += more.calls;
        self.errors += more.errors;
        self.detached += more.detached;
        self.races += more.races;
        self.gone += more.gone;
        self.undecided += more.undecided;
        more.forms.iter().for_each(|(form, count)| *self.forms.entry(*form).or_default() += count);
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} programs, {} contexts, {} calls; of {} tasks {} failed as they should; {} detached calls; \
             {} phases with closing, in which {} tasks met a closed context and {} are undecided",
            self.programs,
            self.contexts,
            self.calls,
            self.tasks,
            self.errors,
            self.detached,
            self.races,
            self.gone,
            self.undecided
        )
    }
}
