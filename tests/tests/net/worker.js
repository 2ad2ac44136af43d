// What the tests of the bundle net ask of every language, in JavaScript. Its twins lie beside it.
export const add = (a, b) => a + b

export const connect = async (host, port, options) => await net.connect(host, port, options)
export const listen = async (host, port, options) => await net.listen(host, port, options)
export const udp = async (host, port, options) => await net.udp(host, port, options)

export const accept = async l => await l.accept()
export const send = async (c, bytes) => await c.send(bytes)
export const recv = async (c, max) => await c.recv(max)
export const recv_line = async c => await c.recv_line()
export const recv_exact = async (c, n) => await c.recv_exact(n)
export const close = s => s.close()
export const shutdown = c => c.shutdown()
export const peer = c => c.peer()
export const address = s => s.address()
export const send_to = async (u, bytes, host, port) => await u.send_to(bytes, host, port)
export const recv_from = async u => await u.recv_from()

// Waits in place: the thread serves others meanwhile.
export const recv_in_place = c => c.recv.sync()

// Whether what comes is what this language has for bytes.
export const is_bytes = async c => (await c.recv()) instanceof Uint8Array

const text = bytes => new TextDecoder().decode(bytes)

// Callbacks that note what they are given. 'boom' fails; 'wait' waits at a gate.
export function on_data(c, name) {
  c.on_data(async bytes => {
    const data = text(bytes)
    gate.note(`${name} ${data}`)
    if (data === 'boom') throw new Error('it went off')
    if (data === 'wait') await gate.wait(name)
  })
}
export function on_close(c, name) {
  c.on_close(reason => gate.note(`${name} closed ${reason ? reason.code : 'well'}`))
}
export function on_connection(l, name) {
  l.on_connection(async c => {
    gate.note(`${name} has one`)
    const line = text(await c.recv_line())
    await c.send(`${name} got ${line}\n`)
    c.close()
  })
}

// Everything at once: a server whose connections are tasks, until the listener closes.
export async function serve(l) {
  let served = 0
  const echo = async c => {
    for (let data; (data = await c.recv());) await c.send(data)
    c.close()
  }
  try {
    for (;;) {
      echo(await l.accept())
      served++
    }
  } catch (e) {
    return served
  }
}
