// Leak: a cache without eviction. Every request asks for another combination of parameters, so nothing is ever found again.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(40000);
class PriceQuote {
  constructor(key, id) { this.key = key; this.cents = id * 3; this.lines = [{ sku: `sku-${id}`, quantity: 1, cents: id }, { sku: `sku-${id + 1}`, quantity: 2, cents: id }]; this.terms = text(id, 200); }
}
const priceCache = new Map();
function quote(exchange, id) {
  const key = `${exchange.path}?client=${exchange.client}&at=${id}`;
  let found = priceCache.get(key);
  if (found === undefined) priceCache.set(key, (found = new PriceQuote(key, id)));
  return found;
}

run({
  requests,
  onRequest: quote,
  facts: () => ({
    leak: { className: 'PriceQuote', count: requests, holder: 'priceCache', kinds: ['instances', 'collection'], share: 0.55 },
    counts: { PriceQuote: requests },
  }),
});
