// Leak: functions compiled from text. The template holds a nonce, so the table of compiled templates never finds one again.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const templates = scale(20000);
const compiledTemplates = new Map();
function render(exchange, id) {
  const source = `const nonce = "nonce-${id}"; const rows = data.rows.map((row) => "<li>" + row + "</li>"); return "<ul title='" + data.title + "' id='list-${id}'>" + rows.join("") + nonce + "</ul>";`;
  let template = compiledTemplates.get(source);
  if (template === undefined) compiledTemplates.set(source, (template = new Function('data', source)));
  return template({ title: exchange.path, rows: [id, 'more'] });
}

run({
  requests: templates,
  onRequest: render,
  facts: () => ({
    leak: { type: 'compiled function', also: ['Function', 'closures', 'functions', 'anonymous', 'compiledTemplates'], count: templates, holder: 'compiledTemplates', kinds: ['functions', 'collection', 'instances'], share: 0.55 },
    counts: {},
  }),
});
