/**
 * The references of live objects, one object after the other: where each leads, of what kind it is, and the slot it stands in.
 *
 * Three columns take what `read` finds: the node referred to, the `EdgeKind`, and the slot: the word of the heap memory (as a ref) that holds the reference, or the
 * negative of one more than a row of the extra edges. Names are worked out from object and slot, for the few edges that somebody looks at: see edge-labels.ts.
 *
 * As in V8's own snapshots, an object refers to the values of its properties and elements itself, besides referring to the stores that hold them; the values of global
 * variables are referred to by the global object. References to read-only objects are left out: every object has one or more, and nothing is held by them.
 */
import { EdgeKind } from '../graph/heap-graph.ts';
import { type HeapMemoryParts, SLOT_HASH, SLOT_WORDS, slotOfPage } from './heap-memory.ts';
import type { WalkSetup } from './heap-walk.ts';
import { MapTable } from './map-table.ts';
import { variableWords } from './object-size.ts';
import { BodyKind, SizeKind } from './type-table.ts';

/** What the words of an object are, by instance type. */
export const ObjectRule = { internal: 0, receiver: 1, globalObject: 2, context: 3, propertyArray: 4, fixedArray: 5, cell: 6 } as const;

/** Offsets and numbers that reading edges needs besides the tables, as plain data. Offsets in bytes. */
export interface EdgeRules {
  /** `ObjectRule` by instance type. */
  readonly objectRule: Uint8Array;
  readonly propertiesOffset: number;
  readonly elementsOffset: number;
  readonly bitField2Offset: number;
  readonly inObjectStartOffset: number;
  readonly elementsKindShift: number;
  readonly dictionaryElementsKind: number;
  readonly nameDictionaryPrefix: number;
  readonly globalDictionaryPrefix: number;
  readonly numberDictionaryPrefix: number;
  /** Offset of the first slot of a context that holds a variable. */
  readonly contextVariables: number;
  readonly backingStoreOffset: number;
  readonly ephemeronTableType: number;
  readonly mapDescriptorsOffset: number;
  readonly mapPrototypeOffset: number;
  readonly descriptorsHeader: number;
  readonly descriptorsCountOffset: number;
  readonly ownDescriptorsShift: number;
  readonly ownDescriptorsMask: number;
  /** Bit of a property's details that says that its value is an accessor. */
  readonly accessorBit: number;
  readonly accessorPairType: number;
  readonly accessorsOffset: number;
  /** Offset of what a function that can be a constructor has for one: its prototype, or the map of its instances. */
  readonly functionPrototypeOffset: number;
  readonly mapType: number;
}

/** Edges that do not come from a slot of their object: the keys of ephemerons, external strings. Sorted by the ref they come from. */
export interface ExtraEdges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly kind: Uint8Array;
}

/** What readers in all threads share. */
export interface EdgeSetup {
  readonly rules: EdgeRules;
  /** By pair of the bitmaps: the node of the first live object in it. */
  readonly rank: Int32Array;
  /** 1 for slots of read-only pages. */
  readonly isReadOnlySlot: Uint8Array;
  readonly extras: ExtraEdges;
  /** Addresses of backing stores, sorted; the node of the first, the others follow. */
  readonly stores: Float64Array;
  readonly firstStoreNode: number;
}

const HASH_HEADER_WORDS = 3;
const FIXED_ARRAY_DATA = 16;
const PROPERTY_ARRAY_LENGTH_MASK = 0x3ff;
const CELL_DETAILS_WORD = 2;
const CELL_VALUE_WORD = 3;
const DESCRIPTOR_WORDS = 3;
/** The first entry of an ephemeron table and its key, in words. */
const EPHEMERON_FIRST_WORD = 5;

const loaded = (): void => undefined;

/** Bits set in a word. */
export function countBits(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Words of one map in `EdgeReader.#facts`. */
const FACT = { rule: 0, mapNode: 1, inObjectWords: 2, elementsKind: 3, isDictionary: 4, firstAccessor: 5, accessors: 6, words: 7 } as const;

export class EdgeReader {
  readonly maps: MapTable;
  readonly #parts: HeapMemoryParts;
  readonly #walk: WalkSetup;
  readonly #setup: EdgeSetup;
  #facts: Int32Array = new Int32Array(4096 * FACT.words);
  #known = 0;
  /** Slots of descriptor arrays that hold the accessors of a map's instances, by map. */
  readonly #accessorSlots: number[] = [];
  to: Int32Array = new Int32Array(1 << 16);
  kind: Uint8Array = new Uint8Array(1 << 16);
  slot: Int32Array = new Int32Array(1 << 16);
  length = 0;

  constructor(walk: WalkSetup, setup: EdgeSetup) {
    this.#walk = walk;
    this.#parts = walk.parts;
    this.#setup = setup;
    this.maps = new MapTable(walk.parts, walk.types, walk.mapRules, loaded);
  }

  /** The node of the live object at `ref`; meaningless for any other. */
  nodeOf(ref: number): number {
    const pair = ref >>> 5;
    return this.#setup.rank[pair]! + countBits(this.#parts.bits[pair * 2 + 1]! & ~(-1 << (ref & 31)));
  }

  /** Whether a live object starts at `ref`. */
  isLive(ref: number): boolean {
    return ref >= 0 && (this.#parts.bits[(ref >>> 5) * 2 + 1]! & (1 << (ref & 31))) !== 0;
  }

  /** The ref that a strong or weak pointer word names, or -1 for one that leads out of the heap or to a read-only object. */
  refOfWord(w: number): number {
    const { words, slotTable, slotShift } = this.#parts;
    const lo = words[w]!;
    const hi = words[w + 1]!;
    if ((lo & 5) !== 1 || hi >>> 15 !== 0) return -1;
    const page = (hi << 14) | (lo >>> 18);
    const mask = slotTable.length / 2 - 1;
    let entry = Math.imul(page, SLOT_HASH) >>> slotShift;
    let key = slotTable[entry * 2]!;
    while (key !== page && key !== -1) {
      entry = (entry + 1) & mask;
      key = slotTable[entry * 2]!;
    }
    if (key === -1) return -1;
    const slot = slotTable[entry * 2 + 1]!;
    return this.#setup.isReadOnlySlot[slot] === 1 ? -1 : slot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3);
  }

  #learnMaps(): void {
    const { columns } = this.maps;
    if (columns.count * FACT.words > this.#facts.length) {
      const grown = new Int32Array(Math.max(columns.ref.length, columns.count) * FACT.words);
      grown.set(this.#facts);
      this.#facts = grown;
    }
    const { rules } = this.#setup;
    const { bitField3Offset, dictionaryMapShift } = this.#walk.mapRules;
    const bytes = new Uint8Array(this.#parts.words.buffer);
    for (; this.#known < columns.count; this.#known++) {
      const ref = columns.ref[this.#known]!;
      const at = this.#known * FACT.words;
      const isSeen = this.#setup.isReadOnlySlot[Math.floor(ref / SLOT_WORDS)] === 0 && this.isLive(ref);
      this.#facts[at + FACT.rule] = rules.objectRule[columns.type[this.#known]!] ?? 0;
      this.#facts[at + FACT.mapNode] = isSeen ? this.nodeOf(ref) : -1;
      this.#facts[at + FACT.inObjectWords] = bytes[ref * 8 + rules.inObjectStartOffset]!;
      this.#facts[at + FACT.elementsKind] = bytes[ref * 8 + rules.bitField2Offset]! >>> rules.elementsKindShift;
      const bitField3 = this.#parts.words[ref * 2 + (bitField3Offset >>> 2)]!;
      const isDictionary = (bitField3 >>> dictionaryMapShift) & 1;
      this.#facts[at + FACT.isDictionary] = isDictionary;
      this.#facts[at + FACT.firstAccessor] = this.#accessorSlots.length;
      const rule = this.#facts[at + FACT.rule]!;
      if (isDictionary === 0 && (rule === ObjectRule.receiver || rule === ObjectRule.globalObject)) {
        this.#learnAccessors(ref, (bitField3 & rules.ownDescriptorsMask) >>> rules.ownDescriptorsShift);
      }
      this.#facts[at + FACT.accessors] = this.#accessorSlots.length - this.#facts[at + FACT.firstAccessor]!;
    }
  }

  /** Notes which descriptors of the map at `map` are accessors. */
  #learnAccessors(map: number, ownDescriptors: number): void {
    const { rules } = this.#setup;
    const { words } = this.#parts;
    const descriptors = this.refOfWord(map * 2 + rules.mapDescriptorsOffset / 4);
    if (ownDescriptors === 0 || !this.isLive(descriptors)) return;
    const count = Math.min(ownDescriptors, words[descriptors * 2 + rules.descriptorsCountOffset / 4]! & 0xffff);
    for (let i = 0, entry = descriptors + rules.descriptorsHeader / 8; i < count; i++, entry += DESCRIPTOR_WORDS) {
      if (this.#isAccessor((entry + 1) * 2) && this.#accessorPairAt((entry + 2) * 2) >= 0) this.#accessorSlots.push(entry + 2);
    }
  }

  /** Whether the details of a property in the word at element `w` are those of an accessor. */
  #isAccessor(w: number): boolean {
    const { words } = this.#parts;
    return words[w] === 0 && (words[w + 1]! & this.#setup.rules.accessorBit) !== 0;
  }

  /** The ref of the live AccessorPair that the word at element `w` names, or -1. */
  #accessorPairAt(w: number): number {
    const { words } = this.#parts;
    const pair = this.refOfWord(w);
    if (!this.isLive(pair)) return -1;
    const lo = words[pair * 2]!;
    const hi = words[pair * 2 + 1]!;
    const slot = (lo & 7) === 1 && hi >>> 15 === 0 ? slotOfPage(this.#parts, (hi << 14) | (lo >>> 18)) : -1;
    if (slot < 0) return -1;
    const type = words[(slot * SLOT_WORDS + ((lo & 0x3ffff) >>> 3)) * 2 + (this.#walk.mapRules.instanceTypeOffset >>> 2)]!;
    return (type & 0xffff) === this.#setup.rules.accessorPairType ? pair : -1;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.to.length) return;
    const size = Math.max(this.to.length * 2, this.length + count);
    const grow = <T extends Int32Array | Uint8Array>(old: T, made: T): T => {
      made.set(old.subarray(0, this.length));
      return made;
    };
    this.to = grow(this.to, new Int32Array(size));
    this.kind = grow(this.kind, new Uint8Array(size));
    this.slot = grow(this.slot, new Int32Array(size));
  }

  /** Starts the columns of nodes and kinds anew; those there were stay as they are. */
  newBlock(): void {
    this.to = new Int32Array(this.slot.length);
    this.kind = new Uint8Array(this.slot.length);
    this.length = 0;
  }

  /** Row of the map of the object at `ref` in `maps.columns`, or -1 when it has none. */
  mapOf(ref: number): number {
    const { words } = this.#parts;
    const map = this.maps.lookup(words[ref * 2]!, words[ref * 2 + 1]!);
    if (map >= this.#known) this.#learnMaps();
    return map;
  }

  /** Words of the object at `ref` with the map of row `map`. */
  sizeOf(ref: number, map: number): number {
    const { columns } = this.maps;
    const sizeKind = columns.sizeKind[map]!;
    if (sizeKind === SizeKind.fixed) return columns.sizeParam[map]! >>> 3;
    if (sizeKind === SizeKind.unknown) return this.#unsizedWords(ref);
    return variableWords(this.#walk.sizeRules, this.#parts, this.#parts.words, ref * 2, sizeKind, columns.sizeParam[map]!, loaded);
  }

  /** Words up to the next object: the size of an object whose type has no size rule. */
  #unsizedWords(ref: number): number {
    const { bits } = this.#parts;
    const limit = Math.min((Math.floor(ref / SLOT_WORDS) + 1) * SLOT_WORDS, bits.length * 16);
    let next = ref + 1;
    while (next < limit && (bits[(next >>> 5) * 2]! & (1 << (next & 31))) === 0) next++;
    return next - ref;
  }

  /** Appends the references of the live object at `ref`, whose map is row `map` and which has `size` words. */
  read(ref: number, map: number, size: number): void {
    const { columns } = this.maps;
    const facts = this.#facts;
    const at = map * FACT.words;
    this.#reserve(size + 1);
    const mapNode = facts[at + FACT.mapNode]!;
    if (mapNode >= 0) this.#add(mapNode, EdgeKind.Internal, ref);
    const body = columns.bodyKind[map]!;
    if (body === BodyKind.none) return;
    const rule = facts[at + FACT.rule]!;
    const w = ref * 2;
    let end = w + size * 2;
    if (body === BodyKind.header) end = Math.min(end, w + columns.bodyParam[map]! / 4);
    else if (columns.type[map] === this.#setup.rules.ephemeronTableType) {
      this.#readEphemerons(w, end);
      return;
    }
    if (rule === ObjectRule.receiver || rule === ObjectRule.globalObject) {
      const properties = Math.min(end, w + Math.max(2, facts[at + FACT.inObjectWords]! * 2));
      const first = this.length;
      if (body === BodyKind.skipOne || body === BodyKind.skipTwo) {
        const from = w + columns.bodyParam[map]! / 4;
        this.#scan(w + 2, from, EdgeKind.Internal, 2);
        this.#scan(from, from + (body === BodyKind.skipOne ? 2 : 4), EdgeKind.Weak, 2);
        this.#scan(from + (body === BodyKind.skipOne ? 2 : 4), properties, EdgeKind.Internal, 2);
      } else this.#scan(w + 2, properties, EdgeKind.Internal, 2);
      // Without an edge to a store there is none but V8's own empty ones.
      const hasStores = this.length > first;
      if (body === BodyKind.function) this.#readPrototype(w, properties);
      this.#scan(properties, end, EdgeKind.Property, 2);
      if (hasStores) {
        this.#readProperties(w, map, rule);
        this.#readElements(w, facts[at + FACT.elementsKind]!);
      }
      if (facts[at + FACT.accessors]! > 0) this.#readAccessors(facts[at + FACT.firstAccessor]!, facts[at + FACT.accessors]!);
      if (body === BodyKind.arrayBuffer) this.#readStore(w);
      return;
    }
    if (rule === ObjectRule.context) {
      const variables = w + this.#setup.rules.contextVariables / 4;
      const last = body === BodyKind.skipLast ? end - 4 : end;
      this.#scan(w + 2, Math.min(variables, last), EdgeKind.Internal, 2);
      this.#scan(variables, last, EdgeKind.Context, 2);
      this.#scan(last, end, EdgeKind.Weak, 2);
    } else if (body === BodyKind.skipOne || body === BodyKind.skipTwo) {
      const from = w + columns.bodyParam[map]! / 4;
      const to = from + (body === BodyKind.skipOne ? 2 : 4);
      this.#scan(w + 2, from, EdgeKind.Internal, 2);
      this.#scan(from, to, EdgeKind.Weak, 2);
      this.#scan(to, end, EdgeKind.Internal, 2);
    } else this.#scan(w + 2, end, EdgeKind.Internal, 2);
  }

  /** Appends the extra edges of the object at `ref`; `row` is the first that may be its. Returns the first that is another's. */
  readExtras(ref: number, row: number): number {
    const { from, to, kind } = this.#setup.extras;
    for (; row < from.length && from[row] === ref; row++) {
      this.#reserve(1);
      this.#add(to[row]!, kind[row]!, -1 - row);
    }
    return row;
  }

  /** The first row of the extra edges that is not of an object below `ref`. */
  firstExtra(ref: number): number {
    const { from } = this.#setup.extras;
    let low = 0;
    let high = from.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (from[middle]! < ref) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #add(to: number, kind: number, slot: number): void {
    this.to[this.length] = to;
    this.kind[this.length] = kind;
    this.slot[this.length++] = slot;
  }

  /** Appends the references in the words from element `i` of the heap memory up to `end`, every `step` elements. Room for them must be there. */
  #scan(i: number, end: number, kind: number, step: number): void {
    const { words, bits, slotTable, slotShift } = this.#parts;
    const { rank, isReadOnlySlot } = this.#setup;
    const { to, kind: kinds, slot: slots } = this;
    const mask = slotTable.length / 2 - 1;
    let n = this.length;
    let lastPage = -1;
    let lastSlot = -1;
    for (; i < end; i += step) {
      const lo = words[i]!;
      // Tagged strong (01) or weak (11), at a multiple of eight bytes.
      if ((lo & 5) !== 1) continue;
      const hi = words[i + 1]!;
      if (hi >>> 15 !== 0) continue;
      const page = (hi << 14) | (lo >>> 18);
      if (page !== lastPage) {
        let entry = Math.imul(page, SLOT_HASH) >>> slotShift;
        let key = slotTable[entry * 2]!;
        while (key !== page && key !== -1) {
          entry = (entry + 1) & mask;
          key = slotTable[entry * 2]!;
        }
        lastPage = page;
        lastSlot = key === -1 ? -1 : slotTable[entry * 2 + 1]!;
        if (lastSlot >= 0 && isReadOnlySlot[lastSlot] === 1) lastSlot = -1;
      }
      if (lastSlot < 0) continue;
      const target = (lastSlot << 15) | ((lo & 0x3ffff) >>> 3);
      const pair = target >>> 5;
      const mark = bits[pair * 2 + 1]!;
      const bit = target & 31;
      if ((mark & (1 << bit)) === 0) continue;
      to[n] = rank[pair]! + countBits(mark & ~(-1 << bit));
      kinds[n] = (lo & 2) === 0 ? kind : EdgeKind.Weak;
      slots[n] = i >>> 1;
      n++;
    }
    this.length = n;
  }

  /** The live store that the word at element `w` names and its map's row; `#storeMap` is -1 when there is none. */
  #storeMap = -1;
  #findStore(w: number): number {
    const store = this.refOfWord(w);
    this.#storeMap = store >= 0 && this.isLive(store) ? this.mapOf(store) : -1;
    return store;
  }

  /** Values of properties that are kept outside of the object. */
  #readProperties(w: number, map: number, rule: number): void {
    const { rules } = this.#setup;
    const { words } = this.#parts;
    const store = this.#findStore(w + rules.propertiesOffset / 4);
    if (this.#storeMap < 0) return;
    const length = words[store * 2 + 3]! | 0;
    const data = store * 2 + FIXED_ARRAY_DATA / 4;
    const end = store * 2 + this.sizeOf(store, this.#storeMap) * 2;
    const storeRule = this.#facts[this.#storeMap * FACT.words + FACT.rule]!;
    if (storeRule === ObjectRule.propertyArray) {
      const count = length & PROPERTY_ARRAY_LENGTH_MASK;
      this.#reserve(count);
      this.#scan(data, Math.min(end, data + count * 2), EdgeKind.Property, 2);
    } else if (storeRule === ObjectRule.fixedArray && this.#facts[map * FACT.words + FACT.isDictionary] === 1) {
      this.#reserve(length > 0 ? length : 0);
      if (rule === ObjectRule.globalObject) this.#readCells(data + (HASH_HEADER_WORDS + rules.globalDictionaryPrefix) * 2, end);
      else {
        const values = data + (HASH_HEADER_WORDS + rules.nameDictionaryPrefix + 1) * 2;
        this.#scan(values, end, EdgeKind.Property, 6);
        for (let i = values; i + 3 < end; i += 6) if (this.#isAccessor(i + 2)) this.#readPair(i);
      }
    }
  }

  /** Accessors of the object's own, from the descriptors of its map. */
  #readAccessors(first: number, count: number): void {
    this.#reserve(count * 3);
    for (let i = first; i < first + count; i++) {
      const slot = this.#accessorSlots[i]!;
      this.#scan(slot * 2, slot * 2 + 2, EdgeKind.Property, 2);
      this.#readPair(slot * 2);
    }
  }

  /** Getter and setter of the AccessorPair that the word at element `w` names, if it names one. */
  #readPair(w: number): void {
    const pair = this.#accessorPairAt(w);
    if (pair < 0) return;
    this.#reserve(2);
    const getter = pair * 2 + this.#setup.rules.accessorsOffset / 4;
    this.#scan(getter, getter + 4, EdgeKind.Property, 2);
  }

  /** A constructor's prototype, which stands in the function itself until there are instances, and then in their map. */
  #readPrototype(w: number, end: number): void {
    const { rules } = this.#setup;
    const at = w + rules.functionPrototypeOffset / 4;
    if (at + 2 > end) return;
    const found = this.refOfWord(at);
    if (!this.isLive(found)) return;
    const map = this.mapOf(found);
    if (map >= 0 && this.maps.columns.type[map] === rules.mapType) {
      const prototype = found * 2 + rules.mapPrototypeOffset / 4;
      this.#reserve(1);
      this.#scan(prototype, prototype + 2, EdgeKind.Property, 2);
    } else if (this.length > 0 && this.slot[this.length - 1] === at >>> 1) this.kind[this.length - 1] = EdgeKind.Property;
  }

  /** The values of global variables, each in a cell. */
  #readCells(i: number, end: number): void {
    for (; i < end; i += 2) {
      const cell = this.refOfWord(i);
      if (cell < 0 || !this.isLive(cell)) continue;
      const map = this.mapOf(cell);
      if (map < 0 || this.#facts[map * FACT.words + FACT.rule] !== ObjectRule.cell) continue;
      const value = (cell + CELL_VALUE_WORD) * 2;
      this.#scan(value, value + 2, EdgeKind.Property, 2);
      if (this.#isAccessor((cell + CELL_DETAILS_WORD) * 2)) this.#readPair(value);
    }
  }

  #readElements(w: number, elementsKind: number): void {
    const { rules } = this.#setup;
    const store = this.#findStore(w + rules.elementsOffset / 4);
    if (this.#storeMap < 0 || this.#facts[this.#storeMap * FACT.words + FACT.rule] !== ObjectRule.fixedArray) return;
    const data = store * 2 + FIXED_ARRAY_DATA / 4;
    const end = store * 2 + this.sizeOf(store, this.#storeMap) * 2;
    this.#reserve(end - data);
    if (elementsKind === rules.dictionaryElementsKind) this.#scan(data + (HASH_HEADER_WORDS + rules.numberDictionaryPrefix + 1) * 2, end, EdgeKind.Element, 6);
    else if (elementsKind < rules.dictionaryElementsKind) this.#scan(data, end, EdgeKind.Element, 2);
  }

  /** The bytes outside of the heap that an ArrayBuffer owns. */
  #readStore(w: number): void {
    const { stores, firstStoreNode, rules } = this.#setup;
    const { words } = this.#parts;
    const at = w + rules.backingStoreOffset / 4;
    const address = words[at + 1]! * 0x1_0000_0000 + words[at]!;
    let low = 0;
    let high = stores.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (stores[middle]! < address) low = middle + 1;
      else high = middle;
    }
    if (low >= stores.length || stores[low] !== address) return;
    this.#reserve(1);
    this.#add(firstStoreNode + low, EdgeKind.Internal, at >>> 1);
  }

  /** An ephemeron table refers to its keys weakly; its values are held by it as long as their keys are held. */
  #readEphemerons(w: number, end: number): void {
    const from = w + EPHEMERON_FIRST_WORD * 2;
    this.#scan(from, end, EdgeKind.Weak, 4);
    this.#scan(from + 2, end, EdgeKind.EphemeronTable, 4);
  }
}
