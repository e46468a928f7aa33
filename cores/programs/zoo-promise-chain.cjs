// Leak: promises piling up in a chain. Writes are put in a row one after the other, and the first of them hangs.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const writes = scale(25000);
class DocumentChange {
  constructor(exchange, id) { this.id = id; this.path = exchange.path; this.fields = { title: `title ${id}`, tags: ['a', 'b'] }; this.text = text(id, 500); }
}
const disk = { written: 0, pendingWrite: undefined };
let lastWrite = new Promise((resolve) => { disk.pendingWrite = resolve; });
function save(exchange, id) {
  const change = new DocumentChange(exchange, id);
  lastWrite = lastWrite.then(function writeNext() { disk.written += change.text.length; });
}

run({
  requests: writes,
  onRequest: save,
  facts: () => ({
    leak: { className: 'DocumentChange', also: ['Promise', 'writeNext'], count: writes, holder: 'pendingWrite', kinds: ['instances', 'pending', 'functions', 'collection'], share: 0.55 },
    counts: { DocumentChange: writes },
    written: disk.written,
  }),
});
