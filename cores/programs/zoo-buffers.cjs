// Leak: Buffers kept for their first bytes. Half are small ones out of Node's pool, half are views of a whole chunk, whose memory lies outside of the V8 heap.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const uploads = scale(20000);
const previews = new Map();
function upload(exchange, id) {
  if (id % 2 === 0) {
    previews.set(id, Buffer.from(`${exchange.path} ${'x'.repeat(200)} ${id}`));
    return;
  }
  const chunk = Buffer.alloc(3000, id % 251 + 1);
  previews.set(id, chunk.subarray(0, 16));
}

run({
  requests: uploads,
  onRequest: upload,
  facts: () => ({
    leak: { className: 'Buffer', also: ['ArrayBuffer', 'external'], count: uploads, holder: 'previews', kinds: ['external', 'instances', 'collection'], share: 0.55 },
    counts: {},
  }),
});
