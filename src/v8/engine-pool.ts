/** Runs the engine's steps: on this thread for a small heap, split over worker threads for a large one. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { CoreleakError, InterruptedError } from '../errors.ts';
import type { AddressSpace } from '../target/address-space.ts';
import { type EngineSetup, HeapEngine, type OnShare, type WalkAnswer, type WalkRequest } from './heap-engine.ts';
import { makeMarkPool } from './mark-pool.ts';
import type { MarkResult } from './mark.ts';
import type { SegmentColumns, WorkerReply, WorkerRequest, WorkerSetup } from './worker-protocol.ts';

/** Heaps below this many bytes are done before a worker would have started. */
const WORKER_HEAP_BYTES = 64 * 2 ** 20;
const MAX_WORKERS = 4;

/** All pages of a heap: those to walk, with their allocation areas by page number, and those to load only. */
interface WalkPlan {
  readonly pages: readonly number[];
  readonly unused: ReadonlyMap<number, WalkRequest['unused'][number]>;
  readonly passed: readonly number[];
}

/** Where marking starts; see MarkRequest. */
interface MarkPlan {
  readonly roots: Int32Array;
  readonly ephemeronTableType: number;
  readonly expected: number;
}

export interface EnginePool {
  /** Loads and walks all pages. One answer a thread. */
  walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]>;
  /** Marks from the roots. One result a thread. */
  mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]>;
  close(): void;
}

function requestFor(plan: WalkPlan, pages: readonly number[], passed: readonly number[]): WalkRequest {
  return { pages: Int32Array.from(pages), unused: pages.map((page) => plan.unused.get(page) ?? []), passed: Int32Array.from(passed) };
}

class InlinePool implements EnginePool {
  readonly #engine: HeapEngine;

  constructor(setup: EngineSetup, memory: AddressSpace) {
    this.#engine = new HeapEngine(setup, () => memory);
  }
  walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]> {
    return Promise.resolve([this.#engine.walk(requestFor(plan, plan.pages, plan.passed), onShare)]);
  }
  mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]> {
    const tables = this.#engine.mark({ ...plan, pool: makeMarkPool(1) }, onShare);
    return Promise.resolve([this.#engine.finishMark(tables)]);
  }
  close(): void {
    // nothing was started
  }
}

/** Starts a worker on the built file; from the sources (tests) it has to load TypeScript first, as its parent does. */
function startWorker(workerData: WorkerSetup): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./walk-worker.js', import.meta.url), { workerData });
  const file = JSON.stringify(new URL('./walk-worker.ts', import.meta.url).href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${file}); });`, { eval: true, workerData });
}

/** One worker thread and the answer it owes. */
class EngineWorker {
  readonly #worker: Worker;
  #settle: { resolve: (reply: WorkerReply) => void; reject: (error: Error) => void; onShare: OnShare } | undefined;

  constructor(setup: WorkerSetup) {
    this.#worker = startWorker(setup);
    this.#worker.on('message', (reply: WorkerReply) => {
      if (reply.kind === 'share') this.#settle?.onShare(reply.share);
      else if (reply.kind === 'failed') this.#settle?.reject(new CoreleakError(reply.message));
      else this.#settle?.resolve(reply);
    });
    this.#worker.on('error', (error: Error) => this.#settle?.reject(error));
    this.#worker.on('exit', () => this.#settle?.reject(new InterruptedError()));
  }

  ask(request: WorkerRequest, onShare: OnShare): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject, onShare };
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

class WorkerPool implements EnginePool {
  readonly #workers: EngineWorker[];
  readonly #setup: EngineSetup;
  readonly #onAbort: () => void;
  readonly #signal: AbortSignal | undefined;

  constructor(setup: WorkerSetup, count: number, signal: AbortSignal | undefined) {
    this.#setup = setup.engine;
    this.#workers = Array.from({ length: count }, () => new EngineWorker(setup));
    this.#signal = signal;
    this.#onAbort = () => {
      for (const worker of this.#workers) worker.abort();
    };
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

  /** Splits pages into runs of about the same number of bytes, one for each worker. */
  #split(pages: readonly number[]): number[][] {
    const sizes = this.#setup.parts.pages;
    const total = pages.reduce((sum, page) => sum + sizes[page]!.size, 0);
    const runs: number[][] = this.#workers.map(() => []);
    let done = 0;
    for (const page of pages) {
      runs[Math.min(runs.length - 1, Math.floor((done / total) * runs.length))]!.push(page);
      done += sizes[page]!.size;
    }
    return runs;
  }

  async walk(plan: WalkPlan, onShare: OnShare): Promise<WalkAnswer[]> {
    const requests = this.#split(plan.pages).map((run, i): WorkerRequest => ({ step: 'walk', request: requestFor(plan, run, i === 0 ? plan.passed : []) }));
    const replies = await this.#askAll(requests, onShare);
    return replies.flatMap((reply) => (reply.kind === 'walk' ? [reply.answer] : []));
  }

  async mark(plan: MarkPlan, onShare: OnShare): Promise<MarkResult[]> {
    const workers = this.#workers.length;
    const pool = makeMarkPool(workers);
    const requests = this.#workers.map((_, i): WorkerRequest => {
      const roots = plan.roots.filter((__, root) => root % workers === i);
      return { step: 'mark', request: { roots, ephemeronTableType: plan.ephemeronTableType, pool, expected: plan.expected / workers } };
    });
    const marked = await this.#askAll(requests, onShare);
    const tables = Int32Array.from(marked.flatMap((reply) => (reply.kind === 'mark' ? [...reply.tables] : [])));
    // One thread finishes the ephemerons; what it finds counts as its own.
    const [first] = await this.#askAll([{ step: 'finishMark', tables }], () => undefined);
    const others = await Promise.all(this.#workers.slice(1).map((worker) => worker.ask({ step: 'finishMark', tables: new Int32Array(0) }, () => undefined)));
    return [first, ...others].flatMap((reply) => (reply?.kind === 'finishMark' ? [reply.result] : []));
  }

  close(): void {
    this.#signal?.removeEventListener('abort', this.#onAbort);
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
export function makeEnginePool(setup: EngineSetup, corePath: string, memory: AddressSpace, signal: AbortSignal | undefined): EnginePool {
  const bytes = setup.parts.words.byteLength;
  if (bytes < WORKER_HEAP_BYTES) return new InlinePool(setup, memory);
  return new WorkerPool({ corePath, segments: segmentsOf(memory), engine: setup }, Math.min(MAX_WORKERS, Math.max(1, availableParallelism())), signal);
}
