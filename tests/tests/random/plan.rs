//! A program made ready to run: what each task must come to, and no more work than a runtime bears.
//!
//! Calls nest on a thread, and beyond `MAX_NESTING` they fail with `depth`; so tasks get less fuel, or
//! are left out, until even the worst order of all that runs at the same time stays below that.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::model::{Answer, Callable, Choices, Data, Fate, Function, Load, Model, State};
use crate::program::{After, Body, Closing, Given, How, Kind, Phase, Program, RACING, Step, Task, pick};

/// The bound of the host, and what is left of it for what a frame does itself.
const MAX_NESTING: u32 = 40;
const MARGIN: u32 = 4;

/// A frame is entered, and may wait in place.
const NESTING_PER_FRAME: u32 = 2;

/// Calls in one phase.
const MAX_CALLS: usize = 150;

/// Sessions that keep state.
const SESSIONS: u8 = 4;

/// How many ways the closing of contexts may fall before a racing answer is left undecided.
const MAX_TRIES: usize = 4000;

pub(crate) struct Plan<'p> {
    pub(crate) program: &'p Program,
    pub(crate) phases: Vec<PhasePlan<'p>>,
}

pub(crate) struct PhasePlan<'p> {
    pub(crate) phase: &'p Phase,
    pub(crate) tasks: Vec<TaskPlan<'p>>,
    /// Those that are closed while the tasks run, and how.
    pub(crate) closings: Vec<(usize, &'p Closing)>,
    /// Those that may be closed in this phase, and are at its end.
    pub(crate) exposed: Vec<usize>,
    /// What detached calls come to, in order of size.
    pub(crate) recorded: Vec<i64>,
    /// What was before it.
    state: State,
}

pub(crate) struct TaskPlan<'p> {
    pub(crate) task: &'p Task,
    pub(crate) entry: (usize, usize),
    pub(crate) session: i64,
    pub(crate) fuel: i64,
    pub(crate) argument: Data,
    /// What it comes to, when nothing is closed meanwhile.
    pub(crate) answer: Answer,
}

/// What is known of an answer that races with closing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Allowed {
    Yes,
    No,
    /// Too many ways to try.
    Undecided,
}

impl<'p> Plan<'p> {
    pub(crate) fn new(program: &'p Program) -> Plan<'p> {
        let mut state = State::new(program.contexts.len());
        let phases = program.phases.iter().map(|phase| PhasePlan::new(program, phase, &mut state)).collect();
        Plan { program, phases }
    }
}

impl<'p> PhasePlan<'p> {
    fn new(program: &'p Program, phase: &'p Phase, state: &mut State) -> PhasePlan<'p> {
        let before = state.clone();
        let closings: Vec<_> =
            phase.racing.iter().map(|closing| (closing.context as usize % program.contexts.len(), closing)).collect();
        let exposed = match closings.is_empty() {
            true => Vec::new(),
            false => exposed(program, &closings, state),
        };
        let mut plan = PhasePlan { phase, tasks: Vec::new(), closings, exposed, recorded: Vec::new(), state: before };
        let mut room = Room::new(plan.is_racing());
        for task in &phase.tasks {
            plan.add(program, task, state, &mut room);
        }
        plan.recorded.sort_unstable();
        plan.end(program, state);
        plan
    }

    pub(crate) fn is_racing(&self) -> bool {
        !self.exposed.is_empty()
    }

    /// Adds a task, with as much of its fuel as there is room for.
    fn add(&mut self, program: &'p Program, task: &'p Task, state: &mut State, room: &mut Room) {
        let session = match self.is_racing() {
            true => RACING - 1 - self.tasks.len() as i64,
            false => i64::from(task.session % SESSIONS) + 1,
        };
        let one_waits = task.how == How::CallExport && self.tasks.iter().any(|it| it.task.how == How::CallExport);
        if one_waits || self.tasks.iter().any(|it| it.session == session) {
            return;
        }
        let context = task.entry.0 as usize % program.contexts.len();
        let entry = (context, task.entry.1 as usize % program.contexts[context].exports.len());
        let argument = given(program, task, session, state);
        let function = Rc::new(Function::Export { context, at: entry.1 });
        for fuel in (0..=i64::from(task.fuel)).rev() {
            let mut model = Model::new(program, state.clone(), Choices::default(), room.calls + 1);
            let answer = model.run(&function, session, fuel, i64::from(task.x), argument.clone());
            let load = model.load();
            if !room.has(&load) {
                continue;
            }
            room.take(&load);
            self.recorded.append(&mut model.recorded);
            *state = model.state;
            if let (Ok(Data { callable: Some(callable), .. }), false) = (&answer, self.is_racing()) {
                state.last.insert(session, Rc::clone(callable));
            }
            self.tasks.push(TaskPlan { task, entry, session, fuel, argument, answer });
            return;
        }
    }

    /// What is closed and dropped once all tasks have answered.
    fn end(&self, program: &Program, state: &mut State) {
        self.exposed.iter().for_each(|&context| state.fates[context] = Fate::Closed);
        for after in &self.phase.after {
            match after {
                After::Close(context) => state.fates[*context as usize % program.contexts.len()] = Fate::Closed,
                After::Drop(session) => drop(state.last.remove(&session_of(*session))),
                After::Newcomer(_) => {}
            }
        }
    }

    /// Whether a task may answer like this, however the closing falls. Fewer deviations are tried first.
    pub(crate) fn allows(&self, program: &Program, task: &TaskPlan<'_>, is_it: impl Fn(&Answer) -> bool) -> Allowed {
        let mut state = self.state.clone();
        for &context in &self.exposed {
            state.fates[context] = state.fates[context].max(Fate::Exposed);
        }
        let function = Rc::new(Function::Export { context: task.entry.0, at: task.entry.1 });
        let mut queue = VecDeque::from([Vec::new()]);
        for _ in 0..MAX_TRIES {
            let Some(said) = queue.pop_front() else { return Allowed::No };
            let mut model = Model::new(program, state.clone(), Choices::of(said), MAX_CALLS * 10);
            let x = i64::from(task.task.x);
            if is_it(&model.run(&function, task.session, task.fuel, x, task.argument.clone())) {
                return Allowed::Yes;
            }
            if queue.len() < MAX_TRIES {
                queue.extend(model.choices.neighbours());
            }
        }
        Allowed::Undecided
    }
}

/// The number of a session that keeps state.
pub(crate) fn session_of(session: u8) -> i64 {
    i64::from(session % SESSIONS) + 1
}

fn given(program: &Program, task: &Task, session: i64, state: &State) -> Data {
    let callable: Option<Callable> = match &task.given {
        Given::Nothing => None,
        Given::Export(context, at) => {
            let context = *context as usize % program.contexts.len();
            let at = *at as usize % program.contexts[context].exports.len();
            Some(Rc::new(Function::Export { context, at }))
        }
        Given::Token(kind) => Some(Rc::new(Function::Native(*pick(&Kind::ANYWHERE, *kind)))),
        Given::Last => state.last.get(&session).cloned(),
    };
    Data::boxed(task.shape, callable, i64::from(task.x))
}

/// The contexts that a racing phase may close: those it names, and those that scripts can.
fn exposed(program: &Program, closings: &[(usize, &Closing)], state: &State) -> Vec<usize> {
    let bodies = program.contexts.iter().flat_map(|context| context.exports.iter().chain(&context.closures));
    let closes = |body: &Body| {
        let steps = body.steps.iter();
        steps.filter_map(|step| if let Step::Close { context, .. } = step { Some(*context) } else { None }).collect()
    };
    let by_scripts = bodies.flat_map(|body| -> Vec<u8> { closes(body) });
    let by_scripts = by_scripts.map(|context| context as usize % program.contexts.len());
    let by_scripts = by_scripts.filter(|&context| program.contexts[context].by_script);
    let mut all: Vec<usize> = by_scripts.chain(closings.iter().map(|(context, _)| *context)).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|&context| state.fates[context] == Fate::Open);
    all
}

/// What a phase still bears.
struct Room {
    calls: usize,
    most_frames: u32,
    frames: HashMap<usize, u32>,
}

impl Room {
    /// When contexts close, calls that nobody waits for any more run beside those made instead.
    fn new(racing: bool) -> Room {
        let most = (MAX_NESTING - MARGIN) / NESTING_PER_FRAME;
        Room { calls: MAX_CALLS, most_frames: if racing { most / 2 } else { most }, frames: HashMap::new() }
    }

    fn has(&self, load: &Load) -> bool {
        let fits = |(thread, more): (usize, &u32)| {
            self.frames.get(&thread).copied().unwrap_or_default() + more <= self.most_frames
        };
        load.calls <= self.calls && load.frames.iter().enumerate().all(fits)
    }

    fn take(&mut self, load: &Load) {
        self.calls -= load.calls;
        load.frames.iter().enumerate().for_each(|(thread, more)| *self.frames.entry(thread).or_default() += more);
    }
}
