/** A worker thread's end of the engine: it opens the core for itself, shares the heap memory, and does the steps it is asked for. */
import { parentPort } from 'node:worker_threads';
import { openFileSource } from '../bytes/byte-source.ts';
import { HeapEngine } from './heap-engine.ts';
import { CoreSegments, type WorkerReply, type WorkerRequest } from './worker-protocol.ts';

const reply = (message: WorkerReply): void => parentPort?.postMessage(message);
const onShare = (share: number): void => reply({ kind: 'share', share });

let engine: HeapEngine | undefined;

function answer(request: WorkerRequest): void {
  if (request.step === 'setUp') {
    const { setup } = request;
    engine = new HeapEngine(setup.engine, () => new CoreSegments(openFileSource(setup.corePath), setup.segments));
    return;
  }
  if (engine === undefined) throw new Error(`${request.step} comes after setUp`);
  switch (request.step) {
    case 'walk':
      reply({ kind: 'walk', answer: engine.walk(request.request, onShare) });
      break;
    case 'load':
      engine.load(request.request, onShare);
      reply({ kind: 'load' });
      break;
    case 'mark':
      reply({ kind: 'mark', tables: engine.mark(request.request, onShare) });
      break;
    case 'finishMark':
      reply({ kind: 'finishMark', result: engine.finishMark(request.tables) });
      break;
    case 'makeGraph':
      reply({ kind: 'makeGraph', answer: engine.makeGraph(request.request, onShare) });
      break;
    case 'placeEdges':
      engine.placeEdges(request.request);
      reply({ kind: 'placeEdges' });
      break;
  }
}

parentPort?.on('message', (request: WorkerRequest) => {
  try {
    answer(request);
  } catch (error) {
    reply({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
});
