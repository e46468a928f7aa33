/** The text of the program that `coreleak demo` runs: a small shop whose audit log is never emptied, beside work that is healthy. */

/** Requests that the program serves to itself before it stops. */
export const DEMO_REQUESTS = 5_000;

/** Arguments: `abort` ends it with a core of the kernel, `wait` keeps it alive for gcore. It prints one line of JSON when the leak is in place. */
export const DEMO_PROGRAM: string = String.raw`// A small server with a leak: every request leaves audit records in a Map that nothing ever empties.
import { Agent, createServer, request } from 'node:http';

class AuditRecord {
  constructor(user, action, path) {
    this.user = user;
    this.action = action;
    this.at = Date.now() + 0.5;
    this.detail = { path, status: 200, agent: 'demo/' + (user.length % 3) };
  }
}

class CartLine {
  constructor(sku, quantity) {
    this.sku = sku;
    this.quantity = quantity;
  }
}

class AuditLog {
  constructor() {
    this.sessions = new Map();
  }
  /** The leak: entries are set and never deleted. */
  record(user, action, path) {
    this.sessions.set(this.sessions.size + ':' + user, new AuditRecord(user, action, path));
  }
}

/** Healthy: a cache with a bound, and carts that come and go. */
class Shop {
  constructor() {
    this.audit = new AuditLog();
    this.carts = new Map();
  }
  serve(user, path) {
    for (const action of ['connect', 'login', 'buy', 'leave']) this.audit.record(user, action, path);
    this.carts.set(user, [new CartLine('sku-' + (path.length % 40), 1), new CartLine('sku-0', 2)]);
    if (this.carts.size > 200) this.carts.delete(this.carts.keys().next().value);
    return { user, lines: this.carts.get(user).length };
  }
}

const [, , end, requests] = process.argv;
const shop = new Shop();
globalThis.shop = shop;
const server = createServer((incoming, response) => {
  const answer = shop.serve('user-' + incoming.headers['x-user'], incoming.url);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const { port } = server.address();

const ask = (number) =>
  new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, path: '/buy/' + number, headers: { 'x-user': String(number) } }, (incoming) => {
      incoming.resume();
      incoming.on('end', resolve);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });

let sent = 0;
const worker = async () => {
  while (sent < Number(requests)) await ask(sent++);
};
await Promise.all(Array.from({ length: 32 }, worker));
process.stdout.write(JSON.stringify({ pid: process.pid, records: shop.audit.sessions.size }) + '\n', () => {
  if (end === 'abort') process.abort();
});
// Nobody waits for ever: without a core by then, there will be none.
setTimeout(() => process.exit(1), 60_000);
`;
