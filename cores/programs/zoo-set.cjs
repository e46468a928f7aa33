// Leak: a Set that is to tell messages seen from new ones. Its members are plain objects, so none is ever equal to another and all stay.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const messages = scale(50000);
const processed = new Set();
function receive(exchange, id) {
  const key = { topic: `topic-${id % 20}`, partition: id % 8, messageOffset: id, producer: text(id, 250) };
  if (processed.has(key)) return;
  processed.add(key);
}

run({
  requests: messages,
  onRequest: receive,
  facts: () => ({
    leak: { type: 'plain object', properties: ['topic', 'partition', 'messageOffset', 'producer'], count: messages, holder: 'processed', kinds: ['instances', 'collection'], share: 0.55 },
    counts: {},
  }),
});
