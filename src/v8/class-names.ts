/** What V8 calls an object by the kind of its map alone: the last resort of constructor names, and the names of typed arrays. */
import { type Address } from '../bytes/address.ts';
import { type HeapView, type MapFacts, instanceTypeAt, oddballAt, readWord, tryRead } from './heap.ts';
import { isJsFunctionType, isStringType, typeNumber } from './layout.ts';
import { objectStart, strongTarget } from './tagged.ts';

/** JSArrayBuffer flags: is_shared (objects/js-array-buffer.tq). */
const IS_SHARED = 16;

/** Map::is_callable, in its bit field (objects/map.tq). */
const IS_CALLABLE = 2;

const BY_TYPE: Readonly<Record<string, string>> = {
  JS_BOUND_FUNCTION: 'Function',
  JS_WRAPPED_FUNCTION: 'Function',
  JS_ARGUMENTS_OBJECT: 'Arguments',
  JS_ARRAY: 'Array',
  JS_ARRAY_ITERATOR: 'Array Iterator',
  JS_DATE: 'Date',
  JS_ERROR: 'Error',
  JS_GENERATOR_OBJECT: 'Generator',
  JS_ASYNC_FUNCTION_OBJECT: 'Generator',
  JS_ASYNC_GENERATOR_OBJECT: 'Generator',
  JS_MAP: 'Map',
  JS_MAP_KEY_ITERATOR: 'Map Iterator',
  JS_MAP_KEY_VALUE_ITERATOR: 'Map Iterator',
  JS_MAP_VALUE_ITERATOR: 'Map Iterator',
  JS_REG_EXP: 'RegExp',
  JS_SET: 'Set',
  JS_SET_KEY_VALUE_ITERATOR: 'Set Iterator',
  JS_SET_VALUE_ITERATOR: 'Set Iterator',
  JS_WEAK_MAP: 'WeakMap',
  JS_WEAK_SET: 'WeakSet',
  JS_GLOBAL_PROXY: 'global',
  JS_SHARED_STRUCT: 'SharedStruct',
  JS_SHARED_ARRAY: 'SharedArray',
  JS_ATOMICS_MUTEX: 'Atomics.Mutex',
  JS_ATOMICS_CONDITION: 'Atomics.Condition',
};

/** Typed array names in the order of their elements kinds up to 12.x (objects/elements-kind.h: TYPED_ARRAYS). */
const TYPED_ARRAY_NAMES = [
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'Uint8ClampedArray',
  'BigUint64Array',
  'BigInt64Array',
  'Float16Array',
] as const;

/** The name of a kind of typed array. */
export type TypedArrayName = (typeof TYPED_ARRAY_NAMES)[number];

/** Elements kinds between that of dictionaries and the first of typed arrays: two of arguments, two of string wrappers. */
const KINDS_BEFORE_TYPED = 5;

/** Float16Array came with 12.x, as the last of both rows; 13.x put the integers before the floats. */
const FLOAT16_FROM_COLUMN = 3;
const INTEGERS_FIRST_FROM_COLUMN = 4;
const INTEGERS_FIRST: readonly TypedArrayName[] = [
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'BigUint64Array',
  'BigInt64Array',
  'Uint8ClampedArray',
  'Float32Array',
  'Float64Array',
  'Float16Array',
];

/** The kind of typed array that an elements kind stands for; those over resizable buffers have a second row of kinds. */
export function typedArrayNameOf(view: HeapView, elementsKind: number): TypedArrayName | undefined {
  const { column } = view.layout;
  const names = column >= FLOAT16_FROM_COLUMN ? TYPED_ARRAY_NAMES.length : TYPED_ARRAY_NAMES.length - 1;
  const row = column >= INTEGERS_FIRST_FROM_COLUMN ? INTEGERS_FIRST : TYPED_ARRAY_NAMES;
  const index = elementsKind - view.layout.at.elementsKindDictionary - KINDS_BEFORE_TYPED;
  return index >= 0 && index < 2 * names ? row[index % names] : undefined;
}

function wrapperClassName(view: HeapView, sample: Address): string {
  const word = tryRead(() => readWord(view, objectStart(sample) + view.layout.at.jsPrimitiveWrapperValue));
  if (word === undefined) return 'Object';
  const target = strongTarget(word.lo, word.hi);
  if (target === undefined) return 'Number';
  const oddball = oddballAt(view, target);
  if (oddball === 'true' || oddball === 'false') return 'Boolean';
  const type = instanceTypeAt(view, target);
  if (isStringType(view.layout, type)) return 'String';
  if (type === typeNumber(view.layout, 'HEAP_NUMBER')) return 'Number';
  if (type === typeNumber(view.layout, 'BIG_INT_BASE')) return 'BigInt';
  if (type === typeNumber(view.layout, 'SYMBOL')) return 'Symbol';
  if (type === typeNumber(view.layout, 'SCRIPT')) return 'Script';
  return 'Object';
}

/** JSReceiver::class_name (objects/js-objects.cc) of an object of the map: `Function`, `Array`, `Uint8Array`, ..., else `Object`. */
export function classNameOf(view: HeapView, map: MapFacts, sample: Address): string {
  const type = map.instanceType;
  if (isJsFunctionType(view.layout, type)) return 'Function';
  const name = view.layout.typeNames[type] ?? '';
  switch (name) {
    case 'JS_ARRAY_BUFFER': {
      const flags = tryRead(() => view.memory.readU32(objectStart(sample) + view.layout.at.arrayBufferBitField)) ?? 0;
      return (flags & IS_SHARED) === 0 ? 'ArrayBuffer' : 'SharedArrayBuffer';
    }
    case 'JS_TYPED_ARRAY':
      return typedArrayNameOf(view, map.elementsKind) ?? 'Object';
    case 'JS_PRIMITIVE_WRAPPER':
      return wrapperClassName(view, sample);
    case 'JS_PROXY':
      return (map.bitField & IS_CALLABLE) === 0 ? 'Object' : 'Function';
    default:
      return BY_TYPE[name] ?? 'Object';
  }
}
