/**
 * The roots of a heap, found without debug information: an isolate's own tables, its global, eternal and traced handles, open handle scopes,
 * microtask queues, thread stacks and read-only space. Every root is a word that names an object of the heap memory. Only where each was found is
 * remembered here; root-labels says what that is, for those that are looked at.
 *
 * Not read: V8's compilation cache and bootstrapper, whose entries scripts and contexts hold too.
 */
import { type Address, type AddressRange, asAddress } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import type { Thread } from '../target/thread.ts';
import { type HeapView, oddballAt, typeName, instanceTypeAt } from './heap.ts';
import { type HeapMemoryParts, SLOT_WORDS } from './heap-memory.ts';
import type { Isolate } from './isolate.ts';
import { REGISTER_PLACES, RootCollector, type RootKindName, tryPointer, tryReadBytes } from './root-collector.ts';
import { addEternalHandles, addGlobalHandles, addHandleBlocks, addHandleBlocksWithin, handleScopeEnds, isNodeBlock } from './root-handles.ts';
import { addTracedHandles, hasCppWrappers } from './root-traced.ts';
import { strongTarget } from './tagged.ts';

export interface Roots {
  /** Refs, not necessarily object starts; duplicates are possible. */
  readonly refs: Int32Array;
  /** RootKind of each. */
  readonly kinds: Uint8Array;
  /** Address of the word that each was found in; below zero for registers (see REGISTER_PLACES), 0 for the objects of read-only space. */
  readonly places: Float64Array;
  readonly counts: Readonly<Record<RootKindName, number>>;
  /** Refs of the wrappers in JavaScript whose C++ objects have the traced handles, by the number of the root: no root, but a reference of theirs. */
  readonly tracedOwners: ReadonlyMap<number, number>;
  /** Global handles that are weak: no roots. */
  readonly weakHandles: number;
  /** Where V8's tables of roots and of builtins lie: the words of `strongRoot` and `builtin`. */
  readonly tables: readonly AddressRange[];
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
  /** To read what objects are; without it lists that V8 holds weakly are taken for strong, and the caches of the startup snapshot are not found. */
  readonly view?: HeapView;
}

/** An isolate's words up to its heap, and the part of the Heap that holds root lists and handle data. */
const HEAP_BYTES = 0x3000;

/** Where the rest of the isolate ends, behind that part of the heap. */
const TRACED_BYTES = 0x6000;

/** Runs of pointers of this many words are tables: first that of the roots, of 600 or more, then those of the builtins (execution/isolate-data.h). */
const TABLE_WORDS = 256;

/** Heads of lists in Heap whose objects keep nothing alive (heap/heap.h: native_contexts_list_, allocation_sites_list_). */
const WEAK_LISTS: ReadonlySet<string> = new Set(['NATIVE_CONTEXT', 'ALLOCATION_SITE']);

/** Caches of the startup snapshot have thousands of objects. */
const MAX_CACHE = 1 << 20;

/** The ends of the runs of pointer words, by the position of their first word. */
function findTables(roots: RootCollector, words: DataView): { readonly start: number; readonly end: number }[] {
  const tables: { start: number; end: number }[] = [];
  let start = 0;
  for (let i = 0; i + 8 <= words.byteLength; i += 8) {
    if (roots.refOfWord(words.getUint32(i, true), words.getUint32(i + 4, true)) >= 0) continue;
    if (i - start >= TABLE_WORDS * 8) tables.push({ start, end: i });
    start = i + 8;
  }
  return tables;
}

/** Adds the tagged words of an isolate: its tables and what else refers to the heap. Returns where the tables are. */
function addIsolateWords(roots: RootCollector, isolate: Isolate, words: DataView, view: HeapView | undefined): AddressRange[] {
  const tables = findTables(roots, words);
  const [table] = tables;
  let next = 0;
  for (let i = 0; i + 8 <= words.byteLength; i += 8) {
    while (next < tables.length && i >= tables[next]!.end) next++;
    const current = tables[next];
    const isTable = current !== undefined && i >= current.start;
    const lo = words.getUint32(i, true);
    const hi = words.getUint32(i + 4, true);
    const at = isolate.address + i;
    if (!isTable && view !== undefined && at >= isolate.heap && roots.refOfWord(lo, hi) >= 0 && WEAK_LISTS.has(typeName(view, instanceTypeAt(view, strongTarget(lo, hi))))) continue;
    roots.addWord(lo, hi, !isTable ? 'isolate' : current === table ? 'strongRoot' : 'builtin', at);
  }
  return tables.map(({ start, end }) => ({ start: isolate.address + start, end: isolate.address + end }));
}

/**
 * Adds the caches of the startup snapshot: vectors in the isolate of nothing but objects, with `undefined` for their end (snapshot/startup-serializer.cc:
 * IterateStartupObjectCache). The one of objects comes first, that of strings follows it since 10.x.
 */
function addSnapshotCaches(roots: RootCollector, isolate: Isolate, words: DataView, view: HeapView): void {
  let found = 0;
  for (let i = isolate.heap - isolate.address; i + 24 <= words.byteLength; i += 8) {
    const [begin, end, capacity] = [0, 8, 16].map((offset) => asAddress(words.getUint32(i + offset, true), words.getUint32(i + offset + 4, true)));
    if (begin === undefined || end === undefined || capacity === undefined || begin % 8 !== 0 || end % 8 !== 0) continue;
    if (begin < 0x1000 || end - begin < 16 || end - begin > MAX_CACHE * 8 || capacity < end || roots.isHeap(begin) || !roots.memory.isReadable(begin, end - begin)) continue;
    const isObject = (at: Address): boolean => roots.refOfWord(roots.memory.readU32(at), roots.memory.readU32(at + 4)) >= 0;
    if (!isObject(begin) || !isObject(end - 8) || oddballAt(view, tryPointer(roots.memory, end - 8)) !== 'undefined') continue;
    let at = begin;
    while (at < end && isObject(at)) at += 8;
    if (at < end) continue;
    roots.addRange(begin, end - 8, found === 0 ? 'startupCache' : 'shareableCache');
    found++;
  }
}

/** Adds the traced handles: the isolate names their owner in a word behind its heap. */
function addTraced(roots: RootCollector, isolate: Isolate, sources: RootSources, owners: Map<number, number>): void {
  const { view } = sources;
  if (view === undefined || !hasCppWrappers(view)) return;
  const bytes = tryReadBytes(roots.memory, isolate.heap + HEAP_BYTES, TRACED_BYTES);
  if (bytes === undefined) return;
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seen = new Set<Address>();
  for (let i = 0; i + 8 <= bytes.length; i += 8) {
    const object = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
    if (object === undefined || object < 0x1000 || object % 8 !== 0 || seen.has(object) || !sources.isWritable(object) || roots.isHeap(object)) continue;
    seen.add(object);
    const before = roots.counts.tracedHandle;
    addTracedHandles(roots, object, view, owners);
    if (roots.counts.tracedHandle > before) return;
  }
}

function addIsolate(roots: RootCollector, isolate: Isolate, sources: RootSources): AddressRange[] {
  const { memory } = roots;
  const bytes = tryReadBytes(memory, isolate.address, isolate.heap + HEAP_BYTES - isolate.address);
  if (bytes === undefined) return [];
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = handleScopeEnds(words);
  const blocks = new Set<Address>();
  const seen = new Set<Address>();
  let handles = addHandleBlocksWithin(roots, isolate, words, ends);
  for (let i = 0; i + 8 <= bytes.length; i += 8) {
    const object = asAddress(words.getUint32(i, true), words.getUint32(i + 4, true));
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
  if (sources.view !== undefined) addSnapshotCaches(roots, isolate, words, sources.view);
  return addIsolateWords(roots, isolate, words, sources.view);
}

/** Words of the stacks of all threads, from the stack pointer up, and their registers. */
function addStacks(roots: RootCollector, threads: readonly Thread[]): void {
  for (const [number, thread] of threads.entries()) {
    for (let i = 0; i + 1 < thread.registers.length; i += 2) {
      roots.addWord(thread.registers[i]!, thread.registers[i + 1]!, 'stack', -1 - (number * REGISTER_PLACES + i / 2));
    }
    if (thread.stack === undefined) continue;
    // A thread's control block tops its stack; what follows in the same mapping belongs to something else.
    const { start, end } = thread.stack;
    const top = thread.fsBase !== undefined && thread.fsBase > start && thread.fsBase < end ? thread.fsBase + 0x1000 : end;
    roots.addRange(start, Math.min(end, top), 'stack');
  }
}

/** MicrotaskQueue: {vtable, size, capacity, start, ring buffer, finished count, ...} (execution/microtask-queue.h). */
function addMicrotasks(roots: RootCollector, queue: Address): void {
  const { memory } = roots;
  if (!memory.isReadable(queue, 40)) return;
  const [size, capacity, start, ring] = [8, 16, 24, 32].map((offset) => memory.readPointer(queue + offset));
  if (size === undefined || capacity === undefined || start === undefined || ring === undefined || size === 0 || size > capacity || start >= capacity) return;
  if (capacity > 2 ** 28 || ring < 0x1000 || ring % 8 !== 0 || !memory.isReadable(ring, 8)) return;
  const first = Math.min(size, capacity - start);
  roots.addRange(ring + start * 8, ring + (start + first) * 8, 'microtask');
  roots.addRange(ring, ring + (size - first) * 8, 'microtask');
}

function addReadOnlyPage(roots: RootCollector, parts: HeapMemoryParts, index: number): void {
  const page = parts.pages[index]!;
  const from = page.firstSlot * SLOT_WORDS;
  for (let pair = from >>> 5; pair < (from + page.slots * SLOT_WORDS) >>> 5; pair++) {
    for (let bits = parts.bits[pair * 2]!; bits !== 0; bits &= bits - 1) roots.addRef(pair * 32 + (31 - Math.clz32(bits & -bits)), 'readOnly', 0);
  }
}

/** Collects the roots of all isolates. Reads outside the heap that fail end the part they belong to. */
export function collectRoots(parts: HeapMemoryParts, memory: MemoryReader, sources: RootSources): Roots {
  const roots = new RootCollector(parts, memory);
  const tables = sources.isolates.flatMap((isolate) => addIsolate(roots, isolate, sources));
  const tracedOwners = new Map<number, number>();
  for (const isolate of sources.isolates) addTraced(roots, isolate, sources, tracedOwners);
  for (const queue of new Set(sources.microtaskQueues)) addMicrotasks(roots, queue);
  addStacks(roots, sources.threads);
  for (const index of sources.readOnlyPages) addReadOnlyPage(roots, parts, index);
  return {
    refs: roots.refs.finish(),
    kinds: Uint8Array.from(roots.kinds),
    places: Float64Array.from(roots.places),
    counts: roots.counts,
    tracedOwners,
    weakHandles: roots.weakHandles,
    tables,
  };
}
