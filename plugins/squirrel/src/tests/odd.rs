//! Everything in Squirrel's library, called with everything: it may fail, and must end, and harm nothing.
//!
//! What is called with what follows from a seed. `CALOG_SQUIRREL_ROUNDS` asks for more rounds, which
//! is worth while under AddressSanitizer; `CALOG_SQUIRREL_SEED` begins with another seed than 0.

use std::time::{Duration, Instant};

use calog_plugin_api::prelude::*;

use super::{Opened, on_usual_stack};

/// Values of every kind, and all functions of the library; `roll(n)` gives a number below n.
const PROLOGUE: &str = r##"
local state = SEED
local function roll(n) {
    state = state * 6364136223846793005 + 1442695040888963407
    return ((state >> 33) & 0x7fffffff) % n
}
local function thread(f, starts) {
    local it = newthread(f)
    if (starts) it.call()
    return it
}
local values = [
    null, true, false, 0, 1, -1, 2, 255, 65, 1 << 31, 1 << 40, 9223372036854775807, -9223372036854775807 - 1,
    0.0, -0.5, 1e308, 0.0 / 0.0, 1.0 / 0.0, 1e18, "", "a", "b", "a\x00b", "\xff\xfe", "%d %s %f", "%-99.99f%c", "(a+)+$", "[a-z]*|b",
    "return 1", "function f( {", "this is a longer text with several words in it", ",", "constructor", "_get",
    [], [1, 2, 3], ["b", "a", null, 1.5], array(40, "x"), {}, { a = 1, b = [2] },
    {}.setdelegate({ _get = @(k) 1, _set = @(k, v) v, _tostring = @() "t", _cmp = @(o) 0, _add = @(o) this, _call = @(...) 3 }),
    @() 1, @(a) a, @(a, b) a <=> b, @(a, b, c) c, @(...) vargv, @(a, b = 2, c = 3, d = 4, e = 5) e,
    function(x) { throw x }, function(x) { yield x; yield 2 }, function(...) { collectgarbage(); return vargv },
    class {}, class { x = 1; constructor(...) {} function _tostring() { return "c" } static y = 2 }, blob, regexp, file, stream,
    blob(8), blob(0), blob.instance(), regexp("a+(b)?"), regexp.instance(), file("/dev/null", "r"), file.instance(),
    thread(@() 1, true), thread(@(...) ::suspend(1), false), thread(function(...) { local x = ::suspend(1); return ::suspend(x) }, true),
    thread(function(...) { [1].map(@(x) ::suspend(x)) }, false),
    (function() { yield 1 })(), [1].weakref(), "s".weakref(), test.counter(), test.add, test.counter().add, test.later, test.id,
    getroottable(), getconsttable(),
]
local shrinks = values[36]
local functions = [
    assert, print, error, compilestring, newthread, suspend, array, type, callee, dummy, collectgarbage,
    resurrectunreachable, getroottable, getconsttable, getstackinfos, enabledebuginfo,
    format, printf, strip, lstrip, rstrip, split, escape, startswith, endswith,
    abs, sin, sqrt, pow, floor, rand, srand, fabs, exp, log, atan2,
    casti2f, castf2i, swap2, swap4, swapfloat, getenv, clock, time, date,
    blob, regexp, test.id, test.show, test.later, test.call,
]
foreach (it in [blob, regexp, file, stream]) foreach (name, f in it) if (typeof f == "function") functions.append(f)
foreach (owner in [[], {}, "", 1, 1.0, @() 1, class {}, (class {})(), newthread(@() 1), (function() { yield 1 })(), [].weakref()])
    foreach (name in ["len", "append", "extend", "push", "pop", "top", "insert", "remove", "resize", "reverse", "sort", "slice",
            "weakref", "tostring", "clear", "map", "apply", "reduce", "filter", "find", "rawget", "rawset", "rawdelete", "rawin",
            "setdelegate", "getdelegate", "keys", "values", "tointeger", "tofloat", "tochar", "tolower", "toupper", "call", "pcall",
            "acall", "pacall", "bindenv", "getinfos", "getroot", "getstatus", "wakeup", "wakeupthrow", "getstackinfos",
            "getattributes", "setattributes", "instance", "getbase", "newmember", "rawnewmember", "getclass", "ref"])
        try { functions.append(owner[name]) } catch (e) {}
local function value() { return values[roll(values.len())] }
"##;

/// Calls of one function after another, and operations in between.
const CALLS: &str = r##"
local failed = 0
for (local i = 0; i < 60; i++) {
    local args = [value()]
    for (local n = roll(5); n > 0; n--) args.append(value())
    local f = functions[roll(functions.len())]
    try {
        local result = f.acall(args)
        if (typeof result != "null" && values.len() < 200) values.append(result)
    } catch (e) { failed++ }
    local a = value(), b = value()
    try {
        switch (roll(24)) {
            case 0: a + b; break
            case 1: a <=> b; break
            case 2: a[b]; break
            case 3: a[b] = value(); break
            case 4: a[b] <- value(); break
            case 5: delete a[b]; break
            case 6: local n = 0; foreach (k, v in a) { if (n++ > 20) break; a.clear() } break
            case 7: clone a; break
            case 8: a(b); break
            case 9: a in b; break
            case 10: a instanceof b; break
            case 11: "" + a + b; break
            case 12: -a; break
            case 13: a % b; break
            case 14: a << b; break
            case 15: a[b] += value(); break
            case 16: a[b]++; break
            case 17: resume a; break
            case 18: typeof a; break
            case 19: (class extends a { z = 1 })(b); break
            case 20: a.b(b); break
            case 21: local n = 0; foreach (v in a) { if (n++ > 20) break; values.append(v) } break
            case 22: throw a
            case 23: a / b; break
        }
    } catch (e) { failed++ }
    // What became large is forgotten.
    for (local n = values.len() - 1; n >= 0; n--)
        if ((typeof values[n] == "array" || typeof values[n] == "string") && values[n].len() > 10000) values[n] = null
}
// Only the collector finds this, or closing, and only if it still knows all objects.
local circle = {}
circle.circle <- circle
return failed
"##;

/// Tokens, of which programs are made that mean nothing.
const TOKENS: &str = "a b f this null 1 0x7f 2.5 \"s\" @\"v\" 'c' ( ) [ ] { } ( ) [ ] { } , ; \n . .. ... :: : ? = == != < > <= >= <=> \
    <- + - * / % ++ -- += -= && || ! ~ & | ^ << >> >>> if else for foreach in while do break continue return function local const enum \
    class extends constructor static try catch throw yield resume clone delete typeof instanceof switch case default @ base true false \
    rawcall vargv </ /> /* */ // __LINE__ __FILE__";

fn rounds(usual: u64) -> u64 {
    number("CALOG_SQUIRREL_ROUNDS").unwrap_or(usual)
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn the_library_stands_any_call() {
    on_usual_stack(|| {
        let mut ends = 0;
        let first = number("CALOG_SQUIRREL_SEED").unwrap_or(0);
        for seed in first..first + rounds(150) {
            let opened = Opened::new();
            opened.context.set_memory_limit(64 << 20);
            let began = Instant::now();
            let code = format!("{}{CALLS}", PROLOGUE.replace("SEED", &format!("{}", seed * 7919 + 1)));
            match opened.run(&code) {
                Ok(_) => ends += 1,
                Err(error) => assert!(matches!(error.code(), Code::Limit | Code::Depth), "seed {seed}: {error:?}"),
            }
            assert!(began.elapsed() < Duration::from_secs(30), "seed {seed} takes for ever");
            assert_eq!(opened.run("return 1"), Ok(Value::Int(1)), "seed {seed}");
            let shared = opened.context.core().shared.clone();
            drop(opened);
            assert_eq!(shared.used(), 0, "seed {seed}: bytes that nobody freed");
        }
        assert!(ends > 0 || first > 0, "some come to their end");
    });
}

#[test]
fn the_compiler_stands_any_text() {
    on_usual_stack(|| {
        let opened = Opened::new();
        let tokens: Vec<_> = TOKENS.split(' ').collect();
        let mut state = 20_260_102_u64;
        let mut compiled = 0;
        for _ in 0..rounds(150) * 20 {
            let mut roll = |sides: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % sides
            };
            let text: Vec<_> = (0..1 + roll(30)).map(|_| tokens[roll(tokens.len())]).collect();
            compiled += u32::from(opened.load(SourceMode::Check, "odd.nut", "", &text.join(" ")).is_ok());
        }
        assert!(compiled > 0, "some are programs");
        assert_eq!(opened.run("return 1"), Ok(Value::Int(1)));
    });
}
