/** Names of V8's spaces: the number that a Space object carries, per version (common/globals.h: enum AllocationSpace). */
import type { Address } from '../bytes/address.ts';
import type { MemoryReader } from '../target/memory-reader.ts';
import type { HeapPage } from './heap-memory.ts';
import type { V8Layout } from './layout.ts';

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

/** Whether a page is of read-only space, whose objects all live for ever. */
export function isReadOnlyPage(page: Pick<HeapPage, 'heap' | 'flags' | 'owner'>, layout: V8Layout): boolean {
  return page.heap === 0 || (layout.column === 0 && (page.flags & READ_ONLY_9_4) !== 0 && (page.flags & (FROM_PAGE | TO_PAGE)) === 0);
}

/** The name of the space that a page belongs to; `unknown` when its Space object cannot be read or has a number this version does not know. */
export function spaceName(page: HeapPage, layout: V8Layout, memory: MemoryReader): string {
  if (isReadOnlyPage(page, layout)) return 'read-only';
  if ((page.flags & (FROM_PAGE | TO_PAGE)) !== 0 && page.slots === 1) return 'new';
  const at: Address = page.owner + layout.at.spaceId;
  if (page.owner === 0 || !memory.isReadable(at, 4)) return 'unknown';
  return SPACE_NAMES[layout.column]?.[memory.readU32(at)] ?? 'unknown';
}
