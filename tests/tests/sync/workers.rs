//! The workers, one script in each language, and the tally of what they got from a queue.

use std::collections::HashMap;
use std::sync::Arc;

use calog::{ContextRef, RuntimeBuilder};
use calog_plugin_api::{Function, Value};
use calog_tests::stage::Players;
use calog_tests::{Asked, LANGUAGES, Language, World};
use parking_lot::Mutex;

pub(crate) const WORKERS: Players = Players {
    lua: include_str!("worker.lua"),
    javascript: include_str!("worker.js"),
    squirrel: include_str!("worker.nut"),
    basic: include_str!("worker.bas"),
};

/// What came out of a queue: the native `tally.got(consumer, item)`. Producer `p` puts the numbers
/// from `p * each + 1` to `(p + 1) * each`.
#[derive(Clone)]
pub(crate) struct Tally(Arc<Mutex<State>>);

struct State {
    each: i64,
    seen: Vec<bool>,
    /// The last item of each producer that each consumer got.
    last: HashMap<(i64, i64), i64>,
    count: usize,
    wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn new(producers: i64, each: i64) -> Tally {
        let seen = vec![false; (producers * each) as usize];
        Tally(Arc::new(Mutex::new(State { each, seen, last: HashMap::new(), count: 0, wrong: Vec::new() })))
    }

    pub(crate) fn add_to(&self, builder: RuntimeBuilder) -> RuntimeBuilder {
        let tally = self.clone();
        let got = move |consumer: i64, item: i64| tally.0.lock().got(consumer, item);
        builder.inline_native(Function::new("tally.got", got))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().count
    }

    /// Every item came once, and to each consumer in its producer's order.
    #[track_caller]
    pub(crate) fn assert_complete(&self) {
        let state = self.0.lock();
        assert_eq!(state.wrong, [""; 0]);
        assert_eq!(state.count, state.seen.len());
    }
}

impl State {
    fn got(&mut self, consumer: i64, item: i64) {
        let producer = (item - 1) / self.each;
        match self.seen.get_mut((item - 1) as usize) {
            Some(seen) if !*seen => *seen = true,
            Some(_) => self.wrong.push(format!("{item} came twice")),
            None => self.wrong.push(format!("nobody put {item}")),
        }
        let last = self.last.insert((consumer, producer), item);
        if last.is_some_and(|last| last >= item) {
            self.wrong.push(format!("{item} came to {consumer} after {last:?}"));
        }
        self.count += 1;
    }
}

/// A producer and a consumer in each language, on threads of their own, over one bounded queue.
/// `look` is called again and again while they work.
pub(crate) fn flood(each: i64, size: i64, look: impl Fn(&Tally)) {
    let producers = LANGUAGES.len() as i64;
    let tally = Tally::new(producers, each);
    let world = World::with(|builder| tally.add_to(builder));
    let open = |language: &Language, role: &str| {
        world.open(&format!("{role}_{}.{}", language.name, language.extension), WORKERS.script(language))
    };
    let ask = |context: &ContextRef, name: &str, args: &[i64]| {
        let args: Vec<Value> = [Value::from("flood")].into_iter().chain(args.iter().map(|n| Value::Int(*n))).collect();
        world.ask(context, name, &args)
    };
    let first = open(&LANGUAGES[0], "first");
    assert!(world.call(&first, "queue", &["flood".into(), size.into()]).is_ok());
    let consumers: Vec<Asked> =
        (0..).zip(&LANGUAGES).map(|(me, language)| ask(&open(language, "consumer"), "consume", &[me])).collect();
    let producers: Vec<Asked> = (0..)
        .zip(&LANGUAGES)
        .map(|(p, language)| ask(&open(language, "producer"), "produce", &[p * each + 1, (p + 1) * each]))
        .collect();
    while !producers.iter().all(Asked::is_answered) {
        world.runtime.pump_for(std::time::Duration::from_millis(1));
        look(&tally);
    }
    for producer in producers {
        assert_eq!(world.answer(&producer), Ok(Value::Nil));
    }
    assert_eq!(world.call(&first, "close", &["flood".into()]), Ok(Value::Nil));
    for consumer in consumers {
        assert_eq!(world.answer(&consumer), Ok("closed".into()));
    }
    tally.assert_complete();
    assert_eq!(world.errors(), []);
}
