// No leak: a server warm after thousands of requests over real sockets. All are answered; caches, pools and kept-alive connections are what is left.
'use strict';
const http = require('node:http');
const { AsyncLocalStorage } = require('node:async_hooks');
const { scale, stop } = require('./lib/stop.cjs');
const { text } = require('./lib/workload.cjs');

const requests = scale(4000);
const PAGES = 3000;
const SESSIONS = 1200;
class Page { constructor(path) { this.path = path; this.body = text(path, 3000); this.etag = `W/"${path.length}-${path}"`; } }
class Session { constructor(id) { this.id = id; this.cart = [{ sku: `sku-${id}`, quantity: 1 }]; this.visits = 0; this.preferences = { theme: 'light', language: 'en' }; } }
class Connection { constructor(at) { this.at = at; this.busy = false; this.buffer = Buffer.alloc(16384, at); } }

const context = new AsyncLocalStorage();
const pages = new Map();
const sessions = new Map();
const pool = Array.from({ length: 20 }, (_, at) => new Connection(at + 1));
let answered = 0;

function remember(map, key, value, limit) {
  map.delete(key);
  map.set(key, value);
  if (map.size > limit) map.delete(map.keys().next().value);
  return value;
}
async function query(path) {
  const connection = pool.find(({ busy }) => !busy) ?? pool[0];
  connection.busy = true;
  await new Promise(setImmediate);
  connection.busy = false;
  return { path, rows: [{ id: 1 }, { id: 2 }] };
}
async function answer(request) {
  const session = context.getStore();
  session.visits++;
  const { rows } = await query(request.url);
  const page = remember(pages, request.url, pages.get(request.url) ?? new Page(request.url), PAGES);
  return `${page.body}${rows.length}${session.id}`;
}
const server = http.createServer((request, response) => {
  const key = String(answered++ % (SESSIONS * 2));
  const session = remember(sessions, key, sessions.get(key) ?? new Session(key), SESSIONS);
  const deadline = setTimeout(() => response.destroy(), 10_000);
  context.run(session, () => answer(request)).then((body) => { clearTimeout(deadline); response.end(body); });
});

const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
function visit(port, i) {
  return new Promise((resolve, reject) => {
    http.get({ host: '127.0.0.1', port, agent, path: `/article/${i % 3500}?ref=${i % 5}` }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });
}
// Most of the warming up happened without sockets, before the traffic that is seen here.
for (let i = 0; i < PAGES * 2; i++) remember(pages, `/article/${i}?ref=0`, new Page(`/article/${i}?ref=0`), PAGES);
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address();
  let next = 0;
  const visitor = async () => { while (next < requests) await visit(port, next++); };
  await Promise.all(Array.from({ length: 16 }, visitor));
  setTimeout(() => stop({ scale: requests, counts: { Page: PAGES, Session: SESSIONS, Connection: 20 }, answered }), 50);
});
