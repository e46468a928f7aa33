// Leak: a plain object used as a table of sessions by token. Logging in adds a property; nothing deletes it.
'use strict';
const { createHash } = require('node:crypto');
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const logins = scale(30000);
class LoginSession {
  constructor(exchange, id) { this.user = `user ${id}`; this.headers = exchange.headers; this.expires = 1.7e12 + id; this.cart = { items: [{ sku: `sku-${id}`, quantity: 1 }], note: text(id, 300) }; }
}
const sessionsByToken = {};

run({
  requests: logins,
  onRequest: (exchange, id) => { sessionsByToken[createHash('sha1').update(`login ${id}`).digest('hex')] = new LoginSession(exchange, id); },
  facts: () => ({
    leak: { className: 'LoginSession', count: logins, holder: 'sessionsByToken', kinds: ['instances', 'properties', 'collection'], share: 0.55 },
    counts: { LoginSession: logins },
  }),
});
