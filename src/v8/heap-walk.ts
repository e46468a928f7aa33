/** The linear walk: every object of every page, one after the other, with what does not parse counted instead of guessed at. */
import { Int32Column } from '../bytes/columns.ts';
import { type AreaHole, type BulkReader, type HeapMemoryParts, SLOT_WORDS, loadPage } from './heap-memory.ts';
import { type MapColumns, MapFlag, type MapRules, MapTable } from './map-table.ts';
import { type EnsureLoaded, type SizeRules, variableWords } from './object-size.ts';
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
  /** Memory that was swept and formatted as free. */
  readonly freeBytes: number;
  /** Zeroed or reserved memory that no object has been put in yet. */
  readonly unusedBytes: number;
  /** Refs of objects in dictionary mode: their property names are their own, not their map's. */
  readonly dictionaryObjects: Int32Array;
}

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
  #pageOfSlot: Int32Array | undefined;
  #skipped = 0;
  #missing = 0;
  #unused = 0;
  #free = 0;

  constructor(setup: WalkSetup, memory: BulkReader) {
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

  /** Loads one page and walks it. `unused` are the page's allocation areas, sorted and disjoint. */
  visitPage(index: number, unused: readonly SkipRange[]): void {
    const holes = loadPage(this.#parts, this.#memory, index);
    this.#walk(index, holes.length === 0 ? unused : this.#mergeHoles(unused, holes));
  }

  /** Loads one page without walking it: what is on it is left over from a collection. */
  passPage(index: number): void {
    loadPage(this.#parts, this.#memory, index);
  }

  #mergeHoles(unused: readonly SkipRange[], holes: readonly AreaHole[]): SkipRange[] {
    const ranges = holes.map((hole): SkipRange => {
      const page = this.#parts.pages[hole.page]!;
      const start = page.firstSlot * SLOT_WORDS + (hole.start - page.base) / 8;
      return { start, end: start + (hole.end - hole.start) / 8, why: hole.isGuard ? 'unused' : 'missing' };
    });
    return [...unused, ...ranges].sort((a, b) => a.start - b.start);
  }

  #walk(index: number, skips: readonly SkipRange[]): void {
    const page = this.#parts.pages[index]!;
    const { words, bits } = this.#parts;
    const maps = this.#maps;
    const origin = page.firstSlot * SLOT_WORDS;
    const end = origin + (page.areaEnd - page.base) / 8;
    let ref = origin + (page.areaStart - page.base) / 8;
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
      const lo = words[ref * 2]!;
      const hi = words[ref * 2 + 1]!;
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
      if (passedArea && page.isNew) {
        // The limit of an allocation area may be set below its real end, for the allocator to stop there (heap/allocation-observer.h).
        this.#unused += (end - ref) * 8;
        break;
      }
      ref = this.#skipDamage(ref, Math.min(end, nextSkip), map >= 0);
      map = -1;
    }
    this.#objects[index] = objects;
    this.#bytes[index] = objectWords * 8;
    this.#free += freeWords * 8;
  }

  #variableSize(ref: number, map: number, end: number): number {
    const columns = this.#maps.columns;
    const kind = columns.sizeKind[map]!;
    if (kind !== SizeKind.unknown) return variableWords(this.#rules, this.#parts, ref, kind, columns.sizeParam[map]!, this.#ensureLoaded);
    // Some read-only singletons have a type of their own and no size rule; more than one of a kind is worth a word.
    if (columns.objects[map]! > 0) this.#report('unsized-type', ref, 0);
    return this.#nextObject(ref + 1, end) - ref;
  }

  /** The next ref in [from, end) whose word is a map's, or `end`. */
  #nextObject(from: number, end: number): number {
    const { words } = this.#parts;
    for (let ref = from; ref < end; ref++) {
      const lo = words[ref * 2]!;
      if ((lo & 7) === 1 && this.#maps.lookup(lo, words[ref * 2 + 1]!) >= 0) return ref;
    }
    return end;
  }

  /** Passes over what is no object up to the next one, and files it: zeros are memory not yet used, anything else is damage. */
  #skipDamage(from: number, end: number, badSize: boolean): number {
    const { words } = this.#parts;
    const next = this.#nextObject(from + 1, end);
    const bytes = (next - from) * 8;
    let zero = true;
    for (let word = from * 2; word < next * 2 && zero; word++) zero = words[word] === 0;
    if (zero) {
      this.#unused += bytes;
      return next;
    }
    const lo = words[from * 2]!;
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
