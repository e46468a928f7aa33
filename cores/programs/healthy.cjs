// No leak: a warm server with a bounded cache. Nothing here may be called a leak with high confidence.
'use strict';
const http = require('node:http');
const { scale, stop } = require('./lib/stop.cjs');

const entries = scale(2000);
class CacheEntry { constructor(key) { this.key = key; this.value = `value of ${key}`; this.hits = 0; } }
class BoundedCache {
  constructor(limit) { this.limit = limit; this.entries = new Map(); }
  read(key) {
    const entry = this.entries.get(key) ?? new CacheEntry(key);
    entry.hits++;
    this.entries.delete(key);
    this.entries.set(key, entry);
    if (this.entries.size > this.limit) this.entries.delete(this.entries.keys().next().value);
    return entry;
  }
}
const app = { cache: new BoundedCache(entries), routes: new Map([['/', 'index'], ['/about', 'about']]), settings: { name: 'shop', port: 0 } };
globalThis.app = app;
for (let i = 0; i < entries * 5; i++) app.cache.read(`key-${i}`);

const server = http.createServer((request, response) => response.end(JSON.stringify(app.cache.read(request.url))));
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  for (let i = 0; i < 300; i++) {
    await new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port, agent, path: `/item/${i}` }, (response) => { response.resume(); response.on('end', resolve); }).on('error', reject);
    });
  }
  agent.destroy();
  server.close(() => setTimeout(() => stop({ scale: entries, counts: { CacheEntry: entries, BoundedCache: 1 } }), 50));
});
