/** Names of V8's spaces: the number that a Space object carries, per version (common/globals.h: enum AllocationSpace). */
import type { Address } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import { type HeapPage, SLOT_BYTES } from './heap-memory.ts';
import type { V8Layout } from './layout.ts';
import type { FoundPage } from './pages.ts';

const OLDER = ['read-only', 'old', 'code', 'map', 'large', 'code large', 'new large', 'new'];
const V12 = ['read-only', 'new', 'old', 'code', 'shared', 'trusted', 'new large', 'large', 'code large', 'shared large', 'trusted large'];
const V13 = ['read-only', 'new', 'old', 'code', 'shared', 'trusted', 'shared trusted', 'new large', 'large', 'code large', 'shared large', 'shared trusted large', 'trusted large'];

/** By column of TABLE_VERSIONS. */
const SPACE_NAMES: readonly (readonly string[])[] = [OLDER, OLDER, ['read-only', 'new', 'old', 'code', 'shared', 'new large', 'large', 'code large', 'shared large'], V12, V13, V13];

/** MemoryChunk flags that have kept their place in all versions. */
const FROM_PAGE = 1 << 3;
const TO_PAGE = 1 << 4;
/** READ_ONLY_HEAP of 9.4, whose read-only pages still name the isolate's heap. */
const READ_ONLY_9_4 = 1 << 21;

/** Whether a page belongs to the half of new space that was being collected: what is on it is left over, not live. */
export function isFromPage(page: Pick<HeapPage, 'flags'>): boolean {
  return (page.flags & FROM_PAGE) !== 0;
}

/** Whether a page belongs to the half of new space that objects are allocated in, and moved to while it is being collected. */
export function isToPage(page: Pick<HeapPage, 'flags'>): boolean {
  return (page.flags & TO_PAGE) !== 0;
}

/** Whether a page is of read-only space, whose objects all live for ever. */
export function isReadOnlyPage(page: Pick<HeapPage, 'heap' | 'flags' | 'owner'>, layout: V8Layout): boolean {
  return page.heap === 0 || (layout.column === 0 && (page.flags & READ_ONLY_9_4) !== 0 && (page.flags & (FROM_PAGE | TO_PAGE)) === 0);
}

/** The name of the space that a page belongs to; `unknown` when its Space object cannot be read or has a number this version does not know. */
export function spaceName(page: FoundPage, layout: V8Layout, memory: MemoryReader): string {
  if (isReadOnlyPage(page, layout)) return 'read-only';
  const at: Address = page.owner + layout.at.spaceId;
  const isKnown = page.owner !== 0 && memory.isReadable(at, 4);
  const name = isKnown ? (SPACE_NAMES[layout.column]?.[memory.readU32(at)] ?? 'unknown') : 'unknown';
  // A scavenge takes large objects from their space before it decides where they go; regular pages have one size.
  if ((page.flags & (FROM_PAGE | TO_PAGE)) !== 0) return page.size === SLOT_BYTES && name !== 'new large' ? 'new' : 'new large';
  return name;
}

/** What a page's space says of the objects on it. */
export function pageUse(page: FoundPage, layout: V8Layout, memory: MemoryReader): Pick<HeapPage, 'isLarge' | 'isNew' | 'isCode'> {
  const name = spaceName(page, layout, memory);
  return { isLarge: page.size > SLOT_BYTES || name.endsWith('large'), isNew: name === 'new', isCode: name.startsWith('code') };
}

/** Header words that are searched for links between pages. */
const HEADER_WORDS = 64;

/**
 * Pages of new space that the allocator has not come to since the last collection: those behind the page it is on, in the order of the space's list.
 * What is on them is left over. The list's links (MemoryChunk::list_node_, heap/list.h) are found as the header word that most pages use for another page.
 * `currentPages` are the bases of the pages that hold an allocation area. Empty where no such word is found (newer versions keep the links outside of the pages).
 */
export function unreachedPages(pages: readonly FoundPage[], memory: MemoryReader, currentPages: ReadonlySet<Address>): Set<Address> {
  const unreached = new Set<Address>();
  const ownerOf = new Map(pages.filter((page) => (page.flags & TO_PAGE) !== 0 && page.size <= SLOT_BYTES).map((page) => [page.base, page.owner]));
  for (const owner of new Set(ownerOf.values())) {
    const bases = [...ownerOf].filter(([, pageOwner]) => pageOwner === owner).map(([base]) => base);
    const current = bases.find((base) => currentPages.has(base));
    if (bases.length < 2 || current === undefined) continue;
    const next = new Map<Address, Address>();
    for (let word = 0; word < HEADER_WORDS && next.size < bases.length - 1; word++) {
      next.clear();
      for (const base of bases) {
        const linked = memory.isReadable(base + word * 8, 8) ? memory.readPointer(base + word * 8) : undefined;
        if (linked !== undefined && linked !== base && ownerOf.get(linked) === owner) next.set(base, linked);
      }
    }
    if (next.size < bases.length - 1) continue;
    for (let base = next.get(current); base !== undefined && !unreached.has(base) && base !== current; base = next.get(base)) unreached.add(base);
  }
  return unreached;
}
