// Leak: small substrings that hold big strings. The list of tokens is short in characters, but each token is a slice of the body it was found in.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const requests = scale(20000);
const seenTokens = [];
function upload(exchange, id) {
  const body = text(`token=${String(id).padStart(24, '0')};${exchange.path};`, 2000);
  seenTokens.push(body.slice(6, 30));
}

run({
  requests,
  onRequest: upload,
  facts: () => ({
    leak: { type: 'sliced string', also: ['string', 'strings'], count: requests, holder: 'seenTokens', kinds: ['strings', 'collection', 'instances'], share: 0.7 },
    counts: {},
  }),
});
