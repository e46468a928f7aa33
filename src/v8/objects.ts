/** Own properties of any JavaScript object, in one list: its elements, then its named properties in the order in which they were added. */
import { type Address } from '../bytes/address.ts';
import { type PropertyValue, elementCount, forEachElement, hashTableCount, valueOfWord } from './elements.ts';
import { type HeapView, findMapOf, instanceTypeAt, isFixedArrayType, isStringAt, readTarget, readWord, tryRead } from './heap.ts';
import { isJsReceiverType, typeNumber } from './layout.ts';
import { type PropertyPlace, type StoredProperty, forEachNamedProperty } from './named-properties.ts';
import { stringLength, tryReadString } from './strings.ts';
import { symbolFacts } from './symbols.ts';
import { type Word, objectStart, strongTarget } from './tagged.ts';

/** One own property. */
export interface OwnProperty {
  /** The name: of a string key its text, of a symbol its description, of an element its index. */
  readonly key: string;
  readonly keyKind: 'string' | 'symbol' | 'private' | 'index';
  /** The string or symbol; undefined for elements. */
  readonly keyAddress: Address | undefined;
  readonly value: PropertyValue;
  readonly isReadOnly: boolean;
  readonly isEnumerable: boolean;
  readonly isConfigurable: boolean;
  readonly where: PropertyPlace | 'element';
}

/** Own properties, as many as were wanted. */
export interface PropertyList {
  readonly properties: readonly OwnProperty[];
  /** All that the object has; an upper bound where elements are holey. */
  readonly total: number;
  /** Part of it is not in the core; `properties` has what came before. */
  readonly isDamaged: boolean;
}

/** What of an object's properties is read. */
export interface PropertyOptions {
  /** The most properties that are listed, elements and named ones each. */
  readonly limit?: number;
  readonly maxKeyLength?: number;
  /** Leaves out the elements. */
  readonly namedOnly?: boolean;
  /** Leaves out V8's and the embedder's private symbols; the names of private fields stay. */
  readonly hideInternal?: boolean;
}

const DEFAULT_LIMIT = 10_000;
const KEY_LENGTH = 1024;

const READ_ONLY = 1;
const DONT_ENUM = 2;
const DONT_DELETE = 4;

function flagsOf(attributes: number): Pick<OwnProperty, 'isReadOnly' | 'isEnumerable' | 'isConfigurable'> {
  return { isReadOnly: (attributes & READ_ONLY) !== 0, isEnumerable: (attributes & DONT_ENUM) === 0, isConfigurable: (attributes & DONT_DELETE) === 0 };
}

function nameOfKey(view: HeapView, key: Address, maxLength: number): Pick<OwnProperty, 'key' | 'keyKind'> {
  const symbol = symbolFacts(view, key);
  if (symbol === undefined) return { key: tryReadString(view, key, maxLength)?.text ?? '', keyKind: 'string' };
  return { key: symbol.description, keyKind: symbol.isPrivate ? 'private' : 'symbol' };
}

/** Lists named properties; returns how many there are if all were seen. */
function listNamed(view: HeapView, object: Address, options: PropertyOptions, list: OwnProperty[]): number | undefined {
  const limit = options.limit ?? DEFAULT_LIMIT;
  const isDictionary = findMapOf(view, object)?.isDictionary === true;
  const stored: StoredProperty[] = [];
  let count = 0;
  forEachNamedProperty(view, object, (property) => {
    if (options.hideInternal === true && isHiddenKey(view, property.key)) return true;
    count++;
    if (isDictionary) keepFirst(stored, property, limit);
    else if (count <= limit) stored.push(property);
    return isDictionary || count <= limit;
  });
  for (const property of stored) {
    list.push({
      ...nameOfKey(view, property.key, options.maxKeyLength ?? KEY_LENGTH),
      keyAddress: property.key,
      value: valueOfWord(view, property.value, property.isAccessor),
      ...flagsOf(property.attributes),
      where: property.where,
    });
  }
  return isDictionary || count <= limit ? count : undefined;
}

/** Keeps the `limit` properties that were added first, in that order: a dictionary has them in none, and may have millions. */
function keepFirst(stored: StoredProperty[], property: StoredProperty, limit: number): void {
  const last = stored.at(-1);
  if (stored.length >= limit && last !== undefined && property.order >= last.order) return;
  let low = 0;
  let high = stored.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((stored[middle]?.order ?? 0) <= property.order) low = middle + 1;
    else high = middle;
  }
  stored.splice(low, 0, property);
  if (stored.length > limit) stored.pop();
}

/** Places of elements that are looked at for the sake of their number alone. */
const MAX_COUNTED = 1 << 16;

/** Lists elements; returns how many there are if all were seen. */
function listElements(view: HeapView, object: Address, limit: number, list: OwnProperty[]): number | undefined {
  let count = 0;
  let last = 0;
  forEachElement(view, object, (index, value, attributes) => {
    if (list.length < limit) list.push({ key: String(index), keyKind: 'index', keyAddress: undefined, value, ...flagsOf(attributes), where: 'element' });
    count++;
    last = index;
    return count <= limit || index <= MAX_COUNTED;
  });
  return count <= limit || last <= MAX_COUNTED ? count : undefined;
}

/** Private symbols that are no private fields: V8's own, the embedder's, and the brands of classes. */
function isHiddenKey(view: HeapView, key: Address): boolean {
  if (instanceTypeAt(view, key) !== typeNumber(view.layout, 'SYMBOL')) return false;
  const facts = symbolFacts(view, key);
  return facts?.isPrivate === true && (!facts.isPrivateName || facts.isPrivateBrand);
}

/**
 * How many named properties the object at `address` has; 0 when there is no object.
 * @throws {FaultError} when it is not in the core
 */
export function namedPropertyCount(view: HeapView, address: Address): number {
  const map = findMapOf(view, address);
  if (map === undefined || !isJsReceiverType(view.layout, map.instanceType) || map.instanceType === typeNumber(view.layout, 'JS_PROXY')) return 0;
  if (!map.isDictionary) return map.ownDescriptors;
  const table = readTarget(view, objectStart(address) + view.layout.at.jsReceiverProperties);
  return table !== undefined && isFixedArrayType(view.layout, instanceTypeAt(view, table)) ? hashTableCount(view, table) : 0;
}

/** Lists the own properties of the object at `address`; undefined when there is no JavaScript object. Never throws for absent memory: see `isDamaged`. */
export function listOwnProperties(view: HeapView, address: Address, options: PropertyOptions = {}): PropertyList | undefined {
  const object = objectStart(address);
  const map = findMapOf(view, object);
  if (map === undefined || !isJsReceiverType(view.layout, map.instanceType)) return undefined;
  const limit = options.limit ?? DEFAULT_LIMIT;
  const properties: OwnProperty[] = [];
  let isDamaged = false;
  const attempt = (read: () => number | undefined): number | undefined => {
    const done = tryRead(() => ({ count: read() }));
    if (done === undefined) isDamaged = true;
    return done?.count;
  };
  const elements = options.namedOnly === true ? 0 : attempt(() => listElements(view, object, limit, properties));
  const named = attempt(() => listNamed(view, object, options, properties));
  const total = (elements ?? tryRead(() => elementCount(view, object)) ?? 0) + (named ?? tryRead(() => namedPropertyCount(view, object)) ?? 0);
  return { properties, total, isDamaged };
}

/** The value of the own property of that name, or undefined when there is none that can be read. Accessors are given as they are, not called. */
export function findOwnProperty(view: HeapView, address: Address, name: string): PropertyValue | undefined {
  let found: PropertyValue | undefined;
  tryRead(() => {
    forEachNamedProperty(view, address, (property) => {
      if (!isStringAt(view, property.key) || stringLength(view, property.key) !== name.length || tryReadString(view, property.key)?.text !== name) return true;
      found = valueOfWord(view, property.value, property.isAccessor);
      return false;
    });
  });
  return found;
}

/** The word that a property's value is, for values that are words. */
export function wordOfValue(value: PropertyValue | undefined): Word | undefined {
  return value?.kind === 'word' ? value.word : undefined;
}

const MAX_PROTOTYPES = 64;

/** The value of a property of that name on the object or its prototypes. */
export function findProperty(view: HeapView, address: Address, name: string): PropertyValue | undefined {
  let current: Address | undefined = objectStart(address);
  for (let i = 0; current !== undefined && i < MAX_PROTOTYPES; i++) {
    const map = findMapOf(view, current);
    if (map === undefined || !isJsReceiverType(view.layout, map.instanceType)) return undefined;
    const found = findOwnProperty(view, current, name);
    if (found !== undefined) return found;
    const prototype = tryRead(() => readWord(view, map.address + view.layout.at.mapPrototype));
    current = prototype === undefined ? undefined : strongTarget(prototype.lo, prototype.hi);
  }
  return undefined;
}
