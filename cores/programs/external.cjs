// Memory that JavaScript objects hold outside of the V8 heap: own Buffers, slices of the pool, ArrayBuffers, external strings.
'use strict';
const { scale, stop } = require('./lib/stop.cjs');

const n = scale(2000);
const own = [];
for (let i = 0; i < n; i++) own.push(Buffer.alloc(16384, i & 255));
const plain = [];
for (let i = 0; i < n / 10; i++) plain.push(new ArrayBuffer(65536));
const shared = [];
for (let i = 0; i < 10; i++) shared.push(new SharedArrayBuffer(1 << 20));
const slices = [];
for (let i = 0; i < n; i++) slices.push(Buffer.from(`slice of the pool ${i}`));
const letters = Buffer.alloc(3 << 20, 'abcdefgh');
const strings = [];
for (let i = 0; i < 4; i++) { letters[0] = 65 + i; strings.push(letters.toString('latin1')); }
for (let i = 0; i < 2; i++) { letters[0] = 75 + i; strings.push(letters.toString('ucs2')); }
globalThis.kept = { own, plain, shared, slices, letters, strings };

const pools = new Set(slices.map((slice) => slice.buffer));
const bytes = {
  own: n * 16384, plain: (n / 10) * 65536, shared: 10 << 20, letters: letters.length,
  pools: [...pools].reduce((sum, pool) => sum + pool.byteLength, 0),
  strings: strings.length * (3 << 20),
};
stop({ scale: n, bytes, total: Object.values(bytes).reduce((a, b) => a + b), slices: n, atLeast: { Buffer: 2 * n, ArrayBuffer: n + n / 10 } });
