//! BASIC against Lua, each by itself: the same loop and the same recursion in both.

use std::time::{Duration, Instant};

use calog::{ContextRef, Open, Runtime, SearchPath, Value};
use calog_tests::plugin_folder;
use mlua::{Function, Lua};

/// How far the loop counts.
const ADDITIONS: i64 = 10_000_000;

/// Which Fibonacci number is computed without wits: some 800,000 calls.
const FIBONACCI: i64 = 27;

const BASIC: &str = "
    DEF loop(n)
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
    calog.export(\"loop\", loop)
    calog.export(\"fib\", fib)
";

const LUA: &str = "
    function loop(n)
        local sum = 0
        for i = 1, n do
            sum = sum + i
        end
        return sum
    end
    local function fib(n)
        if n < 2 then return n end
        return fib(n - 1) + fib(n - 2)
    end
    _G.fib = fib
";

/// What is done in both, with its argument and its result.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    Loop,
    Recursion,
}

impl Work {
    fn parts(self) -> (&'static str, i64, i64) {
        match self {
            Work::Loop => ("loop", ADDITIONS, ADDITIONS * (ADDITIONS + 1) / 2),
            Work::Recursion => ("fib", FIBONACCI, 196_418),
        }
    }
}

/// A BASIC context, and Lua alone.
pub(crate) struct Contest {
    runtime: Runtime,
    basic: ContextRef,
    lua: Lua,
}

impl Contest {
    pub(crate) fn new() -> Contest {
        let runtime = Runtime::builder().plugins(SearchPath::of([plugin_folder()])).build().expect("a runtime");
        let basic = runtime.open(Open::source("basic", BASIC).name("basic")).expect("a context");
        runtime.wait_for(&basic).expect("a sound program");
        let lua = Lua::new();
        lua.load(LUA).exec().expect("a sound program");
        Contest { runtime, basic, lua }
    }

    pub(crate) fn basic(&self, work: Work, times: u64) -> Duration {
        let (name, argument, wanted) = work.parts();
        let start = Instant::now();
        for _ in 0..times {
            let found = self.runtime.call_export(&self.basic, name, &[argument.into()]);
            assert_eq!(found, Ok(Value::Int(wanted)));
        }
        start.elapsed()
    }

    pub(crate) fn lua(&self, work: Work, times: u64) -> Duration {
        let (name, argument, wanted) = work.parts();
        let function: Function = self.lua.globals().get(name).expect("a function");
        let start = Instant::now();
        for _ in 0..times {
            assert_eq!(function.call::<i64>(argument).expect("it runs"), wanted);
        }
        start.elapsed()
    }
}
