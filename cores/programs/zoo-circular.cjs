// Leak: circular structures held by one reference. Each rendering remembers the one before it, and every element of a document leads to all others.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const ELEMENTS = 20;
const elements = scale(60000);
class ElementNode {
  constructor(tag, owner, parent) { this.tag = tag; this.ownerDocument = owner; this.parent = parent; this.children = []; this.attributes = { id: `${tag}-${owner.id}`, class: 'row' }; }
}
class RenderedDocument {
  constructor(id, previous) { this.id = id; this.previous = previous; this.title = text(id, 600); this.root = new ElementNode('html', this, null); }
}
let lastRendered = null;
function render(exchange, id) {
  const document = new RenderedDocument(id, lastRendered);
  let parent = document.root;
  for (let i = 1; i < ELEMENTS; i++) {
    const element = new ElementNode(`e${i}`, document, parent);
    parent.children.push(element);
    if (i % 5 === 0) parent = element;
  }
  lastRendered = document;
}

run({
  requests: elements / ELEMENTS,
  onRequest: render,
  facts: () => ({
    leak: { className: 'ElementNode', also: ['RenderedDocument'], count: elements, holder: 'lastRendered', kinds: ['instances', 'collection'], share: 0.5 },
    counts: { ElementNode: elements, RenderedDocument: elements / ELEMENTS },
    last: lastRendered.id,
  }),
});
