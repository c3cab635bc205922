"""The JavaScript that runs around an expression: it brings values in and out as JSON."""

from __future__ import annotations

HARNESS = r"""
(function () {
  "use strict";
  var parse = JSON.parse, stringify = JSON.stringify, evaluate = globalThis.eval, finite = isFinite;
  var globals = globalThis;

  ["inputs", "self", "runtime"].forEach(function (name) {
    Object.defineProperty(globals, name, {value: null, writable: true, enumerable: true, configurable: false});
  });

  function refuse(what) { throw "it gave " + what + ", which JSON cannot say"; }

  function finiteOnly(key, value) {
    if (typeof value === "number" && !finite(value)) { refuse(value + (key === "" ? "" : " in its field " + key)); }
    return value;
  }

  /* The JSON text of a value. Null may stand for NaN in it: only then is each number looked at. */
  function written(value) {
    var kind = typeof value;
    if (value === undefined || value === null) { return "null"; }
    if (kind === "function" || kind === "symbol") { refuse("a " + kind); }
    if (kind === "bigint") { refuse("a BigInt"); }
    if (kind === "object" && typeof value.then === "function") { refuse("a promise"); }
    var text = stringify(value);
    if (text === undefined) { return "null"; }
    if (kind !== "string" && kind !== "boolean" && text.indexOf("null") >= 0) { stringify(value, finiteOnly); }
    return text;
  }

  function bring(inputs, self, runtime) {
    globals.inputs = parse(inputs);
    globals.self = parse(self);
    globals.runtime = parse(runtime);
  }

  var doors = {
    compile: function (source) { return evaluate(parse(source)); },
    call: function (code, inputs, self, runtime) {
      bring(inputs, self, runtime);
      return written(code.call(globals));
    },
    run: function (source, inputs, self, runtime) {
      bring(inputs, self, runtime);
      return written(evaluate(parse(source)));
    }
  };
  return function (name) { return doors[name]; };
})()
"""
"""A script whose value gives three functions by name; all their arguments but `code` are JSON texts.

`compile(source)` gives the value of a script, `call(code, inputs, self, runtime)` the JSON text of
what a function returns, `run(source, inputs, self, runtime)` that of the value of a script.
"""

FREEZE = r"""
(function () {
  "use strict";
  var variables = {inputs: 1, self: 1, runtime: 1};
  var seen = new Set(), pending = [];
  var anonymous = [function* () {}, async function () {}, async function* () {}, [].values(), "".matchAll(/a/g),
    ""[Symbol.iterator](), new Map().entries(), new Set().entries(), [].values().map(function () {}),
    Iterator.from({next: function () {}}), (function* () {})(), (async function* () {})()];

  function visit(owner, key) {
    var property = Object.getOwnPropertyDescriptor(owner, key);
    pending.push(property.value, property.get, property.set);
  }

  function freezeGlobals() {
    Reflect.ownKeys(globalThis).forEach(function (name) {
      visit(globalThis, name);
      if (!variables[name]) {
        var property = Object.getOwnPropertyDescriptor(globalThis, name);
        if (property.configurable) {
          Object.defineProperty(globalThis, name, "value" in property
            ? {writable: false, configurable: false} : {configurable: false});
        }
      }
    });
    Object.preventExtensions(globalThis);
    seen.add(globalThis);
  }

  /* Behind these two are accessors, whose state a frozen Error would still let change. */
  function freezeStackTraces() {
    ["stackTraceLimit", "prepareStackTrace"].forEach(function (name) {
      if (name in Error) { Object.defineProperty(Error, name, {value: Error[name], writable: false}); }
    });
  }

  freezeStackTraces();
  freezeGlobals();
  anonymous.forEach(function (item) { pending.push(Object.getPrototypeOf(item), item.prototype); });
  while (pending.length) {
    var item = pending.pop();
    if (item === null || (typeof item !== "object" && typeof item !== "function") || seen.has(item)) { continue; }
    seen.add(item);
    Object.freeze(item);
    pending.push(Object.getPrototypeOf(item));
    Reflect.ownKeys(item).forEach(visit.bind(null, item));
  }
})()
"""
"""A script that freezes all that can be reached from the global object, but for the three variables."""
