/** The read-only view of any value: which of the kinds of JavaScript it is, and what is to be known of it without following further. */
import { type Address } from '../bytes/address.ts';
import { tryReadArrayBuffer, tryReadBufferView } from './binary-data.ts';
import { collectionKindAt, collectionSize } from './collections.ts';
import { arrayLength, elementCount, numberOfWord } from './elements.ts';
import { functionName, tryReadBoundFunction, tryReadFunction } from './functions.ts';
import { type HeapView, type MapFacts, findMapOf, instanceTypeAt, isStringAt, oddballAt, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { isJsFunctionType, isJsReceiverType, isStringType, typeNumber } from './layout.ts';
import { forEachNamedProperty } from './named-properties.ts';
import { ConstructorNames } from './names.ts';
import { findOwnProperty, wordOfValue } from './objects.ts';
import { internalClassName } from './snapshot-names.ts';
import { stringKindOf, stringLength, tryReadString } from './strings.ts';
import { symbolFacts } from './symbols.ts';
import { type Word, classifyWord, objectStart, smiValue, strongTarget } from './tagged.ts';
import type { GeneratorState, ObjectValue, Value } from './value-types.ts';

const CONSTRUCTOR_NAMES = new WeakMap<HeapView, ConstructorNames>();

/** The constructor names of a heap, made once for each view. */
export function constructorNamesOf(view: HeapView): ConstructorNames {
  let names = CONSTRUCTOR_NAMES.get(view);
  if (names === undefined) {
    names = new ConstructorNames(view);
    CONSTRUCTOR_NAMES.set(view, names);
  }
  return names;
}

/** BigInts of more 64-bit digits than this are not made into a value. */
const MAX_BIGINT_DIGITS = 1 << 14;
const BIGINT_LENGTH_MASK = 0x3fffffff;
const DIGIT_BITS = 64;

/** JSPromise: flags behind reactions_or_result; the status is in its low two bits (objects/js-promise.tq). */
const PROMISE_FLAGS = 8;
const PROMISE_STATES = ['pending', 'fulfilled', 'rejected'] as const;

/** JSGeneratorObject: function, context, receiver, input_or_debug_pos, resume_mode, continuation, parameters_and_registers; then an async function's promise. */
const GENERATOR_CONTINUATION = 40;
const GENERATOR_PROMISE = 56;
const CLOSED = -1;

/** JSRegExp: flags behind source; `dgimsuvy` in the order in which JavaScript spells them (regexp/regexp-flags.h, by bit). */
const REGEXP_FLAGS_AFTER_SOURCE = 8;
const REGEXP_FLAGS: readonly (readonly [string, number])[] = [
  ['d', 128],
  ['g', 1],
  ['i', 2],
  ['m', 4],
  ['s', 32],
  ['u', 16],
  ['v', 256],
  ['y', 8],
];

const HANDLER_AFTER_TARGET = 8;

/** What an iterator goes over is its first field. */
const ITERATED = 24;

const TEXT_LENGTH = 4096;

function describeBigInt(view: HeapView, address: Address): Value {
  const { at } = view.layout;
  const bits = view.memory.readU32(address + at.bigIntBitField);
  const digits = (bits >>> 1) & BIGINT_LENGTH_MASK;
  let value: bigint | undefined;
  if (digits <= MAX_BIGINT_DIGITS) {
    const bytes = view.memory.readBytes(address + at.bigIntDigits, digits * 8);
    const hex = Buffer.from(bytes).reverse().toString('hex');
    const magnitude = hex === '' ? 0n : BigInt(`0x${hex}`);
    value = (bits & 1) === 0 ? magnitude : -magnitude;
  }
  return { kind: 'bigint', address, value, bits: digits * DIGIT_BITS };
}

function describePrimitive(view: HeapView, address: Address, type: number): Value {
  const { layout } = view;
  if (isStringType(layout, type)) {
    const length = stringLength(view, address);
    return length === undefined ? { kind: 'unreadable', address, reason: 'not in the core' } : { kind: 'string', address, length, storage: stringKindOf(type) };
  }
  switch (type) {
    case typeNumber(layout, 'HEAP_NUMBER'):
      return { kind: 'number', value: view.memory.readF64(address + layout.at.heapNumberValue), address };
    case typeNumber(layout, 'BIG_INT_BASE'):
      return describeBigInt(view, address);
    case typeNumber(layout, 'SYMBOL'): {
      const facts = symbolFacts(view, address);
      return { kind: 'symbol', address, description: facts?.description ?? '', isPrivate: facts?.isPrivate ?? false };
    }
    default:
      break;
  }
  const oddball = oddballAt(view, address);
  if (oddball === 'true' || oddball === 'false') return { kind: 'boolean', value: oddball === 'true' };
  if (oddball !== undefined) return { kind: oddball };
  return { kind: 'internal', address, typeName: internalClassName(view, type) };
}

/** The object's own property of that name as text, if it is a string. */
function ownText(view: HeapView, address: Address, name: string): string | undefined {
  const word = wordOfValue(findOwnProperty(view, address, name));
  const target = word === undefined ? undefined : strongTarget(word.lo, word.hi);
  return isStringAt(view, target) ? tryReadString(view, target, TEXT_LENGTH)?.text : undefined;
}

/** The text of an error's stack: V8 keeps it under a private symbol once somebody has read it, and within ErrorStackData since 9.x. */
function findStackText(view: HeapView, address: Address): Address | undefined {
  let found: Address | undefined;
  tryRead(() => {
    forEachNamedProperty(view, address, (property) => {
      const facts = symbolFacts(view, property.key);
      const isStack =
        facts === undefined ? tryReadString(view, property.key, TEXT_LENGTH)?.text === 'stack' : facts.isPrivate && facts.description === 'error_stack_symbol';
      const isUnnamedPrivate = facts?.isPrivate === true && facts.description === '';
      if (property.isAccessor || !(isStack || isUnnamedPrivate)) return true;
      const target = strongTarget(property.value.lo, property.value.hi);
      for (const candidate of [target, stackInData(view, target)]) {
        if (isStringAt(view, candidate)) found = candidate;
      }
      return found === undefined;
    });
  });
  return found;
}

/** ErrorStackData: the frames or the text made of them come first (objects/js-objects.tq, call-site-info.tq). */
function stackInData(view: HeapView, data: Address | undefined): Address | undefined {
  if (data === undefined || instanceTypeAt(view, data) !== typeNumber(view.layout, 'ERROR_STACK_DATA')) return undefined;
  return readTarget(view, data + 8);
}

function regexpFlags(bits: number): string {
  return REGEXP_FLAGS.filter(([, bit]) => (bits & bit) !== 0)
    .map(([flag]) => flag)
    .join('');
}

/** The time of a Date: a raw double since 13.x, a Number before. */
function readTime(view: HeapView, address: Address): number {
  const { at } = view.layout;
  if (at.jsDateIsDouble === 1) return view.memory.readF64(address + at.jsDateValue);
  return numberOfWord(view, readWord(view, address + at.jsDateValue)) ?? Number.NaN;
}

function generatorState(continuation: number | undefined): GeneratorState {
  if (continuation === undefined || continuation === CLOSED) return 'closed';
  return continuation < 0 ? 'running' : 'suspended';
}

interface Base {
  readonly address: Address;
  readonly constructorName: string;
}

function describeGenerator(view: HeapView, base: Base, isAsyncFunction: boolean): ObjectValue {
  const start = base.address + view.layout.at.jsGeneratorFunction;
  const made = readTarget(view, start);
  return {
    ...base,
    kind: isAsyncFunction ? 'asyncFunction' : 'generator',
    function: made,
    name: made === undefined ? '' : (functionName(view, made) ?? ''),
    state: generatorState(readSmi(view, start + GENERATOR_CONTINUATION)),
    promise: isAsyncFunction ? readTarget(view, start + GENERATOR_PROMISE) : undefined,
  };
}

function describeFunction(view: HeapView, base: Base): ObjectValue {
  const facts = tryReadFunction(view, base.address);
  return facts === undefined ? { ...base, kind: 'object' } : { ...base, kind: 'function', facts };
}

function describeBoundFunction(view: HeapView, base: Base): ObjectValue {
  const bound = tryReadBoundFunction(view, base.address);
  if (bound === undefined) return { ...base, kind: 'object' };
  return { ...base, kind: 'boundFunction', bound, targetName: functionName(view, bound.target) ?? '' };
}

function describePromise(view: HeapView, base: Base): ObjectValue {
  const at = base.address + view.layout.at.jsPromiseResult;
  const state = PROMISE_STATES[(readSmi(view, at + PROMISE_FLAGS) ?? 0) & 3] ?? 'pending';
  return { ...base, kind: 'promise', state, result: state === 'pending' ? undefined : readWord(view, at) };
}

function describeProxy(view: HeapView, base: Base): ObjectValue {
  const at = base.address + view.layout.at.jsProxyTarget;
  const live = (target: Address | undefined): Address | undefined => (oddballAt(view, target) === undefined ? target : undefined);
  return { ...base, constructorName: 'Proxy', kind: 'proxy', target: live(readTarget(view, at)), handler: live(readTarget(view, at + HANDLER_AFTER_TARGET)) };
}

function describeView(view: HeapView, base: Base): ObjectValue {
  const facts = tryReadBufferView(view, base.address);
  if (facts === undefined) return { ...base, kind: 'object' };
  const isBuffer = base.constructorName === 'Buffer' || base.constructorName === 'FastBuffer';
  return { ...base, kind: facts.elementType === undefined ? 'dataView' : isBuffer ? 'buffer' : 'typedArray', view: facts };
}

/** Names that V8's iterator prototypes carry; the types of some iterators have no symbol. */
const ITERATOR_NAMES = new Set(['Array Iterator', 'Map Iterator', 'Set Iterator', 'MapIterator', 'SetIterator', 'String Iterator', 'RegExp String Iterator']);

function describePlain(view: HeapView, base: Base): ObjectValue {
  const collection = collectionKindAt(view, base.address);
  if (collection !== undefined) return { ...base, kind: collection, size: collectionSize(view, base.address) ?? 0 };
  // The prototypes of iterators carry the same names but are plain objects.
  if (ITERATOR_NAMES.has(base.constructorName) && instanceTypeAt(view, base.address) !== typeNumber(view.layout, 'JS_OBJECT')) {
    return { ...base, kind: 'iterator', over: readTarget(view, base.address + ITERATED) };
  }
  return { ...base, kind: 'object' };
}

function describeObject(view: HeapView, address: Address, map: MapFacts): ObjectValue {
  const { layout } = view;
  const base: Base = { address, constructorName: constructorNamesOf(view).nameOfMap(map.address, address) };
  if (isJsFunctionType(layout, map.instanceType)) return describeFunction(view, base);
  switch (layout.typeNames[map.instanceType]) {
    case 'JS_ARRAY':
      return { ...base, kind: 'array', length: arrayLength(view, address) ?? 0 };
    case 'JS_ARGUMENTS_OBJECT':
      return { ...base, kind: 'arguments', length: elementCount(view, address) };
    case 'JS_BOUND_FUNCTION':
      return describeBoundFunction(view, base);
    case 'JS_WEAK_REF': {
      const target = readTarget(view, address + layout.at.jsWeakRefTarget);
      return { ...base, kind: 'weakRef', target: oddballAt(view, target) === undefined ? target : undefined };
    }
    case 'JS_DATE':
      return { ...base, kind: 'date', time: readTime(view, address) };
    case 'JS_REG_EXP': {
      const source = readTarget(view, address + layout.at.jsRegExpSource);
      const flags = readSmi(view, address + layout.at.jsRegExpSource + REGEXP_FLAGS_AFTER_SOURCE) ?? 0;
      return {
        ...base,
        kind: 'regexp',
        source: isStringAt(view, source) ? (tryReadString(view, source, TEXT_LENGTH)?.text ?? '') : '',
        flags: regexpFlags(flags),
      };
    }
    case 'JS_ERROR':
      return { ...base, kind: 'error', message: ownText(view, address, 'message'), stack: findStackText(view, address) };
    case 'JS_PROMISE':
      return describePromise(view, base);
    case 'JS_ARRAY_BUFFER': {
      const buffer = tryReadArrayBuffer(view, address);
      return buffer === undefined ? { ...base, kind: 'object' } : { ...base, kind: 'arrayBuffer', buffer };
    }
    case 'JS_TYPED_ARRAY':
    case 'JS_DETACHED_TYPED_ARRAY':
    case 'JS_DATA_VIEW':
    case 'JS_RAB_GSAB_DATA_VIEW':
      return describeView(view, base);
    case 'JS_PROXY':
      return describeProxy(view, base);
    case 'JS_GENERATOR_OBJECT':
    case 'JS_ASYNC_GENERATOR_OBJECT':
      return describeGenerator(view, base, false);
    case 'JS_ASYNC_FUNCTION_OBJECT':
      return describeGenerator(view, base, true);
    case 'JS_PRIMITIVE_WRAPPER':
      return { ...base, kind: 'primitiveWrapper', value: readWord(view, address + layout.at.jsPrimitiveWrapperValue) };
    case 'JS_GLOBAL_OBJECT':
    case 'JS_GLOBAL_PROXY':
      return { ...base, kind: 'global' };
    case 'JS_MODULE_NAMESPACE':
    case 'JS_DEFERRED_MODULE_NAMESPACE':
      return { ...base, kind: 'moduleNamespace' };
    default:
      return describePlain(view, base);
  }
}

/** Describes the object at `address`. Never throws: what cannot be read is `unreadable`. */
export function describeObjectAt(view: HeapView, address: Address): Value {
  const start = objectStart(address);
  const map = findMapOf(view, start);
  if (map === undefined) return { kind: 'unreadable', address: start, reason: view.memory.isReadable(start, 8) ? 'not an object' : 'not in the core' };
  const value = tryRead(() =>
    isJsReceiverType(view.layout, map.instanceType) ? describeObject(view, start, map) : describePrimitive(view, start, map.instanceType),
  );
  return value ?? { kind: 'unreadable', address: start, reason: 'not in the core' };
}

/** Describes the value that a word is. Never throws: what cannot be read is `unreadable`. A weak reference is described as what it refers to. */
export function describeValue(view: HeapView, word: Word): Value {
  const smi = smiValue(word);
  if (smi !== undefined) return { kind: 'smi', value: smi };
  const tagged = classifyWord(word.lo, word.hi);
  switch (tagged.kind) {
    case 'strong':
    case 'weak':
      return describeObjectAt(view, tagged.address);
    case 'cleared':
      return { kind: 'unreadable', address: undefined, reason: 'cleared' };
    default:
      return { kind: 'unreadable', address: undefined, reason: 'not an object' };
  }
}
