//! Code that never ends by itself and does not let go when it is interrupted once, as data: what interrupts
//! get through to in each language, and what is lost.

use crate::Language;

/// A sort of endless code, and the statements that are it. They may stand in a main chunk or a function.
pub type Endless = (&'static str, &'static str);

/// Code that an interrupt ends.
pub fn endless(language: &Language) -> &'static [Endless] {
    match language.name {
        "lua" => LUA,
        "javascript" => JAVASCRIPT,
        "squirrel" => SQUIRREL,
        "basic" => BASIC,
        other => panic!("{other}: say here how its code never ends"),
    }
}

/// Code that runs in the language's own natives and looks at nothing: its context is lost.
pub fn deaf(language: &Language) -> &'static [Endless] {
    match language.name {
        "javascript" => DEAF_JAVASCRIPT,
        // Whatever was found has been mended.
        "lua" | "squirrel" | "basic" => &[],
        other => panic!("{other}: say here what no interrupt ends"),
    }
}

/// A script that says that it has begun and then is this code, which it exports as `run` if it is to be
/// called.
pub fn script(language: &Language, code: &str, in_call: bool) -> String {
    // A class stands for itself.
    let (before, code) = match code.split_once("ENDCLASS\n") {
        Some((class, code)) => (format!("{class}ENDCLASS\n"), code),
        None => (String::new(), code),
    };
    let code = format!("gate.note(\"begun\")\n{code}");
    match (language.name, in_call) {
        (_, false) => format!("{before}{code}"),
        ("lua", true) => format!("return {{ run = function() {code} end }}"),
        ("javascript", true) if code.contains("await") => format!("export async function run() {{ {code} }}"),
        ("javascript", true) => format!("export function run() {{ {code} }}"),
        ("squirrel", true) => format!("return {{ run = function() {{ {code} }} }}"),
        ("basic", true) => format!("{before}calog.export(\"run\", LAMBDA () ({code}))"),
        (other, true) => panic!("{other}: say here what a function is"),
    }
}

const LUA: &[Endless] = &[
    ("plain", "while true do end"),
    ("calls", "local function f() end while true do f() end"),
    ("protected", "while true do pcall(function() while true do end end) end"),
    ("protected calls", "while true do pcall(error, 'x') end"),
    ("handler", "while true do xpcall(function() while true do end end, function(e) while true do end end) end"),
    ("natives", "while true do calog.self() end"),
    ("coroutine", "while true do coroutine.wrap(function() while true do end end)() end"),
    ("coroutines", "while true do pcall(coroutine.wrap(function() while true do coroutine.yield() end end)) end"),
    ("resumed", "while true do coroutine.resume(coroutine.create(function() while true do end end)) end"),
    ("mad comparator", "while true do pcall(table.sort, { 3, 1, 2 }, function() while true do end end) end"),
    (
        "metamethod",
        "local t = setmetatable({}, { __index = function() while true do end end }) while true do pcall(function() return t.x end) end",
    ),
    (
        "closing variable",
        "while true do pcall(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) error('x') end) end",
    ),
    ("finaliser", "setmetatable({}, { __gc = function() while true do end end }) while true do collectgarbage() end"),
    ("gsub", "while true do pcall(string.gsub, ('x'):rep(1000), 'x', function() while true do end end) end"),
    ("iterator", "for _ in function() return 1 end do end"),
    ("recursion", "local function f() pcall(f) f() end while true do pcall(f) end"),
    ("goto", "::again:: goto again"),
    ("pattern", "while true do pcall(string.find, ('a'):rep(60), ('a?'):rep(60) .. ('a'):rep(60)) end"),
    ("lazy pattern", "while true do pcall(string.match, ('a'):rep(3000), ('.-'):rep(30) .. 'b') end"),
    ("gmatch", "while true do pcall(function() for _ in ('a'):rep(3000):gmatch(('.-'):rep(30) .. 'b') do end end) end"),
    ("pattern of gsub", "while true do pcall(string.gsub, ('a'):rep(3000), ('a*'):rep(30) .. 'b', '') end"),
    ("pattern in a coroutine", "while true do coroutine.wrap(string.find)(('a'):rep(3000), ('a*'):rep(30) .. 'b') end"),
    (
        "plain search",
        "local a, b = ('a'):rep(2000000), ('a'):rep(1000000) .. 'b' while true do pcall(string.find, a, b, 1, true) end",
    ),
    ("move", "while true do pcall(table.move, {}, 1, math.maxinteger - 1, 2) end"),
    (
        "insert",
        "local t = setmetatable({}, { __len = function() return math.maxinteger - 1 end }) while true do pcall(table.insert, t, 1, 1) end",
    ),
    (
        "remove",
        "local t = setmetatable({}, { __len = function() return math.maxinteger - 1 end }) while true do pcall(table.remove, t, 1) end",
    ),
    (
        "comparator that lies",
        "local t = {} for i = 1, 1000 do t[i] = i end while true do pcall(table.sort, t, function() return math.random() < 0.5 end) end",
    ),
    (
        "native comparator",
        "local t = {} for i = 1, 300000 do t[i] = i end while true do pcall(table.sort, t, rawequal) end",
    ),
    (
        "finaliser of a finaliser",
        "local function f() setmetatable({}, { __gc = function() f() while true do end end }) end f() while true do collectgarbage() end",
    ),
    (
        "finalisers at the end",
        "held = {} for i = 1, 5 do held[i] = setmetatable({}, { __gc = function() while true do pcall(function() while true do end end) end end }) end while true do end",
    ),
    (
        "pattern at the end",
        "held = setmetatable({}, { __gc = function() string.find(('a'):rep(60), ('a?'):rep(60) .. ('a'):rep(60)) end }) while true do end",
    ),
];

const JAVASCRIPT: &[Endless] = &[
    ("plain", "while (true) {}"),
    ("calls", "const f = () => {}; while (true) f()"),
    ("caught", "while (true) { try { while (true) {} } catch (e) {} }"),
    ("finally", "while (true) { try { while (true) {} } finally { continue } }"),
    ("natives", "while (true) calog.self()"),
    ("comparator", "while (true) { try { [3, 1, 2].sort(() => { while (true) {} }) } catch {} }"),
    ("getter", "const o = { get x() { while (true) {} } }; while (true) { try { o.x } catch {} }"),
    ("regular expression", "while (true) { try { /^(a+)+$/.test('a'.repeat(50) + 'b') } catch {} }"),
    ("microtasks", "const again = () => Promise.resolve().then(again); again()"),
    ("async", "const f = async () => { while (true) { try { await null } catch {} } }; f()"),
    (
        "async and loops",
        "const f = async () => { for (;;) { await null; try { for (;;) {} } finally { continue } } }; f()",
    ),
    ("generator", "function* g() { while (true) { try { yield 1 } finally { continue } } } for (const x of g()) {}"),
    ("recursion", "const f = () => { try { f() } catch {} f() }; while (true) { try { f() } catch {} }"),
    (
        "proxy",
        "const p = new Proxy({}, { has: () => { while (true) {} } }); while (true) { try { 'x' in p } catch {} }",
    ),
    ("json", "while (true) { try { JSON.stringify({ toJSON() { while (true) {} } }) } catch {} }"),
    (
        "comparator that lies",
        "const l = Array.from({ length: 1000 }, (_, i) => i); while (true) l.sort(() => Math.random() - 0.5)",
    ),
    (
        "comparator of a typed array",
        "while (true) { try { new Int8Array(9).sort(() => { while (true) {} }) } catch {} }",
    ),
    ("lazy regular expression", "while (true) { try { ('a'.repeat(3000)).match(/a*?a*?a*?a*?a*?a*?b/) } catch {} }"),
    ("replace", "while (true) { try { 'a'.repeat(3000).replace(/(a*)*b/g, '') } catch {} }"),
    ("split", "while (true) { try { 'a'.repeat(3000).split(/(a*)*b/) } catch {} }"),
    (
        "finaliser",
        "const r = new FinalizationRegistry(() => { while (true) {} }); while (true) { r.register({}, 1); await null }",
    ),
    ("iterator", "const i = { next: () => ({ done: false }) }; for (const x of { [Symbol.iterator]: () => i }) {}"),
    ("array from", "while (true) { try { Array.from({ length: 2 ** 32 - 1 }, () => { while (true) {} }) } catch {} }"),
    ("long nothing", "while (true) { try { Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1) } catch {} }"),
    ("reduce", "while (true) { try { Array.prototype.reduce.call({ length: 2 ** 53 - 1 }, () => 0) } catch {} }"),
];

const SQUIRREL: &[Endless] = &[
    ("plain", "while (true) {}"),
    ("calls", "local f = function() {}; while (true) f()"),
    ("caught", "while (true) { try { while (true) {} } catch (e) {} }"),
    ("thrown", "while (true) { try { throw 1 } catch (e) {} }"),
    ("natives", "while (true) calog.self()"),
    ("comparator", "while (true) { try { [3, 1, 2].sort(function(a, b) { while (true) {} }) } catch (e) {} }"),
    (
        "metamethod",
        "local t = {}.setdelegate({ _get = function(k) { while (true) {} } }); while (true) { try { t.x } catch (e) {} }",
    ),
    (
        "regular expression",
        "local t = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\"; while (true) regexp(\"(a+)+$\").match(t)",
    ),
    ("generator", "foreach (x in (function() { while (true) yield 1 })()) {}"),
    ("thread", "while (true) newthread(function() { while (true) {} }).call()"),
    ("threads", "local t = newthread(function() { while (true) ::suspend(1) }); t.call(); while (true) t.wakeup()"),
    (
        "recursion",
        "local f; f = function() { try { f() } catch (e) {} f() }; while (true) { try { f() } catch (e) {} }",
    ),
    ("do", "do {} while (true)"),
    ("for", "for (;;) {}"),
    ("garbage", "while (true) { local t = {}; t.t <- t; collectgarbage() }"),
    (
        "comparator that lies",
        "local l = array(1000, 1); while (true) try { l.sort(@(a, b) rand() % 3 - 1) } catch (e) {}",
    ),
    ("search", "local t = \"a\"; for (local i = 0; i < 9; i++) t += t; while (true) regexp(\"(a*)*b\").search(t)"),
    (
        "capture",
        "local t = \"a\"; for (local i = 0; i < 9; i++) t += t; while (true) regexp(\"(a+)+$\").capture(t + \"b\")",
    ),
    ("map", "while (true) try { [1].map(function(x) { while (true) {} }) } catch (e) {}"),
    (
        "error handler",
        "seterrorhandler(function(e) { while (true) {} }); while (true) try { throw 1 } catch (e) { while (true) {} }",
    ),
];

const BASIC: &[Endless] = &[
    ("plain", "WHILE TRUE : WEND"),
    ("until", "DO : UNTIL FALSE"),
    ("for", "FOR i = 1 TO 2 STEP 0 : NEXT"),
    ("range", "FOR i IN LIST(1 TO 9223372036854775806) : NEXT"),
    ("goto", "again: GOTO again"),
    ("calls", "f = LAMBDA () () : WHILE TRUE : f() : WEND"),
    ("caught", "WHILE TRUE : TRY : WHILE TRUE : WEND : CATCH : ENDTRY : WEND"),
    ("raised", "WHILE TRUE : TRY : RAISE(1) : CATCH : ENDTRY : WEND"),
    ("natives", "WHILE TRUE : calog.self() : WEND"),
    (
        "recursion",
        "f = LAMBDA (f) (TRY : f(f) : CATCH : ENDTRY : f(f)) : WHILE TRUE : TRY : f(f) : CATCH : ENDTRY : WEND",
    ),
    ("sort", "l = LIST(1 TO 100000) : WHILE TRUE : SORT(CLONE(l)) : WEND"),
    ("callback", "f = LAMBDA () (WHILE TRUE : WEND) : WHILE TRUE : TRY : calog.call(f) : CATCH : ENDTRY : WEND"),
    ("garbage", "WHILE TRUE : l = LIST() : PUSH(l, l) : WEND"),
    (
        "comparator that lies",
        "CLASS c : DEF compare(o) : RETURN RND() - 0.5 : ENDDEF : DEF hash() : RETURN 1 : ENDDEF : ENDCLASS
l = LIST() : FOR i = 1 TO 300 : PUSH(l, NEW(c)) : NEXT : WHILE TRUE : TRY : SORT(l) : CATCH : ENDTRY : WEND",
    ),
    (
        "comparator",
        "CLASS c : DEF compare(o) : WHILE TRUE : WEND : ENDDEF : DEF hash() : ENDDEF : ENDCLASS
WHILE TRUE : TRY : SORT(LIST(NEW(c), NEW(c))) : CATCH : ENDTRY : WEND",
    ),
];

/// Natives of QuickJS that go through an array as long as it says to be.
const DEAF_JAVASCRIPT: &[Endless] = &[("reverse", "Array.prototype.reverse.call({ length: 2 ** 53 - 1 })")];
