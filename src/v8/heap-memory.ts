/**
 * The V8 heap of a core in one shared block of memory, addressed by 256 KiB slots: what the hot loops run over.
 *
 * An object is named by its word index (`ref`): slot * 32768 + offset within the slot in 8-byte words. A ref fits an int32 up to 16 GiB of heap, and
 * `words[2 * ref]` and `words[2 * ref + 1]` are the low and high half of its first word. Bitmaps have one bit a word: bit (ref & 31) of pair (ref >>> 5),
 * where the even element holds object starts and the odd one marks, so that both lie in one cache line.
 */
import { FaultError, LimitError } from '../errors.ts';
import { type Address, asAddress } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';

/** V8's page granule: every page starts at a multiple of it. */
export const SLOT_BYTES: number = 256 * 1024;
/** 8-byte words in a slot. */
export const SLOT_WORDS: number = SLOT_BYTES / 8;

/** Page numbers (address / 256 KiB) of user space fit 29 bits. */
const PAGE_NUMBER_END = 2 ** 29;

/** The multiplier of the hash of page numbers (2^32 divided by the golden ratio). */
export const SLOT_HASH = 0x9e3779b1;

/** The most heap that refs can name, in slots. */
const MAX_SLOTS: number = 2 ** 31 / SLOT_WORDS - 1;

/** A page of the V8 heap: what its header says. Addresses are of the dead process; sizes in bytes. */
export interface HeapPage {
  readonly base: Address;
  readonly size: number;
  /** Objects lie in [areaStart, areaEnd). */
  readonly areaStart: Address;
  readonly areaEnd: Address;
  /** Address of the Heap object; 0 for pages that isolates share. */
  readonly heap: Address;
  /** Address of the Space object; 0 for read-only pages of newer versions. */
  readonly owner: Address;
  readonly flags: number;
  /** Whether the page was made for one large object: what follows it on the page is no object. */
  readonly isLarge: boolean;
  /** Whether the page is a regular one of new space, which is filled from its start to its end. */
  readonly isNew: boolean;
  /** Whether the page belongs to a space of code. */
  readonly isCode: boolean;
  readonly firstSlot: number;
  readonly slots: number;
}

/** The parts of a heap memory that are shared between threads; plain data for a message. */
export interface HeapMemoryParts {
  readonly words: Uint32Array;
  readonly bits: Uint32Array;
  /**
   * Slots by page number: open addressing, two elements an entry (page number or -1, slot), at least half of them empty.
   * V8 asks for pages at random addresses, so a hash of a few cache lines beats any table by address.
   */
  readonly slotTable: Int32Array;
  /** 32 - log2 of the number of entries of `slotTable`. */
  readonly slotShift: number;
  readonly slotBase: Float64Array;
  readonly pages: readonly HeapPage[];
  /** 1 for a slot whose page is loaded and whose area was all in the core; 2 for one that was loaded with holes. */
  readonly slotState: Uint8Array;
}

const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);

/** Lays pages out into slots; the memory itself is empty until `loadPages`. */
export function allocateHeapMemory(found: readonly Omit<HeapPage, 'firstSlot' | 'slots'>[]): HeapMemoryParts {
  let slotCount = 0;
  const pages = found.map((page): HeapPage => {
    const slots = Math.ceil(page.size / SLOT_BYTES);
    const firstSlot = slotCount;
    slotCount += slots;
    return { ...page, firstSlot, slots };
  });
  if (slotCount > MAX_SLOTS) throw new LimitError('V8 pages of 256 KiB', slotCount, MAX_SLOTS);
  const slotBase = new Float64Array(shared(slotCount * 8));
  const log = Math.max(4, Math.ceil(Math.log2(slotCount + 1)) + 1);
  const slotTable = new Int32Array(shared(2 ** log * 8)).fill(-1);
  const slotShift = 32 - log;
  for (const page of pages) {
    for (let i = 0; i < page.slots; i++) {
      const base = page.base + i * SLOT_BYTES;
      slotBase[page.firstSlot + i] = base;
      let entry = Math.imul(base / SLOT_BYTES, SLOT_HASH) >>> slotShift;
      while (slotTable[entry * 2] !== -1) entry = (entry + 1) & (2 ** log - 1);
      slotTable[entry * 2] = base / SLOT_BYTES;
      slotTable[entry * 2 + 1] = page.firstSlot + i;
    }
  }
  return {
    words: new Uint32Array(shared(slotCount * SLOT_BYTES)),
    bits: new Uint32Array(shared(((slotCount * SLOT_WORDS) / 32) * 8)),
    slotTable,
    slotShift,
    slotBase,
    pages,
    slotState: new Uint8Array(shared(slotCount)),
  };
}

/** A range [start, end) of a page's area that the core does not hold; `isGuard` where the process could not touch it either. */
export interface AreaHole {
  readonly page: number;
  readonly start: Address;
  readonly end: Address;
  readonly isGuard: boolean;
}

/** Reads memory in large pieces: bytes that are present from `address` on, at most `target.length`; returns how many. */
export interface BulkReader {
  readInto(target: Uint8Array, address: Address): number;
  isReadable(address: Address, length: number): boolean;
  findMapping(address: Address): { readonly end: Address; readonly flags: number } | undefined;
}

/** Read, write and execute permission of a PT_LOAD (PF_R, PF_W, PF_X). */
const ANY_PERMISSION = 7;

/** How far to look on in a page when bytes are missing and no mapping tells. */
const HOLE_STEP = 4096;

/**
 * Reads the object area of one page into the memory; what the core does not hold is returned, and stays zero.
 * Two threads may load one page at a time: both write the same bytes.
 */
export function loadPage(parts: HeapMemoryParts, memory: BulkReader, index: number): AreaHole[] {
  const page = parts.pages[index]!;
  const bytes = new Uint8Array(parts.words.buffer, page.firstSlot * SLOT_BYTES, page.slots * SLOT_BYTES);
  const holes: AreaHole[] = [];
  let address = page.areaStart;
  while (address < page.areaEnd) {
    const count = memory.readInto(bytes.subarray(address - page.base, page.areaEnd - page.base), address);
    address += count;
    if (address >= page.areaEnd) break;
    const mapping = memory.findMapping(address);
    const end = Math.min(page.areaEnd, Math.max(mapping === undefined ? address + HOLE_STEP : mapping.end, address + 8));
    const isGuard = mapping !== undefined && (mapping.flags & ANY_PERMISSION) === 0;
    const last = holes.at(-1);
    if (count === 0 && last?.end === address && last.isGuard === isGuard) holes[holes.length - 1] = { ...last, end };
    else holes.push({ page: index, start: address, end, isGuard });
    address = end;
  }
  for (let slot = page.firstSlot; slot < page.firstSlot + page.slots; slot++) Atomics.store(parts.slotState, slot, holes.length === 0 ? SLOT_WHOLE : SLOT_HOLES);
  return holes;
}

/** Values of `slotState`. */
export const SLOT_WHOLE = 1;
const SLOT_HOLES = 2;

/** The slot of a page number, or -1 when no page of the heap has it. */
export function slotOfPage(parts: HeapMemoryParts, pageNumber: number): number {
  const { slotTable, slotShift } = parts;
  const mask = slotTable.length / 2 - 1;
  let entry = Math.imul(pageNumber, SLOT_HASH) >>> slotShift;
  for (;;) {
    const key = slotTable[entry * 2]!;
    if (key === pageNumber) return slotTable[entry * 2 + 1]!;
    if (key === -1) return -1;
    entry = (entry + 1) & mask;
  }
}

/** The ref of an address, or -1 when no page of the heap holds it. */
export function refOfAddress(parts: HeapMemoryParts, address: Address): number {
  const pageNumber = Math.floor(address / SLOT_BYTES);
  const slot = pageNumber < PAGE_NUMBER_END ? slotOfPage(parts, pageNumber) : -1;
  return slot < 0 ? -1 : slot * SLOT_WORDS + ((address % SLOT_BYTES) >>> 3);
}

/** The (untagged) address of a ref. */
export function addressOfRef(parts: HeapMemoryParts, ref: number): Address {
  return parts.slotBase[Math.floor(ref / SLOT_WORDS)]! + (ref % SLOT_WORDS) * 8;
}

/** Reads heap pages from the loaded block and everything else from the core. */
export class HeapMemoryReader implements MemoryReader {
  readonly #parts: HeapMemoryParts;
  readonly #core: MemoryReader;
  readonly #view: DataView;
  readonly #areaStart: Float64Array;
  readonly #areaEnd: Float64Array;

  constructor(parts: HeapMemoryParts, core: MemoryReader) {
    this.#parts = parts;
    this.#core = core;
    this.#view = new DataView(parts.words.buffer);
    this.#areaStart = new Float64Array(parts.slotBase.length);
    this.#areaEnd = new Float64Array(parts.slotBase.length);
    for (const page of parts.pages) {
      this.#areaStart.fill(page.areaStart, page.firstSlot, page.firstSlot + page.slots);
      this.#areaEnd.fill(page.areaEnd, page.firstSlot, page.firstSlot + page.slots);
    }
  }

  /** Offset in the loaded block of `length` bytes at `address`, or -1 when they are not all in one wholly loaded area. */
  #offset(address: Address, length: number): number {
    if (!(address >= 0)) return -1;
    const pageNumber = Math.floor(address / SLOT_BYTES);
    if (pageNumber >= PAGE_NUMBER_END) return -1;
    const slot = slotOfPage(this.#parts, pageNumber);
    if (slot < 0 || this.#parts.slotState[slot] !== SLOT_WHOLE || address < this.#areaStart[slot]! || address + length > this.#areaEnd[slot]!) return -1;
    return slot * SLOT_BYTES + (address - this.#parts.slotBase[slot]!);
  }

  readU8(address: Address): number {
    const offset = this.#offset(address, 1);
    return offset < 0 ? this.#core.readU8(address) : this.#view.getUint8(offset);
  }
  readU16(address: Address): number {
    const offset = this.#offset(address, 2);
    return offset < 0 ? this.#core.readU16(address) : this.#view.getUint16(offset, true);
  }
  readU32(address: Address): number {
    const offset = this.#offset(address, 4);
    return offset < 0 ? this.#core.readU32(address) : this.#view.getUint32(offset, true);
  }
  readI32(address: Address): number {
    const offset = this.#offset(address, 4);
    return offset < 0 ? this.#core.readI32(address) : this.#view.getInt32(offset, true);
  }
  readF64(address: Address): number {
    const offset = this.#offset(address, 8);
    return offset < 0 ? this.#core.readF64(address) : this.#view.getFloat64(offset, true);
  }
  readPointer(address: Address): Address | undefined {
    const offset = this.#offset(address, 8);
    if (offset < 0) return this.#core.readPointer(address);
    return asAddress(this.#view.getUint32(offset, true), this.#view.getUint32(offset + 4, true));
  }
  readBytes(address: Address, length: number): Uint8Array {
    const offset = this.#offset(address, length);
    if (offset < 0) return this.#core.readBytes(address, length);
    if (length > this.#view.byteLength) throw new FaultError(address, length, 'unmapped');
    return new Uint8Array(this.#parts.words.buffer, offset, length).slice();
  }
  isReadable(address: Address, length: number): boolean {
    return this.#offset(address, length) >= 0 || this.#core.isReadable(address, length);
  }
}
