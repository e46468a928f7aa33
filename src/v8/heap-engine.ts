/** The heavy steps over one heap memory: load and walk, mark. Runs on the main thread for small heaps and in worker threads for large ones. */
import { type GraphAnswer, type GraphRequest, PageGraph, type PlaceRequest } from './graph-pages.ts';
import { type BulkReader, loadPage } from './heap-memory.ts';
import { HeapWalker, type SkipRange, type WalkResult, type WalkSetup } from './heap-walk.ts';
import type { MapColumns } from './map-table.ts';
import { type MarkResult, type MarkRules, Marker } from './mark.ts';
import { BodyKind } from './type-table.ts';

/** What every step needs, as plain data over shared memory. */
export interface EngineSetup extends WalkSetup {
  readonly markRules: MarkRules;
}

export interface WalkRequest {
  /** Numbers of the pages to walk: those of all threads, which take their turns by `next`. */
  readonly pages: Int32Array;
  /** Allocation areas by page number. */
  readonly unused: ReadonlyMap<number, readonly SkipRange[]>;
  /** Whether the process died while the collector was moving objects. */
  readonly isMoving: boolean;
  /** One shared element: how many of the pages have been taken. */
  readonly next: Int32Array;
}

/** Loads the pages that are not yet in the heap memory; `next` as in WalkRequest. */
export interface LoadRequest {
  readonly next: Int32Array;
}

/** Pages that a thread takes at a time. */
const TURN = 8;

export interface WalkAnswer {
  readonly walk: WalkResult;
  readonly maps: MapColumns;
}

export interface MarkRequest {
  readonly roots: Int32Array;
  /** Instance type of ephemeron tables; -1 when the heap has none, so that none need be told apart. */
  readonly ephemeronTableType: number;
  /** The work that the marking threads share, see mark-pool.ts. */
  readonly pool: Int32Array;
  /** As in WalkRequest. */
  readonly isMoving: boolean;
  /** How many objects this thread will mark, for its share of progress. */
  readonly expected: number;
}

/** Reports the share of a step that is done, in [0, 1]; called at most a few hundred times a step. */
export type OnShare = (share: number) => void;

/** Does what is this thread's of `total` pieces of work, a few at a time. */
function takeTurns(next: Int32Array, total: number, onShare: OnShare, work: (index: number) => void): void {
  for (let from = Atomics.add(next, 0, TURN); from < total; from = Atomics.add(next, 0, TURN)) {
    for (let i = from; i < Math.min(from + TURN, total); i++) work(i);
    if (from % (TURN * 8) === 0) onShare(from / total);
  }
}

export class HeapEngine {
  readonly #setup: EngineSetup;
  readonly #memory: () => BulkReader;
  #marker: Marker | undefined;
  #pageGraph: PageGraph | undefined;

  /** `memory` is asked for when pages are loaded, not before. */
  constructor(setup: EngineSetup, memory: () => BulkReader) {
    this.#setup = setup;
    this.#memory = memory;
  }

  /** Walks pages, each read from the core when its turn comes. */
  walk(request: WalkRequest, onShare: OnShare): WalkAnswer {
    const { pages, unused, isMoving, next } = request;
    const walker = new HeapWalker(this.#setup, this.#memory(), isMoving);
    takeTurns(next, pages.length, onShare, (i) => walker.visitPage(pages[i]!, unused.get(pages[i]!) ?? []));
    return walker.finish();
  }

  /** Reads what marking and names need: all pages. */
  load(request: LoadRequest, onShare: OnShare): void {
    const { parts } = this.#setup;
    const memory = this.#memory();
    takeTurns(request.next, parts.pages.length, onShare, (index) => {
      if (Atomics.load(parts.slotState, parts.pages[index]!.firstSlot) === 0) loadPage(parts, memory, index);
    });
  }

  /** Marks from the roots until no thread has work left; all pages must have been walked by then. Returns the ephemeron tables met. */
  mark(request: MarkRequest, onShare: OnShare): Int32Array {
    const types = { ...this.#setup.types, bodyKind: this.#setup.types.bodyKind.slice() };
    if (request.ephemeronTableType >= 0) types.bodyKind[request.ephemeronTableType] = BodyKind.ephemerons;
    this.#marker = new Marker({ ...this.#setup, types }, this.#setup.markRules, request.pool, request.isMoving);
    for (const ref of request.roots) this.#marker.push(ref);
    return this.#marker.drain((objects) => onShare(Math.min(1, objects / Math.max(1, request.expected))));
  }

  /** Ends the marking: `tables` are the ephemeron tables of all threads, for the one thread that does them. */
  finishMark(tables: Int32Array): MarkResult {
    if (this.#marker === undefined) throw new Error('finishMark comes after mark');
    if (tables.length > 0) this.#marker.markEphemerons(tables, () => undefined);
    return this.#marker.finish();
  }

  /** Makes nodes and collects edges of what is marked; `placeEdges` ends it. */
  makeGraph(request: GraphRequest, onShare: OnShare): GraphAnswer {
    this.#marker = undefined;
    const graph = new PageGraph(this.#setup, request);
    takeTurns(request.next, this.#setup.parts.pages.length, onShare, (index) => graph.readPage(index));
    this.#pageGraph = graph;
    return graph.finish();
  }

  placeEdges(request: PlaceRequest): void {
    this.#pageGraph?.place(request);
    this.#pageGraph = undefined;
  }
}
