/** A small V8 heap in memory: lays objects out by a V8Layout, so that views can be tested on every shape of object and on every kind of damage. */
import type { Address } from '../../src/bytes/address.ts';
import { asAddress } from '../../src/bytes/address.ts';
import { FaultError } from '../../src/errors.ts';
import type { MemoryReader } from '../../src/target/memory-reader.ts';
import type { HeapView } from '../../src/v8/heap.ts';
import type { V8Layout } from '../../src/v8/layout.ts';
import { buildLayout, typeNumber } from '../../src/v8/layout.ts';
import type { Word } from '../../src/v8/tagged.ts';
import { wordOfAddress } from '../../src/v8/tagged.ts';

/** Instance types as V8 11.3 numbers them; the numbers serve for the other versions too. */
const TYPES: Readonly<Record<string, number>> = {
  INTERNALIZED_ONE_BYTE_STRING: 8,
  SEQ_ONE_BYTE_STRING: 40,
  SEQ_TWO_BYTE_STRING: 32,
  CONS_ONE_BYTE_STRING: 41,
  SLICED_ONE_BYTE_STRING: 43,
  EXTERNAL_ONE_BYTE_STRING: 42,
  EXTERNAL_TWO_BYTE_STRING: 34,
  UNCACHED_EXTERNAL_ONE_BYTE_STRING: 58,
  THIN_ONE_BYTE_STRING: 45,
  SYMBOL: 128,
  HEAP_NUMBER: 130,
  ODDBALL: 131,
  FUNCTION_TEMPLATE_INFO: 139,
  ACCESSOR_PAIR: 142,
  CLASS_POSITIONS: 152,
  ERROR_STACK_DATA: 155,
  PROTOTYPE_INFO: 165,
  SCRIPT: 167,
  TUPLE2: 172,
  FIXED_ARRAY: 175,
  EPHEMERON_HASH_TABLE: 176,
  NAME_DICTIONARY: 177,
  GLOBAL_DICTIONARY: 178,
  NUMBER_DICTIONARY: 179,
  ORDERED_HASH_MAP: 180,
  ORDERED_HASH_SET: 181,
  NAME_TO_INDEX_HASH_TABLE: 182,
  OBJECT_HASH_TABLE: 183,
  BYTE_ARRAY: 190,
  BYTECODE_ARRAY: 191,
  FIXED_DOUBLE_ARRAY: 192,
  SLOPPY_ARGUMENTS_ELEMENTS: 194,
  UNCOMPILED_DATA_WITHOUT_PREPARSE_DATA: 222,
  DESCRIPTOR_ARRAY: 236,
  SOURCE_TEXT_MODULE: 238,
  ACCESSOR_INFO: 242,
  CELL: 244,
  CODE: 245,
  CONTEXT_CELL: 246,
  FEEDBACK_VECTOR: 249,
  MAP: 255,
  PROPERTY_ARRAY: 259,
  PROPERTY_CELL: 260,
  SCOPE_INFO: 261,
  SHARED_FUNCTION_INFO: 262,
  WEAK_FIXED_ARRAY: 240,
  JS_PROXY: 278,
  JS_GLOBAL_OBJECT: 279,
  JS_GLOBAL_PROXY: 280,
  JS_MODULE_NAMESPACE: 281,
  JS_PRIMITIVE_WRAPPER: 1041,
  JS_OBJECT: 1057,
  JS_DATA_VIEW: 2059,
  JS_TYPED_ARRAY: 2061,
  JS_ARRAY_BUFFER: 2062,
  JS_PROMISE: 2063,
  JS_BOUND_FUNCTION: 2064,
  JS_FUNCTION: 2066,
  JS_ASYNC_FUNCTION_OBJECT: 2106,
  JS_ASYNC_GENERATOR_OBJECT: 2107,
  JS_MAP: 2108,
  JS_SET: 2109,
  JS_WEAK_MAP: 2110,
  JS_WEAK_SET: 2111,
  JS_ARGUMENTS_OBJECT: 2112,
  JS_ARRAY: 2113,
  JS_ARRAY_ITERATOR: 2114,
  JS_DATE: 2118,
  JS_ERROR: 2122,
  JS_REG_EXP: 2131,
  JS_WEAK_REF: 2151,
};

const FIRST_CONTEXT = 205;
export const CONTEXT_TYPES = ['AWAIT', 'BLOCK', 'CATCH', 'DEBUG_EVALUATE', 'EVAL', 'FUNCTION', 'MODULE', 'NATIVE', 'SCRIPT', 'WITH'] as const;

const CONSTANTS: Readonly<Record<string, number>> = {
  FirstNonstringType: 128,
  FirstContextType: FIRST_CONTEXT,
  LastContextType: FIRST_CONTEXT + CONTEXT_TYPES.length - 1,
  FirstJSFunctionType: 2066,
  LastJSFunctionType: 2082,
};

/** The layout of a V8 as its table has it; `version` is one of those with a table of their own. */
function fakeLayout(version = '11.3'): V8Layout {
  const constants = new Map(Object.entries(CONSTANTS));
  return buildLayout({ constants, fields: new Map(), types: new Map(Object.entries(TYPES)), nodeVersion: undefined, v8Version: `${version}.0` });
}

const BASE = 0x2000_0000_0000;
const MEBIBYTE = 1024 * 1024;

export const smi = (value: number): Word => ({ lo: 0, hi: value });
export const ref = (address: Address): Word => wordOfAddress(address);
export const weak = (address: Address): Word => ({ lo: (address % 2 ** 32) + 3, hi: Math.floor(address / 2 ** 32) });

/** A property for `object`: a word, or the two functions of an accessor. */
export type FakeProperty = Word | { readonly getter: Word; readonly setter: Word };

export interface FakeObjectOptions {
  readonly type?: string;
  readonly maker?: Word;
  readonly prototype?: Address;
  /** Words of the object's own kind between elements and properties. */
  readonly fields?: readonly Word[];
  /** Properties kept in the object; the others go to a PropertyArray. All by default. */
  readonly inObject?: number;
  readonly dictionary?: boolean;
  readonly elements?: Address;
  readonly elementsKind?: number;
  readonly bitField?: number;
  /** Whether the map says that its constructor made the object itself; true by default. */
  readonly isBase?: boolean;
  readonly isPrototype?: boolean;
}

export interface FakeScope {
  /** Number of the scope type; of a function by default. */
  readonly type?: number;
  readonly flags?: number;
  readonly locals?: readonly Address[];
  readonly name?: Word;
  readonly inferredName?: Address;
  readonly start?: number;
  readonly end?: number;
  /** A module's exports and imports with the numbers of their cells; gives the scope a module's part. */
  readonly cells?: readonly (readonly [Address, number])[];
}

export class FakeHeap implements MemoryReader {
  readonly layout: V8Layout;
  readonly view: HeapView;
  readonly oddballs: Readonly<Record<'undefined' | 'null' | 'true' | 'false' | 'hole', Address>>;
  readonly emptyArray: Address;
  /** Ranges [start, end) that are not in the core. */
  readonly absent: { readonly start: Address; readonly end: Address }[] = [];
  readonly #data: DataView<ArrayBuffer>;
  readonly #maps = new Map<string, Address>();
  readonly #metaMap: Address;
  #next = BASE;

  /** @param mebibytes room for objects */
  constructor(version = '11.3', mebibytes = 1) {
    this.#data = new DataView(new ArrayBuffer(mebibytes * MEBIBYTE));
    this.layout = fakeLayout(version);
    this.view = { memory: this, layout: this.layout };
    this.#metaMap = this.allocate(this.layout.at.mapSize);
    this.writeMap(this.#metaMap, 'MAP', { words: this.layout.at.mapSize / 8 });
    const { at } = this.layout;
    const oddball = (kind: number): Address => this.record('ODDBALL', 6, { [at.oddballKind]: smi(kind) });
    this.oddballs = {
      undefined: oddball(at.oddballUndefined),
      null: oddball(at.oddballNull),
      true: oddball(at.oddballTrue),
      false: oddball(at.oddballFalse),
      hole: oddball(2),
    };
    this.emptyArray = this.array([]);
  }

  // --- memory
  #offset(address: Address, length: number): number {
    if (!(address >= BASE && address + length <= this.#next)) throw new FaultError(address, length, 'unmapped');
    if (this.absent.some((range) => address < range.end && address + length > range.start)) throw new FaultError(address, length, 'not-saved');
    return address - BASE;
  }
  readU8(address: Address): number {
    return this.#data.getUint8(this.#offset(address, 1));
  }
  readU16(address: Address): number {
    return this.#data.getUint16(this.#offset(address, 2), true);
  }
  readU32(address: Address): number {
    return this.#data.getUint32(this.#offset(address, 4), true);
  }
  readI32(address: Address): number {
    return this.#data.getInt32(this.#offset(address, 4), true);
  }
  readF64(address: Address): number {
    return this.#data.getFloat64(this.#offset(address, 8), true);
  }
  readPointer(address: Address): Address | undefined {
    return asAddress(this.readU32(address), this.readU32(address + 4));
  }
  readBytes(address: Address, length: number): Uint8Array {
    return new Uint8Array(this.#data.buffer, this.#offset(address, length), length).slice();
  }
  isReadable(address: Address, length: number): boolean {
    try {
      return this.#offset(address, length) >= 0;
    } catch {
      return false;
    }
  }

  /** Where the memory begins, and where the next object will. */
  get range(): { readonly start: Address; readonly end: Address } {
    return { start: BASE, end: this.#next };
  }

  /** Makes a range absent, as if the core had not saved it. */
  lose(start: Address, length: number): void {
    this.absent.push({ start, end: start + length });
  }

  allocate(bytes: number): Address {
    const address = this.#next;
    this.#next += Math.ceil(bytes / 8) * 8;
    if (this.#next > BASE + this.#data.byteLength) throw new Error('the fake heap is full');
    return address;
  }
  setWord(address: Address, word: Word): void {
    this.#data.setUint32(address - BASE, word.lo, true);
    this.#data.setUint32(address - BASE + 4, word.hi, true);
  }
  setU8(address: Address, value: number): void {
    this.#data.setUint8(address - BASE, value);
  }
  setU16(address: Address, value: number): void {
    this.#data.setUint16(address - BASE, value, true);
  }
  setU32(address: Address, value: number): void {
    this.#data.setUint32(address - BASE, value, true);
  }
  setF64(address: Address, value: number): void {
    this.#data.setFloat64(address - BASE, value, true);
  }
  setBytes(address: Address, bytes: Uint8Array): void {
    new Uint8Array(this.#data.buffer).set(bytes, address - BASE);
  }

  // --- maps and plain records
  writeMap(
    address: Address,
    type: string,
    options: {
      words?: number;
      inObjectStart?: number;
      bitField?: number;
      bitField2?: number;
      bitField3?: number;
      prototype?: Word;
      maker?: Word;
      descriptors?: Word;
    } = {},
  ): void {
    const { at } = this.layout;
    const number =
      type.endsWith('_CONTEXT') && type !== 'NATIVE_CONTEXT'
        ? FIRST_CONTEXT + CONTEXT_TYPES.findIndex((name) => `${name}_CONTEXT` === type)
        : typeNumber(this.layout, type);
    if (number < 0) throw new Error(`no instance type ${type}`);
    this.setWord(address, ref(this.#metaMap));
    this.setU8(address + at.mapInstanceSizeInWords, options.words ?? 0);
    this.setU8(address + at.mapInobjectStart, options.inObjectStart ?? options.words ?? 0);
    this.setU16(address + at.mapInstanceType, number);
    this.setU8(address + at.mapBitField, options.bitField ?? 0);
    this.setU8(address + at.mapBitField2, options.bitField2 ?? 0);
    this.setU32(address + at.mapBitField3, options.bitField3 ?? 0);
    this.setWord(address + at.mapPrototype, options.prototype ?? smi(0));
    this.setWord(address + at.mapConstructor, options.maker ?? smi(0));
    this.setWord(address + at.mapDescriptors, options.descriptors ?? smi(0));
  }
  /** The one map of a type whose instances need nothing of it but the type. */
  mapOf(type: string): Address {
    let map = this.#maps.get(type);
    if (map === undefined) {
      map = this.allocate(this.layout.at.mapSize);
      this.#maps.set(type, map);
      this.writeMap(map, type);
    }
    return map;
  }
  /** An object of a type without properties: words at byte offsets. */
  record(type: string, words: number, fields: Readonly<Record<number, Word>> = {}): Address {
    const address = this.allocate(words * 8);
    this.setWord(address, ref(this.mapOf(type)));
    for (const [offset, word] of Object.entries(fields)) this.setWord(address + Number(offset), word);
    return address;
  }
  array(words: readonly Word[], type = 'FIXED_ARRAY'): Address {
    const address = this.record(type, 2 + words.length, { [this.layout.at.fixedArrayLength]: smi(words.length) });
    for (const [i, word] of words.entries()) this.setWord(address + this.layout.at.fixedArrayData + i * 8, word);
    return address;
  }
  number(value: number): Address {
    const address = this.record('HEAP_NUMBER', 2);
    this.setF64(address + this.layout.at.heapNumberValue, value);
    return address;
  }
  bigInt(digits: readonly number[], isNegative = false): Address {
    const address = this.record('BIG_INT_BASE', 2 + digits.length);
    this.setU32(address + this.layout.at.bigIntBitField, (digits.length << 1) | (isNegative ? 1 : 0));
    for (const [i, digit] of digits.entries()) this.setU32(address + this.layout.at.bigIntDigits + i * 8, digit);
    return address;
  }
  symbol(description: Address | undefined, flags = 0): Address {
    const { at } = this.layout;
    const address = this.record('SYMBOL', 3, { [at.symbolName]: ref(description ?? this.oddballs.undefined) });
    this.setU32(address + at.symbolFlags, flags);
    return address;
  }

  // --- strings
  string(text: string, type = 'SEQ_ONE_BYTE_STRING'): Address {
    const bytes = Buffer.from(text, type.includes('TWO_BYTE') ? 'utf16le' : 'latin1');
    const address = this.record(type, 2 + Math.ceil(bytes.length / 8));
    this.setU32(address + this.layout.at.stringLength, text.length);
    this.setBytes(address + this.layout.at.seqStringChars, bytes);
    return address;
  }
  cons(first: Address, second: Address, length: number): Address {
    const { at } = this.layout;
    const address = this.record('CONS_ONE_BYTE_STRING', 4, { [at.consFirst]: ref(first), [at.consSecond]: ref(second) });
    this.setU32(address + at.stringLength, length);
    return address;
  }
  sliced(parent: Address, offset: number, length: number): Address {
    const { at } = this.layout;
    const address = this.record('SLICED_ONE_BYTE_STRING', 4, { [at.slicedParent]: ref(parent), [at.slicedOffset]: smi(offset) });
    this.setU32(address + at.stringLength, length);
    return address;
  }
  thin(actual: Address, length: number): Address {
    const { at } = this.layout;
    const address = this.record('THIN_ONE_BYTE_STRING', 3, { [at.thinActual]: ref(actual) });
    this.setU32(address + at.stringLength, length);
    return address;
  }
  external(text: string, isCached = true): Address {
    const { at } = this.layout;
    const data = this.allocate(text.length + 8);
    this.setBytes(data, Buffer.from(text, 'latin1'));
    const raw = (address: Address): Word => ({ lo: address % 2 ** 32, hi: Math.floor(address / 2 ** 32) });
    const resource = this.allocate(32);
    for (const [i, word] of [raw(BASE), raw(data), { lo: text.length, hi: 0 }].entries()) this.setWord(resource + i * 8, word);
    const type = isCached ? 'EXTERNAL_ONE_BYTE_STRING' : 'UNCACHED_EXTERNAL_ONE_BYTE_STRING';
    const address = this.record(type, isCached ? 4 : 3, {
      [at.externalStringData - 8]: raw(resource),
      ...(isCached ? { [at.externalStringData]: raw(data) } : {}),
    });
    this.setU32(address + at.stringLength, text.length);
    return address;
  }

  // --- JavaScript objects
  #valueOf(property: FakeProperty): Word {
    const { at } = this.layout;
    return 'getter' in property
      ? ref(this.record('ACCESSOR_PAIR', 3, { [at.accessorGetter]: property.getter, [at.accessorGetter + 8]: property.setter }))
      : property;
  }
  #details(options: { isAccessor?: boolean; isDescriptor?: boolean; field?: number; order?: number }): Word {
    const { at } = this.layout;
    const place = options.isDescriptor === true ? 1 << at.propLocationShift : (options.field ?? 0) << at.propIndexShift;
    return smi((options.isAccessor === true ? 1 : 0) | place | ((options.order ?? 0) << at.dictionaryIndexShift));
  }
  nameDictionary(properties: readonly (readonly [Address, FakeProperty])[], order: (i: number) => number = (i) => i + 1): Address {
    const words: Word[] = [
      smi(properties.length),
      smi(0),
      smi(properties.length + 1),
      ...Array.from({ length: this.layout.at.nameDictionaryPrefix }, () => smi(0)),
    ];
    for (const [i, [key, value]] of properties.entries())
      words.push(ref(key), this.#valueOf(value), this.#details({ isAccessor: 'getter' in value, order: order(i) }));
    words.push(ref(this.oddballs.undefined), ref(this.oddballs.undefined), smi(0));
    return this.array(words, 'NAME_DICTIONARY');
  }
  /** An object with named properties; accessors stand in the descriptors. */
  object(properties: readonly (readonly [Address, FakeProperty])[] = [], options: FakeObjectOptions = {}): Address {
    const { at } = this.layout;
    const fields = options.fields ?? [];
    const start = 3 + fields.length;
    const stored = properties.filter(([, value]) => !('getter' in value)).length;
    const inObject = options.dictionary === true ? 0 : Math.min(options.inObject ?? stored, stored);
    const address = this.allocate((start + inObject) * 8);
    const overflow = this.record('PROPERTY_ARRAY', 2 + Math.max(0, stored - inObject), { [at.fixedArrayLength]: smi(Math.max(0, stored - inObject)) });
    const descriptors = this.record('DESCRIPTOR_ARRAY', at.descriptorArrayHeader / 8 + 3 * properties.length);
    this.setU16(descriptors + at.descriptorArrayCount, properties.length);
    let field = 0;
    for (const [i, [key, value]] of options.dictionary === true ? [] : properties.entries()) {
      const isAccessor = 'getter' in value;
      const entry = descriptors + at.descriptorArrayHeader + i * 24;
      this.setWord(entry, ref(key));
      this.setWord(entry + 8, this.#details(isAccessor ? { isAccessor, isDescriptor: true } : { field }));
      this.setWord(entry + 16, isAccessor ? this.#valueOf(value) : smi(0));
      if (isAccessor) continue;
      this.setWord(field < inObject ? address + (start + field) * 8 : overflow + at.fixedArrayData + (field - inObject) * 8, value);
      field++;
    }
    const map = this.allocate(at.mapSize);
    const INTERESTING = 1 << 28;
    this.writeMap(map, options.type ?? 'JS_OBJECT', {
      words: start + inObject,
      inObjectStart: start,
      bitField: options.bitField ?? 0,
      bitField2: ((options.elementsKind ?? 3) << at.elementsKindShift) | (options.isBase === false ? 0 : 1),
      bitField3:
        (options.dictionary === true ? 1 << at.dictionaryMapShift : properties.length << at.ownDescriptorsShift) |
        INTERESTING |
        (options.isPrototype === true ? 1 << 20 : 0),
      prototype: ref(options.prototype ?? this.oddballs.null),
      maker: options.maker ?? smi(0),
      descriptors: ref(descriptors),
    });
    this.setWord(address, ref(map));
    this.setWord(address + at.jsReceiverProperties, ref(options.dictionary === true ? this.nameDictionary(properties) : overflow));
    this.setWord(address + at.jsObjectElements, ref(options.elements ?? this.emptyArray));
    for (const [i, word] of fields.entries()) this.setWord(address + (3 + i) * 8, word);
    return address;
  }

  // --- functions
  scopeInfo(scope: FakeScope = {}): Address {
    const { at } = this.layout;
    const locals = scope.locals ?? [];
    const isRaw = at.scopeFlagsRaw === 1;
    const FUNCTION_NAME = 3 << 12;
    const INFERRED = 1 << 14;
    const flags =
      (scope.type ?? at.scopeTypeFunction) |
      (scope.flags ?? 0) |
      (scope.name === undefined ? 0 : FUNCTION_NAME) |
      (scope.inferredName === undefined ? 0 : INFERRED);
    const isHashed = locals.length >= at.scopeNamesInlined;
    const positions = [smi(scope.start ?? 0), smi(scope.end ?? 0)];
    const words: Word[] = [isRaw ? { lo: flags, hi: 0 } : smi(flags), smi(0), smi(locals.length), ...(isRaw ? positions : [])];
    const cellCount = scope.cells === undefined ? [] : [smi(scope.cells.length)];
    if (at.scopeModuleCountEarly === 1) words.push(...cellCount);
    if (isHashed) {
      const entries = locals.flatMap((name, i) => [ref(name), smi(i)]).reverse();
      const pairs = entries.flatMap((_, i) => (i % 2 === 0 ? [entries[i + 1]!, entries[i]!] : []));
      words.push(ref(this.array([smi(locals.length), smi(0), smi(locals.length), ...pairs], 'NAME_TO_INDEX_HASH_TABLE')));
    } else words.push(...locals.map((name) => ref(name)));
    words.push(...locals.map(() => smi(0)));
    if (scope.name !== undefined) words.push(scope.name, smi(0));
    if (scope.inferredName !== undefined) words.push(ref(scope.inferredName));
    if (!isRaw) words.push(...positions);
    if (scope.cells !== undefined)
      words.push(smi(0), ...(at.scopeModuleCountEarly === 1 ? [] : cellCount), ...scope.cells.flatMap(([name, index]) => [ref(name), smi(index), smi(0)]));
    return this.record('SCOPE_INFO', 1 + words.length, Object.fromEntries(words.map((word, i) => [8 + i * 8, word])));
  }
  script(name: Address | undefined, source: Address, lineEnds?: Address): Address {
    const { at } = this.layout;
    return this.record('SCRIPT', 18, {
      [at.scriptSource]: ref(source),
      [at.scriptName]: ref(name ?? this.oddballs.undefined),
      [at.scriptLineEnds]: lineEnds === undefined ? smi(0) : ref(lineEnds),
      [at.scriptLineOffset]: smi(0),
      [at.scriptColumnOffset]: smi(0),
      [at.scriptSourceUrl]: ref(this.oddballs.undefined),
    });
  }
  shared(nameOrScope: Word, script?: Address, options: { kind?: number; token?: number; data?: Word } = {}): Address {
    const { at } = this.layout;
    const data = Number.isNaN(at.sfiUntrustedData) ? at.sfiFunctionData : at.sfiUntrustedData;
    const address = this.record('SHARED_FUNCTION_INFO', 10, {
      [at.sfiNameOrScopeInfo]: nameOrScope,
      [at.sfiScript]: ref(script ?? this.oddballs.undefined),
      [data]: options.data ?? smi(1),
    });
    this.setU16(address + at.sfiTokenOffset, options.token ?? 0);
    this.setU32(address + at.sfiFlags, options.kind ?? 0);
    return address;
  }
  /** A function of that definition; a name alone makes one that is the language's. */
  function(nameOrShared: string | Address, options: { context?: Address; properties?: readonly (readonly [Address, FakeProperty])[] } = {}): Address {
    const { at } = this.layout;
    const shared = typeof nameOrShared === 'string' ? this.shared(ref(this.string(nameOrShared))) : nameOrShared;
    const first = at.jsFunctionShared / 8;
    const fields = Array.from({ length: first + 2 - 3 }, () => smi(0));
    fields[first - 3] = ref(shared);
    fields[first - 2] = ref(options.context ?? this.oddballs.undefined);
    return this.object(options.properties ?? [], { type: 'JS_FUNCTION', fields });
  }
  context(kind: (typeof CONTEXT_TYPES)[number], slots: readonly Word[]): Address {
    return this.array(slots, `${kind}_CONTEXT`);
  }
}
