-- What every actor of the stress can do, the same in each language. The first argument is the
-- number of the call, which says that it runs; 0 is a call by another actor, which nobody counts.
local M = {}
local held

function M.add(number, a, b) stress.ran(number) return a + b end
function M.echo(number, value) stress.ran(number) return value end
function M.apply(number, f, ...) stress.ran(number) return f(...) end
function M.twice(number, f, x) stress.ran(number) return f(f(x)) end
function M.make(number, n) stress.ran(number) return function(x) return x + n end end
function M.less(a, b) return a < b end

-- Lua cannot suspend in a comparator, so the calls are waited for in place.
function M.sort(number, list, less)
  stress.ran(number)
  table.sort(list, function(a, b) return less(a, b) end)
  return list
end

function M.gather(number, functions, x)
  stress.ran(number)
  local sum = 0
  for _, f in ipairs(functions) do sum = sum + f(x) end
  return sum
end

function M.keep(number, f)
  stress.ran(number)
  local before = held
  held = f
  return before
end

function M.fail(k) error("failure " .. k, 0) end
function M.throw(k) error({ thrown = k }) end
function M.catch(number, f, ...)
  stress.ran(number)
  local ok, e = pcall(f, ...)
  if ok then return { code = "none", message = "" } end
  if type(e) == "table" and e.thrown then return { code = "thrown", message = "thrown " .. e.thrown } end
  -- An error of this script's own is a plain string.
  return { code = type(e) == "string" and "script" or e.code, message = tostring(e) }
end

function M.ping(number, other, depth)
  stress.ran(number)
  if depth == 0 then return 0 end
  return 1 + other(0, M.ping, depth - 1)
end

-- Suspended, and in place.
local function in_place(f, ...)
  local args, result = table.pack(...), nil
  string.gsub("x", "x", function() result = f(table.unpack(args, 1, args.n)) end)
  return result
end
function M.wait(number, n) stress.ran(number) return stress.wait(n) end
function M.wait_in_place(number, n) stress.ran(number) return in_place(stress.wait, n) end
function M.never(number) stress.ran(number) return stress.never() end
function M.never_in_place(number) stress.ran(number) return in_place(stress.never) end
function M.after(number, microseconds) stress.ran(number) stress.after(microseconds) return microseconds end
function M.block(number, n) stress.ran(number) return stress.block(n) end
function M.host(number, n) stress.ran(number) return stress.host(n) end
function M.panic(number) stress.ran(number) return stress.panic() end
function M.spin(number) stress.ran(number) while true do pcall(function() while true do end end) end end

-- Functions for other threads, which call, pass on and drop them.
function M.give(number, count)
  stress.ran(number)
  for n = 1, count do stress.give(function(x) return x + n end, n) end
  return count
end
function M.post(number) stress.ran(number) stress.post(function() held = nil end) return true end

-- Contexts that scripts open.
function M.child(number, path, x)
  stress.ran(number)
  local child = calog.open(path)
  child.wait()
  local result = child.exports().double(x)
  child.close()
  return result
end
function M.adopt(number, path)
  stress.ran(number)
  local child = calog.open(path)
  child.wait()
  return { object = child, exports = child.exports() }
end
function M.end_yourself(number, object) stress.ran(number) object.close() return true end
function M.import(number, module, x) stress.ran(number) return calog.import(module).double(x) end
function M.double(x) return 2 * x end

return M
