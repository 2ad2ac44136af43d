//! What a program must come to: a plain evaluator, without threads, languages or a broker.
//!
//! Where a context may be closed at any moment, what happens is a matter of choice: each call into it may
//! still be made or find it gone, each of its own calls and functions may end or be stopped. `Choices`
//! says which; trying them all gives every answer that is allowed.

use std::collections::HashMap;
use std::rc::Rc;

use crate::program::{
    Argument, Body, CODES, Call, Context, GONE, Kind, MODULUS, OnError, Program, RACING, SHAPES, SLOTS, Source, Step,
    is_due, pick,
};
use crate::render::{closures, language};

/// A callable. Exported functions are equal by their place, closures by being the same one.
pub(crate) type Callable = Rc<Function>;

#[derive(Debug)]
pub(crate) enum Function {
    Export { context: usize, at: usize },
    Closure { context: usize, at: usize, x: i64, captured: Option<Callable> },
    Native(Kind),
}

fn same(left: &Option<Callable>, right: &Option<Callable>) -> bool {
    match (left.as_deref(), right.as_deref()) {
        (Some(Function::Export { context: a, at: b }), Some(Function::Export { context: c, at: d })) => {
            (a, b) == (c, d)
        }
        (Some(_), Some(_)) => Rc::ptr_eq(left.as_ref().unwrap(), right.as_ref().unwrap()),
        (left, right) => left.is_none() && right.is_none(),
    }
}

/// Data as functions see it: the sum of its integers, and the callable in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    pub(crate) sum: i64,
    pub(crate) callable: Option<Callable>,
}

impl Data {
    fn number(sum: i64) -> Data {
        Data { sum, callable: None }
    }

    /// The data that `box` makes in every language.
    pub(crate) fn boxed(shape: u8, callable: Option<Callable>, x: i64) -> Data {
        let sum = match (shape % SHAPES, &callable) {
            (0, _) => 0,
            (_, None) | (1 | 2, _) => x,
            (3, _) => 2 * x,
            _ => x + 3,
        };
        Data { sum, callable }
    }
}

/// Why a call fails.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// It was thrown.
    Thrown { code: usize, message: i64 },
    /// The context is closed, or was stopped.
    Gone(usize),
}

pub(crate) type Answer = Result<Data, Fault>;

/// What a context may meet, as one task sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Fate {
    Open,
    /// It may close at any moment.
    Exposed,
    Closed,
}

/// What lasts from phase to phase.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) fates: Vec<Fate>,
    /// By context, session and slot.
    held: HashMap<(usize, i64, u8), Callable>,
    /// What the native holds, by session.
    kept: HashMap<i64, Callable>,
    /// What the program holds, by session.
    pub(crate) last: HashMap<i64, Callable>,
}

impl State {
    pub(crate) fn new(contexts: usize) -> State {
        State { fates: vec![Fate::Open; contexts], held: HashMap::new(), kept: HashMap::new(), last: HashMap::new() }
    }
}

/// Which of the things that can happen do happen. What is not said is the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    said: Vec<u8>,
    made: Vec<u8>,
}

impl Choices {
    pub(crate) fn of(said: Vec<u8>) -> Choices {
        Choices { said, made: Vec::new() }
    }

    fn flip(&mut self) -> bool {
        let choice = self.said.get(self.made.len()).copied().unwrap_or(0);
        self.made.push(choice);
        choice != 0
    }

    /// Those that differ from these in one choice that was not said.
    pub(crate) fn neighbours(&self) -> impl Iterator<Item = Vec<u8>> + '_ {
        (self.said.len()..self.made.len()).map(|at| self.made[..at].iter().copied().chain([1]).collect())
    }
}

/// What an evaluation costs a real runtime.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    pub(crate) calls: usize,
    /// Frames on the stack of each thread at once, at most, with all that goes on at the same time.
    pub(crate) frames: Vec<u32>,
}

/// One task's evaluation.
pub(crate) struct Model<'p> {
    program: &'p Program,
    pub(crate) state: State,
    pub(crate) choices: Choices,
    /// What detached calls came to.
    pub(crate) recorded: Vec<i64>,
    calls: usize,
    most_calls: usize,
    /// Whether contexts may close meanwhile; then nobody asks what becomes of detached calls.
    races: bool,
    frames: Vec<u32>,
    peak: Vec<u32>,
    background: Vec<u32>,
}

impl<'p> Model<'p> {
    pub(crate) fn new(program: &'p Program, state: State, choices: Choices, most_calls: usize) -> Model<'p> {
        let none = vec![0; program.contexts.len() + SHARED];
        Model {
            program,
            races: state.fates.contains(&Fate::Exposed),
            state,
            choices,
            recorded: Vec::new(),
            calls: 0,
            most_calls,
            frames: none.clone(),
            peak: none.clone(),
            background: none,
        }
    }

    pub(crate) fn load(&self) -> Load {
        let frames = self.peak.iter().zip(&self.background).map(|(a, b)| a + b).collect();
        Load { calls: self.calls, frames }
    }

    /// A call by the program.
    pub(crate) fn run(&mut self, function: &Callable, session: i64, fuel: i64, x: i64, argument: Data) -> Answer {
        self.call(None, function, session, fuel, x, argument)
    }

    /// A call by a context's code, or by native code.
    fn call(
        &mut self,
        caller: Option<usize>,
        function: &Callable,
        s: i64,
        fuel: i64,
        x: i64,
        argument: Data,
    ) -> Answer {
        self.calls += 1;
        if self.calls > self.most_calls {
            return Err(Fault::Gone(0));
        }
        let answer = match &**function {
            Function::Native(kind) => self.native(*kind, s, fuel, x, argument),
            Function::Export { context, at } => {
                let body = &self.program.contexts[*context].exports[*at];
                self.enter(caller, *context, |model| model.body(*context, body, s, fuel, x, argument))
            }
            Function::Closure { context, at, x: c, captured } => {
                let body = &self.program.contexts[*context].closures[*at];
                let Data { sum, callable } = argument;
                let argument = Data { sum: sum + c, callable: callable.or_else(|| captured.clone()) };
                self.enter(caller, *context, |model| model.body(*context, body, s, fuel, x, argument))
            }
        };
        match caller {
            Some(me) => self.unless_stopped(me, answer),
            None => answer,
        }
    }

    /// Runs code of a context, if it is there.
    fn enter(&mut self, caller: Option<usize>, context: usize, run: impl FnOnce(&mut Self) -> Answer) -> Answer {
        let is_gone = match self.state.fates[context] {
            Fate::Open => false,
            Fate::Exposed => self.choices.flip(),
            // Its own code may still run to its end, and reach its own functions without the broker.
            Fate::Closed => caller != Some(context) || self.choices.flip(),
        };
        if is_gone {
            self.state.fates[context] = Fate::Closed;
            return Err(Fault::Gone(context));
        }
        let thread = thread_of(self.program, context);
        self.frames[thread] += 1;
        self.peak[thread] = self.peak[thread].max(self.frames[thread]);
        let answer = run(self);
        self.frames[thread] -= 1;
        self.unless_stopped(context, answer)
    }

    /// A context that is closing may be stopped where it waits or ends.
    fn unless_stopped(&mut self, context: usize, answer: Answer) -> Answer {
        if self.state.fates[context] != Fate::Open && self.choices.flip() {
            self.state.fates[context] = Fate::Closed;
            return Err(Fault::Gone(context));
        }
        answer
    }

    fn native(&mut self, kind: Kind, s: i64, fuel: i64, x: i64, argument: Data) -> Answer {
        let x = mix_native(kind, x, argument.sum);
        match kind {
            Kind::Fail => {
                let (code, message) = failure(x);
                Err(Fault::Thrown { code, message })
            }
            Kind::Keep if s < 0 => Ok(Data::number(x)),
            Kind::Keep => {
                let before = self.state.kept.remove(&s);
                self.state.kept.extend(argument.callable.map(|callable| (s, callable)));
                Ok(Data { sum: x, callable: before })
            }
            _ => match argument.callable {
                Some(function) if fuel > 0 => {
                    let data = self.call(None, &function, s, fuel - 1, x, Data::default())?;
                    Ok(Data::number((x + data.sum) % MODULUS))
                }
                _ => Ok(Data::number(x)),
            },
        }
    }

    fn body(&mut self, me: usize, body: &Body, s: i64, fuel: i64, x: i64, argument: Data) -> Answer {
        let x = (x + argument.sum) % MODULUS;
        let mut frame = Frame { me, s, fuel, x, received: argument.callable, register: None };
        for step in &body.steps {
            if let Some(data) = self.step(&mut frame, step)? {
                return Ok(data);
            }
        }
        Ok(Data::number(frame.x))
    }

    /// Takes a step; gives the function's result if it returns.
    fn step(&mut self, frame: &mut Frame, step: &Step) -> Result<Option<Data>, Fault> {
        let (s, fuel) = (frame.s, frame.fuel);
        match step {
            Step::Mix { times, plus } => frame.x = (frame.x * i64::from(*times) + i64::from(*plus)) % MODULUS,
            Step::Call { call, on_error, keep } => match self.make(frame, call, s) {
                None => frame.skip(),
                Some(Ok(data)) => {
                    frame.take(&data);
                    if *keep {
                        frame.register = data.callable;
                    }
                }
                Some(Err(fault)) => match on_error {
                    OnError::Catch => frame.catch(&fault),
                    OnError::Pass | OnError::Rethrow => return Err(fault),
                },
            },
            Step::Fork { calls } => self.fork(frame, calls),
            Step::Detach { call, .. } => self.detach(frame, call),
            Step::Hold { source, slot } => {
                let callable = self.source(frame, source);
                self.hold(frame, *slot, callable);
            }
            Step::Drop { slot } => self.hold(frame, *slot, None),
            Step::Forget => frame.register = None,
            Step::Collect => {}
            Step::Compare { left, right } => {
                let (left, right) = (self.source(frame, left), self.source(frame, right));
                frame.x = (frame.x + if same(&left, &right) { 7 } else { 11 }) % MODULUS;
            }
            Step::Throw { when, form, code, message } if is_due(*when, fuel) => {
                let form = pick(language(&self.program.contexts[frame.me]).throws, *form);
                let code = if form.coded { *code as usize % CODES.len() } else { 0 };
                return Err(Fault::Thrown { code, message: i64::from(*message) });
            }
            Step::Return { when, source, .. } if is_due(*when, fuel) => {
                let callable = self.source(frame, source);
                return Ok(Some(Data { sum: frame.x, callable }));
            }
            Step::Close { when, context } if is_due(*when, fuel) && s < RACING => {
                let context = *context as usize % self.program.contexts.len();
                if self.program.contexts[context].by_script {
                    self.state.fates[context] = Fate::Closed;
                }
            }
            Step::Throw { .. } | Step::Return { .. } | Step::Close { .. } => {}
        }
        Ok(None)
    }

    /// Makes a call, if there is somebody to call and fuel for it.
    fn make(&mut self, frame: &Frame, call: &Call, s: i64) -> Option<Answer> {
        let function = self.source(frame, &call.target).filter(|_| frame.fuel > 0)?;
        let argument = self.argument(frame, &call.argument);
        Some(self.call(Some(frame.me), &function, s, frame.fuel - 1, frame.x, argument))
    }

    /// Both calls begin with what is known now, and run at the same time.
    fn fork(&mut self, frame: &mut Frame, calls: &[Call; 2]) {
        let (fates, peak) = (self.state.fates.clone(), self.peak.clone());
        let mut answers = Vec::new();
        let (mut seen, mut peaks) = (fates.clone(), self.frames.clone());
        for (call, n) in calls.iter().zip(1..) {
            self.state.fates = fates.clone();
            self.peak = self.frames.clone();
            answers.push(self.make(frame, call, inner(frame.s, n)));
            seen.iter_mut().zip(&self.state.fates).for_each(|(seen, fate)| *seen = (*seen).max(*fate));
            for ((sum, peak), frames) in peaks.iter_mut().zip(&self.peak).zip(&self.frames) {
                *sum += peak - frames;
            }
        }
        self.state.fates = seen;
        self.peak = peaks.iter().zip(&peak).map(|(a, b)| *a.max(b)).collect();
        for answer in answers {
            match answer {
                None => frame.skip(),
                Some(Ok(data)) => frame.take(&data),
                Some(Err(fault)) => frame.catch(&fault),
            }
        }
    }

    /// The call runs on beside everything that comes.
    fn detach(&mut self, frame: &mut Frame, call: &Call) {
        if self.races {
            let begins = frame.fuel > 0 && self.source(frame, &call.target).is_some();
            frame.x = (frame.x + if begins { 2 } else { 1 }) % MODULUS;
            return;
        }
        let none = vec![0; self.frames.len()];
        let frames = std::mem::replace(&mut self.frames, none.clone());
        let peak = std::mem::replace(&mut self.peak, none);
        let fates = self.state.fates.clone();
        let answer = self.make(frame, call, -frame.s.abs());
        let own = std::mem::replace(&mut self.peak, peak);
        self.background.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        self.frames = frames;
        self.state.fates = fates;
        match answer {
            None => frame.skip(),
            Some(answer) => {
                frame.x = (frame.x + 2) % MODULUS;
                self.recorded.push(match answer {
                    Ok(data) => data.sum,
                    Err(fault) => caught(0, &fault),
                });
            }
        }
    }

    fn hold(&mut self, frame: &Frame, slot: u8, callable: Option<Callable>) {
        let place = (frame.me, frame.s, slot % SLOTS);
        self.state.held.remove(&place);
        self.state.held.extend(callable.map(|callable| (place, callable)));
    }

    fn argument(&self, frame: &Frame, argument: &Argument) -> Data {
        Data::boxed(argument.shape, self.source(frame, &argument.source), frame.x)
    }

    fn source(&self, frame: &Frame, source: &Source) -> Option<Callable> {
        let export = |context: usize, at: u8| {
            let at = at as usize % self.program.contexts[context].exports.len();
            Some(Rc::new(Function::Export { context, at }))
        };
        match source {
            Source::None => None,
            Source::Received => frame.received.clone(),
            Source::Register => frame.register.clone(),
            // Sessions without state write, but do not read.
            Source::Held(_) if frame.s < 0 => None,
            Source::Held(slot) => self.state.held.get(&(frame.me, frame.s, slot % SLOTS)).cloned(),
            Source::Own(at) => export(frame.me, *at),
            Source::Export(context, at) => export(*context as usize % self.program.contexts.len(), *at),
            Source::Closure(at) => {
                let count = closures(&self.program.contexts[frame.me]).len();
                let at = (*at as usize).checked_rem(count)?;
                let captured = frame.register.clone();
                Some(Rc::new(Function::Closure { context: frame.me, at, x: frame.x, captured }))
            }
            Source::Native(kind) => Some(Rc::new(Function::Native(*kind))),
        }
    }
}

/// A function at work.
struct Frame {
    me: usize,
    s: i64,
    fuel: i64,
    x: i64,
    received: Option<Callable>,
    register: Option<Callable>,
}

impl Frame {
    fn skip(&mut self) {
        self.x = (self.x + 1) % MODULUS;
    }

    fn take(&mut self, data: &Data) {
        self.x = (self.x * 3 + data.sum) % MODULUS;
    }

    fn catch(&mut self, fault: &Fault) {
        self.x = caught(self.x, fault);
    }
}

/// What a script makes of an error it catches.
pub(crate) fn caught(x: i64, fault: &Fault) -> i64 {
    let number = match fault {
        Fault::Thrown { code, message } => *code as i64 * 1000 + message,
        Fault::Gone(_) => GONE,
    };
    (x * 5 + number) % MODULUS
}

/// What a native makes of `x`.
pub(crate) fn mix_native(kind: Kind, x: i64, sum: i64) -> i64 {
    (x * 7 + sum + kind as i64) % MODULUS
}

/// The code and message that the failing native fails with.
pub(crate) fn failure(x: i64) -> (usize, i64) {
    (x as usize % CODES.len(), x % 1000)
}

/// The session of one branch of a fork.
fn inner(s: i64, n: i64) -> i64 {
    if s > 0 { s * 4 + n } else { s }
}

/// How many shared threads there are.
pub(crate) const SHARED: usize = 2;

/// The number of a context's thread.
fn thread_of(program: &Program, context: usize) -> usize {
    match shared_thread(&program.contexts[context]) {
        Some(shared) => program.contexts.len() + shared,
        None => context,
    }
}

/// The number of the shared thread that a context is on.
pub(crate) fn shared_thread(context: &Context) -> Option<usize> {
    context.thread.map(|thread| thread as usize % SHARED)
}
