/** Messages between the main thread and the worker threads of the engine, and what a worker knows of the core: its saved segments. */
import type { Address } from '../bytes/address.ts';
import type { ByteSource } from '../bytes/byte-source.ts';
import type { GraphAnswer, GraphRequest, PlaceRequest } from './graph-pages.ts';
import type { EngineSetup, LoadRequest, MarkRequest, WalkAnswer, WalkRequest } from './heap-engine.ts';
import type { BulkReader } from './heap-memory.ts';
import type { MarkResult } from './mark.ts';

/** The segments of a core in columns, sorted by address; addresses and file offsets as numbers. */
export interface SegmentColumns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly savedEnd: Float64Array;
  readonly coreOffset: Float64Array;
  readonly flags: Uint8Array;
}

export interface WorkerSetup {
  readonly corePath: string;
  readonly segments: SegmentColumns;
  readonly engine: EngineSetup;
}

export type WorkerRequest =
  | { readonly step: 'setUp'; readonly setup: WorkerSetup }
  | { readonly step: 'walk'; readonly request: WalkRequest }
  | { readonly step: 'load'; readonly request: LoadRequest }
  | { readonly step: 'mark'; readonly request: MarkRequest }
  | { readonly step: 'finishMark'; readonly tables: Int32Array }
  | { readonly step: 'makeGraph'; readonly request: GraphRequest }
  | { readonly step: 'placeEdges'; readonly request: PlaceRequest };

export type WorkerReply =
  | { readonly kind: 'share'; readonly share: number }
  | { readonly kind: 'walk'; readonly answer: WalkAnswer }
  | { readonly kind: 'load' }
  | { readonly kind: 'mark'; readonly tables: Int32Array }
  | { readonly kind: 'finishMark'; readonly result: MarkResult }
  | { readonly kind: 'makeGraph'; readonly answer: GraphAnswer }
  | { readonly kind: 'placeEdges' }
  | { readonly kind: 'failed'; readonly message: string };

/** Reads saved segments of the core in large pieces; enough for V8 pages, which no file backs. */
export class CoreSegments implements BulkReader {
  readonly #core: ByteSource;
  readonly #segments: SegmentColumns;

  constructor(core: ByteSource, segments: SegmentColumns) {
    this.#core = core;
    this.#segments = segments;
  }

  /** The number of the segment that holds an address, or -1. */
  #find(address: Address): number {
    const { start, end } = this.#segments;
    let low = 0;
    let high = start.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (start[middle]! <= address) low = middle + 1;
      else high = middle;
    }
    return low > 0 && address < end[low - 1]! ? low - 1 : -1;
  }

  findMapping(address: Address): { readonly end: Address; readonly flags: number } | undefined {
    const index = this.#find(address);
    return index < 0 ? undefined : { end: this.#segments.end[index]!, flags: this.#segments.flags[index]! };
  }

  isReadable(address: Address, length: number): boolean {
    for (let at = address; at < address + length; ) {
      const index = this.#find(at);
      if (index < 0 || this.#segments.savedEnd[index]! <= at) return false;
      at = this.#segments.savedEnd[index]!;
    }
    return true;
  }

  readInto(target: Uint8Array, address: Address): number {
    let done = 0;
    while (done < target.length) {
      const index = this.#find(address + done);
      if (index < 0) break;
      const available = this.#segments.savedEnd[index]! - (address + done);
      if (available <= 0) break;
      const piece = Math.min(available, target.length - done);
      const read = this.#core.readInto(target.subarray(done, done + piece), this.#segments.coreOffset[index]! + (address + done - this.#segments.start[index]!));
      done += read;
      if (read < piece) break;
    }
    return done;
  }
}
