/** Groups the instances of a heap by constructor and ordered property names (shapes), from the counts by map and from objects in dictionary mode. */
import type { Address } from '../bytes/address.ts';
import { type Origin, PROPERTY_NAMES_CAP, type ShapeKind, type ShapeRow } from '../graph/census.ts';
import { type HeapView, findMap, hasType, instanceTypeAt, isFixedArrayType, isStringAt, readArrayLength, readTarget, tryRead } from './heap.ts';
import { type HeapMemoryParts, addressOfRef } from './heap-memory.ts';
import { isContextType, isJsFunctionType, isJsReceiverType, isStringType, typeNumber } from './layout.ts';
import { MapFlag } from './map-table.ts';
import { MIN_LISTED_ENTRIES } from './mark.ts';
import { ConstructorNames } from './names.ts';
import { type MapRow, type WalkedHeap, isReachable } from './read-heap.ts';
import { snapshotGroupOf } from './snapshot-names.ts';
import { tryReadString } from './strings.ts';

const KEY_LENGTH = 200;
/** Names remembered at a time; property names repeat over maps. */
const NAME_CACHE_LIMIT = 1 << 18;
const WORD = 8;
const DESCRIPTOR_BYTES = 24;
const DICTIONARY_ENTRY_WORDS = 3;
const HASH_TABLE_HEADER_WORDS = 3;
/** Dictionary objects with more own properties than this get a shape of their own by number of properties alone. */
const MAX_SORTED_KEYS = 1 << 20;

/** What names a group, apart from its property names. */
interface GroupName {
  readonly constructorName: string;
  readonly kind: ShapeKind;
  readonly origin: Origin;
}

interface Group extends GroupName {
  readonly properties: readonly string[];
  readonly propertyCount: number;
  instances: number;
  unreachable: number;
  shallowBytes: number;
  representative: Address;
  hasLiveRepresentative: boolean;
}

/** A dictionary-mode object with many properties, for the list of large containers. */
export interface LargeDictionary {
  readonly ref: number;
  readonly propertyCount: number;
}

/** The row of a shape in the census's table, with its class name. */
export interface NamedShape {
  readonly row: number;
  readonly constructorName: string;
}

export class ShapeGroups {
  readonly #heap: WalkedHeap;
  readonly #view: HeapView;
  readonly #parts: HeapMemoryParts;
  readonly names: ConstructorNames;
  readonly #keys = new Map<Address, string>();
  readonly #groups = new Map<string, Group>();
  /** The group of each map that is not in dictionary mode. */
  readonly #groupOfMap = new Map<number, Group>();
  /** Objects in dictionary mode, with their groups. */
  readonly #dictionaries: { readonly ref: number; readonly group: Group; readonly bytes: number }[] = [];
  readonly largeDictionaries: LargeDictionary[] = [];
  /** Rows of the groups in the table that `rows` made last. */
  #rowOf = new Map<Group, number>();

  constructor(heap: WalkedHeap) {
    this.#heap = heap;
    this.#view = heap.view;
    this.#parts = heap.plan.parts;
    this.names = new ConstructorNames(heap.view);
  }

  /** Finds the group of every map that has instances, and of every object in dictionary mode. Needs the walk only. */
  nameMaps(): void {
    for (const row of this.#heap.maps.values()) {
      if (row.objects === 0 || row.sample < 0 || (row.flags & MapFlag.dictionary) !== 0) continue;
      const map = addressOfRef(this.#parts, row.ref);
      const name = this.#nameOf(row.type, map, addressOfRef(this.#parts, row.sample));
      const keys = name.kind === 'internal' || name.kind === 'string' || name.kind === 'number' || name.kind === 'context' ? [] : this.#keysOfMap(map, row);
      this.#groupOfMap.set(
        row.ref,
        this.#group(
          name,
          keys.slice(0, PROPERTY_NAMES_CAP).map((key) => this.#key(key)),
          keys.length,
        ),
      );
    }
    this.#nameDictionaries();
  }

  /** Adds up instances by group. Needs the marks. */
  count(): void {
    for (const row of this.#heap.maps.values()) {
      const group = this.#groupOfMap.get(row.ref);
      if (group === undefined) continue;
      group.instances += row.liveObjects;
      group.unreachable += row.objects - row.liveObjects;
      group.shallowBytes += row.liveBytes;
      this.#represent(group, addressOfRef(this.#parts, row.sample), row.liveObjects > 0);
    }
    this.#countDictionaries();
  }

  #represent(group: Group, address: Address, isLive: boolean): void {
    // The lowest address, a live one if there is any: the same one in every run.
    const isBetter = isLive === group.hasLiveRepresentative ? address + 1 < group.representative : isLive;
    if (group.representative !== 0 && !isBetter) return;
    group.representative = address + 1;
    group.hasLiveRepresentative = isLive;
  }

  #group(name: GroupName, properties: readonly string[], propertyCount: number): Group {
    const key = `${name.kind}\u0000${name.constructorName}\u0000${name.origin}\u0000${propertyCount}\u0000${properties.join('\u0000')}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { ...name, properties, propertyCount, instances: 0, unreachable: 0, shallowBytes: 0, representative: 0, hasLiveRepresentative: false };
      this.#groups.set(key, group);
    }
    return group;
  }

  #nameOf(type: number, map: Address, sample: Address): GroupName {
    const { layout } = this.#view;
    if (!isJsReceiverType(layout, type)) {
      const kind: ShapeKind = isStringType(layout, type)
        ? 'string'
        : type === typeNumber(layout, 'HEAP_NUMBER') || type === typeNumber(layout, 'BIG_INT_BASE')
          ? 'number'
          : isContextType(layout, type)
            ? 'context'
            : 'internal';
      return { constructorName: snapshotGroupOf(this.#view, type), kind, origin: 'internal' };
    }
    if (isJsFunctionType(layout, type)) return { constructorName: '(closure)', kind: 'function', origin: 'language' };
    if (type === typeNumber(layout, 'JS_BOUND_FUNCTION') || type === typeNumber(layout, 'JS_REG_EXP')) {
      return {
        constructorName: snapshotGroupOf(this.#view, type),
        kind: type === typeNumber(layout, 'JS_REG_EXP') ? 'object' : 'function',
        origin: 'language',
      };
    }
    const constructorName = this.names.nameOfMap(map, sample);
    const origin = this.names.originOfMap(map, sample);
    // Literals are the application's, as far as a heap can tell; Node's own are few.
    return { constructorName, kind: this.#kindOf(type), origin: origin === 'language' && constructorName === 'Object' ? 'application' : origin };
  }

  #kindOf(type: number): ShapeKind {
    const { layout } = this.#view;
    switch (type) {
      case typeNumber(layout, 'JS_ARRAY'):
        return 'array';
      case typeNumber(layout, 'JS_MAP'):
        return 'map';
      case typeNumber(layout, 'JS_SET'):
        return 'set';
      case typeNumber(layout, 'JSD_ARRAY_TYPE'):
      case typeNumber(layout, 'JS_TYPED_ARRAY'):
      case typeNumber(layout, 'JS_ARRAY_BUFFER'):
      case typeNumber(layout, 'JS_DATA_VIEW'):
        return 'buffer';
      default:
        return 'object';
    }
  }

  /** Addresses of the names of a map's own properties, in order of insertion. */
  #keysOfMap(address: Address, row: MapRow): Address[] {
    if (isJsFunctionType(this.#view.layout, row.type)) return [];
    const { at } = this.#view.layout;
    const found = tryRead(() => {
      const map = findMap(this.#view, address);
      const descriptors = readTarget(this.#view, address + at.mapDescriptors);
      if (
        map === undefined ||
        descriptors === undefined ||
        !(hasType(this.#view, descriptors, 'DESCRIPTOR_ARRAY') || hasType(this.#view, descriptors, 'STRONG_DESCRIPTOR_ARRAY'))
      )
        return [];
      const count = Math.min(map.ownDescriptors, this.#view.memory.readU16(descriptors + at.descriptorArrayCount));
      const keys: Address[] = [];
      for (let i = 0; i < count; i++) {
        const key = readTarget(this.#view, descriptors + at.descriptorArrayHeader + i * DESCRIPTOR_BYTES);
        if (key !== undefined) keys.push(key);
      }
      return keys;
    });
    return found ?? [];
  }

  /** The text of a property name: a string as it is, a symbol as `Symbol(description)`, a private name as `#name`. */
  #key(address: Address): string {
    const known = this.#keys.get(address);
    if (known !== undefined) return known;
    if (this.#keys.size >= NAME_CACHE_LIMIT) this.#keys.clear();
    const text = this.#readKey(address);
    this.#keys.set(address, text);
    return text;
  }

  #readKey(address: Address): string {
    const { layout } = this.#view;
    if (instanceTypeAt(this.#view, address) !== typeNumber(layout, 'SYMBOL')) return tryReadString(this.#view, address, KEY_LENGTH)?.text ?? '<unreadable>';
    const description = tryRead(() => readTarget(this.#view, address + layout.at.symbolName));
    const text = isStringAt(this.#view, description) ? (tryReadString(this.#view, description, KEY_LENGTH)?.text ?? '') : '';
    return text.startsWith('#') ? text : `Symbol(${text})`;
  }

  /** Objects in dictionary mode: each has property names of its own. */
  #nameDictionaries(): void {
    const groupOfKeys = new Map<string, Group>();
    for (const ref of Int32Array.from(this.#heap.walks.flatMap(({ walk }) => [...walk.dictionaryObjects])).sort()) {
      const address = addressOfRef(this.#parts, ref);
      const map = tryRead(() => readTarget(this.#view, address));
      if (map === undefined) continue;
      const facts = findMap(this.#view, map);
      if (facts === undefined) continue;
      // Objects of one dictionary map may differ in name: a toStringTag of their own is among their properties.
      const name = this.#nameOf(facts.instanceType, map, address);
      const keys = this.#keysOfDictionary(address);
      const sorted = keys.sort((a, b) => a.order - b.order);
      const signature = `${name.kind} ${name.constructorName} ${name.origin} ${sorted.length} ${sorted
        .slice(0, PROPERTY_NAMES_CAP)
        .map((key) => key.key)
        .join(' ')}`;
      let group = groupOfKeys.get(signature);
      if (group === undefined) {
        group = this.#group(
          name,
          sorted.slice(0, PROPERTY_NAMES_CAP).map((key) => this.#key(key.key)),
          sorted.length,
        );
        groupOfKeys.set(signature, group);
      }
      this.#dictionaries.push({ ref, group, bytes: facts.instanceSizeWords * WORD });
    }
  }

  #countDictionaries(): void {
    for (const { ref, group, bytes } of this.#dictionaries) {
      const isLive = isReachable(this.#parts, ref);
      if (isLive) {
        group.instances++;
        group.shallowBytes += bytes;
        if (group.propertyCount >= MIN_LISTED_ENTRIES) this.largeDictionaries.push({ ref, propertyCount: group.propertyCount });
      } else group.unreachable++;
      this.#represent(group, addressOfRef(this.#parts, ref), isLive);
    }
  }

  #keysOfDictionary(address: Address): { key: Address; order: number }[] {
    const { layout, memory } = this.#view;
    const { at } = layout;
    const found = tryRead(() => {
      const dictionary = readTarget(this.#view, address + at.jsReceiverProperties);
      if (dictionary === undefined || !isFixedArrayType(layout, instanceTypeAt(this.#view, dictionary))) return [];
      const length = readArrayLength(this.#view, dictionary) ?? 0;
      const keys: { key: Address; order: number }[] = [];
      for (
        let i = HASH_TABLE_HEADER_WORDS + at.nameDictionaryPrefix;
        i + DICTIONARY_ENTRY_WORDS <= length && keys.length < MAX_SORTED_KEYS;
        i += DICTIONARY_ENTRY_WORDS
      ) {
        const entry = dictionary + at.fixedArrayData + i * WORD;
        const key = readTarget(this.#view, entry);
        // Empty entries hold undefined, deleted ones the hole, whose details are 0 like nobody else's.
        const details = memory.readU32(entry + 2 * WORD) === 0 ? memory.readU32(entry + 2 * WORD + 4) : 0;
        if (key === undefined || details === 0) continue;
        keys.push({ key, order: details >>> at.dictionaryIndexShift });
      }
      return keys;
    });
    return found ?? [];
  }

  /** The row of a map's instances in `rows`, and their class name; undefined for a map without a group of its own. */
  shapeOfMap(ref: number): NamedShape | undefined {
    return this.#shapeOf(this.#groupOfMap.get(ref));
  }

  /** Calls back with every object in dictionary mode: each has a shape of its own, whatever its map. */
  forEachDictionary(visit: (ref: number, shape: NamedShape) => void): void {
    for (const { ref, group } of this.#dictionaries) {
      const shape = this.#shapeOf(group);
      if (shape !== undefined) visit(ref, shape);
    }
  }

  #shapeOf(group: Group | undefined): NamedShape | undefined {
    const row = group === undefined ? undefined : this.#rowOf.get(group);
    return group === undefined || row === undefined ? undefined : { row, constructorName: group.constructorName };
  }

  /** All groups with instances, largest first by bytes. */
  rows(): ShapeRow[] {
    const groups = [...this.#groups.values()]
      .filter((group) => group.instances + group.unreachable > 0)
      .sort((a, b) => b.shallowBytes - a.shallowBytes || b.instances - a.instances || a.representative - b.representative);
    this.#rowOf = new Map(groups.map((group, row) => [group, row]));
    return groups
      .map((group, index) => ({
        id: `s${index + 1}`,
        constructorName: group.constructorName,
        properties: group.properties,
        propertyCount: group.propertyCount,
        kind: group.kind,
        origin: group.origin,
        instances: group.instances,
        unreachable: group.unreachable,
        shallowBytes: group.shallowBytes,
        retainedBytes: undefined,
        representative: group.representative,
      }));
  }
}
