/** The maps (hidden classes) of a heap, found as objects name them: what the walk and the marker need to know of each, in columns. */
import { forwardingTarget } from './forwarding.ts';
import { type HeapMemoryParts, SLOT_WORDS, slotOfPage } from './heap-memory.ts';
import { TYPE_LIMIT, type V8Layout, typeNumber } from './layout.ts';
import type { EnsureLoaded } from './object-size.ts';
import { BodyKind, SizeKind, type TypeTable } from './type-table.ts';

/** Offsets within a map that the table reads, and the type number of maps themselves. */
export interface MapRules {
  readonly mapType: number;
  readonly mapSize: number;
  readonly instanceTypeOffset: number;
  readonly bitField3Offset: number;
  readonly dictionaryMapShift: number;
  readonly firstJsObjectType: number;
  readonly freeSpaceType: number;
  readonly fillerType: number;
}

/** The rules of a layout. */
export function mapRules(layout: V8Layout): MapRules {
  const { at } = layout;
  return {
    mapType: typeNumber(layout, 'MAP'),
    mapSize: at.mapSize,
    instanceTypeOffset: at.mapInstanceType,
    bitField3Offset: at.mapBitField3,
    dictionaryMapShift: at.dictionaryMapShift,
    firstJsObjectType: typeNumber(layout, 'JS_PRIMITIVE_WRAPPER'),
    freeSpaceType: typeNumber(layout, 'FREE_SPACE'),
    fillerType: typeNumber(layout, 'FILLER'),
  };
}

/** Flag bits of a map. */
export const MapFlag = {
  dictionary: 1,
  /** Free memory that the collector formatted as an object. */
  free: 2,
} as const;

const HASH_ENTRY = 4;

/** The columns of a table by map index; plain data for a message. `objects` and `bytes` count what was walked or marked with this table. */
export interface MapColumns {
  count: number;
  /** Ref of the map object. */
  ref: Int32Array;
  type: Uint16Array;
  sizeKind: Uint8Array;
  /** Bytes of an instance for fixed sizes, else the param of the size kind. */
  sizeParam: Uint32Array;
  bodyKind: Uint8Array;
  bodyParam: Uint16Array;
  flags: Uint8Array;
  objects: Uint32Array;
  bytes: Float64Array;
  /** Ref of the first instance met. */
  sample: Int32Array;
}

function newColumns(capacity: number): MapColumns {
  return {
    count: 0,
    ref: new Int32Array(capacity),
    type: new Uint16Array(capacity),
    sizeKind: new Uint8Array(capacity),
    sizeParam: new Uint32Array(capacity),
    bodyKind: new Uint8Array(capacity),
    bodyParam: new Uint16Array(capacity),
    flags: new Uint8Array(capacity),
    objects: new Uint32Array(capacity),
    bytes: new Float64Array(capacity),
    sample: new Int32Array(capacity),
  };
}

/** Finds the map index of a map word. Words that name no map cost a check of the map itself, every time. */
export class MapTable {
  columns: MapColumns;
  readonly #parts: HeapMemoryParts;
  readonly #types: TypeTable;
  readonly #rules: MapRules;
  readonly #ensureLoaded: EnsureLoaded;
  /** Open addressing, four elements an entry: low and high half of the map word, index + 1, unused. */
  #hash: Int32Array;
  #mask: number;

  /** `ensureLoaded` is called before a map is read: while pages are being loaded, a map may lie on one whose turn has not come. */
  constructor(parts: HeapMemoryParts, types: TypeTable, rules: MapRules, ensureLoaded: EnsureLoaded) {
    this.#parts = parts;
    this.#types = types;
    this.#rules = rules;
    this.#ensureLoaded = ensureLoaded;
    this.columns = newColumns(4096);
    this.#hash = new Int32Array(16384 * HASH_ENTRY);
    this.#mask = 16384 - 1;
  }

  /** The index of the map that the word (lo, hi) names, or -1 when it names none. */
  lookup(lo: number, hi: number): number {
    const hash = this.#hash;
    const mask = this.#mask;
    const keyLo = lo | 0;
    const keyHi = hi | 0;
    let at = (Math.imul(lo >>> 3, 0x9e3779b1) >>> 12) ^ hi;
    for (;;) {
      at &= mask;
      const entry = at * HASH_ENTRY;
      const index = hash[entry + 2]!;
      if (index === 0) return this.#add(keyLo, keyHi);
      if (hash[entry] === keyLo && hash[entry + 1] === keyHi) return index - 1;
      at++;
    }
  }

  /** The ref that a strong pointer word names, or -1; it need not be an object's start. */
  #refOfWord(lo: number, hi: number): number {
    if ((lo & 7) !== 1 || hi >>> 15 !== 0) return -1;
    const slot = slotOfPage(this.#parts, (hi << 14) | (lo >>> 18));
    if (slot < 0) return -1;
    this.#ensureLoaded(slot);
    return slot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3);
  }

  /** Where the collector moved what was at `ref`, or -1. */
  #copyOf(ref: number): number {
    const { words } = this.#parts;
    const copy = forwardingTarget(this.#parts, words[ref * 2]!, words[ref * 2 + 1]!);
    if (copy >= 0) this.#ensureLoaded(Math.floor(copy / SLOT_WORDS));
    return copy;
  }

  #typeAt(ref: number): number {
    const offset = this.#rules.instanceTypeOffset;
    return (this.#parts.words[ref * 2 + (offset >>> 2)]! >>> ((offset & 3) * 8)) & 0xffff;
  }

  /** Whether a map lies at `ref`: its own map is of map type and has a map's size. */
  #isMap(ref: number): boolean {
    const { words } = this.#parts;
    const meta = this.#refOfWord(words[ref * 2]!, words[ref * 2 + 1]!);
    return meta >= 0 && this.#typeAt(meta) === this.#rules.mapType && (words[meta * 2 + 2]! & 0xff) * 8 === this.#rules.mapSize;
  }

  #add(lo: number, hi: number): number {
    const named = this.#refOfWord(lo, hi >>> 0);
    const ref = named < 0 || this.#isMap(named) ? named : this.#copyOf(named);
    if (ref < 0 || (ref !== named && !this.#isMap(ref))) return -1;
    if (this.columns.count * 2 >= this.#mask) this.#growHash();
    const index = this.#append(ref);
    this.#insert(lo, hi, index);
    return index;
  }

  #insert(lo: number, hi: number, index: number): void {
    let at = (Math.imul(lo >>> 3, 0x9e3779b1) >>> 12) ^ hi;
    for (;;) {
      at &= this.#mask;
      if (this.#hash[at * HASH_ENTRY + 2] === 0) break;
      at++;
    }
    this.#hash[at * HASH_ENTRY] = lo;
    this.#hash[at * HASH_ENTRY + 1] = hi;
    this.#hash[at * HASH_ENTRY + 2] = index + 1;
  }

  #growHash(): void {
    const old = this.#hash;
    this.#hash = new Int32Array(old.length * 2);
    this.#mask = this.#hash.length / HASH_ENTRY - 1;
    for (let entry = 0; entry < old.length; entry += HASH_ENTRY) {
      if (old[entry + 2] !== 0) this.#insert(old[entry]!, old[entry + 1]!, old[entry + 2]! - 1);
    }
  }

  #append(ref: number): number {
    let columns = this.columns;
    if (columns.count === columns.ref.length) {
      const grown = newColumns(columns.count * 2);
      for (const key of Object.keys(grown) as (keyof MapColumns)[]) if (key !== 'count') grown[key].set(columns[key]);
      grown.count = columns.count;
      this.columns = columns = grown;
    }
    const index = columns.count++;
    const type = this.#typeAt(ref);
    const fixedBytes = (this.#parts.words[ref * 2 + 2]! & 0xff) * 8;
    const known = type < TYPE_LIMIT;
    columns.ref[index] = ref;
    columns.type[index] = type;
    columns.sizeKind[index] = fixedBytes > 0 ? SizeKind.fixed : known ? this.#types.sizeKind[type]! : SizeKind.unknown;
    columns.sizeParam[index] = fixedBytes > 0 ? fixedBytes : known ? this.#types.sizeParam[type]! : 0;
    columns.bodyKind[index] = known ? this.#types.bodyKind[type]! : BodyKind.all;
    columns.bodyParam[index] = known ? this.#types.bodyParam[type]! : 0;
    columns.sample[index] = -1;
    const bitField3 = this.#parts.words[ref * 2 + (this.#rules.bitField3Offset >>> 2)]!;
    if (type >= this.#rules.firstJsObjectType && ((bitField3 >>> this.#rules.dictionaryMapShift) & 1) === 1) columns.flags[index] = MapFlag.dictionary;
    if (type === this.#rules.freeSpaceType || type === this.#rules.fillerType) columns.flags[index] = MapFlag.free;
    return index;
  }

  /** The used rows of the columns, with the bytes of objects of fixed size worked out. */
  finish(): MapColumns {
    const { count, ...columns } = this.columns;
    const { objects, bytes, sizeKind, sizeParam } = columns;
    for (let i = 0; i < count; i++) if (sizeKind[i] === SizeKind.fixed) bytes[i] = objects[i]! * sizeParam[i]!;
    return {
      count,
      ref: columns.ref.slice(0, count),
      type: columns.type.slice(0, count),
      sizeKind: sizeKind.slice(0, count),
      sizeParam: sizeParam.slice(0, count),
      bodyKind: columns.bodyKind.slice(0, count),
      bodyParam: columns.bodyParam.slice(0, count),
      flags: columns.flags.slice(0, count),
      objects: objects.slice(0, count),
      bytes: bytes.slice(0, count),
      sample: columns.sample.slice(0, count),
    };
  }
}
