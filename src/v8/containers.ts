/** Large containers: arrays, Maps, Sets and objects with very many entries, with what most of their values are. */
import type { Address } from '../bytes/address.ts';
import type { CollectionRow, Origin } from '../graph/census.ts';
import { type HeapView, type MapFacts, findMapOf, instanceTypeAt, readArrayLength, readSmi, readTarget, tryRead } from './heap.ts';
import { isJsFunctionType, isJsReceiverType, typeNumber } from './layout.ts';
import { MIN_LISTED_ENTRIES } from './mark.ts';
import type { ConstructorNames } from './names.ts';
import { snapshotGroupOf } from './snapshot-names.ts';

/** Containers listed at most, and entries of each that are looked at. */
const MAX_ROWS = 500;
const SAMPLE = 64;
const WORD = 8;

/** Elements kinds (objects/elements-kind.h), in order from 0: packed Smi, holey Smi, packed, holey, packed double, holey double. */
const PACKED_DOUBLE = 4;
const HOLEY_DOUBLE = 5;
const LAST_PLAIN_KIND = 11;

interface Found {
  readonly kind: CollectionRow['kind'];
  readonly entries: number;
  readonly removed?: number;
  readonly bytes: number;
  readonly map: MapFacts;
  /** Addresses of the words of a sample of values; empty when the values are plain numbers. */
  readonly samples: readonly Address[];
  readonly isNumbers: boolean;
}

/** Evenly spread indexes below `count`. */
function spread(count: number): number[] {
  const step = Math.max(1, Math.floor(count / SAMPLE));
  const indexes: number[] = [];
  for (let i = 0; i < count && indexes.length < SAMPLE; i += step) indexes.push(i);
  return indexes;
}

export class Containers {
  readonly #view: HeapView;
  readonly #names: ConstructorNames;

  constructor(view: HeapView, names: ConstructorNames) {
    this.#view = view;
    this.#names = names;
  }

  /** Rows for the containers at these addresses, most entries first. */
  rows(addresses: readonly Address[]): CollectionRow[] {
    const found: (Found & { address: Address })[] = [];
    for (const address of addresses) {
      const container = tryRead(() => this.#read(address));
      if (container !== undefined && container.entries >= MIN_LISTED_ENTRIES) found.push({ ...container, address });
    }
    found.sort((a, b) => b.entries - a.entries || a.address - b.address);
    return found.slice(0, MAX_ROWS).map((container) => this.#row(container));
  }

  #row(container: Found & { address: Address }): CollectionRow {
    const values = this.#values(container);
    return {
      address: container.address + 1,
      kind: container.kind,
      constructorName: this.#names.nameOfMap(container.map.address, container.address),
      entries: container.entries,
      removed: container.removed,
      bytes: container.bytes,
      valueName: values?.name,
      valueShare: values?.share,
      origin: values?.origin ?? this.#names.originOfMap(container.map.address, container.address),
    };
  }

  #read(address: Address): Found | undefined {
    const map = findMapOf(this.#view, address);
    if (map === undefined) return undefined;
    const { layout } = this.#view;
    const { at } = layout;
    if (map.instanceType === typeNumber(layout, 'JS_MAP') || map.instanceType === typeNumber(layout, 'JS_SET')) {
      const isMap = map.instanceType === typeNumber(layout, 'JS_MAP');
      return this.#readOrderedTable(readTarget(this.#view, address + at.jsCollectionTable), map, isMap);
    }
    const elements = this.#readElements(address, map);
    const named = map.isDictionary ? this.#readNameDictionary(address, map) : undefined;
    if (elements === undefined || (named !== undefined && named.entries > elements.entries)) return named;
    return elements;
  }

  /** OrderedHashMap and OrderedHashSet: [elements, deleted, buckets, bucket..., (key, value, chain)...] (objects/ordered-hash-table.h). */
  #readOrderedTable(table: Address | undefined, map: MapFacts, isMap: boolean): Found | undefined {
    if (table === undefined) return undefined;
    const data = table + this.#view.layout.at.fixedArrayData;
    const [entries, deleted, buckets] = [0, 1, 2].map((i) => readSmi(this.#view, data + i * WORD));
    const length = readArrayLength(this.#view, table);
    if (entries === undefined || deleted === undefined || buckets === undefined || length === undefined) return undefined;
    const width = isMap ? 3 : 2;
    const first = data + (3 + buckets) * WORD + (isMap ? WORD : 0);
    const used = Math.min(entries + deleted, Math.floor((length - 3 - buckets) / width));
    return { kind: isMap ? 'map' : 'set', entries, removed: deleted, bytes: map.instanceSizeWords * WORD + 16 + length * WORD, map, samples: spread(Math.max(0, used)).map((i) => first + i * width * WORD), isNumbers: false };
  }

  #readElements(address: Address, map: MapFacts): Found | undefined {
    const { layout } = this.#view;
    const { at } = layout;
    const elements = readTarget(this.#view, address + at.jsObjectElements);
    const capacity = elements === undefined ? undefined : readArrayLength(this.#view, elements);
    if (elements === undefined || capacity === undefined) return undefined;
    const isArray = map.instanceType === typeNumber(layout, 'JS_ARRAY');
    const own = map.instanceSizeWords * WORD;
    const base = { kind: isArray ? ('array' as const) : ('object' as const), bytes: own + 16 + capacity * WORD, map, samples: [], isNumbers: false };
    if (map.elementsKind > LAST_PLAIN_KIND) return this.#readNumberDictionary(elements, capacity, base);
    const length = isArray ? (readSmi(this.#view, address + at.jsArrayLength) ?? 0) : capacity;
    const used = Math.min(length, capacity);
    if (map.elementsKind === PACKED_DOUBLE || map.elementsKind === HOLEY_DOUBLE) return { ...base, entries: used, isNumbers: true };
    const words = spread(used).map((i) => elements + at.fixedArrayData + i * WORD);
    return { ...base, entries: isArray ? used : this.#countFilled(elements + at.fixedArrayData, used), samples: words };
  }

  /** Words that are not the hole, exactly. */
  #countFilled(start: Address, count: number): number {
    let filled = 0;
    for (let i = 0; i < count; i++) {
      const value = readTarget(this.#view, start + i * WORD);
      if (value === undefined || !this.#isOddball(value)) filled++;
    }
    return filled;
  }

  #isOddball(address: Address): boolean {
    const type = instanceTypeAt(this.#view, address);
    return type === typeNumber(this.#view.layout, 'ODDBALL') || type === typeNumber(this.#view.layout, 'HOLE');
  }

  #readNumberDictionary(dictionary: Address, length: number, base: Omit<Found, 'entries'>): Found | undefined {
    const { at } = this.#view.layout;
    const entries = readSmi(this.#view, dictionary + at.fixedArrayData);
    if (entries === undefined) return undefined;
    return { ...base, entries, samples: this.#dictionaryValues(dictionary, length, at.numberDictionaryPrefix) };
  }

  #readNameDictionary(address: Address, map: MapFacts): Found | undefined {
    const { at } = this.#view.layout;
    const dictionary = readTarget(this.#view, address + at.jsReceiverProperties);
    const length = dictionary === undefined ? undefined : readArrayLength(this.#view, dictionary);
    const entries = dictionary === undefined ? undefined : readSmi(this.#view, dictionary + at.fixedArrayData);
    if (dictionary === undefined || length === undefined || entries === undefined) return undefined;
    return { kind: 'object', entries, bytes: map.instanceSizeWords * WORD + 16 + length * WORD, map, samples: this.#dictionaryValues(dictionary, length, at.nameDictionaryPrefix), isNumbers: false };
  }

  /** Values of a hash table of (key, value, details) entries. */
  #dictionaryValues(dictionary: Address, length: number, prefix: number): Address[] {
    const first = 3 + prefix;
    const capacity = Math.max(0, Math.floor((length - first) / 3));
    return spread(capacity).map((i) => dictionary + this.#view.layout.at.fixedArrayData + (first + i * 3 + 1) * WORD);
  }

  /** The class that most of the sampled values have. */
  #values(container: Found): { name: string; share: number; origin: Origin } | undefined {
    if (container.isNumbers) return { name: '(number)', share: 1, origin: 'language' };
    const counts = new Map<string, { count: number; origin: Origin }>();
    let sampled = 0;
    for (const word of container.samples) {
      const value = tryRead(() => this.#valueName(word));
      if (value === undefined) continue;
      sampled++;
      const row = counts.get(value.name);
      if (row === undefined) counts.set(value.name, { count: 1, origin: value.origin });
      else row.count++;
    }
    let best: { name: string; share: number; origin: Origin } | undefined;
    for (const [name, { count, origin }] of counts) if (best === undefined || count / sampled > best.share) best = { name, share: count / sampled, origin };
    return best;
  }

  #valueName(word: Address): { name: string; origin: Origin } | undefined {
    if (readSmi(this.#view, word) !== undefined) return { name: '(number)', origin: 'language' };
    const value = readTarget(this.#view, word);
    const map = value === undefined ? undefined : findMapOf(this.#view, value);
    if (value === undefined || map === undefined || this.#isOddball(value)) return undefined;
    const { layout } = this.#view;
    if (!isJsReceiverType(layout, map.instanceType)) return { name: snapshotGroupOf(this.#view, map.instanceType), origin: 'language' };
    if (isJsFunctionType(layout, map.instanceType)) return { name: '(closure)', origin: 'language' };
    const name = this.#names.nameOfMap(map.address, value);
    const origin = this.#names.originOfMap(map.address, value);
    return { name, origin: origin === 'language' && name === 'Object' ? 'application' : origin };
  }
}
