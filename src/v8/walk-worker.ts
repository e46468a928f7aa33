/** A worker thread's end of the engine: it opens the core for itself, shares the heap memory, and does the steps it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import { openFileSource } from '../bytes/byte-source.ts';
import { HeapEngine } from './heap-engine.ts';
import { CoreSegments, type WorkerReply, type WorkerRequest, type WorkerSetup } from './worker-protocol.ts';

const setup = workerData as WorkerSetup;
const port = parentPort;
if (port !== null) {
  const engine = new HeapEngine(setup.engine, () => new CoreSegments(openFileSource(setup.corePath), setup.segments));
  const reply = (message: WorkerReply): void => port.postMessage(message);
  const onShare = (share: number): void => reply({ kind: 'share', share });
  port.on('message', (request: WorkerRequest) => {
    try {
      switch (request.step) {
        case 'walk':
          reply({ kind: 'walk', answer: engine.walk(request.request, onShare) });
          break;
        case 'mark':
          reply({ kind: 'mark', tables: engine.mark(request.request, onShare) });
          break;
        case 'finishMark':
          reply({ kind: 'finishMark', result: engine.finishMark(request.tables) });
          break;
      }
    } catch (error) {
      reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
  });
}
