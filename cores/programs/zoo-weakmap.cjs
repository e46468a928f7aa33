// Leak: instances as values of a WeakMap whose keys stay alive. The WeakMap is right; the list of mounted widgets is not: unmounting forgets to take them off.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const widgets = scale(25000);
class Widget { constructor(id) { this.id = id; this.visible = false; } }
class RenderState {
  constructor(exchange, id) { this.path = exchange.path; this.headers = exchange.headers; this.rows = [id, id + 1, id + 2].map((value) => ({ value })); this.html = text(id, 600); }
}
const renderStates = new WeakMap();
const mounted = [];
function mount(exchange, id) {
  const widget = new Widget(id);
  mounted.push(widget);
  renderStates.set(widget, new RenderState(exchange, id));
}

run({
  requests: widgets,
  onRequest: mount,
  facts: () => ({
    leak: { className: 'RenderState', also: ['Widget'], count: widgets, holder: 'mounted', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { RenderState: widgets, Widget: widgets },
    states: renderStates.has(mounted[0]),
  }),
});
