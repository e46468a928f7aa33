/** A worker thread that reads and counts one snapshot, whose path it is started with. */
import { parentPort, workerData } from 'node:worker_threads';
import { countSnapshot } from './snapshot-work.ts';
import type { CountedSnapshot } from './snapshot-work.ts';
import { answerTask } from './worker-task.ts';

answerTask<CountedSnapshot>(
  (message) => parentPort?.postMessage(message),
  (onShare) => countSnapshot(String(workerData), onShare),
);
