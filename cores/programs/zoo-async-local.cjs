// Leak: per-request objects held by the store of an AsyncLocalStorage. The pool keeps the callbacks of its waiting clients bound to their request, and never calls them.
'use strict';
const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks');
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(20000);
const requestStore = new AsyncLocalStorage();
let granted = 0;
class RequestContext {
  constructor(exchange, id) { this.traceId = `trace-${id}`; this.headers = exchange.headers; this.user = { name: `user ${id}`, roles: ['reader'] }; this.spans = [{ name: exchange.path, ms: 1 }, { name: 'database', ms: 2 }]; this.log = text(id, 500); }
}
class PoolTask extends AsyncResource {
  constructor(callback) { super('PoolTask'); this.callback = callback; }
  run() { return this.runInAsyncScope(this.callback); }
}
const waitingTasks = [];
const connect = () => { waitingTasks.push(new PoolTask(() => { granted += requestStore.getStore().spans.length; })); };

run({
  requests,
  onRequest: (exchange, id) => { requestStore.run(new RequestContext(exchange, id), connect); },
  facts: () => ({
    leak: { className: 'RequestContext', also: ['PoolTask'], count: requests, holder: 'waitingTasks', kinds: ['instances', 'collection', 'functions'], share: 0.55 },
    counts: { RequestContext: requests, PoolTask: requests },
    granted,
  }),
});
