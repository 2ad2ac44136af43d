// What the tests of waiting, threads and lifetimes ask of every language, in JavaScript. Its twins
// lie beside it.

const later = (f, ...args) => (f.async ?? f)(...args)

function outcomeOf(error) {
  return { code: error.code, message: String(error?.message ?? error) }
}

export function add(a, b) { return a + b }

// Calls, suspending; and waiting in place.
export async function suspends(f, ...args) { return await later(f, ...args) }
export function pumps(f, ...args) { return f(...args) }

// The same, and gives what came of it.
export async function catches(f, ...args) {
  try { return { value: await later(f, ...args) } } catch (error) { return outcomeOf(error) }
}
export function catches_in_place(f, ...args) {
  try { return { value: f(...args) } } catch (error) { return outcomeOf(error) }
}

// Waits at a gate, suspending; and in place.
export async function wait(name) { return await gate.wait(name) }
export function wait_in_place(name) { return gate.wait.sync(name) }

// Ways to use up the stack.
export const overflow = {
  plain() { const f = () => 1 + f(); return f() },
  compare() { const f = () => { [1, 2].sort(f) }; return f() },
  replace() { const f = () => 'x'.replace('x', f); return f() },
  caught() { const f = () => { try { f() } finally { } }; return f() },
  getter() { const o = { get x() { return this.x } }; return o.x },
  proxy() { const p = new Proxy({}, { get: (t, k) => p[k] }); return p.x },
  text() { const o = { toString: () => String(o) }; return String(o) },
  json() { const o = { toJSON: () => JSON.stringify(o) }; return JSON.stringify(o) },
  json_deep() { let o = null; for (let i = 0; i < 1e6; i++) o = [o]; return JSON.stringify(o) },
  json_parse() { return JSON.parse('['.repeat(1e6)) },
  parse() { return eval('('.repeat(1e5) + '1' + ')'.repeat(1e5)) },
  pattern() { return new RegExp('('.repeat(1e5) + ')'.repeat(1e5)) },
  apply() { const f = function () { return f.apply(this, arguments) }; return f() },
  construct() { class C { constructor() { new C() } } return new C() },
  generator() { function* f() { yield* f() } return f().next() },
}

// Calls `other` with the roles changed until a call fails; then gives the level, the error's code,
// and what came of `deepest`, called there.
function bottom(level, error, deepest, ...args) {
  const found = { level, code: error.code, message: String(error.message) }
  if (deepest) {
    try { found.deepest = { value: deepest(...args) } } catch (e) { found.deepest = outcomeOf(e) }
  }
  return found
}
export async function sink(other, mine, level, deepest, ...args) {
  let found
  try { found = await later(other, mine, other, level + 1, deepest, ...args) }
  catch (error) { found = bottom(level, error, deepest, ...args) }
  return found
}
export function sink_in_place(other, mine, level, deepest, ...args) {
  try { return other(mine, other, level + 1, deepest, ...args) }
  catch (error) { return bottom(level, error, deepest, ...args) }
}
// As in place, with script recursion between the levels.
export function sink_far(other, mine, level, deepest, ...args) {
  const further = n => n > 0 ? further(n - 1) : sink_in_place(other, mine, level, deepest, ...args)
  return further(150)
}

// Functions that were made and still live.
let made = []
export function make(n) {
  const list = Array.from({ length: n }, (_, i) => () => i)
  made.push(...list.map(f => new WeakRef(f)))
  return list
}
export function alive() {
  made = made.filter(ref => ref.deref() !== undefined)
  return made.length
}

// Keeps a value; and lets it go.
let kept
export function keep(value) { kept = value }
export function let_go() { kept = undefined }
