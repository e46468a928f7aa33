// A small server that forgets to remove what each request leaves behind, beside work that is healthy.
'use strict';
const http = require('node:http');
const { scale, stop } = require('./lib/stop.cjs');

const requests = scale(3000);
class VisitorSession { constructor(id, agent) { this.id = id; this.agent = agent; this.started = Date.now(); this.cart = [{ sku: `sku-${id}`, quantity: 1 }]; } }
class PageCache {
  constructor(limit) { this.limit = limit; this.pages = new Map(); }
  get(path) {
    const page = this.pages.get(path) ?? `<h1>${path}</h1>`.repeat(20);
    this.pages.delete(path);
    this.pages.set(path, page);
    if (this.pages.size > this.limit) this.pages.delete(this.pages.keys().next().value);
    return page;
  }
}
const shop = { sessions: new Map(), cache: new PageCache(100), served: 0 };
globalThis.shop = shop;

const server = http.createServer((request, response) => {
  const id = shop.served++;
  shop.sessions.set(`session-${id}`, new VisitorSession(id, request.headers['user-agent']));
  response.end(shop.cache.get(request.url));
});
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

function visit(port, i) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, agent, path: `/page/${i % 250}`, headers: { 'user-agent': 'test' } }, (response) => {
      response.resume();
      response.on('end', resolve);
    }).on('error', reject);
  });
}

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  let next = 0;
  const visitor = async () => { while (next < requests) await visit(port, next++); };
  await Promise.all(Array.from({ length: 8 }, visitor));
  agent.destroy();
  server.close(() => setTimeout(() => stop({ scale: requests, leak: 'VisitorSession', counts: { VisitorSession: requests, PageCache: 1 } }), 50));
});
