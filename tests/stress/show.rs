//! One runtime, its contexts and functions, and all that is done with it at random.

use std::sync::Arc;
use std::time::Duration;

use calog::plugin_api::{Args, Callable, CancelToken, Facts, Function, KeptInfo, Object, Outcome, Value, View};
use calog::{ContextRef, Open, Runtime, SearchPath};
use calog_tests::{Output, plugin_folder};

use crate::foreign::Job;
use crate::lane::{LIMIT, Lane};
use crate::languages::{LANGUAGES, Language};
use crate::ledger::{Expect, Ticket};
use crate::natives::{self, Round};
use crate::plays::Play;

/// Contexts that are open at a time in one runtime.
const ACTORS: usize = 6;

/// Calls under way in one runtime; and functions that a lane holds.
const UNDER_WAY: usize = 24;
const HELD: usize = 12;

/// A context that the lane opened.
pub(crate) struct Actor {
    pub(crate) context: ContextRef,
    pub(crate) language: &'static Language,
    pub(crate) shares_its_thread: bool,
}

/// A context that a script opened: its Object, and what it exports.
pub(crate) struct Adopted {
    pub(crate) object: Object,
    pub(crate) exports: Value,
}

/// A function that adds a number.
pub(crate) struct Adder {
    pub(crate) function: Callable,
    pub(crate) n: i64,
}

/// A runtime and what is in it.
pub(crate) struct Show {
    pub(crate) runtime: Runtime,
    pub(crate) round: Arc<Round>,
    pub(crate) info: KeptInfo,
    pub(crate) actors: Vec<Actor>,
    pub(crate) adopted: Vec<Adopted>,
    pub(crate) adders: Vec<Adder>,
    /// Calls that end with the round.
    pub(crate) nevers: usize,
    /// Whether one of them waits in place, above others that therefore do not go on.
    pub(crate) holds_up: bool,
    pub(crate) opened: usize,
}

impl Show {
    pub(crate) fn new(lane: &mut Lane<'_>, round: &Arc<Round>) -> Show {
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

    pub(crate) fn act(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn open(&mut self, lane: &mut Lane<'_>) {
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
    pub(crate) fn export(&self, lane: &mut Lane<'_>, name: &str) -> Option<Callable> {
        if self.actors.is_empty() {
            return None;
        }
        as_function(lane.dice.pick(&self.actors).context.export(name))
    }

    pub(crate) fn ticket(&self, play: &Play, how: &str) -> Ticket {
        let what = format!("{} {how}", play.name);
        self.round.ledger.call(what, play.expect.clone())
    }

    // ---- calling

    pub(crate) fn call_and_wait(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        let Some(function) = self.export(lane, play.name) else { return };
        let mut ticket = self.ticket(&play, "waited for");
        let args = with_number(&ticket, &play.args);
        // Some have less time than they may need.
        ticket.may_be_ended = lane.dice.one_in(8);
        let limit = if ticket.may_be_ended { Duration::from_micros(lane.dice.below(300) as u64) } else { LIMIT };
        ticket.answer(&self.runtime.call_within(limit, &function, &args));
    }

    pub(crate) fn start_any(&mut self, lane: &mut Lane<'_>) {
        let Some(play) = self.play(lane) else { return };
        let Some(function) = self.export(lane, play.name) else { return };
        let ticket = self.ticket(&play, "started");
        let args = with_number(&ticket, &play.args);
        let leaves = lane.dice.one_in(12);
        start(&function, &self.info, &args, ticket, leaves);
    }

    /// A call that another thread ends by its token, or comes too late for.
    pub(crate) fn call_with_token(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn evaluate(&mut self, lane: &mut Lane<'_>) {
        let Some(actor) = self.some_actor(lane) else { return };
        let ticket = self.round.ledger.silent_call("an evaluation".into(), Expect::Value(Value::Int(42)));
        ticket.answer(&self.runtime.evaluate(&actor.context, actor.language.answer));
    }

    pub(crate) fn some_actor(&self, lane: &mut Lane<'_>) -> Option<&Actor> {
        if self.actors.is_empty() { None } else { Some(lane.dice.pick(&self.actors)) }
    }

    /// A wait that lasts as long as its context, or until the round's end. In place it holds up all
    /// that wait in place below it, so other contexts on its thread could not even close.
    pub(crate) fn never(&mut self, lane: &mut Lane<'_>) {
        let Some(actor) = self.some_actor(lane) else { return };
        let name = if actor.shares_its_thread || lane.dice.one_in(2) { "never" } else { "never_in_place" };
        let Some(function) = as_function(actor.context.export(name)) else { return };
        self.start_never(&function, name);
    }

    pub(crate) fn start_never(&mut self, function: &Callable, name: &'static str) {
        let ticket = self.ticket(&Play { name, args: vec![], expect: Expect::Settled(Value::Nil) }, "to the end");
        let args = with_number(&ticket, &[]);
        // Itself, and what is on the shelf for it.
        self.nevers += 2;
        self.holds_up |= name == "never_in_place";
        start(function, &self.info, &args, ticket, false);
    }

    // ---- functions

    pub(crate) fn make_adder(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn drop_adder(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn adopt(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn call_adopted(&mut self, lane: &mut Lane<'_>) {
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
}

pub(crate) fn as_function(value: Option<Value>) -> Option<Callable> {
    match value {
        Some(Value::Callable(function)) => Some(function),
        _ => None,
    }
}

pub(crate) fn with_number(ticket: &Ticket, args: &[Value]) -> Vec<Value> {
    std::iter::once(Value::Int(ticket.number)).chain(args.iter().cloned()).collect()
}

/// Makes a call whose answer comes to the ticket, or whose maker leaves at once.
pub(crate) fn start(function: &Callable, info: &KeptInfo, args: &[Value], ticket: Ticket, leaves: bool) {
    let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
    let outcome: Outcome = function.call(info, Args::new(&views));
    if leaves {
        drop(outcome);
        ticket.leave();
    } else {
        outcome.then(move |result| ticket.answer(&result));
    }
}
