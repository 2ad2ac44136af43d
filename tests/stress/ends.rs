//! Ends: of contexts in every state, and of runtimes in every way in which programs end.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use calog::Ended;
use calog::plugin_api::{Callable, Value};

use crate::foreign::Job;
use crate::lane::{LIMIT, Lane};
use crate::ledger::Expect;
use crate::show::{Actor, Adder, Show, as_function, start, with_number};

impl Show {
    /// Closes a context that a script opened: by itself, and by other threads, while it is at work.
    pub(crate) fn close_adopted(&mut self, lane: &mut Lane<'_>) {
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

    pub(crate) fn spin(&self, function: &Callable) {
        let ticket = self.round.ledger.call("spin".into(), Expect::End);
        let args = with_number(&ticket, &[]);
        start(function, &self.info, &args, ticket, false);
    }

    /// Closes a context in some state.
    pub(crate) fn close_one(&mut self, lane: &mut Lane<'_>) {
        if self.actors.len() < 2 {
            return;
        }
        let actor = self.actors.swap_remove(lane.dice.below(self.actors.len()));
        self.close(lane, &actor);
    }

    pub(crate) fn close(&mut self, lane: &mut Lane<'_>, actor: &Actor) {
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

    pub(crate) fn queue(&self, add: &Callable, count: usize) {
        for n in 0..count as i64 {
            let ticket = self.round.ledger.call("a queued call".into(), Expect::Value(Value::Int(n + 1)));
            let args = with_number(&ticket, &[n.into(), 1.into()]);
            start(add, &self.info, &args, ticket, false);
        }
    }

    /// Ends the runtime, in one of the ways in which programs end.
    pub(crate) fn end(mut self, lane: &mut Lane<'_>) {
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
    pub(crate) fn settle(&mut self, lane: &mut Lane<'_>) {
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
    pub(crate) fn settle_and_run(&mut self, lane: &mut Lane<'_>) {
        self.settle(lane);
        match self.runtime.run() {
            Ended::Idle => {}
            Ended::Stuck(waiting) => assert!(self.nevers > 0 && !waiting.is_empty(), "nobody waits: {waiting:?}"),
            Ended::Exit(code) => panic!("nobody asked for an end, but it came: {code}"),
        }
    }
}
