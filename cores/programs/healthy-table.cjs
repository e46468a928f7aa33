// No leak: a worker of a job queue with a large table that was read at its start, and never changes.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run } = require('./lib/workload.cjs');

const rows = scale(60000);
const json = JSON.stringify({
  version: 7,
  countries: Array.from({ length: 200 }, (_, i) => ({ code: `C${i}`, name: `Country number ${i}`, currency: i % 3 === 0 ? 'EUR' : 'USD' })),
  ranges: Array.from({ length: rows }, (_, i) => ({ from: `10.${i >> 8 & 255}.${i & 255}.0`, prefix: 24, country: `C${i % 200}`, city: `City ${i % 5000}`, latitude: (i % 180) - 90.5, longitude: (i % 360) - 180.5 })),
});
const geography = JSON.parse(json);
const jobs = [];
let done = 0;
function work(exchange, id) {
  jobs.push({ id, address: exchange.client, attempts: 0 });
  const job = jobs.shift();
  const range = geography.ranges[(job.id * 31) % geography.ranges.length];
  done += geography.countries.find(({ code }) => code === range.country) === undefined ? 0 : 1;
}

run({ requests: 20_000, onRequest: work, facts: () => ({ counts: {}, rows: geography.ranges.length, done }) });
