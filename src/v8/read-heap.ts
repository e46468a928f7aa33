/** Reads a whole heap: pages into memory, every object walked, what is reachable marked. */
import { InterruptedError, UnsupportedError } from '../errors.ts';
import type { Address } from '../bytes/address.ts';
import type { Target } from '../target/target.ts';
import { type AllocationArea, findAllocationAreas } from './allocation-areas.ts';
import { type EnginePool, SpareWorkers, makeEnginePool } from './engine-pool.ts';
import { followMoved, restoreLargeArrays, updateReferences } from './forwarding.ts';
import type { HeapView } from './heap.ts';
import type { EngineSetup, WalkAnswer } from './heap-engine.ts';
import { HeapMemoryReader, type HeapMemoryParts, SLOT_BYTES, SLOT_WORDS, addressOfRef, allocateHeapMemory, refOfAddress } from './heap-memory.ts';
import type { SkipRange } from './heap-walk.ts';
import { type Isolate, findIsolates } from './isolate.ts';
import { type V8Layout, buildLayout, typeNumber, withDerived } from './layout.ts';
import { type MapColumns, mapRules } from './map-table.ts';
import type { MarkResult } from './mark.ts';
import { readMetadata } from './metadata.ts';
import { sizeRules } from './object-size.ts';
import { findPages } from './pages.ts';
import { type Roots, collectRoots } from './roots.ts';
import { isFromPage, pageUse, isReadOnlyPage, unreachedPages } from './spaces.ts';
import { buildTypeTable } from './type-table.ts';

/** The heap of a target before its pages are read: versions, layout, pages and isolates. Cheap to make. */
export interface HeapPlan {
  readonly target: Target;
  readonly nodeVersion: string | undefined;
  readonly v8Version: string | undefined;
  readonly layout: V8Layout;
  readonly parts: HeapMemoryParts;
  readonly heaps: readonly Address[];
  readonly isolates: readonly Isolate[];
  /** Whether a thread's own isolate pointer agrees with the pages' heap pointers. */
  readonly isolatesConfirmed: boolean;
}

/** One map of the heap with what was counted of its instances. */
export interface MapRow {
  readonly ref: number;
  readonly type: number;
  readonly flags: number;
  /** All instances, and the reachable ones. */
  objects: number;
  bytes: number;
  liveObjects: number;
  liveBytes: number;
  /** Ref of an instance, a reachable one if there is any. */
  sample: number;
}

/** A heap that was walked; marking comes after. */
export interface WalkedHeap {
  readonly plan: HeapPlan;
  readonly view: HeapView;
  /** By ref of the map. */
  readonly maps: Map<number, MapRow>;
  readonly walks: readonly WalkAnswer[];
  /** Objects and bytes by page number. */
  readonly pageObjects: Float64Array;
  readonly pageBytes: Float64Array;
  readonly objects: number;
  readonly bytes: number;
}

export interface MarkedHeap {
  /** One a thread. */
  readonly results: readonly MarkResult[];
  readonly roots: Roots;
  readonly ephemeronTableType: number;
}

export interface ReadOptions {
  /** Leaves the threads ready for more: `pool` of the answer must be closed then. */
  readonly keepPool?: boolean;
  /** Workers started in advance. */
  readonly spare?: SpareWorkers;
  readonly signal?: AbortSignal;
  readonly onProgress?: (phase: string, share: number) => void;
}

const NO_BINARY = 'no node binary: give the one that the process ran with --binary';

/**
 * Finds the V8 heap of a target.
 * @throws {UnsupportedError} when there is no binary at hand, the binary is no Node, or the core has no V8 pages
 */
export function planHeap(target: Target): HeapPlan {
  const { elf } = target.executable;
  if (elf === undefined) throw new UnsupportedError(NO_BINARY);
  const metadata = readMetadata(target, elf);
  const assumed = buildLayout(metadata);
  const search = findPages(target.memory, assumed);
  if (search.heaps.length === 0) throw new UnsupportedError(`${target.path}: no V8 heap found in the core`);
  const found = findIsolates(target, elf, assumed, search.heaps);
  const layout = withDerived(assumed, [...search.derived, ...found.derived]);
  return {
    target,
    nodeVersion: metadata.nodeVersion,
    v8Version: metadata.v8Version,
    layout,
    parts: allocateHeapMemory(search.pages.map((page) => ({ ...page, ...pageUse(page, layout, target.memory) }))),
    heaps: search.heaps,
    isolates: found.isolates,
    isolatesConfirmed: found.confirmed,
  };
}

/** What the engine's threads need to know of a heap. */
export function engineSetup(plan: HeapPlan): EngineSetup {
  const { layout, parts } = plan;
  const { at } = layout;
  return {
    parts,
    types: buildTypeTable(layout),
    mapRules: mapRules(layout),
    sizeRules: sizeRules(layout),
    markRules: {
      jsFunctionShared: at.jsFunctionShared,
      jsArrayLength: at.jsArrayLength,
      jsCollectionTable: at.jsCollectionTable,
      jsObjectElements: at.jsObjectElements,
      arrayBufferByteLength: at.arrayBufferByteLength,
      arrayBufferBackingStore: at.arrayBufferBackingStore,
    },
  };
}

/** The page number of every slot. */
function pagesOfSlots(parts: HeapMemoryParts): Int32Array {
  const pages = new Int32Array(parts.slotBase.length);
  for (const [index, page] of parts.pages.entries()) pages.fill(index, page.firstSlot, page.firstSlot + page.slots);
  return pages;
}

/** Allocation areas by page number, sorted. */
function unusedRanges(plan: HeapPlan, areas: readonly AllocationArea[]): Map<number, SkipRange[]> {
  const { parts } = plan;
  const ranges = new Map<number, SkipRange[]>();
  const pageOfSlot = pagesOfSlots(parts);
  for (const { top, limit } of areas) {
    const ref = refOfAddress(parts, top);
    if (ref < 0) continue;
    const page = pageOfSlot[Math.floor(ref / SLOT_WORDS)]!;
    const list = ranges.get(page) ?? [];
    list.push({ start: ref, end: ref + (limit - top) / 8, why: 'unused' });
    ranges.set(page, list);
  }
  for (const list of ranges.values()) list.sort((a, b) => a.start - b.start);
  return ranges;
}

/** Numbers of the pages of new space whose objects are left over from before the last collection. */
function leftOverPages(plan: HeapPlan, areas: readonly AllocationArea[]): Set<number> {
  const { pages } = plan.parts;
  const current = new Set(areas.map(({ top }) => top - (top % SLOT_BYTES)));
  const unreached = unreachedPages(pages, plan.target.memory, current);
  return new Set(pages.flatMap((page, index) => (isFromPage(page) || unreached.has(page.base) ? [index] : [])));
}

function addMaps(rows: Map<number, MapRow>, columns: MapColumns): void {
  for (let i = 0; i < columns.count; i++) {
    const ref = columns.ref[i]!;
    const row = rows.get(ref);
    if (row === undefined) {
      const [objects, bytes] = [columns.objects[i]!, columns.bytes[i]!];
      rows.set(ref, { ref, type: columns.type[i]!, flags: columns.flags[i]!, objects, bytes, liveObjects: 0, liveBytes: 0, sample: columns.sample[i]! });
    } else {
      row.objects += columns.objects[i]!;
      row.bytes += columns.bytes[i]!;
      // The lowest ref, whichever thread met it: the same sample in every run.
      if (row.sample < 0 || (columns.objects[i]! > 0 && columns.sample[i]! < row.sample)) row.sample = columns.sample[i]!;
    }
  }
}

/** The instance type of the tables of weak collections, learned from one of them; -1 when the heap has none. */
function ephemeronTableType(heap: WalkedHeap): number {
  const { layout, parts } = heap.plan;
  const { memory } = heap.view;
  for (const row of heap.maps.values()) {
    if (row.sample < 0 || (row.type !== typeNumber(layout, 'JS_WEAK_MAP') && row.type !== typeNumber(layout, 'JS_WEAK_SET'))) continue;
    const table = memory.readPointer(addressOfRef(parts, row.sample) + layout.at.jsCollectionTable);
    const map = table === undefined || refOfAddress(parts, table) < 0 ? undefined : memory.readPointer(table - 1);
    if (map === undefined || refOfAddress(parts, map) < 0) continue;
    const type = memory.readU16(map - 1 + layout.at.mapInstanceType);
    if (type > typeNumber(layout, 'FIXED_ARRAY') && type < typeNumber(layout, 'BYTE_ARRAY')) return type;
  }
  return -1;
}

/** The microtask queues that native contexts name, in the word behind their last slot. */
function microtaskQueues(heap: WalkedHeap): Address[] {
  const { layout, parts } = heap.plan;
  const { memory } = heap.view;
  const queues: Address[] = [];
  for (const row of heap.maps.values()) {
    if (row.type !== typeNumber(layout, 'NATIVE_CONTEXT') || row.sample < 0) continue;
    const context = addressOfRef(parts, row.sample);
    const slots = memory.readU32(context + layout.at.fixedArrayLength + 4);
    const at = context + layout.at.fixedArrayData + slots * 8;
    const queue = memory.isReadable(at, 8) ? memory.readPointer(at) : undefined;
    if (queue !== undefined && queue !== 0) queues.push(queue);
  }
  return queues;
}

/** @throws {InterruptedError} when the signal is aborted */
export function checkAborted(options: ReadOptions): void {
  if (options.signal?.aborted === true) throw new InterruptedError();
}

/** Walks the pages; while objects are being moved, also those that hold nothing that lives at other times. */
async function walkHeap(plan: HeapPlan, pool: EnginePool, isMoving: boolean, options: ReadOptions): Promise<WalkedHeap> {
  const { parts, layout } = plan;
  const reader = new HeapMemoryReader(parts, plan.target.memory);
  const areas = findAllocationAreas(parts, plan.target.memory, plan.isolates);
  const left = isMoving ? new Set<number>() : leftOverPages(plan, areas);
  const numbers = parts.pages.map((_, index) => index);
  const walkPlan = {
    pages: Int32Array.from(numbers.filter((index) => !left.has(index))),
    unused: unusedRanges(plan, areas),
    isMoving,
  };
  const walks = await pool.walk(walkPlan, (share) => options.onProgress?.('walk', share));
  checkAborted(options);
  const maps = new Map<number, MapRow>();
  const pageObjects = new Float64Array(parts.pages.length);
  const pageBytes = new Float64Array(parts.pages.length);
  for (const { walk, maps: columns } of walks) {
    addMaps(maps, columns);
    for (let page = 0; page < parts.pages.length; page++) {
      pageObjects[page]! += walk.objects[page]!;
      pageBytes[page]! += walk.bytes[page]!;
    }
  }
  const sum = (column: Float64Array): number => column.reduce((total, value) => total + value, 0);
  return { plan, view: { memory: reader, layout }, maps, walks, pageObjects, pageBytes, objects: sum(pageObjects), bytes: sum(pageBytes) };
}

/**
 * The heap of a process that died while objects were being moved: pages that are left over at other times hold objects that live, and some references still
 * name the old place of an object. Walks all pages again, forgets the marks and updates the references; the heap returned takes the place of the one before.
 */
async function finishCollection({ plan, maps }: WalkedHeap, pool: EnginePool, options: ReadOptions): Promise<WalkedHeap> {
  const mapOf = (type: string): number => {
    const rows = [...maps.values()].filter((row) => row.type === typeNumber(plan.layout, type));
    return rows.sort((a, b) => b.objects - a.objects || a.ref - b.ref)[0]?.ref ?? -1;
  };
  restoreLargeArrays(plan.parts, { tagged: mapOf('FIXED_ARRAY'), doubles: mapOf('FIXED_DOUBLE_ARRAY') });
  plan.parts.bits.fill(0);
  const heap = await walkHeap(plan, pool, true, options);
  updateReferences(plan.parts);
  return heap;
}

/** Where marking starts: what it needs of the heap besides the pages. */
function findMarkPlan(heap: WalkedHeap): { readonly roots: Roots; readonly ephemeronTableType: number } {
  const { plan } = heap;
  const readOnlyPages = plan.parts.pages.flatMap((page, index) => (isReadOnlyPage(page, plan.layout) ? [index] : []));
  const roots = collectRoots(plan.parts, heap.view.memory, {
    isolates: plan.isolates,
    threads: plan.target.threads,
    microtaskQueues: microtaskQueues(heap),
    readOnlyPages,
    isWritable: (address) => plan.target.memory.isWritable(address),
    view: heap.view,
  });
  return { roots, ephemeronTableType: ephemeronTableType(heap) };
}

async function mark(heap: WalkedHeap, start: ReturnType<typeof findMarkPlan>, pool: EnginePool, isMoving: boolean, options: ReadOptions): Promise<MarkResult[]> {
  const request = { roots: start.roots.refs, ephemeronTableType: start.ephemeronTableType, isMoving, expected: heap.objects };
  const results = await pool.mark(request, (share) => options.onProgress?.('mark', share));
  checkAborted(options);
  return results;
}

function addUpMarks(heap: WalkedHeap, results: readonly MarkResult[]): void {
  for (const { maps } of results) {
    for (let i = 0; i < maps.count; i++) {
      const row = heap.maps.get(maps.ref[i]!);
      if (row === undefined || maps.objects[i] === 0) continue;
      if (row.liveObjects === 0 || maps.sample[i]! < row.sample) row.sample = maps.sample[i]!;
      row.liveObjects += maps.objects[i]!;
      row.liveBytes += maps.bytes[i]!;
    }
  }}

/** A heap that was read; `early` is what `onWalked` returned. */
interface ReadAnswer<T> {
  readonly heap: WalkedHeap;
  readonly marked: MarkedHeap;
  readonly early: T;
  readonly pool: EnginePool | undefined;
}

/** Reads, walks and marks. `onWalked` runs while marking goes on in another thread: what it returns comes back with the rest. */
export async function readHeap<T>(plan: HeapPlan, onWalked: (heap: WalkedHeap) => T, options: ReadOptions = {}): Promise<ReadAnswer<T>> {
  let isKept = false;
  const pool = makeEnginePool(engineSetup(plan), plan.target.path, plan.target.memory, options.spare ?? new SpareWorkers(0), options.signal);
  try {
    options.onProgress?.('walk', 0);
    let heap = await walkHeap(plan, pool, false, options);
    options.onProgress?.('load', 0);
    // Roots are read from the core while other threads load the pages.
    const loading = pool.load((share) => options.onProgress?.('load', share));
    let [start] = await Promise.all([Promise.resolve().then(() => findMarkPlan(heap)), loading]);
    checkAborted(options);
    options.onProgress?.('mark', 0);
    const marking = mark(heap, start, pool, false, options);
    let early = onWalked(heap);
    let results = await marking;
    if (results.some(({ strays }) => strays > 0)) {
      heap = await finishCollection(heap, pool, options);
      start = findMarkPlan(heap);
      followMoved(plan.parts, start.roots.refs);
      early = onWalked(heap);
      results = await mark(heap, start, pool, true, options);
    }
    addUpMarks(heap, results);
    const marked = { results, ...start };
    isKept = options.keepPool === true;
    return { heap, marked, early, pool: isKept ? pool : undefined };
  } finally {
    if (!isKept) pool.close();
  }
}

/** Whether the object at a ref was reached. */
export function isReachable(parts: HeapMemoryParts, ref: number): boolean {
  return (parts.bits[(ref >>> 5) * 2 + 1]! & (1 << (ref & 31))) !== 0;
}
