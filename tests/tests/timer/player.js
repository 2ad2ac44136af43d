// Plays the steps of a scenario, in JavaScript. Its twins lie beside it; `players.rs` says what the
// steps are.
let last = null
const timers = {}, counts = {}

const body = (steps) => typeof steps === 'function' ? steps : async () => await play(steps)

const told = (e) => e.code ? `${e.code}: ${e.message}` : `script: ${e.message}`

const deeds = {
  note(text) { gate.note(text) },
  async gate(name) { last = await gate.wait(name) },
  mark(text) { gate.post(() => gate.note(text)) },
  after(id, ms, f) { timers[id] = timer.after(ms, body(f)) },
  every(id, ms, f) { timers[id] = timer.every(ms, body(f)) },
  cancel(id) { timers[id].cancel() },
  take(id, t) { timers[id] = t },
  give(id) { last = timers[id] },
  spin(ms) { for (const start = timer.now(); timer.now() < start + ms;); },
  tick(id, most) {
    counts[id] = (counts[id] ?? 0) + 1
    gate.note(`${id} ${counts[id]}`)
    if (counts[id] === most) timers[id].cancel()
  },
  async catch(steps) {
    try { await play(steps) } catch (e) { return gate.note(told(e)) }
    gate.note('fine')
  },
  bad(path, args) {
    try { path === 'cancel' ? timers.t.cancel(...args) : timer[path](...args) }
    catch (e) { return gate.note(`${path} ${told(e)}`) }
    gate.note(`${path} fine`)
  },
  fail(message) { throw new Error(message) },
  async call(f) { last = await (f.async ?? f)() },
  now() { last = timer.now() },
  here() { gate.note(calog.self().name) },
  task() { gate.note(task.current() ? 'in a task' : 'in no task') },
}

async function play(steps) {
  for (const [deed, a, b, c] of steps) {
    if (deed === 'return') return a
    if (deed === 'last') return last
    const waits = deeds[deed](a, b, c)
    if (waits) await waits
  }
  return null
}

calog.export('play', (steps) => play(steps))
export const make = body
export function add(a, b) { return a + b }
