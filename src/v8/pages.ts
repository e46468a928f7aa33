/** Finds V8's pages in the core: every 256 KiB boundary is tested for a page header (facts: heap/memory-chunk.h of each version). */
import { type Address, asAddress } from '../bytes/address.ts';
import type { Mapping } from '../target/address-space.ts';
import { CANNED, TABLE_VERSIONS } from './canned.ts';
import { type HeapPage, SLOT_BYTES } from './heap-memory.ts';
import type { LayoutConstant, LayoutName, V8Layout } from './layout.ts';

/** A page as its header tells of it, before its space is known and it gets its place in the heap memory. */
export type FoundPage = Omit<HeapPage, 'firstSlot' | 'slots' | 'isLarge' | 'isNew' | 'isCode'>;

export interface PageSearch {
  /** Sorted by address. */
  readonly pages: readonly FoundPage[];
  /** Heap objects of the isolates that own pages, most pages first. */
  readonly heaps: readonly Address[];
  /** Header offsets that had to be taken from another version's table because the target's own found nothing. */
  readonly derived: readonly (LayoutConstant & { readonly name: LayoutName })[];
}

/** What the search asks of the dead process' memory. */
export interface PageMemory {
  readonly mappings: readonly Pick<Mapping, 'start' | 'savedEnd'>[];
  readInto(target: Uint8Array, address: Address): number;
}

const HEADER_BYTES = 128;
/** Objects start within this many bytes of the page's start in every version (code pages at 0x3030 at most). */
const MAX_AREA_OFFSET = 0x8000;
const MAX_PAGE_SIZE = 2 ** 40;
const FLAGS_END = 2 ** 40;
/** A Heap pointer shared by fewer pages than this is a coincidence; a new worker's isolate starts with more than 20. */
const MIN_PAGES_OF_HEAP = 9;

const HEADER_ROWS = ['pageMetadataIndirect', 'pageFreedFlag', 'pageFlags', 'pageSize', 'pageHeap', 'pageAreaStart', 'pageAreaEnd', 'pageOwner'] as const;
type HeaderOffsets = Record<(typeof HEADER_ROWS)[number], number>;

/** Reads one word as a number, 2^63 and more as Infinity: only addresses and sizes are wanted here. */
function word(view: DataView, offset: number): number {
  const hi = view.getUint32(offset + 4, true);
  return hi < 0x200000 ? hi * 0x1_0000_0000 + view.getUint32(offset, true) : Number.POSITIVE_INFINITY;
}

class HeaderReader {
  readonly #memory: PageMemory;
  readonly #page = new Uint8Array(HEADER_BYTES);
  readonly #metadata = new Uint8Array(HEADER_BYTES);
  readonly #offsets: HeaderOffsets;

  constructor(memory: PageMemory, offsets: HeaderOffsets) {
    this.#memory = memory;
    this.#offsets = offsets;
  }

  /** The page whose header is at `base`, or undefined when the bytes there are no header. */
  read(base: Address): FoundPage | undefined {
    const at = this.#offsets;
    if (this.#memory.readInto(this.#page, base) < HEADER_BYTES) return undefined;
    const header = new DataView(this.#page.buffer);
    let fields = header;
    if (at.pageMetadataIndirect === 1) {
      const metadata = asAddress(header.getUint32(8, true), header.getUint32(12, true));
      if (metadata === undefined || metadata === 0 || metadata % 8 !== 0) return undefined;
      if (this.#memory.readInto(this.#metadata, metadata) < HEADER_BYTES) return undefined;
      fields = new DataView(this.#metadata.buffer);
    }
    const flags = word(header, at.pageFlags);
    const size = word(fields, at.pageSize);
    const areaStart = word(fields, at.pageAreaStart);
    const areaEnd = word(fields, at.pageAreaEnd);
    if (!(areaStart > base && areaStart < base + MAX_AREA_OFFSET && areaEnd > areaStart && areaEnd <= base + size)) return undefined;
    if (size % 4096 !== 0 || size >= MAX_PAGE_SIZE || flags >= FLAGS_END || areaStart % 8 !== 0 || areaEnd % 8 !== 0) return undefined;
    const heap = word(fields, at.pageHeap);
    const owner = word(fields, at.pageOwner);
    if (heap >= 2 ** 47 || heap % 8 !== 0) return undefined;
    return { base, size, areaStart, areaEnd, heap, owner, flags };
  }
}

function searchWith(memory: PageMemory, offsets: HeaderOffsets): FoundPage[] {
  const reader = new HeaderReader(memory, offsets);
  const pages: FoundPage[] = [];
  let next = 0;
  for (const mapping of memory.mappings) {
    let base = Math.max(next, Math.ceil(mapping.start / SLOT_BYTES) * SLOT_BYTES);
    while (base + HEADER_BYTES <= mapping.savedEnd) {
      const page = reader.read(base);
      // The collector has given such a page back, but nobody has unmapped it yet, or it waits to be used again.
      if (page !== undefined && (page.flags & offsets.pageFreedFlag) === 0) pages.push(page);
      base += page === undefined ? SLOT_BYTES : Math.ceil(page.size / SLOT_BYTES) * SLOT_BYTES;
      next = base;
    }
  }
  return pages;
}

/** Keeps the pages whose heap is shared (0) or owns enough pages to be one; most pages first. */
function keepHeaps(found: readonly FoundPage[]): Pick<PageSearch, 'pages' | 'heaps'> {
  const counts = new Map<Address, number>();
  for (const page of found) counts.set(page.heap, (counts.get(page.heap) ?? 0) + 1);
  const heaps = [...counts]
    .filter(([heap, count]) => heap !== 0 && count >= MIN_PAGES_OF_HEAP)
    .sort((a, b) => b[1] - a[1])
    .map(([heap]) => heap);
  const known = new Set(heaps);
  return { pages: found.filter((page) => page.heap === 0 || known.has(page.heap)), heaps };
}

/** Finds the V8 pages of all isolates; tries the header layouts of the other versions when the target's own finds no heap. */
export function findPages(memory: PageMemory, layout: V8Layout): PageSearch {
  const own = Object.fromEntries(HEADER_ROWS.map((name) => [name, layout.at[name]])) as HeaderOffsets;
  const kept = keepHeaps(searchWith(memory, own));
  if (kept.heaps.length > 0) return { ...kept, derived: [] };
  for (const [column, version] of TABLE_VERSIONS.entries()) {
    if (column === layout.column) continue;
    const offsets = Object.fromEntries(HEADER_ROWS.map((name) => [name, CANNED[name].values[column]])) as HeaderOffsets;
    const tried = keepHeaps(searchWith(memory, offsets));
    if (tried.heaps.length === 0) continue;
    const note = `page headers fit those of V8 ${version}: ${tried.pages.length} pages`;
    return { ...tried, derived: HEADER_ROWS.map((name) => ({ name, value: offsets[name], origin: 'derived' as const, note })) };
  }
  return { pages: [], heaps: [], derived: [] };
}
