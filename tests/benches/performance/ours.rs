//! Our side: contexts on one thread, natives through the ABI, timed inside the thread.

use std::path::Path;
use std::time::{Duration, Instant};

use calog::plugin_api::Function;
use calog::{ContextRef, Open, Runtime, SearchPath, Value};

use crate::loops::{JS_LOOPS, LUA_LOOPS};

/// A runtime with a Lua and a JavaScript context on one thread.
pub(crate) struct Ours {
    runtime: Runtime,
    lua: ContextRef,
    javascript: ContextRef,
}

impl Ours {
    /// Over the plugins of this folder.
    pub(crate) fn over(plugins: &Path) -> Ours {
        let runtime = Runtime::builder()
            .plugins(SearchPath::of([plugins]))
            .inline_native(Function::new("bench.add", |a: i64, b: i64| a.wrapping_add(b)))
            .inline_native(Function::new("bench.echo", |value: Value| value))
            .build()
            .expect("a runtime over the workspace's plugins");
        let open = |engine: &str, text: String| {
            let context = runtime.open(Open::source(engine, text).name(engine).thread("bench")).expect("a context");
            runtime.wait_for(&context).unwrap_or_else(|error| panic!("{engine}: {error:?}"));
            context
        };
        let lua = open(
            "lua",
            format!(
                "{LUA_LOOPS}
                local echo, add_native = bench.echo, bench.add
                return {{
                    add = function(n) return loop_add(add_native, n) end,
                    text = function(n) return loop_one(echo, text, n) end,
                    list = function(n) return loop_one(echo, list, n) end,
                    map = function(n) return loop_one(echo, map, n) end,
                    add_two = function(a, b) return a + b end,
                    call = function(f, n) return loop_add(f, n) end,
                    records = function(f, n) for i = 1, n do f(records) end end,
                }}"
            ),
        );
        let javascript = open(
            "javascript",
            format!(
                "{JS_LOOPS}
                const echo = bench.echo, addNative = bench.add
                export function add(n) {{ return loopAdd(addNative, n) }}
                export function text(n) {{ return loopOne(echo, theText, n) }}
                export function list(n) {{ return loopOne(echo, theList, n) }}
                export function map(n) {{ return loopOne(echo, theMap, n) }}
                export function addTwo(a, b) {{ return a + b }}
                export function call(f, n) {{ return loopAdd(f, n) }}
                export {{ sum }}"
            ),
        );
        Ours { runtime, lua, javascript }
    }

    fn timed(&self, context: &ContextRef, name: &str, args: &[Value]) -> Duration {
        let start = Instant::now();
        self.runtime.call_export(context, name, args).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        start.elapsed()
    }

    fn count(n: u64) -> Value {
        Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
    }

    pub(crate) fn lua(&self, kind: &str, n: u64) -> Duration {
        self.timed(&self.lua, kind, &[Ours::count(n)])
    }

    pub(crate) fn javascript(&self, kind: &str, n: u64) -> Duration {
        self.timed(&self.javascript, kind, &[Ours::count(n)])
    }

    pub(crate) fn lua_to_javascript(&self, n: u64) -> Duration {
        let add = self.javascript.export("addTwo").expect("an export");
        self.timed(&self.lua, "call", &[add, Ours::count(n)])
    }

    pub(crate) fn javascript_to_lua(&self, n: u64) -> Duration {
        let add = self.lua.export("add_two").expect("an export");
        self.timed(&self.javascript, "call", &[add, Ours::count(n)])
    }

    pub(crate) fn records(&self, n: u64) -> Duration {
        let sum = self.javascript.export("sum").expect("an export");
        self.timed(&self.lua, "records", &[sum, Ours::count(n)])
    }
}
