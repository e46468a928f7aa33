// No leak: one big cache, full to its limit and turned over three times. It is most of the heap, and it cannot grow.
'use strict';
const { scale } = require('./lib/stop.cjs');
const { run, text } = require('./lib/workload.cjs');

const limit = scale(50000);
class CacheNode { constructor(key, value) { this.key = key; this.value = value; this.newer = null; this.older = null; } }
class LruCache {
  constructor(maxEntries) { this.maxEntries = maxEntries; this.nodes = new Map(); this.newest = null; this.oldest = null; this.evictions = 0; }
  get(key, make) {
    let node = this.nodes.get(key);
    if (node === undefined) {
      if (this.nodes.size >= this.maxEntries) this.evict();
      this.nodes.set(key, (node = new CacheNode(key, make(key))));
    } else {
      this.unlink(node);
    }
    node.older = this.newest;
    node.newer = null;
    if (this.newest !== null) this.newest.newer = node;
    this.newest = node;
    this.oldest ??= node;
    return node.value;
  }
  unlink(node) {
    if (node.older !== null) node.older.newer = node.newer;
    else this.oldest = node.newer;
    if (node.newer !== null) node.newer.older = node.older;
    else this.newest = node.older;
  }
  evict() {
    const node = this.oldest;
    this.unlink(node);
    this.nodes.delete(node.key);
    this.evictions++;
  }
}
const thumbnails = new LruCache(limit);
const load = (key) => text(key, 300);

run({
  requests: limit * 3,
  onRequest: (exchange, id) => { thumbnails.get(`/thumbnails/${id}`, load); if (id % 3 === 0) thumbnails.get(`/thumbnails/${id - 10}`, load); },
  facts: () => ({ counts: { CacheNode: thumbnails.nodes.size, LruCache: 1 }, entries: thumbnails.nodes.size, evictions: thumbnails.evictions }),
});
