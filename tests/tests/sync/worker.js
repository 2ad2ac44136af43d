// What the tests of the bundle sync ask of every language, in JavaScript. Its twins lie beside it.
export const add = (a, b) => a + b

// The Objects themselves; whether a name is one Object.
export const atomic = (name, initial) => sync.Atomic(name, initial)
export const shared = (name, initial) => sync.Shared(name, initial)
export const group = name => sync.WaitGroup(name)
export const queue = (name, size) => sync.Queue(name, size)
export const same = name => sync.Queue(name) === sync.Queue(name) && sync.Queue(name) !== sync.Queue(name + '2')

// Adds 1 so often; all values that gave.
export function count(name, n) {
  const atomic = sync.Atomic(name, 0), values = []
  for (let i = 0; i < n; i++) values.push(atomic.add(1))
  return values
}

export const value = name => sync.Shared(name).get()
export const assign = async (name, value) => { await sync.Shared(name).set(value) }
export const update = async (name, f) => await sync.Shared(name).update(f)
// Changes its own copy of the value.
export const spoil = name => { const value = sync.Shared(name).get(); value.x = 'spoilt'; return value.x }

export const more = (name, n) => { sync.WaitGroup(name).add(n) }
export const done = name => { sync.WaitGroup(name).done() }
export const wait = async name => { await sync.WaitGroup(name).wait(); return 'waited' }
export const wait_in_place = name => { sync.WaitGroup(name).wait.sync(); return 'waited' }

export const put = async (name, item) => { await sync.Queue(name).put(item) }
export const get = async name => await sync.Queue(name).get()
export const get_in_place = name => sync.Queue(name).get.sync()
export const put_in_place = (name, item) => { sync.Queue(name).put.sync(item) }
export const update_in_place = (name, f) => sync.Shared(name).update.sync(f)
export const try_put = (name, item) => sync.Queue(name).try_put(item)
export const try_get = name => sync.Queue(name).try_get()
export const size = name => sync.Queue(name).size()
export const close = name => { sync.Queue(name).close() }
export const wrong = async name => await sync.Queue(name).put(new Date())

// Puts these numbers; and gets until the queue is closed, reporting each item.
export async function produce(name, from, to) {
  const queue = sync.Queue(name)
  for (let n = from; n <= to; n++) await queue.put(n)
}
export async function consume(name, me) {
  const queue = sync.Queue(name)
  try {
    for (;;) tally.got(me, await queue.get())
  } catch (e) {
    return e.code
  }
}
