/** A V8 heap snapshot as a source of a heap. */
import { Worker } from 'node:worker_threads';
import { openFileSource } from '../bytes/byte-source.ts';
import { InterruptedError } from '../errors.ts';
import type { HeapCensus } from '../graph/census.ts';
import { looksLikeSnapshot } from '../snapshot/header.ts';
import { findNodeOfId } from '../snapshot/parse.ts';
import { previewNode } from '../snapshot/preview.ts';
import { stringTable } from '../snapshot/strings.ts';
import type { HeapSource, LayoutFacts, SourceFacts, WorkOptions } from './source.ts';
import type { CountedSnapshot, SnapshotReply } from './snapshot-work.ts';
import { countSnapshot, unpackError } from './snapshot-work.ts';

/** Smaller files are read before a worker would have started. */
const WORKER_FILE_BYTES = 24 * 2 ** 20;

/** The contract wants a version that is none; scripts that compare versions take it for the lowest. */
const NO_NODE_VERSION = 'v0.0.0-unknown';

const WARNINGS: readonly string[] = [
  'a heap snapshot has no process facts: process id, command, arguments, signal, threads, and the versions and flags of node are not known',
  'a heap snapshot holds no garbage, no heap spaces and no small integers: an array, Map or Set that holds nothing else is not listed by its entries',
  'identifiers are those of the snapshot, not addresses; a function is placed where its parameters start',
];

function factsOf(path: string, bytes: number): SourceFacts {
  return {
    path,
    kind: 'heapsnapshot',
    writer: undefined,
    bytes,
    takenAt: undefined,
    process: { pid: 0, command: '', argv: [], signal: undefined, threads: 0 },
    runtime: { node: NO_NODE_VERSION, v8: '', arch: '', flags: [], binary: { path: undefined, buildId: undefined, match: 'absent' } },
    heapLimitBytes: undefined,
    memory: [],
    warnings: WARNINGS,
  };
}

/** Starts a worker on the built file; from the sources (tests) it has to load TypeScript first, as its parent does. */
function startWorker(path: string): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./snapshot-worker.js', import.meta.url), { workerData: path });
  const file = JSON.stringify(new URL('./snapshot-worker.ts', import.meta.url).href);
  return new Worker(`import('tsx/esm/api').then(({ register }) => { register(); return import(${file}); });`, { eval: true, workerData: path });
}

const PHASE = 'snapshot';

/** Counts in a worker, which an abort ends at once. */
function countInWorker(path: string, { signal, onProgress }: WorkOptions): Promise<CountedSnapshot> {
  return new Promise((resolve, reject) => {
    const worker = startWorker(path);
    const end = (): void => {
      signal?.removeEventListener('abort', abort);
      void worker.terminate();
    };
    const abort = (): void => {
      end();
      reject(new InterruptedError());
    };
    signal?.addEventListener('abort', abort);
    worker.on('message', (message: SnapshotReply) => {
      if (message.kind === 'share') {
        onProgress?.(PHASE, message.share);
        return;
      }
      end();
      if (message.kind === 'counted') resolve(message.counted);
      else reject(unpackError(message.error));
    });
    worker.on('error', (error: Error) => {
      end();
      reject(error);
    });
  });
}

class SnapshotSource implements HeapSource {
  readonly facts: SourceFacts;
  readonly layout: LayoutFacts | undefined = undefined;
  readonly #workerFrom: number;
  #counting: Promise<CountedSnapshot> | undefined;
  #counted: CountedSnapshot | undefined;

  constructor(path: string, bytes: number, workerFrom: number) {
    this.facts = factsOf(path, bytes);
    this.#workerFrom = workerFrom;
  }

  async census(options: WorkOptions = {}): Promise<HeapCensus> {
    if (options.signal?.aborted) throw new InterruptedError();
    this.#counting ??= this.#count(options);
    try {
      this.#counted = await this.#counting;
    } catch (error) {
      this.#counting = undefined;
      throw error;
    }
    return this.#counted.census;
  }

  async #count(options: WorkOptions): Promise<CountedSnapshot> {
    const { path, bytes } = this.facts;
    if (bytes >= this.#workerFrom) return countInWorker(path, options);
    return Promise.resolve(countSnapshot(path, (share) => options.onProgress?.(PHASE, share)));
  }

  preview(address: number, options: { readonly strings: boolean; readonly maxLength: number }): string {
    if (this.#counted === undefined) return '';
    const { graph, strings } = this.#counted.columns;
    const node = findNodeOfId(graph, address);
    return node === undefined ? 'no node of the snapshot has this id' : previewNode(graph, stringTable(strings), node, options);
  }

  close(): void {
    this.#counting = undefined;
    this.#counted = undefined;
  }
}

/** How a snapshot is opened. */
export interface OpenSnapshotOptions {
  /** Files of so many bytes are read by a worker thread; 24 MiB when not given. */
  readonly workerFrom?: number;
}

/**
 * Opens the file at `path` if it starts as a heap snapshot does; `undefined` if it does not, or cannot be opened at all. The rest of it is read by the census.
 * @throws {UnsupportedError} when there is no such file, or it is no regular one
 */
export function tryOpenSnapshot(path: string, options: OpenSnapshotOptions = {}): HeapSource | undefined {
  const source = openFileSource(path);
  try {
    return looksLikeSnapshot(source) ? new SnapshotSource(path, source.size, options.workerFrom ?? WORKER_FILE_BYTES) : undefined;
  } finally {
    source.close();
  }
}
