// Killed while its collector runs: a second thread kills the process as soon as the first one, which does nothing but allocate, stands still.
'use strict';
const { performance } = require('node:perf_hooks');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { print } = require('./lib/stop.cjs');

/** Longer than what interrupts the loop otherwise, and shorter than a scavenge of a new space in which everything lives. */
const PAUSE_MS = 5;
/** Batches before which it is not killed, and the objects in each. */
const ARMED = 5000;
const BATCH = 100;

class Leak { constructor(i) { this.id = i; this.text = `leak number ${i}`; this.when = i + 0.5; } }
class Batch { constructor(first) { this.items = Array.from({ length: BATCH }, (_, i) => new Leak(first + i)); } }

function allocate() {
  const made = new Int32Array(new SharedArrayBuffer(4));
  new Worker(__filename, { workerData: made, argv: process.argv.slice(2) }).unref();
  const leaked = [];
  globalThis.kept = { leaked };
  for (let i = 1; ; i++) {
    leaked.push(new Batch(i * BATCH));
    Atomics.store(made, 0, i);
  }
}

function watch(made) {
  for (let last = 0, since = performance.now(); ; ) {
    const now = Atomics.load(made, 0);
    if (now !== last || now < ARMED) {
      last = now;
      since = performance.now();
    } else if (performance.now() - since > PAUSE_MS) {
      print({ className: 'Leak', batchName: 'Batch', batches: now, batchSize: BATCH });
      process.kill(process.pid, 'SIGABRT');
      return;
    }
  }
}

if (isMainThread) allocate();
else watch(workerData);
