// Plays the steps of a scenario, in JavaScript. Its twins lie beside it; `players.rs` says what the
// steps are.
let last = null
const handles = {}, scopes = {}, tokens = {}

const body = (steps) => typeof steps === 'function' ? steps : async (s) => await play(steps, s)

function told(e) {
  return e.code ? `${e.code}: ${e.message}` : `script: ${e.message}`
}

function method(path) {
  const [kind, name] = path.split('.')
  return ({ task, handle: handles.h, scope: scopes.s, token: tokens.t })[kind][name]
}

const deeds = {
  note(s, text) { gate.note(text) },
  async gate(s, name) { last = await gate.wait(name) },
  async sleep(s, ms) { await task.sleep(ms) },
  async yield(s) { await task.yield() },
  checkpoint(s) { task.checkpoint() },
  spawn(s, name, steps, opts) {
    handles[name] = opts ? task.spawn(body(steps), opts) : task.spawn(body(steps))
  },
  child(s, name, steps, opts) {
    handles[name] = opts ? s.spawn(body(steps), opts) : s.spawn(body(steps))
  },
  async scope(s, name, steps) {
    last = name ? await task.scope(name, body(steps)) : await task.scope(body(steps))
  },
  async timeout(s, ms, steps, opts) {
    last = opts ? await task.with_timeout(ms, body(steps), opts) : await task.with_timeout(ms, body(steps))
  },
  async join(s, name) { last = await handles[name].join() },
  abort(s, name) { handles[name].abort() },
  finished(s, name) { gate.note(`${name} finished: ${handles[name].is_finished() ? 'yes' : 'no'}`) },
  keep(s, name) { scopes[name] = s },
  async use(s, name, steps) { await play(steps, scopes[name]) },
  cancel(s) { s.cancel() },
  token(s, name) { tokens[name] = s.token() },
  new_token(s, name) { tokens[name] = task.cancel_token() },
  cancel_token(s, name) { tokens[name].cancel() },
  is_cancelled(s, name) { gate.note(`${name} cancelled: ${tokens[name].is_cancelled() ? 'yes' : 'no'}`) },
  check(s, name) { tokens[name].check() },
  async catch(s, steps) {
    try { await play(steps, s) } catch (e) { return gate.note(told(e)) }
    gate.note('fine')
  },
  fail(s, message) { throw new Error(message) },
  async call(s, f) { last = await (f.async ?? f)() },
  async bad(s, path, args) {
    try { await method(path)(...args) } catch (e) { return gate.note(`${path} ${told(e)}`) }
    gate.note(`${path} fine`)
  },
  current(s) {
    const it = task.current()
    gate.note(it ? it.name + (it.cancelled ? ' cancelled' : ' runs') : 'no task')
  },
  about(s, name) {
    const h = handles[name]
    last = { id: h.id, name: h.name, elapsed: h.elapsed(), scope: scopes[name]?.name }
  },
  here(s) { last = task.current() },
  // Never reaches a checkpoint; and swallows what every checkpoint says.
  forever(s) { for (;;) {} },
  async swallow(s) { for (;;) { try { await task.sleep(100000) } catch {} } },
  async beat(s) { for (;;) { try { await task.sleep(1) } catch {} gate.note('beat') } },
  spin(s) { for (;;) { try { task.checkpoint() } catch {} } },
}

async function play(steps, s) {
  for (const [deed, a, b, c] of steps) {
    if (deed === 'return') return a
    if (deed === 'last') return last
    const waits = deeds[deed](s, a, b, c)
    if (waits) await waits
  }
  return null
}

calog.export('play', (steps) => play(steps))
export const make = body
export function add(a, b) { return a + b }
