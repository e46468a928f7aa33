// Many closures of few definitions: named, anonymous, with a hundred captured variables, in nested contexts, as listeners of one emitter.
'use strict';
const { EventEmitter } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { definitionPlace, scale, stop } = require('./lib/stop.cjs');

const n = scale(10000);
const source = fs.readFileSync(__filename, 'utf8');
const kept = { ticks: [], arrows: [], wide: [], nested: [], methods: [], async: [], generators: [], bus: new EventEmitter() };
kept.bus.setMaxListeners(0);

for (let i = 0; i < n; i++) kept.ticks.push(function onTick() { return i; });
for (let i = 0; i < n / 2; i++) kept.arrows.push(() => i + 1);
for (let i = 0; i < n / 10; i++) kept.bus.on('data', function onData(chunk) { return chunk.length + i; });
for (let i = 0; i < n / 20; i++) kept.methods.push({ describe() { return `method ${i}`; } });
for (let i = 0; i < n / 20; i++) kept.async.push(async function fetchLater(url) { return [url, i]; });
for (let i = 0; i < n / 40; i++) kept.generators.push(function* countFrom() { yield i; });

/** Three contexts, one in the other; the innermost closure uses a variable of each. */
function outer(a) {
  return function middle(b) {
    return function inner(c) { return () => a + b + c; };
  };
}
for (let i = 0; i < n / 20; i++) kept.nested.push(outer(i)(i + 1)(i + 2));

// A function that captures a hundred variables, made from text: nobody writes one by hand, minifiers and transpilers do.
const names = Array.from({ length: 100 }, (_, i) => `captured${String(i).padStart(3, '0')}`);
const wideSource = `${names.map((name, i) => `  let ${name} = seed + ${i};`).join('\n')}\n  return function readAll() { return ${names.join(' + ')}; };`;
const makeWide = new Function('seed', wideSource);
for (let i = 0; i < 100; i++) kept.wide.push(makeWide(i * 1000));
globalThis.kept = kept;

const place = (fn, instances) => ({ name: fn.name, script: path.basename(__filename), ...definitionPlace(source, fn), instances });
stop({ scale: n, script: __filename, functions: [
  place(kept.ticks[0], n),
  place(kept.arrows[0], n / 2),
  place(kept.bus.listeners('data')[0], n / 10),
  place(kept.methods[0].describe, n / 20),
  place(kept.async[0], n / 20),
  place(kept.generators[0], n / 40),
  place(kept.nested[0], n / 20),
], evaluated: { name: 'readAll', instances: 100, variables: names.length } });
