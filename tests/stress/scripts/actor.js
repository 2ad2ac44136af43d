// What every actor of the stress can do, the same in each language. The first argument is the
// number of the call, which says that it runs; 0 is a call by another actor, which nobody counts.
let held = null;

// A function that came home is this script's own, and has no `async`.
const start = (f, ...args) => (f.async ? f.async(...args) : f(...args));

export function add(number, a, b) { stress.ran(number); return a + b; }
export function echo(number, value) { stress.ran(number); return value; }
export function apply(number, f, ...args) { stress.ran(number); return f(...args); }
export async function twice(number, f, x) { stress.ran(number); return await start(f, await start(f, x)); }
export function make(number, n) { stress.ran(number); return (x) => x + n; }
export function less(a, b) { return a < b; }

export function sort(number, list, less) {
  stress.ran(number);
  return list.sort((a, b) => (less(a, b) ? -1 : less(b, a) ? 1 : 0));
}

export async function gather(number, functions, x) {
  stress.ran(number);
  const parts = await Promise.all(functions.map((f) => start(f, x)));
  return parts.reduce((sum, part) => sum + part, 0);
}

export function keep(number, f) {
  stress.ran(number);
  const before = held;
  held = f;
  return before;
}

export function fail(k) { throw new Error(`failure ${k}`); }
function throwIt(k) { throw { thrown: k }; }
function catchIt(number, f, ...args) {
  stress.ran(number);
  try {
    f(...args);
    return { code: "none", message: "" };
  } catch (e) {
    const thrown = e.thrown?.thrown ?? e.thrown;
    if (thrown !== undefined && thrown !== null) return { code: "thrown", message: `thrown ${thrown}` };
    // An error of this script's own has no code.
    return { code: e.code ?? "script", message: e.message };
  }
}
export { throwIt as throw, catchIt as catch };

export function ping(number, other, depth) {
  stress.ran(number);
  return depth === 0 ? 0 : 1 + other(0, ping, depth - 1);
}

// Suspended, and in place.
export async function wait(number, n) { stress.ran(number); return await stress.wait(n); }
export function wait_in_place(number, n) { stress.ran(number); return stress.wait.sync(n); }
export async function never(number) { stress.ran(number); return await stress.never(); }
export function never_in_place(number) { stress.ran(number); return stress.never.sync(); }
export async function after(number, microseconds) {
  stress.ran(number);
  await stress.after(microseconds);
  return microseconds;
}
export function block(number, n) { stress.ran(number); return stress.block(n); }
export function host(number, n) { stress.ran(number); return stress.host(n); }
export function panic(number) { stress.ran(number); return stress.panic(); }
export function spin(number) {
  stress.ran(number);
  while (true) { try { while (true) {} } catch (e) {} }
}

// Functions for other threads, which call, pass on and drop them.
export function give(number, count) {
  stress.ran(number);
  for (let n = 1; n <= count; n++) stress.give((x) => x + n, n);
  return count;
}
export function post(number) { stress.ran(number); stress.post(() => { held = null; }); return true; }

// Contexts that scripts open.
export async function child(number, path, x) {
  stress.ran(number);
  const child = calog.open(path);
  await child.wait();
  const result = await child.exports().double.async(x);
  child.close();
  return result;
}
export async function adopt(number, path) {
  stress.ran(number);
  const child = calog.open(path);
  await child.wait();
  return { object: child, exports: child.exports() };
}
export function end_yourself(number, object) { stress.ran(number); object.close(); return true; }
function importIt(number, module, x) { stress.ran(number); return calog.import(module).double(x); }
export { importIt as import };
export function double(x) { return 2 * x; }
