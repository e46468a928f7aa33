// Leak: small closures that capture a big scope. Each undo step needs one number of it and keeps the whole of it alive.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(25000);
const undoSteps = [];
function edit(exchange, id) {
  const rows = Array.from({ length: 40 }, (_, at) => at + id + 0.5);
  const draft = text(exchange.path, 400);
  const total = rows.length + draft.length;
  const describe = () => `${rows[0]} ${draft}`;
  undoSteps.push(function undoEdit() { return total; });
  return describe;
}

run({
  requests,
  onRequest: edit,
  facts: () => ({
    leak: { functionName: 'undoEdit', count: requests, holder: 'undoSteps', kinds: ['functions', 'collection'], share: 0.55 },
    counts: {},
  }),
});
