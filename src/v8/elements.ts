/** The elements of objects: what is kept under integer indices, in each of V8's ways of keeping it (objects/elements-kind.h). */
import { type Address } from '../bytes/address.ts';
import {
  type HeapView,
  type MapFacts,
  findMapOf,
  hasType,
  instanceTypeAt,
  isFixedArrayType,
  isStringAt,
  oddballAt,
  readArrayLength,
  readSmi,
  readTarget,
  readWord,
  tryRead,
} from './heap.ts';
import { typeNumber } from './layout.ts';
import { readString } from './strings.ts';
import { WORD_SIZE, type Word, objectStart, smiValue, strongTarget } from './tagged.ts';

/** The value of a property or element: a tagged word, a number that is stored as such, a pair of functions, or something V8 computes. */
export type PropertyValue =
  | { readonly kind: 'word'; readonly word: Word }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'accessor'; readonly getter: Word; readonly setter: Word }
  /** An undefined that stands among doubles as a pattern of bits. */
  | { readonly kind: 'undefined' }
  | { readonly kind: 'native' };

/** How the elements of an object are kept. */
type ElementsStorage = 'packed' | 'holey' | 'packed-double' | 'holey-double' | 'dictionary' | 'sloppy-arguments' | 'string-wrapper' | 'typed' | 'none';

/** Called for each element; false ends the visit. */
export type ElementVisitor = (index: number, value: PropertyValue, attributes: number) => boolean;

const PACKED_DOUBLE = 4;
const HOLEY_DOUBLE = 5;

/** The NaN that stands for a hole among doubles (common/globals.h: kHoleNanUpper32, kHoleNanLower32). */
const HOLE_NAN = 0xfff7ffff;

/** The NaN that stands for undefined among doubles since 14.x (common/globals.h: kUndefinedNanUpper32). */
const UNDEFINED_NAN_HIGH = 0xfff6ffff;
const UNDEFINED_NAN_LOW = 0xfff6ffff;

/** SloppyArgumentsElements: length, context, arguments, then one entry a parameter (objects/arguments.tq). */
const SLOPPY_CONTEXT = 16;
const SLOPPY_ARGUMENTS = 24;
const SLOPPY_ENTRIES = 32;

/** NumberDictionary: entries of key, value and details behind the hash table's three counts and its prefix. */
const HASH_TABLE_PREFIX_START = 3;
const ENTRY_WORDS = 3;

/** Entries of a dictionary that are put in order; more are visited in table order. */
const MAX_SORTED = 1 << 21;

/** AccessorPair: getter, then setter. */
const SETTER_AFTER_GETTER = 8;

/** How the elements of objects of a map are kept. */
function elementsStorageOf(view: HeapView, map: MapFacts): ElementsStorage {
  const kind = map.elementsKind;
  const dictionary = view.layout.at.elementsKindDictionary;
  if (kind === PACKED_DOUBLE) return 'packed-double';
  if (kind === HOLEY_DOUBLE) return 'holey-double';
  // The fast kinds alternate between packed and holey; the one of shared arrays stands right before dictionaries.
  if (kind < dictionary) return kind % 2 === 0 ? 'packed' : 'holey';
  switch (kind - dictionary) {
    case 0:
      return 'dictionary';
    case 1:
    case 2:
      return 'sloppy-arguments';
    case 3:
    case 4:
      return 'string-wrapper';
    default:
      return map.instanceType === typeNumber(view.layout, 'JS_TYPED_ARRAY') ? 'typed' : 'none';
  }
}

/** The number that a Smi or a HeapNumber holds; undefined for anything else. */
export function numberOfWord(view: HeapView, word: Word): number | undefined {
  const smi = smiValue(word);
  if (smi !== undefined) return smi;
  const target = strongTarget(word.lo, word.hi);
  if (!hasType(view, target, 'HEAP_NUMBER') || target === undefined) return undefined;
  return tryRead(() => view.memory.readF64(target + view.layout.at.heapNumberValue));
}

/** The length of the array at `address`; undefined when there is none, or its length is no length. */
export function arrayLength(view: HeapView, address: Address): number | undefined {
  if (!hasType(view, address, 'JS_ARRAY')) return undefined;
  const word = tryRead(() => readWord(view, objectStart(address) + view.layout.at.jsArrayLength));
  const length = word === undefined ? undefined : numberOfWord(view, word);
  return length !== undefined && Number.isInteger(length) && length >= 0 && length < 2 ** 32 ? length : undefined;
}

/** What a stored word of a property stands for: an AccessorPair is a pair of functions, an AccessorInfo something that V8 computes. */
export function valueOfWord(view: HeapView, word: Word, isAccessor: boolean): PropertyValue {
  if (!isAccessor) return { kind: 'word', word };
  const target = strongTarget(word.lo, word.hi);
  if (target === undefined || !hasType(view, target, 'ACCESSOR_PAIR')) return { kind: 'native' };
  const at = target + view.layout.at.accessorGetter;
  return { kind: 'accessor', getter: readWord(view, at), setter: readWord(view, at + SETTER_AFTER_GETTER) };
}

function isHole(view: HeapView, word: Word): boolean {
  const target = strongTarget(word.lo, word.hi);
  return target !== undefined && oddballAt(view, target) === 'hole';
}

function visitWords(view: HeapView, store: Address, from: number, length: number, visit: ElementVisitor): boolean {
  const data = store + view.layout.at.fixedArrayData;
  // Holes are many and the same object each: its address is remembered instead of looked up.
  let holeLo = 0;
  let holeHi = 0;
  for (let i = from; i < length; i++) {
    const word = readWord(view, data + i * WORD_SIZE);
    if (word.lo === holeLo && word.hi === holeHi && holeLo !== 0) continue;
    if (isHole(view, word)) {
      holeLo = word.lo;
      holeHi = word.hi;
    } else if (!visit(i, { kind: 'word', word }, 0)) return false;
  }
  return true;
}

function visitDoubles(view: HeapView, store: Address, length: number, visit: ElementVisitor): void {
  const data = store + view.layout.at.fixedArrayData;
  for (let i = 0; i < length; i++) {
    const { lo, hi } = readWord(view, data + i * WORD_SIZE);
    if (hi >>> 0 === HOLE_NAN && lo >>> 0 === HOLE_NAN) continue;
    if (hi >>> 0 === UNDEFINED_NAN_HIGH && lo >>> 0 === UNDEFINED_NAN_LOW) {
      if (!visit(i, { kind: 'undefined' }, 0)) return;
    } else if (!visit(i, { kind: 'number', value: view.memory.readF64(data + i * WORD_SIZE) }, 0)) return;
  }
}

/** A dictionary's entries in the order of their keys, as addresses of the entries. */
function dictionaryEntries(view: HeapView, store: Address): { readonly key: number; readonly entry: Address }[] {
  const length = readArrayLength(view, store);
  const entries: { readonly key: number; readonly entry: Address }[] = [];
  if (length === undefined) return entries;
  const data = store + view.layout.at.fixedArrayData;
  for (let i = HASH_TABLE_PREFIX_START + view.layout.at.numberDictionaryPrefix; i + ENTRY_WORDS <= length && entries.length < MAX_SORTED; i += ENTRY_WORDS) {
    const entry = data + i * WORD_SIZE;
    const key = numberOfWord(view, readWord(view, entry));
    if (key !== undefined) entries.push({ key, entry });
  }
  return entries.sort((a, b) => a.key - b.key);
}

function visitDictionary(view: HeapView, store: Address, visit: ElementVisitor): void {
  const { at } = view.layout;
  for (const { key, entry } of dictionaryEntries(view, store)) {
    const word = readWord(view, entry + WORD_SIZE);
    const details = readSmi(view, entry + 2 * WORD_SIZE);
    if (details === undefined || isHole(view, word)) continue;
    const attributes = (details & at.propAttributesMask) >>> at.propAttributesShift;
    if (!visit(key, valueOfWord(view, word, (details & at.propKindMask) === 1), attributes)) return;
  }
}

/** Sloppy arguments: a parameter that is still bound to its variable lives in the function's context. */
function visitSloppyArguments(view: HeapView, store: Address, visit: ElementVisitor): void {
  const { at } = view.layout;
  if (!hasType(view, store, 'SLOPPY_ARGUMENTS_ELEMENTS')) return;
  const mapped = readArrayLength(view, store) ?? 0;
  const context = readTarget(view, store + SLOPPY_CONTEXT);
  const rest = readTarget(view, store + SLOPPY_ARGUMENTS);
  const slots = context === undefined ? 0 : (readArrayLength(view, context) ?? 0);
  const seen = new Set<number>();
  for (let i = 0; i < mapped; i++) {
    const slot = readSmi(view, store + SLOPPY_ENTRIES + i * WORD_SIZE);
    if (slot === undefined || context === undefined || slot < 0 || slot >= slots) continue;
    seen.add(i);
    if (!visit(i, { kind: 'word', word: readWord(view, context + at.fixedArrayData + slot * WORD_SIZE) }, 0)) return;
  }
  if (rest === undefined) return;
  const visitRest: ElementVisitor = (index, value, attributes) => seen.has(index) || visit(index, value, attributes);
  visitStore(view, rest, Number.POSITIVE_INFINITY, visitRest);
}

function visitStore(view: HeapView, store: Address, limit: number, visit: ElementVisitor): void {
  const type = instanceTypeAt(view, store);
  // Of the FixedArrays only dictionaries have a type other than the plain one's.
  if (isFixedArrayType(view.layout, type) && type !== typeNumber(view.layout, 'FIXED_ARRAY')) visitDictionary(view, store, visit);
  else if (type === typeNumber(view.layout, 'FIXED_ARRAY')) visitWords(view, store, 0, Math.min(readArrayLength(view, store) ?? 0, limit), visit);
  else if (type === typeNumber(view.layout, 'FIXED_DOUBLE_ARRAY')) visitDoubles(view, store, Math.min(readArrayLength(view, store) ?? 0, limit), visit);
}

function visitStringWrapper(view: HeapView, object: Address, store: Address, visit: ElementVisitor): void {
  const word = readWord(view, object + view.layout.at.jsPrimitiveWrapperValue);
  const text = strongTarget(word.lo, word.hi);
  let ended = false;
  // The characters are the string's; listing them would only repeat it.
  const skip = isStringAt(view, text) ? readString(view, text, 1 << 20).length : 0;
  visitStore(view, store, Number.POSITIVE_INFINITY, (index, value, attributes) => {
    if (index < skip || ended) return true;
    ended = !visit(index, value, attributes);
    return !ended;
  });
}

/**
 * Visits the elements of the object at `address` in the order of their indices; holes are passed over. The elements of typed arrays are not
 * visited (see binary-data.ts), nor are the characters of a String object.
 * @throws {FaultError} when a part of them is not in the core
 */
export function forEachElement(view: HeapView, address: Address, visit: ElementVisitor): void {
  const object = objectStart(address);
  const map = findMapOf(view, object);
  if (map === undefined || map.instanceType === typeNumber(view.layout, 'JS_PROXY')) return;
  const storage = elementsStorageOf(view, map);
  if (storage === 'typed' || storage === 'none') return;
  const store = readTarget(view, object + view.layout.at.jsObjectElements);
  if (store === undefined) return;
  if (storage === 'sloppy-arguments') visitSloppyArguments(view, store, visit);
  else if (storage === 'string-wrapper') visitStringWrapper(view, object, store, visit);
  else visitStore(view, store, arrayLength(view, object) ?? Number.POSITIVE_INFINITY, visit);
}

/** A dictionary's count of its entries (objects/hash-table.h: kNumberOfElementsIndex). */
export function hashTableCount(view: HeapView, table: Address): number {
  const count = readSmi(view, table + view.layout.at.fixedArrayData);
  const length = readArrayLength(view, table);
  return count !== undefined && count >= 0 && length !== undefined && count <= length ? count : 0;
}

/**
 * How many elements the object at `address` has, without visiting them: the count of a dictionary, else the length of the store, which for
 * holey objects is more than are there. 0 for typed arrays.
 * @throws {FaultError} when it is not in the core
 */
export function elementCount(view: HeapView, address: Address): number {
  const object = objectStart(address);
  const map = findMapOf(view, object);
  if (map === undefined || map.instanceType === typeNumber(view.layout, 'JS_PROXY')) return 0;
  const storage = elementsStorageOf(view, map);
  const store = storage === 'typed' || storage === 'none' ? undefined : readTarget(view, object + view.layout.at.jsObjectElements);
  if (store === undefined) return 0;
  if (storage === 'dictionary') return isFixedArrayType(view.layout, instanceTypeAt(view, store)) ? hashTableCount(view, store) : 0;
  const inner = storage === 'sloppy-arguments' ? readTarget(view, store + SLOPPY_ARGUMENTS) : store;
  return Math.min(inner === undefined ? 0 : (readArrayLength(view, inner) ?? 0), arrayLength(view, object) ?? Number.POSITIVE_INFINITY);
}
