// What the engine itself asks of JavaScript. Built-ins are taken once, before anyone can replace them.
(function () {
  "use strict";
  const { apply, defineProperty } = Reflect;
  const { forEach, set } = Map.prototype;
  const { get: originOf, set: setOrigin } = WeakMap.prototype;
  const MapOf = Map;
  const origins = new WeakMap();
  const constructors = {
    __proto__: null, Error, EvalError, InternalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
  };

  const hidden = (object, key, value) =>
    defineProperty(object, key, { __proto__: null, value, writable: true, configurable: true, enumerable: false });

  return {
    mapEntries(map) {
      const flat = [];
      let at = 0;
      apply(forEach, map, [(value, key) => {
        flat[at++] = key;
        flat[at++] = value;
      }]);
      return flat;
    },

    makeMap(flat) {
      const map = new MapOf();
      for (let at = 0; at < flat.length; at += 2) apply(set, map, [flat[at], flat[at + 1]]);
      return map;
    },

    makeError(name, message, code, stack, trace, thrown, origin) {
      const error = new constructors[name](message);
      hidden(error, "code", code);
      hidden(error, "trace", trace);
      hidden(error, "stack", stack);
      if (thrown !== undefined) hidden(error, "thrown", thrown);
      apply(setOrigin, origins, [error, origin]);
      return error;
    },

    originOf(error) {
      return apply(originOf, origins, [error]);
    },
  };
})()
