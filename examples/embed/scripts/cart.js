// A shopping cart, opened by the Rust program. `price_of` and `note` are natives of that program.

const items = [];

export function add(name, count) {
  items.push({ name, count, cents: count * price_of(name) });
  note(`${count} x ${name}`);
  return items.length;
}

// `discount` is a function value: of the program, or of a script in any language.
export function total(discount) {
  const cents = items.reduce((sum, item) => sum + item.cents, 0);
  return cents - discount(cents);
}
