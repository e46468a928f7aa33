/**
 * How V8's own heap snapshot files and names objects (profiler/heap-snapshot-generator.cc: AddEntry, GetSystemEntryType and
 * GetSystemEntryName), and the groups that Chrome DevTools' summary makes of them.
 *
 * The snapshot files a few arrays by who refers to them (constant pools under code, for one); here the type of the object alone decides,
 * and takes the side on which most objects of the type are.
 */
import { type Address } from '../bytes/address.ts';
import { findSharedFunctionInfo, readSharedName } from './functions.ts';
import { type HeapView, findMapOf, isFixedArrayType, isStringAt, readTarget, tryRead } from './heap.ts';
import { isContextType, isJsFunctionType, isJsReceiverType, isStringType, typeNumber } from './layout.ts';
import type { ConstructorNames } from './names.ts';
import { stringKindOf, tryReadString } from './strings.ts';
import { symbolFacts } from './symbols.ts';
import { objectStart } from './tagged.ts';

/** Node types of V8's heap snapshot that stand for objects of the V8 heap. */
export type SnapshotNodeType =
  | 'hidden'
  | 'array'
  | 'string'
  | 'object'
  | 'code'
  | 'closure'
  | 'regexp'
  | 'number'
  | 'concatenated string'
  | 'sliced string'
  | 'symbol'
  | 'bigint'
  | 'object shape';

/** Columns of the table versions from which the snapshot changed. */
const CODE_LIKE_FROM = 1;
const OBJECT_SHAPE_FROM = 2;
const WRAPPERS_ARE_CODE_FROM = 4;

const ALWAYS_CODE = new Set(['CODE', 'INSTRUCTION_STREAM', 'SHARED_FUNCTION_INFO', 'SCRIPT']);
const CODE_LIKE = new Set([
  'ALLOCATION_SITE',
  'ARRAY_BOILERPLATE_DESCRIPTION',
  'BYTECODE_ARRAY',
  'CLOSURE_FEEDBACK_CELL_ARRAY',
  'CODE_DATA_CONTAINER',
  'FEEDBACK_CELL',
  'FEEDBACK_METADATA',
  'FEEDBACK_VECTOR',
  'INTERPRETER_DATA',
  'LOAD_HANDLER',
  'OBJECT_BOILERPLATE_DESCRIPTION',
  'PREPARSE_DATA',
  'REG_EXP_BOILERPLATE_DESCRIPTION',
  'SCOPE_INFO',
  'STORE_HANDLER',
  'TEMPLATE_OBJECT_DESCRIPTION',
  'TRUSTED_BYTE_ARRAY',
  'TRUSTED_FIXED_ARRAY',
  'TRUSTED_WEAK_FIXED_ARRAY',
  'WEAK_FIXED_ARRAY',
]);
const CODE_WRAPPERS = new Set(['BYTECODE_WRAPPER', 'CODE_WRAPPER']);
const OBJECT_SHAPE = new Set(['MAP', 'DESCRIPTOR_ARRAY', 'STRONG_DESCRIPTOR_ARRAY', 'TRANSITION_ARRAY', 'PROTOTYPE_INFO', 'ENUM_CACHE', 'CELL']);

function internalTypeOf(view: HeapView, type: number, isReadOnly: boolean): SnapshotNodeType {
  const { layout } = view;
  const { column } = layout;
  const name = layout.typeNames[type] ?? '';
  if (ALWAYS_CODE.has(name) || (column >= WRAPPERS_ARE_CODE_FROM && CODE_WRAPPERS.has(name))) return 'code';
  if (column >= CODE_LIKE_FROM && (CODE_LIKE.has(name) || name.startsWith('UNCOMPILED_DATA') || name.startsWith('TURBOFAN_'))) return 'code';
  if (isFixedArrayType(layout, type) || name === 'FIXED_DOUBLE_ARRAY' || name === 'BYTE_ARRAY') return 'array';
  if (column >= OBJECT_SHAPE_FROM && OBJECT_SHAPE.has(name) && !(isReadOnly && name === 'MAP')) return 'object shape';
  return 'hidden';
}

/** The node type of objects of an instance type; `isReadOnly` says that they lie in read-only space, where maps are V8's own. */
export function snapshotTypeOf(view: HeapView, type: number, isReadOnly = false): SnapshotNodeType {
  const { layout } = view;
  if (isStringType(layout, type)) {
    const kind = stringKindOf(type);
    return kind === 'cons' ? 'concatenated string' : kind === 'sliced' ? 'sliced string' : 'string';
  }
  if (isJsFunctionType(layout, type) || type === typeNumber(layout, 'JS_BOUND_FUNCTION')) return 'closure';
  if (type === typeNumber(layout, 'JS_REG_EXP')) return 'regexp';
  if (type === typeNumber(layout, 'JS_PROXY')) return 'hidden';
  if (isJsReceiverType(layout, type)) return 'object';
  if (isContextType(layout, type)) return type === typeNumber(layout, 'NATIVE_CONTEXT') ? 'hidden' : 'object';
  switch (type) {
    case typeNumber(layout, 'SYMBOL'):
      return 'symbol';
    case typeNumber(layout, 'BIG_INT_BASE'):
      return 'bigint';
    case typeNumber(layout, 'HEAP_NUMBER'):
      return 'number';
    default:
      return internalTypeOf(view, type, isReadOnly);
  }
}

/**
 * The group of objects of an instance type in a summary by constructor: the node type in parentheses, `(system)` for hidden ones and
 * `system / Context` for contexts. JavaScript objects are grouped by their constructors instead: see ConstructorNames.
 */
export function snapshotGroupOf(view: HeapView, type: number): string {
  const nodeType = snapshotTypeOf(view, type);
  if (nodeType === 'hidden') return '(system)';
  if (nodeType === 'object') return isContextType(view.layout, type) ? 'system / Context' : '(object)';
  return `(${nodeType})`;
}

/** V8's name of an internal class, from that of its instance type: `FEEDBACK_VECTOR` is `FeedbackVector`, `JS_PROXY` is `JSProxy`. */
export function internalClassName(view: HeapView, type: number): string {
  if (isContextType(view.layout, type) && type !== typeNumber(view.layout, 'NATIVE_CONTEXT')) return 'Context';
  const name = view.layout.typeNames[type];
  if (name === undefined) return isFixedArrayType(view.layout, type) ? 'HashTable' : `type ${type}`;
  if (name === 'BIG_INT_BASE') return 'BigInt';
  return name
    .split('_')
    .map((part) => (part === 'JS' ? part : part.charAt(0) + part.slice(1).toLowerCase()))
    .join('');
}

/** V8 cuts names of nodes to this many characters (--heap-snapshot-string-limit). */
const NAME_LENGTH = 1024;

/**
 * The name of the object's node in V8's snapshot: a string's content, a function's own name, a constructor's name, `system / …`.
 * Where the snapshot names an internal array after who refers to it, this is empty. Undefined when there is no object at `address`.
 */
export function snapshotNameOf(view: HeapView, names: ConstructorNames, address: Address): string | undefined {
  const map = findMapOf(view, address);
  if (map === undefined) return undefined;
  const { layout } = view;
  const type = map.instanceType;
  switch (snapshotTypeOf(view, type)) {
    case 'string':
      return tryReadString(view, address, NAME_LENGTH)?.text ?? '';
    case 'concatenated string':
      return '(concatenated string)';
    case 'sliced string':
      return '(sliced string)';
    case 'closure': {
      const shared = findSharedFunctionInfo(view, address);
      return shared === undefined ? 'native_bind' : (tryRead(() => readSharedName(view, shared)) ?? '');
    }
    case 'regexp': {
      const source = tryRead(() => readTarget(view, objectStart(address) + layout.at.jsRegExpSource));
      return isStringAt(view, source) ? (tryReadString(view, source, NAME_LENGTH)?.text ?? '') : '';
    }
    case 'object':
      return isContextType(layout, type) ? 'system / Context' : names.nameOfMap(map.address, address);
    case 'symbol':
      return symbolFacts(view, address)?.isPrivate === true ? 'private symbol' : 'symbol';
    case 'bigint':
      return 'bigint';
    case 'number':
      return 'heap number';
    case 'array':
      return '';
    case 'code': {
      if (layout.typeNames[type] === 'SHARED_FUNCTION_INFO') return tryRead(() => readSharedName(view, objectStart(address))) ?? '';
      return ALWAYS_CODE.has(layout.typeNames[type] ?? '') ? '' : `system / ${internalClassName(view, type)}`;
    }
    case 'object shape':
    case 'hidden':
      return `system / ${internalClassName(view, type)}`;
  }
}
