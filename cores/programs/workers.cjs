// Two worker threads and the main thread, each with a population of its own; a snapshot would show the main thread only, so none is written.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');

class WorkerThing { constructor(i) { this.id = i; this.name = `worker-${i}`; } }
class FirstOnly { constructor(i) { this.first = i; } }
class SecondOnly { constructor(i) { this.second = i; } }
class MainThing { constructor(i) { this.id = i; } }

if (isMainThread) {
  const { end, print, scale } = require('./lib/stop.cjs');
  const n = scale(5000);
  const things = [];
  for (let i = 0; i < n; i++) things.push(new MainThing(i));
  globalThis.things = things;
  const ready = [1, 2].map((which) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { n, which } });
    worker.once('message', resolve);
    worker.once('error', reject);
  }));
  Promise.all(ready).then(() => {
    globalThis.gc?.();
    print({ scale: n, isolates: 3, counts: { MainThing: n, WorkerThing: 2 * n, FirstOnly: n / 5, SecondOnly: n / 2 } });
    end();
  });
} else {
  const { n, which } = workerData;
  const kept = [];
  for (let i = 0; i < n; i++) kept.push(new WorkerThing(i));
  if (which === 1) for (let i = 0; i < n / 5; i++) kept.push(new FirstOnly(i));
  else for (let i = 0; i < n / 2; i++) kept.push(new SecondOnly(i));
  globalThis.kept = kept;
  globalThis.gc?.();
  parentPort.postMessage('ready');
  setInterval(() => kept.length, 0x7fffffff);
}
