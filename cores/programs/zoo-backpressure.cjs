// Leak: a queue that back-pressure fills. The place where log records go hangs, nobody looks at what write() returns, and the stream keeps it all.
'use strict';
const { Writable } = require('node:stream');
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(40000);
class LogRecord {
  constructor(exchange, id) { this.id = id; this.level = 'info'; this.at = 1.7e12 + id; this.fields = { path: exchange.path, client: exchange.client }; this.message = text(id, 300); }
}
const logShipper = new Writable({ objectMode: true, highWaterMark: 64, write() { /* the other end never answers */ } });

run({
  requests,
  onRequest: (exchange, id) => { logShipper.write(new LogRecord(exchange, id)); },
  facts: () => ({
    // The first one was handed to write(), which has dropped it.
    leak: { className: 'LogRecord', count: requests - 1, holder: 'logShipper', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { LogRecord: requests - 1 },
  }),
});
