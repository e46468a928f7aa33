/**
 * Where things are in the heap of one V8 build: every offset, tag and instance type the engine uses, each with its origin.
 * A layout is plain data, so that worker threads can be handed one.
 */
import { UnsupportedError } from '../errors.ts';
import { CANNED, CANNED_TYPES, type CannedName, TABLE_VERSIONS, tableColumn } from './canned.ts';
import type { V8Metadata } from './metadata.ts';

type ConstantOrigin = 'symbol' | 'canned' | 'derived';

export interface LayoutConstant {
  readonly name: string;
  readonly value: number;
  readonly origin: ConstantOrigin;
  /** The symbol's name, the V8 source of a canned row, or the check that confirmed a derived value. */
  readonly note: string;
}

/** Symbols that give the value of a canned row, when the binary has them. */
const FIELD_OF_ROW: Partial<Record<CannedName, string>> = {
  descriptorArrayHeader: 'DescriptorArray.header_size',
  bytecodeArrayHeader: 'BytecodeArray.data',
  jsFunctionShared: 'JSFunction.shared',
  jsFunctionContext: 'JSFunction.context',
  sfiNameOrScopeInfo: 'SharedFunctionInfo.name_or_scope_info',
  sfiScript: 'SharedFunctionInfo.raw_script',
  sfiTokenOffset: 'SharedFunctionInfo.raw_function_token_offset',
  sfiFlags: 'SharedFunctionInfo.flags',
  jsReceiverProperties: 'JSReceiver.raw_properties_or_hash',
  jsObjectElements: 'JSObject.elements',
  jsArrayLength: 'JSArray.length',
  jsDateValue: 'JSDate.value',
  jsRegExpSource: 'JSRegExp.source',
  arrayBufferByteLength: 'JSArrayBuffer.byte_length',
  arrayBufferBackingStore: 'JSArrayBuffer.backing_store',
  viewByteOffset: 'JSArrayBufferView.byte_offset',
  viewByteLength: 'JSArrayBufferView.byte_length',
  typedArrayLength: 'JSTypedArray.length',
  typedArrayExternalPointer: 'JSTypedArray.external_pointer',
  typedArrayBasePointer: 'JSTypedArray.base_pointer',
  symbolName: 'Symbol.name',
  accessorGetter: 'AccessorPair.getter',
};

/** Constants that symbols give in every version, with the value to use should one be absent. */
const FIELDS = {
  mapInstanceSizeInWords: ['class', 'Map.instance_size_in_words', 8],
  mapInobjectStart: ['class', 'Map.inobject_properties_start_or_constructor_function_index', 9],
  mapInstanceType: ['class', 'Map.instance_type', 12],
  mapBitField: ['class', 'Map.bit_field', 14],
  mapBitField2: ['class', 'Map.bit_field2', 15],
  mapBitField3: ['class', 'Map.bit_field3', 16],
  mapPrototype: ['class', 'Map.prototype', 24],
  mapConstructor: ['class', 'Map.constructor_or_back_pointer', 32],
  mapDescriptors: ['class', 'Map.instance_descriptors', 40],
  mapTransitions: ['class', 'Map.raw_transitions', 64],
  stringLength: ['class', 'String.length', 12],
  seqStringChars: ['class', 'SeqOneByteString.chars', 16],
  consFirst: ['class', 'ConsString.first', 16],
  consSecond: ['class', 'ConsString.second', 24],
  slicedParent: ['class', 'SlicedString.parent', 16],
  slicedOffset: ['class', 'SlicedString.offset', 24],
  thinActual: ['class', 'ThinString.actual', 16],
  heapNumberValue: ['class', 'HeapNumber.value', 8],
  oddballKind: ['class', 'Oddball.kind', 40],
  fixedArrayLength: ['class', 'FixedArrayBase.length', 8],
  fixedArrayData: ['class', 'FixedArray.data', 16],
  scriptSource: ['class', 'Script.source', 8],
  scriptName: ['class', 'Script.name', 16],
  scriptLineEnds: ['class', 'Script.line_ends', 56],
  uncompiledInferredName: ['class', 'UncompiledData.inferred_name', 8],
  uncompiledStart: ['class', 'UncompiledData.start_position', 16],
  uncompiledEnd: ['class', 'UncompiledData.end_position', 20],
  allocationSiteWeakNext: ['class', 'AllocationSite.weak_next', 40],
  firstNonstringType: ['plain', 'FirstNonstringType', 128],
  firstContextType: ['plain', 'FirstContextType', undefined],
  lastContextType: ['plain', 'LastContextType', undefined],
  contextMinSlots: ['plain', 'context_min_slots', 2],
  contextPrevious: ['plain', 'context_idx_prev', 1],
  contextScopeInfo: ['plain', 'context_idx_scope_info', 0],
  ownDescriptorsShift: ['plain', 'bit_field3_number_of_own_descriptors_shift', 10],
  ownDescriptorsMask: ['plain', 'bit_field3_number_of_own_descriptors_mask', 0xffc00],
  dictionaryMapShift: ['plain', 'bit_field3_is_dictionary_map_shift', 21],
  propKindMask: ['plain', 'prop_kind_mask', 1],
  propLocationMask: ['plain', 'prop_location_mask', 32],
  propLocationShift: ['plain', 'prop_location_shift', 5],
  propAttributesMask: ['plain', 'prop_attributes_mask', 28],
  propAttributesShift: ['plain', 'prop_attributes_shift', 2],
  propIndexMask: ['plain', 'prop_index_mask', 0x1ff80000],
  propIndexShift: ['plain', 'prop_index_shift', 19],
  propRepresentationMask: ['plain', 'prop_representation_mask', 0x1c0],
  propRepresentationShift: ['plain', 'prop_representation_shift', 6],
  propRepresentationDouble: ['plain', 'prop_representation_double', 2],
  elementsKindDictionary: ['plain', 'elements_dictionary_elements', 13],
  oddballFalse: ['plain', 'OddballFalse', 0],
  oddballTrue: ['plain', 'OddballTrue', 1],
  oddballNull: ['plain', 'OddballNull', 3],
  oddballUndefined: ['plain', 'OddballUndefined', 4],
} as const;

export type LayoutName = CannedName | keyof typeof FIELDS;

/** Types of JavaScript objects start here in every supported version (JS_SPECIAL_API_OBJECT 1040, below the symbol's first API object). */
const FIRST_JS_OBJECT_TYPE = 1024;

/** Instance types are below this number; tables by type have this many rows. */
export const TYPE_LIMIT = 4096;

export interface V8Layout {
  /** `12.4`: the version of the target's V8, when it could be read. */
  readonly version: string | undefined;
  /** The version whose table fills what symbols do not give. */
  readonly table: string;
  /** The table's column, which some structures are told apart by. */
  readonly column: number;
  readonly exact: boolean;
  /** Every constant by name; NaN where nothing gave one, so that arithmetic with it is refused by the bounds checks. */
  readonly at: Readonly<Record<LayoutName, number>>;
  /** Instance types by name; -1 for one that this V8 does not have. */
  readonly types: Readonly<Record<string, number>>;
  /** Names by instance type, for messages and for internal objects. */
  readonly typeNames: Readonly<Record<number, string>>;
  /** Offsets of fields by `Class.field`, as the binary's symbols give them. */
  readonly fields: ReadonlyMap<string, number>;
  /** Names of stack frames by the number in their marker, such as `EntryFrame` (execution/frames.h: STACK_FRAME_TYPE_LIST). */
  readonly frameTypes: Readonly<Record<number, string>>;
  readonly firstJsFunctionType: number;
  readonly lastJsFunctionType: number;
  readonly constants: readonly LayoutConstant[];
  readonly missing: readonly { readonly name: string; readonly disables: string }[];
}

/** The number of an instance type, or -1 when this V8 has none of that name. */
export function typeNumber(layout: V8Layout, name: string): number {
  return layout.types[name] ?? -1;
}

/** Whether objects of an instance type are strings. */
export function isStringType(layout: V8Layout, type: number): boolean {
  return type >= 0 && type < layout.at.firstNonstringType;
}

/** Whether objects of an instance type are JSReceivers: things JavaScript code can hold that are not primitives. */
export function isJsReceiverType(layout: V8Layout, type: number): boolean {
  return type >= FIRST_JS_OBJECT_TYPE || (type >= typeNumber(layout, 'JS_PROXY') && type <= typeNumber(layout, 'JS_GLOBAL_PROXY')) || isModuleNamespace(layout, type);
}

function isModuleNamespace(layout: V8Layout, type: number): boolean {
  return type === typeNumber(layout, 'JS_MODULE_NAMESPACE') || type === typeNumber(layout, 'JS_DEFERRED_MODULE_NAMESPACE');
}

/** Whether objects of an instance type are plain functions (bound and wrapped functions have types of their own). */
export function isJsFunctionType(layout: V8Layout, type: number): boolean {
  return type >= layout.firstJsFunctionType && type <= layout.lastJsFunctionType;
}

/** Whether objects of an instance type are contexts of closures, blocks, modules or scripts, or native contexts. */
export function isContextType(layout: V8Layout, type: number): boolean {
  return type >= layout.at.firstContextType && type <= layout.at.lastContextType;
}

function readTypes(metadata: V8Metadata, column: number, note: (constant: LayoutConstant) => void): Map<string, number> {
  const types = new Map(metadata.types);
  for (const [name, value] of types) note({ name: `type ${name}`, value, origin: 'symbol', note: `v8dbg_type_*__${name}_TYPE` });
  for (const [name, rule] of Object.entries(CANNED_TYPES)) {
    const base = types.get(rule.from) ?? metadata.constants.get(rule.from);
    const delta = rule.delta[column];
    if (types.has(name) || base === undefined || delta === undefined) continue;
    types.set(name, base + delta);
    note({ name: `type ${name}`, value: base + delta, origin: 'canned', note: `${rule.from} ${delta < 0 ? '-' : '+'} ${Math.abs(delta)}` });
  }
  return types;
}

const FRAME_TYPE_PREFIX = 'frametype_';

function readFrameTypes(metadata: V8Metadata): Record<number, string> {
  const types = [...metadata.constants].filter(([name]) => name.startsWith(FRAME_TYPE_PREFIX));
  return Object.fromEntries(types.map(([name, value]) => [value, name.slice(FRAME_TYPE_PREFIX.length)]));
}

/**
 * Builds the layout of a target's V8: symbols first, then the table of its version or the nearest one.
 * @throws {UnsupportedError} when the binary carries no `v8dbg_` constants at all: it is not a Node binary
 */
export function buildLayout(metadata: V8Metadata): V8Layout {
  if (metadata.constants.size === 0) throw new UnsupportedError('the binary has no V8 postmortem constants (v8dbg_ symbols): it is not a Node.js binary');
  const version = metadata.v8Version?.split('.').slice(0, 2).join('.');
  const { column, exact } = version === undefined ? { column: TABLE_VERSIONS.length - 1, exact: false } : tableColumn(version);
  const constants: LayoutConstant[] = [];
  const missing: { name: string; disables: string }[] = [];
  const at: Partial<Record<LayoutName, number>> = {};
  const note = (constant: LayoutConstant): void => void constants.push(constant);
  for (const [name, row] of Object.entries(CANNED) as [CannedName, (typeof CANNED)[CannedName]][]) {
    const symbol = FIELD_OF_ROW[name];
    const known = symbol === undefined ? undefined : metadata.fields.get(symbol);
    const value = known ?? row.values[column];
    at[name] = value ?? Number.NaN;
    if (known !== undefined) note({ name, value: known, origin: 'symbol', note: `v8dbg_class_${symbol?.replace('.', '__') ?? ''}` });
    else if (value !== undefined) note({ name, value, origin: 'canned', note: row.source });
  }
  for (const [name, [kind, symbol, fallback]] of Object.entries(FIELDS) as [keyof typeof FIELDS, (typeof FIELDS)[keyof typeof FIELDS]][]) {
    const known = kind === 'class' ? metadata.fields.get(symbol) : metadata.constants.get(symbol);
    const value = known ?? fallback;
    at[name] = value ?? Number.NaN;
    if (known !== undefined) note({ name, value: known, origin: 'symbol', note: `v8dbg_${kind === 'class' ? `class_${symbol.replace('.', '__')}` : symbol}` });
    else if (value !== undefined) note({ name, value, origin: 'canned', note: `the same in every known version; no symbol ${symbol}` });
    else missing.push({ name: symbol, disables: 'closure contexts' });
  }
  const prefix = metadata.constants.get('namedictionaryshape_prefix_size');
  if (prefix !== undefined) at.nameDictionaryPrefix = prefix;
  const types = readTypes(metadata, column, note);
  const need = ['MAP', 'FIXED_ARRAY', 'BYTE_ARRAY', 'FEEDBACK_VECTOR', 'JS_OBJECT', 'JS_FUNCTION', 'SYMBOL'];
  const absent = need.filter((name) => !types.has(name));
  if (absent.length > 0) throw new UnsupportedError(`the binary's V8 constants lack the instance types ${absent.join(', ')}: its heap cannot be read`);
  const jsFunction = types.get('JS_FUNCTION')!;
  const FUNCTION_TYPES = 16; // JS_FUNCTION to JS_CLASS_CONSTRUCTOR, before the range had symbols (objects/js-function.tq, 9.4 and 10.2)
  return {
    version,
    table: TABLE_VERSIONS[column]!,
    column,
    exact,
    at: at as Record<LayoutName, number>,
    types: Object.fromEntries(types),
    typeNames: Object.fromEntries([...types].filter(([, value]) => value >= 0 && value < TYPE_LIMIT).map(([name, value]) => [value, name])),
    fields: metadata.fields,
    frameTypes: readFrameTypes(metadata),
    firstJsFunctionType: metadata.constants.get('FirstJSFunctionType') ?? jsFunction,
    lastJsFunctionType: metadata.constants.get('LastJSFunctionType') ?? jsFunction + FUNCTION_TYPES,
    constants,
    missing,
  };
}

/** A copy of a layout in which constants found in the heap itself replace what was assumed. */
export function withDerived(layout: V8Layout, derived: readonly (LayoutConstant & { readonly name: LayoutName })[]): V8Layout {
  if (derived.length === 0) return layout;
  const names = new Set<string>(derived.map((constant) => constant.name));
  return {
    ...layout,
    at: { ...layout.at, ...Object.fromEntries(derived.map((constant) => [constant.name, constant.value])) },
    constants: [...layout.constants.filter((constant) => !names.has(constant.name)), ...derived],
  };
}
