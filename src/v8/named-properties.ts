/** The named own properties of an object as V8 stores them, visited in storage order: what names and listings are made of. */
import { type Address } from '../bytes/address.ts';
import {
  type HeapView,
  type MapFacts,
  findMapOf,
  hasType,
  instanceTypeAt,
  isFixedArrayType,
  oddballAt,
  readArrayLength,
  readSmi,
  readTarget,
  readWord,
} from './heap.ts';
import { typeNumber } from './layout.ts';
import { WORD_SIZE, type Word, objectStart, strongTarget } from './tagged.ts';

/** Where a property's value is kept. */
export type PropertyPlace = 'in-object' | 'out-of-object' | 'descriptor' | 'dictionary';

/** One named property as it is stored. */
export interface StoredProperty {
  /** The string or symbol that names it. */
  readonly key: Address;
  /** The value, an AccessorPair, or an AccessorInfo. */
  readonly value: Word;
  /** READ_ONLY 1, DONT_ENUM 2, DONT_DELETE 4 (objects/property-details.h: PropertyAttributes). */
  readonly attributes: number;
  readonly isAccessor: boolean;
  readonly where: PropertyPlace;
  /** The order in which a dictionary's properties were added; the position in the descriptors otherwise. */
  readonly order: number;
}

/** Called for each property; false ends the visit. */
export type PropertyVisitor = (property: StoredProperty) => boolean;

/** Words of a descriptor: key, details, value. */
const DESCRIPTOR_WORDS = 3;

/** PropertyArray keeps the identity hash above its length (objects/property-array.h: LengthField). */
const PROPERTY_ARRAY_LENGTH_MASK = 0x3ff;

/** A hash table holds its counts of elements, deleted elements and buckets before the prefix of its kind (objects/hash-table.h). */
const HASH_TABLE_PREFIX_START = 3;
const DICTIONARY_ENTRY_WORDS = 3;

/** PropertyCell: name, details, value (objects/property-cell.tq). */
const CELL_NAME = 8;
const CELL_DETAILS = 16;
const CELL_VALUE = 24;

function attributesOf(view: HeapView, details: number): number {
  return (details & view.layout.at.propAttributesMask) >>> view.layout.at.propAttributesShift;
}

function orderOf(view: HeapView, details: number): number {
  return (details >>> view.layout.at.dictionaryIndexShift) & 0x7fffff;
}

/** Whether the object at `address` can name a property. */
function isName(view: HeapView, address: Address | undefined): address is Address {
  const type = instanceTypeAt(view, address);
  return type >= 0 && type <= typeNumber(view.layout, 'SYMBOL');
}

function readField(view: HeapView, object: Address, map: MapFacts, index: number): { readonly value: Word; readonly where: PropertyPlace } | undefined {
  const { at } = view.layout;
  const inObject = map.instanceSizeWords - map.inObjectStart;
  if (index < inObject) return { value: readWord(view, object + (map.inObjectStart + index) * WORD_SIZE), where: 'in-object' };
  const array = readTarget(view, object + at.jsReceiverProperties);
  if (array === undefined || !hasType(view, array, 'PROPERTY_ARRAY')) return undefined;
  const length = readSmi(view, array + at.fixedArrayLength);
  if (length === undefined || index - inObject >= (length & PROPERTY_ARRAY_LENGTH_MASK)) return undefined;
  return { value: readWord(view, array + at.fixedArrayData + (index - inObject) * WORD_SIZE), where: 'out-of-object' };
}

function visitDescriptors(view: HeapView, object: Address, map: MapFacts, visit: PropertyVisitor): void {
  const { at } = view.layout;
  const descriptors = readTarget(view, map.address + at.mapDescriptors);
  if (descriptors === undefined || !(hasType(view, descriptors, 'DESCRIPTOR_ARRAY') || hasType(view, descriptors, 'STRONG_DESCRIPTOR_ARRAY'))) return;
  const count = Math.min(map.ownDescriptors, view.memory.readU16(descriptors + at.descriptorArrayCount));
  for (let order = 0; order < count; order++) {
    const entry = descriptors + at.descriptorArrayHeader + order * DESCRIPTOR_WORDS * WORD_SIZE;
    const key = readTarget(view, entry);
    const details = readSmi(view, entry + WORD_SIZE);
    if (details === undefined || !isName(view, key)) continue;
    const isDescriptor = (details & at.propLocationMask) >>> at.propLocationShift === 1;
    const stored = isDescriptor
      ? { value: readWord(view, entry + 2 * WORD_SIZE), where: 'descriptor' as const }
      : readField(view, object, map, (details & at.propIndexMask) >>> at.propIndexShift);
    if (stored === undefined) continue;
    if (!visit({ key, ...stored, attributes: attributesOf(view, details), isAccessor: (details & at.propKindMask) === 1, order })) return;
  }
}

function visitNameDictionary(view: HeapView, dictionary: Address, length: number, visit: PropertyVisitor): void {
  const { at } = view.layout;
  const data = dictionary + at.fixedArrayData;
  for (let i = HASH_TABLE_PREFIX_START + at.nameDictionaryPrefix; i + DICTIONARY_ENTRY_WORDS <= length; i += DICTIONARY_ENTRY_WORDS) {
    const entry = data + i * WORD_SIZE;
    const key = readTarget(view, entry);
    const details = readSmi(view, entry + 2 * WORD_SIZE);
    if (details === undefined || !isName(view, key)) continue;
    const property = { key, value: readWord(view, entry + WORD_SIZE), attributes: attributesOf(view, details), isAccessor: (details & at.propKindMask) === 1 };
    if (!visit({ ...property, where: 'dictionary', order: orderOf(view, details) })) return;
  }
}

function visitGlobalDictionary(view: HeapView, dictionary: Address, length: number, visit: PropertyVisitor): void {
  const { at } = view.layout;
  for (let i = HASH_TABLE_PREFIX_START + at.globalDictionaryPrefix; i < length; i++) {
    const cell = readTarget(view, dictionary + at.fixedArrayData + i * WORD_SIZE);
    if (cell === undefined || !hasType(view, cell, 'PROPERTY_CELL')) continue;
    const key = readTarget(view, cell + CELL_NAME);
    const details = readSmi(view, cell + CELL_DETAILS);
    const value = readWord(view, cell + CELL_VALUE);
    if (details === undefined || !isName(view, key) || oddballAt(view, strongTarget(value.lo, value.hi)) === 'hole') continue;
    const property = { key, value, attributes: attributesOf(view, details), isAccessor: (details & at.propKindMask) === 1 };
    if (!visit({ ...property, where: 'dictionary', order: orderOf(view, details) })) return;
  }
}

/**
 * Visits the named own properties of the JavaScript object at `address`, in storage order (that of a dictionary is arbitrary: see `order`).
 * A property whose key or place cannot be trusted is passed over; a proxy has none.
 * @throws {FaultError} when a part of them is not in the core
 */
export function forEachNamedProperty(view: HeapView, address: Address, visit: PropertyVisitor): void {
  const object = objectStart(address);
  const map = findMapOf(view, object);
  if (map === undefined || map.instanceType === typeNumber(view.layout, 'JS_PROXY')) return;
  if (!map.isDictionary) {
    visitDescriptors(view, object, map, visit);
    return;
  }
  const dictionary = readTarget(view, object + view.layout.at.jsReceiverProperties);
  if (dictionary === undefined || !isFixedArrayType(view.layout, instanceTypeAt(view, dictionary))) return;
  const length = readArrayLength(view, dictionary);
  if (length === undefined) return;
  if (map.instanceType === typeNumber(view.layout, 'JS_GLOBAL_OBJECT')) visitGlobalDictionary(view, dictionary, length, visit);
  else visitNameDictionary(view, dictionary, length, visit);
}
