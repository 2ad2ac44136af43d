//! The order of envelopes: between two contexts calls arrive in the order in which they were made,
//! and every call is answered once, whatever is opened, closed and dropped meanwhile.

#![no_main]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calog::plugin_api::prelude::*;
use calog::plugin_api::{Facts, Threading};
use calog::{ContextRef, Open, Runtime};
use calog_fuzz::dough::Dough;
use libfuzzer_sys::fuzz_target;

/// A call that is not answered within this never will be.
const SAFETY_NET: Duration = Duration::from_secs(15);
/// Contexts that live at once.
const MOST: usize = 5;
/// Steps of one input.
const STEPS: usize = 200;

/// What all contexts of an input write to.
#[derive(Default)]
struct Ledger {
    /// Who took which call of whom: taker, sender, the sender's number of the call to this taker.
    taken: Mutex<Vec<(u64, u64, i64)>>,
    made: AtomicUsize,
    answered: AtomicUsize,
}

static LEDGER: Mutex<Option<Arc<Ledger>>> = Mutex::new(None);

fn ledger() -> Arc<Ledger> {
    Arc::clone(LEDGER.lock().expect("no input panics and goes on").get_or_insert_default())
}

/// An engine whose contexts take calls and pass calls on.
struct Relay;

impl Engine for Relay {
    const NAME: &'static str = "relay";
    const EXTENSIONS: &'static [&'static str] = &["relay"];
    const THREADING: Threading = Threading::PerContext;
    type Context = Station;

    fn new(_runtime: RuntimeHandle, _config: View<'_>) -> Result<Relay> {
        Ok(Relay)
    }

    fn open(&self, host: Host, _options: &ContextOptions) -> Result<Station> {
        Ok(Station { host, ledger: ledger() })
    }
}

struct Station {
    host: Host,
    ledger: Arc<Ledger>,
}

/// The first function a context makes.
const TAKE: FunctionKey = FunctionKey(1);

impl Context for Station {
    /// Exports `take(from, number)` and `pass(function, numbers...)`.
    fn load(&self, _source: Source<'_>) -> Step {
        Step::Done((|| {
            let (take, key) = self.host.function(None)?;
            assert_eq!(key, TAKE);
            let (pass, _) = self.host.function(None)?;
            Value::map([("take", take), ("pass", pass)])
        })())
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        if function == TAKE {
            let from = args.get(0).as_int().unwrap_or_default() as u64;
            let number = args.get(1).as_int().unwrap_or_default();
            self.ledger.taken.lock().expect("no panic").push((info.context(), from, number));
            return Step::Done(Ok(args.get(1).to_value()));
        }
        let Some(to) = args.get(0).as_callable() else { return Step::Done(Ok(Value::Nil)) };
        let me = View::int(info.context() as i64);
        for number in args.from(1).iter().filter(|it| it.as_int() != Some(WAIT)) {
            made(&self.ledger, to, info, &[me, number]);
        }
        // The last one is waited for, while others may call.
        if args.iter().any(|it| it.as_int() == Some(WAIT)) {
            let waited = to.call(info, Args::new(&[View::int(0), View::int(WAIT)])).settled();
            return Step::Done(waited.unwrap_or_else(|completion| self.host.wait(completion, info)));
        }
        Step::Done(Ok(Value::Nil))
    }

    fn release(&self, _function: FunctionKey) {}
}

/// In the place of a number: wait for an answer.
const WAIT: i64 = -1;

/// Makes a call that counts itself.
fn made(ledger: &Arc<Ledger>, to: &Callable, info: &CallInfo, args: &[View<'_>]) {
    ledger.made.fetch_add(1, Ordering::SeqCst);
    let answered = Arc::clone(ledger);
    to.start(info, Args::new(args), move |_| {
        answered.answered.fetch_add(1, Ordering::SeqCst);
    });
}

fuzz_target!(|bytes: &[u8]| {
    let ledger = Arc::new(Ledger::default());
    *LEDGER.lock().expect("no panic") = Some(Arc::clone(&ledger));
    play(&mut Dough::new(bytes), &ledger);
    let counts = [&ledger.answered, &ledger.made].map(|it| it.load(Ordering::SeqCst));
    assert_eq!(counts[0], counts[1], "each call is answered once");
    check_order(&ledger.taken.lock().expect("no panic"));
});

fn play(dough: &mut Dough<'_>, ledger: &Arc<Ledger>) {
    let runtime = Runtime::builder().engine::<Relay>().build().expect("a runtime");
    let info = KeptInfo::new(runtime.handle(), None, Facts::default());
    let mut contexts: Vec<ContextRef> = Vec::new();
    let mut held: Vec<Value> = Vec::new();
    let mut number = 0;
    for _ in 0..STEPS {
        if dough.is_empty() {
            break;
        }
        number += 10;
        match dough.below(10) {
            0 if contexts.len() < MOST => contexts.push(open(&runtime, dough)),
            1 if !contexts.is_empty() => {
                let context = contexts.swap_remove(dough.below(contexts.len() as u64) as usize);
                context.ask_to_close();
                if dough.byte() & 1 == 1 {
                    assert!(runtime.close_context(&context), "it does not close");
                }
            }
            2 => held.clear(),
            3 => drop(runtime.pump()),
            4 => held.extend(pick(dough, &contexts).and_then(|it| it.export("take"))),
            5..8 => {
                let function = pick(dough, &contexts).and_then(|it| it.export("take"));
                if let Some(Value::Callable(take)) = function.or_else(|| held.last().cloned()) {
                    made(ledger, &take, &info, &[View::int(0), View::int(number)]);
                }
            }
            _ => pass(dough, ledger, &info, &contexts, number),
        }
    }
    let all = || ledger.answered.load(Ordering::SeqCst) == ledger.made.load(Ordering::SeqCst);
    // Calls that are under way may make further ones: those are looked at after the end.
    assert!(runtime.pump_until(all, SAFETY_NET), "a call was never answered");
    let closed = runtime.close(SAFETY_NET);
    assert!(closed.lost.is_empty(), "{:?}", closed.lost);
    drop(held);
}

fn open(runtime: &Runtime, dough: &mut Dough<'_>) -> ContextRef {
    let open = Open::source("relay", "");
    // Own threads and shared ones.
    let open = match dough.below(4) {
        shared @ 0..2 => open.thread(format!("shared {shared}")),
        _ => open,
    };
    let context = runtime.open(open).expect("a context");
    runtime.wait_for(&context).expect("its script is empty");
    context
}

fn pick<'a>(dough: &mut Dough<'_>, contexts: &'a [ContextRef]) -> Option<&'a ContextRef> {
    let at = usize::from(dough.byte());
    (!contexts.is_empty()).then(|| &contexts[at % contexts.len()])
}

/// Has one context call another a few times.
fn pass(dough: &mut Dough<'_>, ledger: &Arc<Ledger>, info: &KeptInfo, contexts: &[ContextRef], number: i64) {
    let [by, to] = [pick(dough, contexts), pick(dough, contexts)];
    let (Some(Value::Callable(pass)), Some(take)) =
        (by.and_then(|it| it.export("pass")), to.and_then(|it| it.export("take")))
    else {
        return;
    };
    let wait = if dough.byte() & 3 == 0 { WAIT } else { number };
    let args = [take, (number + 1).into(), (number + 2).into(), wait.into()];
    let views: Vec<View<'_>> = args.iter().map(Value::view).collect();
    // What it makes is made before it is answered.
    made(ledger, &pass, info, &views);
}

/// Of each pair of sender and taker the numbers grow, or stay where one context is called twice.
fn check_order(taken: &[(u64, u64, i64)]) {
    let mut last = std::collections::HashMap::new();
    for &(taker, sender, number) in taken.iter().filter(|(.., number)| *number != WAIT) {
        let before = last.insert((taker, sender), number).unwrap_or(i64::MIN);
        assert!(before < number, "{taker} took {number} of {sender} after {before}");
    }
}
