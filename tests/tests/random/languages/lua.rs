//! How the steps of a program are written in Lua.

use super::{FunctionForm, Language, Sources, ThrowForm};

pub(crate) const LUA: Language = Language {
    engine: "lua",
    extension: "lua",
    prologue: r#"
local ME, M, F = $me, 1000003, {}
local peers, held, made = {}, {}, setmetatable({}, { __mode = "k" })
local codes = { script = 0, type = 1, range = 2, io = 3, limit = 4, permission = 5, not_found = 6, closed = 7,
  timeout = 8 }

-- The callable in data, and the sum of its integers.
local function find(value)
  if type(value) == "function" then return value, 0 end
  if math.type(value) == "integer" then return nil, value end
  if type(value) ~= "table" then return nil, 0 end
  local found, sum = nil, 0
  for _, part in pairs(value) do
    local f, n = find(part)
    if f and found and f ~= found then sum = sum + 500000 end
    found, sum = found or f, sum + n
  end
  return found, sum
end

local function box(shape, f, x)
  if shape == 0 then return f end
  if not f then return x end
  if shape == 1 then return { f, x } end
  if shape == 2 then return { f = f, n = x } end
  if shape == 3 then return { { n = x, inner = { f, f } }, "text", x } end
  return { f = f, n = x, text = "\xff\0", real = 0.5, flag = true, nothing = calog.null, [7] = 3 }
end

local function result(shape, f, x)
  if not f then return x end
  if shape % 2 == 0 then return { v = x, f = f } end
  return { x, f }
end

local function took(x, h, value, keep)
  local f, n = find(value)
  if keep then h = f end
  return (x * 3 + n) % M, h
end

local function caught(x, e)
  local code, message = "script", e
  if type(e) ~= "string" then code, message = e.code, type(e) == "table" and e.message or tostring(e) end
  if code == "dead" or code == "cancelled" then return (x * 5 + 666000) % M end
  message = message:gsub("^Error: ", "")
  if type(e) == "string" then message = message:gsub("^[^:]*:%d+: ", "") end
  local number = tonumber(message:match("^m(%d+)$"))
  if not codes[code] or not number then error("unexpected error " .. tostring(code) .. ": " .. message, 0) end
  return (x * 5 + codes[code] * 1000 + number) % M
end

local function hold(s, slot, f)
  held[s] = held[s] or {}
  held[s][slot] = f
end
local function slot(s, k) return s >= 0 and held[s] and held[s][k] or nil end
local function inner(s, n) return s > 0 and s * 4 + n or s end

local guard = { __close = function(it) t.done(it.id) end }
local function begin(form)
  local id = t.begin(ME, form)
  return id, setmetatable({ id = id }, guard)
end

local function plain(form, f, ...)
  local id, done <close> = begin(form)
  return f(id, ...)
end
local function protected(form, f, ...)
  local id = t.begin(ME, form)
  local ok, value = pcall(f, id, ...)
  t.done(id)
  if not ok then error(value, 0) end
  return value
end
local function by_coroutine(form, f, ...)
  local thread = coroutine.create(function(...)
    coroutine.yield("on the way")
    return plain(form, f, ...)
  end)
  assert(coroutine.resume(thread, ...))
  local ok, value = coroutine.resume(thread)
  -- What is to be closed in a thread that failed, is so only now.
  if not ok then coroutine.close(thread) error(value, 0) end
  return value
end
local function by_sort(form, f, ...)
  local value, called
  local args = table.pack(...)
  table.sort({ 2, 1 }, function(a, b)
    if not called then called, value = true, plain(form, f, table.unpack(args, 1, args.n)) end
    return a < b
  end)
  return value
end
local function by_gsub(form, f, ...)
  local value
  local args = table.pack(...)
  string.gsub("x", "x", function() value = plain(form, f, table.unpack(args, 1, args.n)) end)
  return value
end
local function by_index(form, f, ...)
  local args = table.pack(...)
  return setmetatable({}, { __index = function() return plain(form, f, table.unpack(args, 1, args.n)) end }).value
end
local function by_iterator(form, f, ...)
  for value in function(args, last)
    if last == nil then return plain(form, f, table.unpack(args, 1, args.n)) end
  end, table.pack(...) do
    return value
  end
end
local function by_xpcall(form, f, ...)
  local ok, value = xpcall(plain, function(e) return { e } end, form, f, ...)
  if not ok then error(value[1], 0) end
  return value
end
local function by_broker(form, f, ...)
  local id, done <close> = begin(form)
  return calog.call(f, id, ...)
end

local function fork(form, x, s, fuel, f, a, g, b)
  local results = {}
  for n, call in ipairs { { f = f, a = a }, { f = g, a = b } } do
    results[n] = { call.f and fuel > 0 }
    if results[n][1] then
      results[n] = { true, pcall(plain, form, call.f, inner(s, n), fuel - 1, x, call.a) }
    end
  end
  for _, it in ipairs(results) do
    if not it[1] then x = (x + 1) % M
    elseif it[2] then x = took(x, nil, it[3], false)
    else x = caught(x, it[3]) end
  end
  return x
end

function F.connect()
  for n = 0, $contexts - 1 do peers[n] = n == ME and F or calog.import("c" .. n) end
  return true
end
function F.open(path, name, thread) return calog.open(path, { name = name, thread = thread }) end
function F.tidy()
  held = {}
  collectgarbage() collectgarbage()
  local count = 0
  for _ in pairs(made) do count = count + 1 end
  return count
end
"#,
    epilogue: "return F\n",
    export: "",
    separator: "",
    functions: &[FunctionForm {
        export: "
function F.$name(id, s, fuel, x, argument)
  t.enter(id)
  local g, n = find(argument)
  local h
  x = (x + n) % M
$steps  return x
end
",
        closure: "
function F.make_$name(c, captured)
  local function it(id, s, fuel, x, argument)
    t.enter(id)
    local g, n = find(argument)
    local h
    g = g or captured
    x = (x + n + c) % M
$steps    return x
  end
  made[it] = true
  return it
end
",
        calls: &[
            "plain($form, f, s, fuel - 1, x, $argument)",
            "protected($form, f, s, fuel - 1, x, $argument)",
            "by_coroutine($form, f, s, fuel - 1, x, $argument)",
            "by_sort($form, f, s, fuel - 1, x, $argument)",
            "by_gsub($form, f, s, fuel - 1, x, $argument)",
            "by_index($form, f, s, fuel - 1, x, $argument)",
            "by_iterator($form, f, s, fuel - 1, x, $argument)",
            "by_xpcall($form, f, s, fuel - 1, x, $argument)",
            "by_broker($form, f, s, fuel - 1, x, $argument)",
        ],
        fork: "x = fork($form, x, s, fuel, $first, $first_argument, $second, $second_argument)",
    }],
    sources: Sources {
        none: "nil",
        received: "g",
        register: "h",
        held: "slot(s, $slot)",
        own: "F.$name",
        export: "peers[$context].$name",
        closure: Some("F.make_$name(x, h)"),
        native: "t.$name",
    },
    argument: "box($shape, $source, x)",
    mix: "x = (x * $times + $plus) % M",
    call_passing: "do local f = $target
  if f and fuel > 0 then x, h = took(x, h, $call, $keep) else x = (x + 1) % M end
end",
    call_catching: "do local f = $target
  if f and fuel > 0 then
    local ok, value = pcall(function() return $call end)
    if ok then x, h = took(x, h, value, $keep) else x = caught(x, value) end
  else x = (x + 1) % M end
end",
    call_rethrowing: "do local f = $target
  if f and fuel > 0 then
    local ok, value = pcall(function() return $call end)
    if not ok then error(value, 0) end
    x, h = took(x, h, value, $keep)
  else x = (x + 1) % M end
end",
    hold: "hold(s, $slot, $source)",
    drop: "hold(s, $slot, nil)",
    forget: "h = nil",
    collect: "collectgarbage()",
    compare: "x = (x + (rawequal($left, $right) and 7 or 11)) % M",
    throws: &[
        ThrowForm { coded: true, text: "error({ code = \"$code\", message = \"$message\" })" },
        ThrowForm { coded: false, text: "error(\"$message\", 0)" },
        ThrowForm { coded: false, text: "error(\"$message\")" },
        ThrowForm { coded: true, text: "t.throw($number, \"$message\")" },
    ],
    give_back: "do return result($shape, $source, x) end",
    close: "if s < $racing then t.close($context) end",
    when: "if fuel % $by == $rest then $step end",
    detaches: &["x = t.detach($form, s, fuel, x, $target, $argument)"],
};
