-- What only Lua can make of a value.
local function sized(n, most) return math.abs(math.tointeger(n) or 0) % most end

local odd = {
  function(v, n) return setmetatable({ v }, { __index = function() return v end, __len = function() return n end }) end,
  function(v) return setmetatable({}, { __pairs = function() error(v) end, __name = v, __metatable = v }) end,
  function(v) local t = { v } t[1], t.x = t, t return t end,
  function(v, n) return { v, [n] = v, [-n] = n, [n + 0.5] = v } end,
  function(v) return { [v] = v } end,
  function(v, n) for _ = 1, sized(n, 400) do v = { v } end return v end,
  function(v, n) for _ = 1, sized(n, 400) do v = { x = v, [1] = n } end return v end,
  function(v, n) return string.rep(tostring(v) .. "\xff\0", sized(n, 3000)) end,
  function(v) return coroutine.wrap(function() coroutine.yield(v) return v end) end,
  function(v) return coroutine.create(function() return v end) end,
  function(v) return function(...) return v, ... end end,
  function(v) error(v) end,
  function(v) error(setmetatable({}, { __tostring = function() return v end })) end,
  function(v, n) error({ code = v, message = n, value = v }) end,
  function(v) return { v, nil, v, nil, v, n = v } end,
  function(v, n) local t = {} for i = sized(n, 100), 1, -1 do t[i] = v end return t end,
  function(_, n) return { n / 3, n // 7, 0 / 0, -(0 / 0), math.huge, -0.0 } end,
  function() return io.stdout end,
  function(v) return setmetatable({ v }, { __gc = function() error(v) end, __close = v }) end,
  function(v) setmetatable({}, { __gc = function() error(v) end }) collectgarbage("step") return v end,
  function(v, n) return { [true] = v, [print] = n, [{}] = v } end,
  function(v, n) local t = {} for i = 1, sized(n, 300) do t["k" .. i] = v t[i + 0.5] = i end return t end,
  function(v, n) return table.unpack({ v, n, v }) end,
  function(v, n) return coroutine.wrap(function() return coroutine.yield(v, n) end)() end,
  function(v) return next(v) end,
  function(v, n) return v[n] end,
  function(v) return { pcall(function() return #v end) } end,
  function(v) return string.format("%q", v) end,
  function(v, n) v[n] = v return v end,
}

return {
  same = function(v) return v end,
  odd = function(i, v, n) return odd[sized(i, #odd) + 1](v, n) end,
}
