// Leak: failures collected for a report that is never sent, each with its stack and the data of its request.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(20000);
class UpstreamError extends Error {
  constructor(message, exchange, id) { super(message); this.name = 'UpstreamError'; this.status = 502; this.request = { headers: exchange.headers, body: text(id, 400) }; }
}
const failures = [];
function callUpstream(exchange, id) { throw new UpstreamError(`upstream ${id % 10} is gone`, exchange, id); }
function proxy(exchange, id) {
  try {
    callUpstream(exchange, id);
  } catch (error) {
    // Half of the stacks are looked at, for the log: those are text from then on.
    if (id % 2 === 0 && error.stack.length === 0) return;
    failures.push(error);
  }
}

run({
  requests,
  onRequest: proxy,
  facts: () => ({
    leak: { className: 'UpstreamError', also: ['Error'], count: requests, holder: 'failures', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { UpstreamError: requests },
  }),
});
