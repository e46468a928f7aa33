/** The linear walk: every object of every page, one after the other, with what does not parse counted instead of guessed at. */
import { Int32Column } from '../bytes/columns.ts';
import { forwardingTarget } from './forwarding.ts';
import { type AreaHole, type BulkReader, type HeapMemoryParts, type HeapPage, SLOT_BYTES, SLOT_WHOLE, SLOT_WORDS, loadPage } from './heap-memory.ts';
import { type MapColumns, MapFlag, type MapRules, MapTable } from './map-table.ts';
import { type EnsureLoaded, type SizeRules, variableWords } from './object-size.ts';
import { isToPage } from './spaces.ts';
import { SizeKind, type TypeTable } from './type-table.ts';

/** A range of refs [start, end) in which there are no objects: not saved in the core, or an allocation area not yet used. */
export interface SkipRange {
  readonly start: number;
  readonly end: number;
  readonly why: 'missing' | 'unused';
}

/** Damage of one kind met by a walk. */
export interface WalkProblem {
  kind: string;
  count: number;
  bytes: number;
  /** Ref of the first place. */
  first: number;
}

/** What a walk over some pages found, in columns by page number where per page. */
export interface WalkResult {
  readonly objects: Float64Array;
  readonly bytes: Float64Array;
  readonly problems: Map<string, WalkProblem>;
  readonly skippedBytes: number;
  readonly missingBytes: number;
  /** Memory that was swept and formatted as free, and what objects that were moved have left behind. */
  readonly freeBytes: number;
  /** Zeroed or reserved memory that no object has been put in yet. */
  readonly unusedBytes: number;
  /** Refs of objects in dictionary mode: their property names are their own, not their map's. */
  readonly dictionaryObjects: Int32Array;
}

/** The first bytes of a large object: enough for its size. */
const LARGE_HEADER_BYTES = 4096;

/** What a walker needs to know of the heap. */
export interface WalkSetup {
  readonly parts: HeapMemoryParts;
  readonly types: TypeTable;
  readonly mapRules: MapRules;
  readonly sizeRules: SizeRules;
}

/** Loads and walks pages of one heap memory; sets the start bit of every object. Several walkers may share a memory, each with pages of its own. */
export class HeapWalker {
  readonly #parts: HeapMemoryParts;
  readonly #memory: BulkReader;
  readonly #maps: MapTable;
  readonly #rules: SizeRules;
  readonly #problems = new Map<string, WalkProblem>();
  readonly #dictionaryObjects = new Int32Column();
  readonly #objects: Float64Array;
  readonly #bytes: Float64Array;
  readonly #ensureLoaded: EnsureLoaded;
  readonly #isMoving: boolean;
  /** One slot's worth of words, for the page at hand. */
  readonly #buffer = new Uint32Array(SLOT_WORDS * 2);
  #pageOfSlot: Int32Array | undefined;
  /** Where the page at hand is, and what to add to 2 * ref for its words. */
  #words: Uint32Array = this.#buffer;
  #shift = 0;
  #isToPage = false;
  #skipped = 0;
  #missing = 0;
  #unused = 0;
  #free = 0;

  /** `isMoving` when the process died while the collector was moving objects. */
  constructor(setup: WalkSetup, memory: BulkReader, isMoving = false) {
    this.#isMoving = isMoving;
    const { parts } = setup;
    this.#parts = parts;
    this.#memory = memory;
    this.#rules = setup.sizeRules;
    this.#ensureLoaded = (slot) => {
      if (Atomics.load(parts.slotState, slot) === 0) loadPage(parts, memory, this.#pageAt(slot));
    };
    this.#maps = new MapTable(parts, setup.types, setup.mapRules, this.#ensureLoaded);
    this.#objects = new Float64Array(parts.pages.length);
    this.#bytes = new Float64Array(parts.pages.length);
  }

  #pageAt(slot: number): number {
    if (this.#pageOfSlot === undefined) {
      this.#pageOfSlot = new Int32Array(this.#parts.slotBase.length);
      for (const [index, page] of this.#parts.pages.entries()) this.#pageOfSlot.fill(index, page.firstSlot, page.firstSlot + page.slots);
    }
    return this.#pageOfSlot[slot]!;
  }

  /**
   * Reads one page and walks it. `unused` are the page's allocation areas, sorted and disjoint. The page is read into a buffer that stays in the
   * processor's cache; only pages that hold maps, or holes, are loaded into the heap memory for good.
   */
  visitPage(index: number, unused: readonly SkipRange[]): void {
    const page = this.#parts.pages[index]!;
    const state = Atomics.load(this.#parts.slotState, page.firstSlot);
    if (state === 0 && this.#readIntoBuffer(page)) {
      this.#walk(index, unused, this.#buffer, 0);
      return;
    }
    if (state === SLOT_WHOLE) {
      this.#walk(index, unused, this.#parts.words, page.firstSlot * SLOT_WORDS);
      return;
    }
    const holes = loadPage(this.#parts, this.#memory, index);
    this.#walk(index, holes.length === 0 ? unused : this.#mergeHoles(unused, holes), this.#parts.words, page.firstSlot * SLOT_WORDS);
  }

  /** Reads a page's area into the buffer, or of a large page what its one object needs to be measured; false when not all of the page is in the core. */
  #readIntoBuffer(page: HeapPage): boolean {
    const offset = page.areaStart - page.base;
    const length = Math.min(page.areaEnd - page.base, SLOT_BYTES) - offset;
    if (page.isLarge && !this.#memory.isReadable(page.areaStart, page.areaEnd - page.areaStart)) return false;
    if (page.slots > 1 && !page.isLarge) return false;
    const wanted = page.isLarge ? Math.min(length, LARGE_HEADER_BYTES) : length;
    return this.#memory.readInto(new Uint8Array(this.#buffer.buffer, offset, wanted), page.areaStart) === wanted;
  }

  #mergeHoles(unused: readonly SkipRange[], holes: readonly AreaHole[]): SkipRange[] {
    const ranges = holes.map((hole): SkipRange => {
      const page = this.#parts.pages[hole.page]!;
      const start = page.firstSlot * SLOT_WORDS + (hole.start - page.base) / 8;
      return { start, end: start + (hole.end - hole.start) / 8, why: hole.isGuard ? 'unused' : 'missing' };
    });
    return [...unused, ...ranges].sort((a, b) => a.start - b.start);
  }

  /** Walks the page whose first word, which has the ref of its slot, is at `words[2 * from]`. */
  #walk(index: number, skips: readonly SkipRange[], words: Uint32Array, from: number): void {
    const page = this.#parts.pages[index]!;
    const { bits } = this.#parts;
    const maps = this.#maps;
    const origin = page.firstSlot * SLOT_WORDS;
    const shift = (from - origin) * 2;
    this.#words = words;
    this.#shift = shift;
    this.#isToPage = isToPage(page);
    const end = origin + (page.areaEnd - page.base) / 8;
    let ref = origin + (page.areaStart - page.base) / 8;
    const isStale = this.#isMoving && this.#isToPage;
    let skip = 0;
    let nextSkip = skips[0]?.start ?? end;
    let objects = 0;
    let objectWords = 0;
    let lastLo = 0;
    let lastHi = 0;
    let map = -1;
    let fixedWords = 0;
    let isDictionary = false;
    let isFree = false;
    let passedArea = false;
    let freeWords = 0;
    let columns = maps.columns;
    let counts = columns.objects;
    while (ref < end) {
      if (ref >= nextSkip) {
        const range = skips[skip++]!;
        nextSkip = skips[skip]?.start ?? end;
        const stop = Math.min(end, Math.max(range.end, ref));
        if (range.why === 'missing') this.#missing += (stop - ref) * 8;
        else {
          this.#unused += (stop - ref) * 8;
          passedArea = true;
        }
        ref = stop;
        continue;
      }
      const lo = words[ref * 2 + shift]!;
      const hi = words[ref * 2 + shift + 1]!;
      if (lo !== lastLo || hi !== lastHi || map < 0) {
        map = (lo & 7) === 1 ? maps.lookup(lo, hi) : -1;
        lastLo = lo;
        lastHi = hi;
        if (map >= 0) {
          columns = maps.columns;
          counts = columns.objects;
          fixedWords = columns.sizeKind[map] === SizeKind.fixed ? columns.sizeParam[map]! / 8 : 0;
          isDictionary = columns.flags[map] === MapFlag.dictionary;
          isFree = columns.flags[map] === MapFlag.free;
        }
      }
      if (map >= 0) {
        let size = fixedWords;
        if (size === 0) size = this.#variableSize(ref, map, Math.min(end, nextSkip));
        if (size > 0 && ref + size <= end) {
          if (isFree) {
            // Where objects are being moved to, free memory of an earlier time may have been used since.
            if (isStale) size = this.#nextObject(ref + 1, Math.min(ref + size, nextSkip)) - ref;
            freeWords += size;
            ref += size;
            continue;
          }
          bits[(ref >>> 5) * 2]! |= 1 << (ref & 31);
          if (counts[map]!++ === 0) columns.sample[map] = ref;
          if (fixedWords === 0) columns.bytes[map]! += size * 8;
          if (isDictionary) this.#dictionaryObjects.push(ref);
          objects++;
          objectWords += size;
          ref += size;
          if (page.isLarge) {
            this.#unused += (end - ref) * 8;
            break;
          }
          continue;
        }
      }
      if (passedArea && page.isNew && !this.#isMoving) {
        // The limit of an allocation area may be set below its real end, for the allocator to stop there (heap/allocation-observer.h).
        this.#unused += (end - ref) * 8;
        break;
      }
      const moved = map < 0 ? this.#movedWords(ref, lo, hi) : 0;
      if (moved > 0 && ref + moved <= Math.min(end, nextSkip)) {
        freeWords += moved;
        ref += moved;
        continue;
      }
      ref = this.#skipDamage(ref, Math.min(end, nextSkip), map >= 0, isStale || (page.isNew && forwardingTarget(this.#parts, lo, hi) >= 0));
      map = -1;
    }
    this.#objects[index] = objects;
    this.#bytes[index] = objectWords * 8;
    this.#free += freeWords * 8;
  }

  #variableSize(ref: number, map: number, end: number): number {
    const columns = this.#maps.columns;
    const kind = columns.sizeKind[map]!;
    if (kind !== SizeKind.unknown) return variableWords(this.#rules, this.#parts, this.#words, ref * 2 + this.#shift, kind, columns.sizeParam[map]!, this.#ensureLoaded);
    // Some read-only singletons have a type of their own and no size rule; more than one of a kind is worth a word.
    if (columns.objects[map]! > 0) this.#report('unsized-type', ref, 0);
    return this.#nextObject(ref + 1, end) - ref;
  }

  /**
   * Words of the object at `ref` whose map word the collector replaced by the address of its copy: the copy tells its size. 0 when it was not moved.
   * Objects are moved away from pages of old space and of new space's other half; a forwarding word in the half that they are moved to is an earlier time's.
   */
  #movedWords(ref: number, lo: number, hi: number): number {
    const { words } = this.#parts;
    if (this.#isToPage) return 0;
    const copy = forwardingTarget(this.#parts, lo, hi);
    if (copy < 0 || copy === ref) return 0;
    this.#ensureLoaded(Math.floor(copy / SLOT_WORDS));
    const map = this.#maps.lookup(words[copy * 2]!, words[copy * 2 + 1]!);
    if (map < 0) return 0;
    const { sizeKind, sizeParam, flags } = this.#maps.columns;
    if (flags[map] === MapFlag.free) return 0;
    if (sizeKind[map] === SizeKind.fixed) return sizeParam[map]! / 8;
    return variableWords(this.#rules, this.#parts, words, copy * 2, sizeKind[map]!, sizeParam[map]!, this.#ensureLoaded);
  }

  /** The next ref in [from, end) whose word is a map's or the address of a moved object's copy, or `end`. */
  #nextObject(from: number, end: number): number {
    const words = this.#words;
    const shift = this.#shift;
    for (let ref = from; ref < end; ref++) {
      const lo = words[ref * 2 + shift]!;
      const hi = words[ref * 2 + shift + 1]!;
      if ((lo & 7) === 1 ? this.#maps.lookup(lo, hi) >= 0 : lo !== 0 && (lo & 7) === 0 && this.#movedWords(ref, lo, hi) > 0) return ref;
    }
    return end;
  }

  /**
   * Passes over what is no object up to the next one, and files it: zeros are memory not yet used, anything else is damage, or with `isStale` memory not
   * yet used in which the objects of an earlier time can still be seen. That is so where an object of new space was moved, but to no place that is an object
   * now; and wherever objects are being moved to, as every thread of the collector fills areas of its own.
   */
  #skipDamage(from: number, end: number, badSize: boolean, isStale: boolean): number {
    const words = this.#words;
    const shift = this.#shift;
    const next = this.#nextObject(from + 1, end);
    const bytes = (next - from) * 8;
    let zero = true;
    for (let word = from * 2 + shift; word < next * 2 + shift && zero; word++) zero = words[word] === 0;
    if (zero || isStale) {
      this.#unused += bytes;
      return next;
    }
    const lo = words[from * 2 + shift]!;
    const forwarded = !badSize && (lo & 7) === 0 && lo !== 0;
    this.#report(badSize ? 'bad-size' : forwarded ? 'no-map-word' : 'bad-map', from, bytes);
    this.#skipped += bytes;
    return next;
  }

  #report(kind: string, ref: number, bytes: number): void {
    const problem = this.#problems.get(kind);
    if (problem === undefined) this.#problems.set(kind, { kind, count: 1, bytes, first: ref });
    else {
      problem.count++;
      problem.bytes += bytes;
    }
  }

  /** What was found, and the maps met with their counts. */
  finish(): { readonly walk: WalkResult; readonly maps: MapColumns } {
    const maps = this.#maps.finish();
    return {
      walk: {
        objects: this.#objects,
        bytes: this.#bytes,
        problems: this.#problems,
        skippedBytes: this.#skipped,
        missingBytes: this.#missing,
        freeBytes: this.#free,
        unusedBytes: this.#unused,
        dictionaryObjects: this.#dictionaryObjects.finish(),
      },
      maps,
    };
  }
}
