// Leak: a handler that registers a middleware for every request, where it should do so once at the start.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(25000);
class Layer {
  constructor(path, handle) { this.path = path; this.keys = [{ name: 'id', optional: false }]; this.params = {}; this.handle = handle; this.name = handle.name; }
}
class MiniExpress {
  constructor() { this.stack = []; this.settings = { etag: true, views: '/views' }; }
  use(path, handle) { this.stack.push(new Layer(path, handle)); }
}
const api = new MiniExpress();
function route(exchange, id) {
  const tenant = { id, host: `tenant-${id}.example.org`, policy: text(id, 500) };
  api.use(exchange.path, function checkTenant(request, next) { return tenant.host === request.host ? next() : undefined; });
}

run({
  requests,
  onRequest: route,
  facts: () => ({
    leak: { className: 'Layer', also: ['checkTenant'], count: requests, holder: 'api', kinds: ['instances', 'functions', 'collection'], share: 0.55 },
    counts: { Layer: requests, MiniExpress: 1 },
  }),
});
