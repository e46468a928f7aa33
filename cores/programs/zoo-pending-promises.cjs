// Leak: promises that are never settled. A lock was taken and not given back; every order waits for it in an async function with all its variables.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const orders = scale(20000);
class Order {
  constructor(exchange, id) { this.id = id; this.client = exchange.client; this.items = [{ sku: `sku-${id}`, quantity: 1 }]; this.address = text(id, 500); }
}
class Lock {
  constructor() { this.taken = false; this.waiting = []; }
  acquire() {
    if (this.taken) return new Promise((resolve) => { this.waiting.push(resolve); });
    this.taken = true;
    return Promise.resolve();
  }
  release() {
    const next = this.waiting.shift();
    if (next === undefined) this.taken = false;
    else next();
  }
}
const stockLock = new Lock();
async function placeOrder(order) {
  const invoice = { order: order.id, lines: order.items.map((item) => ({ ...item, cents: 100 })) };
  await stockLock.acquire();
  order.invoice = invoice;
  stockLock.release();
}
// The failure: somebody took the lock, threw, and did not give it back.
stockLock.acquire();

run({
  requests: orders,
  onRequest: (exchange, id) => { placeOrder(new Order(exchange, id)); },
  facts: () => ({
    leak: { className: 'Order', also: ['Promise', 'placeOrder'], count: orders, holder: 'stockLock', kinds: ['instances', 'pending', 'functions', 'collection'], share: 0.5 },
    counts: { Order: orders, Lock: 1 },
  }),
});
