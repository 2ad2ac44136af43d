// What compiles code, where memory is limited: without a limit while it compiles, which runs no code of
// the script's. So each argument is made a text first.
(function (lift, evaluate) {
  "use strict";
  const { construct, defineProperty, getPrototypeOf, setPrototypeOf } = Reflect;
  const hidden = (object, key, value, writable) =>
    defineProperty(object, key, { __proto__: null, value, writable, configurable: writable, enumerable: false });
  const make = (kind, texts) => construct(kind, texts, kind);

  function limit(kind) {
    const limited = function (...args) {
      for (let at = 0; at < args.length; at++) args[at] = `${args[at]}`;
      const made = lift(make, kind, args);
      if (new.target && new.target !== limited) setPrototypeOf(made, new.target.prototype);
      return made;
    };
    hidden(limited, "prototype", kind.prototype, false);
    defineProperty(limited, "name", { __proto__: null, value: kind.name });
    defineProperty(limited, "length", { __proto__: null, value: 1 });
    defineProperty(kind.prototype, "constructor", { __proto__: null, value: limited });
    return limited;
  }

  const samples = [function* () {}, async function () {}, async function* () {}];
  const kinds = samples.map((sample) => getPrototypeOf(sample).constructor);
  const plain = limit(Function);
  hidden(globalThis, "Function", plain, true);
  for (const kind of kinds) setPrototypeOf(limit(kind), plain);
  // A call of it is no direct one for the compiler, so the code sees globals alone.
  hidden(globalThis, "eval", (0, { eval(code) { return typeof code === "string" ? evaluate(code) : code; } }).eval, true);
})
