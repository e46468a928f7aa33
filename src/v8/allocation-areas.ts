/** Linear allocation areas: memory that an isolate has set aside for new objects and not yet filled. Found by their (start, top, limit) words. */
import { FaultError } from '../errors.ts';
import { type Address, asAddress } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import { type HeapMemoryParts, type HeapPage, SLOT_WORDS, refOfAddress } from './heap-memory.ts';
import type { Isolate } from './isolate.ts';

/** The free part [top, limit) of an allocation area. */
export interface AllocationArea {
  readonly top: Address;
  readonly limit: Address;
}

/** How far into a Heap its allocation areas lie, and how long a Space object can be. */
const AFTER_HEAP = 0x4000;
const SPACE_BYTES = 0x800;

/** Memory that also says which of it the process could write to. */
export interface AreaMemory extends MemoryReader {
  isWritable(address: Address): boolean;
}

/** As many bytes as can be read from `start` on, at most `length`. */
function readUpTo(memory: MemoryReader, start: Address, length: number): Uint8Array {
  const STEP = 256;
  let available = length;
  while (available > 0 && !memory.isReadable(start, available)) available -= STEP;
  if (available <= 0) return new Uint8Array(0);
  try {
    return memory.readBytes(start, available);
  } catch (error) {
    if (error instanceof FaultError) return new Uint8Array(0);
    throw error;
  }
}

/** The page number of an address in the heap memory, or -1. */
function pageSlots(parts: HeapMemoryParts): Int32Array {
  const pageOfSlot = new Int32Array(parts.slotBase.length).fill(-1);
  for (const [index, page] of parts.pages.entries()) pageOfSlot.fill(index, page.firstSlot, page.firstSlot + page.slots);
  return pageOfSlot;
}

/** C++ objects that an isolate's words point to and that name its heap early on: local heaps and their allocators (heap/local-heap.h). */
function ownedObjects(parts: HeapMemoryParts, memory: AreaMemory, { address, heap }: Isolate): Address[] {
  const bytes = readUpTo(memory, address, heap + AFTER_HEAP - address);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const BACK_POINTER_WORDS = 4;
  const found = new Set<Address>();
  const seen = new Set<Address>();
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8) {
    const object = asAddress(view.getUint32(offset, true), view.getUint32(offset + 4, true));
    if (object === undefined || object < 0x1000 || object % 8 !== 0 || seen.has(object) || refOfAddress(parts, object) >= 0) continue;
    seen.add(object);
    // Most words of an isolate lead to code and tables in the binary.
    if (!memory.isWritable(object) || !memory.isReadable(object, BACK_POINTER_WORDS * 8)) continue;
    for (let word = 0; word < BACK_POINTER_WORDS; word++) if (memory.readPointer(object + word * 8) === heap) found.add(object);
  }
  return [...found];
}

function isWithin(page: HeapPage, address: Address | undefined): address is Address {
  return address !== undefined && address >= page.base && address < page.base + page.size;
}

/** Finds the allocation areas of all isolates; of areas with one limit the one with the larger top is the current one. */
export function findAllocationAreas(parts: HeapMemoryParts, memory: AreaMemory, isolates: readonly Isolate[]): AllocationArea[] {
  const pageOfSlot = pageSlots(parts);
  const topByLimit = new Map<Address, Address>();
  const scan = (start: Address, length: number): void => {
    const bytes = readUpTo(memory, start, length);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const pointer = (offset: number): Address | undefined => asAddress(view.getUint32(offset, true), view.getUint32(offset + 4, true));
    for (let offset = 0; offset + 24 <= bytes.length; offset += 8) {
      const top = pointer(offset + 8);
      if (top === undefined || top === 0 || top % 8 !== 0) continue;
      const limit = pointer(offset + 16);
      if (limit === undefined || limit <= top || limit % 8 !== 0) continue;
      const areaStart = pointer(offset);
      if (areaStart === undefined || areaStart > top) continue;
      const ref = refOfAddress(parts, areaStart);
      if (ref < 0) continue;
      const page = parts.pages[pageOfSlot[Math.floor(ref / SLOT_WORDS)]!];
      if (page === undefined || areaStart < page.areaStart || limit > page.areaEnd) continue;
      // An isolate's table of builtins is full of pointers into a code page, in rising order: an area's three stand alone.
      const before = offset >= 8 ? pointer(offset - 8) : undefined;
      const after = offset + 32 <= bytes.length ? pointer(offset + 24) : undefined;
      if (page.isCode && ((isWithin(page, before) && before < areaStart) || (isWithin(page, after) && after > limit))) continue;
      topByLimit.set(limit, Math.max(top, topByLimit.get(limit) ?? 0));
    }
  };
  for (const isolate of isolates) {
    scan(isolate.address, isolate.heap + AFTER_HEAP - isolate.address);
    for (const object of ownedObjects(parts, memory, isolate)) scan(object, SPACE_BYTES);
  }
  for (const owner of new Set(parts.pages.map((page) => page.owner))) if (owner !== 0) scan(owner, SPACE_BYTES);
  return [...topByLimit].map(([limit, top]) => ({ top, limit })).sort((a, b) => a.top - b.top);
}
