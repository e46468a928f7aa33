/** A V8 heap snapshot as a source of a heap. */
import { openFileSource } from '../bytes/byte-source.ts';
import { InterruptedError } from '../errors.ts';
import type { HeapCensus } from '../graph/census.ts';
import { graphOfColumns } from '../graph/heap-graph.ts';
import { looksLikeSnapshot } from '../snapshot/header.ts';
import { findNodeOfId } from '../snapshot/parse.ts';
import { previewNode } from '../snapshot/preview.ts';
import { stringTable } from '../snapshot/strings.ts';
import type { HeapSource, LayoutFacts, SourceFacts, SourceGraph, WorkOptions } from './source.ts';
import { makeSourceGraph } from './source-graph.ts';
import type { CountedSnapshot } from './snapshot-work.ts';
import { countSnapshot } from './snapshot-work.ts';
import { runTask } from './worker-task.ts';

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

const PHASE = 'snapshot';

/** What a row that is none answers. */
const NO_SUCH_SHAPE = { constructorName: '', properties: [] };

class SnapshotSource implements HeapSource {
  readonly facts: SourceFacts;
  readonly layout: LayoutFacts | undefined = undefined;
  readonly #workerFrom: number;
  readonly #graphWorkerFrom: number | undefined;
  #counting: Promise<CountedSnapshot> | undefined;
  #counted: CountedSnapshot | undefined;
  #graph: SourceGraph | undefined;

  constructor(path: string, bytes: number, { workerFrom = WORKER_FILE_BYTES, graphWorkerFrom }: OpenSnapshotOptions) {
    this.facts = factsOf(path, bytes);
    this.#workerFrom = workerFrom;
    this.#graphWorkerFrom = graphWorkerFrom;
  }

  async census(options: WorkOptions = {}): Promise<HeapCensus> {
    return (await this.#read(options)).counted.census;
  }

  async graph(options: WorkOptions = {}): Promise<SourceGraph> {
    const { columns, counted } = await this.#read(options);
    if (this.#graph === undefined) {
      const { census, nodeShape, closureNode, closureFunction } = counted;
      const shapes = { length: census.shapes.length, at: (row: number) => census.shapes[row] ?? NO_SUCH_SHAPE };
      const graph = graphOfColumns({ ...columns.graph, nodeShape }, stringTable(columns.strings), shapes);
      this.#graph = makeSourceGraph({ graph, closureNode, closureFunction, places: columns.places }, census, this.#graphWorkerFrom);
    }
    return this.#graph;
  }

  async #read(options: WorkOptions): Promise<CountedSnapshot> {
    if (options.signal?.aborted) throw new InterruptedError();
    this.#counting ??= this.#count(options);
    try {
      this.#counted = await this.#counting;
    } catch (error) {
      this.#counting = undefined;
      throw error;
    }
    return this.#counted;
  }

  async #count(options: WorkOptions): Promise<CountedSnapshot> {
    const { path, bytes } = this.facts;
    if (bytes >= this.#workerFrom) return runTask<CountedSnapshot>('snapshot-worker', path, PHASE, options);
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
    this.#graph = undefined;
  }
}

/** How a snapshot is opened. */
export interface OpenSnapshotOptions {
  /** Files of so many bytes are read by a worker thread; 24 MiB when not given. */
  readonly workerFrom?: number;
  /** Graphs of so many edges are worked on by a worker thread. */
  readonly graphWorkerFrom?: number;
}

/**
 * Opens the file at `path` if it starts as a heap snapshot does; `undefined` if it does not, or cannot be opened at all. The rest of it is read by the census.
 * @throws {UnsupportedError} when there is no such file, or it is no regular one
 */
export function tryOpenSnapshot(path: string, options: OpenSnapshotOptions = {}): HeapSource | undefined {
  const source = openFileSource(path);
  try {
    return looksLikeSnapshot(source) ? new SnapshotSource(path, source.size, options) : undefined;
  } finally {
    source.close();
  }
}
