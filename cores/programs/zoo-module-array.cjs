// Leak: a list in a module that only grows, one audit entry for every request.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(40000);
class AuditEntry {
  constructor(exchange, id) {
    this.id = id;
    this.path = exchange.path;
    this.client = exchange.client;
    this.at = new Date(1.7e12 + id);
    this.details = { headers: exchange.headers, note: text(id, 300) };
  }
}
const auditTrail = [];

run({
  requests,
  onRequest: (exchange, id) => { auditTrail.push(new AuditEntry(exchange, id)); },
  facts: () => ({
    leak: { className: 'AuditEntry', count: requests, holder: 'auditTrail', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { AuditEntry: requests },
  }),
});
