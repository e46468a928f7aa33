// What all programs share: their three arguments, and the way they stop.
// node --expose-gc PROGRAM <scale, 0 for the program's own> <snapshot path or -> <abort|wait>
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const v8 = require('node:v8');

const [, script, scaleText, snapshot = '-', end = 'wait'] = process.argv;

/** How many of everything: the first argument, or the program's own default. */
exports.scale = (fallback) => Number(scaleText) || fallback;

/** The line of facts: what is in the heap, and whose heap it is. */
const factsLine = (facts) =>
  `${JSON.stringify({ pid: process.pid, node: process.version, v8: process.versions.v8, program: path.basename(script, path.extname(script)), ...facts })}\n`;

/** Prints the facts. Written at once and whole, because the process may die at any moment after it. */
exports.print = (facts) => fs.writeSync(1, factsLine(facts));

/** Collects garbage, and writes V8's own snapshot where one was asked for. */
exports.takeSnapshot = () => {
  globalThis.gc?.();
  if (snapshot !== '-') v8.writeHeapSnapshot(snapshot);
};

/** Dies by abort (the kernel writes the core), or stays alive and idle until it is killed. */
exports.end = () => {
  if (end === 'abort') process.abort();
  setTimeout(() => undefined, 0x7fffffff);
};

/** Snapshot, collection, facts, end; `last` runs after the last collection, so what it makes is young. */
exports.stop = (facts, last) => {
  const line = factsLine(facts);
  exports.takeSnapshot();
  globalThis.gc?.();
  last?.();
  fs.writeSync(1, line);
  exports.end();
};

/** Where the definition of `fn` starts in `source`, counted from 1: the place of the text that Function.prototype.toString gives. */
exports.definitionPlace = (source, fn) => {
  const text = Function.prototype.toString.call(fn);
  const at = source.indexOf(text);
  if (at < 0 || source.indexOf(text, at + 1) >= 0) throw new Error(`the text of ${fn.name || 'a function'} is not once in its file`);
  const before = source.slice(0, at).split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1 };
};
