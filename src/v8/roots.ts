/**
 * The roots of a heap, found without debug information: an isolate's own tables, its global, eternal and traced handles, open handle scopes,
 * microtask queues, thread stacks and read-only space. Every root is a word that names an object of the heap memory.
 */
import { FaultError } from '../errors.ts';
import { type Address, asAddress } from '../bytes/address.ts';
import { Int32Column } from '../bytes/columns.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import type { Thread } from '../target/thread.ts';
import { type HeapMemoryParts, SLOT_WORDS, refOfAddress } from './heap-memory.ts';
import type { Isolate } from './isolate.ts';

export const RootKind = { isolate: 0, globalHandle: 1, eternalHandle: 2, tracedHandle: 3, handleScope: 4, microtask: 5, stack: 6, readOnly: 7 } as const;

export interface Roots {
  /** Refs, not necessarily object starts; duplicates are possible. */
  readonly refs: Int32Array;
  /** RootKind of each. */
  readonly kinds: Uint8Array;
  readonly counts: Readonly<Record<keyof typeof RootKind, number>>;
}

/** An isolate's words up to its heap, and the part of the Heap that holds root lists and handle data. */
const HEAP_BYTES = 0x3000;

/** A block of global handles: 256 nodes of 32 bytes {object, class id u16, index u8, flags u8, ...}, then the pointer to the next block (handles/global-handles.cc). */
const NODES_PER_BLOCK = 256;
const NODE_BYTES = 32;
const NODE_INDEX = 10;
const NODE_FLAGS = 11;
const NODE_STATE_MASK = 3;
const NODE_STRONG = 1;
const MAX_NODE_BLOCKS = 1 << 20;

/** A block of handle scopes: 1,022 words (handles/handles.h: kHandleBlockSize). */
const HANDLE_BLOCK_BYTES = 1022 * 8;
const MAX_HANDLE_BLOCKS = 1 << 16;

const ETERNAL_BLOCK = 256;
const MAX_ETERNAL = 1 << 20;

/** Words of an isolate-owned C++ object that are looked at for pointers to handle blocks. */
const OBJECT_WORDS = 24;

class RootCollector {
  readonly #parts: HeapMemoryParts;
  readonly memory: MemoryReader;
  readonly refs = new Int32Column();
  readonly kinds: number[] = [];
  readonly counts: Record<keyof typeof RootKind, number> = { isolate: 0, globalHandle: 0, eternalHandle: 0, tracedHandle: 0, handleScope: 0, microtask: 0, stack: 0, readOnly: 0 };

  constructor(parts: HeapMemoryParts, memory: MemoryReader) {
    this.#parts = parts;
    this.memory = memory;
  }

  /** Adds the object that a strong pointer word names, if it lies in the heap. */
  addWord(lo: number, hi: number, kind: keyof typeof RootKind): void {
    if ((lo & 7) !== 1) return;
    const address = asAddress(lo, hi);
    if (address === undefined) return;
    const ref = refOfAddress(this.#parts, address);
    if (ref < 0) return;
    this.refs.push(ref);
    this.kinds.push(RootKind[kind]);
    this.counts[kind]++;
  }

  /** Adds every pointer word in [start, end); stops at the first byte that is not there. */
  addRange(start: Address, end: Address, kind: keyof typeof RootKind): void {
    const PIECE = 1 << 16;
    for (let at = start; at < end; at += PIECE) {
      const length = Math.floor(Math.min(PIECE, end - at) / 8) * 8;
      const bytes = tryReadBytes(this.memory, at, length);
      if (bytes === undefined) return;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i + 8 <= bytes.length; i += 8) this.addWord(view.getUint32(i, true), view.getUint32(i + 4, true), kind);
    }
  }

  isHeap(address: Address): boolean {
    return refOfAddress(this.#parts, address) >= 0;
  }
}

/** The bytes at `address`, as many as are there up to `length`; undefined when there are none. */
function tryReadBytes(memory: MemoryReader, address: Address, length: number): Uint8Array | undefined {
  try {
    return memory.readBytes(address, length);
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    const present = Math.floor((error.address - address) / 8) * 8;
    return present > 0 && present < length ? tryReadBytes(memory, address, present) : undefined;
  }
}

function tryPointer(memory: MemoryReader, address: Address): Address | undefined {
  try {
    return memory.readPointer(address);
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}

/** Whether a block of global handle nodes lies at `address`: byte 10 of node i is i, for all of them. */
function isNodeBlock(memory: MemoryReader, address: Address): boolean {
  if (address % 8 !== 0 || !memory.isReadable(address, NODES_PER_BLOCK * NODE_BYTES + 8)) return false;
  for (let i = 1; i < 4; i++) if (memory.readU8(address + i * NODE_BYTES + NODE_INDEX) !== i) return false;
  const bytes = memory.readBytes(address, NODES_PER_BLOCK * NODE_BYTES);
  for (let i = 0; i < NODES_PER_BLOCK; i++) if (bytes[i * NODE_BYTES + NODE_INDEX] !== i) return false;
  return true;
}

function addGlobalHandles(roots: RootCollector, firstBlock: Address, seen: Set<Address>): void {
  let block: Address | undefined = firstBlock;
  while (block !== undefined && block !== 0 && !seen.has(block) && seen.size < MAX_NODE_BLOCKS && isNodeBlock(roots.memory, block)) {
    seen.add(block);
    const bytes = roots.memory.readBytes(block, NODES_PER_BLOCK * NODE_BYTES);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let node = 0; node < bytes.length; node += NODE_BYTES) {
      if ((bytes[node + NODE_FLAGS]! & NODE_STATE_MASK) === NODE_STRONG) roots.addWord(view.getUint32(node, true), view.getUint32(node + 4, true), 'globalHandle');
    }
    block = tryPointer(roots.memory, block + NODES_PER_BLOCK * NODE_BYTES);
  }
}

/** EternalHandles: {int size, vector<Address*> blocks of 256} (handles/global-handles.h). */
function addEternalHandles(roots: RootCollector, object: Address): void {
  const { memory } = roots;
  if (!memory.isReadable(object, 32) || memory.readU32(object + 4) !== 0) return;
  const size = memory.readU32(object);
  const begin = memory.readPointer(object + 8);
  const end = memory.readPointer(object + 16);
  const capacity = memory.readPointer(object + 24);
  if (begin === undefined || end === undefined || capacity === undefined || size === 0 || size > MAX_ETERNAL) return;
  const blocks = Math.ceil(size / ETERNAL_BLOCK);
  if (begin % 8 !== 0 || end - begin !== blocks * 8 || capacity < end || !memory.isReadable(begin, blocks * 8)) return;
  const addresses = Array.from({ length: blocks }, (_, i) => memory.readPointer(begin + i * 8));
  if (!addresses.every((address): address is Address => address !== undefined && address % 8 === 0 && !roots.isHeap(address) && memory.isReadable(address, ETERNAL_BLOCK * 8))) return;
  for (const [i, address] of addresses.entries()) roots.addRange(address, address + Math.min(ETERNAL_BLOCK, size - i * ETERNAL_BLOCK) * 8, 'eternalHandle');
}

/** HandleScopeData {next, limit, ...} candidates among an isolate's words, by the block that `limit` ends. */
function handleScopeEnds(words: DataView): Map<Address, Address> {
  const nextByBlock = new Map<Address, Address>();
  for (let i = 0; i + 16 <= words.byteLength; i += 8) {
    const next = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
    const limit = asAddress(words.getUint32(i + 8, true), words.getUint32(i + 12, true));
    if (next === undefined || limit === undefined || next === 0 || next % 8 !== 0 || limit % 8 !== 0) continue;
    if (next <= limit && limit - next <= HANDLE_BLOCK_BYTES) nextByBlock.set(limit - HANDLE_BLOCK_BYTES, next);
  }
  return nextByBlock;
}

/** Looks for {data, capacity, size} or {size, ..., data} vectors of handle blocks whose last block is the one that is open now. */
function addHandleBlocks(roots: RootCollector, object: Address, ends: ReadonlyMap<Address, Address>): boolean {
  const { memory } = roots;
  for (let i = 0; i < OBJECT_WORDS; i++) {
    const data = tryPointer(memory, object + i * 8);
    if (data === undefined || data < 0x1000 || data % 8 !== 0) continue;
    for (const sizeAt of [object + i * 8 + 16, object + i * 8 + 8]) {
      if (!memory.isReadable(sizeAt, 8) || memory.readU32(sizeAt + 4) !== 0) continue;
      const size = memory.readU32(sizeAt);
      if (size === 0 || size > MAX_HANDLE_BLOCKS || !memory.isReadable(data, size * 8)) continue;
      const last = memory.readPointer(data + (size - 1) * 8);
      const next = last === undefined ? undefined : ends.get(last);
      if (last === undefined || next === undefined) continue;
      for (let block = 0; block < size - 1; block++) {
        const start = memory.readPointer(data + block * 8);
        if (start !== undefined && !roots.isHeap(start)) roots.addRange(start, start + HANDLE_BLOCK_BYTES, 'handleScope');
      }
      roots.addRange(last, next, 'handleScope');
      return true;
    }
  }
  return false;
}

function addIsolate(roots: RootCollector, isolate: Isolate, sources: RootSources): void {
  const { memory } = roots;
  const bytes = tryReadBytes(memory, isolate.address, isolate.heap + HEAP_BYTES - isolate.address);
  if (bytes === undefined) return;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = handleScopeEnds(words);
  const blocks = new Set<Address>();
  const seen = new Set<Address>();
  let handles = addHandleBlocksWithin(roots, isolate, words, ends);
  for (let i = 0; i + 8 <= bytes.length; i += 8) {
    const lo = words.getUint32(i, true);
    const hi = words.getUint32(i + 4, true);
    roots.addWord(lo, hi, 'isolate');
    const object = asAddress(lo, hi);
    if (object === undefined || object < 0x1000 || object % 8 !== 0 || seen.has(object) || roots.isHeap(object)) continue;
    seen.add(object);
    if (!sources.isWritable(object)) continue;
    addEternalHandles(roots, object);
    // What an isolate owns and refers back to it in its first words: GlobalHandles, HandleScopeImplementer and others.
    const owner = tryPointer(memory, object);
    if (owner !== isolate.address) continue;
    handles ||= addHandleBlocks(roots, object, ends);
    for (let field = 1; field < 8; field++) {
      const space = tryPointer(memory, object + field * 8);
      if (space === undefined || space < 0x1000 || space % 8 !== 0) continue;
      for (let slot = 0; slot < 5; slot++) {
        const block = tryPointer(memory, space + slot * 8);
        if (block !== undefined && block >= 0x1000 && !blocks.has(block) && isNodeBlock(memory, block)) addGlobalHandles(roots, block, blocks);
      }
    }
  }
}

/** From 13.x on the HandleScopeImplementer is part of the isolate itself. */
function addHandleBlocksWithin(roots: RootCollector, isolate: Isolate, words: DataView, ends: ReadonlyMap<Address, Address>): boolean {
  for (let i = 0; i + 8 <= words.byteLength; i += 8) {
    const data = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
    if (data === undefined || data < 0x1000 || data % 8 !== 0 || roots.isHeap(data)) continue;
    const first = tryPointer(roots.memory, data);
    if (first === undefined || first < 0x1000) continue;
    if (addHandleBlocks(roots, isolate.address + i, ends)) return true;
  }
  return false;
}

/** Words of the stacks of all threads, from the stack pointer up, and their registers. */
function addStacks(roots: RootCollector, threads: readonly Thread[]): void {
  for (const thread of threads) {
    for (let i = 0; i + 1 < thread.registers.length; i += 2) roots.addWord(thread.registers[i]!, thread.registers[i + 1]!, 'stack');
    if (thread.stack === undefined) continue;
    // A thread's control block tops its stack; what follows in the same mapping belongs to something else.
    const { start, end } = thread.stack;
    const top = thread.fsBase !== undefined && thread.fsBase > start && thread.fsBase < end ? thread.fsBase + 0x1000 : end;
    roots.addRange(start, Math.min(end, top), 'stack');
  }
}

/** MicrotaskQueue: {vtable, size, capacity, start, finished count, ring buffer, ...} (execution/microtask-queue.h). */
function addMicrotasks(roots: RootCollector, queue: Address): void {
  const { memory } = roots;
  if (!memory.isReadable(queue, 48)) return;
  const [size, capacity, start] = [8, 16, 24].map((offset) => memory.readPointer(queue + offset));
  const ring = memory.readPointer(queue + 40);
  if (size === undefined || capacity === undefined || start === undefined || ring === undefined || size === 0 || size > capacity || start >= capacity) return;
  if (capacity > 2 ** 28 || ring % 8 !== 0 || !memory.isReadable(ring, 8)) return;
  const first = Math.min(size, capacity - start);
  roots.addRange(ring + start * 8, ring + (start + first) * 8, 'microtask');
  roots.addRange(ring, ring + (size - first) * 8, 'microtask');
}

export interface RootSources {
  readonly isolates: readonly Isolate[];
  readonly threads: readonly Thread[];
  /** Addresses of the microtask queues that native contexts name. */
  readonly microtaskQueues: readonly Address[];
  /** Numbers of the pages of read-only space: all objects on them live. */
  readonly readOnlyPages: readonly number[];
  /** Whether the process could write at an address: handles and their owners are nowhere else. */
  readonly isWritable: (address: Address) => boolean;
}

/** Collects the roots of all isolates. Reads outside the heap that fail end the part they belong to. */
export function collectRoots(parts: HeapMemoryParts, memory: MemoryReader, sources: RootSources): Roots {
  const roots = new RootCollector(parts, memory);
  for (const isolate of sources.isolates) addIsolate(roots, isolate, sources);
  for (const queue of new Set(sources.microtaskQueues)) addMicrotasks(roots, queue);
  addStacks(roots, sources.threads);
  for (const index of sources.readOnlyPages) {
    const page = parts.pages[index]!;
    const from = page.firstSlot * SLOT_WORDS;
    for (let pair = from >>> 5; pair < (from + page.slots * SLOT_WORDS) >>> 5; pair++) {
      for (let bits = parts.bits[pair * 2]!; bits !== 0; bits &= bits - 1) {
        roots.refs.push(pair * 32 + (31 - Math.clz32(bits & -bits)));
        roots.kinds.push(RootKind.readOnly);
        roots.counts.readOnly++;
      }
    }
  }
  return { refs: roots.refs.finish(), kinds: Uint8Array.from(roots.kinds), counts: roots.counts };
}
