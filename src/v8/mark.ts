/** Marks what can be reached from the roots, as V8's full collection would: weak references are not followed, ephemerons wait for their keys. */
import { Int32Column, KeyCounter } from '../bytes/columns.ts';
import { forwardingTarget, writePointer } from './forwarding.ts';
import { type HeapMemoryParts, SLOT_HASH, SLOT_WORDS, slotOfPage } from './heap-memory.ts';
import type { WalkSetup } from './heap-walk.ts';
import { type MapColumns, MapTable } from './map-table.ts';
import { giveWork, takeWork } from './mark-pool.ts';
import { type SizeRules, variableWords } from './object-size.ts';
import { BodyKind, SizeKind } from './type-table.ts';

/** Offsets that marking reads besides the tables, in bytes. */
export interface MarkRules {
  readonly jsFunctionShared: number;
  readonly jsArrayLength: number;
  readonly jsCollectionTable: number;
  readonly jsObjectElements: number;
  readonly arrayBufferByteLength: number;
  readonly arrayBufferBackingStore: number;
}

/** Containers with fewer entries than this are not listed. */
export const MIN_LISTED_ENTRIES = 1000;

/** What one thread marked. */
export interface MarkResult {
  readonly objects: number;
  readonly bytes: number;
  /** Backing stores of ArrayBuffers outside of the heap: address and bytes, in turns. Threads may name the same one. */
  readonly stores: Float64Array;
  readonly externalStrings: Int32Array;
  /** Refs of the ephemeron tables met, or finished, by this thread. */
  readonly ephemeronTables: Int32Array;
  /** References from what was reached to objects that the walk had not seen and that were not marked therefore, counted up to a few. */
  readonly strays: number;
  /** Closures by definition: ref of the SharedFunctionInfo, number, ref of one closure, in turns. */
  readonly functions: Int32Array;
  /** Refs of arrays, Maps, Sets and objects with at least MIN_LISTED_ENTRIES entries. */
  readonly largeContainers: Int32Array;
  readonly maps: MapColumns;
}

const STACK_START = 1 << 16;

/** Strays beyond this number are not counted. */
const MAX_STRAYS = 1000;

/** Objects between two looks at the pool of shared work. */
const SHARE_EVERY = 255;
/** And the stack depths at which it is looked at while one object is scanned, less one: a power of two. */
const SHARE_DEPTH = 4095;

/** The first entry of an ephemeron table: [map, length, elements, deleted, capacity, (key, value)...] (objects/hash-table.h). */
const EPHEMERON_FIRST_WORD = 5;

/** All pages are loaded by the time of marking. */
const loaded = (): void => undefined;

/** One thread's part of the marking. */
export class Marker {
  readonly #parts: HeapMemoryParts;
  readonly #maps: MapTable;
  readonly #sizes: SizeRules;
  readonly #rules: MarkRules;
  readonly #pool: Int32Array;
  readonly #isMoving: boolean;
  readonly #tables = new Int32Column();
  readonly #externalStrings = new Int32Column();
  readonly #containers = new Int32Column();
  readonly #functions = new KeyCounter(1 << 14);
  readonly #stores = new Map<number, number>();
  #stack: Int32Array = new Int32Array(STACK_START);
  #depth = 0;
  #objects = 0;
  #bytes = 0;
  #strays = 0;

  /** `isMoving` when the process died while objects were moved: what the walk did not find for that reason is marked all the same. */
  constructor(setup: WalkSetup, rules: MarkRules, pool: Int32Array, isMoving = false) {
    this.#isMoving = isMoving;
    this.#parts = setup.parts;
    this.#maps = new MapTable(setup.parts, setup.types, setup.mapRules, loaded);
    this.#sizes = setup.sizeRules;
    this.#rules = rules;
    this.#pool = pool;
  }

  /** Marks an object as reached and puts it on the stack; false when there is no object at `ref` or it was reached before. */
  push(ref: number): boolean {
    const { bits } = this.#parts;
    const pair = (ref >>> 5) * 2;
    const bit = 1 << (ref & 31);
    if (ref < 0 || pair >= bits.length || (bits[pair]! & bit) === 0 || (Atomics.or(bits, pair + 1, bit) & bit) !== 0) return false;
    if (this.#depth === this.#stack.length) this.#growStack();
    this.#stack[this.#depth++] = ref;
    return true;
  }

  #growStack(): Int32Array {
    const grown = new Int32Array(this.#stack.length * 2);
    grown.set(this.#stack);
    return (this.#stack = grown);
  }

  #isMarked(ref: number): boolean {
    return (this.#parts.bits[(ref >>> 5) * 2 + 1]! & (1 << (ref & 31))) !== 0;
  }

  /** The ref that a strong pointer word names, or -1. */
  #refOfWord(lo: number, hi: number): number {
    if ((lo & 7) !== 1 || hi >>> 15 !== 0) return -1;
    const slot = slotOfPage(this.#parts, (hi << 14) | (lo >>> 18));
    return slot < 0 ? -1 : slot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3);
  }

  /** Follows strong references until no thread has any left. Returns the ephemeron tables met, for `markEphemerons` of one thread to finish. */
  drain(onBatch: (objects: number) => void): Int32Array {
    do this.#drainStack(undefined, onBatch);
    while ((this.#depth = takeWork(this.#pool, this.#stack)) > 0);
    return this.#tables.finish();
  }

  /** The hot loop. With `pending`, values that wait for a key are pushed when their key is reached. */
  #drainStack(pending: ReadonlyMap<number, readonly number[]> | undefined, onBatch: (objects: number) => void): void {
    const { words, bits, slotTable, slotShift } = this.#parts;
    const slotMask = slotTable.length / 2 - 1;
    const maps = this.#maps;
    const pool = this.#pool;
    let stack = this.#stack;
    let depth = this.#depth;
    let columns = maps.columns;
    let objects = this.#objects;
    let bytes = this.#bytes;
    let lastPage = -1;
    let lastSlot = -1;
    while (depth > 0) {
      const ref = stack[--depth]!;
      const w = ref * 2;
      const map = maps.lookup(words[w]!, words[w + 1]!);
      if (map < 0) continue;
      columns = maps.columns;
      const sizeKind = columns.sizeKind[map]!;
      let size = columns.sizeParam[map]! / 8;
      if (sizeKind !== SizeKind.fixed) {
        size = sizeKind === SizeKind.unknown ? this.#unsizedWords(ref) : variableWords(this.#sizes, this.#parts, words, w, sizeKind, columns.sizeParam[map]!, loaded);
        columns.bytes[map]! += size * 8;
      }
      // The lowest ref of all threads is the sample: the same one in every run. A map needs to be followed from its first instance only.
      if (ref < columns.sample[map]! || columns.objects[map] === 0) {
        if (columns.objects[map] === 0) {
          this.#stack = stack;
          this.#depth = depth;
          this.push(columns.ref[map]!);
          stack = this.#stack;
          depth = this.#depth;
        }
        columns.sample[map] = ref;
      }
      columns.objects[map]!++;
      bytes += size * 8;
      if ((++objects & SHARE_EVERY) === 0) {
        if (pending === undefined) depth = giveWork(pool, stack, depth);
        if ((objects & 0xfffff) === 0) onBatch(objects);
      }
      if (pending !== undefined) {
        const waiting = pending.get(ref);
        if (waiting !== undefined) {
          this.#stack = stack;
          this.#depth = depth;
          for (const value of waiting) this.push(value);
          stack = this.#stack;
          depth = this.#depth;
        }
      }
      let end = w + size * 2;
      let skipFrom = -1;
      let skipTo = -1;
      const body = columns.bodyKind[map]!;
      if (body !== BodyKind.all) {
        if (body === BodyKind.none) continue;
        else if (body === BodyKind.header) end = Math.min(end, w + columns.bodyParam[map]! / 4);
        else if (body === BodyKind.ephemerons) {
          this.#tables.push(ref);
          continue;
        } else if (body === BodyKind.skipOne || body === BodyKind.skipTwo) {
          skipFrom = w + columns.bodyParam[map]! / 4;
          skipTo = skipFrom + (body === BodyKind.skipOne ? 2 : 4);
        } else if (body === BodyKind.skipLast) end -= 4;
        else this.#visit(ref, body);
      }
      for (let i = w + 2; i < end; i += 2) {
        const lo = words[i]!;
        if ((lo & 7) !== 1) continue;
        const hi = words[i + 1]!;
        if (hi >>> 15 !== 0 || (i >= skipFrom && i < skipTo)) continue;
        const page = (hi << 14) | (lo >>> 18);
        if (page !== lastPage) {
          let entry = Math.imul(page, SLOT_HASH) >>> slotShift;
          let key = slotTable[entry * 2]!;
          while (key !== page && key !== -1) {
            entry = (entry + 1) & slotMask;
            key = slotTable[entry * 2]!;
          }
          lastPage = page;
          lastSlot = key === -1 ? -1 : slotTable[entry * 2 + 1]!;
        }
        if (lastSlot < 0) continue;
        const target = (lastSlot << 15) | ((lo & 0x3ffff) >>> 3);
        const pair = (target >>> 5) << 1;
        const bit = 1 << (target & 31);
        if ((bits[pair]! & bit) === 0) {
          // Some words of an ArrayBuffer are no references, and hold what was there before (objects/js-array-buffer.tq).
          if (body === BodyKind.arrayBuffer) continue;
          this.#stack = stack;
          this.#depth = depth;
          this.#takeStray(target, i);
          stack = this.#stack;
          depth = this.#depth;
          continue;
        }
        if ((bits[pair + 1]! & bit) !== 0 || (Atomics.or(bits, pair + 1, bit) & bit) !== 0) continue;
        if (depth === stack.length) {
          this.#stack = stack;
          stack = this.#growStack();
        }
        stack[depth++] = target;
        // One array may hold millions: others need not wait for its end.
        if ((depth & SHARE_DEPTH) === 0 && pending === undefined) depth = giveWork(pool, stack, depth);
      }
    }
    this.#stack = stack;
    this.#depth = 0;
    this.#objects = objects;
    this.#bytes = bytes;
  }

  /**
   * The object that a reference names where the walk found none: what lies at `ref` when that has a map, or its copy when it has been moved; -1 when it does
   * not look like an object. A large young object is moved to itself.
   */
  #strayAt(ref: number): number {
    const { words } = this.#parts;
    const lo = words[ref * 2]!;
    const hi = words[ref * 2 + 1]!;
    if ((lo & 7) === 1) return this.#maps.lookup(lo, hi) >= 0 ? ref : -1;
    const copy = forwardingTarget(this.#parts, lo, hi);
    return copy === ref || (copy >= 0 && this.#maps.lookup(words[copy * 2]!, words[copy * 2 + 1]!) >= 0) ? copy : -1;
  }

  /** Counts a stray, or in a process that died while objects were moved makes an object of it; `w` is the place of the reference in `words`. */
  #takeStray(ref: number, w: number): void {
    if (!this.#isMoving && this.#strays >= MAX_STRAYS) return;
    const found = this.#strayAt(ref);
    if (found < 0) return;
    const { words, bits } = this.#parts;
    if (!this.#isMoving || (words[found * 2]! & 7) !== 1) {
      this.#strays++;
      return;
    }
    if (found !== ref) writePointer(this.#parts, w, found, words[w]! & 7);
    Atomics.or(bits, (found >>> 5) * 2, 1 << (found & 31));
    this.push(found);
  }

  /** Words up to the next object start: the size of an object whose type has no size rule. */
  #unsizedWords(ref: number): number {
    const { bits } = this.#parts;
    const limit = Math.min((Math.floor(ref / SLOT_WORDS) + 1) * SLOT_WORDS, bits.length * 16);
    let next = ref + 1;
    while (next < limit && (bits[(next >>> 5) * 2]! & (1 << (next & 31))) === 0) next++;
    return next - ref;
  }

  /** Notes what the census wants to know of some kinds of objects. */
  #visit(ref: number, body: number): void {
    const { words } = this.#parts;
    const w = ref * 2;
    const rules = this.#rules;
    if (body === BodyKind.function) {
      const at = w + rules.jsFunctionShared / 4;
      const shared = this.#refOfWord(words[at]!, words[at + 1]!);
      if (shared >= 0) this.#functions.add(shared, ref);
    } else if (body === BodyKind.arrayBuffer) {
      const store = w + rules.arrayBufferBackingStore / 4;
      const length = w + rules.arrayBufferByteLength / 4;
      if ((words[store]! | words[store + 1]!) === 0 || words[length + 1]! >>> 16 !== 0) return;
      const bytes = words[length + 1]! * 0x1_0000_0000 + words[length]!;
      if (bytes > 0) this.#stores.set(words[store + 1]! * 0x1_0000_0000 + words[store]!, bytes);
    } else if (body === BodyKind.externalString) this.#externalStrings.push(ref);
    else if (body === BodyKind.jsArray) {
      const length = words[w + rules.jsArrayLength / 4 + 1]!;
      if (words[w + rules.jsArrayLength / 4] === 0 && length >= MIN_LISTED_ENTRIES) this.#containers.push(ref);
    } else if (body === BodyKind.jsCollection) {
      const at = w + rules.jsCollectionTable / 4;
      const table = this.#refOfWord(words[at]!, words[at + 1]!);
      const ELEMENTS = 5; // high half of the word at 16: the number of elements
      if (table >= 0 && words[table * 2 + ELEMENTS]! >= MIN_LISTED_ENTRIES) this.#containers.push(ref);
    } else if (body === BodyKind.jsObject) {
      const at = w + rules.jsObjectElements / 4;
      const elements = this.#refOfWord(words[at]!, words[at + 1]!);
      const LENGTH = 3; // high half of the word at 8
      if (elements >= 0 && words[elements * 2 + LENGTH]! >= MIN_LISTED_ENTRIES) this.#containers.push(ref);
    }
  }

  /**
   * Ephemerons: the value of an entry lives if its key does, to a fixed point; a map from keys to waiting values keeps it linear.
   * One thread does this for the tables of all, after all have drained.
   */
  markEphemerons(tables: Int32Array, onBatch: (objects: number) => void): void {
    const pending = new Map<number, number[]>();
    const { words } = this.#parts;
    this.#tables.length = 0;
    for (const table of tables) this.#tables.push(table);
    for (let next = 0; next < this.#tables.length; ) {
      for (; next < this.#tables.length; next++) {
        const w = this.#tables.items[next]! * 2;
        const length = words[w + 3]! | 0;
        for (let entry = EPHEMERON_FIRST_WORD; entry + 1 < length + 2; entry += 2) {
          const key = this.#refOfWord(words[w + entry * 2]!, words[w + entry * 2 + 1]!);
          const value = this.#refOfWord(words[w + entry * 2 + 2]!, words[w + entry * 2 + 3]!);
          if (value < 0) continue;
          if (key < 0 || this.#isMarked(key)) this.push(value);
          else if (!this.#isMarked(value)) {
            const waiting = pending.get(key);
            if (waiting === undefined) pending.set(key, [value]);
            else waiting.push(value);
          }
        }
      }
      this.#drainStack(pending, onBatch);
    }
  }

  finish(): MarkResult {
    return {
      objects: this.#objects,
      bytes: this.#bytes,
      stores: Float64Array.from([...this.#stores].flat()),
      externalStrings: this.#externalStrings.finish(),
      ephemeronTables: this.#tables.finish(),
      strays: this.#strays,
      functions: Int32Array.from([...this.#functions.entries()].flatMap(({ key, count, companion }) => [key, count, companion])),
      largeContainers: this.#containers.finish(),
      maps: this.#maps.finish(),
    };
  }
}
