//! Where rows are acted: a runtime of its own for each, with neighbours that must go on whatever
//! happens, and a thread of its own, so that one that hangs is a row that failed.

use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use calog::plugin_api::Value;
use calog::{CLOSE_LIMIT, Callable, ContextRef, Error, Open, RuntimeBuilder, SearchPath};
use calog_tests::{Asked, Folder, SAFETY_NET, World, build_standalone, plugin_folder};

/// Orders: entries, and what they shall do.
pub(crate) type Orders = &'static [(&'static str, &'static str)];

/// One row of a table.
pub(crate) struct Row {
    what: String,
    engine: Orders,
    bundle: Orders,
    act: Box<dyn Fn(&Stage) -> String + Send>,
    says: String,
    lost: Vec<String>,
}

/// A row: what is done, how, and what the host says to it.
pub(crate) fn row(
    what: impl Into<String>,
    act: impl Fn(&Stage) -> String + Send + 'static,
    says: impl Into<String>,
) -> Row {
    Row { what: what.into(), engine: &[], bundle: &[], act: Box::new(act), says: says.into(), lost: Vec::new() }
}

impl Row {
    /// With this configuration of the engine.
    pub(crate) fn engine(mut self, orders: Orders) -> Row {
        self.engine = orders;
        self
    }

    /// With this configuration of the bundle.
    pub(crate) fn bundle(mut self, orders: Orders) -> Row {
        self.bundle = orders;
        self
    }

    /// And this does not end when the runtime closes.
    pub(crate) fn loses<S: Into<String>>(mut self, lost: impl IntoIterator<Item = S>) -> Row {
        self.lost = lost.into_iter().map(Into::into).collect();
        self
    }

    /// What went differently.
    fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        let mut expect = |what: &str, seen: String, wanted: &str| {
            if seen != wanted {
                failures.push(format!("{}: {what}\n    is     {seen}\n    wanted {wanted}", self.what));
            }
        };
        let stage = Stage::new(self.engine, self.bundle);
        expect("the answer", (self.act)(&stage), &self.says);
        expect("the neighbours", stage.others_go_on(), "3, hello");
        let lost = stage.close(self.lost.is_empty());
        expect("lost", lost.join("; "), &self.lost.join("; "));
        failures
    }
}

/// How long a row may take before it counts as one that hangs.
const LIMIT: Duration = SAFETY_NET.saturating_mul(3);

/// Acts on a thread of its own, as long as it does not take too long.
///
/// # Errors
/// In words, when it panicked or hangs.
fn try_in_time<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    let (done, ended) = channel();
    let acting = thread::spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = done.send(act());
    });
    ended.recv_timeout(LIMIT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("{what}: hangs"),
        RecvTimeoutError::Disconnected => {
            let _ = acting.join();
            format!("{what}: panicked, as shown above")
        }
    })
}

/// Acts on a thread of its own; fails when it hangs.
#[track_caller]
pub(crate) fn in_time<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    try_in_time(what, act).unwrap_or_else(|failure| panic!("{failure}"))
}

/// Acts all rows, and fails with all that went wrong.
#[track_caller]
pub(crate) fn check(rows: Vec<Row>) {
    let mut failures = Vec::new();
    for row in rows {
        let what = row.what.clone();
        match try_in_time(&what, move || row.failures()) {
            Ok(some) => failures.extend(some),
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

/// The folder with the wicked plugin: one file for all, as libraries stay open.
pub(crate) fn wicked_folder() -> &'static Folder {
    static FOLDER: OnceLock<Folder> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Folder::new();
        folder.copy(&build_standalone("wicked"));
        folder
    })
}

/// A builder's search path with the wicked plugin beside the workspace's.
pub(crate) fn with_wicked(builder: RuntimeBuilder) -> RuntimeBuilder {
    builder.plugins(SearchPath::of([plugin_folder(), wicked_folder().path()]))
}

/// Orders as a value.
pub(crate) fn map(orders: Orders) -> Value {
    Value::map(orders.iter().copied()).expect("a map")
}

/// A runtime that has the wicked plugin, and contexts that must go on.
pub(crate) struct Stage {
    pub(crate) world: World,
    /// In Lua, with a JavaScript module behind it.
    pub(crate) neighbour: ContextRef,
    behind: ContextRef,
}

impl Stage {
    pub(crate) fn new(engine: Orders, bundle: Orders) -> Stage {
        let world = World::with(|builder| {
            with_wicked(builder).engine_config("wicked", map(engine)).bundle_config("wicked", map(bundle))
        });
        let behind = world.open("adds.js", "export const add = (a, b) => a + b");
        let neighbour = world.open(
            "neighbour.lua",
            "local adds = calog.import('adds')
             return {
               sum = function(a, b) return adds.add(a, b) end,
               obey = function(object, ...) return object.obey(...) end,
               forever = function() wicked.never() end,
               wake = wicked.wake,
               open = function(path, thread)
                 local context = calog.open(path, { thread = thread })
                 context.wait()
                 return context.exports().come
               end,
               it = function(object) return object.it end,
               apply = function(f, ...) return f(...) end,
             }",
        );
        Stage { neighbour, behind, world }
    }

    /// Opens a wicked context under these orders.
    pub(crate) fn victim(&self, orders: Orders) -> ContextRef {
        self.victim_from("fine", orders, None)
    }

    /// The same with another script, perhaps on a shared thread.
    pub(crate) fn victim_from(&self, script: &str, orders: Orders, thread: Option<&str>) -> ContextRef {
        let path = self.world.write("victim.wkd", script);
        let open = Open::file(path).option("orders", map(orders));
        let open = thread.into_iter().fold(open, Open::thread);
        self.world.runtime.open(open).expect("a context")
    }

    /// The same, once its main chunk has run.
    pub(crate) fn ready_victim(&self, orders: Orders) -> ContextRef {
        let victim = self.victim(orders);
        self.world.runtime.wait_for(&victim).expect("a main chunk that runs");
        victim
    }

    /// A function of the neighbour.
    pub(crate) fn function(&self, name: &str) -> Callable {
        let Some(Value::Callable(function)) = self.neighbour.export(name) else { panic!("there is no '{name}'") };
        function
    }

    /// Has a wicked context obey, and says what it answered.
    pub(crate) fn obey(&self, victim: &ContextRef, args: &[Value]) -> String {
        said(&self.world.try_call(victim, "obey", args))
    }

    /// Waits until an entry that has a deed to do was entered.
    #[track_caller]
    pub(crate) fn wait_for_entry(&self, entry: &str) {
        self.world.wait_until(entry, || self.entered(entry) > 0);
    }

    /// How often it was.
    pub(crate) fn entered(&self, entry: &str) -> i64 {
        let count = self.world.runtime.evaluate(&self.neighbour, &format!("return wicked.entered('{entry}')"));
        count.expect("a count").view().as_int().expect("a count")
    }

    /// Whether a context lives.
    pub(crate) fn state(&self, victim: &ContextRef) -> &'static str {
        // Whatever it says to that, it has done what came before.
        let _ = self.world.runtime.evaluate(victim, "fine");
        if victim.is_closed() { "dead" } else { "alive" }
    }

    /// What was answered, pumping until it is.
    #[track_caller]
    pub(crate) fn answer(&self, asked: &Asked) -> String {
        said(&self.world.answer(asked))
    }

    /// All others go on: those that were there before, and new ones, also of the wicked engine.
    fn others_go_on(&self) -> String {
        let sum = self.world.try_call(&self.neighbour, "sum", &[1.into(), 2.into()]);
        let newcomer = self.world.start("newcomer.wkd", "fine");
        let greeting = self.world.runtime.wait_for(&newcomer);
        let greeting = greeting.and_then(|_| self.world.try_call(&newcomer, "obey", &["hello".into()]));
        let closed = self.world.runtime.close_context(&newcomer);
        if closed { format!("{}, {}", said(&sum), said(&greeting)) } else { "the newcomer does not close".into() }
    }

    /// Closes the runtime; what is lost is not waited for long.
    pub(crate) fn close(self, all_end: bool) -> Vec<String> {
        for context in [&self.neighbour, &self.behind] {
            assert!(self.world.runtime.close_context(context), "a neighbour does not close");
        }
        let limit = if all_end { CLOSE_LIMIT } else { Duration::from_millis(1) };
        self.world.runtime.close(limit).lost.iter().map(ToString::to_string).collect()
    }
}

/// A result in words.
pub(crate) fn said(result: &Result<Value, Error>) -> String {
    match result {
        Ok(Value::String(text)) => text.to_str().unwrap_or("bytes").to_owned(),
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{}: {}", error.code(), error.message()),
    }
}
