/** ArrayBuffers and the views on them: sizes, where the bytes are, and their elements. */
import { type Address, asAddress } from '../bytes/address.ts';
import { type TypedArrayName, typedArrayNameOf } from './class-names.ts';
import { type HeapView, findMapOf, hasType, readTarget, readWord, tryRead } from './heap.ts';
import { objectStart, smiValue, strongTarget } from './tagged.ts';

/** JSArrayBuffer flags (objects/js-array-buffer.tq, the same from 9.4 to 14.6). */
const WAS_DETACHED = 4;
const IS_SHARED = 16;
const IS_RESIZABLE = 32;

/** JSArrayBufferView flags. */
const IS_LENGTH_TRACKING = 1;

const TAG = 1;

/** An ArrayBuffer or SharedArrayBuffer. */
export interface ArrayBufferFacts {
  readonly address: Address;
  readonly byteLength: number;
  /** Where the bytes are, outside of the V8 heap; undefined for an empty or detached buffer. */
  readonly backingStore: Address | undefined;
  readonly isShared: boolean;
  readonly isDetached: boolean;
  readonly isResizable: boolean;
}

/** A typed array or DataView. */
export interface BufferViewFacts {
  readonly address: Address;
  /** The kind of elements; undefined for a DataView. */
  readonly elementType: TypedArrayName | undefined;
  /** Elements of a typed array, bytes of a DataView. */
  readonly length: number;
  readonly byteLength: number;
  readonly byteOffset: number;
  readonly buffer: Address | undefined;
  /** Where the first element is: in the backing store, or in the V8 heap for a small array whose buffer nobody asked for. */
  readonly data: Address | undefined;
  /** Whether it ends where its resizable buffer ends. */
  readonly isLengthTracking: boolean;
  readonly isDetached: boolean;
}

/** Bytes of an element, by the name of the typed array. */
const ELEMENT_SIZES: Readonly<Record<TypedArrayName, number>> = {
  Uint8Array: 1,
  Int8Array: 1,
  Uint16Array: 2,
  Int16Array: 2,
  Uint32Array: 4,
  Int32Array: 4,
  Float32Array: 4,
  Float64Array: 8,
  Uint8ClampedArray: 1,
  BigUint64Array: 8,
  BigInt64Array: 8,
  Float16Array: 2,
};

/** A size that fits a JS number and can be one of a buffer; undefined for the rest, which is damage. */
function readSize(view: HeapView, address: Address): number | undefined {
  return asAddress(view.memory.readU32(address), view.memory.readU32(address + 4));
}

function readPointer(view: HeapView, address: Address): Address | undefined {
  const pointer = asAddress(view.memory.readU32(address), view.memory.readU32(address + 4));
  return pointer === 0 ? undefined : pointer;
}

/** Reads the ArrayBuffer at `address`; undefined when there is none, or a part of it is not in the core. */
export function tryReadArrayBuffer(view: HeapView, address: Address): ArrayBufferFacts | undefined {
  if (!hasType(view, address, 'JS_ARRAY_BUFFER')) return undefined;
  const start = objectStart(address);
  const { at } = view.layout;
  return tryRead(() => {
    const flags = view.memory.readU32(start + at.arrayBufferBitField);
    const isDetached = (flags & WAS_DETACHED) !== 0;
    const byteLength = readSize(view, start + at.arrayBufferByteLength);
    return {
      address: start,
      byteLength: isDetached ? 0 : (byteLength ?? 0),
      backingStore: isDetached || byteLength === undefined || byteLength === 0 ? undefined : readPointer(view, start + at.arrayBufferBackingStore),
      isShared: (flags & IS_SHARED) !== 0,
      isDetached,
      isResizable: (flags & IS_RESIZABLE) !== 0,
    };
  });
}

/** Where a typed array's elements are: external_pointer, to which an array in the heap adds its base (objects/js-array-buffer-inl.h: DataPtr). */
function findData(view: HeapView, start: Address): Address | undefined {
  const { at } = view.layout;
  const base = readWord(view, start + at.typedArrayBasePointer);
  const external = asAddress(view.memory.readU32(start + at.typedArrayExternalPointer), view.memory.readU32(start + at.typedArrayExternalPointer + 4));
  if (external === undefined) return undefined;
  if (smiValue(base) !== undefined) return external === 0 ? undefined : external;
  const target = strongTarget(base.lo, base.hi);
  return target === undefined ? undefined : target + TAG + external;
}

function isLengthTracking(view: HeapView, start: Address): boolean {
  const offset = view.layout.at.viewBitField;
  return !Number.isNaN(offset) && (view.memory.readU32(start + offset) & IS_LENGTH_TRACKING) !== 0;
}

/** Reads the typed array or DataView at `address`; undefined when there is none, or a part of it is not in the core. */
export function tryReadBufferView(view: HeapView, address: Address): BufferViewFacts | undefined {
  const map = findMapOf(view, address);
  const name = map === undefined ? '' : (view.layout.typeNames[map.instanceType] ?? '');
  const isTyped = name === 'JS_TYPED_ARRAY' || name === 'JS_DETACHED_TYPED_ARRAY';
  if (map === undefined || (!isTyped && name !== 'JS_DATA_VIEW' && name !== 'JS_RAB_GSAB_DATA_VIEW')) return undefined;
  const start = objectStart(address);
  const { at } = view.layout;
  return tryRead(() => {
    const buffer = readTarget(view, start + at.viewBuffer);
    const store = buffer === undefined ? undefined : tryReadArrayBuffer(view, buffer);
    const elementType = isTyped ? typedArrayNameOf(view, map.elementsKind) : undefined;
    const size = elementType === undefined ? 1 : ELEMENT_SIZES[elementType];
    const byteOffset = readSize(view, start + at.viewByteOffset) ?? 0;
    const tracking = isLengthTracking(view, start);
    const isDetached = store?.isDetached === true || name === 'JS_DETACHED_TYPED_ARRAY';
    const ownLength = isTyped && !Number.isNaN(at.typedArrayLength) ? readSize(view, start + at.typedArrayLength) : undefined;
    const ownBytes = ownLength === undefined ? (readSize(view, start + at.viewByteLength) ?? 0) : ownLength * size;
    const room = Math.max(0, (store?.byteLength ?? 0) - byteOffset);
    const bytes = isDetached ? 0 : tracking ? Math.floor(room / size) * size : ownBytes;
    const data = isTyped ? findData(view, start) : store?.backingStore === undefined ? undefined : store.backingStore + byteOffset;
    return {
      address: start,
      elementType,
      length: bytes / size,
      byteLength: bytes,
      byteOffset,
      buffer,
      data: bytes === 0 ? undefined : data,
      isLengthTracking: tracking,
      isDetached,
    };
  });
}

const HALF_EXPONENT_BIAS = 15;

/** The number that 16 bits of IEEE 754 binary16 stand for. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - HALF_EXPONENT_BIAS);
}

function readElement(data: DataView, type: TypedArrayName, index: number): number | bigint {
  switch (type) {
    case 'Uint8Array':
    case 'Uint8ClampedArray':
      return data.getUint8(index);
    case 'Int8Array':
      return data.getInt8(index);
    case 'Uint16Array':
      return data.getUint16(index * 2, true);
    case 'Int16Array':
      return data.getInt16(index * 2, true);
    case 'Uint32Array':
      return data.getUint32(index * 4, true);
    case 'Int32Array':
      return data.getInt32(index * 4, true);
    case 'Float32Array':
      return data.getFloat32(index * 4, true);
    case 'Float64Array':
      return data.getFloat64(index * 8, true);
    case 'BigUint64Array':
      return data.getBigUint64(index * 8, true);
    case 'BigInt64Array':
      return data.getBigInt64(index * 8, true);
    case 'Float16Array':
      return halfToNumber(data.getUint16(index * 2, true));
  }
}

/** Up to `limit` elements of a typed array, or bytes of a DataView, from `from` on; undefined when they are not in the core. */
export function readViewElements(view: HeapView, facts: BufferViewFacts, from: number, limit: number): (number | bigint)[] | undefined {
  const type = facts.elementType ?? 'Uint8Array';
  const size = ELEMENT_SIZES[type];
  const count = Math.max(0, Math.min(limit, facts.length - from));
  const { data } = facts;
  if (count === 0 || data === undefined) return [];
  const bytes = tryRead(() => view.memory.readBytes(data + from * size, count * size));
  if (bytes === undefined) return undefined;
  const elements = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, i) => readElement(elements, type, i));
}

/** Up to `limit` bytes of an ArrayBuffer; undefined when they are not in the core. */
export function readBufferBytes(view: HeapView, facts: ArrayBufferFacts, limit: number): Uint8Array | undefined {
  const store = facts.backingStore;
  const count = Math.min(limit, facts.byteLength);
  return store === undefined || count === 0 ? new Uint8Array(0) : tryRead(() => view.memory.readBytes(store, count));
}
