/** What references are called: property names, element indexes, context variables, keys of Maps, and the names of V8's own slots. Worked out from object and slot. */
import { EdgeKind, type EdgeLabel } from '../graph/heap-graph.ts';
import { type Address } from '../bytes/address.ts';
import { FUNCTION_PROTOTYPE } from './edge-rules.ts';
import { numberOfWord } from './elements.ts';
import { type HeapView, type MapFacts, findMapOf, hasType, instanceTypeAt, isFixedArrayType, isStringAt, readArrayLength, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { type V8Layout, isContextType, isJsFunctionType, isJsReceiverType, typeNumber } from './layout.ts';
import { readContextLocalNames, readScopeInfo, stringOfWord } from './scope-info.ts';
import { forEachNamedProperty } from './named-properties.ts';
import { internalClassName } from './snapshot-names.ts';
import { tryReadString } from './strings.ts';
import { WORD_SIZE, strongTarget } from './tagged.ts';

const NAME_LENGTH = 200;
/** Keys of Maps are contents, not names: enough of one to know it again. */
const KEY_LENGTH = 40;
const MAX_VARIABLES = 10_000;
const DESCRIPTOR_BYTES = 24;
const CELL_VALUE = 24;
const CELL_NAME = 8;
const ORDERED_HEADER_WORDS = 3;
const MAP_ENTRY_WORDS = 3;
const SET_ENTRY_WORDS = 2;

/** Map, properties and elements come first in every JSObject. */
const JS_OBJECT_HEADER = 24;
/** AccessorPair: getter, then setter (objects/struct.tq). */
const SETTER_AFTER_GETTER = 8;

/** Slots of objects that no symbol names, as V8's snapshot names them (profiler/heap-snapshot-generator.cc). By class, then by offset or the layout's name for it. */
const SLOT_NAMES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  JSMap: { 24: 'table' },
  JSSet: { 24: 'table' },
  JSWeakMap: { 24: 'table' },
  JSWeakSet: { 24: 'table' },
  JSPromise: { 24: 'reactions_or_result' },
  JSBoundFunction: { 24: 'bound_function', 32: 'bound_this', 40: 'bindings' },
  JSGeneratorObject: { 24: 'function', 32: 'context', 40: 'receiver', 48: 'input_or_debug_pos', 72: 'parameters_and_registers' },
  JSAsyncFunctionObject: { 24: 'function', 32: 'context', 40: 'receiver', 48: 'input_or_debug_pos', 72: 'parameters_and_registers', 80: 'promise' },
  PromiseReaction: { 8: 'continuation_preserved_embedder_data', 16: 'next', 24: 'reject_handler', 32: 'fulfill_handler', 40: 'promise_or_capability' },
  PromiseCapability: { 8: 'promise', 16: 'resolve', 24: 'reject' },
  Cell: { 8: 'value' },
  ContextCell: { 8: 'value' },
  FeedbackCell: { 8: 'value' },
  WeakCell: { 8: 'finalization_registry', 16: 'target', 24: 'unregister_token', 32: 'holdings', 40: 'prev', 48: 'next', 56: 'key_list_prev', 64: 'key_list_next' },
  JSWeakRef: { 24: 'target' },
  JSProxy: { 16: 'target', 24: 'handler' },
  PropertyCell: { 8: 'name', 24: 'value', 32: 'dependent_code' },
  Symbol: { 16: 'name' },
  Script: { 8: 'source', 16: 'name' },
  Map: { 24: 'prototype', 32: 'constructor', 40: 'descriptors', 48: 'dependent_code', 56: 'prototype_validity_cell', 64: 'transitions' },
};

/** Classes whose fields an object has too. */
const RECEIVER_CLASSES = ['JSFunction', 'JSTypedArray', 'JSArrayBuffer', 'JSArrayBufferView', 'JSArray', 'JSObject', 'JSReceiver'];

/** V8's snapshot names a few slots otherwise than its classes do. */
const AS_IN_SNAPSHOTS = new Map([
  ['properties_or_hash', 'properties'],
  ['instance_descriptors', 'descriptors'],
  ['prototype_or_initial_map', 'initial_map'],
]);

/** Symbols that name no slot, but a size or where words begin. */
const NO_SLOTS = new Set(['header_size', 'data', 'internal_fields', 'kind_offset', 'chars']);

type FieldNames = ReadonlyMap<string, ReadonlyMap<number, string>>;
const FIELD_NAMES = new WeakMap<ReadonlyMap<string, number>, FieldNames>();

/** Names of fields by class and offset. */
function fieldNames(fields: ReadonlyMap<string, number>): FieldNames {
  const known = FIELD_NAMES.get(fields);
  if (known !== undefined) return known;
  const names = new Map<string, Map<number, string>>();
  for (const [key, offset] of fields) {
    const [owner, field] = key.split('.');
    if (owner === undefined || field === undefined || NO_SLOTS.has(field)) continue;
    const own = names.get(owner) ?? new Map<number, string>();
    if (!own.has(offset)) own.set(offset, field.replace(/^(?:raw|synchronized)_/, ''));
    names.set(owner, own);
  }
  FIELD_NAMES.set(fields, names);
  return names;
}

/** The text of a property's name; a symbol's as `Symbol(description)`. */
function propertyName(view: HeapView, key: Address | undefined): string | undefined {
  if (key === undefined) return undefined;
  if (instanceTypeAt(view, key) !== typeNumber(view.layout, 'SYMBOL')) return isStringAt(view, key) ? tryReadString(view, key, NAME_LENGTH)?.text : undefined;
  const description = readTarget(view, key + view.layout.at.symbolName);
  const text = isStringAt(view, description) ? (tryReadString(view, description, NAME_LENGTH)?.text ?? '') : '';
  return text.startsWith('#') ? text : `Symbol(${text})`;
}

/** The name of the property that descriptors place at field `index`. */
function fieldName(view: HeapView, mapAddress: Address, ownDescriptors: number, index: number): string | undefined {
  const { at } = view.layout;
  const descriptors = readTarget(view, mapAddress + at.mapDescriptors);
  if (descriptors === undefined || !(hasType(view, descriptors, 'DESCRIPTOR_ARRAY') || hasType(view, descriptors, 'STRONG_DESCRIPTOR_ARRAY'))) return undefined;
  const count = Math.min(ownDescriptors, view.memory.readU16(descriptors + at.descriptorArrayCount));
  for (let i = 0; i < count; i++) {
    const entry = descriptors + at.descriptorArrayHeader + i * DESCRIPTOR_BYTES;
    const details = readSmi(view, entry + WORD_SIZE);
    if (details === undefined || (details & at.propLocationMask) >>> at.propLocationShift === 1) continue;
    if ((details & at.propIndexMask) >>> at.propIndexShift === index) return propertyName(view, readTarget(view, entry));
  }
  return undefined;
}

/** The name of slot `index` of a context. */
function variableName(view: HeapView, context: Address, slot: number): string | undefined {
  const { at } = view.layout;
  const info = readTarget(view, context + at.fixedArrayData + at.contextScopeInfo * WORD_SIZE);
  const scope = info === undefined ? undefined : readScopeInfo(view, info);
  if (scope === undefined) return undefined;
  if (slot === scope.functionNameSlot) return propertyName(view, stringOfWord(view, scope.functionName));
  return slot < scope.contextHeaderLength ? undefined : readContextLocalNames(view, scope, MAX_VARIABLES)[slot - scope.contextHeaderLength];
}

/** How the key in the word at `address` is written in brackets; undefined for an object. */
function keyText(view: HeapView, address: Address): string | undefined {
  const word = readWord(view, address);
  const number = numberOfWord(view, word);
  if (number !== undefined) return String(number);
  const key = strongTarget(word.lo, word.hi);
  if (isStringAt(view, key)) {
    const read = tryReadString(view, key, KEY_LENGTH);
    return read === undefined ? undefined : JSON.stringify(read.text.length < read.length ? `${read.text}…` : read.text);
  }
  return propertyName(view, key);
}

/** Words of an entry of an OrderedHashMap or OrderedHashSet: its length follows from them and from the number of buckets (objects/ordered-hash-table.h). 0 for other tables. */
function entryWordsOf(view: HeapView, table: Address, buckets: number): number {
  if (buckets <= 0) return 0;
  const length = readArrayLength(view, table);
  return [MAP_ENTRY_WORDS, SET_ENTRY_WORDS].find((words) => length === ORDERED_HEADER_WORDS + buckets + 2 * buckets * words) ?? 0;
}

/** The name of a slot in the table of a Map or Set: its entries begin behind the buckets. */
function entryName(view: HeapView, table: Address, index: number): string | undefined {
  const { at } = view.layout;
  if (hasType(view, table, 'FIXED_ARRAY')) return undefined;
  const buckets = readSmi(view, table + at.fixedArrayData + 2 * WORD_SIZE) ?? 0;
  const entryWords = entryWordsOf(view, table, buckets);
  if (entryWords === 0 || index < ORDERED_HEADER_WORDS + buckets) return undefined;
  const place = (index - ORDERED_HEADER_WORDS - buckets) % entryWords;
  if (place === 0) return entryWords === SET_ENTRY_WORDS ? 'entry' : 'key';
  const key = keyText(view, table + at.fixedArrayData + (index - place) * WORD_SIZE);
  return key === undefined ? 'value' : `[${key}]`;
}

/** Where functions have their code: since 12.x before the definition, until then behind the feedback cell (objects/js-function.tq). */
function functionCode({ at }: V8Layout): number {
  return at.jsFunctionShared === JS_OBJECT_HEADER ? at.jsFunctionContext + 2 * WORD_SIZE : JS_OBJECT_HEADER;
}

function slotName(view: HeapView, type: number, offset: number): string | undefined {
  const { layout } = view;
  const owner = internalClassName(view, type);
  const names = fieldNames(layout.fields);
  const classes = isJsReceiverType(layout, type) ? [isJsFunctionType(layout, type) ? 'JSFunction' : owner, ...RECEIVER_CLASSES.slice(-2)] : [owner];
  for (const name of classes) {
    const canned = SLOT_NAMES[name]?.[offset] ?? names.get(name)?.get(offset);
    if (canned !== undefined) return AS_IN_SNAPSHOTS.get(canned) ?? canned;
  }
  if (classes.includes('JSFunction')) {
    if (offset === layout.at.jsFunctionShared) return 'shared';
    if (offset === layout.at.jsFunctionContext) return 'context';
    if (offset === layout.at.jsFunctionContext + WORD_SIZE) return 'feedback_cell';
    if (offset === functionCode(layout)) return 'code';
    if (offset === FUNCTION_PROTOTYPE) return 'initial_map';
  }
  if (type === typeNumber(layout, 'JS_ARRAY_BUFFER') && offset === layout.at.arrayBufferBackingStore) return 'backing_store';
  if (isJsReceiverType(layout, type) && offset === layout.at.viewBuffer && /ARRAY|VIEW/.test(layout.typeNames[type] ?? '')) return 'buffer';
  if (isJsReceiverType(layout, type) && offset === layout.at.jsReceiverProperties) return 'properties';
  if (isJsReceiverType(layout, type) && offset === layout.at.jsObjectElements) return 'elements';
  return undefined;
}

/** The name of a slot of the object itself. */
function ownSlotName(view: HeapView, object: Address, kind: EdgeKind, offset: number): string {
  const { layout } = view;
  if (offset === 0) return 'map';
  const map = findMapOf(view, object);
  const unnamed = String(offset / WORD_SIZE);
  if (map === undefined) return unnamed;
  const type = map.instanceType;
  if (kind === EdgeKind.Property) {
    if (offset < map.inObjectStart * WORD_SIZE) return offset === FUNCTION_PROTOTYPE && isJsFunctionType(layout, type) ? 'prototype' : unnamed;
    return fieldName(view, map.address, map.ownDescriptors, offset / WORD_SIZE - map.inObjectStart) ?? unnamed;
  }
  const index = (offset - layout.at.fixedArrayData) / WORD_SIZE;
  if (isContextType(layout, type)) {
    if (index === layout.at.contextScopeInfo) return 'scope_info';
    if (index === layout.at.contextPrevious) return 'previous';
    return variableName(view, object, index) ?? (index === layout.at.contextMinSlots ? 'extension' : String(index));
  }
  if (isFixedArrayType(layout, type) && index >= 0) return entryName(view, object, index) ?? String(index);
  return slotName(view, type, offset) ?? unnamed;
}

/** `get x` or `set x` for a slot of an AccessorPair that a property of the object leads to. */
function accessorName(view: HeapView, object: Address, slot: Address): string | undefined {
  const getter = slot - view.layout.at.accessorGetter;
  const isGetter = hasType(view, getter, 'ACCESSOR_PAIR');
  const pair = isGetter ? getter : getter - SETTER_AFTER_GETTER;
  if (!isGetter && !hasType(view, pair, 'ACCESSOR_PAIR')) return undefined;
  let name: string | undefined;
  forEachNamedProperty(view, object, ({ key, value, isAccessor }) => {
    if (isAccessor && strongTarget(value.lo, value.hi) === pair) name = propertyName(view, key);
    return name === undefined;
  });
  return `${isGetter ? 'get' : 'set'} ${name ?? '?'}`;
}

/** The name of a property whose value stands in the object's map or in the map's descriptors: of accessors, and of the prototype of a constructor. */
function sharedName(view: HeapView, object: Address, map: MapFacts, slot: Address): string | undefined {
  const { layout } = view;
  const { at } = layout;
  if (isJsFunctionType(layout, map.instanceType) && map.inObjectStart * WORD_SIZE > FUNCTION_PROTOTYPE) {
    const instances = readTarget(view, object + FUNCTION_PROTOTYPE);
    if (instances !== undefined && slot === instances + at.mapPrototype && hasType(view, instances, 'MAP')) return 'prototype';
  }
  const descriptors = map.isDictionary ? undefined : readTarget(view, map.address + at.mapDescriptors);
  const offset = descriptors === undefined ? -1 : slot - descriptors - at.descriptorArrayHeader;
  if (offset >= 0 && offset < map.ownDescriptors * DESCRIPTOR_BYTES) return propertyName(view, readTarget(view, slot - (offset % DESCRIPTOR_BYTES)));
  return undefined;
}

/** The name of a property or element whose value stands in a store of its own. */
function storedName(view: HeapView, object: Address, kind: EdgeKind, slot: Address): string | number | undefined {
  const { at } = view.layout;
  const map = findMapOf(view, object);
  if (map === undefined) return undefined;
  if (kind === EdgeKind.Element) {
    const store = readTarget(view, object + at.jsObjectElements);
    if (store === undefined) return undefined;
    if (map.elementsKind !== at.elementsKindDictionary) return (slot - store - at.fixedArrayData) / WORD_SIZE;
    return numberOfWord(view, readWord(view, slot - WORD_SIZE));
  }
  const shared = accessorName(view, object, slot) ?? sharedName(view, object, map, slot);
  if (shared !== undefined) return shared;
  if (map.instanceType === typeNumber(view.layout, 'JS_GLOBAL_OBJECT')) return propertyName(view, readTarget(view, slot - CELL_VALUE + CELL_NAME));
  if (map.isDictionary) return propertyName(view, readTarget(view, slot - WORD_SIZE));
  const store = readTarget(view, object + at.jsReceiverProperties);
  if (store === undefined) return undefined;
  const index = (slot - store - at.fixedArrayData) / WORD_SIZE;
  return fieldName(view, map.address, map.ownDescriptors, map.instanceSizeWords - map.inObjectStart + index);
}

/**
 * What the reference in `slot` of `object` (both untagged) is called; `size` is the object's in bytes. Slots outside of the object are those of its stores.
 * Never throws for absent memory: then the name is the word's number, or `?`.
 */
export function labelOfSlot(view: HeapView, object: Address, size: number, kind: EdgeKind, slot: Address): EdgeLabel {
  const name = tryRead(() => {
    if (slot >= object && slot < object + size) return ownSlotName(view, object, kind, slot - object);
    return storedName(view, object, kind, slot);
  });
  if (kind === EdgeKind.Element) return { kind, name: typeof name === 'number' ? name : 0 };
  return { kind, name: String(name ?? '?') };
}
