/**
 * The one context that all views of values take, and the trust check that stands before anything else: bytes are an object only
 * if their first word leads to a map, and a map is one only if its own map word leads to the map of maps.
 *
 * Addresses of objects may be given tagged or untagged; those handed out are untagged.
 */
import type { Address } from '../bytes/address.ts';
import { FaultError } from '../errors.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import { type V8Layout, isStringType, typeNumber } from './layout.ts';
import { WORD_SIZE, type Word, objectStart, strongTarget } from './tagged.ts';

/** A V8 heap to read from: the memory, and where things are in it. */
export interface HeapView {
  readonly memory: MemoryReader;
  readonly layout: V8Layout;
}

/** What the views need to know of one map (hidden class). */
export interface MapFacts {
  readonly address: Address;
  readonly instanceType: number;
  /** 0 for objects whose size their map does not give. */
  readonly instanceSizeWords: number;
  /** The word of an instance at which its in-object properties start; meaningful for JavaScript objects only. */
  readonly inObjectStart: number;
  readonly bitField: number;
  readonly bitField2: number;
  readonly bitField3: number;
  readonly elementsKind: number;
  readonly isDictionary: boolean;
  readonly ownDescriptors: number;
}

/** Maps remembered at a time, for one view. */
const MAP_CACHE_LIMIT = 1 << 18;

const MAP_CACHES = new WeakMap<HeapView, Map<Address, MapFacts | null>>();

function mapCacheOf(view: HeapView): Map<Address, MapFacts | null> {
  let cache = MAP_CACHES.get(view);
  if (cache === undefined) {
    cache = new Map<Address, MapFacts | null>();
    MAP_CACHES.set(view, cache);
  }
  if (cache.size >= MAP_CACHE_LIMIT) cache.clear();
  return cache;
}

/**
 * Reads the word at `address`.
 * @throws {FaultError} when it is not in the core
 */
export function readWord(view: HeapView, address: Address): Word {
  return { lo: view.memory.readU32(address), hi: view.memory.readU32(address + 4) };
}

/**
 * Reads the word at `address` and returns the object it refers to strongly; undefined when it is anything else.
 * @throws {FaultError} when it is not in the core
 */
export function readTarget(view: HeapView, address: Address): Address | undefined {
  return strongTarget(view.memory.readU32(address), view.memory.readU32(address + 4));
}

/**
 * Reads the Smi at `address`; undefined when the word is none.
 * @throws {FaultError} when it is not in the core
 */
export function readSmi(view: HeapView, address: Address): number | undefined {
  return view.memory.readU32(address) === 0 ? view.memory.readI32(address + 4) : undefined;
}

/** Runs a read and gives undefined where memory is absent. Every other error passes. */
export function tryRead<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FaultError) return undefined;
    throw error;
  }
}

function loadMap(view: HeapView, address: Address): MapFacts | undefined {
  const { memory, layout } = view;
  const { at } = layout;
  const metaMap = readTarget(view, address);
  if (metaMap === undefined || address % WORD_SIZE !== 0) return undefined;
  if (
    memory.readU16(metaMap + at.mapInstanceType) !== typeNumber(layout, 'MAP') ||
    memory.readU8(metaMap + at.mapInstanceSizeInWords) * WORD_SIZE !== at.mapSize
  )
    return undefined;
  const bitField2 = memory.readU8(address + at.mapBitField2);
  const bitField3 = memory.readU32(address + at.mapBitField3);
  return {
    address,
    instanceType: memory.readU16(address + at.mapInstanceType),
    instanceSizeWords: memory.readU8(address + at.mapInstanceSizeInWords),
    inObjectStart: memory.readU8(address + at.mapInobjectStart),
    bitField: memory.readU8(address + at.mapBitField),
    bitField2,
    bitField3,
    elementsKind: bitField2 >>> at.elementsKindShift,
    isDictionary: ((bitField3 >>> at.dictionaryMapShift) & 1) !== 0,
    ownDescriptors: (bitField3 & at.ownDescriptorsMask) >>> at.ownDescriptorsShift,
  };
}

/** The facts of the map at `address`, or undefined when what is there is no map or is not in the core. */
export function findMap(view: HeapView, address: Address): MapFacts | undefined {
  const start = objectStart(address);
  const cache = mapCacheOf(view);
  const known = cache.get(start);
  if (known !== undefined) return known ?? undefined;
  const facts = tryRead(() => loadMap(view, start));
  cache.set(start, facts ?? null);
  return facts;
}

/** The map of the object at `address`, or undefined when what is there cannot be trusted to be an object, or is not in the core. */
export function findMapOf(view: HeapView, address: Address): MapFacts | undefined {
  const start = objectStart(address);
  const map = start % WORD_SIZE === 0 ? tryRead(() => readTarget(view, start)) : undefined;
  return map === undefined ? undefined : findMap(view, map);
}

/** The instance type of the object at `address`, or -1 when there is none that can be trusted. */
export function instanceTypeAt(view: HeapView, address: Address | undefined): number {
  return address === undefined ? -1 : (findMapOf(view, address)?.instanceType ?? -1);
}

/** Whether the object at `address` has the instance type of that name. */
export function hasType(view: HeapView, address: Address | undefined, name: string): boolean {
  const wanted = typeNumber(view.layout, name);
  return wanted >= 0 && instanceTypeAt(view, address) === wanted;
}

/** Whether there is a string at `address`. */
export function isStringAt(view: HeapView, address: Address | undefined): address is Address {
  return address !== undefined && isStringType(view.layout, instanceTypeAt(view, address));
}

/** V8's name of an instance type, such as `JS_ARRAY`. */
export function typeName(view: HeapView, type: number): string {
  return view.layout.typeNames[type] ?? `type ${type}`;
}

/** The most elements that a FixedArray can have (objects/fixed-array.h: kMaxLength, 64 bits). */
const MAX_ARRAY_LENGTH: number = 2 ** 27;

/**
 * The length that a FixedArray or another array of words claims, or undefined when the claim cannot be true.
 * @throws {FaultError} when it is not in the core
 */
export function readArrayLength(view: HeapView, address: Address): number | undefined {
  const length = readSmi(view, objectStart(address) + view.layout.at.fixedArrayLength);
  return length !== undefined && length >= 0 && length <= MAX_ARRAY_LENGTH ? length : undefined;
}

/** Whether instance types of this number are FixedArrays, hash tables included: they stand between it and ByteArray (objects/fixed-array.tq). */
export function isFixedArrayType(layout: V8Layout, type: number): boolean {
  return type >= typeNumber(layout, 'FIXED_ARRAY') && type < typeNumber(layout, 'BYTE_ARRAY');
}

/** What an oddball (undefined, null, true, false, the holes and markers) stands for; `hole` for anything that JavaScript never sees. */
export type OddballName = 'undefined' | 'null' | 'true' | 'false' | 'hole';

/** Names the oddball at `address`; undefined when there is none. */
export function oddballAt(view: HeapView, address: Address | undefined): OddballName | undefined {
  if (address === undefined) return undefined;
  const type = instanceTypeAt(view, address);
  if (type < 0) return undefined;
  if (type === typeNumber(view.layout, 'HOLE')) return 'hole';
  if (type !== typeNumber(view.layout, 'ODDBALL')) return undefined;
  const { at } = view.layout;
  switch (tryRead(() => readSmi(view, objectStart(address) + at.oddballKind))) {
    case at.oddballUndefined:
      return 'undefined';
    case at.oddballNull:
      return 'null';
    case at.oddballTrue:
      return 'true';
    case at.oddballFalse:
      return 'false';
    default:
      return 'hole';
  }
}
