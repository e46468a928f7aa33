// Leak: timers that are never cleared. Each session starts one to renew itself; logging out forgets it. Nothing of the program holds the sessions: Node's timers do.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const sessions = scale(25000);
let renewals = 0;
class UserSession {
  constructor(exchange, id) { this.id = id; this.headers = exchange.headers; this.history = [exchange.path, '/logout']; this.token = text(id, 600); }
  renew() { renewals++; }
}
function login(exchange, id) {
  const session = new UserSession(exchange, id);
  setInterval(function renewSession() { session.renew(); }, 3_600_000);
}

run({
  requests: sessions,
  onRequest: login,
  facts: () => ({
    leak: {
      className: 'UserSession', also: ['Timeout', 'renewSession'], count: sessions, holder: 'TimersList', cut: ['_idleNext', '_idlePrev'],
      kinds: ['instances', 'functions', 'collection'], share: 0.55,
    },
    counts: { UserSession: sessions },
    renewals,
  }),
});
