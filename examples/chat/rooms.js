// The chat's rooms: who is in which, and who hears what. A member is a name and a function of the
// server's that tells it a line.
//
// Everybody in a room hears the same lines in the same order: a line is sent to all before anything
// else happens here, and each context is sent what it is sent in order.
const bot = calog.import('bot')
const rooms = new Map()

const tellAll = (room, line) =>
  Promise.allSettled([...(rooms.get(room)?.values() ?? [])].map((hear) => hear.async(line)))

export async function join(room, nick, hear) {
  if (!rooms.has(room)) rooms.set(room, new Map())
  const told = tellAll(room, `* ${nick} joins`)
  const members = rooms.get(room).set(nick, hear)
  const names = [...members.keys(), 'bot']
  await told
  return names.filter((name) => name !== nick)
}

export async function leave(room, nick, reason) {
  const members = rooms.get(room)
  if (!members?.delete(nick)) return
  if (members.size === 0) rooms.delete(room)
  await tellAll(room, `* ${nick} ${reason}`)
}

export async function rename(room, before, nick) {
  const members = rooms.get(room)
  if (!members?.has(before)) return
  // In its old place.
  rooms.set(room, new Map([...members].map(([name, hear]) => [name === before ? nick : name, hear])))
  await tellAll(room, `* ${before} is now ${nick}`)
}

export async function say(room, nick, text) {
  await tellAll(room, `<${nick}> ${text}`)
  const [, question] = /^bot\b[:,]?\s*(.*)$/i.exec(text) ?? []
  if (question === undefined) return
  const answer = (line) => tellAll(room, `<bot> ${line}`)
  try {
    await bot.ask.async(nick, question, answer)
  } catch (e) {
    await answer(`that is beyond me: ${e.message}`)
  }
}

export const list = () =>
  [...rooms].map(([name, members]) => ({ name, count: members.size })).sort((a, b) => (a.name < b.name ? -1 : 1))

export const who = (room) => [...(rooms.get(room)?.keys() ?? []), 'bot']
