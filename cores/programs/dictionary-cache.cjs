// Containers with very many entries: an object used as a cache, one with integer keys, a Map, a Set and an Array.
'use strict';
const { scale, stop } = require('./lib/stop.cjs');

const n = scale(50000);
class Entry { constructor(i) { this.at = i; } }

const cache = {};
for (let i = 0; i < n; i++) cache[`cache-key-${i}`] = new Entry(i);
const numbered = {};
for (let i = 0; i < 0.8 * n; i++) numbered[i] = `numbered-${i}`;
const sparse = {};
for (let i = 0; i < 0.1 * n; i++) sparse[i * 4099 + 7] = i;
const map = new Map();
for (let i = 0; i < 1.2 * n; i++) map.set(`map-key-${i}`, i);
const set = new Set();
for (let i = 0; i < 0.9 * n; i++) set.add(`member-${i}`);
const array = [];
for (let i = 0; i < 2 * n; i++) array.push(i % 1000);
globalThis.kept = { cache, numbered, sparse, map, set, array };

stop({ scale: n, counts: { Entry: n }, entries: { cache: n, numbered: 0.8 * n, sparse: 0.1 * n, map: 1.2 * n, set: 0.9 * n, array: 2 * n } });
