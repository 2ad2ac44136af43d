// What is made of text: stems of words, a table, a bar.

/** The word without its ending, roughly. */
export function stem(word) {
  return word.replace(/(?<=..)(ed|s)$/, '')
}

/** A line for each word. `pad` is a function of the conductor's. */
export function table_of(words, pad) {
  const { lines_of } = calog.import('index')
  const { roman } = calog.import('numbers')
  return words.map((word) => pad(word, 8) + lines_of(word).map((line) => roman(line)).join(' ')).join('\n')
}

/** A bar of so many hundredths. */
export function bar(percent) {
  return '#'.repeat(Math.round(percent / 5)) + ` ${Math.round(percent)} %`
}
