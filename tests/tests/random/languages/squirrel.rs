//! How the steps of a program are written in Squirrel.

use super::{FunctionForm, Language, Sources, ThrowForm};

pub(crate) const SQUIRREL: Language = Language {
    engine: "squirrel",
    extension: "nut",
    prologue: r#"
local ME = $me, M = 1000003, F = {}
local peers = array($contexts), held = {}, made = []
local codes = { script = 0, type = 1, range = 2, io = 3, limit = 4, permission = 5, not_found = 6, closed = 7,
  timeout = 8 }

// The callable in data, and the sum of its integers.
local find = null
find = function(value) {
  switch (typeof value) {
    case "function": return [value, 0]
    case "integer": return [null, value]
    case "table": case "array": break
    default: return [null, 0]
  }
  local found = null, sum = 0
  foreach (part in value) {
    local it = find(part)
    if (it[0] && found && it[0] != found) sum += 500000
    if (!found) found = it[0]
    sum += it[1]
  }
  return [found, sum]
}

local function box(shape, f, x) {
  if (shape == 0) return f
  if (!f) return x
  if (shape == 1) return [f, x]
  if (shape == 2) return { f = f, n = x }
  if (shape == 3) return [{ n = x, inner = [f, f] }, "text", x]
  return { f = f, n = x, text = "\xff\x00", real = 0.5, flag = true, nothing = null, [7] = 3 }
}

local function result(shape, f, x) {
  if (!f) return x
  if (shape % 2 == 0) return { v = x, f = f }
  return [x, f]
}

local function took(x, h, value, keep) {
  local it = find(value)
  return [(x * 3 + it[1]) % M, keep ? it[0] : h]
}

local function caught(x, e) {
  local code = "script", message = e
  if (typeof e == "table") { code = e.code; message = e.message }
  if (code == "dead" || code == "cancelled") return (x * 5 + 666000) % M
  if (message.find("Error: ") == 0) message = message.slice(7)
  if (!(code in codes) || !::regexp(@"m\d+").match(message)) throw "unexpected error " + code + ": " + message
  return (x * 5 + codes[code] * 1000 + message.slice(1).tointeger()) % M
}

local function hold(s, slot, f) {
  if (!(s in held)) held[s] <- {}
  held[s][slot] <- f
}
local function slot(s, k) { return s >= 0 && s in held && k in held[s] ? held[s][k] : null }
local function inner(s, n) { return s > 0 ? s * 4 + n : s }

local function plain(form, f, s, fuel, x, a) {
  local id = ::t.begin(ME, form), value
  try { value = f(id, s, fuel, x, a) } catch (e) { ::t.done(id); throw e }
  ::t.done(id)
  return value
}
local function by_map(form, f, s, fuel, x, a) { return [f].map(@(f) plain(form, f, s, fuel, x, a))[0] }
local function by_sort(form, f, s, fuel, x, a) {
  local value = null, called = false, list = [2, 1]
  list.sort(function(one, other) {
    if (!called) { called = true; value = plain(form, f, s, fuel, x, a) }
    return one <=> other
  })
  return value
}
local function by_get(form, f, s, fuel, x, a) {
  return {}.setdelegate({ _get = @(key) plain(form, f, s, fuel, x, a) }).value
}
local function by_tostring(form, f, s, fuel, x, a) {
  local value = null
  local it = {}.setdelegate({ _tostring = function() { value = plain(form, f, s, fuel, x, a); return "" } })
  return it.tostring() == "" ? value : null
}
local function by_generator(form, f, s, fuel, x, a) {
  foreach (value in (function() { yield plain(form, f, s, fuel, x, a) })()) return value
}
local function by_thread(form, f, s, fuel, x, a) {
  local thread = ::newthread(function() { ::suspend("on the way"); return plain(form, f, s, fuel, x, a) })
  thread.call()
  return thread.wakeup()
}
local Constructed = class {
  value = null
  constructor(form, f, s, fuel, x, a) { value = plain(form, f, s, fuel, x, a) }
}
local function by_constructor(form, f, s, fuel, x, a) { return Constructed(form, f, s, fuel, x, a).value }
local function by_acall(form, f, s, fuel, x, a) { return plain.acall([this, form, f, s, fuel, x, a]) }
local function by_call(form, f, s, fuel, x, a) { return plain.call(this, form, f, s, fuel, x, a) }
local function by_binding(form, f, s, fuel, x, a) { return plain(form, f.bindenv({}), s, fuel, x, a) }
local function by_catch(form, f, s, fuel, x, a) {
  try { return plain(form, f, s, fuel, x, a) } catch (e) { throw e }
}
local function by_broker(form, f, s, fuel, x, a) {
  return plain(form, @(id, s, fuel, x, a) ::calog.call(f, id, s, fuel, x, a), s, fuel, x, a)
}

local function fork(form, x, s, fuel, f, a, g, b) {
  local results = []
  foreach (n, it in [[f, a], [g, b]]) {
    if (!it[0] || fuel <= 0) { results.append(@(x) (x + 1) % M); continue }
    try {
      local value = plain(form, it[0], inner(s, n + 1), fuel - 1, x, it[1])
      results.append(@(x) took(x, null, value, false)[0])
    } catch (e) {
      local error = e
      results.append(@(x) caught(x, error))
    }
  }
  foreach (after in results) x = after(x)
  return x
}

F.connect <- function() {
  for (local n = 0; n < $contexts; n++) peers[n] = n == ME ? F : calog.import("c" + n)
  return true
}
F.open <- function(path, name, thread = null) {
  return calog.open(path, thread == null ? { name = name } : { name = name, thread = thread })
}
F.tidy <- function() {
  held = {}
  ::collectgarbage()
  local count = 0
  foreach (it in made) if (it) count++
  return count
}
"#,
    epilogue: "return F\n",
    export: "",
    separator: "",
    functions: &[FunctionForm {
        export: "
F.$name <- function(id, s, fuel, x, argument = null) {
  ::t.enter(id)
  local it = find(argument), g = it[0], h = null
  x = (x + it[1]) % M
$steps  return x
}
",
        closure: "
F.make_$name <- function(c, captured) {
  local it = function(id, s, fuel, x, argument = null) {
    ::t.enter(id)
    local it = find(argument), g = it[0], h = null
    if (!g) g = captured
    x = (x + it[1] + c) % M
$steps    return x
  }
  made.append(it.weakref())
  return it
}
",
        calls: &[
            "plain($form, f, s, fuel - 1, x, $argument)",
            "by_map($form, f, s, fuel - 1, x, $argument)",
            "by_sort($form, f, s, fuel - 1, x, $argument)",
            "by_get($form, f, s, fuel - 1, x, $argument)",
            "by_tostring($form, f, s, fuel - 1, x, $argument)",
            "by_generator($form, f, s, fuel - 1, x, $argument)",
            "by_thread($form, f, s, fuel - 1, x, $argument)",
            "by_constructor($form, f, s, fuel - 1, x, $argument)",
            "by_acall($form, f, s, fuel - 1, x, $argument)",
            "by_call($form, f, s, fuel - 1, x, $argument)",
            "by_binding($form, f, s, fuel - 1, x, $argument)",
            "by_catch($form, f, s, fuel - 1, x, $argument)",
            "by_broker($form, f, s, fuel - 1, x, $argument)",
        ],
        fork: "x = fork($form, x, s, fuel, $first, $first_argument, $second, $second_argument)",
    }],
    sources: Sources {
        none: "null",
        received: "g",
        register: "h",
        held: "slot(s, $slot)",
        own: "F.$name",
        export: "peers[$context].$name",
        closure: Some("F.make_$name(x, h)"),
        native: "::t.$name",
    },
    argument: "box($shape, $source, x)",
    mix: "x = (x * $times + $plus) % M",
    call_passing: "if (fuel >= 0) { local f = $target
  if (f && fuel > 0) { local it = took(x, h, $call, $keep); x = it[0]; h = it[1] }
  else x = (x + 1) % M
}",
    call_catching: "if (fuel >= 0) { local f = $target
  if (f && fuel > 0) {
    try { local it = took(x, h, $call, $keep); x = it[0]; h = it[1] } catch (e) { x = caught(x, e) }
  } else x = (x + 1) % M
}",
    call_rethrowing: "if (fuel >= 0) { local f = $target
  if (f && fuel > 0) {
    local value
    try { value = $call } catch (e) { throw e }
    local it = took(x, h, value, $keep); x = it[0]; h = it[1]
  } else x = (x + 1) % M
}",
    hold: "hold(s, $slot, $source)",
    drop: "hold(s, $slot, null)",
    forget: "h = null",
    collect: "::collectgarbage()",
    compare: "x = (x + ($left == $right ? 7 : 11)) % M",
    throws: &[
        ThrowForm { coded: true, text: "throw { code = \"$code\", message = \"$message\" }" },
        ThrowForm { coded: false, text: "throw \"$message\"" },
        ThrowForm { coded: true, text: "::t[\"throw\"]($number, \"$message\")" },
    ],
    give_back: "return result($shape, $source, x)",
    close: "if (s < $racing) ::t.close($context)",
    when: "if (fuel % $by == $rest) { $step }",
    detaches: &["x = ::t.detach($form, s, fuel, x, $target, $argument)"],
};
