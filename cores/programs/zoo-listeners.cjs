// Leak: every connection adds a listener to one emitter, and none takes its listener off when it closes.
'use strict';
const { EventEmitter } = require('node:events');
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const connections = scale(25000);
const configuration = new EventEmitter();
configuration.setMaxListeners(0);
let changes = 0;
class Connection {
  constructor(exchange, id) { this.id = id; this.client = exchange.client; this.subscriptions = [`topic-${id}`, 'news']; this.received = text(id, 700); this.closed = false; }
}
function connect(exchange, id) {
  const connection = new Connection(exchange, id);
  configuration.on('change', function onConfigurationChange(next) {
    changes++;
    connection.settings = next;
  });
  connection.closed = true;
}

run({
  requests: connections,
  onRequest: connect,
  facts: () => ({
    leak: { functionName: 'onConfigurationChange', also: ['Connection'], count: connections, holder: 'configuration', kinds: ['functions', 'instances', 'collection'], share: 0.55 },
    counts: { Connection: connections },
    changes,
  }),
});
