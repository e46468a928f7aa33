/** A worker thread that reads and counts one snapshot, whose path it is started with. It is ended when nobody waits for it any more. */
import { parentPort, workerData } from 'node:worker_threads';
import { countSnapshot, packError } from './snapshot-work.ts';
import type { SnapshotReply } from './snapshot-work.ts';

const reply = (message: SnapshotReply): void => parentPort?.postMessage(message);

try {
  reply({ kind: 'counted', counted: countSnapshot(String(workerData), (share) => reply({ kind: 'share', share })) });
} catch (error) {
  reply({ kind: 'failed', error: packError(error) });
}
