//! What is counted: everything of `docs/performance.md` that happens on one thread.

use std::path::Path;

use calog::{Open, Runtime, SearchPath, Value};

use crate::ours::Ours;

/// A row. Between `few` and `many` rounds lies what is counted; `few` is enough to be warm.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) few: u64,
    pub(crate) many: u64,
    pub(crate) run: fn(&Path, u64),
}

/// Cheap things.
const fn calls(name: &'static str, run: fn(&Path, u64)) -> Row {
    Row { name, few: 10_000, many: 210_000, run }
}

/// Things that take thousands of instructions each.
const fn dear(name: &'static str, run: fn(&Path, u64)) -> Row {
    Row { name, few: 200, many: 5_200, run }
}

/// All of them.
pub(crate) const ROWS: [Row; 16] = [
    calls("P1 Lua calls a native: add(int, int)", |plugins, n| lua(plugins, "add", n)),
    calls("P2 Lua calls a native: a string of 32 bytes", |plugins, n| lua(plugins, "text", n)),
    dear("P2 Lua calls a native: a list of 100 ints", |plugins, n| lua(plugins, "list", n)),
    dear("P2 Lua calls a native: a map of 20 entries", |plugins, n| lua(plugins, "map", n)),
    calls("P3 JavaScript calls a native: add(int, int)", |plugins, n| javascript(plugins, "add", n)),
    calls("P3 JavaScript calls a native: a string of 32 bytes", |plugins, n| javascript(plugins, "text", n)),
    dear("P3 JavaScript calls a native: a list of 100 ints", |plugins, n| javascript(plugins, "list", n)),
    dear("P3 JavaScript calls a native: a map of 20 entries", |plugins, n| javascript(plugins, "map", n)),
    calls("P4 Lua calls JavaScript on the same thread", |plugins, n| {
        Ours::over(plugins).lua_to_javascript(n);
    }),
    calls("P4 JavaScript calls Lua on the same thread", |plugins, n| {
        Ours::over(plugins).javascript_to_lua(n);
    }),
    Row {
        name: "P6 10,000 maps of 5 fields, Lua to JavaScript",
        few: 2,
        many: 6,
        run: |plugins, n| {
            Ours::over(plugins).records(n);
        },
    },
    calls("Squirrel calls a native: add(int, int)", squirrel),
    calls("BASIC calls a native: add(int, int)", basic),
    calls("B1 BASIC: one addition of a loop", |plugins, n| basic_alone(plugins, "count", n)),
    Row { name: "B2 BASIC: fib(16)", few: 2, many: 102, run: |plugins, n| basic_alone(plugins, "fibs", n) },
    calls("P7 a list of 100,000 ints handed on", handed_on),
];

fn lua(plugins: &Path, kind: &str, n: u64) {
    Ours::over(plugins).lua(kind, n);
}

fn javascript(plugins: &Path, kind: &str, n: u64) {
    Ours::over(plugins).javascript(kind, n);
}

const SQUIRREL: &str = "
    local add = bench.add
    return { run = function(n) { local sum = 0; for (local i = 0; i < n; i++) sum = add(i, 1); return sum } }
";

const BASIC: &str = "
    DEF run(n)
        VAR sum = 0
        FOR i = 1 TO n
            sum = bench.add(i, 1)
        NEXT
        RETURN sum
    ENDDEF
    DEF count(n)
        VAR sum = 0
        FOR i = 1 TO n
            sum = sum + i
        NEXT
        RETURN sum
    ENDDEF
    DEF fib(n)
        IF n < 2 THEN RETURN n
        RETURN fib(n - 1) + fib(n - 2)
    ENDDEF
    DEF fibs(n)
        VAR sum = 0
        FOR i = 1 TO n
            sum = fib(16)
        NEXT
        RETURN sum
    ENDDEF
    calog.export(\"run\", run)
    calog.export(\"count\", count)
    calog.export(\"fibs\", fibs)
";

fn squirrel(plugins: &Path, n: u64) {
    call(plugins, ("squirrel", SQUIRREL), "run", n);
}

fn basic(plugins: &Path, n: u64) {
    call(plugins, ("basic", BASIC), "run", n);
}

fn basic_alone(plugins: &Path, name: &str, n: u64) {
    call(plugins, ("basic", BASIC), name, n);
}

fn call(plugins: &Path, (engine, text): (&str, &str), name: &str, n: u64) {
    let add = calog::Function::new("bench.add", |a: i64, b: i64| a.wrapping_add(b));
    let runtime = Runtime::builder().plugins(SearchPath::of([plugins])).inline_native(add).build();
    let runtime = runtime.expect("a runtime over the workspace's plugins");
    let context = runtime.open(Open::source(engine, text)).expect("a context");
    runtime.wait_for(&context).unwrap_or_else(|error| panic!("{engine}: {error:?}"));
    let count = Value::Int(i64::try_from(n).unwrap_or(i64::MAX));
    runtime.call_export(&context, name, &[count]).unwrap_or_else(|error| panic!("{engine}: {error:?}"));
}

/// From one holder to the next, as through natives: nothing of it is read.
fn handed_on(_: &Path, n: u64) {
    let mut list = Value::list(0..100_000_i64).expect("a list");
    for _ in 0..n {
        list = std::hint::black_box(list.view().to_value());
    }
}
