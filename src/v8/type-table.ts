/** What each instance type means for the walk (how large its objects are) and for marking (which of their words are references). */
import { TYPE_LIMIT, type V8Layout, isContextType, isJsFunctionType, isJsReceiverType, isStringType, typeNumber } from './layout.ts';

/** How the size of a variable-sized object is found. A const object instead of an enum: its values stand in typed arrays. */
export const SizeKind = {
  /** Not sized: the next valid map word ends it. */
  unknown: 0,
  /** instance_size of the map. */
  fixed: 1,
  /** param + 8 * Smi at 8. */
  words: 2,
  /** 16 + Smi at 8, rounded up to 8. */
  bytes: 3,
  seqOneByte: 4,
  seqTwoByte: 5,
  /** header + 24 * uint16 at 8. */
  descriptors: 6,
  /** 16 + 8 * low 10 bits of the Smi at 8. */
  propertyArray: 7,
  /** param + 8 * uint32 at 8. */
  feedbackVector: 8,
  /** slots uint32 at 8 in 5-bit fields, closures uint32 at 12. */
  feedbackMetadata: 9,
  bytecode: 10,
  freeSpace: 11,
  bigInt: 12,
  scopeInfo: 13,
  preparseData: 14,
  smallOrdered: 15,
  coverage: 16,
  code: 17,
  /** The map word alone: a Hole's payload is memory that nobody may touch (objects/hole.h, 14.x). */
  mapOnly: 18,
} as const;

/** Which words of an object are references. */
export const BodyKind = {
  /** None. */
  none: 0,
  /** Every word from 8 on; a word is a strong reference when its tag says so. */
  all: 1,
  /** Words from 8 up to the param. */
  header: 2,
  /** Key/value pairs of an ephemeron table. */
  ephemerons: 3,
  /** All but the words that a type holds weakly though they look strong. */
  skipOne: 4,
  skipTwo: 5,
  /** All but the last two words: a native context's weak link to the next one and its microtask queue. */
  skipLast: 6,
  /** A function: counted by its definition. */
  function: 7,
  /** An ArrayBuffer: its external bytes are added up. */
  arrayBuffer: 8,
  externalString: 9,
  /** JavaScript containers whose entries are looked at. */
  jsArray: 10,
  jsCollection: 11,
  jsObject: 12,
} as const;

/** Tables by instance type; plain typed arrays so that workers can be handed them. */
export interface TypeTable {
  readonly sizeKind: Uint8Array;
  readonly sizeParam: Uint16Array;
  readonly bodyKind: Uint8Array;
  readonly bodyParam: Uint16Array;
}

const STRING_REPRESENTATION_MASK = 7;
const SEQ = 0;
const EXTERNAL = 2;
const ONE_BYTE = 8;

function fillStrings(table: TypeTable, layout: V8Layout): void {
  for (let type = 0; isStringType(layout, type); type++) {
    const representation = type & STRING_REPRESENTATION_MASK;
    table.sizeKind[type] = representation === SEQ ? ((type & ONE_BYTE) === 0 ? SizeKind.seqTwoByte : SizeKind.seqOneByte) : SizeKind.fixed;
    table.bodyKind[type] = representation === SEQ ? BodyKind.none : representation === EXTERNAL ? BodyKind.externalString : BodyKind.all;
  }
}

/** FixedArray and the hash tables, whose types stand between it and ByteArray (objects/fixed-array.tq; instance types are numbered by class). */
const WORDS_16 = [
  'WEAK_FIXED_ARRAY',
  'TRANSITION_ARRAY',
  'EMBEDDER_DATA_ARRAY',
  'CLOSURE_FEEDBACK_CELL_ARRAY',
  'TRUSTED_FIXED_ARRAY',
  'PROTECTED_FIXED_ARRAY',
  'PROTECTED_WEAK_FIXED_ARRAY',
  'TRUSTED_WEAK_FIXED_ARRAY',
  'FIXED_DOUBLE_ARRAY',
  'EXTERNAL_POINTER_ARRAY',
];

/** Types laid out as [map, length, capacity or two more slots, ...]. */
const WORDS_24 = ['WEAK_ARRAY_LIST', 'ARRAY_LIST', 'DEPENDENT_CODE'];
const WORDS_32 = ['SLOPPY_ARGUMENTS_ELEMENTS', 'OBJECT_BOILERPLATE_DESCRIPTION', 'SCRIPT_CONTEXT_TABLE'];

function fillSizes(table: TypeTable, layout: V8Layout): void {
  const set = (name: string, kind: number, param = 0): void => {
    const type = typeNumber(layout, name);
    if (type < 0 || type >= TYPE_LIMIT) return;
    table.sizeKind[type] = kind;
    table.sizeParam[type] = param;
  };
  const range = (from: number, to: number, param: number): void => {
    for (let type = from; type >= 0 && type < to && type < TYPE_LIMIT; type++) {
      table.sizeKind[type] = SizeKind.words;
      table.sizeParam[type] = param;
    }
  };
  range(typeNumber(layout, 'FIXED_ARRAY'), typeNumber(layout, 'BYTE_ARRAY'), 16);
  range(layout.at.firstContextType, layout.at.lastContextType + 1, 16);
  for (const name of WORDS_16) set(name, SizeKind.words, 16);
  for (const name of WORDS_24) set(name, SizeKind.words, 24);
  // These were plain FixedArrays, within that range, before they got two slots and types of their own (12.x).
  for (const name of WORDS_32) set(name, SizeKind.words, 32);
  set('NATIVE_CONTEXT', SizeKind.words, 24);
  set('REG_EXP_MATCH_INFO', SizeKind.words, 40);
  set('BYTE_ARRAY', SizeKind.bytes);
  set('TRUSTED_BYTE_ARRAY', SizeKind.bytes);
  set('DESCRIPTOR_ARRAY', SizeKind.descriptors, layout.at.descriptorArrayHeader);
  set('STRONG_DESCRIPTOR_ARRAY', SizeKind.descriptors, layout.at.descriptorArrayHeader);
  set('PROPERTY_ARRAY', SizeKind.propertyArray);
  set('FEEDBACK_VECTOR', SizeKind.feedbackVector, layout.at.feedbackVectorHeader);
  // Feedback metadata counts closure parameters in 16-bit fields behind the slots since 13.x (objects/feedback-vector.h).
  set('FEEDBACK_METADATA', SizeKind.feedbackMetadata, layout.column >= 4 ? 2 : 0);
  set('BYTECODE_ARRAY', SizeKind.bytecode, layout.at.bytecodeArrayHeader);
  set('FREE_SPACE', SizeKind.freeSpace, layout.at.freeSpaceUnit);
  set('BIG_INT_BASE', SizeKind.bigInt);
  set('SCOPE_INFO', SizeKind.scopeInfo);
  set('PREPARSE_DATA', SizeKind.preparseData);
  set('SMALL_ORDERED_HASH_SET', SizeKind.smallOrdered, 1);
  set('SMALL_ORDERED_HASH_MAP', SizeKind.smallOrdered, 2);
  set('SMALL_ORDERED_NAME_DICTIONARY', SizeKind.smallOrdered, 3);
  set('COVERAGE_INFO', SizeKind.coverage);
  set('HOLE', SizeKind.mapOnly);
  set(typeNumber(layout, 'INSTRUCTION_STREAM') >= 0 ? 'INSTRUCTION_STREAM' : 'CODE', SizeKind.code);
}

const RAW_TYPES = [
  'BYTE_ARRAY',
  'TRUSTED_BYTE_ARRAY',
  'FIXED_DOUBLE_ARRAY',
  'HEAP_NUMBER',
  'BIG_INT_BASE',
  'FREE_SPACE',
  'FILLER',
  'FEEDBACK_METADATA',
  'COVERAGE_INFO',
  'FOREIGN',
  'TRUSTED_FOREIGN',
  'EXTERNAL_POINTER_ARRAY',
];

function fillBodies(table: TypeTable, layout: V8Layout): void {
  const set = (name: string, kind: number, param = 0): void => {
    const type = typeNumber(layout, name);
    if (type >= 0 && type < TYPE_LIMIT) {
      table.bodyKind[type] = kind;
      table.bodyParam[type] = param;
    }
  };
  for (const name of RAW_TYPES) set(name, BodyKind.none);
  set('BYTECODE_ARRAY', BodyKind.header, layout.at.bytecodeArrayHeader & ~7);
  set(typeNumber(layout, 'INSTRUCTION_STREAM') >= 0 ? 'INSTRUCTION_STREAM' : 'CODE', BodyKind.header, layout.at.codeHeader);
  // Fields that the collector treats as weak although their words are tagged strong (objects/js-weak-refs.h, allocation-site.h).
  set('JS_WEAK_REF', BodyKind.skipOne, layout.at.jsWeakRefTarget);
  set('WEAK_CELL', BodyKind.skipTwo, layout.at.weakCellTarget);
  set('ALLOCATION_SITE', BodyKind.skipOne, layout.at.allocationSiteWeakNext);
  set('JS_ARRAY_BUFFER', BodyKind.arrayBuffer);
  set('JS_ARRAY', BodyKind.jsArray);
  set('JS_MAP', BodyKind.jsCollection);
  set('JS_SET', BodyKind.jsCollection);
}

/** Builds the tables for a layout. Objects of types that nothing here names have the size of their map and are all references. */
export function buildTypeTable(layout: V8Layout): TypeTable {
  const table: TypeTable = {
    sizeKind: new Uint8Array(TYPE_LIMIT),
    sizeParam: new Uint16Array(TYPE_LIMIT),
    bodyKind: new Uint8Array(TYPE_LIMIT).fill(BodyKind.all),
    bodyParam: new Uint16Array(TYPE_LIMIT),
  };
  fillStrings(table, layout);
  fillSizes(table, layout);
  fillBodies(table, layout);
  for (let type = 0; type < TYPE_LIMIT; type++) {
    if (isJsFunctionType(layout, type)) table.bodyKind[type] = BodyKind.function;
    else if (isJsReceiverType(layout, type) && table.bodyKind[type] === BodyKind.all && type >= typeNumber(layout, 'JS_PRIMITIVE_WRAPPER')) table.bodyKind[type] = BodyKind.jsObject;
  }
  const nativeContext = typeNumber(layout, 'NATIVE_CONTEXT');
  if (isContextType(layout, nativeContext)) table.bodyKind[nativeContext] = BodyKind.skipLast;
  return table;
}
