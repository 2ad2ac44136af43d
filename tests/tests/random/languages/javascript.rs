//! How the steps of a program are written in JavaScript.

use super::{FunctionForm, Language, Sources, ThrowForm};

pub(crate) const JAVASCRIPT: Language = Language {
    engine: "quickjs",
    extension: "js",
    prologue: r#"
const ME = $me, M = 1000003, Async = (async () => {}).constructor;
const peers = [], held = new Map();
let made = [];
const codes = { script: 0, type: 1, range: 2, io: 3, limit: 4, permission: 5, not_found: 6, closed: 7, timeout: 8 };

// The callable in data, and the sum of its integers.
function find(value) {
  if (typeof value === "function") return [value, 0];
  if (Number.isInteger(value)) return [null, value];
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [null, 0];
  let found = null, sum = 0;
  for (const part of value instanceof Map ? value.values() : Object.values(value)) {
    const [f, n] = find(part);
    if (f && found && f !== found) sum += 500000;
    found ??= f;
    sum += n;
  }
  return [found, sum];
}

function box(shape, f, x) {
  if (shape === 0) return f;
  if (!f) return x;
  if (shape === 1) return [f, x];
  if (shape === 2) return { f, n: x };
  if (shape === 3) return [{ n: x, inner: [f, f] }, "text", x];
  const noise = { f, n: x, text: new Uint8Array([255, 0]), real: 0.5, flag: true, nothing: null };
  return new Map([...Object.entries(noise), [7, 3]]);
}

const result = (shape, f, x) => (!f ? x : shape % 2 === 0 ? { v: x, f } : [x, f]);

function took(x, h, value, keep) {
  const [f, n] = find(value);
  return [(x * 3 + n) % M, keep ? f : h];
}

function caught(x, e) {
  if (e.code === "dead" || e.code === "cancelled") return (x * 5 + 666000) % M;
  const code = codes[e.code ?? "script"], number = /^(Error: )?m(\d+)$/.exec(e.message)?.[2];
  if (code === undefined || number === undefined) throw new Error(`unexpected error ${e.code}: ${e.message}`);
  return (x * 5 + code * 1000 + Number(number)) % M;
}

function hold(s, slot, f) {
  if (!held.has(s)) held.set(s, []);
  held.get(s)[slot] = f;
}
const slot = (s, k) => (s >= 0 && held.get(s)?.[k]) || null;
const inner = (s, n) => (s > 0 ? s * 4 + n : s);

// An async function of our own gives a promise, unless the broker calls it.
const invoke = (f, args) => (f instanceof Async ? calog.call(f, ...args) : (f.sync ?? f)(...args));

function plain(form, f, ...args) {
  const id = t.begin(ME, form);
  try { return invoke(f, [id, ...args]); } finally { t.done(id); }
}
const by_array = (form, f, ...args) => [0].map(() => plain(form, f, ...args))[0];
const by_getter = (form, f, ...args) => ({ get value() { return plain(form, f, ...args); } }).value;
const by_generator = (form, f, ...args) => [...(function* () { yield plain(form, f, ...args); })()][0];
function by_catch(form, f, ...args) {
  try { return plain(form, f, ...args); } catch (e) { throw e; }
}
function by_broker(form, f, ...args) {
  const id = t.begin(ME, form);
  try { return calog.call(f, id, ...args); } finally { t.done(id); }
}

async function awaited(form, f, ...args) {
  const id = t.begin(ME, form);
  try { return await (f.async ? f.async(id, ...args) : f(id, ...args)); } finally { t.done(id); }
}
const by_then = (form, f, ...args) => Promise.resolve().then(() => plain(form, f, ...args));
const by_race = (form, f, ...args) => Promise.race([awaited(form, f, ...args), new Promise(() => {})]);
async function by_for_await(form, f, ...args) {
  const values = (async function* () { yield await awaited(form, f, ...args); })();
  for await (const value of values) return value;
}
async function by_twin(form, f, ...args) {
  const id = t.begin(ME, form);
  try { return await calog.call.async(f, id, ...args); } finally { t.done(id); }
}

async function branch(form, f, s, fuel, x, argument) {
  if (!f || fuel <= 0) return (x) => (x + 1) % M;
  try {
    const value = await awaited(form, f, s, fuel - 1, x, argument);
    return (x) => took(x, null, value, false)[0];
  } catch (e) {
    return (x) => caught(x, e);
  }
}
async function fork(form, x, s, fuel, f, a, g, b) {
  const branches = [branch(form, f, inner(s, 1), fuel, x, a), branch(form, g, inner(s, 2), fuel, x, b)];
  for (const after of await Promise.all(branches)) x = after(x);
  return x;
}
function fork_plainly(form, x, s, fuel, f, a, g, b) {
  const results = [[f, a], [g, b]].map(([f, argument], n) => {
    if (!f || fuel <= 0) return (x) => (x + 1) % M;
    try {
      const value = plain(form, f, inner(s, n + 1), fuel - 1, x, argument);
      return (x) => took(x, null, value, false)[0];
    } catch (e) {
      return (x) => caught(x, e);
    }
  });
  return results.reduce((x, after) => after(x), x);
}
function let_go(form, s, fuel, x, f, argument) {
  if (!f || fuel <= 0) return (x + 1) % M;
  awaited(form, f, -Math.abs(s), fuel - 1, x, argument).then(
    (value) => t.record(find(value)[1]),
    (e) => t.record(caught(0, e)),
  );
  return (x + 2) % M;
}

export function connect() {
  for (let n = 0; n < $contexts; n++) peers[n] = n === ME ? own : calog.import(`c${n}`);
  return true;
}
export const open = (path, name, thread) => calog.open(path, thread === null ? { name } : { name, thread });
export function tidy() {
  held.clear();
  made = made.filter((it) => it.deref() !== undefined);
  return made.length;
}
"#,
    epilogue: "const own = { $exports };\n",
    export: "$name",
    separator: ", ",
    functions: &[
        FunctionForm {
            export: "
export function $name(id, s, fuel, x, argument) {
  t.enter(id);
  let [g, n] = find(argument), h = null;
  x = (x + n) % M;
$steps  return x;
}
",
            closure: "
function make_$name(c, captured) {
  const it = function (id, s, fuel, x, argument) {
    t.enter(id);
    let [g, n] = find(argument), h = null;
    g ??= captured;
    x = (x + n + c) % M;
$steps    return x;
  };
  made.push(new WeakRef(it));
  return it;
}
",
            calls: &[
                "plain($form, f, s, fuel - 1, x, $argument)",
                "by_array($form, f, s, fuel - 1, x, $argument)",
                "by_getter($form, f, s, fuel - 1, x, $argument)",
                "by_generator($form, f, s, fuel - 1, x, $argument)",
                "by_catch($form, f, s, fuel - 1, x, $argument)",
                "by_broker($form, f, s, fuel - 1, x, $argument)",
            ],
            fork: "x = fork_plainly($form, x, s, fuel, $first, $first_argument, $second, $second_argument);",
        },
        FunctionForm {
            export: "
export async function $name(id, s, fuel, x, argument) {
  t.enter(id);
  let [g, n] = find(argument), h = null;
  x = (x + n) % M;
$steps  return x;
}
",
            closure: "
function make_$name(c, captured) {
  const it = async (id, s, fuel, x, argument) => {
    t.enter(id);
    let [g, n] = find(argument), h = null;
    g ??= captured;
    x = (x + n + c) % M;
$steps    return x;
  };
  made.push(new WeakRef(it));
  return it;
}
",
            calls: &[
                "await awaited($form, f, s, fuel - 1, x, $argument)",
                "plain($form, f, s, fuel - 1, x, $argument)",
                "await by_then($form, f, s, fuel - 1, x, $argument)",
                "await by_race($form, f, s, fuel - 1, x, $argument)",
                "await by_for_await($form, f, s, fuel - 1, x, $argument)",
                "await by_twin($form, f, s, fuel - 1, x, $argument)",
            ],
            fork: "x = await fork($form, x, s, fuel, $first, $first_argument, $second, $second_argument);",
        },
    ],
    sources: Sources {
        none: "null",
        received: "g",
        register: "h",
        held: "slot(s, $slot)",
        own: "$name",
        export: "peers[$context].$name",
        closure: Some("make_$name(x, h)"),
        native: "t.$name",
    },
    argument: "box($shape, $source, x)",
    mix: "x = (x * $times + $plus) % M;",
    call_passing: "{ const f = $target;
  if (f && fuel > 0) [x, h] = took(x, h, $call, $keep);
  else x = (x + 1) % M;
}",
    call_catching: "{ const f = $target;
  if (f && fuel > 0) {
    try { [x, h] = took(x, h, $call, $keep); } catch (e) { x = caught(x, e); }
  } else x = (x + 1) % M;
}",
    call_rethrowing: "{ const f = $target;
  if (f && fuel > 0) {
    let value;
    try { value = $call; } catch (e) { throw e; }
    [x, h] = took(x, h, value, $keep);
  } else x = (x + 1) % M;
}",
    hold: "hold(s, $slot, $source);",
    drop: "hold(s, $slot, null);",
    forget: "h = null;",
    collect: "",
    compare: "x = (x + ($left === $right ? 7 : 11)) % M;",
    throws: &[
        ThrowForm { coded: true, text: "throw Object.assign(new Error(\"$message\"), { code: \"$code\" });" },
        ThrowForm { coded: false, text: "throw new Error(\"$message\");" },
        ThrowForm { coded: true, text: "throw { code: \"$code\", message: \"$message\" };" },
        ThrowForm { coded: true, text: "t.throw($number, \"$message\");" },
    ],
    give_back: "return result($shape, $source, x);",
    close: "if (s < $racing) t.close($context);",
    when: "if (fuel % $by === $rest) { $step }",
    detaches: &[
        "x = t.detach($form, s, fuel, x, $target, $argument);",
        "x = let_go($form, s, fuel, x, $target, $argument);",
    ],
};
