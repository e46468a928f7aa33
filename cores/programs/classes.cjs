// Populations of every way to make an instance: classes, subclasses of built-ins, constructor functions, prototypes, private fields.
'use strict';
const { scale, stop } = require('./lib/stop.cjs');

const n = scale(10000);

class Plain { constructor(i) { this.id = i; this.label = `plain-${i}`; } }
class Account { constructor(i) { this.number = i; this.owner = { first: `first-${i}`, last: 'last' }; this.opened = i + 0.25; } }
class Savings extends Account { constructor(i) { super(i); this.rate = 0.5; } }
class Grown { constructor(i) { this.id = i; } }
class Vault { #secret; constructor(i) { this.#secret = `secret-${i}`; this.open = false; } reveal() { return this.#secret; } }
class Link { constructor(next) { this.next = next; } }
class Pile extends Array {}
class Registry extends Map {}
class Unique extends Set {}
class Trouble extends Error {}
class Job extends Promise {}
class Bytes extends Uint8Array {}
class Wide { constructor() { for (let i = 0; i < 150; i++) this[`w${i}`] = i; } }
const Unnamed = class { constructor(i) { this.u = i; } };
function OldStyle(i) { this.old = i; }
OldStyle.prototype.read = function read() { return this.old; };
function Base() {}
function Derived(i) { this.derived = i; }
Derived.prototype = Object.create(Base.prototype, { constructor: { value: Derived, writable: true, configurable: true } });
const tracing = Error.stackTraceLimit;

const counts = {};
const kept = {};
/** Keeps `count` values that `make` returns, under `name`, and writes the truth down. */
function fill(name, count, make) {
  const list = [];
  for (let i = 0; i < count; i++) list.push(make(i));
  kept[name] = list;
  counts[name] = count;
}

fill('Plain', n, (i) => new Plain(i));
fill('Savings', n / 4, (i) => new Savings(i));
fill('Grown', n / 10, (i) => {
  const grown = new Grown(i);
  grown.a = 1; grown.b = 2; grown.c = 3; grown.d = 4; grown.e = 5; grown.f = 6; grown.g = 7; grown.h = 8; grown.i = 9; grown.j = 10;
  grown.k = 11; grown.l = 12; grown.m = 13; grown.n = 14; grown.o = 15; grown.p = 16; grown.q = 17; grown.r = 18; grown.s = 19; grown.t = i + 0.5;
  return grown;
});
fill('Vault', n / 10, (i) => new Vault(i));
fill('Pile', n / 10, (i) => Pile.of(i, i + 1, i + 2));
fill('Registry', n / 20, (i) => new Registry([[`key-${i}`, i]]));
fill('Unique', n / 20, (i) => new Unique([i, i + 1]));
Error.stackTraceLimit = 2;
fill('Trouble', n / 50, (i) => new Trouble(`trouble-${i}`));
Error.stackTraceLimit = tracing;
fill('Job', n / 50, () => new Job(() => undefined));
fill('Bytes', n / 50, (i) => new Bytes(16 + (i % 16)));
fill('Wide', n / 100, () => new Wide());
fill('Unnamed', n / 20, (i) => new Unnamed(i));
fill('OldStyle', n / 5, (i) => new OldStyle(i));
fill('Derived', n / 20, (i) => new Derived(i));
fill('Date', n / 10, (i) => new Date(i * 1000));

kept.accounts = new Map();
for (let i = 0; i < n / 2; i++) kept.accounts.set(`account-${i}`, new Account(i));
counts.Account = n / 2;
kept.list = null;
for (let i = 0; i < n / 5; i++) kept.list = new Link(kept.list);
counts.Link = n / 5;
kept.literals = [];
for (let i = 0; i < n / 2; i++) kept.literals.push({ sku: `sku-${i}`, quantity: i, price: i + 0.99 });
async function waitForever(i) { await new Promise(() => undefined); return i; }
kept.pending = [];
for (let i = 0; i < n / 50; i++) kept.pending.push(waitForever(i));
globalThis.kept = kept;

stop({ scale: n, counts, shapes: [
  { constructor: 'Plain', properties: ['id', 'label'], instances: counts.Plain },
  { constructor: 'Object', properties: ['sku', 'quantity', 'price'], instances: n / 2 },
  { constructor: 'Savings', properties: ['number', 'owner', 'opened', 'rate'], instances: counts.Savings },
  { constructor: 'Grown', properties: ['id', ...'abcdefghijklmnopqrst'], instances: counts.Grown },
] });
