// Live and dead instances side by side: old ones dropped after they were promoted, and young ones that no collection has seen.
'use strict';
const { end, print, scale, takeSnapshot } = require('./lib/stop.cjs');

const n = scale(5000);
class Live { constructor(i) { this.id = i; } }
class LiveYoung { constructor(i) { this.id = i; } }
class DeadOld { constructor(i) { this.id = i; this.next = null; } }
class DeadRing { constructor(i) { this.id = i; this.next = null; } }
class DeadYoung { constructor(i) { this.id = i; } }

const fill = (Class, count) => Array.from({ length: count }, (_, i) => new Class(i));
/** Objects that hold each other in a ring: reachable from one another, and from nothing else once the ring is dropped. */
function ring(count) {
  const all = fill(DeadRing, count);
  for (let i = 0; i < count; i++) all[i].next = all[(i + 1) % count];
  return all;
}
function makeYoungGarbage() {
  let total = 0;
  for (const dead of fill(DeadYoung, n)) total += dead.id;
  return total;
}

globalThis.kept = { live: fill(Live, n), old: fill(DeadOld, n), ring: ring(n), young: null };
globalThis.gc?.();
takeSnapshot();
globalThis.gc?.();
globalThis.kept.old = null;
globalThis.kept.ring = null;
globalThis.kept.young = fill(LiveYoung, n / 5);
makeYoungGarbage();
print({ scale: n, counts: { Live: n, LiveYoung: n / 5 }, dead: { DeadOld: n, DeadRing: n, DeadYoung: n } });
end();
