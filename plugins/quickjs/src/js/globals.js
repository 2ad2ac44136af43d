// The globals that scripts take for granted and QuickJS does not have.
(function (printLine, log, encodeText, decodeBytes, timer) {
  "use strict";

  const MAX_DEPTH = 4;
  const MAX_ITEMS = 100;
  const WIDTH = 72;

  const isIdentifier = (key) => /^[A-Za-z_$][\w$]*$/.test(key);
  const keyText = (key) =>
    typeof key === "symbol" ? `[${String(key)}]` : isIdentifier(key) ? key : JSON.stringify(key);

  function wrap(open, items, close) {
    if (items.length === 0) return open + close;
    const line = items.join(", ");
    if (line.length <= WIDTH && !line.includes("\n")) return `${open} ${line} ${close}`;
    return `${open}\n  ${items.join(",\n").replaceAll("\n", "\n  ")}\n${close}`;
  }

  function limited(items, count) {
    return count > MAX_ITEMS ? [...items, `... ${count - MAX_ITEMS} more`] : items;
  }

  function own(value, seen, skip) {
    const items = [];
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      if (!property || !property.enumerable || skip(key)) continue;
      const shown = "value" in property ? inspect(property.value, seen) : property.get ? "[Getter]" : "[Setter]";
      items.push(`${keyText(key)}: ${shown}`);
      if (items.length === MAX_ITEMS) break;
    }
    return items;
  }

  function title(value) {
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null) return "[Object: null prototype] ";
    const name = prototype.constructor?.name;
    return !name || name === "Object" ? "" : `${name} `;
  }

  const isIndex = (key) => typeof key === "string" && /^\d+$/.test(key);
  const never = () => false;

  function inspectObject(value, seen) {
    if (seen.includes(value)) return "[Circular]";
    if (value instanceof Error) return errorText(value, seen);
    if (seen.length > MAX_DEPTH) return Array.isArray(value) ? "[Array]" : "[Object]";
    const inside = [...seen, value];
    const each = (item) => inspect(item, inside);
    if (Array.isArray(value)) {
      const items = limited(Array.from(value.slice(0, MAX_ITEMS), each), value.length);
      return wrap("[", [...items, ...own(value, inside, isIndex)], "]");
    }
    if (value instanceof Map) {
      const items = [...value].slice(0, MAX_ITEMS).map(([key, item]) => `${each(key)} => ${each(item)}`);
      return wrap(`Map(${value.size}) {`, limited(items, value.size), "}");
    }
    if (value instanceof Set) {
      return wrap(`Set(${value.size}) {`, limited([...value].slice(0, MAX_ITEMS).map(each), value.size), "}");
    }
    if (ArrayBuffer.isView(value) && "length" in value) {
      const items = Array.from(value.subarray(0, MAX_ITEMS), String);
      return wrap(`${value.constructor.name}(${value.length}) [`, limited(items, value.length), "]");
    }
    if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
    if (value instanceof Date) return isNaN(value) ? "Invalid Date" : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return "Promise {}";
    return wrap(`${title(value)}{`, own(value, inside, never), "}");
  }

  function errorText(error, seen) {
    const stack = typeof error.stack === "string" ? error.stack.trimEnd() : "";
    const text = stack ? `${error}\n${stack}` : String(error);
    const more = own(error, [...seen, error], never);
    return more.length ? `${text} ${wrap("{", more, "}")}` : text;
  }

  function inspect(value, seen = []) {
    switch (typeof value) {
      case "string": return seen.length ? JSON.stringify(value) : value;
      case "bigint": return `${value}n`;
      case "symbol": return String(value);
      case "number": return Object.is(value, -0) ? "-0" : String(value);
      case "function": return functionText(value);
      case "object": return value === null ? "null" : inspectObject(value, seen);
      default: return String(value);
    }
  }

  function functionText(value) {
    const text = Function.prototype.toString.call(value);
    const kind = text.startsWith("class") ? "class" : "Function";
    return value.name ? `[${kind}: ${value.name}]` : `[${kind} (anonymous)]`;
  }

  function format(args) {
    const [first, ...rest] = args;
    if (typeof first !== "string" || rest.length === 0 || !first.includes("%")) {
      return args.map((value) => inspect(value)).join(" ");
    }
    let at = 0;
    const text = first.replace(/%[sdifjoOc%]/g, (mark) => {
      if (mark === "%%") return "%";
      if (at >= rest.length) return mark;
      const value = rest[at++];
      switch (mark) {
        case "%s": return typeof value === "string" ? value : inspect(value);
        case "%d": return String(Number(value));
        case "%i": return String(parseInt(value));
        case "%f": return String(parseFloat(value));
        case "%j": return JSON.stringify(value);
        case "%c": return "";
        default: return inspect(value, [null]);
      }
    });
    return [text, ...rest.slice(at).map((value) => inspect(value))].join(" ");
  }

  let indent = "";
  const counts = new Map();
  const starts = new Map();
  const out = (...args) => printLine(indented(format(args)));
  const indented = (text) => (indent ? indent + text.replaceAll("\n", `\n${indent}`) : text);
  const to = (level) => (...args) => log(level, indented(format(args)));

  const console = {
    log: out,
    info: out,
    debug: out,
    warn: to("warn"),
    error: to("error"),
    trace(...args) {
      log("info", `Trace: ${format(args)}\n${new Error().stack}`);
    },
    assert(condition, ...args) {
      if (!condition) log("error", args.length ? `Assertion failed: ${format(args)}` : "Assertion failed");
    },
    dir(value) {
      printLine(indented(inspect(value)));
    },
    table(value) {
      printLine(indented(inspect(value)));
    },
    group(...args) {
      if (args.length) out(...args);
      indent += "  ";
    },
    groupEnd() {
      indent = indent.slice(2);
    },
    count(label = "default") {
      const count = (counts.get(label) ?? 0) + 1;
      counts.set(label, count);
      out(`${label}: ${count}`);
    },
    countReset(label = "default") {
      counts.delete(label);
    },
    time(label = "default") {
      starts.set(label, performance.now());
    },
    timeEnd(label = "default") {
      if (starts.has(label)) out(`${label}: ${(performance.now() - starts.get(label)).toFixed(3)}ms`);
      starts.delete(label);
    },
  };

  class TextEncoder {
    get encoding() {
      return "utf-8";
    }
    encode(text = "") {
      return encodeText(String(text));
    }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const char of String(text)) {
        const bytes = encodeText(char);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += char.length;
      }
      return { read, written };
    }
  }

  class TextDecoder {
    #fatal;
    #keepMark;
    #rest = new Uint8Array(0);
    #started = false;

    constructor(label = "utf-8", options = {}) {
      if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) {
        throw new RangeError(`TextDecoder: the encoding '${label}' is not supported, only utf-8`);
      }
      this.#fatal = Boolean(options?.fatal);
      this.#keepMark = Boolean(options?.ignoreBOM);
    }
    get encoding() {
      return "utf-8";
    }
    get fatal() {
      return this.#fatal;
    }
    get ignoreBOM() {
      return this.#keepMark;
    }
    decode(input = new Uint8Array(0), options = {}) {
      let bytes = ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
        : new Uint8Array(input);
      if (this.#rest.length) {
        const joined = new Uint8Array(this.#rest.length + bytes.length);
        joined.set(this.#rest);
        joined.set(bytes, this.#rest.length);
        bytes = joined;
      }
      const whole = options?.stream ? completeLength(bytes) : bytes.length;
      this.#rest = bytes.slice(whole);
      let text = decodeBytes(bytes.subarray(0, whole), this.#fatal);
      if (!this.#started && !this.#keepMark && text.startsWith("\uFEFF")) text = text.slice(1);
      this.#started = Boolean(options?.stream) && (this.#started || whole > 0);
      return text;
    }
  }

  // How many bytes there are before a character that the next piece may complete.
  function completeLength(bytes) {
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back];
      if (byte >= 0xc0) {
        const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return length > back ? bytes.length - back : bytes.length;
      }
      if (byte < 0x80) break;
    }
    return bytes.length;
  }

  // The browser's timers, over the bundle `timer`.
  const MISSING = "needs the bundle 'timer' (libcalog_natives_timer.so), which is not among the plugins";
  // The longest time of a timer, in milliseconds: what is longer is as good as never.
  const LONGEST = 1e13;
  const timers = new Map();
  let lastTimer = 0;

  const delayOf = (ms) => {
    const delay = Number(ms);
    return Number.isFinite(delay) ? Math.min(Math.max(0, delay), LONGEST) : 0;
  };

  function start(name, repeat, callback, ms, args) {
    if (!timer) throw new Error(`${name} ${MISSING}`);
    if (typeof callback !== "function") {
      throw new TypeError(`${name}: the callback must be a function, not ${callback === null ? "null" : typeof callback}`);
    }
    const delay = delayOf(ms);
    const id = ++lastTimer;
    const run = () => {
      if (!repeat) timers.delete(id);
      // What it returns is nobody's: a promise is not waited for.
      Reflect.apply(callback, globalThis, args);
    };
    timers.set(id, repeat ? timer.every(Math.max(1, delay), run) : timer.after(delay, run));
    return id;
  }

  function stop(id) {
    const key = typeof id === "string" ? Number(id) : id;
    timers.get(key)?.cancel();
    timers.delete(key);
  }

  const browser = {
    setTimeout(callback, ms, ...args) {
      return start("setTimeout", false, callback, ms, args);
    },
    setInterval(callback, ms, ...args) {
      return start("setInterval", true, callback, ms, args);
    },
    setImmediate(callback, ...args) {
      return start("setImmediate", false, callback, 0, args);
    },
    clearTimeout(id) {
      stop(id);
    },
    clearInterval(id) {
      stop(id);
    },
    clearImmediate(id) {
      stop(id);
    },
  };

  return {
    console,
    print: out,
    TextEncoder,
    TextDecoder,
    ...browser,
  };
})
