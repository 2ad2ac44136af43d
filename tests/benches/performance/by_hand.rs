//! The references: mlua and rquickjs used directly, and glued together as well as a Rust user can.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use mlua::{BString, Function as LuaFunction, Lua, LuaSerdeExt, Value as LuaValue};
use rquickjs::{Context, Ctx, Function as JsFunction, Persistent, Runtime, Value as JsValue};

use crate::loops::{JS_LOOPS, LUA_LOOPS};

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Lua alone with typed functions.
pub(crate) struct LuaAlone(Lua);

/// Lua alone, ready.
pub(crate) fn lua() -> LuaAlone {
    let lua = Lua::new();
    lua.load(LUA_LOOPS).exec().expect("the loops compile");
    let globals = lua.globals();
    let set = |name: &str, function: mlua::Result<LuaFunction>| globals.set(name, function?);
    set("f_add", lua.create_function(|_, (a, b): (i64, i64)| Ok(a + b))).expect("a global");
    set("f_text", lua.create_function(|_, text: BString| Ok(text))).expect("a global");
    set("f_list", lua.create_function(|_, list: Vec<i64>| Ok(list))).expect("a global");
    set("f_map", lua.create_function(|_, map: HashMap<String, i64>| Ok(map))).expect("a global");
    lua.load(
        "function run(kind, n)
            if kind == 'add' then return loop_add(f_add, n) end
            return loop_one(_G['f_' .. kind], _G[kind], n)
        end",
    )
    .exec()
    .expect("the runner compiles");
    LuaAlone(lua)
}

impl LuaAlone {
    pub(crate) fn run(&self, kind: &str, n: u64) -> Duration {
        let run: LuaFunction = self.0.globals().get("run").expect("the runner");
        timed(|| run.call::<()>((kind, n)).expect("a loop that runs"))
    }
}

/// JavaScript alone with typed functions.
pub(crate) struct JavaScript {
    context: Context,
}

impl JavaScript {
    pub(crate) fn new() -> JavaScript {
        let runtime = Runtime::new().expect("a runtime");
        let context = Context::full(&runtime).expect("a context");
        context.with(|ctx| {
            ctx.eval::<(), _>(format!(
                "{JS_LOOPS}
                function run(kind, f, n) {{
                    if (kind == 'add') return loopAdd(f, n)
                    loopOne(f, {{ text: theText, list: theList, map: theMap }}[kind], n)
                }}"
            ))
            .expect("the loops compile");
            set(&ctx, "f_add", JsFunction::new(ctx.clone(), |a: i32, b: i32| a.wrapping_add(b)));
            set(&ctx, "f_text", JsFunction::new(ctx.clone(), |text: String| text));
            set(&ctx, "f_list", JsFunction::new(ctx.clone(), |list: Vec<i32>| list));
            set(&ctx, "f_map", JsFunction::new(ctx.clone(), |map: HashMap<String, i32>| map));
        });
        JavaScript { context }
    }

    pub(crate) fn run(&self, kind: &str, n: u64) -> Duration {
        self.context.with(|ctx| {
            let run: JsFunction<'_> = ctx.globals().get("run").expect("the runner");
            let function: JsFunction<'_> = ctx.globals().get(format!("f_{kind}")).expect("the function");
            timed(|| run.call::<_, ()>((kind, function, n as f64)).expect("a loop that runs"))
        })
    }
}

fn set<'js>(ctx: &Ctx<'js>, name: &str, function: rquickjs::Result<JsFunction<'js>>) {
    ctx.globals().set(name, function.expect("a function")).expect("a global");
}

/// Both engines on one thread, glued by hand with dynamic values.
pub(crate) struct Glue {
    lua: Lua,
    context: Context,
}

impl Glue {
    pub(crate) fn new() -> Glue {
        let lua = Lua::new();
        lua.load(LUA_LOOPS).exec().expect("the loops compile");
        lua.load("function add_two(a, b) return a + b end").exec().expect("a function");
        let runtime = Runtime::new().expect("a runtime");
        let context = Context::full(&runtime).expect("a context");
        context.with(|ctx| {
            ctx.eval::<(), _>(format!("{JS_LOOPS}\nfunction addTwo(a, b) {{ return a + b }}")).expect("the loops");
        });
        Glue { lua, context }
    }

    pub(crate) fn lua_to_javascript(&self, n: u64) -> Duration {
        self.context.with(|ctx| {
            let add: JsFunction<'_> = ctx.globals().get("addTwo").expect("a function");
            self.lua
                .scope(|scope| {
                    let glued = scope.create_function(|lua, args: mlua::MultiValue| {
                        let mut given = rquickjs::function::Args::new(ctx.clone(), args.len());
                        for value in &args {
                            given.push_arg(to_js(&ctx, value)).expect("an argument");
                        }
                        let result: JsValue<'_> = add.call_arg(given).expect("a result");
                        Ok(to_lua(lua, &result))
                    })?;
                    let run: LuaFunction = self.lua.globals().get("loop_add")?;
                    Ok(timed(|| run.call::<()>((glued, n)).expect("a loop that runs")))
                })
                .expect("a scope")
        })
    }

    pub(crate) fn javascript_to_lua(&self, n: u64) -> Duration {
        let add: LuaFunction = self.lua.globals().get("add_two").expect("a function");
        let lua = self.lua.clone();
        self.context.with(|ctx| {
            let glued =
                JsFunction::new(ctx.clone(), move |ctx: Ctx<'_>, args: rquickjs::function::Rest<JsValue<'_>>| {
                    let given: mlua::MultiValue = args.0.iter().map(|value| to_lua(&lua, value)).collect();
                    let result: LuaValue = add.call(given).expect("a result");
                    Persistent::save(&ctx, to_js(&ctx, &result))
                })
                .expect("a function");
            let run: JsFunction<'_> = ctx.globals().get("loopAdd").expect("the loop");
            timed(|| run.call::<_, ()>((glued, n as f64)).expect("a loop that runs"))
        })
    }

    /// What it costs at least: a walk over the table through Lua's C interface, and JavaScript making
    /// the same objects itself; then the same reading.
    pub(crate) fn walk_and_build(&self, n: u64) -> Duration {
        let records: mlua::Table = self.lua.globals().get("records").expect("the records");
        self.context.with(|ctx| {
            let build: JsFunction<'_> = ctx.globals().get("build").expect("a function");
            let sum: JsFunction<'_> = ctx.globals().get("sum").expect("a function");
            timed(|| {
                for _ in 0..n {
                    std::hint::black_box(crate::by_hand::walk(&self.lua, &records));
                    let built: JsValue<'_> = build.call(()).expect("records");
                    let _: f64 = sum.call((built,)).expect("a sum");
                }
            })
        })
    }

    pub(crate) fn through_json(&self, n: u64) -> Duration {
        let records: LuaValue = self.lua.globals().get("records").expect("the records");
        self.context.with(|ctx| {
            let sum: JsFunction<'_> = ctx.globals().get("sum").expect("a function");
            timed(|| {
                for _ in 0..n {
                    let data: serde_json::Value = self.lua.from_value(records.clone()).expect("data");
                    let text = serde_json::to_string(&data).expect("text");
                    let parsed = ctx.json_parse(text).expect("records");
                    let _: f64 = sum.call((parsed,)).expect("a sum");
                }
            })
        })
    }
}

fn to_js<'js>(ctx: &Ctx<'js>, value: &LuaValue) -> JsValue<'js> {
    match value {
        LuaValue::Boolean(it) => JsValue::new_bool(ctx.clone(), *it),
        LuaValue::Integer(it) => match i32::try_from(*it) {
            Ok(small) => JsValue::new_int(ctx.clone(), small),
            Err(_) => JsValue::new_float(ctx.clone(), *it as f64),
        },
        LuaValue::Number(it) => JsValue::new_float(ctx.clone(), *it),
        LuaValue::String(it) => {
            let text = it.to_str().expect("text");
            rquickjs::String::from_str(ctx.clone(), &text).expect("a string").into_value()
        }
        _ => JsValue::new_null(ctx.clone()),
    }
}

fn to_lua(lua: &Lua, value: &JsValue<'_>) -> LuaValue {
    if let Some(it) = value.as_int() {
        return LuaValue::Integer(it.into());
    }
    if let Some(it) = value.as_float() {
        return LuaValue::Number(it);
    }
    if let Some(it) = value.as_bool() {
        return LuaValue::Boolean(it);
    }
    match value.as_string() {
        Some(it) => LuaValue::String(lua.create_string(it.to_string().expect("text")).expect("a string")),
        None => LuaValue::Nil,
    }
}

/// Walks a table through the raw C interface and adds up what it sees, so that nothing is skipped.
fn walk(lua: &Lua, table: &mlua::Table) -> u64 {
    use mlua::ffi;
    use std::ffi::c_int;

    /// # Safety
    /// The value at `index` is a table, and the stack is that of a running call.
    unsafe fn walk_table(state: *mut ffi::lua_State, index: c_int, seen: &mut u64) {
        // SAFETY: `lua_next` leaves key and value, which are read and popped; `checkstack` makes room.
        unsafe {
            ffi::lua_checkstack(state, 4);
            let index = ffi::lua_absindex(state, index);
            ffi::lua_pushnil(state);
            while ffi::lua_next(state, index) != 0 {
                for at in [-2, -1] {
                    match ffi::lua_type(state, at) {
                        ffi::LUA_TNUMBER if ffi::lua_isinteger(state, at) != 0 => {
                            *seen = seen.wrapping_add(ffi::lua_tointeger(state, at) as u64);
                        }
                        ffi::LUA_TNUMBER => *seen = seen.wrapping_add(ffi::lua_tonumber(state, at) as u64),
                        ffi::LUA_TSTRING => {
                            let mut length = 0;
                            let bytes = ffi::lua_tolstring(state, at, &mut length).cast::<u8>();
                            *seen = seen.wrapping_add(length as u64 + u64::from(*bytes));
                        }
                        ffi::LUA_TTABLE => walk_table(state, at, seen),
                        _ => {}
                    }
                }
                ffi::lua_settop(state, -2);
            }
        }
    }

    let mut seen = 0;
    // SAFETY: the closure leaves the stack as it found it, but for the argument, which mlua pops.
    unsafe { lua.exec_raw::<()>(table.clone(), |state| walk_table(state, 1, &mut seen)).expect("a walk") };
    seen
}
