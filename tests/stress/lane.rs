//! One thread that makes runtimes, one after another and sometimes one within another, does with each
//! whatever comes to its mind, and ends it in whatever state it is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use calog::plugin_api::{Args, Callable, CancelToken, Code, Facts, Function, KeptInfo, Object, Outcome, Value, View};
use calog::{ContextRef, Ended, Open, Runtime, SearchPath};
use calog_tests::{Folder, Output, plugin_folder};

use crate::dice::Dice;
use crate::foreign::{Foreign, Job};
use crate::languages::{LANGUAGES, Language};
use crate::ledger::{Expect, Ticket};
use crate::natives::{self, Round};

/// How long anything may take before the stress fails; sanitizers are slow.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// What a lane does with one runtime.
const ACTS: usize = 60;

/// Contexts that are open at a time in one runtime.
const ACTORS: usize = 6;

/// Calls under way in one runtime; and functions that a lane holds.
const UNDER_WAY: usize = 24;
const HELD: usize = 12;

/// The scripts, which all lanes share.
pub(crate) struct Scripts(Folder);

impl Scripts {
    pub(crate) fn new() -> Scripts {
        let folder = Folder::new();
        for language in LANGUAGES {
            folder.write(&format!("actor.{}", language.extension), language.actor);
            // The same, but never opened otherwise: whoever opens a context may close it.
            folder.write(&format!("module.{}", language.extension), language.actor);
        }
        Scripts(folder)
    }

    fn actor(&self, language: &Language) -> PathBuf {
        self.0.join(&format!("actor.{}", language.extension))
    }

    fn module(&self, language: &Language) -> PathBuf {
        self.0.join(&format!("module.{}", language.extension))
    }
}

/// What a lane has come to.
#[derive(Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) runtimes: usize,
    pub(crate) contexts: usize,
    pub(crate) calls: usize,
    pub(crate) too_deep: usize,
}

impl Tally {
    pub(crate) fn plus(self, other: Tally) -> Tally {
        Tally {
            runtimes: self.runtimes + other.runtimes,
            contexts: self.contexts + other.contexts,
            calls: self.calls + other.calls,
            too_deep: self.too_deep + other.too_deep,
        }
    }
}

/// A thread's part of the stress.
pub(crate) struct Lane<'a> {
    pub(crate) scripts: &'a Scripts,
    pub(crate) foreign: Foreign,
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
}

impl Lane<'_> {
    /// One runtime, from its making to its end.
    pub(crate) fn round(&mut self, within_another: bool) {
        let round = Round::new(&self.foreign, &mut self.dice);
        let mut show = Show::new(self, &round);
        for _ in 0..ACTS {
            show.act(self);
            if !within_another && self.dice.one_in(16 * ACTS) {
                self.round(true);
            }
        }
        self.tally.contexts += show.opened;
        show.end(self);
        self.tally.runtimes += 1;
        self.tally.calls += round.ledger.count();
        self.tally.too_deep += round.ledger.too_deep.load(SeqCst);
        round.ledger.close("a round");
    }
}

/// A context that the lane opened.
struct Actor {
    context: ContextRef,
    language: &'static Language,
    shares_its_thread: bool,
}

/// A context that a script opened: its Object, and what it exports.
struct Adopted {
    object: Object,
    exports: Value,
}

/// A function that adds a number.
struct Adder {
    function: Callable,
    n: i64,
}

/// One call to be made.
struct Play {
    name: &'static str,
    args: Vec<Value>,
    expect: Expect,
}

/// A runtime and what is in it.
struct Show {
    runtime: Runtime,
    round: Arc<Round>,
    info: KeptInfo,
    actors: Vec<Actor>,
    adopted: Vec<Adopted>,
    adders: Vec<Adder>,
    /// Calls that end with the round.
    nevers: usize,
    /// Whether one of them waits in place, above others that therefore do not go on.
    holds_up: bool,
    opened: usize,
}

impl Show {
    fn new(lane: &mut Lane<'_>, round: &Arc<Round>) -> Show {
        let ledger = Arc::clone(&round.ledger);
        let builder = Runtime::builder().plugins(SearchPath::of([plugin_folder()])).output(Output::default()).on_error(
            move |context, error| {
                if !ledger.permits(error) {
                    ledger.complain(format!("context {context} reports {error:?}"));
                }
            },
        );
        let runtime = natives::add(builder, round).build().expect("a runtime over the workspace's plugins");
        let mut facts = Facts::default();
        facts.runtime = runtime.handle().id();
        let info = KeptInfo::new(runtime.handle(), None, facts);
        let (actors, adopted, adders) = Default::default();
        let round = Arc::clone(round);
        let mut show = Show { runtime, round, info, actors, adopted, adders, nevers: 0, holds_up: false, opened: 0 };
        for _ in 0..2 + lane.dice.below(2) {
            show.open(lane);
        }
        show
    }

    fn act(&mut self, lane: &mut Lane<'_>) {
        match lane.dice.below(40) {
            0..8 => self.call_and_wait(lane),
            8..26 => self.start_any(lane),
            26 | 27 => self.call_adopted(lane),
            28 => self.adopt(lane),
            29 if self.actors.len() < ACTORS => self.open(lane),
            30 => self.close_one(lane),
            31 => self.close_adopted(lane),
            32 => self.evaluate(lane),
            33 => self.never(lane),
            34 | 35 => self.make_adder(lane),
            36 => self.drop_adder(lane),
            37 => self.call_with_token(lane),
            _ => _ = self.runtime.pump(),
        }
        if self.round.ledger.open() > UNDER_WAY + self.nevers {
            self.runtime.pump_for(Duration::from_micros(500));
        }
    }

    // ---- opening

    fn open(&mut self, lane: &mut Lane<'_>) {
        let language = lane.dice.pick(LANGUAGES);
        let mut open = Open::file(lane.scripts.actor(language)).name(format!("actor {}", self.opened));
        let shares_its_thread = lane.dice.one_in(2);
        if shares_its_thread {
            open = open.thread(*lane.dice.pick(&["one", "two"]));
        }
        let context = self.runtime.open(open).expect("a context can be opened");
        self.opened += 1;
        // Some are waited for; the others are closed or called while they begin.
        if lane.dice.one_in(2) || self.actors.is_empty() {
            let result = self.runtime.wait_for(&context);
            assert!(result.is_ok(), "an actor's main chunk: {result:?}");
        }
        self.actors.push(Actor { context, language, shares_its_thread });
    }

    /// A function of some actor, which is there once its main chunk has run.
    fn export(&self, lane: &mut Lane<'_>, name: &str) -> Option<Callable> {
        if self.actors.is_empty() {
            return None;
        }
        as_function(lane.dice.pick(&self.actors).context.export(name))
    }

    // ---- what can be called

    fn play(&self, lane: &mut Lane<'_>) -> Option<Play> {
        let n = lane.dice.below(1000) as i64;
        let other = |lane: &mut Lane<'_>, name| self.export(lane, name).map(Value::from);
        let value = |value: i64| Expect::Value(Value::Int(value));
        let play = |name, args: Vec<Value>, expect| Some(Play { name, args, expect });
        match lane.dice.below(22) {
            0 => play("add", vec![n.into(), 1.into()], value(n + 1)),
            1 => {
                let data = data(&mut lane.dice, 3);
                play("echo", vec![data.clone()], Expect::Value(data))
            }
            2 | 3 => play("apply", vec![other(lane, "add")?, 0.into(), n.into(), 2.into()], value(n + 2)),
            4 => {
                let (outer, inner) = (other(lane, "apply")?, other(lane, "add")?);
                play("apply", vec![outer, 0.into(), inner, 0.into(), n.into(), 3.into()], value(n + 3))
            }
            5 | 6 => {
                let adder = self.adder(lane)?;
                play("twice", vec![adder.function.clone().into(), n.into()], value(n + 2 * adder.n))
            }
            7 => self.sort(lane),
            8 => {
                let adders: Vec<&Adder> = self.adders.iter().collect();
                let sum = adders.iter().map(|adder| n + adder.n).sum();
                let functions = Value::list(adders.iter().map(|adder| adder.function.clone())).ok()?;
                let some = !adders.is_empty();
                play("gather", vec![functions, n.into()], value(sum)).filter(|_| some)
            }
            9 => play("keep", vec![self.adder(lane)?.function.clone().into()], Expect::Any),
            10 => {
                let caught = Expect::Caught("script".into(), format!("failure {n}"));
                play("catch", vec![other(lane, "fail")?, n.into()], caught)
            }
            11 => {
                let caught = Expect::Caught("thrown".into(), format!("thrown {n}"));
                play("catch", vec![other(lane, "throw")?, n.into()], caught)
            }
            12 => {
                let failure = Expect::Failure(Code::Script, format!("failure {n}"));
                play("apply", vec![other(lane, "fail")?, n.into()], failure)
            }
            13 => {
                let depth = lane.dice.below(6) as i64;
                play("ping", vec![other(lane, "ping")?, depth.into()], value(depth))
            }
            14 => play("wait", vec![n.into()], Expect::Settled(Value::Int(n))),
            15 => play("wait_in_place", vec![n.into()], Expect::Settled(Value::Int(n))),
            16 => play("after", vec![(n / 2).into()], value(n / 2)),
            17 => play("block", vec![n.into()], value(n)),
            18 => play("host", vec![n.into()], value(n)),
            19 => play("panic", vec![], Expect::Failure(Code::Panic, String::new())),
            20 => play("give", vec![(n % 4).into()], value(n % 4)),
            _ if lane.dice.one_in(2) => play("post", vec![], Expect::Value(Value::Bool(true))),
            _ => {
                let language = lane.dice.pick(LANGUAGES);
                let (name, path) = match lane.dice.one_in(2) {
                    true => ("child", lane.scripts.actor(language)),
                    false => ("import", lane.scripts.module(language)),
                };
                play(name, vec![path.to_string_lossy().into_owned().into(), n.into()], value(2 * n))
            }
        }
    }

    fn sort(&self, lane: &mut Lane<'_>) -> Option<Play> {
        let less = self.export(lane, "less")?;
        let mut numbers: Vec<i64> = (0..2 + lane.dice.below(6)).map(|_| lane.dice.below(100) as i64).collect();
        let list = Value::list(numbers.clone()).ok()?;
        numbers.sort_unstable();
        Some(Play { name: "sort", args: vec![list, less.into()], expect: Expect::Value(Value::list(numbers).ok()?) })
    }

    fn adder(&self, lane: &mut Lane<'_>) -> Option<&Adder> {
        if self.adders.is_empty() { None } else { Some(lane.dice.pick(&self.adders)) }
    }

    fn ticket(&self, play: &Play, how: &str) -> Ticket {
        let what = format!("{} {how}", play.name);
        self.round.ledger.call(what, play.expect.clone())
    }

    // ---- calling

    fn call_and_wait(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        let Some(function) = self.export(lane, play.name) else { return };
        let mut ticket = self.ticket(&play, "waited for");
        let args = with_number(&ticket, &play.args);
        // Some have less time than they may need.
        ticket.may_be_ended = lane.dice.one_in(8);
        let limit = if ticket.may_be_ended { Duration::from_micros(lane.dice.below(300) as u64) } else { LIMIT };
        ticket.answer(&self.runtime.call_within(limit, &function, &args));
    }

    fn start_any(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        let Some(function) = self.export(lane, play.name) else { return };
        let ticket = self.ticket(&play, "started");
        let args = with_number(&ticket, &play.args);
        let leaves = lane.dice.one_in(12);
        start(&function, &self.info, &args, ticket, leaves);
    }

    /// A call that another thread ends by its token, or comes too late for.
    fn call_with_token(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        let Some(function) = self.export(lane, play.name) else { return };
        let token: CancelToken = self.runtime.handle().cancel_token(None).expect("a token");
        let info = KeptInfo::new(self.runtime.handle(), Some(token.clone()), self.info.facts());
        let mut ticket = self.ticket(&play, "with a token");
        ticket.may_be_ended = true;
        let args = with_number(&ticket, &play.args);
        start(&function, &info, &args, ticket, false);
        lane.foreign.send(&mut lane.dice, Job::Raise(token));
    }

    fn evaluate(&mut self, lane: &mut Lane<'_>) {
        let Some(actor) = self.some_actor(lane) else { return };
        let ticket = self.round.ledger.silent_call("an evaluation".into(), Expect::Value(Value::Int(42)));
        ticket.answer(&self.runtime.evaluate(&actor.context, actor.language.answer));
    }

    fn some_actor(&self, lane: &mut Lane<'_>) -> Option<&Actor> {
        if self.actors.is_empty() { None } else { Some(lane.dice.pick(&self.actors)) }
    }

    /// A wait that lasts as long as its context, or until the round's end. In place it holds up all
    /// that wait in place below it, so other contexts on its thread could not even close.
    fn never(&mut self, lane: &mut Lane<'_>) {
        let Some(actor) = self.some_actor(lane) else { return };
        let name = if actor.shares_its_thread || lane.dice.one_in(2) { "never" } else { "never_in_place" };
        let Some(function) = as_function(actor.context.export(name)) else { return };
        self.start_never(&function, name);
    }

    fn start_never(&mut self, function: &Callable, name: &'static str) {
        let ticket = self.ticket(&Play { name, args: vec![], expect: Expect::Settled(Value::Nil) }, "to the end");
        let args = with_number(&ticket, &[]);
        // Itself, and what is on the shelf for it.
        self.nevers += 2;
        self.holds_up |= name == "never_in_place";
        start(function, &self.info, &args, ticket, false);
    }

    // ---- functions

    fn make_adder(&mut self, lane: &mut Lane<'_>) {
        if self.adders.len() >= HELD {
            return;
        }
        let n = lane.dice.below(1000) as i64;
        let function = if lane.dice.one_in(4) {
            // A native as a function value.
            let native = Function::new("adder", move |x: i64| x + n).build().expect("a native");
            self.runtime.handle().callable(&native).ok()
        } else {
            self.made_adder(lane, n)
        };
        self.adders.extend(function.map(|function| Adder { function, n }));
    }

    fn made_adder(&self, lane: &mut Lane<'_>, n: i64) -> Option<Callable> {
        let make = self.export(lane, "make")?;
        let ticket = self.round.ledger.call("make".into(), Expect::Any);
        let result = self.runtime.call_within(LIMIT, &make, &with_number(&ticket, &[n.into()]));
        ticket.answer(&result);
        as_function(result.ok())
    }

    fn drop_adder(&mut self, lane: &mut Lane<'_>) {
        if self.adders.is_empty() {
            return;
        }
        let adder = self.adders.swap_remove(lane.dice.below(self.adders.len()));
        match lane.dice.below(3) {
            0 => drop(adder.function),
            1 => lane.foreign.send(&mut lane.dice, Job::Drop(Box::new(adder.function))),
            _ => lane.foreign.send(&mut lane.dice, Job::Hold(adder.function.into())),
        }
    }

    // ---- contexts of scripts

    fn adopt(&mut self, lane: &mut Lane<'_>) {
        let Some(adopt) = self.export(lane, "adopt") else { return };
        let path = lane.scripts.actor(lane.dice.pick(LANGUAGES)).to_string_lossy().into_owned();
        let ticket = self.round.ledger.call("adopt".into(), Expect::Any);
        let result = self.runtime.call_within(LIMIT, &adopt, &with_number(&ticket, &[path.into()]));
        ticket.answer(&result);
        let Ok(pair) = result else { return };
        self.opened += 1;
        let Value::Object(object) = pair.view().field("object").to_value() else { panic!("an Object: {pair:?}") };
        self.adopted.push(Adopted { object, exports: pair.view().field("exports").to_value() });
    }

    fn call_adopted(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        if self.adopted.is_empty() {
            return;
        }
        let exports = &lane.dice.pick(&self.adopted).exports;
        let Some(function) = as_function(Some(exports.view().field(play.name).to_value())) else { return };
        let ticket = self.ticket(&play, "of an adopted context");
        let args = with_number(&ticket, &play.args);
        start(&function, &self.info, &args, ticket, false);
    }

    /// Closes a context that a script opened: by itself, and by other threads, while it is at work.
    fn close_adopted(&mut self, lane: &mut Lane<'_>) {
        if self.adopted.is_empty() {
            return;
        }
        let adopted = self.adopted.swap_remove(lane.dice.below(self.adopted.len()));
        let export = |name| as_function(Some(adopted.exports.view().field(name).to_value()));
        self.round.ledger.closing.store(true, SeqCst);
        if let (true, Some(spin)) = (lane.dice.one_in(3), export("spin")) {
            self.spin(&spin);
        }
        if let (true, Some(end)) = (lane.dice.one_in(2), export("end_yourself")) {
            let ticket = self.round.ledger.call("end_yourself".into(), Expect::Value(Value::Bool(true)));
            let args = with_number(&ticket, &[adopted.object.clone().into()]);
            start(&end, &self.info, &args, ticket, false);
        }
        for _ in 0..1 + lane.dice.below(2) {
            let (ledger, pending) = (Arc::clone(&self.round.ledger), self.round.ledger.pending());
            let (info, object) = (self.info.clone(), adopted.object.clone());
            lane.foreign.send(&mut lane.dice, Job::Close { info, object, ledger, pending });
        }
    }

    // ---- ends

    fn spin(&self, function: &Callable) {
        let ticket = self.round.ledger.call("spin".into(), Expect::End);
        let args = with_number(&ticket, &[]);
        start(function, &self.info, &args, ticket, false);
    }

    /// Closes a context in some state.
    fn close_one(&mut self, lane: &mut Lane<'_>) {
        if self.actors.len() < 2 {
            return;
        }
        let actor = self.actors.swap_remove(lane.dice.below(self.actors.len()));
        self.close(lane, &actor);
    }

    fn close(&mut self, lane: &mut Lane<'_>, actor: &Actor) {
        let export = |name| as_function(actor.context.export(name));
        self.round.ledger.closing.store(true, SeqCst);
        match lane.dice.below(6) {
            0 => export("spin").iter().for_each(|spin| self.spin(spin)),
            1 => export("never").iter().for_each(|never| self.start_never(never, "never")),
            2 => export("never_in_place").iter().for_each(|never| self.start_never(never, "never_in_place")),
            3 => {
                export("spin").iter().for_each(|spin| self.spin(spin));
                export("add").iter().for_each(|add| self.queue(add, 100));
            }
            4 => {
                while !self.adders.is_empty() {
                    self.drop_adder(lane);
                }
            }
            _ => {}
        }
        let mut closed = self.runtime.close_context(&actor.context);
        if lane.dice.one_in(4) {
            closed |= self.runtime.close_context(&actor.context);
        }
        closed |= self.runtime.pump_until(|| actor.context.is_closed(), LIMIT);
        assert!(closed, "a context closes");
    }

    fn queue(&self, add: &Callable, count: usize) {
        for n in 0..count as i64 {
            let ticket = self.round.ledger.call("a queued call".into(), Expect::Value(Value::Int(n + 1)));
            let args = with_number(&ticket, &[n.into(), 1.into()]);
            start(add, &self.info, &args, ticket, false);
        }
    }

    /// Ends the runtime, in one of the ways in which programs end.
    fn end(mut self, lane: &mut Lane<'_>) {
        let ledger = Arc::clone(&self.round.ledger);
        let round = Arc::clone(&self.round);
        match lane.dice.below(5) {
            0 => self.settle_and_run(lane),
            1 => {
                self.settle(lane);
                while let Some(actor) = self.actors.pop() {
                    self.close(lane, &actor);
                }
            }
            2 => {
                ledger.closing.store(true, SeqCst);
                lane.foreign.send(&mut lane.dice, Job::Exit(self.runtime.stopper()));
                // It ends by itself when nothing can happen any more, which may be earlier.
                let ended = self.runtime.run();
                assert!(!matches!(ended, Ended::Exit(code) if code != 0), "a program that was ended: {ended:?}");
            }
            3 => round.shelf.clear(&lane.foreign, &mut lane.dice),
            _ => {}
        }
        ledger.closing.store(true, SeqCst);
        if lane.dice.one_in(2) {
            let lost = self.runtime.close(LIMIT).lost;
            assert!(lost.is_empty(), "these did not end: {lost:?}");
        }
        let held: Vec<Adder> = std::mem::take(&mut self.adders);
        drop(self);
        // Functions outlive their runtime.
        drop(held);
        round.shelf.clear(&lane.foreign, &mut lane.dice);
        let until = Instant::now() + LIMIT;
        while ledger.open() > 0 {
            assert!(Instant::now() < until, "{} ends never came: {:?}", ledger.open(), ledger.unanswered());
            std::thread::yield_now();
        }
    }

    /// Waits until everything that can end has ended.
    fn settle(&mut self, lane: &mut Lane<'_>) {
        if self.holds_up {
            self.nevers = 0;
        }
        let ledger = &self.round.ledger;
        let until = Instant::now() + LIMIT;
        while ledger.open() > self.nevers {
            if self.holds_up {
                self.round.shelf.clear(&lane.foreign, &mut lane.dice);
            }
            assert!(Instant::now() < until, "still under way: {:?}", ledger.unanswered());
            self.runtime.pump_for(Duration::from_micros(100));
        }
    }

    /// A program in which nothing can happen any more ends, and knows who still waits.
    fn settle_and_run(&mut self, lane: &mut Lane<'_>) {
        self.settle(lane);
        match self.runtime.run() {
            Ended::Idle => {}
            Ended::Stuck(waiting) => assert!(self.nevers > 0 && !waiting.is_empty(), "nobody waits: {waiting:?}"),
            Ended::Exit(code) => panic!("nobody asked for an end, but it came: {code}"),
        }
    }
}

fn as_function(value: Option<Value>) -> Option<Callable> {
    match value {
        Some(Value::Callable(function)) => Some(function),
        _ => None,
    }
}

fn with_number(ticket: &Ticket, args: &[Value]) -> Vec<Value> {
    std::iter::once(Value::Int(ticket.number)).chain(args.iter().cloned()).collect()
}

/// Makes a call whose answer comes to the ticket, or whose maker leaves at once.
fn start(function: &Callable, info: &KeptInfo, args: &[Value], ticket: Ticket, leaves: bool) {
    let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
    let outcome: Outcome = function.call(info, Args::new(&views));
    if leaves {
        drop(outcome);
        ticket.leave();
    } else {
        outcome.then(move |result| ticket.answer(&result));
    }
}

/// Some data that every language gives back as it came.
fn data(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth == 0 { 4 } else { 7 }) {
        0 => Value::Int(dice.below(1 << 40) as i64 - (1 << 39)),
        1 => Value::Real(dice.below(1000) as f64 + 0.5),
        2 => Value::from("text ".repeat(dice.below(20))),
        3 => Value::Bool(dice.one_in(2)),
        4 | 5 => Value::list((0..=dice.below(6)).map(|_| data(dice, depth - 1))).expect("a list"),
        _ => {
            let pairs = (0..=dice.below(6)).map(|at| (format!("key {at}"), data(dice, depth - 1)));
            Value::map(pairs.collect::<Vec<_>>()).expect("a map")
        }
    }
}
