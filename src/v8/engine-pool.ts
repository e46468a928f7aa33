/** Runs the engine's steps: on this thread for a small heap, split over worker threads for a large one. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CoreleakError, InterruptedError } from '../errors.ts';
import type { AddressSpace } from '../target/address-space.ts';
import { type EngineSetup, HeapEngine, type OnShare, type WalkAnswer, type WalkRequest } from './heap-engine.ts';
import type { GraphAnswer, GraphRequest, PlaceRequest } from './graph-pages.ts';
import { makeMarkPool } from './mark-pool.ts';
import type { MarkResult } from './mark.ts';
import type { SegmentColumns, WorkerReply, WorkerRequest, WorkerSetup } from './worker-protocol.ts';

/** Heaps below this many bytes are done before a worker would have started. */
const WORKER_HEAP_BYTES = 64 * 2 ** 20;
const MAX_WORKERS = 4;

/** The pages to walk, with their allocation areas by page number. */
type WalkPlan = Omit<WalkRequest, 'next'>;

/** Where marking starts; see MarkRequest. */
interface MarkPlan {
  readonly roots: Int32Array;
  readonly ephemeronTableType: number;
  readonly isMoving: boolean;
  readonly expected: number;
}

export interface EnginePool {
  /** Walks pages. One answer a thread. */
  walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]>;
  /** Loads all pages into the heap memory. */
  load(onShare: OnShare): Promise<void>;
  /** Marks from the roots. One result a thread. */
  mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]>;
  /** Fills the node columns and collects the edges. One answer a thread. */
  makeGraph(request: Omit<GraphRequest, 'next'>, onShare: OnShare): Promise<GraphAnswer[]>;
  /** Puts the edges of all threads where they belong. */
  placeEdges(request: PlaceRequest): Promise<void>;
  /** Makes a signal the one that ends running steps, from now on. */
  listen(signal: AbortSignal | undefined): void;
  close(): void;
}

/** A counter for threads that take turns. */
const turns = (): { next: Int32Array } => ({ next: new Int32Array(new SharedArrayBuffer(4)) });

class InlinePool implements EnginePool {
  readonly #engine: HeapEngine;

  constructor(setup: EngineSetup, memory: AddressSpace) {
    this.#engine = new HeapEngine(setup, () => memory);
  }
  walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]> {
    return Promise.resolve([this.#engine.walk({ ...plan, ...turns() }, onShare)]);
  }
  load(onShare: OnShare): Promise<void> {
    this.#engine.load(turns(), onShare);
    return Promise.resolve();
  }
  mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]> {
    const tables = this.#engine.mark({ ...plan, pool: makeMarkPool(1) }, onShare);
    return Promise.resolve([this.#engine.finishMark(tables)]);
  }
  makeGraph(request: Omit<GraphRequest, 'next'>, onShare: OnShare): Promise<GraphAnswer[]> {
    return Promise.resolve([this.#engine.makeGraph({ ...request, ...turns() }, onShare)]);
  }
  placeEdges(request: PlaceRequest): Promise<void> {
    this.#engine.placeEdges(request);
    return Promise.resolve();
  }
  listen(): void {
    // steps on this thread end by themselves
  }
  close(): void {
    // nothing was started
  }
}

/** Starts a worker on the built file; from the sources (tests) it has to load TypeScript first, as its parent does. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./walk-worker.js', import.meta.url));
  const file = JSON.stringify(new URL('./walk-worker.ts', import.meta.url).href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${file}); });`, { eval: true });
}

/** One worker thread and the answer it owes. It keeps no process alive while nothing is asked of it. */
class EngineWorker {
  readonly #worker: Worker = startWorker();
  #settle: { resolve: (reply: WorkerReply) => void; reject: (error: Error) => void; onShare: OnShare } | undefined;

  constructor() {
    this.#worker.on('message', (reply: WorkerReply) => {
      if (reply.kind === 'share') {
        this.#settle?.onShare(reply.share);
        return;
      }
      this.#worker.unref();
      if (reply.kind === 'failed') this.#settle?.reject(new CoreleakError(reply.message));
      else this.#settle?.resolve(reply);
    });
    this.#worker.on('error', (error: Error) => this.#settle?.reject(error));
    this.#worker.on('exit', () => this.#settle?.reject(new InterruptedError()));
    // After the listeners: each of them would hold the process again.
    this.#worker.unref();
  }

  setUp(setup: WorkerSetup): void {
    this.#worker.postMessage({ step: 'setUp', setup } satisfies WorkerRequest);
  }

  ask(request: WorkerRequest, onShare: OnShare): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject, onShare };
      this.#worker.ref();
      this.#worker.postMessage(request);
    });
  }

  close(): void {
    this.#settle = undefined;
    void this.#worker.terminate();
  }

  abort(): void {
    const settle = this.#settle;
    this.close();
    settle?.reject(new InterruptedError());
  }
}

/** Worker threads that have been started before it is known what they will do: starting takes about as long as finding the heap. */
export class SpareWorkers {
  #workers: EngineWorker[] = [];

  /** Starts workers when a core of so many bytes may hold a heap that wants them. */
  constructor(coreBytes: number) {
    if (coreBytes >= WORKER_HEAP_BYTES) this.#workers = Array.from({ length: workerCount() }, () => new EngineWorker());
  }

  /** Hands the workers over, once; starts some when there are none. */
  take(): EngineWorker[] {
    const workers = this.#workers.length > 0 ? this.#workers : Array.from({ length: workerCount() }, () => new EngineWorker());
    this.#workers = [];
    return workers;
  }

  close(): void {
    for (const worker of this.#workers) worker.close();
    this.#workers = [];
  }
}

function workerCount(): number {
  return Math.min(MAX_WORKERS, Math.max(1, availableParallelism()));
}

class WorkerPool implements EnginePool {
  readonly #workers: EngineWorker[];
  readonly #onAbort: () => void;
  #signal: AbortSignal | undefined;

  constructor(setup: WorkerSetup, workers: EngineWorker[], signal: AbortSignal | undefined) {
    this.#workers = workers;
    for (const worker of workers) worker.setUp(setup);
    this.#onAbort = () => {
      for (const worker of this.#workers) worker.abort();
    };
    this.listen(signal);
  }

  listen(signal: AbortSignal | undefined): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Asks every worker; the share reported is the mean of theirs. */
  #askAll(requests: readonly WorkerRequest[], onShare: OnShare): Promise<WorkerReply[]> {
    const shares = requests.map(() => 0);
    return Promise.all(
      requests.map((request, i) =>
        this.#workers[i]!.ask(request, (share) => {
          shares[i] = share;
          onShare(shares.reduce((sum, s) => sum + s, 0) / shares.length);
        }),
      ),
    );
  }

  async walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]> {
    const request = { ...plan, ...turns() };
    const replies = await this.#askAll(
      this.#workers.map(() => ({ step: 'walk', request })),
      onShare,
    );
    return replies.flatMap((reply) => (reply.kind === 'walk' ? [reply.answer] : []));
  }

  async load(onShare: OnShare): Promise<void> {
    const request = turns();
    await this.#askAll(
      this.#workers.map(() => ({ step: 'load', request })),
      onShare,
    );
  }

  async mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]> {
    const workers = this.#workers.length;
    const pool = makeMarkPool(workers);
    const requests = this.#workers.map((_, i): WorkerRequest => {
      const roots = plan.roots.filter((__, root) => root % workers === i);
      return { step: 'mark', request: { roots, ephemeronTableType: plan.ephemeronTableType, isMoving: plan.isMoving, pool, expected: plan.expected / workers } };
    });
    const marked = await this.#askAll(requests, onShare);
    const tables = Int32Array.from(marked.flatMap((reply) => (reply.kind === 'mark' ? [...reply.tables] : [])));
    // One thread finishes the ephemerons; what it finds counts as its own.
    const [first] = await this.#askAll([{ step: 'finishMark', tables }], () => undefined);
    const others = await Promise.all(this.#workers.slice(1).map((worker) => worker.ask({ step: 'finishMark', tables: new Int32Array(0) }, () => undefined)));
    return [first, ...others].flatMap((reply) => (reply?.kind === 'finishMark' ? [reply.result] : []));
  }

  async makeGraph(request: Omit<GraphRequest, 'next'>, onShare: OnShare): Promise<GraphAnswer[]> {
    const whole = { ...request, ...turns() };
    const replies = await this.#askAll(
      this.#workers.map(() => ({ step: 'makeGraph', request: whole })),
      onShare,
    );
    return replies.flatMap((reply) => (reply.kind === 'makeGraph' ? [reply.answer] : []));
  }

  async placeEdges(request: PlaceRequest): Promise<void> {
    await this.#askAll(
      this.#workers.map(() => ({ step: 'placeEdges', request })),
      () => undefined,
    );
  }

  close(): void {
    this.listen(undefined);
    for (const worker of this.#workers) worker.close();
  }
}

function segmentsOf(memory: AddressSpace): SegmentColumns {
  const { mappings } = memory;
  return {
    start: Float64Array.from(mappings, (mapping) => mapping.start),
    end: Float64Array.from(mappings, (mapping) => mapping.end),
    savedEnd: Float64Array.from(mappings, (mapping) => mapping.savedEnd),
    coreOffset: Float64Array.from(mappings, (mapping) => mapping.coreOffset),
    flags: Uint8Array.from(mappings, (mapping) => mapping.flags),
  };
}

/** Makes the pool that fits the heap's size. An aborted signal ends running steps with InterruptedError. */
export function makeEnginePool(setup: EngineSetup, corePath: string, memory: AddressSpace, spare: SpareWorkers, signal: AbortSignal | undefined): EnginePool {
  if (setup.parts.words.byteLength < WORKER_HEAP_BYTES) return new InlinePool(setup, memory);
  return new WorkerPool({ corePath, segments: segmentsOf(memory), engine: setup }, spare.take(), signal);
}
