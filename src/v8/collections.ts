/** The entries of Map, Set, WeakMap and WeakSet. */
import { type Address } from '../bytes/address.ts';
import { hashTableCount } from './elements.ts';
import { type HeapView, findMapOf, instanceTypeAt, isFixedArrayType, oddballAt, readArrayLength, readSmi, readTarget, readWord, tryRead } from './heap.ts';
import { typeNumber } from './layout.ts';
import { WORD_SIZE, type Word, objectStart, strongTarget } from './tagged.ts';

/** What holds entries. */
export type CollectionKind = 'map' | 'set' | 'weakMap' | 'weakSet';

/** One entry; of a set only the key. */
interface CollectionEntry {
  readonly key: Word;
  readonly value: Word | undefined;
}

/** Called for each entry; false ends the visit. */
type EntryVisitor = (key: Word, value: Word | undefined) => boolean;

/** OrderedHashTable: counts of entries, of deleted ones and of buckets, then the buckets, then the entries (objects/ordered-hash-table.h). */
const ORDERED_HEADER_WORDS = 3;
/** HashTable: counts of elements, of deleted ones and the capacity; an EphemeronHashTable has no prefix and pairs for entries. */
const EPHEMERON_START = 3;
const PAIR_WORDS = 2;

/** An iterator may hold a table that was replaced; such tables lead to their successors. */
const MAX_OBSOLETE = 64;

/** The kind of the collection at `address`; undefined for anything else. */
export function collectionKindAt(view: HeapView, address: Address): CollectionKind | undefined {
  switch (instanceTypeAt(view, address)) {
    case typeNumber(view.layout, 'JS_MAP'):
      return 'map';
    case typeNumber(view.layout, 'JS_SET'):
      return 'set';
    case typeNumber(view.layout, 'JS_WEAK_MAP'):
      return 'weakMap';
    case typeNumber(view.layout, 'JS_WEAK_SET'):
      return 'weakSet';
    default:
      return undefined;
  }
}

/** The table that is current: one that was replaced holds its successor where its count was (ordered-hash-table.h: NextTable). */
function currentTable(view: HeapView, table: Address): Address | undefined {
  let current: Address | undefined = table;
  for (let i = 0; current !== undefined && i < MAX_OBSOLETE; i++) {
    if (!isFixedArrayType(view.layout, instanceTypeAt(view, current))) return undefined;
    const first: Word = readWord(view, current + view.layout.at.fixedArrayData);
    if (first.lo === 0) return current;
    current = strongTarget(first.lo, first.hi);
  }
  return undefined;
}

function findTable(view: HeapView, address: Address): Address | undefined {
  const table = readTarget(view, objectStart(address) + view.layout.at.jsCollectionTable);
  return table === undefined ? undefined : currentTable(view, table);
}

/** The number of entries of the collection at `address`; undefined when there is none, or its table is damaged or absent. */
export function collectionSize(view: HeapView, address: Address): number | undefined {
  if (collectionKindAt(view, address) === undefined) return undefined;
  return tryRead(() => {
    const table = findTable(view, address);
    return table === undefined ? undefined : hashTableCount(view, table);
  });
}

function isHole(view: HeapView, word: Word): boolean {
  const target = strongTarget(word.lo, word.hi);
  return target !== undefined && oddballAt(view, target) === 'hole';
}

function visitOrdered(view: HeapView, table: Address, keyWords: number, visit: EntryVisitor): void {
  const length = readArrayLength(view, table);
  const data = table + view.layout.at.fixedArrayData;
  const live = readSmi(view, data);
  const deleted = readSmi(view, data + WORD_SIZE);
  const buckets = readSmi(view, data + 2 * WORD_SIZE);
  if (length === undefined || live === undefined || deleted === undefined || buckets === undefined || live < 0 || deleted < 0 || buckets < 0) return;
  const entryWords = keyWords + 1;
  const start = ORDERED_HEADER_WORDS + buckets;
  const end = Math.min(length, start + (live + deleted) * entryWords);
  for (let i = start; i + keyWords <= end; i += entryWords) {
    const key = readWord(view, data + i * WORD_SIZE);
    if (deleted > 0 && isHole(view, key)) continue;
    if (!visit(key, keyWords > 1 ? readWord(view, data + (i + 1) * WORD_SIZE) : undefined)) return;
  }
}

function visitEphemerons(view: HeapView, table: Address, withValues: boolean, visit: EntryVisitor): void {
  const length = readArrayLength(view, table) ?? 0;
  const data = table + view.layout.at.fixedArrayData;
  for (let i = EPHEMERON_START; i + PAIR_WORDS <= length; i += PAIR_WORDS) {
    const key = readWord(view, data + i * WORD_SIZE);
    const target = strongTarget(key.lo, key.hi);
    // Empty places hold undefined, removed ones the hole; neither can be a key.
    if (target === undefined || oddballAt(view, target) !== undefined) continue;
    if (!visit(key, withValues ? readWord(view, data + (i + 1) * WORD_SIZE) : undefined)) return;
  }
}

/**
 * Visits the entries of the collection at `address`: those of Map and Set in order of insertion, deleted ones left out.
 * @throws {FaultError} when a part of them is not in the core
 */
function forEachEntry(view: HeapView, address: Address, visit: EntryVisitor): void {
  const kind = collectionKindAt(view, address);
  const table = kind === undefined ? undefined : findTable(view, address);
  if (kind === undefined || table === undefined || findMapOf(view, table) === undefined) return;
  if (kind === 'map' || kind === 'set') visitOrdered(view, table, kind === 'map' ? 2 : 1, visit);
  else visitEphemerons(view, table, kind === 'weakMap', visit);
}

/** Entries of a collection, as many as were wanted. */
export interface EntryList {
  readonly entries: readonly CollectionEntry[];
  /** The collection's own count. */
  readonly total: number;
  readonly isDamaged: boolean;
}

/** Lists entries of the collection at `address`; undefined when there is none. Never throws for absent memory: see `isDamaged`. */
export function listEntries(view: HeapView, address: Address, limit: number): EntryList | undefined {
  if (collectionKindAt(view, address) === undefined) return undefined;
  const entries: CollectionEntry[] = [];
  const done = tryRead(() => {
    forEachEntry(view, address, (key, value) => {
      if (entries.length >= limit) return false;
      entries.push({ key, value });
      return entries.length < limit;
    });
    return true;
  });
  const total = collectionSize(view, address);
  return { entries, total: total ?? entries.length, isDamaged: done === undefined || total === undefined };
}
