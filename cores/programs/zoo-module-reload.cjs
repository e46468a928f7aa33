// Leak: a module that is loaded anew for every change of prices. It is taken out of require.cache each time, but stays among the children of the module that loads it.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const RELOADS_PER_REQUEST = 1;
const reloads = scale(2000);
const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'coreleak-zoo-'));
const file = path.join(directory, 'rates.js');
fs.writeFileSync(file, `'use strict';
class ExchangeRate { constructor(from, at) { this.from = from; this.to = 'EUR'; this.rate = at + 0.25; this.valid = { since: 'today', source: 'bank ' + at }; } }
exports.rates = Array.from({ length: 80 }, (_, at) => new ExchangeRate('C' + at, at));
exports.find = (from) => exports.rates.find((rate) => rate.from === from);
`);
let found = 0;
function reload() {
  for (let i = 0; i < RELOADS_PER_REQUEST; i++) {
    delete require.cache[file];
    found += require(file).find('C7') === undefined ? 0 : 1;
  }
}

run({
  requests: reloads,
  onRequest: reload,
  facts: () => {
    fs.rmSync(directory, { recursive: true });
    return {
      leak: { className: 'ExchangeRate', also: ['Module'], count: reloads * 80, holder: 'children', kinds: ['instances', 'collection'], share: 0.55 },
      counts: { ExchangeRate: reloads * 80 },
      found,
    };
  },
});
