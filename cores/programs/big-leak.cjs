// One large leak, for measuring: every record is an instance with a string, a number of its own, a small object and a list. No snapshot.
'use strict';
const { end, print, scale } = require('./lib/stop.cjs');

const n = scale(3000000);
class LeakedRecord {
  constructor(i) {
    this.id = i;
    this.kind = 'record';
    this.state = 'open';
    this.next = null;
    this.text = `text-${i}`;
    this.at = i + 0.5;
    this.detail = { from: i, to: i + 1, note: 'none', parts: i % 4 !== 0 ? [i] : null };
  }
}
const records = [];
for (let i = 0; i < n; i++) records.push(new LeakedRecord(i));
globalThis.leaked = records;
globalThis.gc?.();
print({ scale: n, counts: { LeakedRecord: n }, heapBytes: process.memoryUsage().heapUsed });
end();
