// Puts values where the tests find them, `globalThis.zoo`, and writes down what a reader of the core must say about each.
// The texts are literal truths of the program, in the notation of cores/README.md; nothing here looks at the value to describe it.
'use strict';
const { createHash } = require('node:crypto');

/** Name of a value -> {kind, text, match}: what the line of facts says. */
exports.values = {};
const zoo = {};
globalThis.zoo = zoo;

/** The text of a string: its contents in JSON's quotes, or for a long one its start, length and digest. `parts` are joined, so that the string itself stays as it is. */
exports.stringText = (...parts) => {
  const whole = parts.join('');
  if (whole.length <= 200) return JSON.stringify(whole);
  return `${JSON.stringify(whole.slice(0, 40))}… ${whole.length} sha256:${createHash('sha256').update(whole, 'utf16le').digest('hex').slice(0, 16)}`;
};

/** Keeps `value` as zoo[name] and expects `kind` and `text` of it; `match: 'start'` compares the beginning only. */
exports.put = (name, value, kind, text, match = 'whole') => {
  if (name in zoo) throw new Error(`${name} is twice in the zoo`);
  zoo[name] = value;
  exports.values[name] = { kind, text, match };
  return value;
};

/** Expects this of the context of the function zoo[name]: its variables in order of name. */
exports.putContext = (name, variables) => {
  const text = Object.keys(variables).sort().map((key) => `${key}: ${variables[key]}`).join(', ');
  exports.values[`${name}#context`] = { kind: 'context', text: `{${text}}`, match: 'whole' };
};

/** Lists at most 20 items and says how many there are in all. */
exports.list = (items, total = items.length) => `${items.slice(0, 20).join(', ')}${total > 20 ? `, …${total}` : ''}`;
