// The healthy share of a program of the leak zoo: a small web application whose caches are bounded and whose requests come and go.
'use strict';
const http = require('node:http');
const { stop } = require('./stop.cjs');

/** A flat string of `length` one-byte characters, another one for every `seed`. */
exports.text = (seed, length) => Buffer.alloc(length, `${seed} lorem ipsum dolor sit amet `).toString('latin1');

class CachedPage { constructor(path) { this.path = path; this.body = exports.text(path, 1200); this.hits = 0; } }
class PageCache {
  constructor(limit) { this.limit = limit; this.pages = new Map(); }
  read(path) {
    const page = this.pages.get(path) ?? new CachedPage(path);
    page.hits++;
    this.pages.delete(path);
    this.pages.set(path, page);
    if (this.pages.size > this.limit) this.pages.delete(this.pages.keys().next().value);
    return page;
  }
}

/** Requests per client and minute; old windows are swept out. */
class RateLimiter {
  constructor(limit) { this.limit = limit; this.windows = new Map(); }
  admit(client) {
    const window = this.windows.get(client) ?? { client, since: Date.now(), requests: 0 };
    window.requests++;
    this.windows.set(client, window);
    if (this.windows.size > this.limit) for (const old of [...this.windows.keys()].slice(0, this.limit / 2)) this.windows.delete(old);
  }
}

/** What is known of the last requests, in rings that do not grow. */
class Metrics {
  constructor(size) { this.durations = new Float64Array(size); this.samples = new Array(size).fill(null); this.next = 0; this.byRoute = {}; }
  record(route, duration) {
    const at = this.next++ % this.samples.length;
    this.durations[at] = duration;
    this.samples[at] = { route, duration };
    this.byRoute[route] = (this.byRoute[route] ?? 0) + 1;
  }
}

class Router {
  constructor() { this.routes = []; }
  add(pattern, handler) { this.routes.push({ pattern, handler }); }
  find(path) { return this.routes.find(({ pattern }) => pattern.test(path)); }
}

/** One request while it is being answered. */
class Exchange {
  constructor(id, path, client) {
    this.id = id;
    this.path = path;
    this.client = client;
    this.headers = { accept: 'text/html', 'user-agent': `browser ${id % 50}`, cookie: `session=${id}` };
    this.parameters = new Map([['id', String(id)], ['page', String(id % 7)]]);
    this.timer = setTimeout(() => this.abort(), 30_000);
  }
  abort() { throw new Error(`request ${this.id} took too long`); }
  finish() { clearTimeout(this.timer); }
}

const ROUTES = ['shop', 'cart', 'account', 'search', 'help', 'admin'];

class Application {
  constructor(pages) {
    this.settings = JSON.parse(JSON.stringify({ name: 'shop', locale: 'en', features: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`feature-${i}`, i % 3 === 0])) }));
    this.catalogue = JSON.parse(JSON.stringify(Array.from({ length: 2000 }, (_, i) => ({ sku: `sku-${i}`, title: `Product number ${i}`, cents: i * 7, tags: ['new', `group-${i % 40}`] }))));
    this.messages = new Map(Array.from({ length: 800 }, (_, i) => [`message.${i}`, `Text of message ${i} in this language`]));
    this.pages = new PageCache(pages);
    this.limiter = new RateLimiter(1000);
    this.metrics = new Metrics(1024);
    this.router = new Router();
    this.open = new Set();
    for (const route of ROUTES) this.router.add(new RegExp(`^/${route}(/|$)`), (exchange) => this.pages.read(exchange.path).body);
  }
  /** Answers one request. `work` is what the program does with it besides. */
  handle(id, work) {
    const route = ROUTES[id % ROUTES.length];
    const exchange = new Exchange(id, `/${route}/${(id * 7919) % 20_000}`, `10.0.${id % 13}.${id % 251}`);
    this.open.add(exchange);
    this.limiter.admit(exchange.client);
    const body = this.router.find(exchange.path).handler(exchange);
    work(exchange, id);
    this.metrics.record(route, id % 97);
    exchange.finish();
    this.open.delete(exchange);
    return body;
  }
}

/** Some requests over real sockets; the clients are gone at the end. */
async function visit(port, requests) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  let left = requests;
  const visitor = async () => {
    while (left-- > 0) {
      await new Promise((resolve, reject) => {
        http.get({ host: '127.0.0.1', port, agent, path: '/shop' }, (response) => response.resume().on('end', resolve)).on('error', reject);
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, visitor));
  agent.destroy();
}

const OVER_SOCKETS = 160;
const BATCH = 1000;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Runs the application until `requests` requests are answered, then prints `facts` and stops. `onRequest` is called once for each, with the exchange and a number from 0.
 * `facts()` is asked at the very end. A healthy program has as many `pages` as it likes.
 */
exports.run = ({ requests, onRequest, facts, pages = 1500 }) => {
  const app = new Application(pages);
  let served = 0;
  const server = http.createServer((request, response) => response.end(app.handle(served++, onRequest)));
  server.listen(0, '127.0.0.1', async () => {
    await visit(server.address().port, Math.min(OVER_SOCKETS, requests));
    while (served < requests) {
      for (let i = 0; i < BATCH && served < requests; i++) app.handle(served++, onRequest);
      await new Promise(setImmediate);
    }
    await pause(30);
    const { counts, ...rest } = facts();
    stop({ scale: requests, ...rest, counts: { ...counts, CachedPage: app.pages.pages.size, Exchange: 0, PageCache: 1 } });
  });
};
