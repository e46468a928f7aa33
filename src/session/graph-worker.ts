/** A worker thread that does one task of graph-work.ts, which it is started with. */
import { parentPort, workerData } from 'node:worker_threads';
import { doGraphTask } from './graph-work.ts';
import type { GraphTask } from './graph-work.ts';
import { answerTask } from './worker-task.ts';

answerTask(
  (message) => parentPort?.postMessage(message),
  (onShare) => doGraphTask(workerData as GraphTask, onShare),
);
