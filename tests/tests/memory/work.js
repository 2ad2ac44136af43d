// Strings, objects, functions across, natives, errors, waits, generators. Its twins lie beside it.
let kept = []
export async function work(ask, n) {
  for (let i = 1; i <= n; i++) {
    let text = `item ${i} `.repeat(20)
    const item = { text, list: [i, i + 0.5, text], f: x => x + i, map: new Map([[text, i]]) }
    kept.push(item)
    ask(item.f, { text, list: item.list }, i)
    await ask.async(item.f, { text, list: item.list, map: item.map }, i)
    try { ask() } catch (error) { text += String(error?.message) }
    await gate.later(text)
    const steps = (function* (a) { const b = yield a + text; return b + a })('one')
    text = steps.next().value + steps.next('two').value
    text = text.replace(/\d/g, digit => digit + digit) + item.list.join()
    item.list.sort((a, b) => String(a) < String(b) ? -1 : 1)
    JSON.parse(JSON.stringify(item.list))
    new Function(`return [${i}]`)()
    await Promise.all([1, 2].map(async x => x + i))
  }
  const large = [new Uint8Array(100000), 'x'.repeat(100000) + kept.length, new Array(10000).fill(1)]
  const count = kept.length * large.length / 3
  kept = []
  return { count, f: () => n }
}
