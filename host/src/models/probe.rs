//! The toy engine with a witness at each entry: on whose thread it is, and that what ends ends once.
//!
//! What it sees it notes rather than panics over: a panic in an engine is the runtime's to catch.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Mutex;

use calog_plugin_api::prelude::*;
use shuttle::thread::{self, ThreadId};

use super::toy::{Script, Toy};

shuttle::lazy_static! {
    static ref NOTES: Notes = Notes::default();
}

/// What was seen in one run of a model. No primitives of the checker's: nobody waits here.
#[derive(Default)]
struct Notes {
    wrong: Mutex<Vec<String>>,
    opened: Mutex<usize>,
    ended: Mutex<usize>,
}

/// Notes what must not be.
pub(super) fn wrong(what: String) {
    eprintln!("{what}");
    NOTES.wrong.lock().expect("no panic").push(what);
}

fn ensure(holds: bool, what: impl FnOnce() -> String) {
    if !holds {
        wrong(what());
    }
}

/// At the end of a run: nothing was wrong, and every interpreter has ended.
pub(super) fn close() {
    let wrong = NOTES.wrong.lock().expect("no panic").clone();
    assert!(wrong.is_empty(), "{wrong:?}");
    let (opened, ended) = (*NOTES.opened.lock().expect("no panic"), *NOTES.ended.lock().expect("no panic"));
    assert_eq!(opened, ended, "interpreters that were opened and that have ended");
}

/// The engine: `toy`, witnessed.
pub(super) struct Probe(Toy);

impl Engine for Probe {
    const NAME: &'static str = "probe";
    const EXTENSIONS: &'static [&'static str] = &["probe"];
    type Context = Witness;

    fn new(runtime: RuntimeHandle, config: View<'_>) -> Result<Probe> {
        Toy::new(runtime, config).map(Probe)
    }

    fn open(&self, host: Host, options: &ContextOptions) -> Result<Witness> {
        let script = self.0.open(host, options)?;
        *NOTES.opened.lock().expect("no panic") += 1;
        Ok(Witness {
            script,
            owner: thread::current().id(),
            released: RefCell::default(),
            released_objects: RefCell::default(),
        })
    }
}

/// One script and its witness.
pub(super) struct Witness {
    script: Script,
    owner: ThreadId,
    released: RefCell<HashSet<u64>>,
    released_objects: RefCell<HashSet<u64>>,
}

impl Witness {
    fn is_here(&self, entry: &str) {
        let here = thread::current().id();
        ensure(here == self.owner, || format!("{entry} on {here:?}, the owner is {:?}", self.owner));
    }
}

impl Context for Witness {
    fn load(&self, source: Source<'_>) -> Step {
        self.is_here("load");
        self.script.load(source)
    }

    fn call(&self, function: FunctionKey, info: &CallInfo, args: Args<'_>) -> Step {
        self.is_here("call");
        ensure(!self.released.borrow().contains(&function.0), || format!("a call of {function:?} after its release"));
        self.script.call(function, info, args)
    }

    fn release(&self, function: FunctionKey) {
        self.is_here("release");
        ensure(self.released.borrow_mut().insert(function.0), || format!("a second release of {function:?}"));
        self.script.release(function);
    }

    fn release_object(&self, object: ObjectKey) {
        self.is_here("release of an object");
        ensure(self.released_objects.borrow_mut().insert(object.0), || format!("a second release of {object:?}"));
    }

    fn resume(&self, key: WaitKey, result: Result<Value>) -> Step {
        self.is_here("resume");
        self.script.resume(key, result)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.is_here("the end");
        *NOTES.ended.lock().expect("no panic") += 1;
    }
}
