// Leak: a sandbox for every tenant that is never let go. Few objects of the program, but each holds a whole global object with all built-in ones.
// Some versions of Node add edges to V8's snapshot from their own ContextifyContext, which holds the context weakly.
'use strict';
const vm = require('node:vm');
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const tenants = scale(120);
const EVERY = 50;
class TenantSandbox {
  constructor(id) { this.id = id; this.globals = vm.createContext({ tenant: id, log: [] }); vm.runInContext('var rules = Array.from({ length: 200 }, (_, i) => ({ rule: i, tenant }))', this.globals); }
}
const sandboxes = new Map();

run({
  requests: tenants * EVERY,
  onRequest: (exchange, id) => { if (id % EVERY === 0) sandboxes.set(`tenant-${id}`, new TenantSandbox(id)); },
  facts: () => ({
    leak: { className: 'TenantSandbox', count: tenants, holder: 'sandboxes', cut: ['sandboxes', 'Node / ContextifyContext'], kinds: ['collection', 'instances'], share: 0.55 },
    counts: { TenantSandbox: tenants },
  }),
});
