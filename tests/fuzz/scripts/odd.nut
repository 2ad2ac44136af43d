// What only Squirrel can make of a value.
function sized(n, most) { n = n % most; return n < 0 ? -n : n }

class Odd {
  v = null
  constructor(v) { this.v = v }
  function _get(k) { return this.v }
  function _tostring() { return "" + this.v }
  function _nexti(i) { return i == null ? 0 : null }
}

class Angry {
  v = null
  constructor(v) { this.v = v }
  function _get(k) { throw this.v }
  function _tostring() { throw this.v }
  function _typeof() { throw this.v }
  function _nexti(i) { throw this.v }
  function _cloned(o) { throw this.v }
}

function angel(v) { yield v; return v }

odds <- [
  function(v, n) { return Odd(v) },
  function(v, n) { return Angry(v) },
  function(v, n) { throw Angry(v) },
  function(v, n) { throw v },
  function(v, n) { throw { message = v, code = n, value = v } },
  function(v, n) { local t = { v = v }; t.t <- t; return t },
  function(v, n) { local a = [v]; a.append(a); return a },
  function(v, n) { return { [n] = v, x = v } },
  function(v, n) { local t = {}; t[n] <- v; t[n.tofloat()] <- v; t["" + n] <- v; return t },
  function(v, n) { local t = {}; t[v] <- v; return t },
  function(v, n) { return array(sized(n, 200), v) },
  function(v, n) { local d = sized(n, 400); for (local i = 0; i < d; i++) v = [v]; return v },
  function(v, n) { local d = sized(n, 400); for (local i = 0; i < d; i++) v = { v = v }; return v },
  function(v, n) { return angel(v) },
  function(v, n) { return newthread(@() v) },
  function(v, n) { return Odd },
  function(v, n) { return v.weakref() },
  function(v, n) { return @(...) v },
  function(v, n) { return { setter = @(x) v }.setdelegate({ _get = function(k) { throw v } }) },
  function(v, n) { return [n / 3.0, n.tofloat(), -0.0, n & 255] },
  function(v, n) { local s = ""; for (local i = 0; i < sized(n, 300); i++) s += "\xff" + i; return s },
  function(v, n) { return { [true] = v, [1.5] = n } },
  function(v, n) { return v[n] },
  function(v, n) { v[n] <- v; return v },
  function(v, n) { v.append(v); return v },
  function(v, n) { foreach (k, x in v) return k; return v.len() },
  function(v, n) { local t = {}; for (local i = 0; i < sized(n, 300); i++) t["k" + i] <- v; return t },
  function(v, n) { return clone v },
  function(v, n) { return this },
  function(v, n) { return getroottable() },
]

local all = odds
return {
  same = @(v) v,
  odd = function(i, v, n) { return all[sized(i, all.len())](v, n) }
}
