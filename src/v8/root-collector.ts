/** Gathers words that are roots, and where each was found. */
import { FaultError } from '../errors.ts';
import { type Address, asAddress } from '../bytes/address.ts';
import { Int32Column } from '../bytes/columns.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import { type HeapMemoryParts, refOfAddress } from './heap-memory.ts';

/**
 * What holds a root. `strongRoot` is V8's table of roots, `builtin` its table of builtins, the caches are what the startup snapshot gave the isolate;
 * `isolate` is every other word of the isolate; `stack` includes the registers of threads.
 */
export const RootKind = {
  isolate: 0,
  globalHandle: 1,
  eternalHandle: 2,
  tracedHandle: 3,
  handleScope: 4,
  microtask: 5,
  stack: 6,
  readOnly: 7,
  strongRoot: 8,
  builtin: 9,
  startupCache: 10,
  shareableCache: 11,
} as const;

export type RootKindName = keyof typeof RootKind;

/** Places of roots in registers are below zero: -1 - (thread * REGISTER_PLACES + register). */
export const REGISTER_PLACES = 64;

export class RootCollector {
  readonly #parts: HeapMemoryParts;
  readonly memory: MemoryReader;
  readonly refs: Int32Column = new Int32Column();
  readonly kinds: number[] = [];
  readonly places: number[] = [];
  readonly counts: Record<RootKindName, number>;
  weakHandles = 0;

  constructor(parts: HeapMemoryParts, memory: MemoryReader) {
    this.#parts = parts;
    this.memory = memory;
    this.counts = Object.fromEntries(Object.keys(RootKind).map((kind) => [kind, 0])) as Record<RootKindName, number>;
  }

  addRef(ref: number, kind: RootKindName, place: number): void {
    this.refs.push(ref);
    this.kinds.push(RootKind[kind]);
    this.places.push(place);
    this.counts[kind]++;
  }

  /** Adds the object that a strong pointer word at `place` names, if it lies in the heap. */
  addWord(lo: number, hi: number, kind: RootKindName, place: number): void {
    const ref = this.refOfWord(lo, hi);
    if (ref >= 0) this.addRef(ref, kind, place);
  }

  /** The ref that a strong pointer word names, or -1. */
  refOfWord(lo: number, hi: number): number {
    const address = (lo & 7) === 1 ? asAddress(lo, hi) : undefined;
    return address === undefined ? -1 : refOfAddress(this.#parts, address);
  }

  /** Adds every pointer word in [start, end); stops at the first byte that is not there. */
  addRange(start: Address, end: Address, kind: RootKindName): void {
    const PIECE = 1 << 16;
    for (let at = start; at < end; at += PIECE) {
      const length = Math.floor(Math.min(PIECE, end - at) / 8) * 8;
      const bytes = tryReadBytes(this.memory, at, length);
      if (bytes === undefined) return;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i + 8 <= bytes.length; i += 8) this.addWord(view.getUint32(i, true), view.getUint32(i + 4, true), kind, at + i);
    }
  }

  isHeap(address: Address): boolean {
    return refOfAddress(this.#parts, address) >= 0;
  }
}

/** The bytes at `address`, as many as are there up to `length`; undefined when there are none. */
export function tryReadBytes(memory: MemoryReader, address: Address, length: number): Uint8Array | undefined {
  try {
    return memory.readBytes(address, length);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const present = Math.floor((error.address - address) / 8) * 8;
    return present > 0 && present < length ? tryReadBytes(memory, address, present) : undefined;
  }
}

/** The pointer at `address`; undefined when there is none, or it is not in the core. Asking first is cheaper than an error: most guesses are wrong. */
export function tryPointer(memory: MemoryReader, address: Address): Address | undefined {
  return memory.isReadable(address, 8) ? memory.readPointer(address) : undefined;
}
