// Leak: keys that are interned for ever. Symbol.for enters each one into V8's registry, which is never emptied; the program itself keeps nothing.
// V8's snapshot takes its table of strings for a root, so there the symbols hold no more than themselves.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const keys = scale(50000);
let longest = 0;
function memoKey(exchange, id) {
  const key = Symbol.for(JSON.stringify({ query: 'search', page: id, filters: { path: exchange.path, text: text(id, 350) } }));
  longest = Math.max(longest, key.description.length);
}

run({
  requests: keys,
  onRequest: memoKey,
  facts: () => ({
    leak: { type: 'symbol', also: ['symbols', 'Symbol', 'strings', 'string'], count: keys, holder: 'public_symbol_table', kinds: ['instances', 'collection', 'strings'], share: 0.55, snapshotShare: 0.03 },
    counts: {},
    longest,
  }),
});
